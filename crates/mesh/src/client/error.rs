//! What can go wrong for a client.

use std::time::Duration;

use hopline_core::Endpoint;

use super::message::Failure;

/// Why a client did not come to be attached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint cannot be dialled.
    #[error(transparent)]
    Dial(#[from] hopline_core::ConnectError),
    /// The node does not take the client in.
    #[error("the node refused the client: {reason}")]
    Refused {
        /// Why, in the node's words.
        reason: String,
    },
    /// Nobody answered, or no node did.
    #[error("no node at {endpoint} took the client in within {after:?}")]
    Timeout {
        /// Where.
        endpoint: Endpoint,
        /// How long the node had.
        after: Duration,
    },
    /// The connection's task has ended.
    #[error("the client has ended")]
    Stopped,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The destination is longer than any address.
    #[error("the destination has {length} bytes, an address has at most 1024")]
    DestinationTooLong {
        /// Its length.
        length: usize,
    },
    /// The message is over the limits.
    #[error(transparent)]
    Socket(#[from] hopline_core::SendError),
    /// The node does not take the client in.
    #[error("the node refused the client: {reason}")]
    Refused {
        /// Why, in the node's words.
        reason: String,
    },
    /// The client has ended.
    #[error("the client has ended")]
    Stopped,
}

/// Why nothing was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecvError {
    /// The client has ended.
    #[error("the client has ended")]
    Stopped,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// It was not delivered.
    #[error(transparent)]
    Failed(Box<Failure>),
    /// The node refused it.
    #[error("the node refused: {reason}")]
    Refused {
        /// Why, in the node's words.
        reason: String,
    },
    /// No answer came in time.
    #[error("no answer within {after:?}")]
    Timeout {
        /// How long the answer had.
        after: Duration,
    },
    /// The answer is not what it should be.
    #[error("the answer cannot be read")]
    Malformed,
    /// The client has ended.
    #[error("the client has ended")]
    Stopped,
}
