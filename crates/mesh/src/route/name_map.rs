//! Maps that are asked by name, several times for each message.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::name::NodeName;

/// A map that is asked by name. It is for asking only: the order of its entries is not fixed.
pub type NameMap<K, V> = HashMap<K, V, NameState>;

/// From a node's name to its place in the sorted list of names.
pub(super) type NameIndex = NameMap<NodeName, u32>;

/// Hashes short names in a few nanoseconds, with a secret of its own for each map.
///
/// A stranger who does not know the secret cannot choose names that collide. It is no
/// cryptographic hash and its values mean nothing outside their map.
#[derive(Debug, Clone)]
pub struct NameState {
    secret: u64,
}

impl Default for NameState {
    fn default() -> Self {
        let secret = RandomState::new().hash_one(0);
        Self { secret }
    }
}

impl BuildHasher for NameState {
    type Hasher = NameHasher;
    fn build_hasher(&self) -> NameHasher {
        NameHasher(self.secret)
    }
}

/// The hasher of a [`NameMap`]: folds in eight bytes with one multiplication.
#[derive(Debug, Clone)]
pub struct NameHasher(u64);

impl NameHasher {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let rest = rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
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
        let names: Vec<_> = (0..2000)
            .map(|n| NodeName::parse(&format!("rack{}.node{n}", n % 7)).unwrap())
            .collect();
        let index: NameIndex = names.iter().cloned().zip(0..).collect();
        for (place, name) in (0..).zip(&names) {
            assert_eq!(index.get(name.as_str()), Some(&place));
        }
        assert_eq!(index.get("rack1.node2000"), None);
    }

    #[test]
    fn names_that_differ_hash_apart() {
        let state = NameState::default();
        let hashes: std::collections::HashSet<_> =
            (0..100_000).map(|n| state.hash_one(format!("node{n}").as_str())).collect();
        assert_eq!(hashes.len(), 100_000);
    }
}
