//! The longest of all best ways: the diameter of a mesh.
//!
//! Where every way of the fewest links is a best way, bounds spare most of the searches; where costs
//! differ, every node is searched from. What would take too long is not done, and is said not to be.

use std::cmp::Reverse;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{self, Paths};

use super::graph::Graph;

/// So many steps are taken at most, of which each is a node or a link that a search comes by.
const STEPS: usize = 30_000_000;

/// The longest of the best ways that were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Longest {
    /// How many links it takes.
    pub(super) hops: usize,
    /// Where it begins and ends.
    pub(super) ends: (usize, usize),
    /// Whether no best way is longer.
    pub(super) is_sure: bool,
}

/// The longest best way of the mesh, as far as it can be found in a moment; none without nodes.
pub(super) fn longest(graph: &Graph<'_>) -> Option<Longest> {
    within(graph, STEPS)
}

fn within(graph: &Graph<'_>, steps: usize) -> Option<Longest> {
    if graph.len() == 0 {
        return None;
    }
    let is_small = graph.len().saturating_mul(graph.size()) <= steps;
    match (is_plain(graph), is_small) {
        (true, true) => Some(of_all(graph, |from| graph.hops(from))),
        (true, false) => Some(by_bounds(graph, steps)),
        (false, true) => Some(of_all_best(graph)),
        (false, false) => None,
    }
}

/// Whether a best way is one of the fewest links: all links cost the same, or there is one way only.
fn is_plain(graph: &Graph<'_>) -> bool {
    let mut costs = graph.neighbours.iter().flatten().map(|(_, cost)| *cost);
    let first = costs.next();
    costs.all(|cost| Some(cost) == first) || graph.links + graph.parts().len() == graph.len()
}

/// Searches from every node.
fn of_all(graph: &Graph<'_>, search: impl Fn(usize) -> Vec<Option<usize>>) -> Longest {
    let mut longest = Longest { hops: 0, ends: (0, 0), is_sure: true };
    for from in 0..graph.len() {
        for (to, hops) in search(from).into_iter().enumerate() {
            if let Some(hops) = hops.filter(|hops| *hops > longest.hops) {
                longest = Longest { hops, ends: (from, to), ..longest };
            }
        }
    }
    longest
}

/// Takes the mesh's own best ways from every node.
fn of_all_best(graph: &Graph<'_>) -> Longest {
    let links = graph.neighbours.iter().enumerate().flat_map(|(node, neighbours)| {
        let upward = neighbours.iter().filter(move |(other, _)| node < *other);
        upward.filter_map(move |&(other, cost)| {
            let (a, b) = (graph.names[node].clone(), graph.names[other].clone());
            Some((LinkName::new(a, b).ok()?, cost))
        })
    });
    let mesh = route::Graph::new(graph.names.iter().map(|name| (*name).clone()), links);
    let mut longest: (u32, Option<(&NodeName, NodeName)>) = (0, None);
    for from in &graph.names {
        let Some(paths) = Paths::from(&mesh, from) else {
            continue;
        };
        for (to, _, hops) in paths.reached() {
            if hops > longest.0 {
                longest = (hops, Some((from, to.clone())));
            }
        }
    }
    let rank = |name: &NodeName| graph.names.binary_search(&name).unwrap_or_default();
    let ends = longest.1.map_or((0, 0), |(from, to)| (rank(from), rank(&to)));
    Longest { hops: longest.0 as usize, ends, is_sure: true }
}

/// Searches from the nodes that might still be the end of a longer way than those found.
///
/// A search from one node bounds how far it is from every other node to the farthest from there.
fn by_bounds(graph: &Graph<'_>, steps: usize) -> Longest {
    let mut longest = Longest { hops: 0, ends: (0, 0), is_sure: true };
    let mut lower = vec![0_usize; graph.len()];
    let mut upper = vec![usize::MAX; graph.len()];
    let mut left = steps;
    for part in graph.parts() {
        let mut open = part;
        let mut farthest_next = true;
        while !open.is_empty() {
            let Some(rest) = left.checked_sub(graph.size()) else {
                return Longest { is_sure: false, ..longest };
            };
            left = rest;
            let degree = |node: usize| graph.neighbours[node].len();
            let pick = match farthest_next {
                true => open.iter().max_by_key(|&&node| (upper[node], degree(node), Reverse(node))),
                false => {
                    open.iter().min_by_key(|&&node| (lower[node], Reverse(degree(node)), node))
                }
            };
            let Some(&from) = pick else {
                break;
            };
            farthest_next = !farthest_next;
            let hops = graph.hops(from);
            let reached = hops.iter().enumerate().filter_map(|(to, hops)| Some((to, (*hops)?)));
            let farthest = reached.max_by_key(|(to, hops)| (*hops, Reverse(*to)));
            let (to, far) = farthest.unwrap_or((from, 0));
            if far > longest.hops {
                longest = Longest { hops: far, ends: (from.min(to), from.max(to)), is_sure: true };
            }
            open.retain(|&node| {
                let Some(near) = hops[node].filter(|_| node != from) else {
                    return false;
                };
                lower[node] = lower[node].max(near).max(far - near);
                upper[node] = upper[node].min(far + near);
                upper[node] > longest.hops
            });
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use petgraph::algo::dijkstra;
    use petgraph::graph::{NodeIndex, UnGraph};
    use proptest::prelude::*;

    use super::*;

    /// What a library finds, searching from every node.
    fn slowly(graph: &Graph<'_>) -> usize {
        const COST: u128 = 1 << 64;
        let mut other: UnGraph<(), u128> = UnGraph::default();
        for _ in 0..graph.len() {
            other.add_node(());
        }
        for (a, neighbours) in graph.neighbours.iter().enumerate() {
            for &(b, cost) in neighbours.iter().filter(|(b, _)| a < *b) {
                let (a, b) = (NodeIndex::new(a), NodeIndex::new(b));
                other.add_edge(a, b, u128::from(cost) * COST + 1);
            }
        }
        let ways = other.node_indices().flat_map(|from| {
            dijkstra(&other, from, None, |edge| *edge.weight()).into_values().collect::<Vec<_>>()
        });
        ways.map(|way| (way % COST) as usize).max().unwrap_or_default()
    }

    proptest! {
        #[test]
        fn the_longest_best_way_is_the_one_a_library_finds(
            count in 1_usize..24,
            links in proptest::collection::vec((0_usize..24, 0_usize..24, 1_u32..4), 0..50),
            plain in any::<bool>(),
        ) {
            let names: Vec<NodeName> =
                (0..count).map(|n| NodeName::parse(&format!("n{n:02}")).unwrap()).collect();
            let mut neighbours = vec![Vec::new(); count];
            let mut number = 0;
            for (a, b, cost) in links {
                let (a, b, cost) = (a % count, b % count, if plain { 1 } else { cost });
                if a != b && !neighbours[a].iter().any(|(other, _)| *other == b) {
                    neighbours[a].push((b, cost));
                    neighbours[b].push((a, cost));
                    number += 1;
                }
            }
            let graph = Graph { names: names.iter().collect(), neighbours, links: number };
            let expected = slowly(&graph);
            prop_assert_eq!(longest(&graph).unwrap().hops, expected);
            if is_plain(&graph) {
                let bounded = by_bounds(&graph, usize::MAX);
                prop_assert_eq!((bounded.hops, bounded.is_sure), (expected, true));
                let (from, to) = bounded.ends;
                prop_assert_eq!(graph.hops(from)[to], Some(expected));
            }
        }
    }
}
