//! The hierarchy as a tree of lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use hopline_mesh::name::{LinkName, NodeName};

use super::Marks;
use crate::topology::{DEFAULT_COST, Link, Topology};
use crate::words::visible;

/// Draws `topology` as a tree: nodes below their upstreams, `(clients)` and `<services>` below their nodes.
///
/// A node with several upstreams stands below the nearest, with a note of the others, and so does
/// one that is linked to its equals. Nodes of the route are numbered in its order.
#[must_use]
pub fn tree(topology: &Topology, marks: &Marks) -> String {
    let mut forest = Forest::new(topology, marks);
    let mut text = format!("{}\n", topology.name());
    let roots = std::mem::take(&mut forest.roots);
    let last = roots.len().saturating_sub(1);
    for (index, root) in roots.iter().enumerate() {
        forest.draw(&mut text, root, "", index == last);
    }
    text
}

/// How many of its equals are named at a node.
const BESIDE: usize = 16;

struct Forest<'a> {
    topology: &'a Topology,
    marks: &'a Marks,
    links: &'a BTreeMap<LinkName, Link>,
    roots: Vec<NodeName>,
    below: BTreeMap<NodeName, BTreeSet<NodeName>>,
    clients: BTreeMap<NodeName, BTreeSet<String>>,
    services: BTreeMap<NodeName, BTreeSet<String>>,
    /// The links between equals of each node.
    beside: BTreeMap<NodeName, Vec<(LinkName, NodeName)>>,
}

impl<'a> Forest<'a> {
    fn new(topology: &'a Topology, marks: &'a Marks) -> Self {
        let mut forest = Self {
            topology,
            marks,
            links: topology.links(),
            roots: Vec::new(),
            below: BTreeMap::new(),
            clients: BTreeMap::new(),
            services: BTreeMap::new(),
            beside: BTreeMap::new(),
        };
        for (name, service) in topology.services() {
            for node in &service.at {
                forest.services.entry(node.clone()).or_default().insert(name.clone());
            }
        }
        for (name, _) in topology.links().iter().filter(|(_, link)| link.lower.is_empty()) {
            for (end, other) in [(name.lesser(), name.greater()), (name.greater(), name.lesser())] {
                let beside = forest.beside.entry(end.clone()).or_default();
                beside.push((name.clone(), other.clone()));
            }
        }
        for (client, node) in topology.clients() {
            let clients = forest.clients.entry(node.clone()).or_default();
            clients.insert(client.clone());
        }
        let mut above: BTreeMap<&NodeName, NodeName> = BTreeMap::new();
        let mut tops: BTreeMap<NodeName, NodeName> = BTreeMap::new();
        for name in topology.nodes().keys() {
            match forest.first_upstream(name) {
                // A node cannot stand below one that stands below it already.
                Some(upstream) if top(&mut tops, &upstream) != *name => {
                    tops.insert(name.clone(), upstream.clone());
                    above.insert(name, upstream);
                }
                _ => forest.roots.push(name.clone()),
            }
        }
        for (name, upstream) in above {
            let below = forest.below.entry(upstream).or_default();
            below.insert(name.clone());
        }
        forest
    }

    fn cost(&self, node: &NodeName, upstream: &NodeName) -> u32 {
        let link = LinkName::new(node.clone(), upstream.clone()).ok();
        let link = link.and_then(|link| self.links.get(&link));
        link.map_or(DEFAULT_COST, |link| link.cost)
    }

    /// The upstream at the least cost, then the one with the lesser name.
    fn first_upstream(&self, node: &NodeName) -> Option<NodeName> {
        let upstreams = self.topology.nodes().get(node)?.upstream().keys();
        upstreams.min_by_key(|upstream| (self.cost(node, upstream), *upstream)).cloned()
    }

    fn draw(&self, text: &mut String, node: &NodeName, indent: &str, is_last: bool) {
        // A stack of our own: a chain of ten thousand nodes would overflow the thread's.
        let mut stack = vec![(Leaf::Node(node.clone(), None), indent.to_owned(), is_last)];
        while let Some((leaf, indent, is_last)) = stack.pop() {
            let (branch, below) =
                if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
            let _ = writeln!(text, "{indent}{branch}{}", self.line(&leaf));
            let Leaf::Node(node, _) = leaf else {
                continue;
            };
            let clients = self.clients.get(&node).into_iter().flatten();
            let nodes = self.below.get(&node).into_iter().flatten();
            let services = self.services.get(&node).into_iter().flatten();
            let mut leaves: Vec<Leaf> = clients.cloned().map(Leaf::Client).collect();
            leaves.extend(services.cloned().map(Leaf::Service));
            leaves.extend(nodes.map(|name| Leaf::Node(name.clone(), Some(node.clone()))));
            let indent = format!("{indent}{below}");
            for (index, leaf) in leaves.into_iter().rev().enumerate() {
                stack.push((leaf, indent.clone(), index == 0));
            }
        }
    }

    /// A node or client with its notes.
    fn line(&self, leaf: &Leaf) -> String {
        let (node, above) = match leaf {
            Leaf::Client(client) => return format!("({})", visible(client)),
            Leaf::Service(service) => return format!("<{}>", visible(service)),
            Leaf::Node(node, above) => (node, above.as_ref()),
        };
        let mut notes = Vec::new();
        if let Some(label) = self.topology.nodes().get(node).and_then(|node| node.label()) {
            notes.push(visible(label));
        }
        if let Some(above) = above {
            notes.extend(self.link_notes(node, above));
        }
        let upstreams = self.topology.nodes().get(node).into_iter();
        let upstreams = upstreams.flat_map(|node| node.upstream().keys());
        for other in upstreams.filter(|upstream| Some(*upstream) != above) {
            let mut note = format!("also below {other}");
            for detail in self.link_notes(node, other) {
                let _ = write!(note, ", {detail}");
            }
            notes.push(note);
        }
        notes.extend(self.beside(node));
        if self.marks.down_nodes.contains(node) {
            notes.push("down".to_owned());
        }
        let at = self.marks.route.iter().position(|step| step == node);
        let number = at.map_or(String::new(), |at| format!(" [{}]", at + 1));
        match notes.is_empty() {
            true => format!("{node}{number}"),
            false => format!("{node}{number}  {}", notes.join("; ")),
        }
    }

    /// The equals that `node` is linked to, the first of them by name.
    fn beside(&self, node: &NodeName) -> Option<String> {
        let all = self.beside.get(node)?;
        let one = |(link, other): &(LinkName, NodeName)| {
            let cost = self.links.get(link).map_or(DEFAULT_COST, |link| link.cost);
            let cost = (cost != DEFAULT_COST).then(|| format!("cost {cost}"));
            let down = self.marks.down_links.contains(link).then(|| "link down".to_owned());
            let notes: Vec<String> = cost.into_iter().chain(down).collect();
            match notes.is_empty() {
                true => other.to_string(),
                false => format!("{other} ({})", notes.join(", ")),
            }
        };
        let mut shown: Vec<String> = all.iter().take(BESIDE).map(one).collect();
        if all.len() > BESIDE {
            shown.push(format!("{} more", all.len() - BESIDE));
        }
        Some(format!("linked to {}", shown.join(", ")))
    }

    fn link_notes(&self, node: &NodeName, upstream: &NodeName) -> Vec<String> {
        let mut notes = Vec::new();
        let cost = self.cost(node, upstream);
        if cost != DEFAULT_COST {
            notes.push(format!("cost {cost}"));
        }
        let link = LinkName::new(node.clone(), upstream.clone());
        if link.is_ok_and(|link| self.marks.down_links.contains(&link)) {
            notes.push("link down".to_owned());
        }
        notes
    }
}

enum Leaf {
    Client(String),
    Service(String),
    /// A node and the one it stands below.
    Node(NodeName, Option<NodeName>),
}

/// The top of the tree that `node` stands in, as far as it is built. What is passed on the way is
/// shortened, so that deep trees are climbed once.
fn top(above: &mut BTreeMap<NodeName, NodeName>, node: &NodeName) -> NodeName {
    let mut passed = Vec::new();
    let mut at = node.clone();
    while let Some(next) = above.get(&at).cloned() {
        passed.push(at);
        at = next;
    }
    for node in passed {
        above.insert(node, at.clone());
    }
    at
}
