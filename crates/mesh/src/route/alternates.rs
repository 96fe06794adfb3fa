//! Loop-free alternates: where a message goes while the link of its next hop is down and no new table is made yet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::Graph;
use super::table::Hop;
use crate::name::NodeName;

/// No more neighbours than this are looked at, those with the cheapest links.
const NEIGHBOURS: usize = 16;
/// Marks a node that has no alternate.
const NONE: u8 = u8::MAX;
const UNREACHED: u64 = u64::MAX;

/// For each node the best neighbour besides the next hop that does not send back what is for that node.
///
/// The neighbour N of this node S is loop-free for a destination D if `cost(N, D) < cost(N, S) + cost(S, D)`
/// (RFC 5286, section 3, inequality 1): then N's own way to D does not pass S, and so it does not pass any link of S.
/// Of several the one with the least `cost(S, N) + cost(N, D)` is taken, then the lesser name.
#[derive(Debug, Clone)]
pub(super) struct Alternates {
    neighbours: Vec<NodeName>,
    /// By place of the destination: a place in `neighbours`.
    chosen: Vec<u8>,
}

impl Alternates {
    /// Those of the node at `me`, whose computed next hops are `hops`. One search of the graph for each neighbour.
    pub(super) fn new(graph: &Graph, me: u32, hops: &[Option<Hop>]) -> Self {
        let mut neighbours = graph.edges(me).to_vec();
        neighbours.sort_by_key(|&(place, cost)| (cost, place));
        neighbours.truncate(NEIGHBOURS);
        neighbours.sort_unstable();
        let mut chosen = vec![NONE; hops.len()];
        let mut best = vec![UNREACHED; hops.len()];
        for (number, &(neighbour, link)) in (0..).zip(&neighbours) {
            let costs = costs_from(graph, neighbour);
            let back = costs[me as usize];
            for (place, hop) in hops.iter().enumerate() {
                let (Some(hop), cost) = (hop, costs[place]) else {
                    continue;
                };
                let whole = cost.saturating_add(u64::from(link));
                if cost < back.saturating_add(hop.cost)
                    && whole < best[place]
                    && hop.neighbour != *graph.name(neighbour)
                {
                    best[place] = whole;
                    chosen[place] = number;
                }
            }
        }
        let name = |(place, _)| graph.name(place).clone();
        Self { neighbours: neighbours.into_iter().map(name).collect(), chosen }
    }

    /// The alternate for the node at `place`.
    pub(super) fn get(&self, place: u32) -> Option<&NodeName> {
        self.neighbours.get(usize::from(*self.chosen.get(place as usize)?))
    }
}

/// What the best way to each node costs. Which of equal ways it is does not matter.
fn costs_from(graph: &Graph, source: u32) -> Vec<u64> {
    let mut costs = vec![UNREACHED; graph.names().len()];
    costs[source as usize] = 0;
    let mut queue = BinaryHeap::from([Reverse((0, source))]);
    while let Some(Reverse((cost, node))) = queue.pop() {
        if cost > costs[node as usize] {
            continue;
        }
        for &(next, link) in graph.edges(node) {
            let found = cost + u64::from(link);
            if found < costs[next as usize] {
                costs[next as usize] = found;
                queue.push(Reverse((found, next)));
            }
        }
    }
    costs
}
