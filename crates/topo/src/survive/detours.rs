//! How much longer ways get at most when one link or node fails.

use hopline_mesh::route::{Graph, Part, Repair};

use super::cases::Parts;

/// For each link and node how many more links any way has that must go around it.
///
/// A way that passes a link can take the best way between its ends instead, and one that passes a node
/// the best way between the two neighbours; the best way without the part is no longer than that. This
/// is so where all links cost the same, so that the best way is the one with the fewest links; of other
/// meshes nothing is known.
#[derive(Debug, Default)]
pub(super) struct Detours {
    /// By number of the part; none where there is no way around.
    more: Vec<Option<u32>>,
}

impl Detours {
    pub(super) fn new(graph: &Graph, parts: &Parts) -> Self {
        let mut costs = graph.links().map(|(_, cost)| cost);
        let first = costs.next();
        if costs.any(|cost| Some(cost) != first) {
            return Self::default();
        }
        let mut detours = Self { more: vec![Some(0); parts.len()] };
        for (place, node) in (0..).zip(graph.nodes()) {
            if let Some(repair) = Repair::from(graph, node) {
                detours.measure(graph, parts, place, repair);
            }
        }
        detours
    }

    /// How many more links; none where it is not known.
    pub(super) fn around(&self, part: u32) -> Option<u32> {
        self.more.get(part as usize).copied().flatten()
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
