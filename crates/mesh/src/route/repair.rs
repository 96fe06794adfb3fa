//! What is left of one node's best ways when parts of the mesh fail.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::Graph;
use super::paths::Paths;
use crate::name::NodeName;

/// A node or a link by the places of nodes in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A node.
    Node(u32),
    /// The link between two nodes.
    Link(u32, u32),
}

/// The best ways from one node, ready to be asked what a failure does to them.
///
/// A failure changes only the ways that pass what failed: those are searched anew, from the ends of
/// the ways that stand, and all others are left alone. So thousands of failures can be tried where
/// building [`Paths`] for each would take too long. Which of two equal ways is taken is not told: it
/// has no say in the length of the way.
///
/// # Examples
/// ```
/// use hopline_mesh::name::{LinkName, NodeName};
/// use hopline_mesh::route::{Graph, Part, Repair};
///
/// let link = |text| LinkName::parse(text);
/// let ring = [(link("a--b")?, 1), (link("b--c")?, 1), (link("c--d")?, 1), (link("a--d")?, 1)];
/// let graph = Graph::new([], ring);
/// let mut repair = Repair::from(&graph, &NodeName::parse("a")?).expect("a is a node");
///
/// // Without the link a--b, the node `b` is three links away, and `c` is as far as it was.
/// let mut changed = Vec::new();
/// repair.without(&[Part::Link(0, 1)], |node, hops| changed.push((node, hops)));
/// assert_eq!(changed, [(2, Some(2)), (1, Some(3))]);
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[derive(Debug)]
pub struct Repair<'a> {
    graph: &'a Graph,
    source: u32,
    nodes: Vec<Known>,
    /// The nodes that are reached, each followed by all whose ways pass it.
    order: Vec<u32>,
    queue: BinaryHeap<Reverse<(u64, u32, u32)>>,
    lost: Vec<u32>,
    round: u32,
}

/// What is known of the way to one node.
#[derive(Debug, Clone, Copy)]
struct Known {
    cost: u64,
    /// None where it is not reached.
    hops: Option<u32>,
    before: u32,
    /// Where it stands in the order, and how many stand there that are reached through it.
    at: u32,
    through: u32,
    /// The most links of the ways through it.
    longest: u32,
    /// The round of questions in which it was last cut off, failed, found again.
    lost: u32,
    failed: u32,
    settled: u32,
    /// The best way found in this round.
    found: (u64, u32),
}

impl<'a> Repair<'a> {
    /// The best ways from `source`, or none where it is no node of `graph`.
    #[must_use]
    pub fn from(graph: &'a Graph, source: &NodeName) -> Option<Self> {
        let paths = Paths::from(graph, source)?;
        let place = graph.place(source.as_str())?;
        let nodes = (0..).take(graph.names().len()).map(|node| {
            let reached = paths.to(node);
            Known {
                cost: reached.map_or(0, |reached| reached.cost),
                hops: reached.map(|reached| reached.hops),
                before: reached.map_or(node, |reached| reached.before),
                at: 0,
                through: 0,
                longest: reached.map_or(0, |reached| reached.hops),
                lost: 0,
                failed: 0,
                settled: 0,
                found: (u64::MAX, u32::MAX),
            }
        });
        let mut repair = Self {
            graph,
            source: place,
            nodes: nodes.collect(),
            order: Vec::new(),
            queue: BinaryHeap::new(),
            lost: Vec::new(),
            round: 0,
        };
        repair.put_in_order();
        Some(repair)
    }

    /// The number of links on the best way to the node at `place` while nothing has failed; none
    /// where it is not reached.
    #[must_use]
    pub fn hops(&self, place: u32) -> Option<u32> {
        self.nodes.get(place as usize)?.hops
    }

    /// The most links on any of the best ways that pass `part`; none where none does.
    #[must_use]
    pub fn longest(&self, part: Part) -> Option<u32> {
        Some(self.top(part)?.longest)
    }

    /// How many nodes have best ways that pass `part` or end there; none where none has.
    #[must_use]
    pub fn beyond(&self, part: Part) -> Option<u32> {
        Some(self.top(part)?.through)
    }

    /// The node from which the best ways come to `part`; none where none passes it, and none where it
    /// is the node that they begin at.
    #[must_use]
    pub fn before(&self, part: Part) -> Option<u32> {
        let known = self.top(part)?;
        (known.at > 0).then_some(known.before)
    }

    /// Tells `changed` of each node whose best way passes what is `down`, and is itself up: how many
    /// links its way then has, or none where it is not reached any more.
    ///
    /// Those that are still reached come first, by cost and then by hops. Nothing is told where the
    /// node that the ways begin at is down itself.
    pub fn without(&mut self, down: &[Part], mut changed: impl FnMut(u32, Option<u32>)) {
        if down.contains(&Part::Node(self.source))
            || down.iter().all(|part| self.longest(*part).is_none())
        {
            return;
        }
        self.cut_off(down);
        self.reconnect(down);
        while let Some(Reverse((cost, hops, node))) = self.queue.pop() {
            let known = &mut self.nodes[node as usize];
            if std::mem::replace(&mut known.settled, self.round) == self.round {
                continue;
            }
            changed(node, Some(hops));
            for &(next, link) in self.graph.edges(node) {
                self.offer(next, (cost + u64::from(link), hops + 1), node, down);
            }
        }
        for &node in &self.lost {
            let known = &self.nodes[node as usize];
            if known.settled != self.round && known.failed != self.round {
                changed(node, None);
            }
        }
    }

    /// Puts all nodes that are reached in an order in which those beyond a node follow it.
    fn put_in_order(&mut self) {
        let mut beyond: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        for (node, known) in (0..).zip(&self.nodes) {
            if known.hops.is_some() && node != self.source {
                beyond[known.before as usize].push(node);
            }
        }
        let mut stack = vec![self.source];
        while let Some(node) = stack.pop() {
            self.nodes[node as usize].at = self.order.len() as u32;
            self.order.push(node);
            stack.extend(&beyond[node as usize]);
        }
        for &node in self.order.iter().rev() {
            let through = self.nodes[node as usize].through + 1;
            self.nodes[node as usize].through = through;
            if node != self.source {
                let Known { before, longest, .. } = self.nodes[node as usize];
                let before = &mut self.nodes[before as usize];
                before.through += through;
                before.longest = before.longest.max(longest);
            }
        }
    }

    /// What is known of the first node that the ways which pass `part` come to.
    fn top(&self, part: Part) -> Option<&Known> {
        let top = match part {
            Part::Node(node) => node,
            Part::Link(a, b) => self.below(a, b)?,
        };
        self.nodes.get(top as usize).filter(|known| known.hops.is_some())
    }

    /// The end of the link that is reached over it.
    fn below(&self, a: u32, b: u32) -> Option<u32> {
        let is_over = |from: u32, to: u32| {
            let known = self.nodes.get(to as usize);
            known.is_some_and(|known| {
                known.hops.is_some() && known.before == from && to != self.source
            })
        };
        if is_over(a, b) { Some(b) } else { is_over(b, a).then_some(a) }
    }

    /// Marks what is down, and the nodes whose ways pass it.
    fn cut_off(&mut self, down: &[Part]) {
        self.round += 1;
        self.queue.clear();
        self.lost.clear();
        for &part in down {
            let top = match part {
                Part::Node(node) => {
                    if let Some(known) = self.nodes.get_mut(node as usize) {
                        known.failed = self.round;
                    }
                    self.hops(node).map(|_| node)
                }
                Part::Link(a, b) => self.below(a, b),
            };
            let Some(top) = top else { continue };
            let Known { at, through, .. } = self.nodes[top as usize];
            for &node in &self.order[at as usize..(at + through) as usize] {
                let known = &mut self.nodes[node as usize];
                if known.lost != self.round {
                    known.lost = self.round;
                    known.found = (u64::MAX, u32::MAX);
                    self.lost.push(node);
                }
            }
        }
    }

    /// Offers each node that is cut off what its neighbours have that are not.
    fn reconnect(&mut self, down: &[Part]) {
        let graph = self.graph;
        for place in 0..self.lost.len() {
            let node = self.lost[place];
            for &(near, link) in graph.edges(node) {
                let known = &self.nodes[near as usize];
                if known.lost != self.round
                    && let Some(hops) = known.hops
                {
                    let way = (known.cost + u64::from(link), hops + 1);
                    self.offer(node, way, near, down);
                }
            }
        }
    }

    /// Takes a way to `node`, over the link from `from`, if it is the best so far.
    fn offer(&mut self, node: u32, way: (u64, u32), from: u32, down: &[Part]) {
        let known = &mut self.nodes[node as usize];
        if known.lost != self.round
            || known.failed == self.round
            || known.settled == self.round
            || way >= known.found
            || is_cut(down, from, node)
        {
            return;
        }
        known.found = way;
        self.queue.push(Reverse((way.0, way.1, node)));
    }
}

fn is_cut(down: &[Part], a: u32, b: u32) -> bool {
    down.contains(&Part::Link(a, b)) || down.contains(&Part::Link(b, a))
}
