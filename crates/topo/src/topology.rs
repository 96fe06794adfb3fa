//! A mesh as a file declares it, free of mistakes.

use std::collections::BTreeMap;

use hopline_core::Endpoint;
use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::{LinkName, NodeName};
use serde::{Deserialize, Serialize};

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
    pub(crate) nodes: BTreeMap<NodeName, Node>,
    pub(crate) clients: BTreeMap<String, NodeName>,
    pub(crate) routes: BTreeMap<NodeName, BTreeMap<String, String>>,
}

/// A node as the file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub(crate) bind: Bind,
    pub(crate) address: Option<Endpoint>,
    pub(crate) upstream: BTreeMap<NodeName, u32>,
    pub(crate) dialects: Option<Vec<Dialect>>,
    pub(crate) host: Option<String>,
}

/// Where a node listens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    /// At this endpoint.
    At(Endpoint),
    /// At a free loopback port, found when the mesh starts.
    #[default]
    Auto,
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

/// A link between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What the link adds to the cost of a way; where both ends declare one, the greater.
    pub cost: u32,
    /// The ends that declare the link, the lesser name first: the first of them dials.
    pub dialers: Vec<NodeName>,
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

    /// The links, one for each pair of nodes of which at least one has the other as its upstream.
    #[must_use]
    pub fn links(&self) -> BTreeMap<LinkName, Link> {
        let mut links: BTreeMap<LinkName, Link> = BTreeMap::new();
        // Nodes come in the order of their names, so of two dialers the lesser comes first.
        for (name, node) in &self.nodes {
            for (upstream, &cost) in &node.upstream {
                let Ok(link) = LinkName::new(name.clone(), upstream.clone()) else {
                    continue;
                };
                let link = links.entry(link).or_insert_with(|| Link { cost, dialers: Vec::new() });
                link.cost = link.cost.max(cost);
                link.dialers.push(name.clone());
            }
        }
        links
    }
}

impl Node {
    /// Where the node listens.
    #[must_use]
    pub fn bind(&self) -> &Bind {
        &self.bind
    }

    /// What others dial, where it is not what the node listens at.
    #[must_use]
    pub fn address(&self) -> Option<&Endpoint> {
        self.address.as_ref()
    }

    /// The node's upstreams and the cost it declares for the link to each.
    #[must_use]
    pub fn upstream(&self) -> &BTreeMap<NodeName, u32> {
        &self.upstream
    }

    /// What raw clients may speak here, where it is not what they may speak in the whole mesh.
    #[must_use]
    pub fn dialects(&self) -> Option<&[Dialect]> {
        self.dialects.as_deref()
    }

    /// The machine the node runs on.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

impl Link {
    /// The end that dials.
    ///
    /// # Panics
    /// Never for a link of [`Topology::links`], which has a dialer.
    #[must_use]
    pub fn dialer(&self) -> &NodeName {
        &self.dialers[0]
    }
}
