//! Links and nodes that fail, and where the messages go.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hopline_mesh::brain::ServiceConfig;
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_testkit::simulation::{
    ClientId, Faults, Simulation, config, dials, for_each_seed, listens,
};

use crate::traffic::{Traffic, millis, rest, way};

/// Four nodes: from `a` to `b` it is cheapest by `d` and `c`, then by `d`, then by `c`, then at once.
const FOUR: [(&str, &str, u32); 6] =
    [("a", "d", 1), ("d", "c", 1), ("c", "b", 1), ("d", "b", 5), ("a", "c", 8), ("a", "b", 20)];

/// The four at rest, watched for loops, with `alice` at `a` and `bob` at `b`.
fn four(seed: u64, faults: Faults) -> (Simulation, ClientId, ClientId) {
    let mut mesh = Simulation::of(seed, &FOUR);
    mesh.set_faults(faults);
    mesh.watch_for_loops();
    mesh.start_all();
    rest(&mut mesh);
    let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
    rest(&mut mesh);
    (mesh, alice, bob)
}

/// Scenarios 26 and 27: the links that the messages take are severed one after the other while messages are under
/// way. Each message is delivered once or told; the links that are severed stay so.
#[test]
fn scenario_26_27_messages_move_from_link_to_link_and_none_is_unknown() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = four(seed, Faults::FAR);
        let mut traffic = Traffic::new(&[alice, bob], &[alice, bob]);
        let ways = [(None, "a-d-c-b"), (Some(("c", "d")), "a-d-b"), (Some(("b", "d")), "a-c-b")];
        for (severed, expected) in ways.into_iter().chain([(Some(("b", "c")), "a-b")]) {
            if let Some((x, y)) = severed {
                mesh.cut(x, y);
            }
            for _ in 0..12 {
                traffic.send(&mut mesh, "bob", 10);
                traffic.send(&mut mesh, "alice", 10);
                let pause = mesh.rng().u64(0..50);
                mesh.run_for(millis(pause));
            }
            assert_eq!(way(&mut mesh, "a", "bob").unwrap().join("-"), expected);
            // And messages are under way again when the next link goes.
            traffic.send(&mut mesh, "bob", 10);
            let pause = mesh.rng().u64(0..40);
            mesh.run_for(millis(pause));
        }
        rest(&mut mesh);
        mesh.run_for(millis(60_000));
        assert!(
            !mesh.is_linked("c", "d") && !mesh.is_linked("b", "d") && !mesh.is_linked("b", "c")
        );
        let fates = traffic.assert_accounted(&mesh);
        assert!(fates.delivered.len() as u64 > traffic.sent() / 2, "most arrive");
    });
}

/// Scenario 27, where connections break instead of being severed, one after the other, again and again: what is in
/// doubt is told, and the word of it finds its way.
#[test]
fn scenario_27_none_is_unknown_while_connections_break() {
    for_each_seed(12, |seed| {
        let (mut mesh, alice, bob) = four(seed, Faults::FAR);
        let mut traffic = Traffic::new(&[alice], &[bob]);
        for _ in 0..60 {
            traffic.send(&mut mesh, "bob", 10);
            let pause = mesh.rng().u64(150..250);
            mesh.run_for(millis(pause));
            traffic.send(&mut mesh, "bob", 10);
            let pause = mesh.rng().u64(0..40);
            mesh.run_for(millis(pause));
            let (x, y, _) = FOUR[mesh.rng().usize(0..FOUR.len())];
            mesh.break_link(x, y);
        }
        rest(&mut mesh);
        traffic.assert_accounted(&mesh);
    });
}

/// Scenario 27: the word that a message is in doubt is on its way when its own link breaks too. It takes another.
#[test]
fn scenario_27_the_word_of_what_is_in_doubt_takes_another_way_where_its_own_breaks() {
    for_each_seed(60, |seed| {
        let (mut mesh, alice, bob) = four(seed, Faults::FAR);
        let mut traffic = Traffic::new(&[alice], &[bob]);
        traffic.send(&mut mesh, "bob", 10);
        let pause = mesh.rng().u64(5..60);
        mesh.run_for(millis(pause));
        mesh.break_link("c", "d");
        let pause = mesh.rng().u64(0..20);
        mesh.run_for(millis(pause));
        mesh.break_link("a", "d");
        rest(&mut mesh);
        traffic.assert_accounted(&mesh);
    });
}

/// Scenario 27: all links of a node break at once, and it has words for senders whom it does not reach just then. They
/// wait for the first link that comes back.
#[test]
fn scenario_27_the_word_of_what_is_in_doubt_waits_where_no_link_is_left() {
    let waited = AtomicU64::new(0);
    for_each_seed(60, |seed| {
        let (mut mesh, alice, bob) = four(seed, Faults::FAR);
        let mut traffic = Traffic::new(&[alice], &[bob]);
        traffic.send(&mut mesh, "bob", 10);
        let pause = mesh.rng().u64(5..80);
        mesh.run_for(millis(pause));
        for (x, y) in [("b", "c"), ("c", "d"), ("a", "c")] {
            mesh.break_link(x, y);
        }
        for _ in 0..60 {
            mesh.run_for(millis(1));
            waited.fetch_add(mesh.status("c").unwrap().waiting, Ordering::Relaxed);
        }
        rest(&mut mesh);
        traffic.assert_accounted(&mesh);
        let statuses = ["a", "b", "c", "d"].map(|node| mesh.status(node).unwrap());
        assert!(statuses.iter().all(|status| status.waiting == 0));
    });
    assert!(waited.into_inner() > 0, "no word had to wait");
}

/// Scenario 28: a link that no message needs goes while they are under way: all arrive, by the same way.
#[test]
fn scenario_28_a_link_that_is_not_needed_is_not_missed() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = four(seed, Faults::default());
        let mut traffic = Traffic::new(&[alice], &[bob]);
        for (x, y) in [("a", "b"), ("a", "c"), ("d", "b")] {
            for step in 0..20 {
                traffic.send(&mut mesh, "bob", 3);
                if step == 7 {
                    mesh.cut(x, y);
                }
                let pause = mesh.rng().u64(0..4);
                mesh.run_for(millis(pause));
            }
        }
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        assert!(fates.told.is_empty(), "{:?}", fates.told);
        assert!(fates.delivered.values().all(|paths| paths[0].join("-") == "a-d-c-b"));
    });
}

/// How many other nodes each of these reaches.
fn reached(mesh: &Simulation, nodes: &[&str]) -> Vec<usize> {
    let routes = |node: &&str| mesh.routes(node).unwrap().into_iter();
    nodes.iter().map(|node| routes(node).filter(|line| line.origin == "computed").count()).collect()
}

/// Scenario 29: the node between two others stops or is killed, and comes back.
#[test]
fn scenario_29_the_node_in_the_middle_takes_all_ways_along_and_brings_them_back() {
    for_each_seed(30, |seed| {
        let mut mesh = Simulation::of(seed, &[("s1", "t1", 10), ("s2", "t1", 10)]);
        mesh.start_all();
        rest(&mut mesh);
        assert_eq!(reached(&mesh, &["s1", "t1", "s2"]), [2, 2, 2]);
        let (one, two) = (mesh.attach("s1", Some(b"one")), mesh.attach("s2", Some(b"two")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[one], &[two]);
        for round in 0..4 {
            if mesh.rng().bool() {
                mesh.kill("t1")
            } else {
                mesh.stop("t1")
            }
            rest(&mut mesh);
            assert_eq!(reached(&mesh, &["s1", "s2"]), [0, 0]);
            traffic.send(&mut mesh, "two", 1);
            rest(&mut mesh);
            mesh.start("t1");
            rest(&mut mesh);
            assert_eq!(reached(&mesh, &["s1", "t1", "s2"]), [2, 2, 2]);
            traffic.send(&mut mesh, "two", 1);
            rest(&mut mesh);
            let fates = traffic.assert_accounted(&mesh);
            let path = vec!["s1", "t1", "s2"];
            assert_eq!(fates.delivered[&(2 * round + 1)], [path]);
            assert_eq!(fates.told.len() as u64, round + 1);
        }
    });
}

/// Scenario 30: the node at the edge goes with its clients, and comes back without them, until they come too.
#[test]
fn scenario_30_a_node_at_the_edge_comes_back_without_its_clients() {
    for_each_seed(30, |seed| {
        let mut mesh = Simulation::of(seed, &[("s1", "t1", 10), ("s2", "t1", 10)]);
        mesh.start_all();
        mesh.attach("s2", Some(b"two"));
        rest(&mut mesh);
        for _ in 0..4 {
            assert_eq!(way(&mut mesh, "s1", "two").unwrap(), ["s1", "t1", "s2"]);
            if mesh.rng().bool() {
                mesh.kill("s2")
            } else {
                mesh.stop("s2")
            }
            rest(&mut mesh);
            assert_eq!(reached(&mesh, &["s1", "t1"]), [1, 1]);
            assert_eq!(way(&mut mesh, "s1", "two"), None);
            mesh.start("s2");
            rest(&mut mesh);
            assert_eq!(reached(&mesh, &["s1", "t1", "s2"]), [2, 2, 2]);
            assert_eq!(way(&mut mesh, "s1", "two"), None, "its name went with it");
            mesh.attach("s2", Some(b"two"));
            rest(&mut mesh);
        }
    });
}

/// Scenario 33: of two who share a name one goes while both have work under way, with its node or without: nothing hangs, and
/// the other gets all from then on.
#[test]
fn scenario_33_what_one_of_two_workers_would_get_goes_to_the_other_once_it_is_gone() {
    for_each_seed(30, |seed| {
        let mut mesh = Simulation::new(seed);
        let work = ClientName::from_identity(b"work");
        for (name, links) in [
            ("a", vec![listens("w1", 10), listens("w2", 10)]),
            ("w1", vec![dials("a", 10)]),
            ("w2", vec![dials("a", 10)]),
        ] {
            let at = ["w1", "w2"].map(|node| NodeName::parse(node).unwrap()).into();
            let service = ServiceConfig { at, policy: Policy::Balanced };
            let mut config = config(name, links);
            config.settings.services = [(work.clone(), service)].into();
            mesh.add(config);
        }
        mesh.start_all();
        let boss = mesh.attach("a", Some(b"boss"));
        let workers = [mesh.attach("w1", Some(b"work")), mesh.attach("w2", Some(b"work"))];
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[boss], &workers);
        traffic.send(&mut mesh, "work", 40);
        rest(&mut mesh);
        let shares = workers.map(|worker| mesh.handed(worker).len());
        assert!(shares.iter().all(|share| *share > 5), "{shares:?}");
        // While there is work under way for both, of which none hangs.
        for step in 0..40 {
            traffic.send(&mut mesh, "work", 1);
            match (step, seed % 3) {
                (20, 0) => mesh.kill("w2"),
                (20, 1) => mesh.detach(workers[1]),
                (20, _) => mesh.break_client(workers[1]),
                _ => {}
            }
            mesh.run_for(Duration::from_micros(200));
        }
        rest(&mut mesh);
        let told = traffic.assert_accounted(&mesh).told.len();
        assert!(told <= 20, "{told} of 40 came back");
        let first = mesh.handed(workers[0]).len();
        traffic.send(&mut mesh, "work", 40);
        rest(&mut mesh);
        assert_eq!(traffic.assert_accounted(&mesh).told.len(), told, "its share came back");
        assert_eq!(mesh.handed(workers[0]).len(), first + 40);
    });
}

/// Scenario 36: two nodes that came to know each other's ways by a third go on without it, undisturbed.
#[test]
fn scenario_36_two_neighbours_go_on_without_the_third() {
    for_each_seed(20, |seed| {
        let mut mesh = Simulation::of(seed, &[("a", "hub", 10), ("b", "hub", 10), ("a", "b", 30)]);
        mesh.watch_for_loops();
        mesh.start("hub");
        mesh.start("a");
        mesh.start("b");
        rest(&mut mesh);
        let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
        rest(&mut mesh);
        assert_eq!(way(&mut mesh, "a", "bob").unwrap(), ["a", "hub", "b"]);
        mesh.kill("hub");
        rest(&mut mesh);
        let ups = mesh.events("a").len();
        let mut traffic = Traffic::new(&[alice], &[bob]);
        traffic.send(&mut mesh, "bob", 20);
        mesh.run_for(millis(60_000));
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        assert!(fates.delivered.values().all(|paths| paths[0] == ["a", "b"]));
        assert_eq!((fates.delivered.len(), mesh.events("a").len()), (20, ups));
    });
}
