//! A routed message as a node holds it: three parts, none of them parsed again.

use bytes::Bytes;

use crate::wire::{Path, Prefix, Stamp, WireError};

/// A message between its arrival and its hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The first frame, readable: it was read once before.
    pub(super) header: Bytes,
    /// The path frame as it came, without this node's stamp.
    pub(super) path: Bytes,
    /// All frames behind, as they came.
    pub(super) payload: Vec<Bytes>,
    /// The neighbour that it came from, or empty where it entered the mesh here.
    pub(super) ingress: Ingress,
    /// When it arrived, in nanoseconds of Unix time.
    pub(super) arrived: u64,
}

/// Where a message came from: a neighbour, or none.
pub(super) type Ingress = Option<crate::name::NodeName>;

impl Message {
    pub(super) fn new(header: Bytes, path: Bytes, payload: Vec<Bytes>) -> Self {
        Self {
            header,
            path,
            payload,
            ingress: None,
            arrived: 0,
        }
    }

    /// How much the message counts for in a window.
    pub(super) fn size(&self) -> usize {
        let payload: usize = self.payload.iter().map(Bytes::len).sum();
        self.header.len() + self.path.len() + payload
    }

    /// Whether the message has too many frames to travel in a batch.
    pub(super) fn is_alone(&self) -> bool {
        2 + self.payload.len() > usize::from(u8::MAX)
    }

    pub(super) fn prefix(&self) -> Result<Prefix<'_>, WireError> {
        Prefix::read(&self.header)
    }

    pub(super) fn path(&self) -> Result<Path<'_>, WireError> {
        Path::read(&self.path)
    }

    /// The path frame with this node's stamp.
    pub(super) fn stamped(&self, stamp: &Stamp<'_>, sequence: u64) -> Bytes {
        self.path()
            .map_or_else(|_| self.path.clone(), |path| path.stamped(stamp, sequence))
    }
}
