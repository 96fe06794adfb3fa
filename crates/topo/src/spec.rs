//! A file as it is written: every key and value with its place, nothing judged but its type.

pub(crate) mod include;
mod read;
pub(crate) mod reader;

use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::Broken;

/// Something and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    /// What is written there.
    pub(crate) value: T,
    /// The bytes it takes.
    pub(crate) span: Span,
}

/// A topology file as it is written, in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Spec {
    /// The table `[mesh]`.
    pub(crate) mesh: MeshSpec,
    /// The tables `[nodes.NAME]`.
    pub(crate) nodes: Vec<NodeSpec>,
    /// The lines of `[clients]`: a client and its node.
    pub(crate) clients: Vec<PairSpec>,
    /// The tables `[routes.NODE]`.
    pub(crate) routes: Vec<RoutesSpec>,
    /// The lines of `[lints.allow]`: the code of a lint or note, and why it is not told.
    pub(crate) allow: Vec<PairSpec>,
}

impl Spec {
    /// Takes the values out of a file's tree, and tells those of a wrong type or under an unknown key.
    pub(crate) fn read(root: &DeTable<'_>, broken: &Broken) -> (Self, Vec<Diagnostic>) {
        read::read(root, broken)
    }
}

/// The table `[mesh]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct MeshSpec {
    /// The mesh's name.
    pub(crate) name: Option<At<String>>,
    /// How many nodes a path may hold.
    pub(crate) hop_limit: Option<At<i64>>,
    /// The file with the mesh key.
    pub(crate) key_file: Option<At<String>>,
    /// Whether nodes may listen beyond their machine.
    pub(crate) open: Option<At<bool>>,
    /// What a second claim to a name comes to.
    pub(crate) duplicate: Option<At<String>>,
    /// What raw clients may speak.
    pub(crate) dialects: Option<At<Vec<At<String>>>>,
}

/// A table `[nodes.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeSpec {
    /// The node's name.
    pub(crate) name: At<String>,
    /// Where it listens.
    pub(crate) bind: Option<At<String>>,
    /// What others dial.
    pub(crate) address: Option<At<String>>,
    /// The nodes it dials.
    pub(crate) upstream: Vec<UpstreamSpec>,
    /// What raw clients may speak at this node.
    pub(crate) dialects: Option<At<Vec<At<String>>>>,
    /// The machine it runs on.
    pub(crate) host: Option<At<String>>,
}

/// One upstream of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamSpec {
    /// The upstream's name.
    pub(crate) node: At<String>,
    /// The link's cost, where it is written.
    pub(crate) cost: Option<At<i64>>,
}

/// A table `[routes.NODE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoutesSpec {
    /// The node whose routes they are.
    pub(crate) node: At<String>,
    /// Destinations and their next hops.
    pub(crate) routes: Vec<PairSpec>,
}

/// A line of a table whose keys are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairSpec {
    /// What stands before the `=`.
    pub(crate) key: At<String>,
    /// What stands behind it, where it is a text.
    pub(crate) value: Option<At<String>>,
}
