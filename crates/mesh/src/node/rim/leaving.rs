//! A node that was told to end: how long it may take, and which clients it waits for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hopline_core::PeerId;

use super::Rim;
use crate::node::clock::Clock;

/// How long the node may take to leave, while anything moves,
pub(super) const LEAVES: Duration = Duration::from_millis(7500);
/// how long clients have meanwhile to take what they were handed,
const HANDS_OVER: Duration = Duration::from_secs(7);
/// how often it is looked whether each of them has taken something,
const LOOK: Duration = Duration::from_secs(2);
/// and when it ends whatever is left.
const ENDS: Duration = Duration::from_secs(8);

/// A node that was told to end, and when what is over.
pub(super) struct Leaving {
    hands_over: Instant,
    ends: Instant,
    /// When it is looked next which clients take what they were handed,
    look: Instant,
    /// and what was next for each of them when it was looked last.
    seen: BTreeMap<PeerId, u64>,
}

impl Leaving {
    pub(super) fn begin(now: Duration, clock: &Clock) -> Self {
        Self {
            hands_over: clock.at(now + HANDS_OVER),
            ends: clock.at(now + ENDS),
            look: clock.at(now + LOOK),
            seen: BTreeMap::new(),
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.look.min(self.ends)
    }

    /// The clients that have taken nothing since it was looked last, by what is next for each.
    fn idle(&mut self, next: BTreeMap<PeerId, u64>) -> Vec<PeerId> {
        let idle = next.iter().filter(|(peer, next)| self.seen.get(peer) == Some(next));
        let idle = idle.map(|(peer, _)| *peer).collect();
        self.seen = next;
        idle
    }
}

impl Rim {
    /// Whether the node may end. Clients that do not take what they were handed are closed before, so that it
    /// goes back to its senders.
    pub(super) fn has_left(&mut self, leaving: &mut Leaving) -> bool {
        if self.clock.has_passed(leaving.look) {
            let is_over = self.clock.has_passed(leaving.hands_over);
            let again = self.clock.at(self.clock.now().since_start + LOOK);
            leaving.look = if is_over { leaving.ends } else { again.min(leaving.hands_over) };
            let next = self.deliveries.next();
            let late = if is_over { next.into_keys().collect() } else { leaving.idle(next) };
            for peer in late {
                self.sockets.router.close(peer);
            }
        }
        let is_done = self.brain.has_left() && self.deliveries.is_empty();
        is_done || self.clock.has_passed(leaving.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_idle_when_what_was_next_for_it_still_is() {
        let mut leaving = Leaving::begin(Duration::ZERO, &Clock::start());
        let [slow, idle, late] = [1, 2, 3].map(PeerId::from_number);
        assert_eq!(leaving.idle(BTreeMap::from([(slow, 1), (idle, 1)])), []);
        assert_eq!(leaving.idle(BTreeMap::from([(slow, 2), (idle, 1), (late, 7)])), [idle]);
        assert_eq!(leaving.idle(BTreeMap::from([(late, 7)])), [late]);
        assert_eq!(leaving.idle(BTreeMap::from([(slow, 2)])), [], "it was done in between");
    }
}
