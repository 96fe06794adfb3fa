//! What a supervisor tells of its mesh.

use std::fmt;
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;

use super::agreement::Lack;
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
    /// Every node listens, and after all the time it had the mesh still lacks a link. It is left running,
    /// and [`Whole`](Report::Whole) follows should the link come up.
    NotWhole {
        /// The time it had.
        within: Duration,
        /// What it lacks.
        lack: Lack,
    },
    /// A node cannot reach a neighbour that it dials, and goes on trying.
    Trouble {
        /// The node.
        node: NodeName,
        /// The neighbour.
        neighbour: NodeName,
        /// Why, in words.
        trouble: String,
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
            Self::NotWhole { within, lack } => {
                write!(f, "the mesh is not whole after {} s: {lack}", within.as_secs())
            }
            Self::Trouble { node, neighbour, trouble } => {
                write!(f, "{node} cannot reach {neighbour}: {trouble}")
            }
            Self::Ended { node, how, again_in } => {
                write!(f, "{node} {how}; it is started again in {again_in:?}")
            }
            Self::Failed { node, failure } => write!(f, "{node} did not start: {failure}"),
            Self::Stopping => f.write_str("the nodes are told to leave"),
        }
    }
}
