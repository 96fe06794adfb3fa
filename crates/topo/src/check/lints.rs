//! What is probably not meant: links declared twice, nodes nobody reaches, ways that are too long.

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};
use petgraph::algo::{connected_components, dijkstra};
use petgraph::graph::{NodeIndex, UnGraph};

use super::Declaration;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::spec::{NodeSpec, Spec};
use crate::topology::{Link, Topology, UPSTREAM};

/// Meshes with more nodes are not searched for their longest way, which takes too long there.
const SEARCHED: usize = 2_000;

/// A way's cost, then its hops: added and compared as one number.
const COST: u128 = 1 << 64;

/// The lints of single links and routes; `declared` tells where each link is declared.
pub(super) fn of_links(
    spec: &Spec,
    topology: &Topology,
    declared: &BTreeMap<LinkName, Vec<Declaration<'_>>>,
) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    for (name, declared) in declared {
        if let ([first, second, ..], Some(link)) = (declared.as_slice(), topology.links.get(name)) {
            declared_twice(&mut found, name, link, declared, (first, second));
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
    found.done()
}

fn declared_twice(
    found: &mut Findings,
    name: &LinkName,
    link: &Link,
    declared: &[Declaration<'_>],
    (first, second): (&Declaration<'_>, &Declaration<'_>),
) {
    let (a, b, dialer) = (name.lesser(), name.greater(), &link.dialer);
    let message = match first.is_upstream && second.is_upstream {
        true => format!("the nodes `{a}` and `{b}` are each other's upstream"),
        false => format!("the link between `{a}` and `{b}` is declared twice"),
    };
    let help = format!("they are joined by one link, which `{dialer}` dials; declare it once");
    found.push(
        Diagnostic::warning(codes::LINK_DECLARED_TWICE, message)
            .label(second.place, "declared again")
            .label(first.place, "first declared here")
            .help(help),
    );
    if let Some(other) = declared.iter().find(|other| other.cost != first.cost) {
        let message = format!("the link `{name}` is given different costs");
        let lint = Diagnostic::warning(codes::COSTS_DIFFER, message)
            .label(other.cost_place, format!("cost {} here", other.cost))
            .label(first.cost_place, format!("cost {} here", first.cost))
            .help(format!("the greatest counts: the link costs {}", link.cost));
        found.push(lint);
    }
}

/// The lints of the mesh as a whole.
pub(super) fn of_graph(spec: &Spec, topology: &Topology) -> Vec<Diagnostic> {
    let mut graph: UnGraph<&NodeName, u128> = UnGraph::default();
    let names: Vec<&NodeName> = topology.nodes.keys().collect();
    for name in &names {
        graph.add_node(name);
    }
    for (name, link) in topology.links() {
        let find = |end: &NodeName| names.binary_search(&end).map(NodeIndex::new);
        if let (Ok(a), Ok(b)) = (find(name.lesser()), find(name.greater())) {
            graph.add_edge(a, b, u128::from(link.cost) * COST + 1);
        }
    }
    let mut found = unreachable(spec, &graph);
    found.extend(too_long(spec, topology, &graph));
    found
}

/// One lint for each part of the mesh but the largest.
fn unreachable(spec: &Spec, graph: &UnGraph<&NodeName, u128>) -> Vec<Diagnostic> {
    if connected_components(graph) <= 1 {
        return Vec::new();
    }
    let mut parts: Vec<Vec<&NodeName>> = petgraph::algo::tarjan_scc(graph)
        .into_iter()
        .map(|part| part.into_iter().map(|index| graph[index]).collect())
        .collect();
    for part in &mut parts {
        part.sort();
    }
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
            if let Some(node) = declared(spec, name) {
                lint = lint.label(&node.name.span, "no link leads to the rest of the mesh");
            }
        }
        lint.labels.sort_by_key(|label| label.span.start);
        found
            .push(lint.help("give it an `upstream`, or name it as the `upstream` of another node"));
    }
    found
}

/// The longest of all best ways, where it holds more nodes than the hop limit allows.
fn too_long(
    spec: &Spec,
    topology: &Topology,
    graph: &UnGraph<&NodeName, u128>,
) -> Option<Diagnostic> {
    let limit = u128::from(topology.hop_limit);
    let count = graph.node_count();
    if count as u128 <= limit || count > SEARCHED {
        return None;
    }
    let mut longest: (u128, Option<(NodeIndex, NodeIndex)>) = (0, None);
    for from in graph.node_indices() {
        let ways = dijkstra(graph, from, None, |edge| *edge.weight());
        for (to, way) in ways {
            let nodes = way % COST + 1;
            let better = nodes > longest.0 || nodes == longest.0 && longest.1 > Some((from, to));
            if better {
                longest = (nodes, Some((from, to)));
            }
        }
    }
    let (nodes, Some((from, to))) = longest else {
        return None;
    };
    if nodes <= limit {
        return None;
    }
    let (from, to) = (graph[from], graph[to]);
    let message = format!(
        "the way from `{from}` to `{to}` takes {nodes} nodes, but the hop limit is {limit}"
    );
    let mut lint = Diagnostic::warning(codes::HOP_LIMIT_BELOW_DIAMETER, message);
    if let Some(at) = &spec.mesh.hop_limit {
        lint = lint.label(&at.span, "a path may hold so many nodes");
    } else if let Some(node) = declared(spec, from) {
        lint = lint.label(&node.name.span, "the way begins here");
    }
    let help = match nodes <= 255 {
        true => format!("set `hop_limit = {nodes}` or more in `[mesh]`, or add shorter ways"),
        false => "add shorter ways: no hop limit is above 255".to_owned(),
    };
    Some(lint.help(help))
}

fn declared<'a>(spec: &'a Spec, name: &NodeName) -> Option<&'a NodeSpec> {
    let mut nodes = spec.nodes.iter();
    nodes.find(|node| node.name.value == name.as_str())
}
