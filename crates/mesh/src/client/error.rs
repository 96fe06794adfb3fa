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

/// Why a request of a [`SessionClient`](super::SessionClient) or a [`BrokerClient`](super::BrokerClient) has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The other side answered with an error.
    #[error("{message}")]
    Refused {
        /// What it says.
        message: String,
    },
    /// The other side did not take the client in: it is asked again, ever more rarely.
    #[error("the client was not taken in: {message}")]
    NotTakenIn {
        /// What the other side says.
        message: String,
    },
    /// The connection ended before the reply came: the request may have been fulfilled, or not.
    #[error("the connection ended before the reply came")]
    Lost,
    /// The request is over the limits of a message.
    #[error("the request is over the limits of a message")]
    TooLarge,
    /// No reply came in time, or there was no connection for so long.
    #[error("no reply within {after:?}")]
    Timeout {
        /// How long the reply had.
        after: Duration,
    },
    /// The reply is not what it should be.
    #[error("the reply cannot be read: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// The client has ended.
    #[error("the client has ended")]
    Stopped,
}
