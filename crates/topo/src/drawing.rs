//! Drawings of a topology: as a tree for the terminal, for Graphviz, for Mermaid, as a picture.
//!
//! The text is the same on every run. A drawing may show a route and what is down.

mod dot;
mod geometry;
mod layout;
mod mermaid;
mod scene;
mod svg;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;

use hopline_mesh::name::{LinkName, NodeName};

use crate::topology::{DEFAULT_COST, Link, Topology};

pub use dot::dot;
pub use layout::Layout;
pub use mermaid::mermaid;
pub use svg::svg;
pub use tree::tree;

/// The first node that has no position; none where there can be a map.
#[must_use]
pub fn without_position(topology: &Topology) -> Option<&NodeName> {
    let mut nodes = topology.nodes().iter();
    nodes.find(|(_, node)| node.position().is_none()).map(|(name, _)| name)
}

/// What a drawing shows besides the topology.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// The nodes of a route from its ingress to its egress.
    pub route: Vec<NodeName>,
    /// Nodes that are down.
    pub down_nodes: BTreeSet<NodeName>,
    /// Links that are down.
    pub down_links: BTreeSet<LinkName>,
}

impl Marks {
    /// Whether the route passes `node`.
    fn has_node(&self, node: &NodeName) -> bool {
        self.route.contains(node)
    }

    /// Whether the route passes `link`.
    fn has_link(&self, link: &LinkName) -> bool {
        self.route.windows(2).any(|step| link.other(&step[0]) == Some(&step[1]))
    }

    /// Whether `link` is down, by itself or with one of its ends.
    fn is_down(&self, link: &LinkName) -> bool {
        self.down_links.contains(link)
            || self.down_nodes.contains(link.lesser())
            || self.down_nodes.contains(link.greater())
    }
}

/// A link as it is drawn: its ends, and its cost where it is not the default.
struct Edge<'a> {
    name: LinkName,
    /// The upper end; of equals, the one that dials.
    upper: NodeName,
    lower: NodeName,
    /// Whether one end is above the other.
    is_hierarchy: bool,
    cost: Option<u32>,
    marks: &'a Marks,
}

impl Edge<'_> {
    fn is_down(&self) -> bool {
        self.marks.is_down(&self.name)
    }

    fn is_on_route(&self) -> bool {
        self.marks.has_link(&self.name)
    }
}

/// The links of `topology` by upper end, then lower end.
fn edges<'a>(topology: &Topology, marks: &'a Marks) -> Vec<Edge<'a>> {
    let edge = |(name, link): (&LinkName, &Link)| {
        let (lower, is_hierarchy) = match link.lower.as_slice() {
            [lower] => (lower, true),
            [] => (name.other(&link.dialer)?, false),
            // Each is the other's upstream.
            _ => (&link.dialer, false),
        };
        let upper = name.other(lower)?.clone();
        Some(Edge {
            lower: lower.clone(),
            is_hierarchy,
            cost: Some(link.cost).filter(|&cost| cost != DEFAULT_COST),
            name: name.clone(),
            upper,
            marks,
        })
    };
    let mut edges: Vec<_> = topology.links().iter().filter_map(edge).collect();
    edges.sort_by(|a, b| (&a.upper, &a.lower).cmp(&(&b.upper, &b.lower)));
    edges
}
