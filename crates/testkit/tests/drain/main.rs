//! A node that leaves without loss: others route round it first, and whoever is not served any more is told.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

#[path = "../diamond/mod.rs"]
mod diamond;
mod far;
mod sender;
mod slow;
mod told;
mod unheard;

use std::time::Duration;

use hopline_mesh::brain::{Command, Impairment};
use hopline_mesh::wire::Class;
use hopline_testkit::simulation::{Simulation, for_each_seed};

use diamond::{LIMIT, diamond};
use sender::{Sender, last_way};

/// How long a node process has.
const LEAVES: Duration = Duration::from_secs(60);
const WITHIN: Duration = Duration::from_millis(2500);
const LEAVING: &str = "node leaving";

/// Two ways from `a` to `d`: by `b`, which is the better one, and by `c`.
fn mesh(seed: u64) -> Simulation {
    diamond(seed, ["a", "b", "c", "d"])
}

/// Scenario 80: a node that retires under traffic loses nothing, and nobody but its own clients notices.
#[test]
fn scenario_80_a_node_that_retires_under_traffic_loses_nothing() {
    for_each_seed(20, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let bert = mesh.attach_native("b", Some("bert"));
        let mut through = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let mut confirmed = Sender::new(&mut mesh, "a", "anna", "dave", Class::Confirmed);
        let mut there = Sender::new(&mut mesh, "a", "ada", "bert", Class::AtMostOnce);
        let mut from = Sender::new(&mut mesh, "b", "bella", "dave", Class::AtMostOnce);
        let mut kept = Sender::new(&mut mesh, "b", "beth", "dave", Class::Confirmed);
        let mut rounds = 0;
        while !mesh.has_left("b") {
            if rounds == 50 {
                mesh.command("b", Command::Retire { within: WITHIN });
            }
            for sender in [&mut through, &mut confirmed, &mut there] {
                sender.send(&mut mesh);
            }
            for sender in [&mut from, &mut kept] {
                sender.hear(&mut mesh);
                if !sender.is_sent_away() {
                    sender.send(&mut mesh);
                }
            }
            mesh.run_for(Duration::from_millis(1));
            rounds += 1;
            assert!(rounds < 3_000, "it never leaves");
        }
        assert!(rounds < 1_000, "it takes {rounds} ms");
        mesh.end("b");
        for _ in 0..20 {
            through.send(&mut mesh);
            mesh.run_for(Duration::from_millis(1));
        }
        mesh.run_for(Duration::from_secs(5));
        for (sender, receiver, name) in [
            (&mut through, dave, "alice"),
            (&mut confirmed, dave, "anna"),
            (&mut there, bert, "ada"),
            (&mut from, dave, "bella"),
            (&mut kept, dave, "beth"),
        ] {
            sender.hear(&mut mesh);
            sender.assert_nothing_lost(&mesh, receiver, name);
        }
        assert_eq!(last_way(&mesh, dave), ["a", "c", "d"]);
        for passing in [&through, &confirmed] {
            assert_eq!(passing.told, [], "there is another way");
        }
        let only = |sender: &Sender, reason| {
            assert!(sender.told.iter().all(|(_, why)| why == reason), "{:?}", sender.told);
        };
        only(&there, "unknown destination");
        only(&from, LEAVING);
        only(&kept, LEAVING);
        // The one that has left is among those whose counts are summed up.
        mesh.assert_ledger_is_even();
        assert!(from.is_sent_away() && kept.is_sent_away());
    });
}

/// A draining node serves its own clients, others pass by it only where there is no other way, and all is as before
/// when it drains no more.
#[test]
fn a_node_that_drains_is_passed_by_and_serves_its_own() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let bert = mesh.attach_native("b", Some("bert"));
        let mut alice = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let mut ada = Sender::new(&mut mesh, "a", "ada", "bert", Class::AtMostOnce);
        let mut way = |mesh: &mut Simulation, draining: bool| {
            mesh.command("b", Command::Drain(draining));
            assert!(mesh.run_until_quiet(LIMIT) && mesh.converged());
            assert_eq!(mesh.status("b").unwrap().draining, draining);
            alice.send(mesh);
            ada.send(mesh);
            assert!(mesh.run_until_quiet(LIMIT));
            assert_eq!(last_way(mesh, bert), ["a", "b"]);
            last_way(mesh, dave)
        };
        assert_eq!(way(&mut mesh, false), ["a", "b", "d"]);
        assert_eq!(way(&mut mesh, true), ["a", "c", "d"]);
        mesh.cut("a", "c");
        assert_eq!(way(&mut mesh, true), ["a", "b", "d"], "there is no other way");
        mesh.heal("a", "c");
        assert!(mesh.run_until_quiet(LIMIT));
        assert_eq!(way(&mut mesh, true), ["a", "c", "d"]);
        assert_eq!(way(&mut mesh, false), ["a", "b", "d"]);
        mesh.assert_ledger_is_even();
    });
}

/// What cannot be finished in time goes back to its sender.
#[test]
fn what_a_retiring_node_cannot_finish_goes_back() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let mut bella = Sender::new(&mut mesh, "b", "bella", "dave", Class::AtMostOnce);
        let slow = Impairment { bytes_per_second: Some(2_000), ..Impairment::default() };
        for (one, other) in [("b", "d"), ("a", "b")] {
            mesh.impair(one, other, slow);
        }
        for _ in 0..300 {
            bella.send(&mut mesh);
        }
        mesh.run_for(Duration::from_millis(100));
        let started = mesh.elapsed();
        mesh.command("b", Command::Retire { within: WITHIN });
        while !mesh.has_left("b") {
            mesh.run_for(Duration::from_millis(1));
            assert!(mesh.elapsed() - started < WITHIN * 2, "it never leaves");
        }
        bella.hear(&mut mesh);
        mesh.end("b");
        mesh.run_for(Duration::from_secs(5));
        bella.hear(&mut mesh);
        let known = bella.told.len() + mesh.handed(dave).len();
        assert!(known >= 300, "{known} of 300: {:?}", bella.told.len());
        assert!(!bella.told.is_empty() && !mesh.handed(dave).is_empty());
    });
}

/// What waits for a node that nobody reaches does not move: its sender is told soon, and the node does not take all the
/// time that it has. It may stand still, and is given a while.
#[test]
fn a_node_that_waits_in_vain_leaves_soon() {
    let mut mesh = mesh(1);
    mesh.attach_native("d", Some("dave"));
    let mut bella = Sender::new(&mut mesh, "b", "bella", "dave", Class::Confirmed);
    mesh.part("b", "d");
    mesh.part("c", "d");
    for _ in 0..10 {
        bella.send(&mut mesh);
    }
    mesh.run_for(Duration::from_millis(50));
    let started = mesh.elapsed();
    mesh.command("b", Command::Retire { within: LEAVES });
    while !mesh.has_left("b") {
        mesh.run_for(Duration::from_millis(1));
        assert!(mesh.elapsed() - started < Duration::from_secs(13), "it waits on");
    }
    bella.hear(&mut mesh);
    let told: Vec<&str> = bella.told.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(told, ["in doubt"; 10], "they were sent, and nobody knows");
}
