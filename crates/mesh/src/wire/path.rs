//! The path frame: what each node that handled the message wrote down, in order.
//!
//! ```text
//!  0  link sequence  u64   on this link, 1 for the first; written anew by each hop, 0 for a client
//!  8  count          u8    of the stamps that follow
//!  9  stamps         each:
//!       flags        u8    1: times follow at the end of this stamp
//!       length       u8    then the node's name
//!       length       u8    then the neighbour it came from; empty at the ingress
//!       revision     u32   of the topology by which it was sent on
//!       arrived      u64   nanoseconds of Unix time \  only
//!       left         u64   nanoseconds of Unix time /  with flag 1
//! ```
//!
//! Stamps are only ever appended; nobody removes one.

use bytes::{BufMut, Bytes, BytesMut};

use super::WireError;

/// The greatest number of stamps on a path.
pub const MAX_STAMPS: usize = 255;

const HEAD: usize = 9;
const HAS_TIMES: u8 = 1;
/// The length of a revision, and of two times.
const REVISION: usize = 4;
const TIMES: usize = 16;

/// What one node wrote on a message's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// The node.
    pub node: &'a str,
    /// The neighbour that it came from, or empty where it entered the mesh here.
    pub ingress: &'a str,
    /// The first 32 bits of the revision of the table by which the node sent it on.
    pub revision: u32,
    /// When it came and went, where the sender asked for a trace.
    pub times: Option<Times>,
}

/// When a message came to a node and left it, in nanoseconds of Unix time by the node's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it was received.
    pub arrived: u64,
    /// When it was handed on.
    pub left: u64,
}

/// A path frame that is whole, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<'a> {
    sequence: u64,
    count: u8,
    stamps: &'a [u8],
}

impl<'a> Path<'a> {
    /// Reads and checks a path frame; an empty frame is an empty path.
    ///
    /// # Errors
    /// [`WireError`] says what is wrong with the bytes.
    pub fn read(frame: &'a [u8]) -> Result<Self, WireError> {
        if frame.is_empty() {
            return Ok(Self { sequence: 0, count: 0, stamps: &[] });
        }
        let (head, stamps) =
            frame.split_first_chunk::<HEAD>().ok_or(WireError::Truncated("path"))?;
        let [sequence @ .., count] = *head;
        let mut rest = stamps;
        for _ in 0..count {
            (_, rest) = stamp(rest)?;
        }
        if !rest.is_empty() {
            return Err(WireError::Trailing("path"));
        }
        Ok(Self { sequence: u64::from_le_bytes(sequence), count, stamps })
    }

    /// Reads a path frame that [`Path::read`] or [`Path::stamped`] has seen; of any other it makes what
    /// it can. It does not look at the stamps.
    pub(crate) fn trusted(frame: &'a [u8]) -> Self {
        match frame.split_first_chunk::<HEAD>() {
            Some(([sequence @ .., count], stamps)) => {
                Self { sequence: u64::from_le_bytes(*sequence), count: *count, stamps }
            }
            None => Self { sequence: 0, count: 0, stamps: &[] },
        }
    }

    /// The message's number on the link it came by; 0 from a client.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many nodes have handled the message.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether no node has handled the message yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The stamps, in order.
    pub fn stamps(&self) -> impl Iterator<Item = Stamp<'a>> + use<'a> {
        let mut rest = self.stamps;
        std::iter::from_fn(move || {
            let (next, behind) = stamp(rest).ok()?;
            rest = behind;
            Some(next)
        })
    }

    /// Whether `node` has handled the message.
    #[must_use]
    pub fn contains(&self, node: &str) -> bool {
        let mut rest = self.stamps;
        while let Some((&flags, behind)) = rest.split_first() {
            let Some((name, behind)) = octets(behind) else {
                return false;
            };
            if name == node.as_bytes() {
                return true;
            }
            let times = if flags & HAS_TIMES == 0 { 0 } else { TIMES };
            let next = octets(behind).and_then(|(_, behind)| behind.get(REVISION + times..));
            let Some(next) = next else { return false };
            rest = next;
        }
        false
    }

    /// The path with one more stamp, as a frame, for the message numbered `sequence` on its next
    /// link. A path that is full stays as it is; the hop limit keeps that from happening.
    #[must_use]
    pub fn stamped(&self, new: &Stamp<'_>, sequence: u64) -> Bytes {
        let mut frame = BytesMut::with_capacity(self.stamped_length(new));
        self.write_stamped(new, sequence, &mut frame);
        frame.freeze()
    }

    /// The length of the frame that [`Path::stamped`] makes.
    #[must_use]
    pub fn stamped_length(&self, new: &Stamp<'_>) -> usize {
        if self.count == u8::MAX {
            return HEAD + self.stamps.len();
        }
        let times = new.times.map_or(0, |_| TIMES);
        let names = cut(new.node).len() + cut(new.ingress).len();
        HEAD + self.stamps.len() + 3 + names + REVISION + times
    }

    /// Writes what [`Path::stamped`] makes behind what is in `frame`.
    pub fn write_stamped(&self, new: &Stamp<'_>, sequence: u64, frame: &mut BytesMut) {
        frame.put_u64_le(sequence);
        let Some(count) = self.count.checked_add(1) else {
            frame.put_u8(self.count);
            frame.put_slice(self.stamps);
            return;
        };
        frame.put_u8(count);
        frame.put_slice(self.stamps);
        frame.put_u8(if new.times.is_some() { HAS_TIMES } else { 0 });
        for name in [cut(new.node), cut(new.ingress)] {
            frame.put_u8(name.len() as u8);
            frame.put_slice(name);
        }
        frame.put_u32_le(new.revision);
        if let Some(Times { arrived, left }) = new.times {
            frame.put_u64_le(arrived);
            frame.put_u64_le(left);
        }
    }

    /// The names of the nodes, in order.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        self.stamps().map(|stamp| stamp.node.to_owned()).collect()
    }
}

fn stamp(bytes: &[u8]) -> Result<(Stamp<'_>, &[u8]), WireError> {
    let short = WireError::Truncated("path");
    let (&flags, rest) = bytes.split_first().ok_or(short)?;
    let (node, rest) = name(rest)?;
    let (ingress, rest) = name(rest)?;
    let (revision, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
    let (times, rest) = if flags & HAS_TIMES == 0 {
        (None, rest)
    } else {
        let (arrived, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
        let (left, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
        let (arrived, left) = (u64::from_le_bytes(*arrived), u64::from_le_bytes(*left));
        (Some(Times { arrived, left }), rest)
    };
    Ok((Stamp { node, ingress, revision: u32::from_le_bytes(*revision), times }, rest))
}

fn name(bytes: &[u8]) -> Result<(&str, &[u8]), WireError> {
    let (name, rest) = octets(bytes).ok_or(WireError::Truncated("path"))?;
    Ok((std::str::from_utf8(name).map_err(|_| WireError::Text("path"))?, rest))
}

fn octets(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}

/// As much of a name as a stamp holds; names of nodes are shorter.
fn cut(name: &str) -> &[u8] {
    name.as_bytes().get(..usize::from(u8::MAX)).unwrap_or(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_path_only_grows_at_its_end(names in prop::collection::vec(("[a-z]{1,64}", any::<u32>(), any::<Option<(u64, u64)>>()), 1..40), sequence: u64) {
            let mut frame = Bytes::new();
            for (node, revision, times) in &names {
                let times = times.map(|(arrived, left)| Times { arrived, left });
                let stamp = Stamp { node, ingress: "x", revision: *revision, times };
                frame = Path::read(&frame).unwrap().stamped(&stamp, sequence);
            }
            let path = Path::read(&frame).unwrap();
            prop_assert_eq!(path.sequence(), sequence);
            prop_assert_eq!(path.len(), names.len());
            let expected: Vec<_> = names.iter().map(|(node, ..)| node.clone()).collect();
            prop_assert_eq!(path.nodes(), expected);
            prop_assert!(names.iter().all(|(node, ..)| path.contains(node)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(path) = Path::read(&bytes) {
                prop_assert_eq!(path.stamps().count(), path.len());
            }
        }
    }

    #[test]
    fn a_full_path_takes_no_more_stamps() {
        let stamp = Stamp { node: "n", ingress: "", revision: 0, times: None };
        let mut frame = Bytes::new();
        for _ in 0..300 {
            frame = Path::read(&frame).unwrap().stamped(&stamp, 1);
        }
        assert_eq!(Path::read(&frame).unwrap().len(), MAX_STAMPS);
    }
}
