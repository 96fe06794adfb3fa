//! What a file expects of the routes of its mesh.

use std::fmt;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::Down;
use serde::Serialize;

/// One `[[expect]]` of a file.
///
/// A message from `from` to `to`, while `down` has failed, arrives and keeps to every limit that is
/// given here; or it does not arrive, where `unreachable` says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expect {
    /// What reports call it, where the file says.
    pub name: Option<String>,
    /// The line of the file that it begins at, and the file.
    pub line: usize,
    /// The file that it stands in, as it was given.
    pub file: String,
    /// The node or planned client that sends.
    pub from: String,
    /// The address that it sends to.
    pub to: String,
    /// The nodes of the way, from the ingress to the egress.
    pub path: Option<Vec<NodeName>>,
    /// What the way passes.
    pub via: Vec<Step>,
    /// What the way does not pass.
    pub avoids: Vec<Step>,
    /// The most links.
    pub max_hops: Option<usize>,
    /// The most cost.
    pub max_cost: Option<u64>,
    /// Whether the message must not arrive.
    pub unreachable: bool,
    /// Why it must not arrive, in the words of refusals, such as `hop limit`.
    pub reason: Option<String>,
    /// What has failed.
    #[serde(serialize_with = "texts")]
    pub down: Vec<Down>,
    /// With how many more links and nodes down, whichever they are, the message still arrives. The
    /// nodes where it enters and leaves the mesh are not among them.
    pub survives: usize,
}

impl Expect {
    /// That a message from `from` to `to` arrives. All else is added by setting fields.
    #[must_use]
    pub fn arrival(from: &str, to: &str) -> Self {
        Self {
            name: None,
            line: 0,
            file: String::new(),
            from: from.to_owned(),
            to: to.to_owned(),
            path: None,
            via: Vec::new(),
            avoids: Vec::new(),
            max_hops: None,
            max_cost: None,
            unreachable: false,
            reason: None,
            down: Vec::new(),
            survives: 0,
        }
    }
}

/// A node or a link of a way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// A node.
    Node(NodeName),
    /// A link, in whichever direction.
    Link(LinkName),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => fmt::Display::fmt(node, f),
            Self::Link(link) => fmt::Display::fmt(link, f),
        }
    }
}

/// Writes what is down as people write it.
pub(crate) fn texts<S: serde::Serializer>(down: &[Down], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(down.iter().map(ToString::to_string))
}
