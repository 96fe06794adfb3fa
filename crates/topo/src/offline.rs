//! The offline answer: which way a message would go in a mesh that is planned.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::explain::{Background, Explanation, Step, compose, explain};
use hopline_mesh::route::{
    Directory, Down, Graph, NextHop, Pattern, StaticRoutes, Walk, WalkInput, walk,
};

use crate::plan::Plan;

/// What every node of a planned mesh would know once it has converged, with all planned clients attached.
///
/// The answer is the running mesh's own: both ask the same function.
///
/// # Examples
/// ```
/// use hopline_topo::{Offline, Plan, parse};
///
/// let loaded = parse("m.toml", "
/// [mesh]
/// name = 'm'
/// [nodes.top]
/// [nodes.east]
/// upstream = ['top']
/// [clients]
/// bob = 'top'
/// ")?;
/// let mesh = Offline::new(&Plan::new(&loaded.topology));
/// let way = mesh.route("east", "bob", &[]).unwrap();
/// assert_eq!((way.path.len(), way.cost), (2, 10));
/// # Ok::<(), hopline_topo::Problems>(())
/// ```
#[derive(Debug, Clone)]
pub struct Offline {
    graph: Graph,
    upstreams: BTreeMap<NodeName, Vec<(NodeName, u32)>>,
    statics: BTreeMap<NodeName, StaticRoutes>,
    directory: Directory,
    hop_limit: u8,
}

impl Offline {
    /// The mesh of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let links = plan.nodes.values().flat_map(|node| {
            let dials = node.dials.iter();
            dials.filter_map(|dial| {
                let link = LinkName::new(node.name.clone(), dial.node.clone()).ok()?;
                Some((link, dial.cost))
            })
        });
        let clients = plan.nodes.values().flat_map(|node| {
            let names = node.clients.iter();
            names.map(|name| (ClientName::from_identity(name.as_bytes()), node.name.clone()))
        });
        let statics = plan.nodes.values().map(|node| {
            let routes = node.routes.iter().filter_map(|(to, hop)| {
                Some((to.parse::<Pattern>().ok()?, NextHop::from(hop.as_str())))
            });
            (node.name.clone(), routes.collect())
        });
        let upstreams = plan.nodes.values();
        Self {
            graph: Graph::new(plan.nodes.keys().cloned(), links),
            upstreams: upstreams.map(|node| (node.name.clone(), node.upstreams.clone())).collect(),
            statics: statics.collect(),
            directory: clients.collect(),
            hop_limit: plan.hop_limit,
        }
    }

    /// The node that `name` is: itself, or the one that the planned client of this name is at.
    #[must_use]
    pub fn node_of(&self, name: &str) -> Option<NodeName> {
        let is_name = |node: &&NodeName| node.as_str() == name;
        let node = self.graph.nodes().find(is_name);
        node.or_else(|| self.directory.at(name)).cloned()
    }

    /// Whether there is a link of this name.
    #[must_use]
    pub fn has_link(&self, link: &LinkName) -> bool {
        self.graph.cost(link).is_some()
    }

    /// Whether a static route somewhere is for `name`.
    #[must_use]
    pub fn has_static_for(&self, name: &str) -> bool {
        let mut patterns = self.statics.values().flat_map(StaticRoutes::iter);
        patterns.any(|(pattern, _)| pattern.matches(name))
    }

    /// The way of a message from `from`, a node or a planned client, to `to` while `down` has failed;
    /// none where there is no `from`.
    #[must_use]
    pub fn route(&self, from: &str, to: &str, down: &[Down]) -> Option<Walk> {
        let graph = self.graph.without(down);
        let mesh = WalkInput {
            graph: &graph,
            upstreams: &self.upstreams,
            statics: &self.statics,
            directory: &self.directory,
            hop_limit: self.hop_limit,
        };
        Some(walk(&mesh, &self.node_of(from)?, to))
    }

    /// Why a message takes that way; none where there is no `from`.
    #[must_use]
    pub fn explain(&self, from: &str, to: &str, down: &[Down]) -> Option<Explanation> {
        let graph = self.graph.without(down);
        let mesh = WalkInput {
            graph: &graph,
            upstreams: &self.upstreams,
            statics: &self.statics,
            directory: &self.directory,
            hop_limit: self.hop_limit,
        };
        Some(explain(mesh, &self.graph, down, from, &self.node_of(from)?, to))
    }

    /// Why a message takes the way that the running nodes say in `steps`, beside the ways that it
    /// might take: `live` is the mesh as the first of them knows it, and `down` the nodes that do not
    /// run. What is planned and not in `live` is down.
    #[must_use]
    pub fn explain_live(
        &self,
        (from, node): (&str, &NodeName),
        to: &str,
        live: &Graph,
        down: &BTreeSet<NodeName>,
        steps: Vec<Step>,
    ) -> Explanation {
        let is_left = |link: &LinkName| {
            live.cost(link).is_none() && !down.iter().any(|node| link.other(node).is_some())
        };
        let links = self.graph.links().map(|(link, _)| link).filter(|link| is_left(link));
        let links = links.cloned().map(Down::Link);
        let down: Vec<_> = down.iter().cloned().map(Down::Node).chain(links).collect();
        let planned = self.graph.links().filter(|(link, _)| live.cost(link).is_none());
        let links = live.links().chain(planned).map(|(link, cost)| (link.clone(), cost));
        let whole = Graph::new(self.graph.nodes().chain(live.nodes()).cloned(), links);
        let background =
            Background { graph: live, whole: &whole, down: &down, hop_limit: self.hop_limit };
        compose(from, node, to, &background, steps)
    }
}
