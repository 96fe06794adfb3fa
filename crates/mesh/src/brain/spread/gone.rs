//! Nodes that a message to several waits for, and that no way leads to any more: they have left, are dead, silent, or
//! parted from here.
//!
//! ```text
//!  a way leads to it --> waited for until it answers, or the message's time is over
//!                 no way -----+---> a way again: as before; what is `confirmed` is sent again
//!                             +---> none for as long as a link may be silent: missing
//! ```
//!
//! In that time a link that has broken comes back, if it can, and the news of a detour has gone round. A message to one
//! (`confirmed`) waits its whole time for a node that is gone: its sender has nobody else to be told of.

use super::{Brain, Duration, Key, Now, confirmed};
use crate::name::NodeName;

impl Brain {
    /// The routes have changed: what was not heard of may have another way now, or none.
    pub(in crate::brain) fn respread(&mut self, now: Now) {
        let again = now.since_start + confirmed::ROUTES_CHANGED;
        for key in self.spreads.open.keys().cloned().collect::<Vec<_>>() {
            self.look_for_gone(&key);
            if let Some(spread) = self.spreads.open.get_mut(&key) {
                spread.again = spread.again.map(|before| before.min(again));
            }
        }
    }

    /// Works out when the first of those that a message waits for is given up.
    pub(super) fn look_for_gone(&mut self, key: &Key) {
        let spread = self.spreads.open.get(key);
        let waited_for = spread.into_iter().flat_map(|spread| &spread.waited_for);
        let gone = waited_for.filter_map(|node| self.given_up(node)).min();
        if let Some(spread) = self.spreads.open.get_mut(key) {
            spread.gone = gone;
        }
    }

    /// When a node that no way leads to is given up.
    fn given_up(&self, node: &NodeName) -> Option<Duration> {
        let since = || self.database.lost_since(node).unwrap_or_default();
        let is_lost = !self.tables.table.reaches(node);
        is_lost.then(|| since() + self.config.settings.liveness.silence)
    }

    /// Waits no longer for nodes that no way has led to for long.
    pub(super) fn give_up_gone(&mut self, now: Now, key: &Key) {
        let spread = self.spreads.open.get(key).filter(|spread| spread.gone.is_some());
        let waited_for = spread.into_iter().flat_map(|spread| &spread.waited_for);
        let is_over =
            |node: &&NodeName| self.given_up(node).is_some_and(|it| it <= now.since_start);
        let over: Vec<_> = waited_for.filter(is_over).cloned().collect();
        if let Some(spread) = self.spreads.open.get_mut(key) {
            over.iter().for_each(|node| spread.give_up(node));
        }
        self.look_for_gone(key);
    }
}
