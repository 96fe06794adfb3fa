//! The mesh as routes see it: nodes, links, costs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::name_map::NameIndex;
use crate::name::{LinkName, NameError, NodeName};

/// The nodes and links of a mesh: undirected, each link with a cost of at least 1.
///
/// Immutable, and the same for the same nodes and links in whatever order they were given.
///
/// # Examples
/// ```
/// use hopline_mesh::name::{LinkName, NodeName};
/// use hopline_mesh::route::Graph;
///
/// let link = |text| LinkName::parse(text);
/// let graph = Graph::new([], [(link("top--east")?, 10), (link("top--west")?, 10)]);
///
/// assert_eq!(graph.nodes().map(NodeName::as_str).collect::<Vec<_>>(), ["east", "top", "west"]);
/// assert_eq!(graph.cost(&link("east--top")?), Some(10));
///
/// let cut = graph.without(&["east--top".parse()?]);
/// assert_eq!(cut.cost(&link("east--top")?), None);
/// assert_ne!(cut.revision(), graph.revision());
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[derive(Clone)]
pub struct Graph {
    /// Sorted. A node's place in it stands for the node everywhere in this module, so places
    /// compare as names do.
    names: Arc<[NodeName]>,
    index: Arc<NameIndex>,
    /// Sorted.
    links: Vec<(LinkName, u32)>,
    /// Where each node's neighbours begin in `edges`; one more at the end.
    starts: Vec<u32>,
    /// Each node's neighbours in order, with the costs of the links to them.
    edges: Vec<(u32, u32)>,
    revision: Revision,
}

impl Graph {
    /// A graph of `nodes` and `links` with their costs.
    ///
    /// The ends of links are nodes without being given as such. A link that is given twice keeps
    /// its greater cost; a cost of 0 counts as 1.
    pub fn new(
        nodes: impl IntoIterator<Item = NodeName>,
        links: impl IntoIterator<Item = (LinkName, u32)>,
    ) -> Self {
        let mut links: Vec<_> = links.into_iter().collect();
        links.sort_unstable_by(|(a, cost_a), (b, cost_b)| a.cmp(b).then(cost_b.cmp(cost_a)));
        links.dedup_by(|(later, _), (earlier, _)| later == earlier);
        for (_, cost) in &mut links {
            *cost = (*cost).max(1);
        }
        let mut names: Vec<_> = nodes.into_iter().collect();
        for (link, _) in &links {
            names.extend([link.lesser().clone(), link.greater().clone()]);
        }
        names.sort_unstable();
        names.dedup();
        let index: NameIndex = names.iter().cloned().zip(0..).collect();
        Self::of_sorted(names.into(), Arc::new(index), links)
    }

    /// A graph of links that are told as their two ends and their cost, as a node
    /// [answers](crate::wire::control::Answer::Graph). What joins a node to itself is passed over.
    pub fn of_ends(
        nodes: impl IntoIterator<Item = NodeName>,
        links: impl IntoIterator<Item = (NodeName, NodeName, u32)>,
    ) -> Self {
        let link = |(a, b, cost)| Some((LinkName::new(a, b).ok()?, cost));
        Self::new(nodes, links.into_iter().filter_map(link))
    }

    fn of_sorted(
        names: Arc<[NodeName]>,
        index: Arc<NameIndex>,
        links: Vec<(LinkName, u32)>,
    ) -> Self {
        let place = |name: &NodeName| index.get(name).copied().unwrap_or(u32::MAX);
        let mut directed: Vec<_> = links
            .iter()
            .flat_map(|(link, cost)| {
                let (lesser, greater) = (place(link.lesser()), place(link.greater()));
                [(lesser, greater, *cost), (greater, lesser, *cost)]
            })
            .collect();
        directed.sort_unstable();
        let mut starts = vec![0; names.len() + 1];
        for &(from, ..) in &directed {
            starts[from as usize + 1] += 1;
        }
        for node in 0..names.len() {
            starts[node + 1] += starts[node];
        }
        let edges = directed.iter().map(|&(_, to, cost)| (to, cost)).collect();
        let revision = Revision::of(&names, &links);
        Self { names, index, links, starts, edges, revision }
    }

    /// The nodes, in the order of their names.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeName> {
        self.names.iter()
    }

    /// The links and their costs, in the order of the pairs of their ends.
    pub fn links(&self) -> impl ExactSizeIterator<Item = (&LinkName, u32)> {
        self.links.iter().map(|(link, cost)| (link, *cost))
    }

    /// Whether `node` is one of the nodes.
    #[must_use]
    pub fn contains(&self, node: &NodeName) -> bool {
        self.place(node.as_str()).is_some()
    }

    /// What a hop over `link` costs, or none where there is no such link.
    #[must_use]
    pub fn cost(&self, link: &LinkName) -> Option<u32> {
        let place = self.links.binary_search_by(|(other, _)| other.cmp(link));
        Some(self.links[place.ok()?].1)
    }

    /// The nodes that share a link with `node`, in the order of their names, with the links' costs.
    pub fn neighbours(&self, node: &NodeName) -> impl Iterator<Item = (&NodeName, u32)> {
        let edges = self.place(node.as_str()).map_or(&[][..], |place| self.edges(place));
        edges.iter().map(|&(to, cost)| (self.name(to), cost))
    }

    /// The graph that is left when the nodes and links in `down` have failed.
    ///
    /// A node that is down keeps its name and loses its links: it is known and cannot be reached,
    /// which is what the others say of a node that dies. Names of nothing in the graph are passed
    /// over.
    #[must_use]
    pub fn without(&self, down: &[Down]) -> Self {
        let is_down = |link: &LinkName| {
            down.iter().any(|down| match down {
                Down::Node(node) => link.other(node).is_some(),
                Down::Link(other) => link == other,
            })
        };
        let links = self.links.iter().filter(|(link, _)| !is_down(link));
        Self::of_sorted(Arc::clone(&self.names), Arc::clone(&self.index), links.cloned().collect())
    }

    /// The digest of the nodes, the links and their costs.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn names(&self) -> &Arc<[NodeName]> {
        &self.names
    }

    pub(super) fn index(&self) -> &Arc<NameIndex> {
        &self.index
    }

    pub(super) fn name(&self, place: u32) -> &NodeName {
        &self.names[place as usize]
    }

    pub(super) fn place(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    pub(super) fn has_link(&self, a: &str, b: &str) -> bool {
        let (Some(a), Some(b)) = (self.place(a), self.place(b)) else {
            return false;
        };
        self.edges(a).iter().any(|&(to, _)| to == b)
    }

    pub(super) fn edges(&self, place: u32) -> &[(u32, u32)] {
        let place = place as usize;
        &self.edges[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names && self.links == other.links
    }
}

impl Eq for Graph {}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("nodes", &self.names)
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}

/// What has failed: a node, or a link.
///
/// Written `a--b` for a link, in either order, and `a` for a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Down {
    /// A node, and with it all its links.
    Node(NodeName),
    /// A link.
    Link(LinkName),
}

impl FromStr for Down {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains("--") {
            LinkName::parse(text).map(Self::Link)
        } else {
            NodeName::parse(text).map(Self::Node)
        }
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => fmt::Display::fmt(node, f),
            Self::Link(link) => fmt::Display::fmt(link, f),
        }
    }
}

/// Which graph a node knows: equal at two nodes if they know the same nodes, links and costs.
///
/// It is the first eight bytes of the SHA-256 of a text that has a line `node NAME` for each node
/// and then a line `link A--B COST` for each link, both in order, every line ended by a newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    fn of(nodes: &[NodeName], links: &[(LinkName, u32)]) -> Self {
        use fmt::Write as _;
        let mut text = String::new();
        for node in nodes {
            let _ = writeln!(text, "node {node}");
        }
        for (link, cost) in links {
            let _ = writeln!(text, "link {link} {cost}");
        }
        let digest = Sha256::digest(&text);
        let head = digest.first_chunk().copied().unwrap_or_default();
        Self(u64::from_be_bytes(head))
    }

    /// The first 32 bits, as stamps carry them.
    #[must_use]
    pub fn short(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
