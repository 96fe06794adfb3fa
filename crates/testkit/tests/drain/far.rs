//! Long ways: what is far from a node that leaves, and two that leave at once.

use std::collections::BTreeSet;
use std::time::Duration;

use hopline_mesh::brain::{Command, Impairment};
use hopline_mesh::wire::Class;
use hopline_testkit::simulation::{Simulation, for_each_seed};

use crate::diamond::LIMIT;
use crate::sender::{Sender, last_way};

/// A node that drains, or leaves, is on a long way whose nodes find it better to go back, once they know. What was sent
/// before its sender knew goes on to its end.
#[test]
fn what_is_far_on_its_way_goes_on() {
    for_each_seed(20, |seed| {
        let links = [
            ("a", "b", 10),
            ("b", "w", 10),
            ("w", "x", 10),
            ("x", "d", 10),
            ("a", "c", 50),
            ("c", "d", 50),
        ];
        let mut mesh = Simulation::of(seed, &links);
        mesh.watch_for_loops();
        mesh.start_all();
        assert!(mesh.run_until_quiet(LIMIT));
        let dave = mesh.attach_native("d", Some("dave"));
        let alan = mesh.attach_native("a", Some("alan"));
        let mut there = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let mut back = Sender::new(&mut mesh, "d", "dora", "alan", Class::AtMostOnce);
        for (one, other, _) in links {
            for (from, to) in [(one, other), (other, one)] {
                let rate = mesh.rng().u64(700_000..3_000_000);
                let latency = Duration::from_millis(mesh.rng().u64(1..50));
                let (latency, bytes_per_second) = (Some(latency), Some(rate));
                mesh.impair(
                    from,
                    to,
                    Impairment { latency, bytes_per_second, ..Impairment::default() },
                );
            }
        }
        let node = ["b", "w", "x"][mesh.rng().usize(0..3)];
        let order = match seed % 2 {
            0 => Command::Drain(true),
            _ => Command::Retire { within: Duration::from_millis(7_500) },
        };
        for round in 0_u64..1_500 {
            if round == 500 {
                mesh.command(node, order.clone());
            }
            if mesh.has_left(node) {
                mesh.end(node);
            }
            for sender in [&mut there, &mut back] {
                sender.send_of(&mut mesh, if round % 100 == 7 { 60_000 } else { 100 });
            }
            mesh.run_for(Duration::from_millis(1));
        }
        mesh.run_for(Duration::from_secs(30));
        for (sender, receiver, name) in [(&mut there, dave, "alice"), (&mut back, alan, "dora")] {
            sender.hear(&mut mesh);
            assert_eq!(sender.told, [], "{name}, {node}");
            sender.assert_nothing_lost(&mesh, receiver, name);
        }
        assert_eq!(last_way(&mesh, dave), ["a", "c", "d"]);
        mesh.assert_ledger_is_even();
    });
}

/// Two neighbours leave at about the same time, with full and slow links: what one has for the other it hands on first.
#[test]
fn two_neighbours_leave_at_once() {
    for_each_seed(20, |seed| {
        let links =
            [("b", "a", 10), ("x", "b", 10), ("x", "d", 10), ("c", "a", 50), ("c", "d", 50)];
        let mut mesh = Simulation::of(seed, &links);
        mesh.start_all();
        assert!(mesh.run_until_quiet(LIMIT));
        let dave = mesh.attach_native("d", Some("dave"));
        let alan = mesh.attach_native("a", Some("alan"));
        let mut there = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let mut back = Sender::new(&mut mesh, "d", "dora", "alan", Class::AtMostOnce);
        for (one, other, _) in links {
            for (from, to) in [(one, other), (other, one)] {
                let rate = mesh.rng().u64(500_000..3_000_000);
                let latency = Duration::from_millis(mesh.rng().u64(1..100));
                let slow = Impairment {
                    latency: Some(latency),
                    bytes_per_second: Some(rate),
                    ..Impairment::default()
                };
                mesh.impair(from, to, slow);
            }
        }
        let later = mesh.rng().u64(0..400);
        let order = if seed % 2 == 0 { ["b", "x"] } else { ["x", "b"] };
        let mut left = BTreeSet::new();
        for round in 0_u64..6_000 {
            for (node, starts) in order.into_iter().zip([700, 700 + later]) {
                if round == starts {
                    mesh.command(node, Command::Retire { within: Duration::from_millis(7_500) });
                }
                if round > starts && !left.contains(node) && mesh.has_left(node) {
                    mesh.end(node);
                    left.insert(node);
                }
            }
            if round < 2_000 {
                for sender in [&mut there, &mut back] {
                    sender.send_of(&mut mesh, if round % 100 == 7 { 100_000 } else { 200 });
                }
            }
            mesh.run_for(Duration::from_millis(1));
        }
        assert_eq!(left.len(), 2, "they never leave");
        mesh.run_for(Duration::from_secs(30));
        for (sender, receiver, name) in [(&mut there, dave, "alice"), (&mut back, alan, "dora")] {
            sender.hear(&mut mesh);
            sender.assert_nothing_lost(&mesh, receiver, name);
            let in_doubt = sender.told.iter().filter(|(_, why)| why == "in doubt");
            assert_eq!(in_doubt.count(), 0, "{name}, {later} ms later: {:?}", sender.told.len());
        }
        mesh.assert_ledger_is_even();
    });
}
