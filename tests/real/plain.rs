//! The shortest ways of a graph by the textbook, with nothing of hopline in it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Numbered nodes and the links between them.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    pub(crate) nodes: usize,
    /// With their costs.
    pub(crate) links: Vec<(usize, usize, u64)>,
    /// For each node its neighbours, costs and the places of the links in `links`.
    around: Vec<Vec<(usize, u64, usize)>>,
}

/// What has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    Nothing,
    /// The link at this place.
    Link(usize),
    Node(usize),
}

impl Plain {
    pub(crate) fn new(nodes: usize, links: impl Iterator<Item = (usize, usize, u64)>) -> Self {
        let links: Vec<_> = links.collect();
        let mut around = vec![Vec::new(); nodes];
        for (place, &(a, b, cost)) in links.iter().enumerate() {
            around[a].push((b, cost, place));
            around[b].push((a, cost, place));
        }
        Self { nodes, links, around }
    }

    /// The cost of the cheapest way from `source` to each node; none where there is no way.
    pub(crate) fn costs(&self, source: usize, failed: Failed) -> Vec<Option<u64>> {
        let mut costs = vec![None; self.nodes];
        if failed == Failed::Node(source) {
            return costs;
        }
        let mut waiting = BinaryHeap::from([Reverse((0, source))]);
        while let Some(Reverse((cost, node))) = waiting.pop() {
            if costs[node].is_some() {
                continue;
            }
            costs[node] = Some(cost);
            for &(next, more, link) in &self.around[node] {
                let is_up = failed != Failed::Link(link) && failed != Failed::Node(next);
                if is_up && costs[next].is_none() {
                    waiting.push(Reverse((cost + more, next)));
                }
            }
        }
        costs
    }
}

#[test]
fn the_textbook_goes_around_what_has_failed() {
    let ring = Plain::new(4, [(0, 1, 1), (1, 2, 1), (2, 3, 1), (3, 0, 5)].into_iter());
    assert_eq!(ring.costs(0, Failed::Nothing), [Some(0), Some(1), Some(2), Some(3)]);
    assert_eq!(ring.costs(0, Failed::Link(0)), [Some(0), Some(7), Some(6), Some(5)]);
    assert_eq!(ring.costs(0, Failed::Node(3)), [Some(0), Some(1), Some(2), None]);
    let pair = Plain::new(2, [(0, 1, 1)].into_iter());
    assert_eq!(pair.costs(0, Failed::Link(0)), [Some(0), None]);
    assert_eq!(pair.costs(0, Failed::Node(0)), [None, None]);
}
