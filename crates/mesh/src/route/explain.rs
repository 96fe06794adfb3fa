//! Why a message goes the way it goes.
//!
//! Each node on the way says how it decided ([`Step`]); what it says is made from the very
//! [`Ruling`](super::Ruling) that its decision was. [`explain`] asks nodes on paper, and the command
//! line asks running ones. [`compose`] puts what they say beside the ways that were not taken.

mod compose;
mod inquiry;
mod step;

use serde::Serialize;

pub use compose::{Background, compose};
pub use inquiry::Inquiry;
pub use step::{Choice, Cleared, Decision, Offer, SetRoute, Step};

use super::graph::{Down, Graph};
use super::paths::{Rule, Way};
use super::walk::{Sender, WalkInput, Walker};
use crate::name::NodeName;
use crate::wire::MessageId;

/// Why a message goes the way it goes, or goes nowhere. Its keys are part of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Where it comes from, as it was asked.
    pub from: String,
    /// Where it is to go, as it was asked.
    pub to: String,
    /// Whether it arrives.
    pub reachable: bool,
    /// The nodes that handle it; as far as it comes where it does not arrive.
    pub path: Vec<NodeName>,
    /// The sum of the costs of the links between them.
    pub cost: u64,
    /// The number of those links.
    pub hops: usize,
    /// Why it does not arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The node that refuses it; none where nobody is there to do so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// What decided.
    pub decided_by: DecidedBy,
    /// The second-best way, where the computed best is taken.
    pub runner_up: Option<ToldWay>,
    /// What each node on the way did, in order.
    pub steps: Vec<Step>,
    /// Other ways, and what excluded each.
    pub others: Vec<Other>,
}

/// What decided which way a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum DecidedBy {
    /// It is for the node where it begins, or for a client there.
    Here,
    /// There is one way.
    OnlyWay,
    /// The runner-up costs more.
    Cost {
        /// By how much.
        by: u64,
    },
    /// The runner-up costs the same and is longer.
    Hops {
        /// By how many links.
        by: usize,
    },
    /// The runner-up is as cheap and as short.
    TieBreak {
        /// The link by which the runner-up loses.
        lost_by: String,
        /// The link of the best way that it is compared with.
        against: String,
    },
    /// A static route: the first on the way.
    StaticRoute {
        /// The node that has it.
        node: NodeName,
        /// Which it is.
        #[serde(flatten)]
        route: SetRoute,
    },
    /// It was refused; the rule is one of those that [`decide`](super::decide) lists, or `access`.
    Refused {
        /// The rule that applied.
        by: String,
    },
    /// The sender's node is down, and takes no message.
    Down,
    /// The nodes on the way do not see the same mesh: it has not settled after a change.
    Unsettled,
}

/// A way, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ToldWay {
    /// The nodes on it.
    pub path: Vec<NodeName>,
    /// The sum of the costs of its links.
    pub cost: u64,
    /// The number of its links.
    pub hops: usize,
}

/// A way that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// The way.
    #[serde(flatten)]
    pub way: ToldWay,
    /// Why it is not taken.
    #[serde(flatten)]
    pub excluded: Excluded,
}

/// Why a way is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "excluded_by", rename_all = "snake_case")]
pub enum Excluded {
    /// Something on it is down.
    Down {
        /// The nodes and links on it that are.
        down: Vec<String>,
    },
    /// A static route goes elsewhere.
    StaticRoute {
        /// The node that has the route.
        node: NodeName,
        /// The route.
        #[serde(flatten)]
        route: SetRoute,
    },
    /// It has more nodes than a path may have.
    HopLimit {
        /// Its nodes.
        nodes: usize,
        /// How many it may have.
        limit: u8,
    },
    /// It costs more than the best way.
    Cost {
        /// By how much.
        by: u64,
    },
    /// It costs the same as the best way and is longer.
    Hops {
        /// By how many links.
        by: usize,
    },
    /// It is as cheap and as short as the best way.
    TieBreak {
        /// The link by which it loses.
        lost_by: String,
        /// The link of the best way that it is compared with.
        against: String,
    },
}

impl From<Way> for ToldWay {
    fn from(way: Way) -> Self {
        Self { hops: way.hops(), cost: way.cost, path: way.nodes }
    }
}

impl From<Rule> for Excluded {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Cost { by } => Self::Cost { by },
            Rule::Hops { by } => Self::Hops { by },
            Rule::TieBreak { lost_by, against } => {
                Self::TieBreak { lost_by: lost_by.to_string(), against: against.to_string() }
            }
        }
    }
}

impl From<Rule> for DecidedBy {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Cost { by } => Self::Cost { by },
            Rule::Hops { by } => Self::Hops { by },
            Rule::TieBreak { lost_by, against } => {
                Self::TieBreak { lost_by: lost_by.to_string(), against: against.to_string() }
            }
        }
    }
}

/// Explains the way of a message for `destination` from `node`, which `from` stands for, and which
/// `sender` sent, if it is a client's.
///
/// `mesh` is what is left of `whole` when what is in `down` has failed. The way is the one that
/// [`walk`](super::walk()) gives, because the nodes are asked in the same way.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use hopline_mesh::name::{LinkName, NodeName};
/// use hopline_mesh::route::explain::{DecidedBy, explain};
/// use hopline_mesh::route::{Directory, Graph, WalkInput};
///
/// let link = |text| LinkName::parse(text);
/// let square = [(link("a--b")?, 1), (link("b--d")?, 1), (link("a--c")?, 1), (link("c--d")?, 1)];
/// let graph = Graph::new([], square);
/// let mesh = WalkInput {
///     graph: &graph,
///     upstreams: &BTreeMap::new(),
///     statics: &BTreeMap::new(),
///     directory: &Directory::new(),
///     hop_limit: 64,
/// };
/// let why = explain(mesh, &graph, &[], ("a", &NodeName::parse("a")?, None), "d");
/// let (lost_by, against) = ("c--d".to_owned(), "b--d".to_owned());
/// assert_eq!(why.decided_by, DecidedBy::TieBreak { lost_by, against });
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[must_use]
pub fn explain(
    mesh: WalkInput<'_>,
    whole: &Graph,
    down: &[Down],
    (from, node, sender): (&str, &NodeName, Option<Sender<'_>>),
    destination: &str,
) -> Explanation {
    let mut steps = Vec::new();
    if !down.contains(&Down::Node(node.clone())) {
        let no_statics = super::StaticRoutes::new();
        let mut walker = Walker::new(mesh);
        walker.follow(MessageId::default(), node, sender, destination, |table, ruling, said| {
            let statics = mesh.statics.get(table.me()).unwrap_or(&no_statics);
            steps.push(Step::new(table, statics, mesh.directory, destination, ruling, said));
        });
    }
    let background = Background { graph: mesh.graph, whole, down, hop_limit: mesh.hop_limit };
    compose(from, node, destination, &background, steps)
}
