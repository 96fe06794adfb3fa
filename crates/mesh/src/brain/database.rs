//! Everything a node knows of nodes, links and attachments: each originator's newest word.

use std::collections::BTreeMap;

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
        let fresh = |attachment: &Attachment| (attachment.name.clone(), attachment.clone());
        match (new.since, &mut known.attached) {
            (None, attached) => {
                let names = new.added.iter().map(fresh).collect();
                *attached = Some(Attached { age: new.age, names });
            }
            (Some(since), Some(attached))
                if attached.age == (Age { sequence: since, ..new.age }) =>
            {
                for name in &new.removed {
                    attached.names.remove(name);
                }
                attached.names.extend(new.added.iter().map(fresh));
                attached.age = new.age;
            }
            (Some(_), _) => return Installed::Gap,
        }
        Installed::Names(new.added.iter().map(|attachment| attachment.name.clone()).collect())
    }

    /// Everything known, as a neighbour whose link just came up needs it.
    pub(super) fn everything(&self) -> Vec<Record> {
        self.nodes.keys().flat_map(|origin| self.of(origin)).collect()
    }

    /// Everything known of one node, whole.
    pub(super) fn of(&self, origin: &NodeName) -> Vec<Record> {
        let Some(known) = self.nodes.get(origin) else {
            return Vec::new();
        };
        let adjacency = known.adjacency.clone().map(Record::Adjacency);
        let attached = known.attached.as_ref().map(|attached| {
            Record::Attachments(Attachments {
                origin: origin.clone(),
                age: attached.age,
                since: None,
                added: attached.names.values().cloned().collect(),
                removed: Vec::new(),
            })
        });
        adjacency.into_iter().chain(attached).collect()
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
        let mut copy = Database::default();
        for record in database.everything() {
            assert_ne!(copy.install(&record), Installed::Old);
        }
        assert_eq!(copy.everything(), database.everything());
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
