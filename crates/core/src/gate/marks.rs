//! Marks: what the gate says on the private connections, in band, between a stranger's messages.
//!
//! A mark is 25 bytes that begin with a random secret of this process's, so no stranger can write
//! one or has ever seen one. As they travel in the stream itself, what they say is in order with
//! the messages: attached before the first, detached after the last.

use bytes::Bytes;

use crate::PeerId;

/// The bytes of a mark.
pub(crate) const MARK_LEN: usize = 25;

const SECRET_LEN: usize = 16;

/// What a mark says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    /// From here on this connection carries the messages of that peer.
    Attach(PeerId),
    /// That peer's connection has ended.
    Detach(PeerId),
    /// At the end of a message: it was cut short; throw it away.
    Abort,
    /// A dial failed.
    Retry,
}

/// The secret that makes a mark.
#[derive(Clone)]
pub(crate) struct Secret([u8; SECRET_LEN]);

impl Secret {
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = [0; SECRET_LEN];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// The mark's bytes.
    pub(crate) fn write(&self, mark: Mark) -> Bytes {
        let (kind, id) = match mark {
            Mark::Attach(id) => (1, id.0),
            Mark::Detach(id) => (2, id.0),
            Mark::Abort => (3, 0),
            Mark::Retry => (4, 0),
        };
        let parts = [&self.0[..], &[kind], &u64::to_be_bytes(id)];
        Bytes::from(parts.concat())
    }

    /// The mark as the only frame of a message, as it stands on the wire.
    pub(crate) fn message(&self, mark: Mark) -> Vec<u8> {
        let mut bytes = vec![0, MARK_LEN as u8];
        bytes.extend_from_slice(&self.write(mark));
        bytes
    }

    /// The mark that a frame ends with, if any.
    pub(crate) fn read(&self, frame: &[u8]) -> Option<Mark> {
        let (secret, rest) = frame.last_chunk::<MARK_LEN>()?.split_first_chunk::<SECRET_LEN>()?;
        if *secret != self.0 {
            return None;
        }
        let (kind, id) = rest.split_first()?;
        let id = PeerId(u64::from_be_bytes(id.try_into().ok()?));
        match kind {
            1 => Some(Mark::Attach(id)),
            2 => Some(Mark::Detach(id)),
            3 => Some(Mark::Abort),
            4 => Some(Mark::Retry),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written_and_by_their_secret_alone() {
        let (ours, other) = (Secret::random().expect("random"), Secret([7; SECRET_LEN]));
        for mark in
            [Mark::Attach(PeerId(5)), Mark::Detach(PeerId(u64::MAX)), Mark::Abort, Mark::Retry]
        {
            assert_eq!(ours.write(mark).len(), MARK_LEN);
            assert_eq!(ours.read(&ours.write(mark)), Some(mark));
            assert_eq!(other.read(&ours.write(mark)), None);
            assert_eq!(ours.read(&[b"zeros", &ours.write(mark)[..]].concat()), Some(mark));
        }
        assert_eq!(ours.read(b"short"), None);
    }
}
