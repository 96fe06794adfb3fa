//! What is probably not meant, and what is worth knowing of a mesh's shape.

mod allow;
mod cuts;
mod graph;
mod links;
mod longest;
mod whole;

use std::collections::BTreeMap;

use hopline_mesh::name::NodeName;

use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{NodeSpec, Spec, UpstreamSpec};
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
pub(super) fn of_links(spec: &Spec, topology: &Topology) -> Vec<Diagnostic> {
    links::lints(spec, topology, &Places::new(spec))
}

/// The lints and notes of the mesh as a whole.
pub(super) fn of_graph(spec: &Spec, topology: &Topology) -> Shape {
    let (graph, places) = (graph::Graph::new(topology), Places::new(spec));
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
struct Places<'a>(BTreeMap<&'a str, &'a NodeSpec>);

impl<'a> Places<'a> {
    fn new(spec: &'a Spec) -> Self {
        Self(spec.nodes.iter().map(|node| (node.name.value.as_str(), node)).collect())
    }

    fn node(&self, name: &NodeName) -> Option<&'a Span> {
        self.0.get(name.as_str()).map(|node| &node.name.span)
    }

    /// Where `node` names `upstream` as one of its own.
    fn upstream(&self, node: &NodeName, upstream: &NodeName) -> Option<&'a UpstreamSpec> {
        let written = &self.0.get(node.as_str())?.upstream;
        written.iter().find(|written| written.node.value == upstream.as_str())
    }

    /// Where the link between `a` and `b` is declared, at whichever end.
    fn link(&self, a: &NodeName, b: &NodeName) -> Option<&'a Span> {
        let declared = self.upstream(a, b).or_else(|| self.upstream(b, a))?;
        Some(&declared.node.span)
    }
}
