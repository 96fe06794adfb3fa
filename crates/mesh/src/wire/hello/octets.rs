//! 32 octets as MessagePack has octets: `bin 8`, not an array of integers.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(
    octets: &[u8; 32],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(octets)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<[u8; 32], D::Error> {
    struct Octets;
    impl Visitor<'_> for Octets {
        type Value = [u8; 32];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("32 octets")
        }

        fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Self::Value, E> {
            octets.try_into().map_err(|_| E::invalid_length(octets.len(), &self))
        }
    }
    deserializer.deserialize_bytes(Octets)
}
