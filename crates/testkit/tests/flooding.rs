//! Link state: every node comes to know the same, whatever happens on the way.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::{Graph, StaticRoutes, Table, TableInput};
use hopline_mesh::wire::link_state::{
    Adjacency, Age, Attachment, AttachmentKind, Attachments, Flood, Record,
};
use hopline_mesh::wire::{Kind, Prefix};
use hopline_testkit::simulation::{ClientId, Simulation, for_each_seed};

const LIMIT: Duration = Duration::from_secs(120);
const NODES: [&str; 5] = ["a", "b", "c", "d", "e"];
const LINKS: [(&str, &str, u32); 7] = [
    ("a", "b", 10),
    ("b", "c", 10),
    ("c", "d", 5),
    ("d", "e", 10),
    ("e", "a", 10),
    ("b", "e", 10),
    ("a", "c", 25),
];

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn client(name: &str) -> ClientName {
    ClientName::from_identity(name.as_bytes())
}

fn five(seed: u64) -> Simulation {
    Simulation::of(seed, &LINKS)
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
    mesh.assert_tables_equal_pure();
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(index);
        for mut order in permutations(&rest) {
            order.insert(0, *first);
            all.push(order);
        }
    }
    all
}

/// Scenario 15: five nodes, all 120 orders.
#[test]
fn scenario_15_all_start_orders_give_the_same_tables() {
    let mut tables = BTreeSet::new();
    for (seed, order) in (0..).zip(permutations(&[0, 1, 2, 3, 4])) {
        let mut mesh = five(seed);
        for n in order {
            mesh.start(NODES[n]);
            mesh.attach(NODES[n], Some(NODES[n].to_uppercase().as_bytes()));
            let pause = mesh.rng().u64(0..5_000);
            mesh.run_for(Duration::from_micros(pause));
        }
        quiet(&mut mesh);
        let table = NODES.map(|name| format!("{:?}", mesh.routes(name).unwrap()));
        tables.insert(table);
    }
    assert_eq!(tables.len(), 1);
}

/// Scenario 44: a node comes back without the clients that it had, and nobody knows their names any more.
#[test]
fn scenario_44_a_restarted_node_drops_its_old_names_at_once() {
    for_each_seed(20, |seed| {
        let mut mesh = five(seed);
        mesh.start_all();
        mesh.attach("d", Some(b"old"));
        quiet(&mut mesh);
        mesh.kill("d");
        let pause = mesh.rng().u64(0..3_000);
        mesh.run_for(Duration::from_micros(pause));
        mesh.start("d");
        quiet(&mut mesh);
        for name in NODES {
            let routes = mesh.routes(name).unwrap();
            assert!(routes.iter().all(|line| line.destination != "old"));
            assert_eq!(mesh.status(name).unwrap().reachable.len(), 5);
        }
    });
}

#[test]
fn a_node_whose_clock_went_back_jumps_over_its_earlier_run() {
    for_each_seed(20, |seed| {
        let mut mesh = five(seed);
        mesh.start_all();
        mesh.attach("d", Some(b"old"));
        quiet(&mut mesh);
        let before = mesh.status("d").unwrap().incarnation;
        mesh.kill("d");
        quiet(&mut mesh);
        mesh.start_as("d", 5);
        mesh.attach("d", Some(b"new"));
        quiet(&mut mesh);
        assert!(mesh.status("d").unwrap().incarnation > before);
        for name in NODES {
            let routes = mesh.routes(name).unwrap();
            assert!(routes.iter().all(|line| line.destination != "old"));
            assert!(routes.iter().any(|line| line.destination == "new"));
            assert_eq!(mesh.status(name).unwrap().reachable.len(), 5);
        }
    });
}

fn flood(records: Vec<Record>) -> Vec<Bytes> {
    let flood = Flood { number: 0, records };
    vec![Prefix::new(Kind::LinkState).write(), Bytes::new(), flood.write()]
}

/// Scenario 48.
#[test]
fn scenario_48_the_word_of_an_earlier_run_is_ignored() {
    let mut mesh = five(1);
    mesh.start_all();
    mesh.attach("d", Some(b"dora"));
    quiet(&mut mesh);
    let before = mesh.routes("a").unwrap();
    let age = Age { incarnation: 2, sequence: 1_000 };
    let replay = vec![
        Record::Adjacency(Adjacency { origin: node("d"), age, links: Vec::new(), leaving: false }),
        Record::Adjacency(Adjacency { origin: node("d"), age, links: Vec::new(), leaving: true }),
        Record::Attachments(Attachments {
            origin: node("d"),
            age,
            since: None,
            added: vec![Attachment {
                name: client("ghost"),
                kind: AttachmentKind::Client,
                since: 0,
            }],
            removed: Vec::new(),
        }),
    ];
    mesh.inject("b", "a", flood(replay));
    quiet(&mut mesh);
    assert_eq!(mesh.routes("a").unwrap(), before);
}

#[test]
fn a_node_that_hears_itself_newer_jumps_over_it() {
    for incarnation in [1 << 44, Age::END - 2, Age::END - 1] {
        let (mut mesh, answers) = five_told_of_d(Age { incarnation, sequence: 7 });
        assert!(mesh.converged());
        assert!(mesh.status("d").unwrap().incarnation > incarnation.min(Age::END - 2));
        assert!(answers.is_empty(), "{incarnation}: {answers:?}");
        quiet(&mut mesh);
    }
}

#[test]
fn an_age_that_no_node_can_have_is_not_believed() {
    for (incarnation, sequence) in
        [(Age::END, 1), (u64::MAX, 1), (u64::MAX, u64::MAX), (1 << 44, Age::END)]
    {
        let (mesh, answers) = five_told_of_d(Age { incarnation, sequence });
        assert!(mesh.converged());
        assert!(mesh.status("d").unwrap().incarnation < 1 << 44);
        assert_eq!(mesh.count("a", "age out of range"), 1);
        assert!(answers.is_empty(), "{answers:?}");
    }
}

/// A mesh in which one node was told, of another, that it has no links, as if that were so old; and what somebody is
/// answered who writes to a client there.
fn five_told_of_d(age: Age) -> (Simulation, Vec<Vec<Bytes>>) {
    let mut mesh = five(1);
    mesh.start_all();
    mesh.attach("d", Some(b"dora"));
    quiet(&mut mesh);
    let lie = Adjacency { origin: node("d"), age, links: Vec::new(), leaving: false };
    mesh.inject("b", "a", flood(vec![Record::Adjacency(lie)]));
    assert!(mesh.run_until_quiet(LIMIT));
    let honest = mesh.attach("a", Some(b"anna"));
    mesh.send_text(honest, r#"{"destination":"dora"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    let answers = mesh.take(honest);
    (mesh, answers)
}

#[test]
fn a_change_to_what_is_not_known_is_asked_for_whole() {
    let mut mesh = five(1);
    mesh.start_all();
    mesh.attach("d", Some(b"dora"));
    quiet(&mut mesh);
    let before = mesh.routes("a").unwrap();
    let age = Age { incarnation: mesh.status("d").unwrap().incarnation, sequence: 50 };
    let change = Attachments {
        origin: node("d"),
        age,
        since: Some(49),
        added: Vec::new(),
        removed: vec![client("dora")],
    };
    mesh.inject("b", "a", flood(vec![Record::Attachments(change)]));
    quiet(&mut mesh);
    assert_eq!(mesh.routes("a").unwrap(), before);
    mesh.attach("d", Some(b"doug"));
    quiet(&mut mesh);
    assert!(mesh.routes("a").unwrap().iter().any(|line| line.destination == "doug"));
}

#[test]
fn a_neighbour_that_cannot_keep_up_is_told_everything_in_the_end() {
    for_each_seed(2, |seed| {
        let mut mesh = five(seed);
        mesh.start_all();
        quiet(&mut mesh);
        let many: Vec<_> =
            (0..400).map(|n| mesh.attach("d", Some(format!("many-{n}").as_bytes()))).collect();
        quiet(&mut mesh);
        let known = |mesh: &Simulation| {
            let routes = mesh.routes("a").unwrap();
            routes.iter().filter(|line| line.destination.starts_with("many")).count()
        };
        assert_eq!(known(&mesh), 400);
        for client in many.into_iter().skip(1) {
            mesh.detach(client);
        }
        quiet(&mut mesh);
        assert_eq!(known(&mesh), 1);
    });
}

#[test]
fn a_node_that_leaves_is_forgotten_at_once() {
    for_each_seed(20, |seed| {
        let mut mesh = five(seed);
        mesh.start_all();
        quiet(&mut mesh);
        for name in ["dora", "doug", "dan", "dot", "di"] {
            mesh.attach("d", Some(name.as_bytes()));
        }
        quiet(&mut mesh);
        mesh.stop("d");
        quiet(&mut mesh);
        for name in ["a", "b", "c", "e"] {
            let routes = mesh.routes(name).unwrap();
            let of_d = routes.iter().filter(|line| line.destination.starts_with('d'));
            assert_eq!(of_d.count(), 0, "at {name}");
        }
        mesh.start("d");
        mesh.attach("d", Some(b"dora"));
        quiet(&mut mesh);
        assert!(mesh.routes("a").unwrap().iter().any(|line| line.destination == "dora"));
    });
}

/// What is left after a storm, as the test itself kept count of it.
struct Left {
    up: BTreeSet<&'static str>,
    cut: BTreeSet<(&'static str, &'static str)>,
    clients: BTreeMap<ClientId, (&'static str, String)>,
}

impl Left {
    fn graph(&self) -> Graph {
        let links = LINKS.iter().filter(|&&(a, b, _)| {
            self.up.contains(a) && self.up.contains(b) && !self.cut.contains(&(a, b))
        });
        let links = links.map(|&(a, b, cost)| (LinkName::new(node(a), node(b)).unwrap(), cost));
        Graph::new(self.up.iter().map(|name| node(name)), links)
    }

    fn is_what_all_nodes_know(&self, mesh: &Simulation) {
        let graph = self.graph();
        let statics = StaticRoutes::new();
        for name in &self.up {
            let table = Table::build(&TableInput {
                me: &node(name),
                graph: &graph,
                upstreams: &[],
                statics: &statics,
                hop_limit: 64,
            });
            let status = mesh.status(name).unwrap();
            let mut reachable: Vec<_> = table.iter().map(|(node, _)| node.clone()).collect();
            reachable.push(node(name));
            reachable.sort();
            assert_eq!(status.reachable, reachable, "at {name}");
            let lines = mesh.routes(name).unwrap();
            for (to, hop) in table.iter() {
                let line = lines.iter().find(|line| line.destination == to.as_str()).unwrap();
                assert_eq!(line.next_hop.as_deref(), Some(hop.neighbour.as_str()));
                assert_eq!((line.cost, line.hops), (Some(hop.cost), Some(hop.hops)));
            }
            let here = |at: &str| table.reaches(&node(at));
            let mut expected: Vec<_> = self
                .clients
                .values()
                .filter(|(at, client)| here(at) && !client.starts_with("shared"))
                .map(|(at, client)| (client.clone(), format!("attached at {at}")))
                .collect();
            expected.sort();
            let in_reach = |origin: &str| origin.strip_prefix("attached at ").is_some_and(here);
            let attached = lines.iter().filter(|line| in_reach(&line.origin));
            let (shared, mut own): (Vec<_>, Vec<_>) = attached
                .map(|line| (line.destination.clone(), line.origin.clone()))
                .partition(|(client, _)| client.starts_with("shared"));
            own.sort();
            assert_eq!(own, expected, "at {name}");
            let claimed: BTreeSet<_> = self
                .clients
                .values()
                .filter(|(at, client)| here(at) && client.starts_with("shared"))
                .map(|(_, client)| client.clone())
                .collect();
            let held: Vec<_> = shared.into_iter().map(|(client, _)| client).collect();
            let mut once = held.clone();
            once.sort();
            assert_eq!(once, claimed.into_iter().collect::<Vec<_>>(), "one holder each, at {name}");
        }
    }
}

#[test]
fn after_a_storm_every_table_is_the_pure_one_of_what_is_left() {
    for_each_seed(40, |seed| {
        let mut mesh = five(seed);
        mesh.start_all();
        let mut left = Left {
            up: NODES.into_iter().collect(),
            cut: BTreeSet::new(),
            clients: BTreeMap::new(),
        };
        for round in 0..3 {
            for step in 0..25 {
                let (a, b, _) = LINKS[mesh.rng().usize(0..LINKS.len())];
                let name = NODES[mesh.rng().usize(0..NODES.len())];
                let both = left.up.contains(a) && left.up.contains(b);
                match mesh.rng().u8(0..10) {
                    0 | 1 if both && left.cut.insert((a, b)) => mesh.cut(a, b),
                    2 | 3 if both && left.cut.remove(&(a, b)) => mesh.heal(a, b),
                    4 => mesh.break_link(a, b),
                    5 if left.up.remove(name) => {
                        if mesh.rng().bool() {
                            mesh.kill(name);
                        } else {
                            mesh.stop(name);
                        }
                        left.clients.retain(|_, (at, _)| *at != name);
                        // A cut is the node's own affair and ends with it.
                        for (a, b) in left.cut.clone() {
                            if a == name || b == name {
                                left.cut.remove(&(a, b));
                                let other = if a == name { b } else { a };
                                if left.up.contains(other) {
                                    let heal = hopline_mesh::brain::Command::Heal(node(name));
                                    mesh.command(other, heal);
                                }
                            }
                        }
                    }
                    6 if left.up.insert(name) => mesh.start(name),
                    7 | 8 if left.up.contains(name) => {
                        let client = if mesh.rng().bool() {
                            format!("shared-{}", mesh.rng().u8(0..3))
                        } else {
                            format!("own-{round}-{step}")
                        };
                        let id = mesh.attach(name, Some(client.as_bytes()));
                        left.clients.insert(id, (name, client));
                    }
                    9 => {
                        let clients: Vec<_> = left.clients.keys().copied().collect();
                        if let Some(id) = mesh.rng().choice(clients) {
                            mesh.detach(id);
                            left.clients.remove(&id);
                        }
                    }
                    _ => {}
                }
                let pause = mesh.rng().u64(0..20_000);
                mesh.run_for(Duration::from_micros(pause));
            }
            quiet(&mut mesh);
            left.is_what_all_nodes_know(&mesh);
        }
    });
}
