//! What a failed link or node does to ways at most, and from which ends that has to be looked at.

use hopline_mesh::route::{Graph, Part, Repair};

use super::cases::Parts;

/// For each link and node how many more links any way has that must go around it, whether there is a
/// way around it at all, and from where most ways come to it.
///
/// A way that passes a link can take the best way between its ends instead, and one that passes a node
/// the best way between the two neighbours; the best way without the part is no longer than that. This
/// is so where all links cost the same, so that the best way is the one with the fewest links; of other
/// meshes the numbers say only that there is a way.
///
/// Two nodes whose ways come to a part from the same neighbour have no best way to each other that
/// passes the part. So of all nodes those that come from one neighbour need not be looked from: every
/// way of theirs is seen from its other end.
#[derive(Debug, Default)]
pub(super) struct Detours {
    /// By number of the part; none where there is no way around.
    more: Vec<Option<u32>>,
    /// Whether all links cost the same.
    even: bool,
    /// By number of the part: how many nodes come to it from one neighbour, and from which.
    busiest: Vec<(u32, u32)>,
}

impl Detours {
    pub(super) fn new(graph: &Graph, parts: &Parts) -> Self {
        let mut costs = graph.links().map(|(_, cost)| cost);
        let first = costs.next();
        let even = costs.all(|cost| Some(cost) == first);
        let (more, busiest) = (vec![Some(0); parts.len()], vec![(0, u32::MAX); parts.len()]);
        let mut detours = Self { more, even, busiest };
        for (place, node) in (0..).zip(graph.nodes()) {
            if let Some(repair) = Repair::from(graph, node) {
                detours.count(graph, parts, place, &repair);
                detours.measure(graph, parts, place, repair);
            }
        }
        detours
    }

    /// How many more links; none where it is not known.
    pub(super) fn around(&self, part: u32) -> Option<u32> {
        self.more.get(part as usize).copied().flatten().filter(|_| self.even)
    }

    /// Whether there may be no way around.
    pub(super) fn cuts(&self, part: u32) -> bool {
        self.more.get(part as usize).is_none_or(Option::is_none)
    }

    /// Whether the ways that come to the part from the node `before` are all seen from their other
    /// ends; none is that of the node at which they begin.
    pub(super) fn is_seen_elsewhere(&self, part: u32, before: Option<u32>) -> bool {
        let busiest = self.busiest.get(part as usize);
        before.is_none_or(|before| busiest.is_some_and(|(_, from)| *from == before))
    }

    /// Counts the nodes whose ways come to the node at `place`, and to its links, from each neighbour.
    fn count(&mut self, graph: &Graph, parts: &Parts, place: u32, repair: &Repair<'_>) {
        for near in parts.neighbours(graph, place) {
            let link = Part::Link(place.min(near), place.max(near));
            let Some(nodes) = repair.beyond(link) else { continue };
            for part in [link, Part::Node(place)] {
                if let Some(known) = parts.number_of(part).and_then(|at| self.busiest.get_mut(at)) {
                    *known = (nodes, near).max(*known);
                }
            }
        }
    }

    /// Measures the ways around what is next to the node at `place`, whose ways `repair` has.
    fn measure(&mut self, graph: &Graph, parts: &Parts, place: u32, mut repair: Repair<'_>) {
        let near = parts.neighbours(graph, place);
        let links =
            near.iter().map(|&next| (Part::Link(place.min(next), place.max(next)), 1, vec![next]));
        let nodes = near.iter().map(|&next| (Part::Node(next), 2, parts.neighbours(graph, next)));
        for (part, direct, ends) in links.chain(nodes) {
            let mut more = Some(0);
            repair.without(&[part], |end, hops| {
                if ends.contains(&end) {
                    let longer = hops.map(|hops| hops.saturating_sub(direct));
                    more = more.zip(longer).map(|(more, longer): (u32, u32)| more.max(longer));
                }
            });
            if let Some(known) = parts.number_of(part).and_then(|at| self.more.get_mut(at)) {
                *known = known.zip(more).map(|(known, more)| known.max(more));
            }
        }
    }
}
