//! What can go wrong with a mesh in a test.

use std::collections::BTreeMap;

use hopline_core::{EndpointError, IdentityError};
use hopline_mesh::client::{ConnectError, RequestError};
use hopline_mesh::name::{LinkName, NameError, NodeName};
use hopline_mesh::node::{NodeStopped, StartError};
use hopline_mesh::route::PatternError;
use hopline_mesh::wire::control::NodeStatus;
use hopline_topo::Problems;
use hopline_topo::launch::LaunchError;

/// Why a mesh in a test did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// The file has mistakes.
    #[error("the topology has mistakes:\n{0}")]
    Topology(#[from] Problems),
    /// A node did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A node has ended.
    #[error(transparent)]
    Stopped(#[from] NodeStopped),
    /// No node of this name runs.
    #[error("no node {name} runs")]
    NoNode {
        /// The name.
        name: String,
    },
    /// The name is neither a node nor a planned client.
    #[error("{name} is neither a node nor a client that the topology plans")]
    NotPlanned {
        /// The name.
        name: String,
    },
    /// A client was not taken in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A question has no answer, or the answer is no.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The access rules do not let a client attach, or send there.
    #[error("{node} says: {reason}{}", rule.as_ref().map(|rule| format!(" by {rule}")).unwrap_or_default())]
    Denied {
        /// The node that says so.
        node: NodeName,
        /// In the words of refusals.
        reason: String,
        /// The rule that says so; none where none matches, which at a port beyond the machine denies.
        rule: Option<String>,
    },
    /// The mesh has not come to rest.
    #[error("the mesh has not converged: {nodes:#?}")]
    NotConverged {
        /// What every node says.
        nodes: Box<BTreeMap<NodeName, NodeStatus>>,
    },
    /// A link or node is misnamed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A client's name is too long or empty.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A static route's destination is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The processes did not start, or could not be found.
    #[error(transparent)]
    Launch(Box<LaunchError>),
    /// The supervisor of the processes has ended.
    #[error("the supervisor of the processes has ended")]
    Ended,
    /// A directory for the processes, or a port, could not be made.
    #[error("no directory for the state of the processes, or no port")]
    State(#[from] std::io::Error),
    /// The nodes of the link are not joined over TCP by this mesh, so it cannot break their connection.
    #[error("the connection of {link} is not one that can be broken: see `Mesh::over_tcp`")]
    NoCable {
        /// The link.
        link: LinkName,
    },
    /// An endpoint is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl From<LaunchError> for MeshError {
    fn from(error: LaunchError) -> Self {
        Self::Launch(Box::new(error))
    }
}
