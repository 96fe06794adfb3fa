//! Nodes and links that all ways between two parts of the mesh take.
//!
//! One walk through the mesh finds them all, with what each keeps together. It keeps its own stack: a
//! mesh may be a line of many thousand nodes.

use std::cmp::Reverse;

use super::Places;
use super::graph::Graph;
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};

/// So many of them are shown at their places.
const SHOWN: usize = 4;

/// What the failure of one node or link does to the nodes that it kept together.
struct Cut<T> {
    what: T,
    /// How many nodes each part then has, the largest first.
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
    let mut walk = Walk::new(graph.len());
    let mut roots = Vec::new();
    for part in graph.parts() {
        if let Some(&root) = part.first() {
            walk.through(graph, root);
            roots.push((root, part));
        }
    }
    let (mut nodes, mut links) = (Vec::new(), Vec::new());
    for (root, part) in roots {
        let all = part.len();
        for node in part {
            let mut parts = std::mem::take(&mut walk.below[node]);
            let rest = all - 1 - parts.iter().sum::<usize>();
            if rest > 0 {
                parts.push(rest);
            }
            if parts.len() > 1 {
                parts.sort_unstable_by_key(|size| Reverse(*size));
                nodes.push(Cut { what: node, parts });
            }
            let above = walk.parent[node];
            if node != root && walk.low[node] > walk.seen[above] {
                let (small, large) = (walk.size[node], all - walk.size[node]);
                let parts = vec![small.max(large), small.min(large)];
                links.push(Cut { what: (node.min(above), node.max(above)), parts });
            }
        }
    }
    nodes.sort_by_key(|cut| (Reverse(parted(&cut.parts)), cut.what));
    links.sort_by_key(|cut| (Reverse(parted(&cut.parts)), cut.what));
    Cuts { nodes, links }
}

/// Twice the number of the pairs of nodes that are in different parts.
fn parted(parts: &[usize]) -> usize {
    let all: usize = parts.iter().sum();
    parts.iter().map(|size| size * (all - size)).sum()
}

/// A walk that goes as deep as it can, and what it notes of each node.
struct Walk {
    clock: usize,
    /// When the walk came to the node; 0 before.
    seen: Vec<usize>,
    /// The node that it came from.
    parent: Vec<usize>,
    /// The earliest node that a link from the node, or from one behind it, leads back to.
    low: Vec<usize>,
    /// How many nodes the walk found behind the node, with itself.
    size: Vec<usize>,
    /// How many nodes are in each part that the node alone joins to where the walk came from.
    below: Vec<Vec<usize>>,
}

impl Walk {
    fn new(count: usize) -> Self {
        Self {
            clock: 0,
            seen: vec![0; count],
            parent: vec![0; count],
            low: vec![0; count],
            size: vec![1; count],
            below: vec![Vec::new(); count],
        }
    }

    fn enter(&mut self, node: usize, parent: usize) {
        self.clock += 1;
        self.seen[node] = self.clock;
        self.low[node] = self.clock;
        self.parent[node] = parent;
    }

    fn through(&mut self, graph: &Graph<'_>, root: usize) {
        self.enter(root, root);
        // Each node on the way, and which of its neighbours is next.
        let mut way = vec![(root, 0)];
        while let Some((node, next)) = way.last_mut() {
            let node = *node;
            if let Some(&(other, _)) = graph.neighbours[node].get(*next) {
                *next += 1;
                if self.seen[other] == 0 {
                    self.enter(other, node);
                    way.push((other, 0));
                } else if other != self.parent[node] {
                    self.low[node] = self.low[node].min(self.seen[other]);
                }
                continue;
            }
            way.pop();
            if node == root {
                continue;
            }
            let above = self.parent[node];
            self.size[above] += self.size[node];
            self.low[above] = self.low[above].min(self.low[node]);
            if self.low[node] >= self.seen[above] {
                self.below[above].push(self.size[node]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hopline_mesh::name::NodeName;
    use petgraph::algo::articulation_points::articulation_points;
    use petgraph::algo::{bridges, connected_components};
    use petgraph::graph::UnGraph;
    use petgraph::visit::EdgeRef as _;
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
        fn the_cuts_are_those_a_library_finds_and_part_what_they_say(
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
            let found: BTreeSet<usize> = nodes.iter().map(|cut| cut.what).collect();
            let expected = articulation_points(&other);
            prop_assert_eq!(found, expected.into_iter().map(|node| node.index()).collect());
            let found: BTreeSet<_> = links.iter().map(|cut| cut.what).collect();
            let ends = bridges(&other).map(|edge| (edge.source().index(), edge.target().index()));
            prop_assert_eq!(found, ends.map(|(a, b)| (a.min(b), a.max(b))).collect());
            for cut in nodes {
                let mut without = other.clone();
                let neighbours: Vec<_> = without.neighbors(ids[cut.what]).collect();
                for neighbour in neighbours {
                    let edge = without.find_edge(ids[cut.what], neighbour).unwrap();
                    without.remove_edge(edge);
                }
                let more = connected_components(&without) - connected_components(&other);
                prop_assert_eq!(cut.parts.len(), more);
            }
        }
    }

    #[test]
    fn a_long_line_is_walked() {
        let name = NodeName::parse("node").unwrap();
        let mut line: UnGraph<(), ()> = UnGraph::default();
        let ids: Vec<_> = (0..100_000).map(|_| line.add_node(())).collect();
        for pair in ids.windows(2) {
            line.add_edge(pair[0], pair[1], ());
        }
        let Cuts { nodes, links } = cuts(&graph(&name, &line));
        assert_eq!((nodes.len(), links.len()), (99_998, 99_999));
        assert_eq!(nodes[0].parts, [50_000, 49_999]);
        assert_eq!(links[0].parts, [50_000, 50_000]);
    }

    #[test]
    fn what_a_failure_does_is_told_in_numbers() {
        assert_eq!(effect(&[5, 3]), "3 nodes are cut off from 5 others");
        assert_eq!(effect(&[1, 1]), "1 node is cut off from 1 other");
        assert_eq!(effect(&[4, 1, 1]), "6 nodes fall into 3 parts");
    }
}
