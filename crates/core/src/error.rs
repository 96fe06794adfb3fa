//! What can go wrong when a socket is made or a message is sent.

use std::fmt;
use std::io;
use std::net::IpAddr;

use thiserror::Error;

use crate::endpoint::{Endpoint, EndpointError};
use crate::{Frames, Identity};

/// Why a port could not be opened.
#[derive(Debug, Error)]
#[error("cannot listen on {endpoint}")]
pub struct BindError {
    /// Where.
    pub endpoint: Endpoint,
    /// What the system said; `AddrInUse` if somebody listens there already.
    pub source: io::Error,
}

impl BindError {
    /// Whether others than this machine's programs could reach the port, which
    /// [`RouterOptions::loopback_only`](crate::RouterOptions::loopback_only) forbids.
    #[must_use]
    pub fn is_beyond_loopback(&self) -> bool {
        self.source.get_ref().is_some_and(|inner| inner.is::<BeyondLoopback>())
    }
}

/// A port would be reached from elsewhere.
#[derive(Debug, Error)]
#[error("{address} is reached from other machines")]
pub(crate) struct BeyondLoopback {
    pub(crate) address: IpAddr,
}

impl From<BeyondLoopback> for io::Error {
    fn from(beyond: BeyondLoopback) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, beyond)
    }
}

/// Why a dealer could not be made. That nobody answers is not among the reasons.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The endpoint is none that can be dialled.
    #[error("cannot dial {endpoint}")]
    Endpoint {
        /// Where.
        endpoint: Endpoint,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// The private socket could not be made.
    #[error("cannot make the private socket")]
    PrivateSocket {
        /// What the system said.
        source: io::Error,
    },
}

/// Why a message was not taken. Each carries the frames back.
#[derive(Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// So much waits for the peer already that this would go over its high-water mark.
    #[error("the peer's queue is full")]
    Full {
        /// What was to be sent.
        frames: Frames,
    },
    /// The connection has ended.
    #[error("the peer is gone")]
    Gone {
        /// What was to be sent.
        frames: Frames,
    },
    /// Nobody of this identity is connected.
    #[error("no peer is called {identity}")]
    UnknownPeer {
        /// Whom it was for.
        identity: Identity,
        /// What was to be sent.
        frames: Frames,
    },
    /// The dealer has no connection now.
    #[error("not connected")]
    NotConnected {
        /// What was to be sent.
        frames: Frames,
    },
    /// The message is over the limits, or has no frames.
    #[error("the message is empty or over the limits")]
    BadMessage {
        /// What was to be sent.
        frames: Frames,
    },
}

impl SendError {
    /// What was to be sent.
    pub fn into_frames(self) -> Frames {
        match self {
            Self::Full { frames }
            | Self::Gone { frames }
            | Self::UnknownPeer { frames, .. }
            | Self::NotConnected { frames }
            | Self::BadMessage { frames } => frames,
        }
    }
}

impl fmt::Debug for SendError {
    /// Names the error without printing what may be megabytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendError({self})")
    }
}
