//! Nodes of this process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hopline_core::Endpoint;
use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::control::NodeStatus;
use hopline_mesh::wire::hello::MeshKey;
use hopline_topo::Plan;
use hopline_topo::launch::node_config;

use super::MeshError;
use super::cable::Cable;

/// The nodes of a mesh, each at a `mem://` endpoint, or each at a port of the loopback.
#[derive(Debug)]
pub(super) struct Local {
    key: MeshKey,
    /// Tells this mesh's endpoints from those of others in the process.
    number: u64,
    nodes: BTreeMap<NodeName, RoutingNode>,
    /// Over TCP, what the nodes dial instead of each other: who dials, and whom.
    cables: Option<BTreeMap<(NodeName, NodeName), Cable>>,
}

impl Local {
    /// Starts all nodes of a plan over `mem://`.
    pub(super) async fn start(plan: &Plan) -> Result<Self, MeshError> {
        let mut local = Self::new();
        local.start_all(plan).await?;
        Ok(local)
    }

    /// Starts all nodes of a plan over TCP.
    pub(super) async fn start_over_tcp(plan: &Plan) -> Result<Self, MeshError> {
        let mut cables = BTreeMap::new();
        for node in plan.nodes.values() {
            for dial in &node.dials {
                cables.insert((node.name.clone(), dial.node.clone()), Cable::lay().await?);
            }
        }
        let mut local = Self { cables: Some(cables), ..Self::new() };
        local.start_all(plan).await?;
        Ok(local)
    }

    fn new() -> Self {
        static MESHES: AtomicU64 = AtomicU64::new(0);
        let number = MESHES.fetch_add(1, Ordering::Relaxed);
        let key = MeshKey::new([number.to_le_bytes()[0]; 32]);
        Self { key, number, nodes: BTreeMap::new(), cables: None }
    }

    async fn start_all(&mut self, plan: &Plan) -> Result<(), MeshError> {
        for name in plan.nodes.keys() {
            self.start_node(plan, name.as_str()).await?;
        }
        Ok(())
    }

    pub(super) async fn start_node(&mut self, plan: &Plan, name: &str) -> Result<(), MeshError> {
        let node = plan.nodes.get(name);
        let node = node.ok_or_else(|| MeshError::NoNode { name: name.to_owned() })?;
        let endpoint = match &self.cables {
            None => self.endpoint(&node.name)?,
            Some(_) => "tcp://127.0.0.1:0".parse()?,
        };
        let config = node_config(&plan.mesh, plan.into(), node, endpoint, self.key.clone());
        let control = Some(self.control_endpoint(&node.name)?);
        let running = RoutingNode::start(NodeConfig { control, ..config }).await?;
        for ((_, to), cable) in self.cables.iter().flatten() {
            if *to == node.name {
                cable.lead_to(running.endpoint());
            }
        }
        for dial in &node.dials {
            let dialled = (node.name.clone(), dial.node.clone());
            let endpoint = match self.cables.as_ref().and_then(|cables| cables.get(&dialled)) {
                Some(cable) => cable.endpoint().clone(),
                None => self.endpoint(&dial.node)?,
            };
            running.dial(dial.node.clone(), endpoint).await?;
        }
        self.nodes.insert(node.name.clone(), running);
        Ok(())
    }

    /// What stands between the two ends of a link, over TCP.
    pub(super) fn cable(&self, link: &LinkName) -> Result<&Cable, MeshError> {
        let ends = [(link.lesser(), link.greater()), (link.greater(), link.lesser())];
        let mut cables = ends
            .into_iter()
            .filter_map(|(from, to)| self.cables.as_ref()?.get(&(from.clone(), to.clone())));
        cables.next().ok_or_else(|| MeshError::NoCable { link: link.clone() })
    }

    pub(super) fn node(&self, name: &str) -> Result<&RoutingNode, MeshError> {
        self.nodes.get(name).ok_or_else(|| MeshError::NoNode { name: name.to_owned() })
    }

    /// Where a node takes orders: as its operator, whatever the access rules are.
    pub(super) fn control(&self, name: &str) -> Result<Endpoint, MeshError> {
        self.control_endpoint(self.node(name)?.name())
    }

    pub(super) fn take(&mut self, name: &str) -> Result<RoutingNode, MeshError> {
        self.nodes.remove(name).ok_or_else(|| MeshError::NoNode { name: name.to_owned() })
    }

    pub(super) async fn statuses(&self) -> Result<BTreeMap<NodeName, NodeStatus>, MeshError> {
        let mut statuses = BTreeMap::new();
        for (name, node) in &self.nodes {
            statuses.insert(name.clone(), node.status().await?);
        }
        Ok(statuses)
    }

    pub(super) async fn shutdown(self) {
        for node in self.nodes.into_values() {
            node.shutdown().await;
        }
    }

    fn control_endpoint(&self, node: &NodeName) -> Result<Endpoint, MeshError> {
        Ok(format!("mem://testkit-control-{}-{node}", self.number).parse()?)
    }

    fn endpoint(&self, node: &NodeName) -> Result<Endpoint, MeshError> {
        Ok(format!("mem://testkit-{}-{node}", self.number).parse()?)
    }
}
