//! Links that are slow, full, or break while a node leaves: silence says nothing there.

use std::collections::BTreeSet;
use std::time::Duration;

use hopline_mesh::brain::{Command, Impairment};
use hopline_mesh::wire::{Class, Prefix};
use hopline_testkit::simulation::{Simulation, for_each_seed};

use crate::diamond::LIMIT;
use crate::sender::Sender;
use crate::{LEAVES, mesh};

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
        for round in 0..40 + seed % 30 {
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
            if round == 2_000 + 37 * (seed % 9) {
                mesh.command("b", Command::Retire { within: LEAVES });
            }
            for sender in [&mut there, &mut back] {
                sender.send_of(&mut mesh, 1_000);
            }
            if round % 100 == seed % 100 {
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
        mesh.command("b", Command::Retire { within: LEAVES });
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
                mesh.command("b", Command::Retire { within: LEAVES });
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

/// Links that carry far less than is sent have a backlog of many seconds when the node is told to leave. It does so when all
/// of that has come to its end, and nobody is told anything: there is another way for what comes later.
#[test]
fn a_node_behind_links_that_cannot_keep_up_leaves_when_all_has_passed() {
    for (seed, rate) in [(3, 110_000), (4, 80_000), (5, 40_000)] {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let alan = mesh.attach_native("a", Some("alan"));
        let mut there = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
        let mut back = Sender::new(&mut mesh, "d", "dora", "alan", Class::AtMostOnce);
        let slow = Impairment { bytes_per_second: Some(rate), ..Impairment::default() };
        for (one, other) in [("a", "b"), ("b", "a"), ("b", "d"), ("d", "b")] {
            mesh.impair(one, other, slow);
        }
        for round in 0..1_500 {
            if round == 1_000 {
                mesh.command("b", Command::Retire { within: LEAVES });
            }
            there.send_of(&mut mesh, 1_000);
            back.send_of(&mut mesh, 1_000);
            mesh.run_for(Duration::from_micros(2_500));
        }
        assert!(!mesh.has_left("b"), "{rate} B/s: 0.5 MB or more are on their way each way");
        let most = mesh.elapsed() + Duration::from_secs(30);
        while !mesh.has_left("b") {
            mesh.run_for(Duration::from_millis(1));
            assert!(mesh.elapsed() < most, "{rate} B/s: it never leaves");
        }
        mesh.end("b");
        mesh.run_for(Duration::from_secs(30));
        for (sender, receiver, name) in [(&mut there, dave, "alice"), (&mut back, alan, "dora")] {
            sender.hear(&mut mesh);
            assert_eq!(sender.told, [], "{rate} B/s, {name}");
            sender.assert_nothing_lost(&mesh, receiver, name);
        }
        mesh.assert_ledger_is_even();
    }
}

/// Whoever keeps sending, and others whose messages pass by a node because there is no other way, do not keep it from
/// leaving, though what waits at it for a node that nobody reaches never moves.
#[test]
fn a_node_that_all_pass_by_leaves_although_messages_wait_in_vain() {
    let mut mesh = Simulation::of(1, &[("b", "a", 10), ("b", "d", 10), ("b", "e", 10)]);
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let dave = mesh.attach_native("d", Some("dave"));
    mesh.attach_native("e", Some("emma"));
    let mut through = Sender::new(&mut mesh, "a", "alice", "dave", Class::AtMostOnce);
    let mut vain = Sender::new(&mut mesh, "b", "bella", "emma", Class::Confirmed);
    let mut deaf = Sender::new(&mut mesh, "b", "beth", "dave", Class::AtMostOnce);
    mesh.part("b", "e");
    for _ in 0..10 {
        vain.send(&mut mesh);
    }
    mesh.run_for(Duration::from_millis(50));
    let told = mesh.elapsed();
    mesh.command("b", Command::Retire { within: LEAVES });
    while !mesh.has_left("b") {
        through.send(&mut mesh);
        deaf.send(&mut mesh);
        mesh.run_for(Duration::from_millis(10));
        assert!(mesh.elapsed() - told < Duration::from_secs(12), "it waits on");
    }
    mesh.end("b");
    mesh.run_for(Duration::from_secs(10));
    for (sender, receiver, name) in [(&mut through, dave, "alice"), (&mut deaf, dave, "beth")] {
        sender.hear(&mut mesh);
        sender.assert_nothing_lost(&mesh, receiver, name);
    }
    vain.hear(&mut mesh);
    let told: Vec<&str> = vain.told.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(told, ["in doubt"; 10], "they were sent, and nobody knows");
}
