//! What a socket tells its owner.

use std::time::Duration;

use bytes::Bytes;

use crate::{Cause, Identity, PeerId};

/// The frames of one multipart message, never none. Frames may be empty.
pub type Frames = Vec<Bytes>;

/// The socket type that a peer's READY names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SocketKind {
    /// Sends and receives messages as they are.
    Dealer,
    /// Puts an empty frame before each message and wants one before each reply.
    Req,
    /// Another router.
    Router,
}

impl SocketKind {
    /// As ZMTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dealer => "DEALER",
            Self::Req => "REQ",
            Self::Router => "ROUTER",
        }
    }

    pub(crate) fn from_wire(bytes: &[u8]) -> Option<Self> {
        [Self::Dealer, Self::Req, Self::Router]
            .into_iter()
            .find(|kind| kind.as_str().as_bytes() == bytes)
    }

    /// Whether a peer of kind `other` may talk to a socket of this kind (RFC 28).
    pub(crate) fn goes_with(self, other: Self) -> bool {
        match self {
            Self::Router => true,
            Self::Dealer => matches!(other, Self::Dealer | Self::Router),
            Self::Req => other == Self::Router,
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The connection.
    pub id: PeerId,
    /// What the peer says it is, if it says so.
    pub identity: Option<Identity>,
    /// What its READY says.
    pub kind: SocketKind,
    /// By which of [`Router::endpoints`](crate::Router::endpoints) it came in.
    pub port: usize,
    /// Where it came from, to be shown to people.
    pub address: String,
    /// Whether it came when all places were taken, and is closed unless it is kept: see
    /// [`Limits::reserved`](crate::Limits::reserved).
    pub on_trial: bool,
}

/// What happens at a [`Router`](crate::Router).
///
/// For each connection: one `Attached`, its messages in the order they were sent, one `Detached`,
/// and nothing after. There is no order between connections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouterEvent {
    /// The peer passed the handshake and may be sent to. It need not have said anything.
    Attached(Peer),
    /// The peer sent a message.
    Message(PeerId, Frames),
    /// The connection ended. What was queued for it is gone.
    Detached {
        /// The connection.
        peer: PeerId,
        /// Why it ended.
        cause: Cause,
        /// How many of the messages that were taken for it went out to its socket whole; the rest
        /// are lost with the connection, the last ones taken. What went out may still have been
        /// lost in the kernel's buffers, or unread by the peer.
        ///
        /// Every send that said `Ok` is a message that was taken. Over `mem://`, a message has gone
        /// out when the other side has received it.
        passed: u64,
    },
}

/// What happens at a [`Dealer`](crate::Dealer).
///
/// `Up`, messages, `Down`, any number of `Retrying`, and `Up` again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DealerEvent {
    /// The other side passed the handshake and may be sent to.
    Up,
    /// The other side sent a message.
    Message(Frames),
    /// The connection ended; it is dialled again. What was queued for it is gone.
    Down(Cause),
    /// A dial failed and the next is tried after `delay`.
    Retrying {
        /// How many dials failed in a row.
        attempt: u32,
        /// How long until the next.
        delay: Duration,
        /// Why this one failed.
        cause: Cause,
    },
}
