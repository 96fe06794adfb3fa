//! What has become of all messages, by what each node counts.
//!
//! ```text
//!  sent + arrived_after_all
//!    = delivered + returned + in_doubt + superseded + counted    what has ended
//!    + waiting + under_way                                       what has not
//! ```
//!
//! It holds for one node and for the sum of many, at any moment. In a mesh that is quiet nothing waits and nothing is
//! under way. What was in doubt and has arrived all the same has ended twice, so it stands on the left too.

use std::collections::BTreeMap;
use std::iter::Sum;

use serde::Serialize;

use crate::wire::control::NodeStatus;

/// What has become of the messages of a mesh, or of one node, since its nodes started: messages of clients, and those
/// that nodes made themselves (errors, acknowledgements, copies for several, what was sent again).
///
/// A node that was killed has taken its counts along; then the others' alone do not say what was in its hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Ledger {
    /// Came from clients, or was made by nodes.
    pub sent: u64,
    /// Was handed to a client, or ended at the node that it was for.
    pub delivered: u64,
    /// Was given up under a reason, as its sender was told.
    pub returned: u64,
    /// Was on a link that died, so that nobody knows whether it has arrived, as its sender was told.
    pub in_doubt: u64,
    /// Copies of confirmed messages that were not needed, and words of such copies: the message went again, or its end was
    /// known.
    pub superseded: u64,
    /// Was given up under a reason that nobody was told: errors that could not be delivered, what an impaired link lost.
    pub counted: u64,
    /// Waits at a node.
    pub waiting: u64,
    /// Has left one node, and has not come to the next; of one node alone, what it has passed on of its own.
    pub under_way: u64,
    /// Came back from a link that died, to be in doubt or sent again, and had arrived; of one node alone, what it has
    /// taken over from others. While messages are under way it is less by those.
    pub arrived_after_all: u64,
    /// What is none of these: 0, or a node has lost sight of a message.
    pub unaccounted: i64,
}

impl Ledger {
    /// The ledger of one node.
    #[must_use]
    pub fn of(status: &NodeStatus) -> Self {
        [status].into_iter().sum()
    }

    /// Whether every message is somewhere.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.unaccounted == 0
    }

    /// Whether every message has ended.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.waiting == 0 && self.under_way == 0
    }
}

impl<'a> Sum<&'a NodeStatus> for Ledger {
    fn sum<I: Iterator<Item = &'a NodeStatus>>(statuses: I) -> Self {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let mut waiting = 0;
        for status in statuses {
            waiting += status.waiting;
            for (name, count) in &status.counters {
                *counts.entry(name).or_default() += count;
            }
        }
        let count = |name: &str| counts.get(name).copied().unwrap_or_default();
        let sent = count("accepted") + count("made");
        let delivered = count("delivered") + count("answered");
        let (returned, in_doubt) = (count("returned"), count("doubtful"));
        let (superseded, counted) = (count("superseded"), count("dropped"));
        let (passed_on, come) = (count("forwarded"), count("received") + count("recalled"));
        let under_way = passed_on.saturating_sub(come);
        let arrived_after_all = come.saturating_sub(passed_on);
        let left = i128::from(sent) + i128::from(arrived_after_all);
        let ended = [delivered, returned, in_doubt, superseded, counted].map(i128::from);
        let open = [waiting, under_way].map(i128::from);
        let unaccounted = left - ended.iter().chain(&open).sum::<i128>();
        Self {
            sent,
            delivered,
            returned,
            in_doubt,
            superseded,
            counted,
            waiting,
            under_way,
            arrived_after_all,
            unaccounted: i64::try_from(unaccounted).unwrap_or(i64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::NodeName;

    fn status(waiting: u64, counters: &[(&str, u64)]) -> NodeStatus {
        NodeStatus {
            mesh: "m".to_owned(),
            node: NodeName::parse("a").unwrap(),
            incarnation: 1,
            uptime_ms: 0,
            revision: String::new(),
            attachments: String::new(),
            draining: false,
            pending: 0,
            waiting,
            kept: 0,
            namesakes: Vec::new(),
            reachable: Vec::new(),
            links: Vec::new(),
            clients: Vec::new(),
            counters: counters.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        }
    }

    #[test]
    fn what_is_between_two_nodes_is_under_way() {
        let a = status(1, &[("accepted", 5), ("forwarded", 4)]);
        let b = status(
            0,
            &[("received", 3), ("delivered", 2), ("returned", 1), ("made", 1), ("dropped", 1)],
        );
        assert_eq!((Ledger::of(&a).unaccounted, Ledger::of(&b).unaccounted), (0, 0));
        let both: Ledger = [&a, &b].into_iter().sum();
        assert_eq!((both.sent, both.delivered, both.returned), (6, 2, 1));
        assert_eq!((both.waiting, both.under_way, both.arrived_after_all), (1, 1, 0));
        assert!(both.is_balanced() && !both.is_quiet());
    }

    #[test]
    fn what_is_in_doubt_and_has_arrived_has_ended_twice() {
        let a = status(
            0,
            &[
                ("accepted", 2),
                ("forwarded", 2),
                ("recalled", 1),
                ("doubtful", 1),
                ("made", 1),
                ("delivered", 1),
            ],
        );
        let b = status(0, &[("received", 2), ("delivered", 2)]);
        let both: Ledger = [&a, &b].into_iter().sum();
        assert_eq!((both.in_doubt, both.arrived_after_all, both.under_way), (1, 1, 0));
        assert!(both.is_balanced() && both.is_quiet());
    }

    #[test]
    fn a_message_that_is_nowhere_is_found_out() {
        let lost = status(0, &[("accepted", 2), ("delivered", 1)]);
        assert_eq!(Ledger::of(&lost).unaccounted, 1);
        assert!(!Ledger::of(&lost).is_balanced());
        let twice = status(0, &[("accepted", 1), ("delivered", 2)]);
        assert_eq!(Ledger::of(&twice).unaccounted, -1);
    }
}
