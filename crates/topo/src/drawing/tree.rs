//! The hierarchy as a tree of lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use hopline_mesh::name::{LinkName, NodeName};

use super::Marks;
use crate::topology::{DEFAULT_COST, Link, Topology};

/// Draws `topology` as a tree: nodes below their upstreams, clients below their nodes.
///
/// A node with several upstreams stands below the nearest, with a note of the others. Nodes of the route
/// are numbered in its order.
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

struct Forest<'a> {
    topology: &'a Topology,
    marks: &'a Marks,
    links: &'a BTreeMap<LinkName, Link>,
    roots: Vec<NodeName>,
    below: BTreeMap<NodeName, BTreeSet<NodeName>>,
    clients: BTreeMap<NodeName, BTreeSet<String>>,
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
        };
        for (client, node) in topology.clients() {
            let clients = forest.clients.entry(node.clone()).or_default();
            clients.insert(client.clone());
        }
        let mut above: BTreeMap<&NodeName, NodeName> = BTreeMap::new();
        for name in topology.nodes().keys() {
            match forest.first_upstream(name) {
                Some(upstream) if !is_above(&above, name, &upstream) => {
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
            let mut leaves: Vec<Leaf> = clients.cloned().map(Leaf::Client).collect();
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
            Leaf::Client(client) => return format!("({})", client),
            Leaf::Node(node, above) => (node, above.as_ref()),
        };
        let mut notes = Vec::new();
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
    /// A node and the one it stands below.
    Node(NodeName, Option<NodeName>),
}

/// Whether `node` is above `below` already, so that it cannot stand below it as well.
fn is_above(above: &BTreeMap<&NodeName, NodeName>, node: &NodeName, below: &NodeName) -> bool {
    let mut at = Some(below);
    while let Some(name) = at {
        if name == node {
            return true;
        }
        at = above.get(name);
    }
    false
}
