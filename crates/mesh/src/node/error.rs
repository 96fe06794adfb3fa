//! What can go wrong with a node's handle.

use hopline_core::BindError;

use crate::route::PatternError;

/// Why a node could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The machine gives no random bytes.
    #[error("the machine gives no random bytes for the node's nonces")]
    Random,
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
