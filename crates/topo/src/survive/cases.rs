//! The links and nodes that may fail, and all ways to choose some of them.

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Down, Graph, Part};

/// The links and nodes of a mesh by number: the links first, both in the order of their names.
#[derive(Debug)]
pub(crate) struct Parts {
    links: Vec<(LinkName, Part)>,
    nodes: Vec<NodeName>,
}

impl Parts {
    pub(crate) fn new(graph: &Graph) -> Self {
        let nodes: Vec<NodeName> = graph.nodes().cloned().collect();
        let place = |name: &NodeName| nodes.binary_search(name).map_or(u32::MAX, |at| at as u32);
        let part = |link: &LinkName| Part::Link(place(link.lesser()), place(link.greater()));
        let links = graph.links().map(|(link, _)| (link.clone(), part(link))).collect();
        Self { links, nodes }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.links.len() + self.nodes.len()
    }

    /// How many links there are, which is the number of the first node.
    pub(super) fn links(&self) -> usize {
        self.links.len()
    }

    /// The node at a place in the order of names.
    pub(super) fn node(&self, place: u32) -> Option<&NodeName> {
        self.nodes.get(place as usize)
    }

    /// What fails with the part of this number.
    pub(crate) fn down(&self, number: u32) -> Down {
        let number = number as usize;
        match self.links.get(number) {
            Some((link, _)) => Down::Link(link.clone()),
            None => Down::Node(self.nodes[number - self.links.len()].clone()),
        }
    }

    /// The part of this number by the places of nodes.
    pub(super) fn part(&self, number: u32) -> Part {
        match self.links.get(number as usize) {
            Some((_, part)) => *part,
            None => Part::Node(number - self.links.len() as u32),
        }
    }

    /// The places of the neighbours of the node at a place.
    pub(super) fn neighbours(&self, graph: &Graph, place: u32) -> Vec<u32> {
        let node = self.node(place).into_iter();
        let near = node.flat_map(|node| graph.neighbours(node));
        near.filter_map(|(name, _)| Some(self.nodes.binary_search(name).ok()? as u32)).collect()
    }

    /// The number of the part that has these places.
    pub(super) fn number_of(&self, part: Part) -> Option<usize> {
        match part {
            Part::Node(place) => Some(self.links.len() + place as usize),
            // Links are in the order of the names of their ends, and so of their places.
            Part::Link(..) => self.links.binary_search_by(|(_, other)| other.cmp(&part)).ok(),
        }
    }

    /// The number of what has failed; none where it is no part of the mesh.
    pub(super) fn number(&self, down: &Down) -> Option<u32> {
        let at = match down {
            Down::Link(link) => self.links.binary_search_by(|(other, _)| other.cmp(link)).ok()?,
            Down::Node(node) => self.links.len() + self.nodes.binary_search(node).ok()?,
        };
        Some(at as u32)
    }

    /// How many cases there are of 1 to `most` failures.
    pub(crate) fn number_up_to(&self, most: usize) -> u64 {
        (1..=most).map(|size| choices(self.len(), size)).fold(0, u64::saturating_add)
    }

    /// Goes through all cases of `size` failures: those with fewer nodes first, then by name.
    pub(super) fn each_case(&self, size: usize, mut tell: impl FnMut(&[u32])) {
        let (links, all) = (self.links.len() as u32, self.len() as u32);
        for nodes in 0..=size {
            let mut case = vec![0; size];
            let (of_links, of_nodes) = case.split_at_mut(size - nodes);
            if !(first(of_links, 0, links) && first(of_nodes, links, all)) {
                continue;
            }
            loop {
                tell(&case);
                let (of_links, of_nodes) = case.split_at_mut(size - nodes);
                if advance(of_nodes, all) {
                    continue;
                }
                first(of_nodes, links, all);
                if !advance(of_links, links) {
                    break;
                }
            }
        }
    }

    /// Whether a smaller case is the same: a link fails with a node at its end.
    pub(super) fn is_repeated(&self, case: &[u32]) -> bool {
        let is_down = |node: u32| case.iter().any(|part| self.part(*part) == Part::Node(node));
        case.iter().any(|part| match self.part(*part) {
            Part::Link(a, b) => is_down(a) || is_down(b),
            Part::Node(_) => false,
        })
    }

    /// Where a case stands among those of its size.
    pub(crate) fn rank<'c>(&self, case: &'c [u32]) -> (usize, &'c [u32]) {
        let nodes = case.iter().filter(|part| **part as usize >= self.links.len());
        (nodes.count(), case)
    }
}

/// The first choice of as many numbers as there is room for, if there are enough.
fn first(choice: &mut [u32], from: u32, to: u32) -> bool {
    for (number, place) in (from..).zip(choice.iter_mut()) {
        *place = number;
    }
    choice.len() <= (to - from) as usize
}

/// The next choice of numbers below `to`; whether there is one.
fn advance(choice: &mut [u32], to: u32) -> bool {
    let size = choice.len();
    for place in (0..size).rev() {
        let behind = (size - 1 - place) as u32;
        if choice[place] + behind + 1 < to {
            let next = choice[place] + 1;
            for (number, place) in (next..).zip(&mut choice[place..]) {
                *place = number;
            }
            return true;
        }
    }
    false
}

/// In how many ways `size` of `all` can be chosen, as far as numbers go.
fn choices(all: usize, size: usize) -> u64 {
    if size > all {
        return 0;
    }
    let number = (0..size as u128).try_fold(1_u128, |number, chosen| {
        Some(number.checked_mul(all as u128 - chosen)? / (chosen + 1))
    });
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(links: &[&str]) -> Parts {
        let links = links.iter().map(|link| (LinkName::parse(link).unwrap(), 1));
        Parts::new(&Graph::new([], links))
    }

    fn cases(parts: &Parts, size: usize) -> Vec<String> {
        let mut cases = Vec::new();
        parts.each_case(size, |case| {
            let names: Vec<_> = case.iter().map(|part| parts.down(*part).to_string()).collect();
            cases.push(names.join(" "));
        });
        cases
    }

    #[test]
    fn links_fail_before_nodes_and_all_in_the_order_of_their_names() {
        let parts = parts(&["b--c", "a--b"]);
        assert_eq!(cases(&parts, 1), ["a--b", "b--c", "a", "b", "c"]);
        assert_eq!(
            cases(&parts, 2),
            [
                "a--b b--c",
                "a--b a",
                "a--b b",
                "a--b c",
                "b--c a",
                "b--c b",
                "b--c c",
                "a b",
                "a c",
                "b c"
            ]
        );
    }

    #[test]
    fn there_are_as_many_cases_as_are_counted() {
        let parts = parts(&["a--b", "b--c", "c--d", "a--d", "e--f"]);
        let mut all = 0;
        for size in 1..=5 {
            all += cases(&parts, size).len() as u64;
            assert_eq!(parts.number_up_to(size), all, "{size}");
        }
        assert_eq!(choices(10_000, 100), u64::MAX);
        assert_eq!(choices(3, 4), 0);
    }

    #[test]
    fn every_part_is_found_by_its_number() {
        let parts = parts(&["a--b", "b--c"]);
        for number in 0..5 {
            assert_eq!(parts.number(&parts.down(number)), Some(number));
        }
        assert_eq!(parts.number(&"a--c".parse().unwrap()), None);
    }
}
