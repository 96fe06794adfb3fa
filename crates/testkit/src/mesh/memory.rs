//! Nodes of this process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::control::NodeStatus;
use hopline_mesh::wire::hello::MeshKey;
use hopline_topo::Plan;
use hopline_topo::launch::node_config;

use super::MeshError;

/// The nodes of a mesh, each at a `mem://` endpoint.
#[derive(Debug)]
pub(super) struct Memory {
    key: MeshKey,
    /// Tells this mesh's endpoints from those of others in the process.
    number: u64,
    nodes: BTreeMap<NodeName, RoutingNode>,
}

impl Memory {
    pub(super) async fn start(plan: &Plan) -> Result<Self, MeshError> {
        static MESHES: AtomicU64 = AtomicU64::new(0);
        let number = MESHES.fetch_add(1, Ordering::Relaxed);
        let key = MeshKey::new([number.to_le_bytes()[0]; 32]);
        let mut memory = Self { key, number, nodes: BTreeMap::new() };
        for name in plan.nodes.keys() {
            memory.start_node(plan, name.as_str()).await?;
        }
        Ok(memory)
    }

    pub(super) async fn start_node(&mut self, plan: &Plan, name: &str) -> Result<(), MeshError> {
        let node = plan.nodes.get(name);
        let node = node.ok_or_else(|| MeshError::NoNode { name: name.to_owned() })?;
        let endpoint = self.endpoint(&node.name)?;
        let config = node_config(&plan.mesh, plan.into(), node, endpoint, self.key.clone());
        let control = Some(self.control_endpoint(&node.name)?);
        let running = RoutingNode::start(NodeConfig { control, ..config }).await?;
        for dial in &node.dials {
            running.dial(dial.node.clone(), self.endpoint(&dial.node)?).await?;
        }
        self.nodes.insert(node.name.clone(), running);
        Ok(())
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
