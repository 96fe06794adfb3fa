//! What stands behind the prefix: a MessagePack map with integer keys, read at the two ends only.

use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MessageId, WireError};
use crate::name::NodeName;

const DEADLINE: u64 = 1;
const CORRELATION: u64 = 2;
const CONTENT_TYPE: u64 = 3;
const REASON: u64 = 4;
const NODE: u64 = 5;
const DESTINATION: u64 = 6;
const RECIPIENTS: u64 = 7;
const MISSING: u64 = 8;

/// The rest of a message's header. Keys that this version does not know are carried along unread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail {
    /// Key 1: when the sender gives up, in Unix milliseconds.
    pub deadline: Option<u64>,
    /// Key 2: the message that this one answers; of a probe, the message whose way it asks for.
    pub correlation: Option<MessageId>,
    /// Key 3: the media type of the payload.
    pub content_type: Option<String>,
    /// Key 4: why a message was not delivered, in an error.
    pub reason: Option<String>,
    /// Key 5: the node that says so, in an error.
    pub node: Option<String>,
    /// Key 6: where the message was to go, in an error.
    pub destination: Option<String>,
    /// Key 7: how many clients a message to several was handed to, in an ack.
    pub recipients: Option<u32>,
    /// Key 8: the nodes that a message to several did not reach, in an ack or an error.
    pub missing: Vec<NodeName>,
}

impl Tail {
    /// Reads the map; no bytes at all are an empty map.
    ///
    /// # Errors
    /// [`WireError::Pack`] where the bytes are no such map.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        rmp_serde::from_slice(bytes).map_err(|_| WireError::Pack("header"))
    }

    /// Writes the map; an empty one is no bytes at all.
    #[must_use]
    pub fn write(&self) -> Bytes {
        if *self == Self::default() {
            return Bytes::new();
        }
        rmp_serde::to_vec(self).map(Bytes::from).unwrap_or_default()
    }
}

impl Serialize for Tail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            deadline,
            correlation,
            content_type,
            reason,
            node,
            destination,
            recipients,
            missing,
        } = self;
        let length = usize::from(deadline.is_some())
            + usize::from(correlation.is_some())
            + usize::from(content_type.is_some())
            + usize::from(reason.is_some())
            + usize::from(node.is_some())
            + usize::from(destination.is_some())
            + usize::from(recipients.is_some())
            + usize::from(!missing.is_empty());
        let mut map = serializer.serialize_map(Some(length))?;
        if let Some(deadline) = deadline {
            map.serialize_entry(&DEADLINE, deadline)?;
        }
        if let Some(MessageId { incarnation, counter }) = correlation {
            map.serialize_entry(&CORRELATION, &(incarnation, counter))?;
        }
        if let Some(content_type) = content_type {
            map.serialize_entry(&CONTENT_TYPE, content_type)?;
        }
        if let Some(reason) = reason {
            map.serialize_entry(&REASON, reason)?;
        }
        if let Some(node) = node {
            map.serialize_entry(&NODE, node)?;
        }
        if let Some(destination) = destination {
            map.serialize_entry(&DESTINATION, destination)?;
        }
        if let Some(recipients) = recipients {
            map.serialize_entry(&RECIPIENTS, recipients)?;
        }
        if !missing.is_empty() {
            map.serialize_entry(&MISSING, missing)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Tail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Tail;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map with integer keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tail, A::Error> {
                let mut tail = Tail::default();
                while let Some(key) = map.next_key::<u64>()? {
                    match key {
                        DEADLINE => tail.deadline = Some(map.next_value()?),
                        CORRELATION => {
                            let (incarnation, counter) = map.next_value()?;
                            tail.correlation = Some(MessageId { incarnation, counter });
                        }
                        CONTENT_TYPE => tail.content_type = Some(map.next_value()?),
                        REASON => tail.reason = Some(map.next_value()?),
                        NODE => tail.node = Some(map.next_value()?),
                        DESTINATION => tail.destination = Some(map.next_value()?),
                        RECIPIENTS => tail.recipients = Some(map.next_value()?),
                        MISSING => tail.missing = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(tail)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_keys_are_passed_over() {
        let foreign = std::collections::BTreeMap::from([(5u64, "east"), (4711, "later")]);
        let tail = Tail::read(&rmp_serde::to_vec(&foreign).unwrap()).unwrap();
        assert_eq!(tail, Tail { node: Some("east".to_owned()), ..Tail::default() });
    }

    proptest! {
        #[test]
        fn a_written_tail_reads_back(
            deadline: Option<u64>, ids: Option<(u64, u64)>,
            content_type in prop::option::of(".{0,9}"), reason in prop::option::of(".{0,9}"), node in prop::option::of(".{0,9}"),
            destination in prop::option::of(".{0,9}"), recipients: Option<u32>, missing in prop::collection::vec("[a-z]{1,9}", 0..3),
        ) {
            let correlation = ids.map(|(incarnation, counter)| MessageId { incarnation, counter });
            let missing = missing.iter().map(|node| NodeName::parse(node).unwrap()).collect();
            let tail = Tail { deadline, correlation, content_type, reason, node, destination, recipients, missing };
            prop_assert_eq!(Tail::read(&tail.write()), Ok(tail));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Tail::read(&bytes);
        }
    }
}
