//! What a node is told at its start.

use std::collections::{BTreeMap, BTreeSet};

use super::{Impairment, Window};
use crate::dialect::Dialect;
use crate::name::{ClientName, NodeName};
use crate::route::access::{Access, AccessRules};
use crate::route::{Policy, StaticRoutes};
use crate::wire::hello::MeshKey;

/// The configuration of a brain.
#[derive(Debug, Clone)]
pub struct Config {
    /// The mesh's name.
    pub mesh: String,
    /// This node's name.
    pub node: NodeName,
    /// The key that makes a peer a node.
    pub key: MeshKey,
    /// The greatest number of nodes on a message's path.
    pub hop_limit: u8,
    /// This run's number: Unix milliseconds at its start, and more than any run before.
    pub incarnation: u64,
    /// The declared links. A node that knows the key may open one that is not declared here.
    pub links: BTreeMap<NodeName, LinkConfig>,
    /// Static routes.
    pub statics: StaticRoutes,
    /// The services of the mesh, the same at all its nodes.
    pub services: BTreeMap<ClientName, ServiceConfig>,
    /// The groups of clients that the topology has, by name, with their members; the same at all nodes. A client may
    /// join others besides.
    pub groups: BTreeMap<String, BTreeSet<ClientName>>,
    /// Which clients may attach, and send to whom: the same at all nodes of the mesh.
    pub access: AccessRules,
    /// Whether the node's port is beyond its machine, so that what no access rule allows is denied.
    pub closed: bool,
    /// Whether a second live claim to a client's name takes it over; else it is refused.
    pub takeover: bool,
    /// The dialects that raw clients may speak.
    pub dialects: Vec<Dialect>,
    /// What a neighbour may be sent without its acknowledgement.
    pub window: Window,
    /// What may be on its way from here to one other node, where it leaves the mesh.
    pub flow: Window,
    /// What may wait for a neighbour.
    pub queue: Window,
    /// How many bytes of confirmed messages may be kept whose end is not known.
    pub kept: usize,
    /// 32 bytes that nobody can guess, from which the node's nonces are made.
    pub seed: [u8; 32],
}

impl Config {
    /// The greatest number of nodes on a message's path where nothing else is said.
    pub const HOP_LIMIT: u8 = 64;

    /// How much is kept of confirmed messages where nothing else is said: 64 MiB.
    pub const KEPT: usize = 64 * 1024 * 1024;

    /// A node without links, in its first run, with what holds where nothing else is said. Its `seed` is no secret.
    #[must_use]
    pub fn new(mesh: &str, node: NodeName, key: MeshKey) -> Self {
        Self {
            mesh: mesh.to_owned(),
            node,
            key,
            hop_limit: Self::HOP_LIMIT,
            incarnation: 1,
            links: BTreeMap::new(),
            statics: StaticRoutes::new(),
            services: BTreeMap::new(),
            groups: BTreeMap::new(),
            access: AccessRules::default(),
            closed: false,
            takeover: false,
            dialects: Dialect::ALL.to_vec(),
            window: Window::UNACKNOWLEDGED,
            flow: Window::UNACKNOWLEDGED,
            queue: Window::WAITING,
            kept: Self::KEPT,
            seed: [0; 32],
        }
    }

    /// The access rules as they hold at this node.
    pub(super) fn access(&self) -> Access<'_> {
        self.access.at(&self.node, self.closed)
    }
}

/// One declared link of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkConfig {
    /// The cost on this side, at least 1.
    pub cost: u32,
    /// Whether this node dials.
    pub dials: bool,
    /// Whether the neighbour is one of this node's upstreams.
    pub upstream: bool,
    /// What this end makes the link suffer, on the way to the neighbour.
    pub impairment: Impairment,
    /// Whether it starts down, until somebody heals it.
    pub cut: bool,
}

/// One service of the mesh: a name that a client at each of several nodes may have at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// The nodes that offer it. At no other node does a client get the name.
    pub at: BTreeSet<NodeName>,
    /// Which of those who have the name a message goes to.
    pub policy: Policy,
}

impl LinkConfig {
    /// The cost of a link that says none.
    pub const DEFAULT_COST: u32 = 10;

    /// A link to an upstream, which this node dials.
    #[must_use]
    pub fn dialling(cost: u32) -> Self {
        Self { dials: true, upstream: true, ..Self::accepting(cost) }
    }

    /// A link to a neighbour that dials this node.
    #[must_use]
    pub fn accepting(cost: u32) -> Self {
        Self { cost, dials: false, upstream: false, impairment: Impairment::default(), cut: false }
    }
}
