//! A mesh in a test: its nodes in this process, over `mem://` in milliseconds or over TCP, or real processes.

mod cable;
mod error;
mod explain;
mod faults;
mod local;
mod patience;
mod processes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hopline_core::Endpoint;
use hopline_mesh::client::{Client, ClientOptions, Failure, RequestError, Trace};
use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::node::RoutingNode;
use hopline_mesh::route::{Down, Refusal, Walk};
use hopline_mesh::wire::control::NodeStatus;
use hopline_topo::launch::{disagreement, missing};
use hopline_topo::{Offline, Plan, Topology};

pub use error::MeshError;
pub use patience::PATIENCE;

use local::Local;
use processes::Processes;

/// A running mesh: each node a [`RoutingNode`] of this process, or a process of its own.
///
/// Everything that is awaited has a deadline of [`PATIENCE`], so a test that fails says so and does
/// not hang. End it with [`Mesh::shutdown`]; dropping it ends it at once.
///
/// # Examples
/// ```
/// use hopline_testkit::{Mesh, assert_route};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mesh = Mesh::from_text("regions.toml", r#"
///     [mesh]
///     name = "regions"
///     [nodes]
///     top = { bind = "auto" }
///     east = { bind = "auto", upstream = "top" }
///     west = { bind = "auto", upstream = "top" }
///     [clients]
///     alice = "east"
///     bob = "west"
/// "#).await?;
/// assert_route!(mesh, "alice" -> "bob", via ["east", "top", "west"]);
///
/// let (alice, mut bob) = (mesh.client("alice").await?, mesh.client("bob").await?);
/// mesh.converged().await?;
/// alice.send("bob", "good morning").await?;
/// assert_eq!(bob.recv().await?.message()?.nodes(), ["east", "top", "west"]);
///
/// mesh.cut("top--west").await?;
/// mesh.converged().await?;
/// assert!(mesh.trace("alice", "west").await.is_err());
/// mesh.shutdown().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a mesh that is dropped ends"]
pub struct Mesh {
    topology: Topology,
    plan: Plan,
    nodes: Nodes,
    /// The links that were cut and not healed.
    cut: std::sync::Mutex<std::collections::BTreeSet<LinkName>>,
}

/// What the nodes of a mesh are.
#[derive(Debug)]
enum Nodes {
    Local(Local),
    Processes(Processes),
}

impl Mesh {
    /// Starts the mesh that a file declares, in this process. Where its nodes would listen does not
    /// matter: all are at `mem://`. Returns when it has converged.
    ///
    /// # Errors
    /// [`MeshError`] where the file has mistakes or a node does not start.
    ///
    /// # Cancel safety
    /// What was started ends if the future is dropped.
    pub async fn from_file(path: impl AsRef<Path>) -> Result<Self, MeshError> {
        Self::start(hopline_topo::load(path.as_ref())?.topology).await
    }

    /// Starts the mesh that this text declares, in this process; `name` is what diagnostics call it.
    ///
    /// # Errors
    /// As [`Mesh::from_file`].
    ///
    /// # Cancel safety
    /// As [`Mesh::from_file`].
    pub async fn from_text(name: &str, text: &str) -> Result<Self, MeshError> {
        Self::start(hopline_topo::parse(name, text)?.topology).await
    }

    /// Starts the mesh of a topology, in this process.
    ///
    /// # Errors
    /// As [`Mesh::from_file`].
    ///
    /// # Cancel safety
    /// As [`Mesh::from_file`].
    pub async fn start(topology: Topology) -> Result<Self, MeshError> {
        let plan = Plan::new(&topology);
        let nodes = Nodes::Local(Local::start(&plan).await?);
        Self::started(topology, plan, nodes).await
    }

    /// Starts the mesh of a topology, in this process and over TCP: all nodes listen at free ports of the loopback,
    /// and the connection of each link can be broken with [`Mesh::reset`] and [`Mesh::black_hole`].
    ///
    /// # Errors
    /// As [`Mesh::from_file`].
    ///
    /// # Cancel safety
    /// As [`Mesh::from_file`].
    pub async fn over_tcp(topology: Topology) -> Result<Self, MeshError> {
        let plan = Plan::new(&topology);
        let nodes = Nodes::Local(Local::start_over_tcp(&plan).await?);
        Self::started(topology, plan, nodes).await
    }

    /// Starts the mesh that a file declares, each node a process of the program `hopline`, which in
    /// that program's own tests is `env!("CARGO_BIN_EXE_hopline")`. All nodes listen at free ports of
    /// the loopback, whatever the file says, and all state is in a directory that goes with the mesh.
    /// Returns when it has converged.
    ///
    /// # Errors
    /// [`MeshError`] where the file has mistakes or a node does not start.
    ///
    /// # Cancel safety
    /// What was started ends if the future is dropped.
    pub async fn processes(
        path: impl AsRef<Path>,
        hopline: impl Into<PathBuf>,
    ) -> Result<Self, MeshError> {
        let topology = hopline_topo::load(path.as_ref())?.topology;
        let plan = Plan::new(&topology);
        let nodes = Nodes::Processes(Processes::start(path.as_ref(), &plan, hopline.into()).await?);
        Self::started(topology, plan, nodes).await
    }

    async fn started(topology: Topology, plan: Plan, nodes: Nodes) -> Result<Self, MeshError> {
        let mesh = Self { topology, plan, nodes, cut: std::sync::Mutex::default() };
        mesh.converged().await?;
        Ok(mesh)
    }

    /// The topology that was started.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// A running node of this process.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs here.
    pub fn node(&self, name: &str) -> Result<&RoutingNode, MeshError> {
        match &self.nodes {
            Nodes::Local(local) => local.node(name),
            Nodes::Processes(_) => Err(MeshError::NoNode { name: name.to_owned() }),
        }
    }

    /// Where a node listens.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs.
    pub fn endpoint(&self, node: &str) -> Result<Endpoint, MeshError> {
        match &self.nodes {
            Nodes::Local(local) => Ok(local.node(node)?.endpoint().clone()),
            Nodes::Processes(processes) => processes.endpoint(node),
        }
    }

    /// A node's control socket, where the access rules do not apply.
    fn control(&self, node: &str) -> Result<Endpoint, MeshError> {
        match &self.nodes {
            Nodes::Local(local) => local.control(node),
            Nodes::Processes(processes) => processes.control(node),
        }
    }

    /// The way that a message would go by the file alone, from the node of a planned client or from a
    /// node, while what was [cut](Mesh::cut) is down.
    ///
    /// # Errors
    /// [`MeshError::NotPlanned`] where there is no such sender.
    pub fn route(&self, from: &str, to: &str) -> Result<Walk, MeshError> {
        let down: Vec<Down> = self.cut_links().into_iter().map(Down::Link).collect();
        let walk = Offline::new(&self.plan).route(from, to, &down);
        walk.ok_or_else(|| MeshError::NotPlanned { name: from.to_owned() })
    }

    /// Attaches a client at the node that the topology plans for it.
    ///
    /// # Errors
    /// [`MeshError`] where it is not planned or not taken in.
    ///
    /// # Cancel safety
    /// The client ends if the future is dropped.
    pub async fn client(&self, name: &str) -> Result<Client, MeshError> {
        self.client_at(name, self.place(name)?.as_str()).await
    }

    /// Attaches a client at a node.
    ///
    /// # Errors
    /// [`MeshError`] where no such node runs, or the client is not taken in.
    ///
    /// # Cancel safety
    /// The client ends if the future is dropped.
    pub async fn client_at(&self, name: &str, node: &str) -> Result<Client, MeshError> {
        let options = ClientOptions::named(name)?.timeout(PATIENCE);
        Ok(Client::connect(&self.endpoint(node)?, options).await?)
    }

    /// The way that a message takes just now, from the node of a client or from a node.
    ///
    /// A planned client that is attached nowhere stands for the node that it is planned at. What the access
    /// rules say of a client is asked of the nodes first; a node may send to anybody.
    ///
    /// # Errors
    /// [`MeshError::Request`] with the reason, the node and the path so far; [`MeshError::Denied`] where the
    /// access rules do not let the client.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn trace(&self, from: &str, to: &str) -> Result<Trace, MeshError> {
        let node = self.place(from)?;
        self.let_through(from, to).await?;
        let options = ClientOptions::anonymous().timeout(PATIENCE);
        let client = Client::connect(&self.control(node.as_str())?, options).await?;
        let trace = match client.trace(to, PATIENCE).await {
            Err(RequestError::Failed(failure)) if is_absent(&failure) && self.is_planned(to) => {
                client.trace(self.place(to)?.as_str(), PATIENCE).await
            }
            trace => trace,
        };
        client.shutdown().await;
        Ok(trace?)
    }

    /// Waits until the mesh has converged: all links that can be up are up, every node that can reach
    /// another has the same revision and attachments as it, and every flood is acknowledged.
    ///
    /// # Errors
    /// [`MeshError::NotConverged`] after [`PATIENCE`], with what every node says.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn converged(&self) -> Result<(), MeshError> {
        self.until(|statuses| self.is_converged(statuses)).await
    }

    /// Waits until a condition holds of what the running nodes say of themselves.
    ///
    /// # Errors
    /// [`MeshError::NotConverged`] after [`PATIENCE`], with what every node says.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn until(
        &self,
        holds: impl Fn(&BTreeMap<NodeName, NodeStatus>) -> bool,
    ) -> Result<(), MeshError> {
        let mut last = BTreeMap::new();
        patience::until(async || {
            last = self.statuses().await?;
            Ok(holds(&last))
        })
        .await?
        .then_some(())
        .ok_or_else(|| MeshError::NotConverged { nodes: Box::new(last) })
    }

    /// What every running node says of itself.
    ///
    /// # Errors
    /// [`MeshError::Stopped`] where a node has ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn statuses(&self) -> Result<BTreeMap<NodeName, NodeStatus>, MeshError> {
        match &self.nodes {
            Nodes::Local(local) => local.statuses().await,
            Nodes::Processes(processes) => processes.statuses().await,
        }
    }

    /// Ends all nodes, each with a good-bye.
    ///
    /// # Cancel safety
    /// What has not ended ends at once if the future is dropped.
    pub async fn shutdown(self) {
        match self.nodes {
            Nodes::Local(local) => local.shutdown().await,
            Nodes::Processes(processes) => processes.shutdown().await,
        }
    }

    /// The node of a planned client, or the node itself.
    fn place(&self, name: &str) -> Result<NodeName, MeshError> {
        if let Some((node, _)) = self.plan.nodes.get_key_value(name) {
            return Ok(node.clone());
        }
        let planned = self.topology.clients().get(name);
        planned.cloned().ok_or_else(|| MeshError::NotPlanned { name: name.to_owned() })
    }

    fn is_planned(&self, client: &str) -> bool {
        self.topology.clients().contains_key(client)
    }

    /// Whether all links that can be up are up, none that was cut is, and all that reach each other
    /// know the same.
    fn is_converged(&self, statuses: &BTreeMap<NodeName, NodeStatus>) -> bool {
        let cut = self.cut_links();
        let mut plan = self.plan.clone();
        plan.nodes.retain(|name, _| statuses.contains_key(name));
        for node in plan.nodes.values_mut() {
            let name = node.name.clone();
            let stays = |dial: &hopline_topo::Dial| {
                let link = LinkName::new(name.clone(), dial.node.clone());
                statuses.contains_key(&dial.node) && !link.is_ok_and(|link| cut.contains(&link))
            };
            node.dials.retain(stays);
            node.accepts.retain(stays);
        }
        let up = |from: &NodeName, to: &NodeName| {
            let mut links = statuses.get(from).into_iter().flat_map(|status| &status.links);
            links.any(|link| link.up && link.neighbour == *to)
        };
        let gone = |link: &LinkName| {
            !up(link.lesser(), link.greater()) && !up(link.greater(), link.lesser())
        };
        let to_absent = statuses.values().flat_map(|status| &status.links);
        missing(&plan, statuses).is_none()
            && disagreement(statuses).is_none()
            && cut.iter().all(gone)
            && !to_absent.into_iter().any(|link| link.up && !statuses.contains_key(&link.neighbour))
    }
}

/// Asserts which way a message goes, live: `assert_route!(mesh, "alice" -> "bob", via ["east", "top", "west"])`.
///
/// The path has every node that handles the message, the first and the last included. It is asked of
/// the running mesh, and the offline answer for the topology must be the same where nothing is cut.
///
/// # Panics
/// Where the way is another, or there is none; the message says which and why.
#[macro_export]
macro_rules! assert_route {
    ($mesh:expr, $from:literal -> $to:literal, via $path:expr) => {
        match $mesh.trace($from, $to).await {
            Ok(trace) => assert_eq!(trace.nodes(), $path, "the way from {} to {}", $from, $to),
            Err(error) => panic!("no way from {} to {}: {error}", $from, $to),
        }
    };
}

fn is_absent(failure: &Failure) -> bool {
    failure.reason == Refusal::UnknownDestination.reason()
}
