//! A mesh as a file declares it, free of mistakes.

mod expect;
mod link;
mod node;
mod service;

use std::collections::{BTreeMap, BTreeSet};

pub use hopline_mesh::brain::{Impairment, Liveness};
use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::access::AccessRules;
use serde::{Deserialize, Serialize};

pub(crate) use expect::texts;
pub use expect::{Expect, Step};
pub use link::Link;
pub use node::{Bind, Node, NodeLimits, Position};
pub use service::Service;

/// The cost of a link whose file says none.
pub const DEFAULT_COST: u32 = 10;

/// How many nodes a path may hold where the file does not say.
pub const DEFAULT_HOP_LIMIT: u8 = 64;

/// The word that means a node's best live upstream as the next hop of a route.
pub const UPSTREAM: &str = "upstream";

/// A mesh: its nodes, the links between them, the clients planned at them, and their static routes.
///
/// There is none with a mistake in it: every node that is named is declared, no node links to itself,
/// no two listen at one place. Comes from [`load`](crate::load) and [`parse`](crate::parse).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topology {
    pub(crate) name: NodeName,
    pub(crate) hop_limit: u8,
    pub(crate) key_file: Option<String>,
    pub(crate) open: bool,
    pub(crate) duplicate: Duplicate,
    pub(crate) dialects: Vec<Dialect>,
    #[serde(skip_serializing_if = "Liveness::is_default")]
    pub(crate) liveness: Liveness,
    pub(crate) nodes: BTreeMap<NodeName, Node>,
    pub(crate) clients: BTreeMap<String, NodeName>,
    pub(crate) routes: BTreeMap<NodeName, BTreeMap<String, String>>,
    pub(crate) links: BTreeMap<LinkName, Link>,
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) client_groups: BTreeMap<String, BTreeSet<String>>,
    pub(crate) access: AccessRules,
    pub(crate) expects: Vec<Expect>,
}

/// What a second claim to a client's name comes to while the first is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicate {
    /// The newcomer is refused.
    #[default]
    Refuse,
    /// The newcomer takes the name over.
    Takeover,
}

impl Topology {
    /// The mesh's name.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// How many nodes a path may hold.
    #[must_use]
    pub fn hop_limit(&self) -> u8 {
        self.hop_limit
    }

    /// The file that holds the mesh key, as written.
    #[must_use]
    pub fn key_file(&self) -> Option<&str> {
        self.key_file.as_deref()
    }

    /// Whether nodes may listen beyond their own machine.
    #[must_use]
    pub fn open(&self) -> bool {
        self.open
    }

    /// What a second claim to a client's name comes to.
    #[must_use]
    pub fn duplicate(&self) -> Duplicate {
        self.duplicate
    }

    /// What raw clients may speak, the first being the one that answers what is none of them.
    #[must_use]
    pub fn dialects(&self) -> &[Dialect] {
        &self.dialects
    }

    /// How often links carry a sign of life, and how long they may be without one.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        self.liveness
    }

    /// The nodes by name.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<NodeName, Node> {
        &self.nodes
    }

    /// The clients that are planned, and the node of each.
    #[must_use]
    pub fn clients(&self) -> &BTreeMap<String, NodeName> {
        &self.clients
    }

    /// The static routes of each node that has any: destination or prefix, and next hop.
    #[must_use]
    pub fn routes(&self) -> &BTreeMap<NodeName, BTreeMap<String, String>> {
        &self.routes
    }

    /// The links, one for each pair of nodes that are joined.
    #[must_use]
    pub fn links(&self) -> &BTreeMap<LinkName, Link> {
        &self.links
    }

    /// The names that clients at several nodes hold together.
    #[must_use]
    pub fn services(&self) -> &BTreeMap<String, Service> {
        &self.services
    }

    /// The groups of clients and their members.
    #[must_use]
    pub fn client_groups(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.client_groups
    }

    /// Which clients may attach where, and send to whom.
    #[must_use]
    pub fn access(&self) -> &AccessRules {
        &self.access
    }

    /// What the file expects of its routes, in its order.
    #[must_use]
    pub fn expects(&self) -> &[Expect] {
        &self.expects
    }
}
