//! A node that leaves without loss: others route round it first, and whoever is not served any more is told.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

mod diamond;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Command, Impairment};
use hopline_mesh::wire::{Class, Kind, MessageId, Path, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation, for_each_seed};

use diamond::{LIMIT, diamond};

const WITHIN: Duration = Duration::from_millis(2500);
const LEAVING: &str = "node leaving";

/// Two ways from `a` to `d`: by `b`, which is the better one, and by `c`.
fn mesh(seed: u64) -> Simulation {
    diamond(seed, ["a", "b", "c", "d"])
}

/// A client that sends numbered messages, and what became of them.
struct Sender {
    client: ClientId,
    to: &'static str,
    class: Class,
    sent: u64,
    /// The reasons that it was told, with the numbers.
    told: Vec<(u64, String)>,
}

impl Sender {
    fn new(mesh: &mut Simulation, node: &str, name: &str, to: &'static str, class: Class) -> Self {
        Self { client: mesh.attach_native(node, Some(name)), to, class, sent: 0, told: Vec::new() }
    }

    fn send(&mut self, mesh: &mut Simulation) {
        self.send_of(mesh, 100);
    }

    fn send_of(&mut self, mesh: &mut Simulation, bytes: usize) {
        let id = MessageId { incarnation: 7, counter: self.sent };
        self.sent += 1;
        let prefix =
            Prefix { id, class: self.class, destination: self.to, ..Prefix::new(Kind::Data) };
        mesh.send(self.client, vec![prefix.write(), Bytes::new(), Bytes::from(vec![7; bytes])]);
    }

    fn hear(&mut self, mesh: &mut Simulation) {
        for frames in mesh.take(self.client) {
            let prefix = Prefix::read(&frames[0]).unwrap();
            if prefix.kind == Kind::Error {
                let tail = Tail::read(prefix.tail).unwrap();
                self.told.push((tail.correlation.unwrap().counter, tail.reason.unwrap()));
            }
        }
    }

    /// Whether the node said that it takes no more.
    fn is_sent_away(&self) -> bool {
        self.told.iter().any(|(_, reason)| reason == LEAVING)
    }

    /// Every message was handed over once, or its sender was told, and not both.
    fn assert_nothing_lost(&self, mesh: &Simulation, receiver: ClientId, from: &str) {
        let read = |frames: &Vec<Bytes>| {
            let prefix = Prefix::read(&frames[0]).unwrap();
            let is_its = prefix.kind == Kind::Data && prefix.source == from;
            is_its.then_some(prefix.id.counter)
        };
        let mut ends: Vec<u64> = mesh.handed(receiver).iter().filter_map(read).collect();
        ends.extend(self.told.iter().map(|(number, _)| *number));
        let known: BTreeSet<u64> = ends.iter().copied().collect();
        assert_eq!(ends.len(), known.len(), "{from} to {}: both, or twice", self.to);
        let lost: Vec<u64> = (0..self.sent).filter(|number| !known.contains(number)).collect();
        assert!(lost.is_empty(), "{from} to {}: {lost:?} of {} are lost", self.to, self.sent);
    }
}

/// The nodes that the last message to a client came by.
fn last_way(mesh: &Simulation, client: ClientId) -> Vec<String> {
    let path = &mesh.handed(client).last().unwrap()[1];
    Path::read(path).unwrap().nodes()
}

/// Scenario 80: a node that retires under traffic loses nothing, and nobody but its own clients notices.
#[test]
fn a_node_that_retires_under_traffic_loses_nothing() {
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

/// Large messages on slow links come seldom: that nothing has come for a while does not mean that nothing comes.
#[test]
fn a_node_behind_slow_links_waits_for_what_is_on_its_way() {
    for_each_seed(30, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let mut alice = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let slow = Impairment {
            latency: Some(Duration::from_millis(30)),
            bytes_per_second: Some(3_000_000),
            ..Impairment::default()
        };
        for (one, other) in [("a", "b"), ("b", "d"), ("a", "c"), ("c", "d")] {
            mesh.impair(one, other, slow);
        }
        mesh.run_for(Duration::from_secs(2));
        for round in 0..40 + seed {
            alice.send_of(&mut mesh, if round % 7 == 0 { 270_000 } else { 1_000 });
            mesh.run_for(Duration::from_millis(13));
        }
        mesh.command("b", Command::Retire { within: Duration::from_secs(10) });
        while !mesh.has_left("b") {
            alice.send_of(&mut mesh, 1_000);
            mesh.run_for(Duration::from_millis(13));
        }
        mesh.end("b");
        mesh.run_for(Duration::from_secs(5));
        alice.hear(&mut mesh);
        assert_eq!(alice.told, [], "all of {} arrive", alice.sent);
        alice.assert_nothing_lost(&mesh, dave, "alice");
    });
}

/// Links that are full, slow and unlike each other, and large messages between small ones: what is on its way to a node
/// comes long after others have heard that it leaves, and with gaps.
#[test]
fn a_node_behind_full_links_leaves_nobody_in_doubt() {
    for_each_seed(9, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let alan = mesh.attach_native("a", Some("alan"));
        let bert = mesh.attach_native("b", Some("bert"));
        let mut there = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let mut back = Sender::new(&mut mesh, "d", "dora", "alan", Class::AtMostOnce);
        let mut its = Sender::new(&mut mesh, "a", "ada", "bert", Class::AtMostOnce);
        let pick = |of: [u64; 3], number: u64| of[usize::try_from(number % 3).unwrap()];
        let slow = Impairment {
            latency: Some(Duration::from_millis(pick([30, 100, 250], seed))),
            bytes_per_second: Some(pick([3_000_000, 1_500_000, 700_000], seed / 3)),
            ..Impairment::default()
        };
        let fast = Impairment {
            latency: Some(Duration::from_millis(20)),
            bytes_per_second: Some(20_000_000),
            ..slow
        };
        for transit in ["b", "c"] {
            for (one, other, impairment) in [
                ("a", transit, slow),
                (transit, "a", fast),
                (transit, "d", fast),
                ("d", transit, slow),
            ] {
                mesh.impair(one, other, impairment);
            }
        }
        mesh.run_for(Duration::from_secs(1));
        let mut until = None;
        for round in 0_u64.. {
            if round == 2_000 + 37 * seed {
                mesh.command("b", Command::Retire { within: Duration::from_millis(7_500) });
            }
            for sender in [&mut there, &mut back] {
                sender.send_of(&mut mesh, 1_000);
            }
            if round % 100 == seed {
                for sender in [&mut there, &mut back, &mut its] {
                    sender.send_of(&mut mesh, 300_000);
                }
            }
            mesh.run_for(Duration::from_millis(1));
            if until.is_none() && mesh.has_left("b") {
                mesh.end("b");
                until = Some(round + 300);
            }
            if until.is_some_and(|until| until <= round) {
                break;
            }
            assert!(round < 10_000, "it never leaves");
        }
        mesh.run_for(Duration::from_secs(60));
        for (sender, receiver, name) in
            [(&mut there, dave, "alice"), (&mut back, alan, "dora"), (&mut its, bert, "ada")]
        {
            sender.hear(&mut mesh);
            sender.assert_nothing_lost(&mesh, receiver, name);
        }
        assert_eq!((there.told, back.told), (vec![], vec![]), "there is another way");
        let only = |(_, why): &(u64, String)| why == "unknown destination";
        assert!(its.told.iter().all(only), "{:?}", its.told);
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
            let mut why = std::collections::BTreeMap::new();
            for (number, reason) in &sender.told {
                why.entry(reason.clone()).or_insert_with(Vec::new).push(*number);
            }
            for (why, n) in why {
                eprintln!(
                    "seed {seed} {name} later {later} {why} {} {:?}..{:?}",
                    n.len(),
                    n.first(),
                    n.last()
                );
            }
        }
        mesh.assert_ledger_is_even();
    });
}

/// A message that takes three seconds on a link is waited for, to the node and from it.
#[test]
fn a_message_that_takes_seconds_is_waited_for() {
    for (slow, fast) in [(("a", "b"), ("b", "d")), (("b", "d"), ("a", "b"))] {
        let mut mesh = mesh(1);
        let dave = mesh.attach_native("d", Some("dave"));
        let mut alice = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let rate = |rate| Impairment { bytes_per_second: Some(rate), ..Impairment::default() };
        mesh.impair(slow.0, slow.1, rate(100_000));
        mesh.impair(fast.0, fast.1, rate(10_000_000));
        alice.send_of(&mut mesh, 300_000);
        alice.send_of(&mut mesh, 1_000);
        mesh.run_for(Duration::from_millis(100));
        mesh.command("b", Command::Retire { within: Duration::from_millis(7_500) });
        while !mesh.has_left("b") {
            mesh.run_for(Duration::from_millis(1));
        }
        mesh.end("b");
        mesh.run_for(Duration::from_secs(1));
        alice.hear(&mut mesh);
        assert_eq!(alice.told, []);
        alice.assert_nothing_lost(&mesh, dave, "alice");
    }
}

/// A link breaks and comes back while the node leaves, in any phase: what was on it is in doubt, and nothing that came to
/// wait for it later.
#[test]
fn a_link_that_breaks_meanwhile_is_asked_again() {
    for_each_seed(40, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let mut alice = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let slow = Impairment { bytes_per_second: Some(500_000), ..Impairment::default() };
        mesh.impair("a", "b", slow);
        let breaks = 90 + mesh.rng().u64(0..300);
        let mut in_doubt = 0;
        for round in 0..1_000 {
            if round == 100 {
                mesh.command("b", Command::Retire { within: Duration::from_millis(7_500) });
            }
            if round == breaks {
                mesh.break_link("a", "b");
            }
            if round == breaks + 20 {
                alice.hear(&mut mesh);
                in_doubt = alice.told.len();
            }
            if round < 400 {
                alice.send(&mut mesh);
                if round % 50 == 0 {
                    alice.send_of(&mut mesh, 50_000);
                }
            }
            mesh.run_for(Duration::from_millis(1));
        }
        while !mesh.has_left("b") {
            mesh.run_for(Duration::from_millis(1));
        }
        mesh.end("b");
        mesh.run_for(Duration::from_secs(10));
        alice.hear(&mut mesh);
        assert_eq!(alice.told[in_doubt..], [], "later than {breaks}");
        let mut ends: Vec<u64> = alice.told.iter().map(|(number, _)| *number).collect();
        ends.extend(mesh.handed(dave).iter().map(|it| Prefix::read(&it[0]).unwrap().id.counter));
        let known: BTreeSet<u64> = ends.iter().copied().collect();
        assert_eq!(known.len() as u64, alice.sent, "lost");
    });
}

/// What waits for a node that nobody reaches does not move: its sender is told soon, and the node does not take all the
/// time that it has.
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
    mesh.command("b", Command::Retire { within: Duration::from_secs(60) });
    while !mesh.has_left("b") {
        mesh.run_for(Duration::from_millis(1));
        assert!(mesh.elapsed() - started < Duration::from_secs(4), "it waits on");
    }
    bella.hear(&mut mesh);
    let told: Vec<&str> = bella.told.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(told, ["in doubt"; 10], "they were sent, and nobody knows");
}
