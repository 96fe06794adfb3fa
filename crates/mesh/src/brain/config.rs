//! What a node is told at its start.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopline_core::Limits;

use super::{Impairment, Settings};
use crate::dialect::session::{DataHandler, Echo};
use crate::name::NodeName;
use crate::route::Policy;
use crate::route::access::Access;
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
    /// This run's number: Unix milliseconds at its start, and more than any run before.
    pub incarnation: u64,
    /// What it goes by until it is told otherwise.
    pub settings: Settings,
    /// The most bytes of a frame at the mesh's ports: what clients are to be given in one must not be longer. Default 16 MiB.
    pub frame: usize,
    /// What becomes of the texts that clients of the session dialect send. Default: their beginning comes back.
    pub data_handler: Arc<dyn DataHandler>,
    /// 32 bytes that nobody can guess, from which the node's nonces are made.
    pub seed: [u8; 32],
}

impl Config {
    /// A node without links, in its first run, with what holds where nothing else is said. Its `seed` is no secret.
    #[must_use]
    pub fn new(mesh: &str, node: NodeName, key: MeshKey) -> Self {
        let (mesh, settings) = (mesh.to_owned(), Settings::default());
        Self {
            mesh,
            node,
            key,
            incarnation: 1,
            settings,
            frame: Limits::default().frame,
            data_handler: Arc::new(Echo),
            seed: [0; 32],
        }
    }

    /// The access rules as they hold at this node.
    pub(super) fn access(&self) -> Access<'_> {
        self.settings.access.at(&self.node, self.settings.closed)
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
