//! Why a connection ended, or never came to be.

use std::fmt;
use std::io;

/// Why a connection ended or was refused.
///
/// Each has a [`reason`](Cause::reason), which is also the name of its counter in
/// [`GateCounts`](crate::GateCounts).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The peer closed it.
    Closed,
    /// The peer or the network broke it.
    Reset,
    /// It ended in the middle of a message, which was thrown away.
    Aborted,
    /// We closed it.
    ClosedHere,
    /// A frame was over [`Limits::frame`](crate::Limits::frame).
    FrameTooLarge,
    /// A message was over [`Limits::message`](crate::Limits::message).
    MessageTooLarge,
    /// A message was over [`Limits::frames`](crate::Limits::frames).
    TooManyFrames,
    /// What came first was no ZMTP greeting.
    BadGreeting,
    /// The peer speaks a ZMTP before 3.0.
    BadVersion,
    /// The peer asks for a security mechanism other than NULL.
    BadMechanism,
    /// What followed the greeting was no READY.
    BadHandshake,
    /// The peer's socket type does not go with ours.
    WrongSocketType,
    /// The peer's identity has more than 255 bytes, or begins with a zero, which is for identities that
    /// a ROUTER makes.
    BadIdentity,
    /// A live connection has this identity already.
    NameInUse,
    /// The handshake was not over in [`Limits::handshake`](crate::Limits::handshake).
    HandshakeTimeout,
    /// There are [`Limits::connections`](crate::Limits::connections) already.
    TooManyConnections,
    /// There are [`Limits::per_address`](crate::Limits::per_address) from its address already.
    TooManyFromAddress,
    /// This process could not open what a connection needs.
    NoDescriptors,
    /// Nothing came from the peer for too long: see [`Limits::silence`](crate::Limits::silence), or what
    /// it promised with its PING.
    PeerSilent,
    /// The peer took nothing of what waited for it for [`Limits::stall`](crate::Limits::stall), or kept
    /// others waiting for as long with a message that it did not finish: see
    /// [`Limits::unfinished`](crate::Limits::unfinished).
    Stalled,
    /// Another connection said the peer's identity: see
    /// [`Duplicates::Takeover`](crate::Duplicates::Takeover).
    TakenOver,
    /// A frame's flags or a command that no ZMTP peer sends there.
    BadCommand,
    /// The peer sent ERROR.
    PeerError,
    /// The dial failed.
    ConnectFailed(io::ErrorKind),
    /// No address is known of the host that was to be dialled.
    HostNotFound,
    /// The private socket failed: our own fault.
    Internal,
}

impl Cause {
    /// A stable name in lower case, such as `frame too large`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Aborted => "aborted",
            Self::ClosedHere => "closed here",
            Self::FrameTooLarge => "frame too large",
            Self::MessageTooLarge => "message too large",
            Self::TooManyFrames => "too many frames",
            Self::BadGreeting => "bad greeting",
            Self::BadVersion => "bad version",
            Self::BadMechanism => "bad mechanism",
            Self::BadHandshake => "bad handshake",
            Self::WrongSocketType => "wrong socket type",
            Self::BadIdentity => "bad identity",
            Self::NameInUse => "name in use",
            Self::HandshakeTimeout => "handshake timeout",
            Self::TooManyConnections => "too many connections",
            Self::TooManyFromAddress => "too many from one address",
            Self::NoDescriptors => "no descriptors left",
            Self::PeerSilent => "peer silent",
            Self::Stalled => "stalled",
            Self::TakenOver => "taken over",
            Self::BadCommand => "bad command",
            Self::PeerError => "peer error",
            Self::ConnectFailed(_) => "connect failed",
            Self::HostNotFound => "host not found",
            Self::Internal => "internal",
        }
    }

    /// Whether the connection was refused or cut off for what the peer did, rather than ended.
    pub const fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Closed
                | Self::Reset
                | Self::ClosedHere
                | Self::ConnectFailed(_)
                | Self::HostNotFound
                | Self::Internal
        )
    }

    /// What an ERROR command of another gate says.
    pub(crate) fn from_error(reason: &[u8]) -> Self {
        let ours = [Self::NameInUse, Self::BadIdentity, Self::WrongSocketType];
        let told = ours.into_iter().find(|cause| cause.reason().as_bytes() == reason);
        told.unwrap_or(Self::PeerError)
    }

    /// What reading or writing a connection failed of.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            // The system's own word for a peer that has not answered it, or ours for one that took nothing.
            io::ErrorKind::TimedOut if error.raw_os_error().is_some() => Self::PeerSilent,
            io::ErrorKind::TimedOut => Self::Stalled,
            _ => Self::Reset,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectFailed(kind) => write!(f, "connect failed: {kind}"),
            other => f.write_str(other.reason()),
        }
    }
}
