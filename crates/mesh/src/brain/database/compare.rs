//! What two nodes compare to know whether they know the same, and when a node is forgotten.
//!
//! ```text
//!  reached:      counts in the digest, told to neighbours
//!  not reached:  no part of the digest; for a while told to neighbours; after a minute forgotten
//! ```
//!
//! Nodes forget at different times. What is about to be forgotten is told to nobody, so that it does not come back
//! from a neighbour that forgets later.

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Database, Known};
use crate::name::NodeName;
use crate::wire::link_state::{Age, Held, Summary};

/// What has not been reached for longer is not told any more. A small part of the time after which it is forgotten.
const TOLD: Duration = Duration::from_secs(5);

/// What the other side of a comparison lacks, and what this one does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::brain) struct Differences {
    /// Of these they are behind, and have this old a word of the links and of the attachments.
    pub(in crate::brain) theirs: Vec<Held>,
    /// Of these this node is behind.
    pub(in crate::brain) ours: Vec<NodeName>,
}

impl Known {
    pub(super) fn ages(&self) -> (Option<Age>, Option<Age>) {
        let links = self.adjacency.as_ref().map(|it| it.age);
        (links, self.attached.as_ref().map(|it| it.age))
    }

    fn held(&self, origin: &NodeName) -> Held {
        let (links, names) = self.ages();
        let origin = origin.clone();
        Held { origin, links: links.unwrap_or_default(), names: names.unwrap_or_default() }
    }

    /// Takes the digest of the ages anew.
    pub(super) fn digest(&mut self, origin: &NodeName) {
        let (links, names) = self.ages();
        let mut digest = Sha256::new_with_prefix(origin.as_str());
        for age in [links.unwrap_or_default(), names.unwrap_or_default()] {
            digest.update(age.incarnation.to_le_bytes());
            digest.update(age.sequence.to_le_bytes());
        }
        let octets: [u8; 32] = digest.finalize().into();
        let (first, _) = octets.split_first_chunk().unwrap_or((&[0; 8], &[]));
        self.digest = u64::from_le_bytes(*first);
    }
}

impl Database {
    /// A digest of what is known of the nodes that are reached: the same at two nodes that know the same.
    pub(in crate::brain) fn digest(&self) -> u64 {
        let all = self.nodes.values().fold(0, |all, known| all ^ known.digest);
        let lost = self.lost.keys().filter_map(|origin| self.nodes.get(origin));
        lost.fold(all, |all, known| all ^ known.digest)
    }

    /// How old what is known is.
    pub(in crate::brain) fn summary(&self, now: Duration) -> Summary {
        let told = self.nodes.iter().filter(|(origin, _)| self.is_told(origin, now));
        let known = told.map(|(origin, known)| known.held(origin));
        Summary { whole: true, known: known.collect() }
    }

    /// How old what is known of these nodes is.
    pub(in crate::brain) fn held(&self, origins: impl IntoIterator<Item = NodeName>) -> Summary {
        let held = |origin: NodeName| match self.nodes.get(&origin) {
            Some(known) => known.held(&origin),
            None => Held { origin, links: Age::default(), names: Age::default() },
        };
        Summary { whole: false, known: origins.into_iter().map(held).collect() }
    }

    /// Where a neighbour's summary differs from what is known here.
    pub(in crate::brain) fn compare(&self, theirs: &Summary, now: Duration) -> Differences {
        let mut differences = Differences::default();
        for held in &theirs.known {
            let (links, names) = self.ages(&held.origin);
            let (links, names) = (links.unwrap_or_default(), names.unwrap_or_default());
            if links > held.links || names > held.names {
                differences.theirs.push(held.clone());
            }
            if theirs.whole && (held.links > links || held.names > names) {
                differences.ours.push(held.origin.clone());
            }
        }
        if theirs.whole {
            let listed: BTreeSet<_> = theirs.known.iter().map(|held| &held.origin).collect();
            let unlisted = self
                .nodes
                .iter()
                .filter(|(origin, _)| self.is_told(origin, now) && !listed.contains(origin));
            let nothing = |origin: &NodeName| Held {
                origin: origin.clone(),
                links: Age::default(),
                names: Age::default(),
            };
            differences.theirs.extend(unlisted.map(|(origin, _)| nothing(origin)));
        }
        differences
    }

    /// Notes which nodes are reached.
    pub(in crate::brain) fn reach(
        &mut self,
        now: Duration,
        is_reached: impl Fn(&NodeName) -> bool,
    ) {
        for origin in self.nodes.keys() {
            if is_reached(origin) {
                self.lost.remove(origin);
            } else {
                self.lost.entry(origin.clone()).or_insert(now);
            }
        }
        self.longest_lost = self.lost.values().min().copied();
    }

    /// Since when a node has not been reached; none where it is, or nothing is known of it.
    pub(in crate::brain) fn lost_since(&self, node: &NodeName) -> Option<Duration> {
        self.lost.get(node).copied()
    }

    /// Since when the node has not been reached that has not been for longest.
    pub(in crate::brain) fn lost(&self) -> Option<Duration> {
        self.longest_lost
    }

    /// Forgets the nodes that have not been reached since then. Says whether there were any.
    pub(in crate::brain) fn forget(&mut self, then: Duration) -> bool {
        let over = self.lost.extract_if(.., |_, since| *since <= then);
        let over: Vec<_> = over.map(|(origin, _)| origin).collect();
        if over.is_empty() {
            return false;
        }
        for origin in &over {
            self.nodes.remove(origin);
        }
        self.longest_lost = self.lost.values().min().copied();
        let words = self.nodes.values().filter_map(|known| known.adjacency.as_ref());
        let linked = words.flat_map(|word| word.links.iter().map(|link| &link.node));
        self.names = self.nodes.keys().chain(linked).cloned().collect();
        true
    }

    fn is_told(&self, origin: &NodeName, now: Duration) -> bool {
        self.lost.get(origin).is_none_or(|since| *since + TOLD > now)
    }
}
