//! The small fixed words of the prefix.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::WireError;

/// What a message is. Numbers are only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A client's message to an address.
    Data = 1,
    /// The answer to a message that carried a correlation.
    Reply = 2,
    /// What became of a message that was not delivered, to its sender.
    Error = 3,
    /// A `confirmed` message was delivered (egress to ingress).
    Ack = 4,
    /// Asks for the way to an address; the egress answers, its client sees nothing.
    Probe = 5,
    /// Opens a connection, between nodes or from a client.
    Hello = 6,
    /// What a node knows of nodes, links and attachments (neighbour to neighbour).
    LinkState = 7,
    /// How far a link's messages have come (neighbour to neighbour).
    LinkAck = 8,
    /// Many small messages in one (neighbour to neighbour, or to a native client).
    Batch = 9,
    /// A question or an order to a node, and its answer.
    Control = 10,
    /// A mark among messages that asks the egress how far they have come, and its answer (ingress to egress).
    Credit = 11,
}

impl Kind {
    /// All kinds, by number.
    pub const ALL: [Self; 11] = [
        Self::Data,
        Self::Reply,
        Self::Error,
        Self::Ack,
        Self::Probe,
        Self::Hello,
        Self::LinkState,
        Self::LinkAck,
        Self::Batch,
        Self::Control,
        Self::Credit,
    ];

    /// The kind of this number.
    ///
    /// # Errors
    /// [`WireError::Kind`] where this version knows none.
    pub fn from_number(number: u8) -> Result<Self, WireError> {
        let index = usize::from(number).wrapping_sub(1);
        Self::ALL.get(index).copied().ok_or(WireError::Kind(number))
    }

    /// Whether messages of this kind travel from source to destination, hop by hop.
    ///
    /// The others go from one neighbour to the next and are never forwarded.
    #[must_use]
    pub fn is_routed(self) -> bool {
        match self {
            Self::Data
            | Self::Reply
            | Self::Error
            | Self::Ack
            | Self::Probe
            | Self::Control
            | Self::Credit => true,
            Self::Hello | Self::LinkState | Self::LinkAck | Self::Batch => false,
        }
    }
}

/// What is promised of a message's delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[repr(u8)]
pub enum Class {
    /// One try; a failure seen by a node comes back as an error.
    #[default]
    AtMostOnce = 0,
    /// Kept at the ingress and sent again until the egress acknowledges or the deadline passes.
    Confirmed = 1,
}

impl Class {
    /// The class of this number.
    ///
    /// # Errors
    /// [`WireError::Class`] where this version knows none.
    pub fn from_number(number: u8) -> Result<Self, WireError> {
        match number {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::Confirmed),
            other => Err(WireError::Class(other)),
        }
    }
}

/// Marks on a message, one bit each. Bits that this version does not know are carried along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// Stamps carry times.
    pub const TRACE: Self = Self(1);
    /// The ingress vouches that an operator sent this, through the node's control socket.
    pub const OPERATOR: Self = Self(2);
    /// The sender's error shows only the beginning of the message.
    pub const TRUNCATED: Self = Self(4);
    /// The message was sent again, so it may have arrived before.
    pub const RESENT: Self = Self(8);
    /// A copy of a message to several: the frame behind the path says which nodes it is for.
    pub const SPREAD: Self = Self(16);
    /// The ingress vouches that a client sent this in the broker dialect, and wrote it as its receiver gets it.
    pub const BROKER: Self = Self(32);

    /// Whether all marks of `other` are set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These marks and those of `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These marks without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A message's identity: unique while the mesh lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The run of the program that made the message: Unix milliseconds, or more.
    pub incarnation: u64,
    /// A count within that run.
    pub counter: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.incarnation, self.counter)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
