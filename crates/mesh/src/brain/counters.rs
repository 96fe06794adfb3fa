//! Counts by name: what came, what went, and why something did not.

use std::collections::BTreeMap;

/// Counts since the node's start, by name.
#[derive(Debug, Default)]
pub(super) struct Counters(BTreeMap<&'static str, u64>);

/// Messages accepted from clients attached here.
pub(super) const ACCEPTED: &str = "accepted";
/// Messages that came from neighbours.
pub(super) const RECEIVED: &str = "received";
/// Messages handed to neighbours.
pub(super) const FORWARDED: &str = "forwarded";
/// Messages handed to clients attached here.
pub(super) const DELIVERED: &str = "delivered";
/// Messages that ended at this node itself.
pub(super) const ANSWERED: &str = "answered";
/// Errors made here for the sender of a message.
pub(super) const RETURNED: &str = "returned";

impl Counters {
    pub(super) fn add(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    /// What was counted did not happen after all.
    pub(super) fn take_back(&mut self, name: &'static str) {
        if let Some(count) = self.0.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }

    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        self.0
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }
}
