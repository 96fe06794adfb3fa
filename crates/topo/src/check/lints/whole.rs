//! Nodes that nobody reaches, and ways that are longer than paths may be.

use hopline_mesh::name::NodeName;

use super::Places;
use super::graph::Graph;
use super::longest::Longest;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::Spec;
use crate::topology::Topology;

/// One lint for each part of the mesh but the largest.
pub(super) fn unreachable(graph: &Graph<'_>, places: &Places<'_>) -> Vec<Diagnostic> {
    let named = |part: Vec<usize>| part.into_iter().map(|node| graph.names[node]).collect();
    let mut parts: Vec<Vec<&NodeName>> = graph.parts().into_iter().map(named).collect();
    // Of parts that are as large, the one with the least name is the mesh and the others are cut off.
    parts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    let mut found = Vec::new();
    for part in parts.iter().skip(1) {
        let message = match part.as_slice() {
            [one] => format!("nobody can reach the node `{one}`"),
            [first, second] => {
                format!("only the nodes `{first}` and `{second}` can reach each other")
            }
            [first, rest @ ..] => {
                let rest = rest.len();
                format!("the node `{first}` and {rest} others can reach none but each other")
            }
            [] => continue,
        };
        let mut lint = Diagnostic::warning(codes::UNREACHABLE_NODE, message);
        for name in part.iter().take(4) {
            if let Some(node) = places.node(name) {
                lint = lint.label(node, "no link leads to the rest of the mesh");
            }
        }
        lint.labels.sort_by_key(|label| label.span.start);
        found
            .push(lint.help("give it an `upstream`, or name it as the `upstream` of another node"));
    }
    found
}

/// The longest best way, where it holds more nodes than the hop limit allows.
pub(super) fn too_long(
    spec: &Spec,
    topology: &Topology,
    graph: &Graph<'_>,
    longest: &Longest,
    places: &Places<'_>,
) -> Option<Diagnostic> {
    let limit = usize::from(topology.hop_limit);
    let nodes = longest.hops + 1;
    if nodes <= limit {
        return None;
    }
    let (from, to) = (graph.names[longest.ends.0], graph.names[longest.ends.1]);
    let message = format!(
        "the way from `{from}` to `{to}` takes {nodes} nodes, but the hop limit is {limit}"
    );
    let mut lint = Diagnostic::warning(codes::HOP_LIMIT_BELOW_DIAMETER, message);
    if let Some(at) = &spec.mesh.hop_limit {
        lint = lint.label(&at.span, "a path may hold so many nodes");
    } else if let Some(node) = places.node(from) {
        lint = lint.label(node, "the way begins here");
    }
    let help = match nodes <= 255 {
        true => format!("set `hop_limit = {nodes}` or more in `[mesh]`, or add shorter ways"),
        false => "add shorter ways: no hop limit is above 255".to_owned(),
    };
    Some(lint.help(help))
}
