//! Everything a node knows of nodes, links and attachments: each originator's newest word.

mod compare;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use super::links::{Names, News};
use crate::name::{ClientName, NodeName};
use crate::wire::link_state::{Adjacency, Adjacent, Age, Attachment, Attachments, Record};

/// The newest records of every node, this one's own included.
#[derive(Debug, Default)]
pub(super) struct Database {
    nodes: BTreeMap<NodeName, Known>,
    /// Since when the nodes have not been reached that no route leads to.
    lost: BTreeMap<NodeName, Duration>,
    /// Since when the one has not been that has not been for longest.
    longest_lost: Option<Duration>,
    /// All names of nodes, so that each is held once. For asking only.
    names: HashSet<NodeName>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Installed {
    /// It was not newer than what was known.
    Old,
    /// It is a change to something that is not known: ask for the whole.
    Gap,
    /// A node's links changed, and perhaps its attachments with them.
    Links,
    /// A node says again what it said of its links before; its attachments may have ended.
    Again,
    /// A node's attachments changed; these names came.
    Names(Vec<ClientName>),
}

#[derive(Debug, Default)]
struct Known {
    adjacency: Option<Adjacency>,
    attached: Option<Attached>,
    /// A digest of the ages of both.
    digest: u64,
}

#[derive(Debug)]
struct Attached {
    age: Age,
    /// None where nobody is attached, and nothing is known of who was.
    said: Option<Box<Said>>,
}

/// Who is attached at a node, and what has changed of late.
#[derive(Debug)]
struct Said {
    names: BTreeMap<ClientName, Attachment>,
    /// The last changes: the sequence that each one led to, and a name that came or went.
    changes: VecDeque<(u64, ClientName)>,
    /// The sequence from which on all changes are there.
    from: u64,
}

/// How many changes of a node's attachments are kept, so that they can be told as changes.
const CHANGES: usize = 64;

impl Attached {
    fn whole(new: &Attachments) -> Self {
        if new.added.is_empty() {
            return Self { age: new.age, said: None };
        }
        let said = Said::new(new.added.iter().map(fresh).collect(), new.age);
        Self { age: new.age, said: Some(Box::new(said)) }
    }

    fn change(&mut self, new: &Attachments) {
        let age = self.age;
        let nobody = || Box::new(Said::new(BTreeMap::new(), age));
        self.said.get_or_insert_with(nobody).change(new);
        self.age = new.age;
    }

    fn names(&self) -> impl Iterator<Item = (&ClientName, &Attachment)> {
        self.said.iter().flat_map(|said| &said.names)
    }

    fn named(&self, name: &ClientName) -> Option<&Attachment> {
        self.said.as_ref()?.names.get(name)
    }

    /// All of them.
    fn all(&self, origin: &NodeName) -> Attachments {
        Attachments {
            origin: origin.clone(),
            age: self.age,
            since: None,
            added: self.names().map(|(_, attachment)| attachment.clone()).collect(),
            removed: Vec::new(),
        }
    }

    /// What has changed since they were this old; none where that is not known any more.
    fn since(&self, origin: &NodeName, then: Age) -> Option<Attachments> {
        let from = self.said.as_ref().map_or(self.age.sequence, |said| said.from);
        if then.incarnation != self.age.incarnation || then.sequence < from {
            return None;
        }
        let changes = self.said.iter().flat_map(|said| &said.changes);
        let touched: BTreeSet<_> = changes
            .filter(|(sequence, _)| *sequence > then.sequence)
            .map(|(_, name)| name)
            .collect();
        let (there, gone): (Vec<_>, Vec<_>) =
            touched.into_iter().partition(|name| self.named(name).is_some());
        Some(Attachments {
            origin: origin.clone(),
            age: self.age,
            since: Some(then.sequence),
            added: there.into_iter().filter_map(|name| self.named(name)).cloned().collect(),
            removed: gone.into_iter().cloned().collect(),
        })
    }
}

impl Said {
    fn new(names: BTreeMap<ClientName, Attachment>, age: Age) -> Self {
        Self { names, changes: VecDeque::new(), from: age.sequence }
    }

    fn change(&mut self, new: &Attachments) {
        let came = new.added.iter().map(|it| &it.name);
        for name in new.removed.iter().chain(came) {
            self.changes.push_back((new.age.sequence, name.clone()));
        }
        while self.changes.len() > CHANGES
            && let Some((sequence, _)) = self.changes.pop_front()
        {
            self.from = sequence;
        }
        for name in &new.removed {
            self.names.remove(name);
        }
        self.names.extend(new.added.iter().map(fresh));
    }
}

fn fresh(attachment: &Attachment) -> (ClientName, Attachment) {
    (attachment.name.clone(), attachment.clone())
}

impl Database {
    /// Takes in a record if it is newer than what is known of its origin.
    ///
    /// A later incarnation in either record ends everything from the earlier one, at once.
    pub(super) fn install(&mut self, record: &Record) -> Installed {
        match record {
            Record::Adjacency(adjacency) => self.install_adjacency(adjacency),
            Record::Attachments(attachments) => self.install_attachments(attachments),
            Record::Request(_) | Record::Digest(_) | Record::Summary(_) => Installed::Old,
        }
    }

    fn install_adjacency(&mut self, new: &Adjacency) -> Installed {
        let origin = self.shared(&new.origin);
        let known = self.nodes.entry(origin.clone()).or_default();
        if known.adjacency.as_ref().is_some_and(|old| old.age >= new.age) {
            return Installed::Old;
        }
        // The sequences of the two records are counted apart: only the incarnations compare.
        let outlived = |age: Age| ends(new, age);
        if known.attached.as_ref().is_some_and(|attached| outlived(attached.age)) {
            known.attached = None;
        }
        // Sorted it is by an honest node. Each neighbour is looked up once for each link to it.
        let mut new = Adjacency { origin: origin.clone(), ..new.clone() };
        new.links.sort_by(|a, b| a.node.cmp(&b.node));
        new.links.dedup_by(|a, b| a.node == b.node);
        let is_same = known
            .adjacency
            .as_ref()
            .is_some_and(|old| old.links == new.links && old.leaving == new.leaving);
        for link in &mut new.links {
            link.node = shared(&mut self.names, &link.node);
        }
        known.adjacency = Some(new);
        known.digest(&origin);
        if is_same { Installed::Again } else { Installed::Links }
    }

    fn install_attachments(&mut self, new: &Attachments) -> Installed {
        let origin = self.shared(&new.origin);
        let known = self.nodes.entry(origin).or_default();
        let gone = known.adjacency.as_ref().is_some_and(|adjacency| ends(adjacency, new.age));
        if gone || known.attached.as_ref().is_some_and(|attached| attached.age >= new.age) {
            return Installed::Old;
        }
        match (new.since, &mut known.attached) {
            (None, attached) => *attached = Some(Attached::whole(new)),
            (Some(since), Some(attached))
                if attached.age == (Age { sequence: since, ..new.age }) =>
            {
                attached.change(new);
            }
            (Some(_), _) => return Installed::Gap,
        }
        known.digest(&new.origin);
        Installed::Names(new.added.iter().map(|attachment| attachment.name.clone()).collect())
    }

    /// The ages of what is known of a node's links and attachments.
    pub(super) fn ages(&self, origin: &NodeName) -> (Option<Age>, Option<Age>) {
        self.nodes.get(origin).map(Known::ages).unwrap_or_default()
    }

    /// What is known of one node, as far as it is news.
    pub(super) fn news(&self, origin: &NodeName, news: News) -> Vec<Record> {
        let Some(known) = self.nodes.get(origin) else {
            return Vec::new();
        };
        let adjacency = known.adjacency.as_ref().filter(|_| news.links);
        let attached = known.attached.as_ref();
        let names = attached.and_then(|attached| match news.names {
            Names::Known => None,
            Names::Since(then) => {
                attached.since(origin, then).or_else(|| Some(attached.all(origin)))
            }
            Names::Whole => Some(attached.all(origin)),
        });
        let adjacency = adjacency.cloned().map(Record::Adjacency);
        adjacency.into_iter().chain(names.map(Record::Attachments)).collect()
    }

    /// What the nodes that are known and have not said good-bye say of their links, by name; those that are declared
    /// are known without having been met, and say nothing.
    pub(super) fn reports<'a>(
        &'a self,
        declared: &'a BTreeSet<NodeName>,
    ) -> impl Iterator<Item = (&'a NodeName, impl Iterator<Item = (&'a NodeName, u32)>)> + Clone
    {
        let said = self.nodes.iter().filter_map(|(node, known)| {
            let word = known.adjacency.as_ref().filter(|word| !word.leaving)?;
            Some((node, &word.links[..]))
        });
        let mut all: Vec<_> = said.chain(declared.iter().map(|node| (node, &[][..]))).collect();
        // Stable: what a node says stands before what is declared of it.
        all.sort_by_key(|(node, _)| *node);
        all.dedup_by_key(|(node, _)| *node);
        let links = |links: &'a [Adjacent]| links.iter().map(|link| (&link.node, link.cost));
        all.into_iter().map(move |(node, said)| (node, links(said)))
    }

    /// The nodes that are known and have not said good-bye, by name.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &NodeName> {
        let here = |known: &Known| known.adjacency.as_ref().is_some_and(|word| !word.leaving);
        self.nodes.iter().filter(move |(_, known)| here(known)).map(|(node, _)| node)
    }

    /// Whether a name is attached at a node.
    pub(super) fn has_name(&self, node: &NodeName, name: &ClientName) -> bool {
        let known = self.nodes.get(node);
        let attached = known.and_then(|known| known.attached.as_ref());
        attached.is_some_and(|attached| attached.named(name).is_some())
    }

    /// Since when a name is attached at a node, in Unix milliseconds by that node's clock.
    pub(super) fn since(&self, node: &NodeName, name: &ClientName) -> Option<u64> {
        let attached = self.nodes.get(node)?.attached.as_ref()?;
        attached.named(name).map(|attachment| attachment.since)
    }

    /// The names attached at a node.
    pub(super) fn names(&self, node: &NodeName) -> impl Iterator<Item = &ClientName> {
        let attached = self.nodes.get(node).and_then(|known| known.attached.as_ref());
        attached.into_iter().flat_map(Attached::names).map(|(name, _)| name)
    }

    /// The name as it is held here already.
    fn shared(&mut self, name: &NodeName) -> NodeName {
        shared(&mut self.names, name)
    }
}

fn shared(names: &mut HashSet<NodeName>, name: &NodeName) -> NodeName {
    if let Some(held) = names.get(name) {
        return held.clone();
    }
    names.insert(name.clone());
    name.clone()
}

/// Whether a node's word about its links ends its attachments of this age: it comes from a later
/// run, or says good-bye.
fn ends(adjacency: &Adjacency, attachments: Age) -> bool {
    let (now, then) = (adjacency.age.incarnation, attachments.incarnation);
    now > then || (now == then && adjacency.leaving)
}

#[cfg(test)]
mod tests;
