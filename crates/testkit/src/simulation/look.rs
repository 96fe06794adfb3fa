//! What a test may ask of the nodes.

use std::collections::HashMap;

use bytes::Bytes;
use hopline_mesh::brain::Event;
use hopline_mesh::ledger::Ledger;
use hopline_mesh::wire::control::{NodeStatus, RouteLine};
use hopline_mesh::wire::{Kind, Prefix};

use super::{Simulation, node_name};

/// How much other nodes have said to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Messages of any kind,
    pub messages: u64,
    /// and all their bytes.
    pub bytes: u64,
    /// Those among them that were link state,
    pub floods: u64,
    /// and their bytes.
    pub flood_bytes: u64,
}

impl Heard {
    pub(super) fn add(&mut self, frames: &[Bytes]) {
        let bytes = frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
        self.messages += 1;
        self.bytes += bytes;
        let prefix = frames.first().map(|frame| Prefix::read(frame));
        if matches!(prefix, Some(Ok(prefix)) if prefix.kind == Kind::LinkState) {
            self.floods += 1;
            self.flood_bytes += bytes;
        }
    }
}

impl Simulation {
    /// What a node says of itself, if it runs.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<NodeStatus> {
        let node = self.nodes.get(&node_name(name))?;
        Some(node.brain.as_ref()?.status(self.time(), &|_| true))
    }

    /// A node's routing table, if it runs.
    #[must_use]
    pub fn routes(&self, name: &str) -> Option<Vec<RouteLine>> {
        let node = self.nodes.get(&node_name(name))?;
        Some(node.brain.as_ref()?.route_lines())
    }

    /// How many connections are open between two nodes, by name. One of them is the link, where there is one.
    #[must_use]
    pub fn connections(&self, a: &str, b: &str) -> usize {
        let b = node_name(b);
        self.pipes_at(&node_name(a), |pipe| !pipe.closed && pipe.joins_node(&b)).len()
    }

    /// A count of a node that runs, by name.
    #[must_use]
    pub fn count(&self, name: &str, counter: &str) -> u64 {
        let status = self.status(name);
        let count = status.and_then(|status| status.counters.get(counter).copied());
        count.unwrap_or_default()
    }

    /// How much a node that runs keeps of anything, in no unit: the length of all of it, written out.
    #[must_use]
    pub fn kept(&self, name: &str) -> usize {
        let brain = self.nodes.get(&node_name(name)).and_then(|node| node.brain.as_ref());
        brain.map_or(0, |brain| format!("{brain:?}").len())
    }

    /// What has become of all messages: the sum over all nodes, those that have ended included.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.all_statuses().iter().sum()
    }

    /// Holds a mesh that is quiet, and in which no node was killed, to its ledger: every message has ended, and none
    /// twice but some of those that came back from links that died.
    ///
    /// # Panics
    /// Where that is not so.
    pub fn assert_ledger_is_even(&self) {
        let (ledger, statuses) = (self.ledger(), self.all_statuses());
        let recalled = statuses.iter().filter_map(|status| status.counters.get("recalled"));
        let recalled: u64 = recalled.sum();
        assert!(ledger.is_balanced() && ledger.is_quiet(), "{ledger:?}");
        assert!(ledger.arrived_after_all <= recalled, "{recalled} were recalled: {ledger:?}");
    }

    /// What each node says now, or said when it ended.
    fn all_statuses(&self) -> Vec<NodeStatus> {
        let now = self.time();
        let running = self.nodes.values().filter_map(|node| node.brain.as_ref());
        let running = running.map(|brain| brain.status(now, &|_| true));
        let past = self.nodes.values().flat_map(|node| node.past.iter().cloned());
        past.chain(running).collect()
    }

    /// How much other nodes have said to a node since it was added.
    #[must_use]
    pub fn heard(&self, name: &str) -> Heard {
        self.nodes.get(&node_name(name)).map_or(Heard::default(), |node| node.heard)
    }

    /// The names of the nodes that run, in order.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let running = self.nodes.iter().filter(|(_, node)| node.brain.is_some());
        running.map(|(name, _)| name.to_string()).collect()
    }

    /// Whether every node knows the same as every node that it can reach: the same revision, the
    /// same attachments, and no flood unacknowledged.
    #[must_use]
    pub fn converged(&self) -> bool {
        let running = self.running();
        let statuses = running.iter().filter_map(|name| self.status(name));
        let statuses: HashMap<_, _> =
            statuses.map(|status| (status.node.clone(), status)).collect();
        statuses.values().all(|status| {
            status.pending == 0
                && status.reachable.iter().all(|node| {
                    statuses.get(node).is_some_and(|other| {
                        other.revision == status.revision && other.attachments == status.attachments
                    })
                })
        })
    }

    /// Whether messages pass between two nodes, as both of them see it.
    #[must_use]
    pub fn is_linked(&self, a: &str, b: &str) -> bool {
        let sees = |a: &str, b: &str| {
            self.status(a).is_some_and(|status| {
                let mut links = status.links.iter();
                links.any(|link| link.neighbour.as_str() == b && link.up)
            })
        };
        sees(a, b) && sees(b, a)
    }

    /// How often a node has said that it refused a neighbour, or was refused, for this reason.
    #[must_use]
    pub fn refusals(&self, name: &str, why: &str) -> usize {
        let refused =
            |event: &Event| matches!(event, Event::LinkRefused { reason, .. } if *reason == why);
        let events = self.events(name).iter();
        events.filter(|(_, event)| refused(event)).count()
    }
}
