//! Counts by name: what came, what went, and why something did not.

use std::collections::BTreeMap;

/// Counts since the node's start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    flow: [u64; Flow::ALL.len()],
    reasons: BTreeMap<&'static str, u64>,
}

/// What is counted of every message on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Accepted from clients attached here.
    Accepted,
    /// Came from neighbours.
    Received,
    /// Handed to neighbours.
    Forwarded,
    /// Handed to clients attached here.
    Delivered,
    /// Ended at this node itself.
    Answered,
    /// Errors made here for the sender of a message.
    Returned,
}

impl Flow {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Accepted, "accepted"),
        (Self::Received, "received"),
        (Self::Forwarded, "forwarded"),
        (Self::Delivered, "delivered"),
        (Self::Answered, "answered"),
        (Self::Returned, "returned"),
    ];
}

impl Counters {
    pub(super) fn count(&mut self, flow: Flow) {
        self.flow[flow as usize] += 1;
    }

    /// What was counted did not happen after all.
    pub(super) fn take_back(&mut self, flow: Flow) {
        let count = &mut self.flow[flow as usize];
        *count = count.saturating_sub(1);
    }

    /// Counts a message, or a peer, that was refused.
    pub(super) fn add(&mut self, reason: &'static str) {
        *self.reasons.entry(reason).or_default() += 1;
    }

    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        let flow = Flow::ALL.into_iter().map(|(flow, name)| (name, self.flow[flow as usize]));
        let reasons = self.reasons.iter().map(|(reason, count)| (*reason, *count));
        let counted = flow.filter(|(_, count)| *count > 0).chain(reasons);
        counted.map(|(name, count)| (name.to_owned(), count)).collect()
    }
}
