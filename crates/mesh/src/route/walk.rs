//! The offline answer: the way a message would go.

use std::collections::BTreeMap;

use super::access::{Access, Clearance};
use super::basis::Ruling;
use super::decide::{Local, Places, Question, Verdict, judge};
use super::directory::Directory;
use super::graph::Graph;
use super::refusal::Refusal;
use super::service::Policy;
use super::static_routes::StaticRoutes;
use super::table::{Table, TableInput};
use crate::name::{ClientName, LinkName, NodeName};
use crate::wire::MessageId;

/// A mesh on paper: what every node of it would know once it has converged.
#[derive(Debug, Clone, Copy)]
pub struct WalkInput<'a> {
    /// Its nodes and the links that are up.
    pub graph: &'a Graph,
    /// Each node's upstreams with the costs of the links to them, in whatever state the links are.
    pub upstreams: &'a BTreeMap<NodeName, Vec<(NodeName, u32)>>,
    /// Each node's static routes.
    pub statics: &'a BTreeMap<NodeName, StaticRoutes>,
    /// Who is attached where.
    pub directory: &'a Directory,
    /// How many nodes a path may have.
    pub hop_limit: u8,
}

/// A client that sends, with the access rules as they hold at the node where it is.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The client's name.
    pub client: &'a str,
    /// The rules at its node.
    pub access: Access<'a>,
}

/// The way that a message would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The nodes that would handle it, the first and the last included.
    pub path: Vec<NodeName>,
    /// The sum of the costs of the links between them.
    pub cost: u64,
    /// What would become of it at the last of them.
    pub end: End,
}

/// What becomes of a message at the last node of its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is delivered to the node itself.
    Node,
    /// It is delivered to this client, attached there.
    Client(String),
    /// That node refuses it.
    Refused(Refusal),
}

impl Walk {
    /// Why the message would not arrive, or none if it would.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self.end {
            End::Refused(refusal) => Some(refusal),
            End::Node | End::Client(_) => None,
        }
    }

    /// The node that would deliver or refuse the message.
    #[must_use]
    pub fn last(&self) -> Option<&NodeName> {
        self.path.last()
    }
}

/// Follows a message for `destination` from the node `from`, by asking [`decide`](super::decide()) at each node.
///
/// Each node's table is built from the same input. A message for a balanced service is followed as one
/// of id 0 is, which is one of many: [`Walker::walk_message`] follows any. To ask about many messages, keep a [`Walker`].
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use hopline_mesh::name::{ClientName, LinkName, NodeName};
/// use hopline_mesh::route::{Directory, End, Graph, Refusal, WalkInput, walk};
///
/// let graph = Graph::new([], [
///     (LinkName::parse("east--top")?, 10),
///     (LinkName::parse("top--west")?, 10),
/// ]);
/// let bob = (ClientName::from_identity(b"bob"), NodeName::parse("west")?);
/// let directory = Directory::from_iter([bob]);
/// let mesh = WalkInput {
///     graph: &graph,
///     upstreams: &BTreeMap::new(),
///     statics: &BTreeMap::new(),
///     directory: &directory,
///     hop_limit: 64,
/// };
///
/// let east = NodeName::parse("east")?;
/// let way = walk(&mesh, &east, "bob");
/// let path: Vec<_> = way.path.iter().map(NodeName::as_str).collect();
/// assert_eq!((path, way.cost), (vec!["east", "top", "west"], 20));
/// assert_eq!(way.end, End::Client("bob".to_owned()));
///
/// let cut = graph.without(&["top--west".parse()?]);
/// let refused = walk(&WalkInput { graph: &cut, ..mesh }, &east, "bob");
/// assert_eq!(refused.refusal(), Some(Refusal::Unreachable));
/// # Ok::<(), hopline_mesh::name::NameError>(())
/// ```
#[must_use]
pub fn walk(mesh: &WalkInput<'_>, from: &NodeName, destination: &str) -> Walk {
    Walker::new(*mesh).walk(from, destination)
}

/// Follows messages through a mesh on paper, and keeps the tables that it has built.
#[derive(Debug)]
pub struct Walker<'a> {
    mesh: WalkInput<'a>,
    tables: BTreeMap<NodeName, Table>,
}

impl<'a> Walker<'a> {
    /// A walker that has built no table yet.
    #[must_use]
    pub fn new(mesh: WalkInput<'a>) -> Self {
        let tables = BTreeMap::new();
        Self { mesh, tables }
    }

    /// The table of `node`.
    pub fn table(&mut self, node: &NodeName) -> &Table {
        let mesh = self.mesh;
        let no_statics = StaticRoutes::new();
        self.tables.entry(node.clone()).or_insert_with(|| {
            Table::build(&TableInput {
                me: node,
                graph: mesh.graph,
                upstreams: mesh.upstreams.get(node).map_or(&[], Vec::as_slice),
                statics: mesh.statics.get(node).unwrap_or(&no_statics),
                hop_limit: mesh.hop_limit,
            })
        })
    }

    /// Follows the message of id 0 for `destination` from the node `from`.
    ///
    /// It ends whatever the static routes say: a message is refused by the first node that sees it a
    /// second time, which is then on the path twice.
    pub fn walk(&mut self, from: &NodeName, destination: &str) -> Walk {
        self.walk_message(MessageId::default(), from, destination)
    }

    /// Follows the message `id`, as [`walk`](Self::walk) does. Only for a balanced service does the id
    /// matter.
    pub fn walk_message(&mut self, id: MessageId, from: &NodeName, destination: &str) -> Walk {
        self.follow(id, from, None, destination, |_, _, _| {})
    }

    /// Follows the message of id 0 that a client at the node `from` sent, as [`walk`](Self::walk) does,
    /// if the access rules let it.
    pub fn walk_from(&mut self, from: &NodeName, sender: Sender<'_>, destination: &str) -> Walk {
        self.follow(MessageId::default(), from, Some(sender), destination, |_, _, _| {})
    }

    /// As [`walk_message`](Self::walk_message), and shows each node's table and ruling as the message
    /// comes by, with what access rules say of it.
    pub(super) fn follow(
        &mut self,
        id: MessageId,
        from: &NodeName,
        sender: Option<Sender<'_>>,
        destination: &str,
        mut see: impl FnMut(&Table, &Ruling<'_>, Option<&Clearance<'_>>),
    ) -> Walk {
        let mesh = self.mesh;
        let mut path: Vec<NodeName> = Vec::new();
        let mut cost = 0;
        let mut node = from.clone();
        loop {
            let table = self.table(&node);
            let places = OnPaper { graph: mesh.graph, directory: mesh.directory, table };
            let ruling = judge(
                table,
                &places,
                &Question {
                    id,
                    destination,
                    retrace: None,
                    path: path.as_slice(),
                    from: path.last().map(NodeName::as_str),
                    hop_limit: mesh.hop_limit,
                    size: 0,
                },
            );
            let (ruling, said) = match sender {
                Some(Sender { client, access }) => {
                    access.clear(client, path.is_empty(), destination, ruling)
                }
                None => (ruling, None),
            };
            see(table, &ruling, said.as_ref());
            let next = match ruling.verdict {
                Verdict::Forward(next) => Ok(next.clone()),
                Verdict::Deliver(Local::Node) => Err(End::Node),
                Verdict::Deliver(Local::Client(name)) => Err(End::Client(name.to_owned())),
                Verdict::Refuse(refusal) => Err(End::Refused(refusal)),
            };
            path.push(node.clone());
            match next {
                Ok(next) => {
                    cost += link_cost(mesh.graph, &node, &next).map_or(0, u64::from);
                    node = next;
                }
                Err(end) => return Walk { path, cost, end },
            }
        }
    }
}

/// The places of a mesh on paper: every link of the graph is up, and no queue is ever full.
struct OnPaper<'a> {
    graph: &'a Graph,
    directory: &'a Directory,
    table: &'a Table,
}

impl Places for OnPaper<'_> {
    fn is_here(&self, name: &str) -> Option<&str> {
        self.directory.named_at(name, self.table.me()).map(ClientName::as_str)
    }

    fn holder(&self, name: &str, id: MessageId) -> Option<&NodeName> {
        self.directory.holder(name, self.table, id)
    }

    fn is_balanced(&self, name: &str) -> bool {
        self.directory.policy(name) == Some(Policy::Balanced)
    }

    fn link_is_up(&self, neighbour: &str) -> bool {
        self.graph.has_link(self.table.me().as_str(), neighbour)
    }

    fn has_room(&self, neighbour: &str, _: usize) -> bool {
        self.link_is_up(neighbour)
    }
}

fn link_cost(graph: &Graph, a: &NodeName, b: &NodeName) -> Option<u32> {
    graph.cost(&LinkName::new(a.clone(), b.clone()).ok()?)
}
