//! What can go wrong with a node's handle.

use hopline_core::{BindError, Endpoint};

use crate::route::PatternError;

/// Why a node could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port could not be opened.
    #[error(transparent)]
    Bind(BindError),
    /// The port would be one that other machines reach, and [`open`](super::NodeConfig::open) is not set.
    #[error(
        "{endpoint} is reached from other machines, and anybody there could attach as a client: listen \
         on 127.0.0.1, or say `open = true` where that is meant"
    )]
    NotOpen {
        /// Where the node was to listen.
        endpoint: Endpoint,
    },
    /// The machine gives no random bytes.
    #[error("the machine gives no random bytes for the node's nonces")]
    Random,
}

impl From<BindError> for StartError {
    fn from(error: BindError) -> Self {
        match error.is_beyond_loopback() {
            true => Self::NotOpen { endpoint: error.endpoint },
            false => Self::Bind(error),
        }
    }
}

/// The node has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node has ended")]
pub struct NodeStopped;

/// Why a static route was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The destination is no name and no prefix.
    #[error("the destination is neither a name nor a prefix such as `region.*`")]
    Destination(#[from] PatternError),
    /// The node has ended.
    #[error(transparent)]
    Stopped(#[from] NodeStopped),
}
