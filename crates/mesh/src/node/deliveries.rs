//! What clients were sent and has not gone out to them yet, so that it can be given back.
//!
//! A socket takes a message into its queue and says later how many went out to the peer whole. When the
//! connection ends, those that did not are the last ones taken: they go back to their senders.

use std::collections::{BTreeMap, HashMap, VecDeque};

use hopline_core::{Frames, PeerId};

use crate::brain::{Original, Receipt};

/// How many deliveries of a client are kept before it is looked which of them have gone out.
const LOOK_AT: usize = 32;

/// The deliveries of all clients that have not gone out, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    peers: HashMap<PeerId, Ledger>,
    /// Receipts of what has gone out, until they are given back.
    gone: Vec<Receipt>,
    /// How many receipts are still to come.
    asking: usize,
}

/// A delivery that may have to be given back: in the client's form, or as it came.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) frames: Frames,
    pub(super) original: Option<Original>,
    /// Asks to be told when it has gone out.
    pub(super) receipt: Option<Receipt>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// How many messages the peer's socket has taken.
    taken: u64,
    /// Deliveries among them by their number, the first taken being 1.
    kept: VecDeque<(u64, Kept)>,
}

impl Deliveries {
    /// A peer's socket took a message that is nobody's loss.
    pub(super) fn took(&mut self, peer: PeerId) {
        self.peers.entry(peer).or_default().taken += 1;
    }

    /// A peer's socket took a delivery. `passed` says how many have gone out, where that is asked.
    pub(super) fn delivered(&mut self, peer: PeerId, kept: Kept, passed: impl FnOnce() -> u64) {
        let ledger = self.peers.entry(peer).or_default();
        ledger.taken += 1;
        self.asking += usize::from(kept.receipt.is_some());
        ledger.kept.push_back((ledger.taken, kept));
        if ledger.kept.len() >= LOOK_AT {
            ledger.forget(passed(), &mut self.gone);
        }
    }

    /// Forgets what has gone out. Says whether anything is left, and the receipts of what is gone.
    pub(super) fn tidy(&mut self, passed: impl Fn(PeerId) -> u64) -> (bool, Vec<Receipt>) {
        let mut left = false;
        for (peer, ledger) in self.peers.iter_mut().filter(|(_, ledger)| !ledger.kept.is_empty()) {
            ledger.forget(passed(*peer), &mut self.gone);
            left |= !ledger.kept.is_empty();
        }
        self.asking -= self.gone.len();
        (left, std::mem::take(&mut self.gone))
    }

    /// Whether anybody asks to be told when something has gone out.
    pub(super) fn is_asked(&self) -> bool {
        self.asking > 0
    }

    /// Whether all deliveries have gone out.
    pub(super) fn is_empty(&self) -> bool {
        self.peers.values().all(|ledger| ledger.kept.is_empty())
    }

    /// The number of the first delivery that has not gone out, for each peer that has one.
    pub(super) fn next(&self) -> BTreeMap<PeerId, u64> {
        let next = |(peer, ledger): (&PeerId, &Ledger)| Some((*peer, ledger.kept.front()?.0));
        self.peers.iter().filter_map(next).collect()
    }

    /// The connection has ended: what never went out, oldest first.
    pub(super) fn ended(
        &mut self,
        peer: PeerId,
        passed: u64,
    ) -> impl Iterator<Item = Kept> + use<> {
        let mut ledger = self.peers.remove(&peer).unwrap_or_default();
        ledger.forget(passed, &mut self.gone);
        let asking = ledger.kept.iter().filter(|(_, kept)| kept.receipt.is_some()).count();
        self.asking -= asking;
        ledger.kept.into_iter().map(|(_, kept)| kept)
    }
}

impl Ledger {
    fn forget(&mut self, passed: u64, gone: &mut Vec<Receipt>) {
        while let Some((_, kept)) = self.kept.pop_front_if(|(number, _)| *number <= passed) {
            gone.extend(kept.receipt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &'static str) -> Kept {
        Kept { frames: vec![text.into()], original: None, receipt: None }
    }

    #[test]
    fn what_did_not_go_out_is_given_back_in_order() {
        let (mut deliveries, peer) = (Deliveries::default(), PeerId::from_number(1));
        deliveries.took(peer);
        for text in ["a", "b", "c"] {
            deliveries.delivered(peer, kept(text), || 0);
        }
        assert!(deliveries.tidy(|_| 2).0, "`a` went out behind what is nobody's loss");
        let back: Vec<_> = deliveries.ended(peer, 2).map(|kept| kept.frames).collect();
        assert_eq!(back, [["b"], ["c"]]);
        assert_eq!(deliveries.ended(peer, 0).count(), 0);
    }

    #[test]
    fn what_has_gone_out_is_not_kept() {
        let (mut deliveries, peer) = (Deliveries::default(), PeerId::from_number(1));
        for number in 0..1000 {
            deliveries.delivered(peer, kept("x"), || number);
        }
        assert!(deliveries.peers[&peer].kept.len() <= LOOK_AT);
        assert!(!deliveries.tidy(|_| 1000).0);
    }
}
