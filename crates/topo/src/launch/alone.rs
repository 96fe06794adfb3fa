//! One node in the foreground, without a supervisor: for containers, units, and other machines.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::hello::MeshKey;
use thiserror::Error;

use super::error::{Failure, LaunchError};
use super::homes::Homes;
use super::keeper::unix_millis;
use super::place::Place;
use super::start::{failure, node_config};
use super::{incarnation, store};
use crate::plan::Plan;
use crate::topology::Bind;

/// Why a node cannot run without a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AloneError {
    /// The mesh has no such node.
    #[error("the mesh has no node `{0}`")]
    UnknownNode(String),
    /// A node whose address must be known takes any free port.
    #[error("nobody can know where `{0}` listens: its `bind` is \"auto\"")]
    AutoBind(NodeName),
    /// The node could not start.
    #[error("node `{node}` did not start: {failure}")]
    Start {
        /// The node.
        node: NodeName,
        /// Why.
        failure: Failure,
    },
    /// The node ended though nobody told it to.
    #[error("node `{0}` has ended by itself")]
    Ended(NodeName),
}

impl AloneError {
    /// What to do about it, where there is something to be done.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::AutoBind(_) => Some(
                "write its port, such as `bind = \"tcp://127.0.0.1:5555\"`; \"auto\" is for \
                 `hopline up`, which tells the nodes of each other",
            ),
            Self::Start { failure: Failure::AddressTaken { .. }, .. } => {
                Some("stop the program that listens there, or change the node's `bind`")
            }
            Self::Start { .. } | Self::UnknownNode(_) | Self::Ended(_) => None,
        }
    }
}

/// The number of the next run of the node `name` of the plan of the file at `file`, an absolute path. It is kept in the
/// state directory, where a supervisor keeps it too, so that the node is known for newer also where the clock was set
/// back.
///
/// # Errors
/// [`LaunchError`] where it cannot be kept.
pub fn next_run(
    homes: &Homes,
    file: &Path,
    plan: &Plan,
    name: &NodeName,
) -> Result<u64, LaunchError> {
    let place = Place::new(&homes.state, &plan.mesh, file);
    store::make(&place)?;
    incarnation::next(&place, name, unix_millis())
}

/// Runs the node `name` of `plan` until `stop` is ready, then lets it leave.
///
/// It dials its neighbours at the addresses that the plan has; `ready` is called with where it listens. The number of
/// the run is that of [`next_run`], or none where it is not kept and the time has to do.
///
/// # Errors
/// [`AloneError`] where it cannot start, or ends by itself.
///
/// # Cancel safety
/// The node ends at once, without a good-bye, if the future is dropped.
pub async fn run_alone(
    plan: &Plan,
    name: &str,
    key: [u8; 32],
    incarnation: Option<u64>,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(&Endpoint),
) -> Result<(), AloneError> {
    let node = plan.nodes.get(name);
    let node = node.ok_or_else(|| AloneError::UnknownNode(name.to_owned()))?;
    let Bind::At(bind) = &node.bind else {
        return Err(AloneError::AutoBind(node.name.clone()));
    };
    let not_started = |failure| AloneError::Start { node: node.name.clone(), failure };
    let mut neighbours = BTreeMap::new();
    for dial in &node.dials {
        let there = plan.nodes.get(&dial.node).and_then(|plan| plan.dial_address());
        let there = there.ok_or_else(|| AloneError::AutoBind(dial.node.clone()))?;
        neighbours.insert(dial.node.clone(), there.clone());
    }
    let config = NodeConfig {
        open: plan.open,
        incarnation,
        ..node_config(&plan.mesh, plan.into(), node, bind.clone(), MeshKey::new(key))
    };
    let started = RoutingNode::start(config).await;
    let mut running = started.map_err(|error| not_started(failure(error)))?;
    for (neighbour, endpoint) in neighbours {
        // A node that has ended meanwhile is found out below.
        let _ = running.dial(neighbour, endpoint).await;
    }
    ready(running.endpoint());
    let ran = tokio::select! {
        biased;
        () = stop => Ok(()),
        () = running.ended() => Err(AloneError::Ended(node.name.clone())),
    };
    running.shutdown().await;
    ran
}
