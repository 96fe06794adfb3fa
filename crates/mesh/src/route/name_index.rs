//! A table from node names to their places in a sorted list, quick to ask.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::name::NodeName;

/// From a node's name to its place in the sorted list of names.
///
/// Its keys are names of nodes that proved to belong to the mesh, never names of strangers, so its
/// hash may be quick rather than safe from chosen collisions.
#[derive(Debug, Clone, Default)]
pub(super) struct NameIndex(HashMap<NodeName, u32, BuildHasherDefault<NameHasher>>);

impl NameIndex {
    pub(super) fn new(sorted: &[NodeName]) -> Self {
        Self(sorted.iter().cloned().zip(0..).collect())
    }

    pub(super) fn place(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }
}

/// Multiplies and folds eight bytes at a time.
#[derive(Debug, Clone, Default)]
struct NameHasher(u64);

impl NameHasher {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let rest = rest
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte));
        self.mix(rest ^ (bytes.len() as u64) << 56);
    }

    /// `str` ends its bytes with a mark; their length has been mixed in already.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_at_its_place_and_no_other_is() {
        let mut names: Vec<_> = (0..2000)
            .map(|n| NodeName::parse(&format!("rack{}.node{n}", n % 7)).unwrap())
            .collect();
        names.sort();
        let index = NameIndex::new(&names);
        for (place, name) in (0..).zip(&names) {
            assert_eq!(index.place(name.as_str()), Some(place));
        }
        assert_eq!(index.place("rack1.node2000"), None);
    }
}
