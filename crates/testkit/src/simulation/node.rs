//! A node of the simulation: its configuration, its brain, and whom it dials.

use std::collections::BTreeMap;
use std::time::Duration;

use hopline_mesh::brain::{Brain, Config, Event, LinkConfig};
use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::hello::MeshKey;

use super::node_name;
use super::pipes::PipeId;

/// A node, running or not.
#[derive(Debug)]
pub(super) struct SimNode {
    pub(super) config: Config,
    /// None while the node does not run.
    pub(super) brain: Option<Brain>,
    /// When the brain wants its next tick.
    pub(super) tick: Option<Duration>,
    pub(super) dials: BTreeMap<NodeName, Dialled>,
    pub(super) events: Vec<(Duration, Event)>,
    /// Where it comes out when it dials a neighbour, if not there.
    pub(super) astray: BTreeMap<NodeName, NodeName>,
}

/// A neighbour that a node dials.
#[derive(Debug, Default)]
pub(super) struct Dialled {
    pub(super) pipe: Option<PipeId>,
    /// A dial is on the agenda.
    pub(super) due: bool,
    pub(super) hung: bool,
    pub(super) failures: u32,
}

impl SimNode {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            brain: None,
            tick: None,
            dials: BTreeMap::new(),
            events: Vec::new(),
            astray: BTreeMap::new(),
        }
    }

    /// The node does not run any more.
    pub(super) fn end(&mut self) {
        self.brain = None;
        self.tick = None;
        self.dials.clear();
    }
}

/// The configuration of a node with these declared links: mesh `m`, hop limit 64, native and json.
///
/// # Examples
/// ```
/// use hopline_testkit::simulation::{config, dials};
///
/// let east = config("east", [dials("top", 10)]);
/// assert_eq!(east.links.len(), 1);
/// ```
#[must_use]
pub fn config(name: &str, links: impl IntoIterator<Item = (NodeName, LinkConfig)>) -> Config {
    Config {
        links: links.into_iter().collect(),
        dialects: vec![Dialect::Native, Dialect::Json],
        ..Config::new("m", node_name(name), MeshKey::new([7; 32]))
    }
}

/// A link to an upstream, which the node dials.
#[must_use]
pub fn dials(neighbour: &str, cost: u32) -> (NodeName, LinkConfig) {
    (node_name(neighbour), LinkConfig::dialling(cost))
}

/// A link to a neighbour that dials this node.
#[must_use]
pub fn listens(neighbour: &str, cost: u32) -> (NodeName, LinkConfig) {
    (node_name(neighbour), LinkConfig::accepting(cost))
}
