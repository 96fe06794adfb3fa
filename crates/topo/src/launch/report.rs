//! What a supervisor tells of its mesh.

use std::fmt;
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;

use super::error::Failure;
use super::place::Place;

/// What a supervisor tells of its mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Nobody else runs the mesh, and its nodes are about to be started.
    Starting,
    /// A node listens.
    Ready {
        /// The node.
        node: NodeName,
        /// Where.
        endpoint: Endpoint,
    },
    /// Every node listens, every planned link is up, and all nodes know the same.
    Whole {
        /// The state directory.
        place: Place,
    },
    /// A node's process has ended and will be started again.
    Ended {
        /// The node.
        node: NodeName,
        /// How it ended.
        how: String,
        /// When it will be started again.
        again_in: Duration,
    },
    /// A node that is started again could not start; its end follows.
    Failed {
        /// The node.
        node: NodeName,
        /// Why.
        failure: Failure,
    },
    /// The nodes are told to leave.
    Stopping,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("the nodes are being started"),
            Self::Ready { node, endpoint } => write!(f, "{node} listens at {endpoint}"),
            Self::Whole { .. } => f.write_str("the mesh is whole"),
            Self::Ended { node, how, again_in } => {
                write!(f, "{node} {how}; it is started again in {again_in:?}")
            }
            Self::Failed { node, failure } => write!(f, "{node} did not start: {failure}"),
            Self::Stopping => f.write_str("the nodes are told to leave"),
        }
    }
}
