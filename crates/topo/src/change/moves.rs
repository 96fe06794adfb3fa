//! Which routes move between two plans.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::NodeName;
use hopline_mesh::route::{Paths, Refusal, Sender, Walker};
use serde::Serialize;

use crate::offline::Offline;
use crate::plan::Plan;

/// What becomes of the routes between all nodes, and between all planned clients, that are in both
/// topologies, in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Moves {
    /// Pairs of nodes.
    pub nodes: Count,
    /// Pairs of planned clients.
    pub clients: Count,
    /// The first of those that move: clients, then nodes, in the order of their names.
    pub list: Vec<Move>,
}

/// How many routes there are and what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Count {
    /// The pairs that were compared.
    pub compared: usize,
    /// Those that another way joins than before.
    pub moved: usize,
    /// Of the moved, those whose way costs more.
    pub dearer: usize,
    /// Of the moved, those whose way costs less.
    pub cheaper: usize,
    /// Those whose way keeps its nodes, and its cost changes.
    pub repriced: usize,
    /// Those that a way joined before and none now.
    pub lost: usize,
    /// Those that a way joins now and none before.
    pub gained: usize,
}

/// A route that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The node or client that sends.
    pub from: String,
    /// The node or client that is sent to.
    pub to: String,
    /// The way before; none where nothing arrived.
    pub before: Option<Route>,
    /// The way now; none where nothing arrives.
    pub after: Option<Route>,
    /// Why nothing arrives, before or now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// A way through the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The nodes of it.
    pub path: Vec<NodeName>,
    /// The sum of the costs of its links.
    pub cost: u64,
}

impl Count {
    /// How many routes are not what they were.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.moved + self.repriced + self.lost + self.gained
    }
}

impl Moves {
    /// Whether all routes are what they were.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.changed() + self.clients.changed() == 0
    }

    /// How many routes are not what they were.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.nodes.changed() + self.clients.changed()
    }

    pub(super) fn between(old: &Plan, new: &Plan, most: usize) -> Self {
        let (old_mesh, new_mesh) = (Offline::new(old), Offline::new(new));
        let (mut before, mut after) = (Ways::new(&old_mesh), Ways::new(&new_mesh));
        let mut moves = Self::default();
        let (old_clients, new_clients) = (places(old), places(new));
        let both = |name: &&str| new_clients.contains_key(*name);
        let mut clients: Vec<&str> = old_clients.keys().copied().filter(both).collect();
        // Those at one node come together, so that each node's ways are worked out once.
        let by_node = |name: &str| (old_clients[name], new_clients[name]);
        clients.sort_by_key(|&name| (by_node(name), name));
        let ends: Vec<Ends<'_>> = clients
            .iter()
            .map(|&name| Ends { name, before: old_clients[name], after: new_clients[name] })
            .collect();
        moves.clients = compare(&ends, &mut before, &mut after, most, &mut moves.list);
        let nodes = old.nodes.keys().filter(|name| new.nodes.contains_key(*name));
        let ends: Vec<Ends<'_>> =
            nodes.map(|name| Ends { name: name.as_str(), before: name, after: name }).collect();
        moves.nodes = compare(&ends, &mut before, &mut after, most, &mut moves.list);
        moves
    }
}

/// A node or a client, and the node it is or is at in both meshes.
struct Ends<'a> {
    name: &'a str,
    before: &'a NodeName,
    after: &'a NodeName,
}

fn places(plan: &Plan) -> BTreeMap<&str, &NodeName> {
    let clients = |(name, node)| {
        let node: &crate::plan::NodePlan = node;
        node.clients.iter().map(move |client| (client.as_str(), name))
    };
    plan.nodes.iter().flat_map(clients).collect()
}

fn compare<'a>(
    ends: &[Ends<'a>],
    before: &mut Ways<'a>,
    after: &mut Ways<'a>,
    most: usize,
    list: &mut Vec<Move>,
) -> Count {
    let mut count = Count::default();
    for to in ends {
        before.expect(to.name);
        after.expect(to.name);
    }
    for from in ends {
        before.start(from.name, from.before);
        after.start(from.name, from.after);
        for to in ends.iter().filter(|to| to.name != from.name) {
            let old = before.to(to.name, to.before);
            let new = after.to(to.name, to.after);
            count.compared += 1;
            let is_same = match (&old, &new) {
                (Err(_), Err(_)) => true,
                (Ok(old), Ok(new)) => old == new,
                (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
            };
            if is_same {
                continue;
            }
            let reason = old.as_ref().err().or(new.as_ref().err()).map(|refusal| refusal.reason());
            count.add(old.as_ref().ok(), new.as_ref().ok());
            if list.len() < most {
                let (from, to) = (from.name.to_owned(), to.name.to_owned());
                list.push(Move { from, to, before: old.ok(), after: new.ok(), reason });
            }
        }
    }
    count
}

impl Count {
    fn add(&mut self, old: Option<&Route>, new: Option<&Route>) {
        match (old, new) {
            (Some(old), Some(new)) if old.path == new.path => self.repriced += 1,
            (Some(old), Some(new)) => {
                self.moved += 1;
                self.dearer += usize::from(new.cost > old.cost);
                self.cheaper += usize::from(new.cost < old.cost);
            }
            (Some(_), None) => self.lost += 1,
            (None, Some(_)) => self.gained += 1,
            (None, None) => {}
        }
    }
}

/// The ways of one mesh, from one node after the other.
///
/// Where no static route speaks of a destination, every node on the way agrees about the rest of it,
/// so the ways from one node are all worked out at once. Other destinations are walked to.
struct Ways<'a> {
    mesh: &'a Offline,
    walker: Walker<'a>,
    /// Destinations that a static route somewhere is for, or that are not let in.
    is_walked: BTreeSet<String>,
    from: Option<(NodeName, Option<Paths>)>,
    /// Who sends, where that is a client.
    sender: Option<Sender<'a>>,
    /// Whether the access rules keep it out.
    is_kept_out: bool,
}

impl<'a> Ways<'a> {
    fn new(mesh: &'a Offline) -> Self {
        let (walker, is_walked) = (mesh.walker(), BTreeSet::new());
        Self { mesh, walker, is_walked, from: None, sender: None, is_kept_out: false }
    }

    /// Says that there will be questions about `destination`.
    fn expect(&mut self, destination: &str) {
        if self.mesh.has_static_for(destination) || self.mesh.is_kept_out(destination) {
            self.is_walked.insert(destination.to_owned());
        }
    }

    /// Says that the next questions are about ways from `name`, which is `node` or is at it.
    fn start(&mut self, name: &'a str, node: &'a NodeName) {
        self.sender = self.mesh.sender(name, node);
        let is_denied = |sender: Sender<'_>| !sender.access.attach(sender.client).allowed;
        self.is_kept_out = self.sender.is_some_and(is_denied);
        if self.from.as_ref().is_none_or(|(from, _)| from != node) {
            self.from = Some((node.clone(), Paths::from(self.mesh.graph(), node)));
        }
    }

    fn to(&mut self, destination: &str, node: &NodeName) -> Result<Route, Refusal> {
        let Some((from, paths)) = &self.from else {
            return Err(Refusal::Unreachable);
        };
        let may_send = |sender: Sender<'_>| sender.access.send(sender.client, destination).allowed;
        if self.is_kept_out || !self.sender.is_none_or(may_send) {
            return Err(Refusal::AccessDenied);
        }
        if self.is_walked.contains(destination) {
            let walk = match self.sender {
                Some(sender) => self.walker.walk_from(from, sender, destination),
                None => self.walker.walk(from, destination),
            };
            return match walk.refusal() {
                Some(refusal) => Err(refusal),
                None => Ok(Route { path: walk.path, cost: walk.cost }),
            };
        }
        let way = paths.as_ref().and_then(|paths| paths.way(node)).ok_or(Refusal::Unreachable)?;
        match way.nodes.len() <= usize::from(self.mesh.hop_limit()) {
            true => Ok(Route { path: way.nodes, cost: way.cost }),
            false => Err(Refusal::HopLimit),
        }
    }
}
