//! A file as it is written: every key and value with its place, nothing judged but its type.
//!
//! The same types hold the file once it is [expanded](crate::expand): then no node has a `count`, every
//! link has two ends, and there are no trees left.

pub(crate) mod format;
pub(crate) mod include;
mod read;
mod read_access;
mod read_expects;
mod read_nodes;
pub(crate) mod reader;

use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Span};

/// Something and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    /// What is written there.
    pub(crate) value: T,
    /// The bytes it takes.
    pub(crate) span: Span,
}

impl At<String> {
    /// The place of a part of the text, where it is written without escapes; else of the whole.
    pub(crate) fn part(&self, part: Span) -> Span {
        let quote = match self.span.len().checked_sub(self.value.len()) {
            Some(0) => 0,
            Some(2) => 1,
            _ => return self.span.clone(),
        };
        let start = self.span.start + quote;
        start + part.start..start + part.end
    }
}

/// A list of texts.
pub(crate) type Texts = At<Vec<At<String>>>;

/// A topology file as it is written, in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Spec {
    /// The table `[mesh]`.
    pub(crate) mesh: MeshSpec,
    /// The table `[defaults]`.
    pub(crate) defaults: DefaultsSpec,
    /// The tables `[groups.NAME]`.
    pub(crate) groups: Vec<GroupSpec>,
    /// The tables of the file that are none, and so may have declared anything.
    pub(crate) misread: Vec<&'static str>,
    /// Where `[nodes]` first stands.
    pub(crate) nodes_at: Option<Span>,
    /// The tables `[nodes.NAME]`.
    pub(crate) nodes: Vec<NodeSpec>,
    /// The tables `[[trees]]`.
    pub(crate) trees: Vec<TreeSpec>,
    /// The tables `[[links]]`.
    pub(crate) links: Vec<LinkSpec>,
    /// The tables `[services.NAME]`.
    pub(crate) services: Vec<ServiceSpec>,
    /// The lines of `[clients]`: a client and its node.
    pub(crate) clients: Vec<PairSpec>,
    /// The lines of `[client_groups]`: a group and its members.
    pub(crate) client_groups: Vec<ListSpec>,
    /// The tables `[routes.NODE]`.
    pub(crate) routes: Vec<RoutesSpec>,
    /// The tables `[[access.attach]]`.
    pub(crate) attach: Vec<AccessSpec>,
    /// The tables `[[access.send]]`.
    pub(crate) send: Vec<AccessSpec>,
    /// The tables `[[expect]]`.
    pub(crate) expects: Vec<ExpectSpec>,
    /// The lines of `[lints.allow]`: the code of a lint or note, and why it is not told.
    pub(crate) allow: Vec<PairSpec>,
}

impl Spec {
    /// Takes the values out of a file's tree, and tells those of a wrong type or under an unknown key.
    pub(crate) fn read(root: &DeTable<'_>) -> (Self, Vec<Diagnostic>) {
        read::read(root)
    }
}

/// The table `[mesh]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct MeshSpec {
    /// Where the table begins, if there is one.
    pub(crate) at: Option<Span>,
    /// Whether there is a `name`, of whatever type.
    pub(crate) named: bool,
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
    pub(crate) dialects: Option<Texts>,
    /// When links are up: `hello` and `link_silence`.
    pub(crate) liveness: Vec<ScalarSpec>,
}

/// The table `[defaults]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DefaultsSpec {
    /// What every node has that does not say otherwise.
    pub(crate) keys: NodeKeys,
    /// The cost of every link that says none.
    pub(crate) cost: Option<At<i64>>,
}

/// A table `[groups.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupSpec {
    /// The group's name.
    pub(crate) name: At<String>,
    /// What its members inherit.
    pub(crate) keys: NodeKeys,
}

/// What may be said of a node wherever nodes are described.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NodeKeys {
    /// The groups that it inherits from.
    pub(crate) groups: Option<Texts>,
    /// Where it listens.
    pub(crate) bind: Option<At<String>>,
    /// What others dial.
    pub(crate) address: Option<At<String>>,
    /// The nodes it dials.
    pub(crate) upstream: Option<Vec<UpstreamSpec>>,
    /// What raw clients may speak at this node.
    pub(crate) dialects: Option<Texts>,
    /// The machine it runs on.
    pub(crate) host: Option<At<String>>,
    /// What people call it.
    pub(crate) label: Option<At<String>>,
    /// Where it is drawn.
    pub(crate) position: Option<At<Vec<At<Scalar>>>>,
    /// What it takes on at most.
    pub(crate) limits: Vec<ScalarSpec>,
}

/// A table `[nodes.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeSpec {
    /// The node's name.
    pub(crate) name: At<String>,
    /// How many nodes it stands for, where it is a template.
    pub(crate) count: Option<CountSpec>,
    /// All else.
    pub(crate) keys: NodeKeys,
}

/// The counters of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CountSpec {
    /// The key `count`.
    pub(crate) at: Span,
    /// Each counter and what it goes through: a number `N` for 1 to `N`, or a text `A..B`.
    pub(crate) counters: Vec<ScalarSpec>,
}

/// One upstream of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamSpec {
    /// The upstream's name.
    pub(crate) node: At<String>,
    /// The link's cost, where it is written.
    pub(crate) cost: Option<At<i64>>,
    /// What the link is made to suffer.
    pub(crate) impairment: Vec<ScalarSpec>,
}

/// A table `[[links]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkSpec {
    /// Its two ends, of which the first dials.
    pub(crate) ends: Texts,
    /// The link's cost, where it is written.
    pub(crate) cost: Option<At<i64>>,
    /// What the link is made to suffer.
    pub(crate) impairment: Vec<ScalarSpec>,
}

/// A table `[[trees]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeSpec {
    /// The node at its top.
    pub(crate) root: Option<At<String>>,
    /// The levels below it, up to the first that could not be read.
    pub(crate) levels: Vec<LevelSpec>,
    /// Whether all of it could be read.
    pub(crate) whole: bool,
}

/// A level of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LevelSpec {
    /// What its nodes are called.
    pub(crate) names: At<String>,
    /// How many each node of the level above has.
    pub(crate) fan_out: At<i64>,
    /// What the nodes are.
    pub(crate) keys: NodeKeys,
    /// The cost of their links to the level above.
    pub(crate) cost: Option<At<i64>>,
    /// What these links are made to suffer.
    pub(crate) impairment: Vec<ScalarSpec>,
}

/// A table `[services.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceSpec {
    /// The service's name.
    pub(crate) name: At<String>,
    /// The nodes where it is offered, unless they could not be read.
    pub(crate) at: Option<Texts>,
    /// Which of them a message goes to.
    pub(crate) policy: Option<At<String>>,
}

/// A table `[routes.NODE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoutesSpec {
    /// The node whose routes they are.
    pub(crate) node: At<String>,
    /// Destinations and their next hops.
    pub(crate) routes: Vec<PairSpec>,
}

/// A table `[[access.attach]]` or `[[access.send]]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AccessSpec {
    /// Where it begins.
    pub(crate) place: Span,
    /// Whether there is an `allow` or a `deny` that could not be read.
    pub(crate) misread: bool,
    /// The clients that may.
    pub(crate) allow: Option<Texts>,
    /// The clients that may not.
    pub(crate) deny: Option<Texts>,
    /// The nodes where they may or may not attach.
    pub(crate) at: Option<Texts>,
    /// The names that they may or may not send to.
    pub(crate) to: Option<Texts>,
}

/// A table `[[expect]]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ExpectSpec {
    /// Where it begins.
    pub(crate) at: Span,
    /// What reports call it.
    pub(crate) name: Option<At<String>>,
    /// Who sends.
    pub(crate) from: Option<At<String>>,
    /// To whom.
    pub(crate) to: Option<At<String>>,
    /// The nodes of the way.
    pub(crate) path: Option<Texts>,
    /// What the way passes.
    pub(crate) via: Option<Texts>,
    /// What it does not pass.
    pub(crate) avoids: Option<Texts>,
    /// The most links.
    pub(crate) max_hops: Option<At<i64>>,
    /// The most cost.
    pub(crate) max_cost: Option<At<i64>>,
    /// Whether the message must not arrive.
    pub(crate) unreachable: Option<At<bool>>,
    /// Why not.
    pub(crate) reason: Option<At<String>>,
    /// What has failed.
    pub(crate) down: Option<Texts>,
    /// How many failures more it survives.
    pub(crate) survives: Option<At<i64>>,
}

/// A line of a table whose keys are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairSpec {
    /// What stands before the `=`.
    pub(crate) key: At<String>,
    /// What stands behind it, where it is a text.
    pub(crate) value: Option<At<String>>,
}

/// A line of a table whose keys are free and whose values are lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListSpec {
    /// What stands before the `=`.
    pub(crate) key: At<String>,
    /// What stands behind it, where it is a list.
    pub(crate) value: Option<Texts>,
}

/// A key and its value, which is a number or a text that stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScalarSpec {
    /// What stands before the `=`.
    pub(crate) key: At<String>,
    /// What stands behind it.
    pub(crate) value: At<Scalar>,
}

/// A number, or a text that stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A text such as `16MiB`.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction, as it is written.
    Fraction(String),
}
