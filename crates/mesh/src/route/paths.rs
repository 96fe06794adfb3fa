//! The best ways from one node to all others.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};
use std::fmt;
use std::sync::Arc;

use super::graph::Graph;
use super::name_map::NameIndex;
use crate::name::{LinkName, NodeName};

/// Marks a node that has no way.
const NOWHERE: u32 = u32::MAX;

/// The best ways from one node to every node that it can reach.
///
/// Of all ways between two nodes the best is the least by, in this order:
///
/// 1. **cost**: the sum of the costs of its links;
/// 2. **hops**: the number of its links;
/// 3. **tie-break**: of two ways, look at the links that only one of them has. The way with the
///    alphabetically last of those loses; links compare as pairs of names, lesser name first,
///    bytewise.
///
/// Rule 3 is as if the link of rank *r* in that order weighed 2^*r* and the lighter way won. So it
/// adds up along a way, and four things follow: each part of a best way is a best way; all nodes on
/// a way agree about the rest of it; the way back is the way there reversed; and a link that is on
/// neither of two ways has no say in which of them is better.
///
/// The hop limit has no part in the choice: [`decide`](super::decide) compares it with the way that
/// was chosen.
///
/// # Examples
/// ```
/// use hopline_mesh::name::{LinkName, NodeName};
/// use hopline_mesh::route::{Graph, Paths};
///
/// let link = |text| LinkName::parse(text);
/// let square = [(link("a--b")?, 1), (link("b--d")?, 1), (link("a--c")?, 1), (link("c--d")?, 1)];
/// let graph = Graph::new([], square);
///
/// let paths = Paths::from(&graph, &NodeName::parse("a")?).expect("a is a node");
/// let way = paths.way(&NodeName::parse("d")?).expect("d can be reached");
/// // Both ways cost 2. `c--d` is the last of the four links, so the way through `c` loses.
/// assert_eq!(way.to_string(), "a b d");
/// assert_eq!((way.cost, way.hops()), (2, 2));
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[derive(Clone)]
pub struct Paths {
    names: Arc<[NodeName]>,
    index: Arc<NameIndex>,
    source: u32,
    reached: Vec<Reached>,
}

/// How one node is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    pub(super) cost: u64,
    pub(super) hops: u32,
    /// The node before it on its way.
    pub(super) before: u32,
    /// The neighbour of the source that its way begins with; the source itself for the source.
    pub(super) first: u32,
}

const UNREACHED: Reached =
    Reached { cost: u64::MAX, hops: u32::MAX, before: NOWHERE, first: NOWHERE };

/// A way through the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The nodes on it, both ends included; one alone where the ends are the same.
    pub nodes: Vec<NodeName>,
    /// The sum of the costs of its links.
    pub cost: u64,
}

impl Way {
    /// The number of its links.
    #[must_use]
    pub fn hops(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }
}

/// Which of the three rules sets two ways apart, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The loser costs more.
    Cost {
        /// By how much.
        by: u64,
    },
    /// They cost the same, and the loser has more links.
    Hops {
        /// How many more.
        by: usize,
    },
    /// They cost the same and have as many links.
    TieBreak {
        /// The alphabetically last of the links that only one of the two has. The loser has it.
        lost_by: LinkName,
        /// The last of the links that only the winner has.
        against: LinkName,
    },
}

impl Way {
    /// The rule by which this way beats `other`; none where it does not, as where they have the same links.
    #[must_use]
    pub fn beats(&self, other: &Self) -> Option<Rule> {
        match (self.cost, self.hops()).cmp(&(other.cost, other.hops())) {
            Ordering::Less if self.cost < other.cost => {
                Some(Rule::Cost { by: other.cost - self.cost })
            }
            Ordering::Less => Some(Rule::Hops { by: other.hops() - self.hops() }),
            Ordering::Greater => None,
            Ordering::Equal => {
                let (mine, others) = (self.links(), other.links());
                let against = mine.difference(&others).max()?;
                let lost_by = others.difference(&mine).max()?;
                (against < lost_by)
                    .then(|| Rule::TieBreak { lost_by: lost_by.clone(), against: against.clone() })
            }
        }
    }

    /// Its links, in order of their names.
    #[must_use]
    pub fn links(&self) -> BTreeSet<LinkName> {
        let pairs = self.nodes.iter().zip(self.nodes.iter().skip(1));
        pairs.filter_map(|(a, b)| LinkName::new(a.clone(), b.clone()).ok()).collect()
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, node) in self.nodes.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{node}")?;
        }
        Ok(())
    }
}

impl Paths {
    /// The best ways from `source`, or none where it is no node of `graph`.
    #[must_use]
    pub fn from(graph: &Graph, source: &NodeName) -> Option<Self> {
        let source = graph.place(source.as_str())?;
        Some(Self {
            names: Arc::clone(graph.names()),
            index: Arc::clone(graph.index()),
            source,
            reached: best_ways(graph, source),
        })
    }

    /// The node that the ways begin at.
    #[must_use]
    pub fn source(&self) -> &NodeName {
        &self.names[self.source as usize]
    }

    /// The best way to `to`, or none where there is none.
    #[must_use]
    pub fn way(&self, to: &NodeName) -> Option<Way> {
        let mut place = *self.index.get(to)?;
        let end = self.to(place)?;
        let mut nodes = vec![self.names[place as usize].clone()];
        while place != self.source {
            place = self.reached[place as usize].before;
            nodes.push(self.names[place as usize].clone());
        }
        nodes.reverse();
        Some(Way { nodes, cost: end.cost })
    }

    /// The nodes that can be reached, in the order of their names, each with the cost of the best way
    /// to it and the number of its links.
    pub fn reached(&self) -> impl Iterator<Item = (&NodeName, u64, u32)> {
        let nodes = self.names.iter().zip(&self.reached);
        nodes
            .filter(|(_, reached)| reached.first != NOWHERE)
            .map(|(name, reached)| (name, reached.cost, reached.hops))
    }

    /// The best ways to all nodes that can be reached, in the order of the nodes' names.
    pub fn ways(&self) -> impl Iterator<Item = Way> {
        self.names.iter().filter_map(|name| self.way(name))
    }

    pub(super) fn to(&self, place: u32) -> Option<&Reached> {
        let reached = &self.reached[place as usize];
        (reached.first != NOWHERE).then_some(reached)
    }
}

impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paths").field("source", self.source()).finish_non_exhaustive()
    }
}

/// Dijkstra's algorithm by (cost, hops, tie-break).
///
/// A cost is at least 1, so what is before a node on any way that ties for it was settled earlier,
/// and both chains can be walked back when the tie is met.
fn best_ways(graph: &Graph, source: u32) -> Vec<Reached> {
    let mut reached = vec![UNREACHED; graph.names().len()];
    let mut is_settled = vec![false; graph.names().len()];
    let mut queue = BinaryHeap::from([Reverse((0, 0, source))]);
    reached[source as usize] = Reached { cost: 0, hops: 0, before: source, first: source };
    while let Some(Reverse((cost, hops, node))) = queue.pop() {
        if std::mem::replace(&mut is_settled[node as usize], true) {
            continue;
        }
        let first = reached[node as usize].first;
        for &(next, link_cost) in graph.edges(node) {
            let found = Reached {
                cost: cost + u64::from(link_cost),
                hops: hops + 1,
                before: node,
                first: if node == source { next } else { first },
            };
            let known = &reached[next as usize];
            match (found.cost, found.hops).cmp(&(known.cost, known.hops)) {
                Ordering::Less => {
                    queue.push(Reverse((found.cost, found.hops, next)));
                    reached[next as usize] = found;
                }
                Ordering::Equal if wins_tie(&reached, next, node, known.before) => {
                    reached[next as usize] = found;
                }
                Ordering::Equal | Ordering::Greater => {}
            }
        }
    }
    reached
}

/// Whether the way to `node` over `found` beats the one over `known`, equal in cost and hops.
///
/// Both chains are walked back in step to the node where they meet. They share no link on the way
/// to it, and all links beyond it.
fn wins_tie(reached: &[Reached], node: u32, found: u32, known: u32) -> bool {
    let link = |a: u32, b: u32| (a.min(b), a.max(b));
    let (mut found, mut known) = (found, known);
    let (mut last_found, mut last_known) = (link(node, found), link(node, known));
    while found != known {
        let (found_before, known_before) =
            (reached[found as usize].before, reached[known as usize].before);
        last_found = last_found.max(link(found, found_before));
        last_known = last_known.max(link(known, known_before));
        (found, known) = (found_before, known_before);
    }
    last_found < last_known
}
