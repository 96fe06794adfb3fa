//! Counts by name: what came, what went, and why something did not.
//!
//! Every routed message that is at a node has come in one of four ways, and leaves in one of six, so at any
//! moment
//!
//! ```text
//!   accepted + received + made + recalled
//!     = forwarded + delivered + answered + returned + doubtful + dropped + what waits here
//! ```
//!
//! It holds for the whole mesh too: [`crate::ledger`].

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
    /// Came from clients attached here.
    Accepted,
    /// Came from neighbours.
    Received,
    /// Made here: errors, answers, copies, what is sent again.
    Made,
    /// Came back from a link that died before they were acknowledged.
    Recalled,
    /// Handed to neighbours.
    Forwarded,
    /// Handed to clients attached here.
    Delivered,
    /// Ended at this node itself.
    Answered,
    /// Ended here, under a reason that their senders are told.
    Returned,
    /// Ended here because a link died before it was known whether they had arrived, as their senders are told.
    Doubtful,
    /// Copies of confirmed messages that ended here, and words of such copies: the message goes again, or its end is known.
    Superseded,
    /// Ended here, under a reason that nobody is told: errors and acknowledgements that could not be delivered, and what an
    /// impaired link lost.
    Dropped,
}

impl Flow {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Accepted, "accepted"),
        (Self::Received, "received"),
        (Self::Made, "made"),
        (Self::Recalled, "recalled"),
        (Self::Forwarded, "forwarded"),
        (Self::Delivered, "delivered"),
        (Self::Answered, "answered"),
        (Self::Returned, "returned"),
        (Self::Doubtful, "doubtful"),
        (Self::Superseded, "superseded"),
        (Self::Dropped, "dropped"),
    ];

    /// Whether a message comes this way; the others are ways that it leaves.
    fn comes(self) -> bool {
        match self {
            Self::Accepted | Self::Received | Self::Made | Self::Recalled => true,
            Self::Forwarded
            | Self::Delivered
            | Self::Answered
            | Self::Returned
            | Self::Doubtful
            | Self::Superseded
            | Self::Dropped => false,
        }
    }
}

impl Counters {
    pub(super) fn count(&mut self, flow: Flow) {
        self.flow[flow as usize] += 1;
    }

    /// So many at once.
    pub(super) fn add_to(&mut self, flow: Flow, count: u64) {
        self.flow[flow as usize] += count;
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

    /// How many messages have come and not left.
    pub(super) fn here(&self) -> i128 {
        let ways = Flow::ALL.iter().map(|(flow, _)| {
            let count = i128::from(self.flow[*flow as usize]);
            if flow.comes() { count } else { -count }
        });
        ways.sum()
    }

    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        let flow = Flow::ALL.into_iter().map(|(flow, name)| (name, self.flow[flow as usize]));
        let reasons = self.reasons.iter().map(|(reason, count)| (*reason, *count));
        let counted = flow.filter(|(_, count)| *count > 0).chain(reasons);
        counted.map(|(name, count)| (name.to_owned(), count)).collect()
    }
}
