//! One node's routing table.

use std::fmt;
use std::sync::Arc;

use super::alternates::Alternates;
use super::basis::Matched;
use super::graph::{Graph, Revision};
use super::name_map::{NameIndex, NameMap};
use super::paths::Paths;
use super::static_routes::{NextHop, Pattern, StaticRoutes};
use crate::name::{LinkName, NodeName};

/// What a [`Table`] is made of.
#[derive(Debug, Clone, Copy)]
pub struct TableInput<'a> {
    /// The node whose table it is.
    pub me: &'a NodeName,
    /// The mesh as that node knows it: links that are up, with their costs.
    pub graph: &'a Graph,
    /// The nodes that this one dials, with the costs of the links to them. Only those that `graph`
    /// has a link to count as live.
    pub upstreams: &'a [(NodeName, u32)],
    /// What the operator says about this node's routes.
    pub statics: &'a StaticRoutes,
    /// How many nodes a path may have.
    pub hop_limit: u8,
}

/// One node's routes: for each node it knows, the neighbour to hand a message to.
///
/// A table is made whole from a [`Graph`], and its ways never change: when a link comes or goes, the node
/// builds another and swaps it in. It holds the computed ways, the static routes with their next
/// hops worked out, and the best live upstream. It does not know who is attached where
/// ([`Directory`](super::Directory)), nor what is queued; [`decide`](super::decide) brings the three
/// together.
///
/// # Examples
/// ```
/// use hopline_mesh::name::{LinkName, NodeName};
/// use hopline_mesh::route::{Graph, StaticRoutes, Table, TableInput};
///
/// let graph = Graph::new([], [
///     (LinkName::parse("east--top")?, 10),
///     (LinkName::parse("top--west")?, 10),
/// ]);
/// let east = NodeName::parse("east")?;
/// let table = Table::build(&TableInput {
///     me: &east,
///     graph: &graph,
///     upstreams: &[(NodeName::parse("top")?, 10)],
///     statics: &StaticRoutes::new(),
///     hop_limit: 64,
/// });
///
/// let hop = table.next_hop(&NodeName::parse("west")?).expect("west can be reached");
/// assert_eq!((hop.neighbour.as_str(), hop.cost, hop.hops), ("top", 20, 2));
/// assert_eq!(table.upstream().map(NodeName::as_str), Some("top"));
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[derive(Clone)]
pub struct Table {
    me: NodeName,
    names: Arc<[NodeName]>,
    index: Arc<NameIndex>,
    /// By place in `names`; none for this node and for those it cannot reach.
    hops: Vec<Option<Hop>>,
    alternates: Option<Alternates>,
    upstream: Option<NodeName>,
    exact: NameMap<Box<str>, StaticHop>,
    prefixes: NameMap<Box<str>, StaticHop>,
    hop_limit: u8,
    revision: Revision,
}

/// The computed way to a node, as far as its first node needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The neighbour that the way begins with.
    pub neighbour: NodeName,
    /// The cost of the whole way.
    pub cost: u64,
    /// The number of links on the whole way, at least 1.
    pub hops: u32,
}

/// A static route's next hop, as far as it can be worked out beforehand.
#[derive(Debug, Clone)]
pub(super) enum StaticHop {
    Neighbour(NodeName),
    /// A client, if one of this name is attached here.
    Client(Box<str>),
}

impl Table {
    /// The table of `input.me`.
    ///
    /// Each node builds its own from the same graph, and together they agree: see [`Paths`].
    #[must_use]
    pub fn build(input: &TableInput<'_>) -> Self {
        let graph = input.graph;
        let hops = computed_hops(graph, input.me);
        let is_reached =
            |place: u32| graph.name(place) == input.me || hops[place as usize].is_some();
        let revision = graph.revision_of(is_reached);
        let mut table = Self {
            me: input.me.clone(),
            names: Arc::clone(graph.names()),
            index: Arc::clone(graph.index()),
            hops,
            alternates: None,
            upstream: best_upstream(input),
            exact: NameMap::default(),
            prefixes: NameMap::default(),
            hop_limit: input.hop_limit,
            revision,
        };
        for (pattern, next_hop) in input.statics.iter() {
            let Some(hop) = table.static_hop(next_hop) else {
                continue;
            };
            let _ = match pattern {
                Pattern::Exact(name) => table.exact.insert(name.as_str().into(), hop),
                Pattern::Prefix(prefix) => table.prefixes.insert(prefix.as_str().into(), hop),
            };
        }
        table
    }

    /// Works out the [alternates](Self::alternate), from the graph that the table was built from. It costs about as much
    /// as building the table once more for each neighbour, so a node does it when it has time.
    pub fn work_out_alternates(&mut self, graph: &Graph) {
        let me = graph.place(self.me.as_str()).filter(|_| *graph.names() == self.names);
        self.alternates = me.map(|me| Alternates::new(graph, me, &self.hops));
    }

    /// There are no alternates any more.
    pub fn forget_alternates(&mut self) {
        self.alternates = None;
    }

    /// The neighbour that what is for `node` may go to while the link of its next hop is down: one whose own way does not
    /// lead back here. None where there is none, and before they were worked out.
    #[must_use]
    pub fn alternate(&self, node: &NodeName) -> Option<&NodeName> {
        self.alternates.as_ref()?.get(self.place(node.as_str())?)
    }

    /// Whether alternates were worked out.
    #[must_use]
    pub fn has_alternates(&self) -> bool {
        self.alternates.is_some()
    }

    /// Whether any node is reached at less cost than by another table, or is not reached by that.
    #[must_use]
    pub fn has_better_ways_than(&self, other: &Self) -> bool {
        let is_better = |mine: &Option<Hop>, theirs: Option<&Hop>| {
            mine.as_ref().is_some_and(|mine| theirs.is_none_or(|it| it.cost > mine.cost))
        };
        if Arc::ptr_eq(&self.names, &other.names) || self.names == other.names {
            let mut ways = self.hops.iter().zip(&other.hops);
            return ways.any(|(mine, theirs)| is_better(mine, theirs.as_ref()));
        }
        let mut ways = self.names.iter().zip(&self.hops);
        ways.any(|(node, mine)| is_better(mine, other.next_hop(node)))
    }

    /// The node whose table this is.
    #[must_use]
    pub fn me(&self) -> &NodeName {
        &self.me
    }

    /// The first hop of the computed way to `node`; none for this node itself, for one that cannot
    /// be reached, and for one that is not known.
    #[must_use]
    pub fn next_hop(&self, node: &NodeName) -> Option<&Hop> {
        self.hop(self.place(node.as_str())?)
    }

    /// Whether `node` is this node or can be reached from it.
    #[must_use]
    pub fn reaches(&self, node: &NodeName) -> bool {
        self.cost(node).is_some()
    }

    /// The cost of the computed way to `node`, 0 to this node itself; none where it cannot be reached.
    #[must_use]
    pub fn cost(&self, node: &NodeName) -> Option<u64> {
        if *node == self.me { Some(0) } else { self.next_hop(node).map(|hop| hop.cost) }
    }

    /// Whether a node of this name is known, reached or not.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// The nodes that can be reached, in the order of their names, with the ways to them. This node
    /// is not among them.
    pub fn iter(&self) -> impl Iterator<Item = (&NodeName, &Hop)> {
        let hops = self.names.iter().zip(&self.hops);
        hops.filter_map(|(name, hop)| Some((name, hop.as_ref()?)))
    }

    /// The other nodes that are known and cannot be reached, in the order of their names.
    pub fn unreachable(&self) -> impl Iterator<Item = &NodeName> {
        let hops = self.names.iter().zip(&self.hops);
        hops.filter_map(|(name, hop)| (hop.is_none() && *name != self.me).then_some(name))
    }

    /// The best live upstream: least link cost, then lesser name.
    #[must_use]
    pub fn upstream(&self) -> Option<&NodeName> {
        self.upstream.as_ref()
    }

    /// How many nodes a path may have.
    #[must_use]
    pub fn hop_limit(&self) -> u8 {
        self.hop_limit
    }

    /// The revision of what can be reached from its node, itself included: of the whole graph that the table was made
    /// of, where all of it can. What cannot be reached is forgotten by one node sooner than by another.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The nodes that are known, in the order of their names, and where each of them stands.
    pub(super) fn known(&self) -> (&Arc<[NodeName]>, &Arc<NameIndex>) {
        (&self.names, &self.index)
    }

    /// How many nodes are known, reached or not.
    #[must_use]
    pub fn known_nodes(&self) -> usize {
        self.names.len()
    }

    pub(super) fn place(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    pub(super) fn name(&self, place: u32) -> &NodeName {
        &self.names[place as usize]
    }

    pub(super) fn hop(&self, place: u32) -> Option<&Hop> {
        self.hops[place as usize].as_ref()
    }

    /// The next hops of the static routes for `name`, first the exact one, then by shrinking prefix.
    pub(super) fn static_hops(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (Matched<'_>, &StaticHop)> {
        let is_dot = |&(_, &byte): &(usize, &u8)| byte == b'.';
        let bytes = name.as_bytes().iter().enumerate();
        let prefixes = bytes
            .rev()
            .skip(1)
            .filter(is_dot)
            .filter_map(|(dot, _)| self.prefixes.get_key_value(&name[..dot]))
            .map(|(prefix, hop)| (Matched::Prefix(prefix), hop));
        let exact = self.exact.get_key_value(name);
        exact.map(|(name, hop)| (Matched::Exact(name), hop)).into_iter().chain(prefixes)
    }

    pub(super) fn has_statics(&self) -> bool {
        !(self.exact.is_empty() && self.prefixes.is_empty())
    }

    fn static_hop(&self, next_hop: &NextHop) -> Option<StaticHop> {
        match next_hop {
            NextHop::Upstream => self.upstream.clone().map(StaticHop::Neighbour),
            NextHop::Name(name) if *name == *self.me.as_str() => None,
            NextHop::Name(name) => match self.place(name) {
                Some(node) => Some(StaticHop::Neighbour(self.hop(node)?.neighbour.clone())),
                None => Some(StaticHop::Client(name.as_str().into())),
            },
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("me", &self.me)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

fn computed_hops(graph: &Graph, me: &NodeName) -> Vec<Option<Hop>> {
    let Some(paths) = Paths::from(graph, me) else {
        return vec![None; graph.names().len()];
    };
    let hop = |place| {
        let reached = paths.to(place)?;
        (reached.hops > 0).then(|| Hop {
            neighbour: graph.name(reached.first).clone(),
            cost: reached.cost,
            hops: reached.hops,
        })
    };
    (0..).take(graph.names().len()).map(hop).collect()
}

fn best_upstream(input: &TableInput<'_>) -> Option<NodeName> {
    let live = input.upstreams.iter().filter_map(|(upstream, cost)| {
        let link = LinkName::new(input.me.clone(), upstream.clone()).ok()?;
        Some((input.graph.cost(&link)?.max(*cost), upstream))
    });
    live.min().map(|(_, upstream)| upstream.clone())
}
