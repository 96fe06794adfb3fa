//! Whether the nodes of a mesh agree with each other: judged by what each of them says.

use std::collections::BTreeMap;
use std::fmt;

use crate::name::NodeName;
use crate::wire::control::NodeStatus;

/// What a mesh still lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// The client that asks is attached nowhere.
    Detached,
    /// The node has not answered.
    Silent(NodeName),
    /// A planned link is not up at one of its ends.
    LinkDown {
        /// That end.
        node: NodeName,
        /// The other end.
        neighbour: NodeName,
        /// Why it cannot be reached, where that is known.
        trouble: Option<String>,
    },
    /// The node's neighbours have not acknowledged what it told them.
    Unacknowledged(NodeName),
    /// Two nodes that reach each other know different nodes, links or costs.
    Revision(NodeName, NodeName),
    /// Two nodes that reach each other know different attachments.
    Attachments(NodeName, NodeName),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detached => f.write_str("the client has no connection to its node"),
            Self::Silent(node) => write!(f, "`{node}` does not answer"),
            Self::LinkDown { node, neighbour, trouble: None } => {
                write!(f, "`{node}` has no link to `{neighbour}`")
            }
            Self::LinkDown { node, neighbour, trouble: Some(trouble) } => {
                write!(f, "`{node}` has no link to `{neighbour}` ({trouble})")
            }
            Self::Unacknowledged(node) => {
                write!(f, "the neighbours of `{node}` have not acknowledged its news")
            }
            Self::Revision(a, b) => write!(f, "`{a}` and `{b}` know different links"),
            Self::Attachments(a, b) => write!(f, "`{a}` and `{b}` know different clients"),
        }
    }
}

/// The first thing that keeps the nodes from being converged; none where they are.
///
/// They are where all that reach each other know the same links and attachments and everything they told
/// their neighbours is acknowledged.
#[must_use]
pub fn disagreement(statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<Lack> {
    statuses.iter().find_map(|(name, status)| {
        if status.pending > 0 {
            return Some(Lack::Unacknowledged(name.clone()));
        }
        status.reachable.iter().find_map(|other| {
            let Some(there) = statuses.get(other) else {
                return Some(Lack::Silent(other.clone()));
            };
            if there.revision != status.revision {
                return Some(Lack::Revision(name.clone(), other.clone()));
            }
            let differ = there.attachments != status.attachments;
            differ.then(|| Lack::Attachments(name.clone(), other.clone()))
        })
    })
}
