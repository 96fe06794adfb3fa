//! Links that are declared twice, and routes that lead nowhere.

use hopline_mesh::name::{LinkName, NodeName};

use super::Places;
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{Spec, UpstreamSpec};
use crate::topology::{Topology, UPSTREAM};

/// The lints of single links and routes.
pub(super) fn lints(spec: &Spec, topology: &Topology, places: &Places<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, link) in topology.links() {
        if link.lower.len() > 1 {
            found.extend(declared_twice(places, topology, name));
        }
    }
    for table in &spec.routes {
        let node = topology.nodes.get(table.node.value.as_str());
        if !node.is_some_and(|node| node.upstream.is_empty()) {
            continue;
        }
        let nexts = table.routes.iter().filter_map(|pair| pair.value.as_ref());
        for next in nexts.filter(|next| next.value == UPSTREAM) {
            let message = format!("the node `{}` has no upstream", table.node.value);
            let lint = Diagnostic::warning(codes::NO_UPSTREAM, message)
                .label(&next.span, "so this route leads nowhere")
                .help("name a node as the next hop, or give the node an `upstream`");
            found.push(lint);
        }
    }
    found
}

fn declared_twice(places: &Places<'_>, topology: &Topology, link: &LinkName) -> Vec<Diagnostic> {
    let (a, b) = (link.lesser(), link.greater());
    let declared = |node: &NodeName, upstream: &NodeName| -> Option<(&UpstreamSpec, u32)> {
        let cost = *topology.nodes.get(node)?.upstream.get(upstream)?;
        Some((places.upstream(node, upstream)?, cost))
    };
    let (Some(first), Some(second)) = (declared(a, b), declared(b, a)) else {
        return Vec::new();
    };
    let (first, second) = match first.0.node.span.start < second.0.node.span.start {
        true => (first, second),
        false => (second, first),
    };
    let message = format!("the nodes `{a}` and `{b}` are each other's upstream");
    let mut found = vec![
        Diagnostic::warning(codes::LINK_DECLARED_TWICE, message)
            .label(&second.0.node.span, "declared again")
            .label(&first.0.node.span, "first declared here")
            .help(format!("they are joined by one link, which `{a}` dials; declare it at one end")),
    ];
    if first.1 != second.1 {
        let greater = first.1.max(second.1);
        let message = format!("the two ends of the link `{link}` give it different costs");
        let lint = Diagnostic::warning(codes::COSTS_DIFFER, message)
            .label(place(second.0), format!("cost {} here", second.1))
            .label(place(first.0), format!("cost {} here", first.1))
            .help(format!("the greater counts: the link costs {greater}"));
        found.push(lint);
    }
    found
}

/// Where the cost of a link is seen.
fn place(upstream: &UpstreamSpec) -> &Span {
    let cost = upstream.cost.as_ref();
    cost.map_or(&upstream.node.span, |cost| &cost.span)
}
