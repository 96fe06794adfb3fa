//! Everything a node knows of nodes, links and attachments: each originator's newest word.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::links::{Names, News};
use crate::name::{ClientName, LinkName, NodeName};
use crate::wire::link_state::{Adjacency, Age, Attachment, Attachments, Record};

/// The newest records of every node, this one's own included.
#[derive(Debug, Default)]
pub(super) struct Database {
    nodes: BTreeMap<NodeName, Known>,
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
    /// A node's attachments changed; these names came.
    Names(Vec<ClientName>),
}

#[derive(Debug, Default)]
struct Known {
    adjacency: Option<Adjacency>,
    attached: Option<Attached>,
}

#[derive(Debug)]
struct Attached {
    age: Age,
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
        let fresh = |attachment: &Attachment| (attachment.name.clone(), attachment.clone());
        let names = new.added.iter().map(fresh).collect();
        Self { age: new.age, names, changes: VecDeque::new(), from: new.age.sequence }
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
        let fresh = |attachment: &Attachment| (attachment.name.clone(), attachment.clone());
        self.names.extend(new.added.iter().map(fresh));
        self.age = new.age;
    }

    /// All of them.
    fn all(&self, origin: &NodeName) -> Attachments {
        Attachments {
            origin: origin.clone(),
            age: self.age,
            since: None,
            added: self.names.values().cloned().collect(),
            removed: Vec::new(),
        }
    }

    /// What has changed since they were this old; none where that is not known any more.
    fn since(&self, origin: &NodeName, then: Age) -> Option<Attachments> {
        if then.incarnation != self.age.incarnation || then.sequence < self.from {
            return None;
        }
        let touched: BTreeSet<_> = self
            .changes
            .iter()
            .filter(|(sequence, _)| *sequence > then.sequence)
            .map(|(_, name)| name)
            .collect();
        let (there, gone): (Vec<_>, Vec<_>) =
            touched.into_iter().partition(|name| self.names.contains_key(*name));
        Some(Attachments {
            origin: origin.clone(),
            age: self.age,
            since: Some(then.sequence),
            added: there.into_iter().filter_map(|name| self.names.get(name)).cloned().collect(),
            removed: gone.into_iter().cloned().collect(),
        })
    }
}

impl Database {
    /// Takes in a record if it is newer than what is known of its origin.
    ///
    /// A later incarnation in either record ends everything from the earlier one, at once.
    pub(super) fn install(&mut self, record: &Record) -> Installed {
        match record {
            Record::Adjacency(adjacency) => self.install_adjacency(adjacency),
            Record::Attachments(attachments) => self.install_attachments(attachments),
            Record::Request(_) => Installed::Old,
        }
    }

    fn install_adjacency(&mut self, new: &Adjacency) -> Installed {
        let known = self.nodes.entry(new.origin.clone()).or_default();
        if known.adjacency.as_ref().is_some_and(|old| old.age >= new.age) {
            return Installed::Old;
        }
        // The sequences of the two records are counted apart: only the incarnations compare.
        let outlived = |age: Age| ends(new, age);
        if known.attached.as_ref().is_some_and(|attached| outlived(attached.age)) {
            known.attached = None;
        }
        // Sorted it is by an honest node. Each neighbour is looked up once for each link to it.
        let mut new = new.clone();
        new.links.sort_by(|a, b| a.node.cmp(&b.node));
        new.links.dedup_by(|a, b| a.node == b.node);
        known.adjacency = Some(new);
        Installed::Links
    }

    fn install_attachments(&mut self, new: &Attachments) -> Installed {
        let known = self.nodes.entry(new.origin.clone()).or_default();
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
        Installed::Names(new.added.iter().map(|attachment| attachment.name.clone()).collect())
    }

    /// The ages of what is known of a node's links and attachments.
    pub(super) fn ages(&self, origin: &NodeName) -> (Option<Age>, Option<Age>) {
        let known = self.nodes.get(origin);
        let links = known.and_then(|known| known.adjacency.as_ref());
        let names = known.and_then(|known| known.attached.as_ref());
        (links.map(|it| it.age), names.map(|it| it.age))
    }

    /// The nodes of which anything is known.
    pub(super) fn origins(&self) -> impl Iterator<Item = &NodeName> {
        self.nodes.keys()
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

    /// The links that both of their ends report, with the greater of the two costs, by name.
    pub(super) fn links(&self) -> Vec<(LinkName, u32)> {
        let reported = |from: &NodeName, to: &NodeName| {
            let adjacency = self.nodes.get(from)?.adjacency.as_ref()?;
            let at = adjacency.links.binary_search_by(|link| link.node.cmp(to)).ok()?;
            adjacency.links.get(at).map(|link| link.cost)
        };
        let mut links = Vec::new();
        for (node, known) in &self.nodes {
            for link in known.adjacency.iter().flat_map(|adjacency| &adjacency.links) {
                if *node < link.node
                    && let Some(cost) = reported(&link.node, node)
                    && let Ok(name) = LinkName::new(node.clone(), link.node.clone())
                {
                    links.push((name, cost.max(link.cost).max(1)));
                }
            }
        }
        links
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
        attached.is_some_and(|attached| attached.names.contains_key(name))
    }

    /// The names attached at a node.
    pub(super) fn names(&self, node: &NodeName) -> impl Iterator<Item = &ClientName> {
        let attached = self.nodes.get(node).and_then(|known| known.attached.as_ref());
        attached.into_iter().flat_map(|attached| attached.names.keys())
    }
}

/// Whether a node's word about its links ends its attachments of this age: it comes from a later
/// run, or says good-bye.
fn ends(adjacency: &Adjacency, attachments: Age) -> bool {
    let (now, then) = (adjacency.age.incarnation, attachments.incarnation);
    now > then || (now == then && adjacency.leaving)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::link_state::{Adjacent, AttachmentKind};

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    fn client(name: &str) -> ClientName {
        ClientName::from_identity(name.as_bytes())
    }

    fn age(incarnation: u64, sequence: u64) -> Age {
        Age { incarnation, sequence }
    }

    fn adjacency(origin: &str, age: Age, links: &[(&str, u32)]) -> Record {
        let links = links.iter().map(|(to, cost)| Adjacent { node: node(to), cost: *cost });
        Record::Adjacency(Adjacency {
            origin: node(origin),
            age,
            links: links.collect(),
            leaving: false,
        })
    }

    fn attachments(
        origin: &str,
        age: Age,
        since: Option<u64>,
        added: &[&str],
        removed: &[&str],
    ) -> Record {
        let attachment =
            |name: &&str| Attachment { name: client(name), kind: AttachmentKind::Client, since: 0 };
        Record::Attachments(Attachments {
            origin: node(origin),
            age,
            since,
            added: added.iter().map(attachment).collect(),
            removed: removed.iter().map(|name| client(name)).collect(),
        })
    }

    #[test]
    fn a_link_counts_only_if_both_ends_report_it() {
        let mut database = Database::default();
        database.install(&adjacency("a", age(1, 1), &[("b", 10)]));
        assert_eq!(database.links(), []);
        database.install(&adjacency("b", age(1, 1), &[("a", 12)]));
        assert_eq!(database.links(), [(LinkName::parse("a--b").unwrap(), 12)]);
    }

    #[test]
    fn the_older_word_is_ignored_and_a_repeat_is_old() {
        let mut database = Database::default();
        assert_eq!(database.install(&adjacency("a", age(2, 5), &[])), Installed::Links);
        for old in [age(2, 5), age(2, 4), age(1, 99)] {
            assert_eq!(database.install(&adjacency("a", old, &[("b", 1)])), Installed::Old);
        }
    }

    #[test]
    fn a_change_needs_what_it_changes() {
        let mut database = Database::default();
        let whole = attachments("a", age(1, 3), None, &["x", "y"], &[]);
        assert_eq!(
            database.install(&attachments("a", age(1, 4), Some(3), &[], &["x"])),
            Installed::Gap
        );
        assert_eq!(database.install(&whole), Installed::Names(vec![client("x"), client("y")]));
        assert_eq!(
            database.install(&attachments("a", age(1, 4), Some(3), &["z"], &["x"])),
            Installed::Names(vec![client("z")])
        );
        assert_eq!(
            database.install(&attachments("a", age(1, 6), Some(5), &[], &[])),
            Installed::Gap
        );
        let names: Vec<_> = database.names(&node("a")).map(ClientName::as_str).collect();
        assert_eq!(names, ["y", "z"]);
    }

    #[test]
    fn changes_are_told_together_as_long_as_they_are_remembered() {
        let mut database = Database::default();
        database.install(&attachments("a", age(1, 1), None, &["x"], &[]));
        database.install(&attachments("a", age(1, 2), Some(1), &["y"], &[]));
        database.install(&attachments("a", age(1, 3), Some(2), &["z"], &["x"]));
        database.install(&attachments("a", age(1, 4), Some(3), &[], &["y"]));
        let since = |database: &Database, sequence| {
            let news = News { links: false, names: Names::Since(age(1, sequence)) };
            database.news(&node("a"), news)
        };
        assert_eq!(
            since(&database, 1),
            [attachments("a", age(1, 4), Some(1), &["z"], &["x", "y"])]
        );
        assert_eq!(since(&database, 3), [attachments("a", age(1, 4), Some(3), &[], &["y"])]);
        for sequence in 5..200 {
            let change = attachments("a", age(1, sequence), Some(sequence - 1), &["w"], &[]);
            database.install(&change);
        }
        assert_eq!(since(&database, 3), [attachments("a", age(1, 199), None, &["w", "z"], &[])]);
    }

    #[test]
    fn a_rebooted_node_takes_its_old_names_along() {
        let mut database = Database::default();
        database.install(&attachments("a", age(1, 1), None, &["x"], &[]));
        database.install(&adjacency("a", age(2, 1), &[]));
        assert_eq!(database.names(&node("a")).count(), 0);
        let late = attachments("a", age(1, 2), None, &["x"], &[]);
        assert_eq!(database.install(&late), Installed::Old);
    }

    #[test]
    fn a_node_that_leaves_takes_its_names_along_whatever_their_sequence() {
        let mut database = Database::default();
        database.install(&attachments("a", age(1, 9), None, &["x"], &[]));
        let Record::Adjacency(word) = adjacency("a", age(1, 2), &[]) else {
            unreachable!();
        };
        database.install(&Record::Adjacency(Adjacency { leaving: true, ..word }));
        assert_eq!(database.names(&node("a")).count(), 0);
        assert_eq!(database.nodes().count(), 0);
        let late = attachments("a", age(1, 10), None, &["x"], &[]);
        assert_eq!(database.install(&late), Installed::Old);
        let again = attachments("a", age(2, 1), None, &["x"], &[]);
        assert_eq!(database.install(&again), Installed::Names(vec![client("x")]));
    }

    #[test]
    fn everything_rebuilds_the_same_database() {
        let mut database = Database::default();
        database.install(&adjacency("a", age(1, 1), &[("b", 10)]));
        database.install(&adjacency("b", age(1, 1), &[("a", 10)]));
        database.install(&attachments("a", age(1, 1), None, &["x"], &[]));
        let everything = |database: &Database| {
            let all = News { links: true, names: Names::Whole };
            database.origins().flat_map(|it| database.news(it, all)).collect::<Vec<_>>()
        };
        let mut copy = Database::default();
        for record in everything(&database) {
            assert_ne!(copy.install(&record), Installed::Old);
        }
        assert_eq!(everything(&copy), everything(&database));
    }

    /// Scenario 60.
    #[test]
    fn a_neighbour_that_is_said_twice_is_one_and_a_lie_of_many_costs_little() {
        const MANY: usize = 300_000;
        let many = |other, last| {
            let mut links = vec![(other, 7); MANY];
            links.push((last, 9));
            links
        };
        let mut database = Database::default();
        database.install(&adjacency("x", age(1, 1), &many("y", "zz")));
        database.install(&adjacency("y", age(1, 1), &many("zz", "x")));
        let one = LinkName::new(node("x"), node("y")).unwrap();
        assert_eq!(database.links(), [(one, 9)]);
    }
}
