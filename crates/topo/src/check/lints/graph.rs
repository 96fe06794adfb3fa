//! A mesh as a graph of numbers, for the lints that look at all of it.

use std::collections::{BTreeMap, VecDeque};

use hopline_mesh::name::NodeName;

use crate::topology::Topology;

/// A mesh's nodes by their rank among the names, and the links between them.
pub(super) struct Graph<'a> {
    /// The names in their order.
    pub(super) names: Vec<&'a NodeName>,
    /// For each node its neighbours, and what the link to each costs.
    pub(super) neighbours: Vec<Vec<(usize, u32)>>,
    /// How many links there are.
    pub(super) links: usize,
}

impl<'a> Graph<'a> {
    pub(super) fn new(topology: &'a Topology) -> Self {
        let names: Vec<&NodeName> = topology.nodes.keys().collect();
        let ranks: BTreeMap<&NodeName, usize> =
            names.iter().enumerate().map(|(rank, name)| (*name, rank)).collect();
        let mut graph = Self { neighbours: vec![Vec::new(); names.len()], links: 0, names };
        for (name, link) in topology.links() {
            let rank = |end: &NodeName| ranks.get(end).copied();
            if let (Some(a), Some(b)) = (rank(name.lesser()), rank(name.greater())) {
                graph.neighbours[a].push((b, link.cost));
                graph.neighbours[b].push((a, link.cost));
                graph.links += 1;
            }
        }
        graph
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Each node's neighbours and itself counted: what one search through the graph takes.
    pub(super) fn size(&self) -> usize {
        self.len() + 2 * self.links
    }

    /// The nodes that can reach each other, each part in the order of the names.
    pub(super) fn parts(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.len()];
        let mut parts = Vec::new();
        for start in 0..self.len() {
            if seen[start] {
                continue;
            }
            seen[start] = true;
            let mut part = vec![start];
            let mut next = 0;
            while let Some(&node) = part.get(next) {
                next += 1;
                for &(other, _) in &self.neighbours[node] {
                    if !std::mem::replace(&mut seen[other], true) {
                        part.push(other);
                    }
                }
            }
            part.sort_unstable();
            parts.push(part);
        }
        parts
    }

    /// How many links lie between `from` and each node; none where there is no way.
    pub(super) fn hops(&self, from: usize) -> Vec<Option<usize>> {
        let mut hops = vec![None; self.len()];
        hops[from] = Some(0);
        let mut queue = VecDeque::from([(from, 0)]);
        while let Some((node, far)) = queue.pop_front() {
            for &(other, _) in &self.neighbours[node] {
                if hops[other].is_none() {
                    hops[other] = Some(far + 1);
                    queue.push_back((other, far + 1));
                }
            }
        }
        hops
    }
}
