//! The shape of a graph of numbered nodes: its parts, its longest way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Numbered nodes, and for each its neighbours with the costs of the links to them.
#[derive(Debug)]
pub(super) struct Shape {
    edges: Vec<Vec<(usize, u32)>>,
}

/// How many steps may be spent on looking for the longest way: some seconds.
const STEPS: usize = 200_000_000;

impl Shape {
    pub(super) fn new(nodes: usize, links: impl Iterator<Item = (usize, usize, u32)>) -> Self {
        let mut edges = vec![Vec::new(); nodes];
        for (a, b, cost) in links {
            edges[a].push((b, cost));
            edges[b].push((a, cost));
        }
        Self { edges }
    }

    /// The sizes of the parts that no link joins, the largest first.
    pub(super) fn parts(&self) -> Vec<usize> {
        let mut seen = vec![false; self.edges.len()];
        let mut sizes = Vec::new();
        for start in 0..self.edges.len() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut waiting = vec![start];
            let mut size = 0;
            while let Some(node) = waiting.pop() {
                size += 1;
                for &(next, _) in &self.edges[node] {
                    if !std::mem::replace(&mut seen[next], true) {
                        waiting.push(next);
                    }
                }
            }
            sizes.push(size);
        }
        sizes.sort_unstable_by_key(|&size| Reverse(size));
        sizes
    }

    /// How many nodes the longest of all best ways holds; none where looking for it takes too long.
    pub(super) fn longest(&self) -> Option<usize> {
        let nodes = self.edges.len();
        let links: usize = self.edges.iter().map(Vec::len).sum();
        if nodes.checked_mul(nodes + links)? > STEPS {
            return None;
        }
        (0..nodes).map(|source| self.longest_from(source)).max()
    }

    fn longest_from(&self, source: usize) -> usize {
        let mut best = vec![(u64::MAX, usize::MAX); self.edges.len()];
        let mut waiting = BinaryHeap::from([Reverse((0, 1, source))]);
        best[source] = (0, 1);
        let mut longest = 1;
        while let Some(Reverse((cost, held, node))) = waiting.pop() {
            if best[node] != (cost, held) {
                continue;
            }
            longest = longest.max(held);
            for &(next, more) in &self.edges[node] {
                let way = (cost + u64::from(more), held + 1);
                if way < best[next] {
                    best[next] = way;
                    waiting.push(Reverse((way.0, way.1, next)));
                }
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_by_size() {
        let shape = Shape::new(6, [(0, 5, 1), (1, 2, 1), (2, 3, 1)].into_iter());
        assert_eq!(shape.parts(), [3, 2, 1]);
    }

    #[test]
    fn the_longest_way_is_a_best_way() {
        // Around the ring it is cheaper to take three links than the one that closes it.
        let ring = |closing| [(0, 1, 1), (1, 2, 1), (2, 3, 1), (3, 0, closing)];
        assert_eq!(Shape::new(4, ring(10).into_iter()).longest(), Some(4));
        assert_eq!(Shape::new(4, ring(1).into_iter()).longest(), Some(3));
        assert_eq!(Shape::new(3, std::iter::empty()).longest(), Some(1));
        assert_eq!(Shape::new(100_000, std::iter::empty()).longest(), None);
    }
}
