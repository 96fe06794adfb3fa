//! All that a relay reads of a message, at fixed offsets, little-endian.
//!
//! ```text
//!  0  magic         F5 48 4F 50
//!  4  version       u8
//!  5  kind          u8
//!  6  class         u8
//!  7  flags         u8
//!  8  hop limit     u8
//!  9  reserved      3 octets, zero when written, not looked at
//! 12  incarnation   u64   of the source  \ together the
//! 20  counter       u64                  / message id
//! 28  length        u16   then the destination, UTF-8
//!     length        u16   then the source, UTF-8
//!     tail                a MessagePack map that relays never read
//! ```

use bytes::{BufMut, Bytes, BytesMut};

use super::{Class, Flags, Kind, MAGIC, MAX_HEADER, MessageId, VERSION, WireError};

/// The length of the part whose offsets are fixed.
pub const FIXED: usize = 28;

/// A message's first frame, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// What the message is.
    pub kind: Kind,
    /// What is promised of its delivery.
    pub class: Class,
    /// Marks.
    pub flags: Flags,
    /// The greatest number of nodes on its path.
    pub hop_limit: u8,
    /// Its identity.
    pub id: MessageId,
    /// Where it is to go: an address as text.
    pub destination: &'a str,
    /// Who sent it: an address as text, written by the ingress.
    pub source: &'a str,
    /// The MessagePack map behind, unread.
    pub tail: &'a [u8],
}

impl<'a> Prefix<'a> {
    /// A message of this kind with nothing else set: class `at_most_once`, no marks, hop limit 64.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            class: Class::AtMostOnce,
            flags: Flags::default(),
            hop_limit: 64,
            id: MessageId::default(),
            destination: "",
            source: "",
            tail: &[],
        }
    }

    /// Reads a first frame. Nothing is copied, nothing allocated.
    ///
    /// # Errors
    /// [`WireError`] says what is wrong with the bytes.
    pub fn read(frame: &'a [u8]) -> Result<Self, WireError> {
        let (fixed, rest) =
            frame.split_first_chunk::<FIXED>().ok_or(if super::is_native(frame) {
                WireError::Truncated("prefix")
            } else {
                WireError::Magic
            })?;
        let [m0, m1, m2, m3, version, kind, class, flags, hop_limit, _, _, _, id @ ..] = *fixed;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(WireError::Magic);
        }
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        if frame.len() > MAX_HEADER {
            return Err(WireError::TooLong("header"));
        }
        let id = u128::from_le_bytes(id);
        let (destination, rest) = text(rest, "destination")?;
        let (source, tail) = text(rest, "source")?;
        Ok(Self {
            kind: Kind::from_number(kind)?,
            class: Class::from_number(class)?,
            flags: Flags(flags),
            hop_limit,
            id: MessageId { incarnation: id as u64, counter: (id >> 64) as u64 },
            destination,
            source,
            tail,
        })
    }

    /// Reads a first frame that [`Prefix::read`] or [`Prefix::write`] has seen; of any other it makes
    /// what it can.
    pub(crate) fn trusted(frame: &'a [u8]) -> Self {
        Self::read(frame).unwrap_or(Self::new(Kind::Error))
    }

    /// The marks of a first frame that was read before, and nothing else of it.
    pub(crate) fn marks(frame: &[u8]) -> Flags {
        frame.first_chunk::<8>().map_or(Flags::default(), |[.., flags]| Flags(*flags))
    }

    /// A copy of a first frame with these marks instead of its own.
    pub(crate) fn marked(frame: &[u8], marks: Flags) -> Bytes {
        let mut frame = BytesMut::from(frame);
        if let Some([.., flags]) = frame.first_chunk_mut::<8>() {
            *flags = marks.0;
        }
        frame.freeze()
    }

    /// Writes the first frame.
    ///
    /// A destination or source over 65,535 bytes is cut there; callers check both before.
    #[must_use]
    pub fn write(&self) -> Bytes {
        let cut = |text: &'a str| {
            let end = (0..=text.len().min(usize::from(u16::MAX))).rev();
            let end = end.into_iter().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.get(..end).unwrap_or("")
        };
        let (destination, source) = (cut(self.destination), cut(self.source));
        let length = FIXED + 4 + destination.len() + source.len() + self.tail.len();
        let mut frame = BytesMut::with_capacity(length);
        frame.put_slice(&MAGIC);
        frame.put_slice(&[VERSION, self.kind as u8, self.class as u8, self.flags.0]);
        frame.put_slice(&[self.hop_limit, 0, 0, 0]);
        frame.put_u64_le(self.id.incarnation);
        frame.put_u64_le(self.id.counter);
        for text in [destination, source] {
            frame.put_u16_le(text.len() as u16);
            frame.put_slice(text.as_bytes());
        }
        frame.put_slice(self.tail);
        frame.freeze()
    }
}

fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<(&'a str, &'a [u8]), WireError> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(WireError::Truncated(what))?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (text, rest) = rest.split_at_checked(length).ok_or(WireError::Truncated(what))?;
    Ok((std::str::from_utf8(text).map_err(|_| WireError::Text(what))?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_written_prefix_reads_back(
            kind in 1u8..=11, class in 0u8..=1, flags: u8, hop_limit: u8, incarnation: u64, counter: u64,
            destination in ".{0,40}", source in ".{0,40}", tail in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let prefix = Prefix {
                kind: Kind::from_number(kind).unwrap(),
                class: Class::from_number(class).unwrap(),
                flags: Flags(flags),
                hop_limit,
                id: MessageId { incarnation, counter },
                destination: &destination,
                source: &source,
                tail: &tail,
            };
            let frame = prefix.write();
            prop_assert_eq!(Prefix::read(&frame), Ok(prefix));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Prefix::read(&bytes);
            let mut native = MAGIC.to_vec();
            native.push(VERSION);
            native.extend(&bytes);
            let _ = Prefix::read(&native);
        }

        #[test]
        fn every_cut_before_the_tail_is_refused(cut in 0usize..=36) {
            let frame = Prefix { destination: "bo", source: "al", ..Prefix::new(Kind::Data) }.write();
            prop_assume!(cut < frame.len());
            prop_assert!(Prefix::read(&frame[..cut]).is_err());
        }
    }

    #[test]
    fn a_foreign_version_or_kind_is_named() {
        let mut frame = Prefix::new(Kind::Data).write().to_vec();
        frame[4] = 9;
        assert_eq!(Prefix::read(&frame), Err(WireError::Version(9)));
        assert_eq!(
            WireError::Version(9).to_string(),
            "the message has version 9, this node speaks version 1"
        );
        frame[4] = VERSION;
        frame[5] = 77;
        assert_eq!(Prefix::read(&frame), Err(WireError::Kind(77)));
    }
}
