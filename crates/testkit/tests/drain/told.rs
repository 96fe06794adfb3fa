//! What clients of a node that leaves have sent, and what comes back of it when its receivers go meanwhile, behind slow links:
//! the node stays until they have been told.

use std::time::Duration;

use hopline_mesh::brain::{Command, Impairment, Window};
use hopline_mesh::wire::Class;
use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, listens};

use crate::LEAVES;
use crate::diamond::LIMIT;
use crate::sender::Sender;

/// What else goes when `a` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// The client that receives.
    Client,
    /// Its node, as all its links break.
    Links,
    /// Its node, which leaves as well.
    Node,
    /// All nodes leave.
    Mesh,
}

const ALL: [Goes; 4] = [Goes::Client, Goes::Links, Goes::Node, Goes::Mesh];

/// `a` leaves with a backlog of many seconds for `d`, and then something else does.
fn leaves_first(seed: u64, links: &[(&str, &str, u32)], goes: Goes, rate: u64) {
    let mut mesh = Simulation::of(seed, links);
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let dave = mesh.attach_native("d", Some("dave"));
    let alan = mesh.attach_native("a", Some("alan"));
    let mut senders = vec![
        (Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce), dave),
        (Sender::new(&mut mesh, "d", "dora", "alan", Class::AtMostOnce), alan),
    ];
    let slow = Impairment { bytes_per_second: Some(rate), ..Impairment::default() };
    let ends = links.iter().flat_map(|(a, b, _)| [(*a, *b), (*b, *a)]);
    ends.for_each(|(from, to)| mesh.impair(from, to, slow));
    let mut nodes: Vec<&str> = links.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut leaving = vec!["a"];
    for _ in 0..1_500 {
        for (sender, _) in &mut senders {
            sender.send_of(&mut mesh, 1_000);
        }
        mesh.run_for(Duration::from_millis(2));
    }
    mesh.command("a", Command::Retire { within: LEAVES });
    let later = mesh.rng().u64(0..1_500);
    match goes {
        Goes::Client | Goes::Links => mesh.run_for(Duration::from_millis(later)),
        Goes::Node => leaving.push("d"),
        Goes::Mesh => leaving = nodes,
    }
    for node in &leaving[1..] {
        mesh.command(node, Command::Retire { within: LEAVES });
    }
    match goes {
        Goes::Client => mesh.detach(dave),
        Goes::Links => {
            let of_d = links.iter().filter(|(a, b, _)| [*a, *b].contains(&"d"));
            of_d.for_each(|(a, b, _)| mesh.cut(a, b));
        }
        Goes::Node | Goes::Mesh => {}
    }
    while !leaving.is_empty() {
        mesh.run_for(Duration::from_millis(1));
        leaving.retain(|node| {
            let has_left = mesh.has_left(node);
            if has_left {
                mesh.end(node);
            }
            !has_left
        });
        assert!(mesh.elapsed() < Duration::from_secs(100), "it never leaves: {leaving:?}");
    }
    mesh.run_for(Duration::from_secs(70));
    for ((sender, receiver), name) in senders.iter_mut().zip(["alice", "dora"]) {
        sender.hear(&mut mesh);
        sender.assert_none_unknown(&mesh, *receiver, name);
    }
    let alice = &senders[0].0;
    assert!(!alice.told.is_empty(), "all had arrived before");
}

#[test]
fn a_node_leaves_when_its_clients_have_been_told() {
    let links = [("b", "a", 10), ("b", "d", 10)];
    for goes in ALL {
        for_each_seed(6, |seed| {
            leaves_first(seed, &links, goes, [110_000, 180_000][seed as usize % 2])
        });
    }
}

#[test]
fn a_node_leaves_when_its_clients_have_been_told_from_afar() {
    let links = [("b", "a", 10), ("b", "c", 10), ("c", "d", 10)];
    for goes in ALL {
        for_each_seed(6, |seed| {
            leaves_first(seed, &links, goes, [110_000, 180_000][seed as usize % 2])
        });
    }
}

/// What a client is to be told, and has no room for because it does not read, is waited for.
#[test]
fn a_node_leaves_when_its_clients_have_read_what_they_are_told() {
    let mut mesh = Simulation::new(1);
    let mut near = config("a", [dials("b", 10)]);
    near.settings.queue = Window { messages: 16, bytes: 1 << 20 };
    mesh.add(near);
    mesh.add(config("b", [listens("a", 10)]));
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let mut alice = Sender::new(&mut mesh, "a", "alice", "nobody", Class::AtMostOnce);
    mesh.run_for(Duration::from_millis(100));
    alice.stall(&mut mesh, true);
    for _ in 0..100 {
        alice.send(&mut mesh);
    }
    mesh.run_for(Duration::from_millis(100));
    mesh.command("a", Command::Retire { within: LEAVES });
    mesh.run_for(Duration::from_secs(5));
    assert!(!mesh.has_left("a"), "she has not read all of it");
    alice.stall(&mut mesh, false);
    let until = mesh.elapsed() + Duration::from_secs(5);
    while !mesh.has_left("a") {
        mesh.run_for(Duration::from_millis(1));
        assert!(mesh.elapsed() < until, "it never leaves");
    }
    mesh.run_for(Duration::from_millis(10));
    alice.hear(&mut mesh);
    assert_eq!(mesh.count("a", "accepted"), alice.told.len() as u64);
    assert!(alice.told.len() > 16, "{} did not fit in her queue", alice.told.len());
}

/// What a neighbour holds that stands still is known when it goes on: a node that leaves meanwhile waits for that, whether
/// or not there is another way; and where the neighbour never does, not for long.
#[test]
fn a_node_leaves_when_a_neighbour_that_stood_still_has_told_its_clients() {
    let chain = [("b", "a", 10), ("b", "d", 10)];
    let ring = [("b", "a", 10), ("b", "d", 10), ("c", "a", 20), ("c", "d", 20)];
    for links in [&chain[..], &ring] {
        for_each_seed(10, |seed| {
            let mut mesh = Simulation::of(seed, links);
            mesh.start_all();
            assert!(mesh.run_until_quiet(LIMIT));
            let dave = mesh.attach_native("d", Some("dave"));
            let mut alice = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
            mesh.impair(
                "b",
                "d",
                Impairment { bytes_per_second: Some(100_000), ..Impairment::default() },
            );
            for _ in 0..500 {
                alice.send_of(&mut mesh, 1_000);
                mesh.run_for(Duration::from_millis(2));
            }
            mesh.freeze("b");
            mesh.detach(dave);
            let before = mesh.rng().u64(0..3_000);
            mesh.run_for(Duration::from_millis(before));
            mesh.command("a", Command::Retire { within: LEAVES });
            let still = mesh.rng().u64(500..5_000);
            mesh.run_for(Duration::from_millis(still));
            mesh.thaw("b");
            let until = mesh.elapsed() + Duration::from_secs(30);
            while !mesh.has_left("a") {
                mesh.run_for(Duration::from_millis(1));
                assert!(mesh.elapsed() < until, "it never leaves");
            }
            mesh.end("a");
            mesh.run_for(Duration::from_secs(70));
            alice.hear(&mut mesh);
            alice.assert_none_unknown(&mesh, dave, "alice");
        });
    }
}

#[test]
fn a_node_does_not_wait_long_for_a_neighbour_that_goes_on_no_more() {
    let mut mesh = Simulation::of(1, &[("b", "a", 10)]);
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.freeze("b");
    mesh.run_for(Duration::from_secs(5));
    let asked = mesh.elapsed();
    mesh.command("a", Command::Retire { within: LEAVES });
    while !mesh.has_left("a") {
        mesh.run_for(Duration::from_millis(1));
        assert!(mesh.elapsed() < asked + Duration::from_secs(20), "it never leaves");
    }
    // Silent for a second when it is missed, and missed for ten.
    let took = mesh.elapsed() - asked;
    assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&took), "{took:?}");
}
