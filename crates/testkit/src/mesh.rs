//! A mesh in a test: its nodes run in this process, over `mem://`, in milliseconds.

mod error;
mod patience;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::brain::{Command, LinkConfig};
use hopline_mesh::client::{Client, ClientOptions, Failure, RequestError, Trace};
use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::route::Refusal;
use hopline_mesh::wire::control::NodeStatus;
use hopline_mesh::wire::hello::MeshKey;
use hopline_topo::{NodePlan, Plan, Topology};

pub use error::MeshError;
pub use patience::PATIENCE;

/// A running mesh, each node a [`RoutingNode`] of this process.
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
    key: MeshKey,
    /// Tells this mesh's endpoints from those of others in the process.
    number: u64,
    nodes: BTreeMap<NodeName, RoutingNode>,
}

impl Mesh {
    /// Starts the mesh that a file declares. Where its nodes would listen does not matter: all are at
    /// `mem://`. Returns when it has converged.
    ///
    /// # Errors
    /// [`MeshError`] where the file has mistakes or a node does not start.
    ///
    /// # Cancel safety
    /// What was started ends if the future is dropped.
    pub async fn from_file(path: impl AsRef<Path>) -> Result<Self, MeshError> {
        Self::start(hopline_topo::load(path.as_ref())?.topology).await
    }

    /// Starts the mesh that this text declares; `name` is what diagnostics call it.
    ///
    /// # Errors
    /// As [`Mesh::from_file`].
    ///
    /// # Cancel safety
    /// As [`Mesh::from_file`].
    pub async fn from_text(name: &str, text: &str) -> Result<Self, MeshError> {
        Self::start(hopline_topo::parse(name, text)?.topology).await
    }

    /// Starts the mesh of a topology.
    ///
    /// # Errors
    /// As [`Mesh::from_file`].
    ///
    /// # Cancel safety
    /// As [`Mesh::from_file`].
    pub async fn start(topology: Topology) -> Result<Self, MeshError> {
        static MESHES: AtomicU64 = AtomicU64::new(0);
        let plan = Plan::new(&topology);
        let number = MESHES.fetch_add(1, Ordering::Relaxed);
        let key = MeshKey::new([number.to_le_bytes()[0]; 32]);
        let mut mesh = Self {
            topology,
            plan,
            key,
            number,
            nodes: BTreeMap::new(),
        };
        for name in mesh.plan.nodes.keys().cloned().collect::<Vec<_>>() {
            mesh.start_node(name.as_str()).await?;
        }
        mesh.converged().await?;
        Ok(mesh)
    }

    /// The topology that was started.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// A running node.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs.
    pub fn node(&self, name: &str) -> Result<&RoutingNode, MeshError> {
        self.nodes.get(name).ok_or_else(|| MeshError::NoNode {
            name: name.to_owned(),
        })
    }

    /// Starts a node that is declared and does not run.
    ///
    /// # Errors
    /// [`MeshError`] where it is not declared or does not start.
    ///
    /// # Cancel safety
    /// The node ends if the future is dropped.
    pub async fn start_node(&mut self, name: &str) -> Result<(), MeshError> {
        let plan = self.plan.nodes.get(name);
        let plan = plan
            .ok_or_else(|| MeshError::NoNode {
                name: name.to_owned(),
            })?
            .clone();
        let node = RoutingNode::start(self.config(&plan)?).await?;
        for dial in &plan.dials {
            node.dial(dial.node.clone(), self.endpoint(&dial.node)?)
                .await?;
        }
        self.nodes.insert(plan.name, node);
        Ok(())
    }

    /// Ends a node, with a good-bye to its neighbours.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs.
    ///
    /// # Cancel safety
    /// The node ends at once if the future is dropped.
    pub async fn stop_node(&mut self, name: &str) -> Result<(), MeshError> {
        let node = self.nodes.remove(name);
        node.ok_or_else(|| MeshError::NoNode {
            name: name.to_owned(),
        })?
        .shutdown()
        .await;
        Ok(())
    }

    /// Ends a node without a word, as a crash would.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs.
    pub fn kill_node(&mut self, name: &str) -> Result<(), MeshError> {
        let node = self.nodes.remove(name);
        drop(node.ok_or_else(|| MeshError::NoNode {
            name: name.to_owned(),
        })?);
        Ok(())
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
        Ok(Client::connect(self.node(node)?.endpoint(), options).await?)
    }

    /// The way that a message takes just now, from the node of a client or from a node.
    ///
    /// A planned client that is attached nowhere stands for the node that it is planned at.
    ///
    /// # Errors
    /// [`MeshError::Request`] with the reason, the node and the path so far.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn trace(&self, from: &str, to: &str) -> Result<Trace, MeshError> {
        let node = self.place(from)?;
        let options = ClientOptions::anonymous().timeout(PATIENCE);
        let client = Client::connect(self.node(node.as_str())?.endpoint(), options).await?;
        let trace = match client.trace(to, PATIENCE).await {
            Err(RequestError::Failed(failure)) if is_absent(&failure) && self.is_planned(to) => {
                client.trace(self.place(to)?.as_str(), PATIENCE).await
            }
            trace => trace,
        };
        client.shutdown().await;
        Ok(trace?)
    }

    /// Takes a link down at both of its ends, until it is healed.
    ///
    /// # Errors
    /// [`MeshError`] where it is no link between two running nodes.
    ///
    /// # Cancel safety
    /// The link may be down at one end only.
    pub async fn cut(&self, link: &str) -> Result<(), MeshError> {
        self.order(link, Command::Cut).await
    }

    /// Lets a link come up again.
    ///
    /// # Errors
    /// As [`Mesh::cut`].
    ///
    /// # Cancel safety
    /// The link may be healed at one end only.
    pub async fn heal(&self, link: &str) -> Result<(), MeshError> {
        self.order(link, Command::Heal).await
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
        let mut last = BTreeMap::new();
        patience::until(async || {
            last = self.statuses().await?;
            Ok(self.is_converged(&last))
        })
        .await?
        .then_some(())
        .ok_or_else(|| MeshError::NotConverged {
            nodes: Box::new(last),
        })
    }

    /// What every running node says of itself.
    ///
    /// # Errors
    /// [`MeshError::Stopped`] where a node has ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn statuses(&self) -> Result<BTreeMap<NodeName, NodeStatus>, MeshError> {
        let mut statuses = BTreeMap::new();
        for (name, node) in &self.nodes {
            statuses.insert(name.clone(), node.status().await?);
        }
        Ok(statuses)
    }

    /// Ends all nodes, each with a good-bye.
    ///
    /// # Cancel safety
    /// What has not ended ends at once if the future is dropped.
    pub async fn shutdown(self) {
        for node in self.nodes.into_values() {
            node.shutdown().await;
        }
    }

    /// The node of a planned client, or the node itself.
    fn place(&self, name: &str) -> Result<NodeName, MeshError> {
        if let Some((node, _)) = self.plan.nodes.get_key_value(name) {
            return Ok(node.clone());
        }
        let planned = self.topology.clients().get(name);
        planned.cloned().ok_or_else(|| MeshError::NotPlanned {
            name: name.to_owned(),
        })
    }

    fn is_planned(&self, client: &str) -> bool {
        self.topology.clients().contains_key(client)
    }

    async fn order(&self, link: &str, order: fn(NodeName) -> Command) -> Result<(), MeshError> {
        let link: LinkName = link.parse()?;
        for (end, other) in [
            (link.lesser(), link.greater()),
            (link.greater(), link.lesser()),
        ] {
            self.node(end.as_str())?
                .command(order(other.clone()))
                .await?;
        }
        Ok(())
    }

    fn is_converged(&self, statuses: &BTreeMap<NodeName, NodeStatus>) -> bool {
        let cut = |status: &NodeStatus, neighbour: &NodeName| {
            status
                .links
                .iter()
                .any(|link| link.neighbour == *neighbour && link.cut)
        };
        let is_up = |status: &NodeStatus, neighbour: &NodeName| {
            status
                .links
                .iter()
                .any(|link| link.neighbour == *neighbour && link.up)
        };
        let links = self.topology.links().into_keys().all(|link| {
            let ends = (statuses.get(link.lesser()), statuses.get(link.greater()));
            let (Some(a), Some(b)) = ends else {
                return true;
            };
            let is_cut = cut(a, link.greater()) || cut(b, link.lesser());
            let up = (is_up(a, link.greater()), is_up(b, link.lesser()));
            up == if is_cut { (false, false) } else { (true, true) }
        });
        let agree = statuses.values().all(|status| {
            let others = status.reachable.iter().map(|node| statuses.get(node));
            status.pending == 0
                && status
                    .links
                    .iter()
                    .filter(|link| link.up)
                    .all(|link| statuses.contains_key(&link.neighbour))
                && others.into_iter().all(|other| {
                    other.is_some_and(|other| {
                        other.revision == status.revision && other.attachments == status.attachments
                    })
                })
        });
        links && agree
    }

    fn endpoint(&self, node: &NodeName) -> Result<Endpoint, MeshError> {
        Ok(format!("mem://testkit-{}-{node}", self.number).parse()?)
    }

    fn config(&self, plan: &NodePlan) -> Result<NodeConfig, MeshError> {
        let endpoint = self.endpoint(&plan.name)?;
        let mesh = self.plan.mesh.as_str();
        let mut config = NodeConfig::new(mesh, plan.name.clone(), endpoint, self.key.clone());
        config.hop_limit = plan.hop_limit;
        config.dialects.clone_from(&plan.dialects);
        for (destination, next_hop) in &plan.routes {
            config
                .statics
                .set(destination.parse()?, next_hop.as_str().into());
        }
        let ends = plan.dials.iter().map(|dial| (dial, true));
        for (dial, dials) in ends.chain(plan.accepts.iter().map(|dial| (dial, false))) {
            let upstream = plan.upstreams.iter().any(|(node, _)| *node == dial.node);
            let link = LinkConfig {
                cost: dial.cost,
                dials,
                upstream,
            };
            config.links.insert(dial.node.clone(), link);
        }
        Ok(config)
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

/// A short time, for the pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);
