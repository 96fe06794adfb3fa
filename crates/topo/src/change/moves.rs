//! Which routes move between two plans.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::NodeName;
use hopline_mesh::route::{Paths, Refusal, Sender, Walker};
use serde::Serialize;

use crate::offline::Offline;
use crate::plan::Plan;

/// What becomes of the routes between all nodes, and between all planned clients, that are in both
/// topologies, in both directions; and of those from all of them to the services that are in both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Moves {
    /// Pairs of nodes.
    pub nodes: Count,
    /// Pairs of planned clients.
    pub clients: Count,
    /// Pairs of a planned client or a node, and a service. Of a balanced one it is the way of one message of many.
    pub services: Count,
    /// The first of those that move: between clients, between nodes, to services, each in the order of their names.
    pub list: Vec<Move>,
    /// How many move besides those of the list.
    pub more: usize,
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
        self.changed() == 0
    }

    /// How many routes are not what they were.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.nodes.changed() + self.clients.changed() + self.services.changed()
    }

    pub(super) fn between(old: &Plan, new: &Plan, most: usize) -> Self {
        let (old_mesh, new_mesh) = (Offline::new(old), Offline::new(new));
        let mut ways = (Ways::new(&old_mesh), Ways::new(&new_mesh));
        let mut moves = Self::default();
        let (old_clients, new_clients) = (places(old), places(new));
        let both = |name: &&str| new_clients.contains_key(*name);
        let mut clients: Vec<&str> = old_clients.keys().copied().filter(both).collect();
        // Those at one node come together, so that each node's ways are worked out once.
        let by_node = |name: &str| (old_clients[name], new_clients[name]);
        clients.sort_by_key(|&name| (by_node(name), name));
        let clients: Vec<Ends<'_>> = clients
            .iter()
            .map(|&name| Ends { name, before: old_clients[name], after: new_clients[name] })
            .collect();
        let list = &mut moves.list;
        moves.clients = compare(&clients, &goals(&clients), &mut ways, most, list);
        let nodes = old.nodes.keys().filter(|name| new.nodes.contains_key(*name));
        let nodes: Vec<Ends<'_>> =
            nodes.map(|name| Ends { name: name.as_str(), before: name, after: name }).collect();
        moves.nodes = compare(&nodes, &goals(&nodes), &mut ways, most, list);
        let services = old.services.keys().filter(|name| new.services.contains_key(*name));
        let services: Vec<Goal<'_>> = services.map(|name| Goal { name, at: None }).collect();
        let all: Vec<Ends<'_>> = clients.into_iter().chain(nodes).collect();
        moves.services = compare(&all, &services, &mut ways, most, list);
        moves.more = moves.changed() - moves.list.len();
        moves
    }
}

/// A node or a client, and the node it is or is at in both meshes.
#[derive(Clone, Copy)]
struct Ends<'a> {
    name: &'a str,
    before: &'a NodeName,
    after: &'a NodeName,
}

/// What is sent to, and the nodes that it is or is at in both meshes; a service is at several.
struct Goal<'a> {
    name: &'a str,
    at: Option<(&'a NodeName, &'a NodeName)>,
}

impl<'a> From<&Ends<'a>> for Goal<'a> {
    fn from(ends: &Ends<'a>) -> Self {
        Self { name: ends.name, at: Some((ends.before, ends.after)) }
    }
}

fn goals<'a>(ends: &[Ends<'a>]) -> Vec<Goal<'a>> {
    ends.iter().map(Goal::from).collect()
}

fn places(plan: &Plan) -> BTreeMap<&str, &NodeName> {
    let clients = |(name, node)| {
        let node: &crate::plan::NodePlan = node;
        node.clients.iter().map(move |client| (client.as_str(), name))
    };
    plan.nodes.iter().flat_map(clients).collect()
}

fn compare<'a>(
    senders: &[Ends<'a>],
    goals: &[Goal<'_>],
    (before, after): &mut (Ways<'a>, Ways<'a>),
    most: usize,
    list: &mut Vec<Move>,
) -> Count {
    let mut count = Count::default();
    for to in goals {
        before.expect(to.name);
        after.expect(to.name);
    }
    for from in senders {
        before.start(from.name, from.before);
        after.start(from.name, from.after);
        for to in goals.iter().filter(|to| to.name != from.name) {
            let old = before.to(to.name, to.at.map(|(node, _)| node));
            let new = after.to(to.name, to.at.map(|(_, node)| node));
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
    /// Destinations that a static route somewhere is for, or that are not let in, and services.
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
        let mesh = self.mesh;
        if mesh.has_static_for(destination)
            || mesh.is_kept_out(destination)
            || mesh.is_service(destination)
        {
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

    fn to(&mut self, destination: &str, node: Option<&NodeName>) -> Result<Route, Refusal> {
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
        let way = paths.as_ref().zip(node).and_then(|(paths, node)| paths.way(node));
        let way = way.ok_or(Refusal::Unreachable)?;
        match way.nodes.len() <= usize::from(self.mesh.hop_limit()) {
            true => Ok(Route { path: way.nodes, cost: way.cost }),
            false => Err(Refusal::HopLimit),
        }
    }
}
