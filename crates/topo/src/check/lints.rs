//! What is probably not meant, and what is worth knowing of a mesh's shape.

mod access;
mod allow;
mod cuts;
mod graph;
mod links;
mod longest;
mod whole;

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};

use super::Declarations;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{NodeSpec, Spec};
use crate::topology::Topology;

pub(super) use allow::Allow;
pub use allow::Allowed;

/// What is to be told of the mesh as a whole.
pub(super) struct Shape {
    /// Lints and notes.
    pub(super) found: Vec<Diagnostic>,
    /// How many links the longest best way takes, where that could be found out.
    pub(super) diameter: Option<usize>,
}

/// The lints of single links and routes.
pub(super) fn of_links(
    spec: &Spec,
    topology: &Topology,
    declared: &Declarations<'_>,
) -> Vec<Diagnostic> {
    links::lints(spec, topology, declared)
}

/// The lints of access rules.
pub(super) fn of_access(spec: &Spec, topology: &Topology) -> Vec<Diagnostic> {
    access::lints(spec, topology)
}

/// The lints and notes of the mesh as a whole.
pub(super) fn of_graph(spec: &Spec, topology: &Topology, declared: &Declarations<'_>) -> Shape {
    let (graph, places) = (graph::Graph::new(topology), Places::new(spec, declared));
    let mut found = whole::unreachable(&graph, &places);
    let longest = longest::longest(&graph);
    if let Some(longest) = &longest {
        found.extend(whole::too_long(spec, topology, &graph, longest, &places));
    }
    found.extend(cuts::notes(&graph, &places));
    let sure = longest.filter(|longest| longest.is_sure);
    Shape { found, diameter: sure.map(|longest| longest.hops) }
}

/// Where nodes and links are declared.
struct Places<'a> {
    nodes: BTreeMap<&'a str, &'a NodeSpec>,
    links: &'a Declarations<'a>,
}

impl<'a> Places<'a> {
    fn new(spec: &'a Spec, links: &'a Declarations<'a>) -> Self {
        let nodes = spec.nodes.iter().map(|node| (node.name.value.as_str(), node));
        Self { nodes: nodes.collect(), links }
    }

    fn node(&self, name: &NodeName) -> Option<&'a Span> {
        self.nodes.get(name.as_str()).map(|node| &node.name.span)
    }

    /// Where the link between `a` and `b` is declared first.
    fn link(&self, a: &NodeName, b: &NodeName) -> Option<&'a Span> {
        let link = LinkName::new(a.clone(), b.clone()).ok()?;
        Some(self.links.get(&link)?.first()?.place)
    }
}
