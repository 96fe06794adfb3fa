//! The mesh as routes see it: nodes, links, costs.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

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
    /// Where each node's neighbours begin in `edges`; one more at the end.
    starts: Vec<u32>,
    /// Each node's neighbours in order, with the costs of the links to them.
    edges: Vec<(u32, u32)>,
    /// The links by name, sorted; made when they are asked for.
    links: OnceLock<Vec<(LinkName, u32)>>,
    /// Worked out when it is asked for.
    revision: OnceLock<Revision>,
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
        let links: Vec<_> = links.into_iter().collect();
        let mut names: Vec<_> = nodes.into_iter().collect();
        for (link, _) in &links {
            names.extend([link.lesser().clone(), link.greater().clone()]);
        }
        names.sort_unstable();
        names.dedup();
        let index: NameIndex = names.iter().cloned().zip(0..).collect();
        let place = |name: &NodeName| index.get(name).copied().unwrap_or(u32::MAX);
        let ends = links.iter().flat_map(|(link, cost)| {
            let (lesser, greater) = (place(link.lesser()), place(link.greater()));
            [(lesser, greater, *cost), (greater, lesser, *cost)]
        });
        let ends = ends.collect();
        Self::of_directed(names.into(), Arc::new(index), ends)
    }

    /// A graph of what nodes report: each its links, with their costs, in the order of the nodes' names.
    ///
    /// A link counts if both of its ends report it, and then at the greater of the two costs. Names are taken from
    /// `before` where it has the same, so that a mesh whose nodes stay is not indexed again.
    pub(crate) fn of_reports<'a, L>(
        reports: impl Iterator<Item = (&'a NodeName, L)> + Clone,
        before: &super::Table,
    ) -> Self
    where
        L: Iterator<Item = (&'a NodeName, u32)>,
    {
        let (names, index) = before.known();
        let reporters = reports.clone().map(|(node, _)| node);
        let (names, index) = if reporters.clone().eq(names.iter()) {
            (Arc::clone(names), Arc::clone(index))
        } else {
            let names: Arc<[NodeName]> = reporters.cloned().collect();
            let index = names.iter().cloned().zip(0..).collect();
            (names, Arc::new(index))
        };
        let mut said: Vec<(u32, u32, u32)> = Vec::new();
        for (from, (_, links)) in (0..).zip(reports) {
            let known = links.filter_map(|(to, cost)| Some((from, index.get(to).copied()?, cost)));
            said.extend(known);
        }
        said.sort_unstable();
        let other_end = |from: u32, to: u32| {
            let at = said.partition_point(|&(a, b, _)| (a, b) < (to, from));
            said.get(at).filter(|(a, b, _)| (*a, *b) == (to, from)).map(|(.., cost)| *cost)
        };
        let both = said.iter().filter_map(|&(from, to, cost)| {
            let other = other_end(from, to).filter(|_| from != to)?;
            Some((from, to, cost.max(other)))
        });
        let both = both.collect();
        Self::of_directed(names, index, both)
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

    /// Each link is given once from each of its ends.
    fn of_directed(
        names: Arc<[NodeName]>,
        index: Arc<NameIndex>,
        mut ends: Vec<(u32, u32, u32)>,
    ) -> Self {
        let is_sorted = ends.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1));
        if !is_sorted {
            ends.sort_unstable_by_key(|&(from, to, cost)| (from, to, Reverse(cost)));
            ends.dedup_by_key(|(from, to, _)| (*from, *to));
        }
        let mut starts = vec![0; names.len() + 1];
        for &(from, ..) in &ends {
            starts[from as usize + 1] += 1;
        }
        for node in 0..names.len() {
            starts[node + 1] += starts[node];
        }
        let edges = ends.iter().map(|&(_, to, cost)| (to, cost.max(1))).collect();
        let (links, revision) = (OnceLock::new(), OnceLock::new());
        Self { names, index, starts, edges, links, revision }
    }

    /// The nodes, in the order of their names.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeName> {
        self.names.iter()
    }

    /// The links and their costs, in the order of the pairs of their ends.
    pub fn links(&self) -> impl ExactSizeIterator<Item = (&LinkName, u32)> {
        let name = |(a, b, cost): (u32, u32, u32)| {
            let link = LinkName::new(self.name(a).clone(), self.name(b).clone()).ok()?;
            Some((link, cost))
        };
        let links = self.links.get_or_init(|| self.pairs().filter_map(name).collect());
        links.iter().map(|(link, cost)| (link, *cost))
    }

    /// Whether `node` is one of the nodes.
    #[must_use]
    pub fn contains(&self, node: &NodeName) -> bool {
        self.place(node.as_str()).is_some()
    }

    /// What a hop over `link` costs, or none where there is no such link.
    #[must_use]
    pub fn cost(&self, link: &LinkName) -> Option<u32> {
        let (lesser, greater) =
            (self.place(link.lesser().as_str())?, self.place(link.greater().as_str())?);
        self.cost_between(lesser, greater)
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
        let mut nodes = Vec::new();
        let mut links = Vec::new();
        for down in down {
            match down {
                Down::Node(node) => nodes.extend(self.place(node.as_str())),
                Down::Link(link) => {
                    let ends =
                        (self.place(link.lesser().as_str()), self.place(link.greater().as_str()));
                    if let (Some(lesser), Some(greater)) = ends {
                        links.push((lesser, greater));
                    }
                }
            }
        }
        let is_left = |&(a, b, _): &(u32, u32, u32)| {
            !nodes.contains(&a) && !nodes.contains(&b) && !links.contains(&(a.min(b), a.max(b)))
        };
        let ends = self.directed().filter(is_left).collect();
        Self::of_directed(Arc::clone(&self.names), Arc::clone(&self.index), ends)
    }

    /// The digest of the nodes, the links and their costs.
    #[must_use]
    pub fn revision(&self) -> Revision {
        *self.revision.get_or_init(|| self.revision_of(|_| true))
    }

    /// The revision of some of the nodes and the links between them.
    pub(super) fn revision_of(&self, is_meant: impl Fn(u32) -> bool) -> Revision {
        let nodes = (0..).zip(self.names.iter()).filter(|(place, _)| is_meant(*place));
        let links = self.pairs().filter(|(a, b, _)| is_meant(*a) && is_meant(*b));
        Revision::of(
            nodes.map(|(_, name)| name),
            links.map(|(a, b, cost)| (self.name(a), self.name(b), cost)),
        )
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
        self.cost_between(a, b).is_some()
    }

    fn cost_between(&self, a: u32, b: u32) -> Option<u32> {
        let edges = self.edges(a);
        let at = edges.binary_search_by_key(&b, |(to, _)| *to).ok()?;
        edges.get(at).map(|(_, cost)| *cost)
    }

    /// Each link from each of its ends, in the order of their places.
    fn directed(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let nodes = (0..).take(self.names.len());
        nodes.flat_map(|from| self.edges(from).iter().map(move |&(to, cost)| (from, to, cost)))
    }

    /// The links by the places of their ends, the lesser first, in the order of the pairs.
    fn pairs(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        self.directed().filter(|(from, to, _)| from < to)
    }

    pub(super) fn edges(&self, place: u32) -> &[(u32, u32)] {
        let place = place as usize;
        &self.edges[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names && self.starts == other.starts && self.edges == other.edges
    }
}

impl Eq for Graph {}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("nodes", &self.names)
            .field("links", &self.links().collect::<Vec<_>>())
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
    fn of<'a>(
        nodes: impl Iterator<Item = &'a NodeName>,
        links: impl Iterator<Item = (&'a NodeName, &'a NodeName, u32)>,
    ) -> Self {
        let mut text = String::new();
        for node in nodes {
            text.extend(["node ", node.as_str(), "\n"]);
        }
        // Most links cost the same, and a number is dear to write.
        let mut written = (0, "0".to_owned());
        for (a, b, cost) in links {
            if written.0 != cost {
                written = (cost, cost.to_string());
            }
            text.extend(["link ", a.as_str(), "--", b.as_str(), " ", &written.1, "\n"]);
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
