//! Long ways: what is far from a node that leaves, and two that leave at once.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use hopline_mesh::brain::{Command, Impairment};
use hopline_mesh::wire::Class;
use hopline_testkit::simulation::{ClientId, Simulation, for_each_seed};

use crate::LEAVES;
use crate::diamond::LIMIT;
use crate::sender::{Sender, last_way};

/// Two clients at the ends of a mesh that send to each other, over links that are slow, each in its own way.
struct Ends {
    there: (Sender, ClientId),
    back: (Sender, ClientId),
}

impl Ends {
    /// Of `a` and `d` in a mesh of these links, whose ends have rates and latencies between these.
    fn of(
        seed: u64,
        links: &[(&str, &str, u32)],
        rates: Range<u64>,
        milliseconds: Range<u64>,
    ) -> (Simulation, Self) {
        let mut mesh = Simulation::of(seed, links);
        mesh.watch_for_loops();
        mesh.start_all();
        assert!(mesh.run_until_quiet(LIMIT));
        let dave = mesh.attach_native("d", Some("dave"));
        let alan = mesh.attach_native("a", Some("alan"));
        let there = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let back = Sender::new(&mut mesh, "d", "dora", "alan", Class::AtMostOnce);
        for (one, other, _) in links {
            for (from, to) in [(one, other), (other, one)] {
                let bytes_per_second = Some(mesh.rng().u64(rates.clone()));
                let latency = Some(Duration::from_millis(mesh.rng().u64(milliseconds.clone())));
                let slow = Impairment { latency, bytes_per_second, ..Impairment::default() };
                mesh.impair(from, to, slow);
            }
        }
        (mesh, Self { there: (there, dave), back: (back, alan) })
    }

    fn send_of(&mut self, mesh: &mut Simulation, bytes: usize) {
        self.there.0.send_of(mesh, bytes);
        self.back.0.send_of(mesh, bytes);
    }

    /// What either was told, once all has come to its end, and no message is lost.
    fn told(&mut self, mesh: &mut Simulation) -> Vec<(u64, String)> {
        mesh.run_for(Duration::from_secs(30));
        let mut told = Vec::new();
        for ((sender, receiver), name) in [(&mut self.there, "alice"), (&mut self.back, "dora")] {
            sender.hear(mesh);
            sender.assert_nothing_lost(mesh, *receiver, name);
            told.append(&mut sender.told);
        }
        mesh.assert_ledger_is_even();
        told
    }
}

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
        let (mut mesh, mut ends) = Ends::of(seed, &links, 700_000..3_000_000, 1..50);
        let node = ["b", "w", "x"][mesh.rng().usize(0..3)];
        let order = match seed % 2 {
            0 => Command::Drain(true),
            _ => Command::Retire { within: LEAVES },
        };
        for round in 0_u64..1_500 {
            if round == 500 {
                mesh.command(node, order.clone());
            }
            if mesh.has_left(node) {
                mesh.end(node);
            }
            ends.send_of(&mut mesh, if round % 100 == 7 { 60_000 } else { 100 });
            mesh.run_for(Duration::from_millis(1));
        }
        assert_eq!(ends.told(&mut mesh), [], "{node}");
        assert_eq!(last_way(&mesh, ends.there.1), ["a", "c", "d"]);
    });
}

/// Two neighbours leave at about the same time, with full and slow links: all that was sent arrives.
#[test]
fn two_neighbours_leave_at_once() {
    let told = two_neighbours_leave(20, 500_000..3_000_000, 2_000);
    assert_eq!(told, 0);
}

/// The same where links have a backlog of many seconds: nothing is lost, and nobody is in doubt. Few have to be told that
/// their messages, which were far from the nodes that leave, would have to go back.
#[test]
fn two_neighbours_leave_at_once_behind_links_that_cannot_keep_up() {
    let told = two_neighbours_leave(10, 100_000..1_000_000, 1_500);
    assert!(told < 1_000, "{told} of 30,000");
}

/// Says how many of the messages of all seeds were refused, two each millisecond for so long.
fn two_neighbours_leave(seeds: u64, rates: Range<u64>, rounds: u64) -> usize {
    let refused = Cell::new(0);
    for_each_seed(seeds, |seed| {
        let links =
            [("b", "a", 10), ("x", "b", 10), ("x", "d", 10), ("c", "a", 50), ("c", "d", 50)];
        let (mut mesh, mut ends) = Ends::of(seed, &links, rates.clone(), 1..100);
        let later = mesh.rng().u64(0..400);
        let order = if seed % 2 == 0 { ["b", "x"] } else { ["x", "b"] };
        let mut left = BTreeSet::new();
        for round in 0_u64..60_000 {
            for (node, starts) in order.into_iter().zip([700, 700 + later]) {
                if round == starts {
                    mesh.command(node, Command::Retire { within: LEAVES });
                }
                if round > starts && !left.contains(node) && mesh.has_left(node) {
                    mesh.end(node);
                    left.insert(node);
                }
            }
            if round < rounds {
                ends.send_of(&mut mesh, if round % 100 == 7 { 100_000 } else { 200 });
            }
            if round >= rounds && left.len() == 2 {
                break;
            }
            mesh.run_for(Duration::from_millis(1));
        }
        assert_eq!(left.len(), 2, "they never leave");
        let told = ends.told(&mut mesh);
        let in_doubt = told.iter().filter(|(_, why)| why == "in doubt");
        assert_eq!(in_doubt.count(), 0, "{later} ms later, of {}", told.len());
        refused.set(refused.get() + told.len());
    });
    refused.get()
}
