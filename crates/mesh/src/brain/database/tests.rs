//! What the database keeps of what it is told.

use super::*;
use crate::name::LinkName;
use crate::route::{Graph, StaticRoutes, Table, TableInput};
use crate::wire::link_state::{Adjacent, AttachmentKind, Held, Summary};

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

fn links(database: &Database) -> Vec<(LinkName, u32)> {
    let me = node("me");
    let table = Table::build(&TableInput {
        me: &me,
        graph: &Graph::new([], []),
        upstreams: &[],
        statics: &StaticRoutes::new(),
        hop_limit: 64,
    });
    let graph = Graph::of_reports(database.reports(&BTreeSet::new()), &table);
    graph.links().map(|(link, cost)| (link.clone(), cost)).collect()
}

#[test]
fn a_link_counts_only_if_both_ends_report_it() {
    let mut database = Database::default();
    database.install(&adjacency("a", age(1, 1), &[("b", 10)]));
    assert_eq!(links(&database), []);
    database.install(&adjacency("b", age(1, 1), &[("a", 12)]));
    assert_eq!(links(&database), [(LinkName::parse("a--b").unwrap(), 12)]);
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
    assert_eq!(database.install(&attachments("a", age(1, 6), Some(5), &[], &[])), Installed::Gap);
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
    assert_eq!(since(&database, 1), [attachments("a", age(1, 4), Some(1), &["z"], &["x", "y"])]);
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
        database.nodes.keys().flat_map(|it| database.news(it, all)).collect::<Vec<_>>()
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
    assert_eq!(links(&database), [(one, 9)]);
}

fn held(origin: &str, links: u64, names: u64) -> Held {
    Held { origin: node(origin), links: age(1, links), names: age(1, names) }
}

fn of(ages: &[(&str, u64, u64)]) -> Database {
    let mut database = Database::default();
    for &(origin, links, names) in ages {
        database.install(&adjacency(origin, age(1, links), &[]));
        database.install(&attachments(origin, age(1, names), None, &["x"], &[]));
    }
    database
}

#[test]
fn databases_of_the_same_ages_have_the_same_digest() {
    let one = of(&[("a", 1, 2), ("b", 3, 4)]);
    let other = of(&[("b", 3, 4), ("a", 1, 2)]);
    assert_eq!(one.digest(), other.digest());
    for differing in
        [[("a", 1, 2), ("b", 3, 5)], [("a", 2, 1), ("b", 3, 4)], [("a", 3, 4), ("b", 1, 2)]]
    {
        assert_ne!(of(&differing).digest(), one.digest());
    }
}

#[test]
fn a_comparison_tells_who_is_behind() {
    let now = Duration::ZERO;
    let ours = of(&[("a", 5, 5), ("b", 1, 1), ("c", 2, 2), ("e", 1, 1)]);
    let theirs = of(&[("a", 4, 5), ("b", 1, 2), ("c", 2, 2), ("d", 1, 1)]).summary(now);
    let nothing =
        |origin| Held { origin: node(origin), links: Age::default(), names: Age::default() };
    let both = ours.compare(&theirs, now);
    assert_eq!(both.theirs, [held("a", 4, 5), nothing("e")]);
    assert_eq!(both.ours, [node("b"), node("d")]);
    // What is only a question is not asked back.
    let question = ours.compare(&Summary { whole: false, ..theirs }, now);
    assert_eq!((question.theirs, question.ours), (vec![held("a", 4, 5)], Vec::new()));
}

#[test]
fn who_is_not_reached_counts_no_more_is_told_no_more_and_is_forgotten() {
    let mut database = of(&[("a", 1, 1), ("b", 1, 1)]);
    let second = Duration::from_secs;
    database.reach(second(10), |it| *it == node("a"));
    assert_eq!(database.digest(), of(&[("a", 1, 1)]).digest());
    assert_eq!(database.summary(second(12)).known.len(), 2);
    assert_eq!(database.summary(second(15)).known, [held("a", 1, 1)]);
    database.reach(second(20), |it| *it == node("a"));
    assert_eq!(database.lost(), Some(second(10)));
    assert!(!database.forget(second(9)));
    assert!(database.forget(second(10)));
    assert_eq!((database.nodes().count(), database.lost()), (1, None));
    database.reach(second(30), |_| false);
    database.reach(second(31), |_| true);
    assert_eq!(database.lost(), None);
}
