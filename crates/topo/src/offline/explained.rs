//! Why a message takes the way it takes, on paper and in the running mesh.

use std::collections::BTreeSet;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::explain::{Background, Explanation, Step, compose, explain};
use hopline_mesh::route::{Down, Graph};

use super::Offline;

impl Offline {
    /// Why a message takes that way; none where there is no `from`.
    #[must_use]
    pub fn explain(&self, from: &str, to: &str, down: &[Down]) -> Option<Explanation> {
        let graph = self.graph.without(down);
        let node = self.node_of(from)?;
        let sender = self.sender(from, &node);
        Some(explain(self.input(&graph), &self.graph, down, (from, &node, sender), to))
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
