//! Nodes and links that all ways between two parts of the mesh take.
//!
//! The library finds them; what each keeps together is counted.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use petgraph::algo::articulation_points::articulation_points;
use petgraph::algo::bridges;
use petgraph::graph::UnGraph;
use petgraph::visit::EdgeRef as _;

use super::Places;
use super::graph::Graph;
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};

/// So many of them are shown at their places.
const SHOWN: usize = 4;

/// So many steps are taken at most to count what cuts keep together; those beyond, in the order of their
/// names, are found and counted themselves, and come after the others.
const STEPS: usize = 20_000_000;

/// What the failure of one node or link does to the nodes that it kept together.
struct Cut<T> {
    what: T,
    /// How many nodes each part then has, the largest first; empty where that was not counted.
    parts: Vec<usize>,
}

/// All nodes and links that parts of a mesh hang on, the worst first.
struct Cuts {
    nodes: Vec<Cut<usize>>,
    /// The ends of each link, the lesser name first.
    links: Vec<Cut<(usize, usize)>>,
}

/// The notes of the nodes, and of the links, without which the mesh falls apart.
pub(super) fn notes(graph: &Graph<'_>, places: &Places<'_>) -> Vec<Diagnostic> {
    let Cuts { nodes, links } = cuts(graph);
    let mut notes = Vec::new();
    if let Some(worst) = nodes.first() {
        let message = match nodes.len() {
            1 => format!(
                "all ways between parts of the mesh lead through `{}`",
                graph.names[worst.what]
            ),
            count => format!("{count} nodes are each the only way between parts of the mesh"),
        };
        let mut note = Diagnostic::note(codes::CUT_NODE, message);
        for cut in &nodes {
            let name = graph.names[cut.what];
            note = show(note, places.node(name), &format!("`{name}`"), &cut.parts);
        }
        let effect = effect(&worst.parts);
        let name = graph.names[worst.what];
        notes.push(note.help(format!(
            "when `{name}` fails, {effect}; a second way around it would keep them together"
        )));
    }
    if let Some(worst) = links.first() {
        let name = |(a, b): (usize, usize)| format!("{}--{}", graph.names[a], graph.names[b]);
        let message = match links.len() {
            1 => {
                format!("the link `{}` is the only way between parts of the mesh", name(worst.what))
            }
            count => format!("{count} links are each the only way between parts of the mesh"),
        };
        let mut note = Diagnostic::note(codes::BRIDGE, message);
        for cut in &links {
            let (a, b) = cut.what;
            let place = places.link(graph.names[a], graph.names[b]);
            note = show(note, place, &format!("`{}`", name(cut.what)), &cut.parts);
        }
        let effect = effect(&worst.parts);
        notes.push(note.help(format!(
            "when `{}` fails, {effect}; a second link between them would keep them together",
            name(worst.what)
        )));
    }
    notes
}

/// Shows a cut at its place, unless enough are shown, or one at this place is.
fn show(note: Diagnostic, place: Option<&Span>, what: &str, parts: &[usize]) -> Diagnostic {
    let Some(place) = place.filter(|_| note.labels.len() < SHOWN) else {
        return note;
    };
    if note.labels.iter().any(|label| label.span == *place) {
        return note;
    }
    note.label(place, format!("without {what}, {}", effect(parts)))
}

/// What it means that the nodes fall into these parts.
fn effect(parts: &[usize]) -> String {
    let nodes = |count: usize| match count {
        1 => "1 node is".to_owned(),
        count => format!("{count} nodes are"),
    };
    let others = |count: usize| match count {
        1 => "1 other".to_owned(),
        count => format!("{count} others"),
    };
    match parts {
        [large, small] => format!("{} cut off from {}", nodes(*small), others(*large)),
        parts => {
            let all: usize = parts.iter().sum();
            format!("{all} nodes fall into {} parts", parts.len())
        }
    }
}

fn cuts(graph: &Graph<'_>) -> Cuts {
    let library = library(graph);
    let nodes: BTreeSet<usize> =
        articulation_points(&library).into_iter().map(|node| node.index()).collect();
    let links: BTreeSet<(usize, usize)> = bridges(&library)
        .map(|edge| (edge.source().index(), edge.target().index()))
        .map(|(a, b)| (a.min(b), a.max(b)))
        .collect();
    // What each parts is counted by going through the mesh without it.
    let counted = (STEPS / graph.size().max(1)).max(SHOWN);
    let nodes = nodes.into_iter().enumerate().map(|(place, node)| {
        let around = graph.neighbours[node].iter().map(|(other, _)| *other);
        let parts = || parts(graph, around.collect(), |_, other| other == node);
        Cut { what: node, parts: (place < counted).then(parts).unwrap_or_default() }
    });
    let mut nodes: Vec<_> = nodes.collect();
    let links = links.into_iter().enumerate().map(|(place, (a, b))| {
        let is_cut = |from, to| (from, to) == (a, b) || (from, to) == (b, a);
        let parts = || parts(graph, vec![a, b], is_cut);
        Cut { what: (a, b), parts: (place < counted).then(parts).unwrap_or_default() }
    });
    let mut links: Vec<_> = links.collect();
    nodes.sort_by_key(|cut| (Reverse(parted(&cut.parts)), cut.what));
    links.sort_by_key(|cut| (Reverse(parted(&cut.parts)), cut.what));
    Cuts { nodes, links }
}

fn library(graph: &Graph<'_>) -> UnGraph<(), ()> {
    let mut library = UnGraph::with_capacity(graph.len(), graph.links);
    let ids: Vec<_> = (0..graph.len()).map(|_| library.add_node(())).collect();
    for (node, neighbours) in graph.neighbours.iter().enumerate() {
        for (other, _) in neighbours.iter().filter(|(other, _)| node < *other) {
            library.add_edge(ids[node], ids[*other], ());
        }
    }
    library
}

/// How many nodes are in each of the parts that the nodes `around` a cut are in, the largest first, where no
/// step that `is_cut` is taken.
fn parts(
    graph: &Graph<'_>,
    around: Vec<usize>,
    is_cut: impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let mut is_seen = vec![false; graph.len()];
    let mut parts = Vec::new();
    for start in around {
        if std::mem::replace(&mut is_seen[start], true) {
            continue;
        }
        let mut part = vec![start];
        let mut next = 0;
        while let Some(&node) = part.get(next) {
            next += 1;
            for &(other, _) in &graph.neighbours[node] {
                if !is_cut(node, other) && !std::mem::replace(&mut is_seen[other], true) {
                    part.push(other);
                }
            }
        }
        parts.push(part.len());
    }
    parts.sort_unstable_by_key(|size| Reverse(*size));
    parts
}

/// Twice the number of the pairs of nodes that are in different parts.
fn parted(parts: &[usize]) -> usize {
    let all: usize = parts.iter().sum();
    parts.iter().map(|size| size * (all - size)).sum()
}

#[cfg(test)]
mod tests {
    use hopline_mesh::name::NodeName;
    use petgraph::algo::connected_components;
    use proptest::prelude::*;

    use super::*;

    fn graph<'a>(name: &'a NodeName, other: &UnGraph<(), ()>) -> Graph<'a> {
        let mut neighbours = vec![Vec::new(); other.node_count()];
        for edge in other.edge_references() {
            let (a, b) = (edge.source().index(), edge.target().index());
            neighbours[a].push((b, 1));
            neighbours[b].push((a, 1));
        }
        Graph { names: vec![name; other.node_count()], neighbours, links: other.edge_count() }
    }

    proptest! {
        #[test]
        fn the_cuts_are_what_divides_the_mesh_when_it_is_taken_out(
            count in 1_usize..20,
            links in proptest::collection::vec((0_usize..20, 0_usize..20), 0..30),
        ) {
            let mut other: UnGraph<(), ()> = UnGraph::default();
            let ids: Vec<_> = (0..count).map(|_| other.add_node(())).collect();
            for (a, b) in links {
                let (a, b) = (ids[a % count], ids[b % count]);
                if a != b && other.find_edge(a, b).is_none() {
                    other.add_edge(a, b, ());
                }
            }
            let name = NodeName::parse("node").unwrap();
            let Cuts { nodes, links } = cuts(&graph(&name, &other));
            let whole = connected_components(&other);
            for node in other.node_indices() {
                let mut without = other.clone();
                without.retain_edges(|graph, edge| {
                    graph.edge_endpoints(edge).is_some_and(|(a, b)| a != node && b != node)
                });
                // The node itself is a part of its own then.
                let more = connected_components(&without) - whole;
                let cut = nodes.iter().find(|cut| cut.what == node.index());
                prop_assert_eq!(cut.map(|cut| cut.parts.len()), (more > 1).then_some(more));
            }
            for edge in other.edge_references() {
                let mut without = other.clone();
                without.remove_edge(edge.id());
                let ends = (edge.source().index(), edge.target().index());
                let ends = (ends.0.min(ends.1), ends.0.max(ends.1));
                let is_cut = links.iter().any(|cut| cut.what == ends && cut.parts.len() == 2);
                prop_assert_eq!(is_cut, connected_components(&without) > whole);
            }
        }
    }

    #[test]
    fn a_long_line_is_gone_through_and_so_many_of_its_cuts_are_counted_as_there_is_time_for() {
        let name = NodeName::parse("node").unwrap();
        let mut line: UnGraph<(), ()> = UnGraph::default();
        let ids: Vec<_> = (0..20_000).map(|_| line.add_node(())).collect();
        for pair in ids.windows(2) {
            line.add_edge(pair[0], pair[1], ());
        }
        let Cuts { nodes, links } = cuts(&graph(&name, &line));
        assert_eq!((nodes.len(), links.len()), (19_998, 19_999));
        assert!(nodes[0].parts.iter().sum::<usize>() == 19_999, "{:?}", nodes[0].parts);
        assert!(nodes.last().unwrap().parts.is_empty());
    }

    #[test]
    fn what_a_failure_does_is_told_in_numbers() {
        assert_eq!(effect(&[5, 3]), "3 nodes are cut off from 5 others");
        assert_eq!(effect(&[1, 1]), "1 node is cut off from 1 other");
        assert_eq!(effect(&[4, 1, 1]), "6 nodes fall into 3 parts");
    }
}
