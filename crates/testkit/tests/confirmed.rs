//! Confirmed messages: each ends in one word, and is handed over once, whatever becomes of links and relays.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

mod diamond;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Impairment, ServiceConfig};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_mesh::wire::{Class, Flags, Kind, MessageId, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};

use diamond::{LIMIT, diamond};

/// What a sender was told of one message: `ack`, or the reason of an error.
type Told = BTreeMap<u64, Vec<String>>;

/// Two ways from `west` to `east`: over `north`, and dearer over `south`.
fn mesh(seed: u64) -> Simulation {
    diamond(seed, ["west", "north", "south", "east"])
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.assert_ledger_is_even();
}

fn send(mesh: &mut Simulation, client: ClientId, to: &str, number: u64, patience: Option<u64>) {
    let now = 1_700_000_000_000 + u64::try_from(mesh.elapsed().as_millis()).unwrap();
    let tail = Tail { deadline: patience.map(|patience| now + patience), ..Tail::default() };
    let id = MessageId { incarnation: 7, counter: number };
    let prefix = Prefix {
        class: Class::Confirmed,
        id,
        destination: to,
        tail: &tail.write(),
        ..Prefix::new(Kind::Data)
    };
    mesh.send(client, vec![prefix.write(), Bytes::new(), Bytes::from(number.to_string())]);
}

/// What a sender was told since it was last asked, by message.
fn told(mesh: &mut Simulation, client: ClientId) -> Told {
    let mut told = Told::new();
    for frames in mesh.take(client) {
        let prefix = Prefix::read(&frames[0]).unwrap();
        let word = match prefix.kind {
            Kind::Ack => "ack".to_owned(),
            Kind::Error => Tail::read(prefix.tail).unwrap().reason.unwrap(),
            other => panic!("{other:?} was not expected"),
        };
        told.entry(prefix.id.counter).or_default().push(word);
    }
    told
}

/// How often each message was handed to a receiver, and how often marked as one that may have been before.
fn handed(mesh: &Simulation, client: ClientId) -> BTreeMap<u64, (usize, usize)> {
    let mut handed = BTreeMap::<u64, (usize, usize)>::new();
    for frames in mesh.handed(client) {
        let prefix = Prefix::read(&frames[0]).unwrap();
        if prefix.kind == Kind::Data {
            let entry = handed.entry(prefix.id.counter).or_default();
            entry.0 += 1;
            entry.1 += usize::from(prefix.flags.has(Flags::RESENT));
        }
    }
    handed
}

#[test]
fn who_sends_hears_that_it_was_handed_over_at_which_node() {
    let mut mesh = mesh(1);
    let alice = mesh.attach_native("west", Some("alice"));
    let bob = mesh.attach_native("east", Some("bob"));
    let here = mesh.attach_native("west", Some("here"));
    for (number, to) in [(1, "bob"), (2, "here"), (3, "east"), (4, "west")] {
        send(&mut mesh, alice, to, number, None);
    }
    quiet(&mut mesh);
    let acks: Vec<_> = mesh
        .take(alice)
        .into_iter()
        .filter_map(|frames| {
            let prefix = Prefix::read(&frames[0]).unwrap();
            let tail = Tail::read(prefix.tail).unwrap();
            let about = (prefix.id.counter, tail.node.unwrap_or_default(), tail.destination);
            (prefix.kind == Kind::Ack).then_some(about)
        })
        .collect();
    let said = |number, node: &str, to: &str| (number, node.to_owned(), Some(to.to_owned()));
    let mut sorted = acks;
    sorted.sort();
    let all = [
        said(1, "east", "bob"),
        said(2, "west", "here"),
        said(3, "east", "east"),
        said(4, "west", "west"),
    ];
    assert_eq!(sorted, all);
    assert_eq!((handed(&mesh, bob)[&1], handed(&mesh, here)[&2]), ((1, 0), (1, 0)));
    assert_eq!(mesh.status("west").unwrap().kept, 0);
}

#[test]
fn a_refusal_at_the_receivers_node_ends_it_at_once() {
    let mut mesh = mesh(2);
    let alice = mesh.attach_native("west", Some("alice"));
    let slow = mesh.attach_native("east", Some("slow"));
    mesh.stall(slow, true);
    let before = mesh.elapsed();
    send(&mut mesh, alice, "slow", 1, None);
    send(&mut mesh, alice, "nobody", 2, None);
    send(&mut mesh, alice, "nobody@east", 3, None);
    mesh.run_for(Duration::from_millis(100));
    let told = told(&mut mesh, alice);
    assert_eq!(told[&1], ["receiver slow"]);
    assert_eq!(told[&2], ["unknown destination"]);
    assert_eq!(told[&3], ["unknown destination"]);
    assert!(mesh.elapsed() - before < Duration::from_secs(1));
    assert_eq!(mesh.status("west").unwrap().kept, 0);
}

#[test]
fn it_waits_for_a_way_until_its_deadline_and_is_not_sent_after_it() {
    let mut mesh = mesh(3);
    let alice = mesh.attach_native("west", Some("alice"));
    let bob = mesh.attach_native("east", Some("bob"));
    mesh.cut("north", "east");
    mesh.cut("south", "east");
    mesh.run_for(Duration::from_secs(2));
    send(&mut mesh, alice, "bob", 1, Some(3_000));
    send(&mut mesh, alice, "bob", 2, Some(20_000));
    mesh.run_for(Duration::from_secs(2));
    assert_eq!(told(&mut mesh, alice), Told::new(), "nothing is known yet");
    mesh.run_for(Duration::from_millis(1_100));
    assert_eq!(told(&mut mesh, alice)[&1], ["deadline passed"]);
    mesh.heal("south", "east");
    mesh.run_for(Duration::from_secs(3));
    assert_eq!(told(&mut mesh, alice)[&2], ["ack"]);
    assert_eq!(handed(&mesh, bob).keys().copied().collect::<Vec<_>>(), [2]);
    send(&mut mesh, alice, "bob", 3, Some(0));
    mesh.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut mesh, alice)[&3], ["deadline passed"]);
}

#[test]
fn what_is_kept_is_bounded_and_the_rest_is_refused() {
    let mut mesh = Simulation::new(4);
    let mut west = config("west", [dials("east", 10)]);
    west.settings.kept = 1_000;
    mesh.add(west);
    mesh.add(config("east", [listens("west", 10)]));
    mesh.start_all();
    quiet(&mut mesh);
    let alice = mesh.attach_native("west", Some("alice"));
    let bob = mesh.attach_native("east", Some("bob"));
    mesh.cut("west", "east");
    mesh.run_for(Duration::from_secs(1));
    for number in 0..100 {
        send(&mut mesh, alice, "bob", number, None);
    }
    mesh.run_for(Duration::from_secs(1));
    let refused = told(&mut mesh, alice);
    assert!(refused.values().all(|told| *told == ["queue full"]) && refused.len() > 70);
    mesh.heal("west", "east");
    mesh.run_for(Duration::from_secs(10));
    let acked = told(&mut mesh, alice);
    assert!(acked.values().all(|told| *told == ["ack"]));
    assert_eq!(acked.len() + refused.len(), 100);
    assert_eq!(handed(&mesh, bob).len(), acked.len());
}

/// One id twice while the first is under way: the second is refused. After it: it is known to have arrived.
#[test]
fn the_same_id_again_is_not_handed_over_again() {
    let mut mesh = mesh(5);
    let alice = mesh.attach_native("west", Some("alice"));
    let bob = mesh.attach_native("east", Some("bob"));
    send(&mut mesh, alice, "bob", 1, None);
    send(&mut mesh, alice, "bob", 1, None);
    quiet(&mut mesh);
    let first = told(&mut mesh, alice);
    assert!(first[&1].contains(&"ack".to_owned()) && first[&1].contains(&"repeated".to_owned()));
    send(&mut mesh, alice, "bob", 1, None);
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice)[&1], ["ack"]);
    assert_eq!(handed(&mesh, bob)[&1].0, 1);
}

/// A restarted egress cannot know what it has handed over: what comes again is marked, and what was refused before it could
/// arrive is not.
#[test]
fn a_restarted_egress_marks_what_may_be_a_repeat() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        let alice = mesh.attach_native("west", Some("alice"));
        let before = mesh.attach_native("east", Some("bob"));
        for number in 0..50 {
            send(&mut mesh, alice, "bob@east", number, None);
            mesh.run_for(Duration::from_micros(100));
        }
        mesh.kill("east");
        mesh.run_for(Duration::from_millis(100));
        mesh.start("east");
        let bob = mesh.attach_native("east", Some("bob"));
        mesh.run_for(Duration::from_secs(20));
        let ends = told(&mut mesh, alice);
        assert_eq!(ends.len(), 50, "each has an end");
        assert!(ends.values().all(|told| told.len() == 1), "and no other: {ends:?}");
        let before = handed(&mesh, before);
        for (number, (times, marked)) in handed(&mesh, bob) {
            let is_marked = marked == 1 || !before.contains_key(&number);
            assert!(times == 1 && is_marked, "{number} came {times} times, {marked} marked");
        }
    });
}

/// Scenarios 26 to 28 for confirmed messages: links break in the middle of messages, relays are killed and come
/// back, and each message is handed over once and its sender told so once.
#[test]
fn scenario_26_27_28_each_arrives_once_while_links_break_and_relays_die() {
    for_each_seed(20, |seed| {
        let mut mesh = mesh(seed);
        let alice = mesh.attach_native("west", Some("alice"));
        let bob = mesh.attach_native("east", Some("bob"));
        let mut number = 0;
        for round in 0..40 {
            for _ in 0..mesh.rng().u64(1..20) {
                send(&mut mesh, alice, "bob", number, None);
                number += 1;
            }
            let relay = if mesh.rng().bool() { "north" } else { "south" };
            let end = if mesh.rng().bool() { "west" } else { "east" };
            match mesh.rng().u8(0..6) {
                0 if round < 30 => mesh.break_link(end, relay),
                1 if round < 30 && mesh.runs(relay) => mesh.kill(relay),
                2 if !mesh.runs(relay) => mesh.start(relay),
                3 => mesh.cut(end, relay),
                _ => mesh.heal(end, relay),
            }
            let pause = mesh.rng().u64(0..30);
            mesh.run_for(Duration::from_millis(pause));
        }
        for relay in ["north", "south"] {
            if !mesh.runs(relay) {
                mesh.start(relay);
            }
            mesh.heal("west", relay);
            mesh.heal("east", relay);
        }
        mesh.run_for(Duration::from_secs(40));
        let ends = told(&mut mesh, alice);
        let unknown: Vec<_> = (0..number).filter(|number| !ends.contains_key(number)).collect();
        assert!(unknown.is_empty(), "nobody knows what became of {unknown:?}");
        let others: Vec<_> = ends.iter().filter(|(_, told)| **told != ["ack"]).collect();
        assert!(others.is_empty(), "{others:?}");
        let handed = handed(&mesh, bob);
        let twice: Vec<_> = handed.iter().filter(|(_, (times, _))| *times > 1).collect();
        assert!(twice.is_empty(), "handed over twice: {twice:?}");
        assert_eq!(handed.len() as u64, number);
        assert_eq!(mesh.status("west").unwrap().kept, 0);
    });
}

/// Whoever is handed a message that another may have been handed at another node sees that, however long both nodes have
/// been up: the receiver has moved, or it is a service with more than one member.
#[test]
fn what_may_have_been_handed_over_at_another_node_is_marked() {
    let repeated = std::cell::Cell::new(0);
    for_each_seed(10, |seed| {
        let is_service = seed % 2 == 0;
        let mut mesh = Simulation::new(seed);
        for node in ["west", "north", "south", "east"] {
            let upstreams: &[(&str, u32)] = match node {
                "west" => &[("north", 10), ("south", 20)],
                "east" => &[("north", 10), ("south", 20)],
                _ => &[],
            };
            let dialled = upstreams.iter().map(|(to, cost)| dials(to, *cost));
            let listening = if upstreams.is_empty() { ["west", "east"].as_slice() } else { &[] };
            let cost = if node == "north" { 10 } else { 20 };
            let listening = listening.iter().map(|from| listens(from, cost));
            let mut config = config(node, dialled.chain(listening));
            if is_service {
                let at = ["east", "south"].map(|node| NodeName::parse(node).unwrap());
                let service = ServiceConfig { at: at.into(), policy: Policy::Balanced };
                config.settings.services =
                    [(ClientName::from_identity(b"bob"), service)].into_iter().collect();
            }
            mesh.add(config);
        }
        mesh.start_all();
        let alice = mesh.attach_native("west", Some("alice"));
        let first = mesh.attach_native("east", Some("bob"));
        let mut other = is_service.then(|| mesh.attach_native("south", Some("bob")));
        // Older than a message can be.
        mesh.run_for(Duration::from_secs(150));
        for number in 0..200 {
            send(&mut mesh, alice, "bob", number, None);
            mesh.run_for(Duration::from_micros(100));
        }
        mesh.cut("north", "east");
        mesh.cut("south", "east");
        mesh.run_for(Duration::from_millis(500));
        let second = *other.get_or_insert_with(|| mesh.attach_native("south", Some("bob")));
        mesh.run_for(Duration::from_secs(40));
        let ends = told(&mut mesh, alice);
        assert_eq!(ends.len(), 200, "each has an end");
        let (before, after) = (handed(&mesh, first), handed(&mesh, second));
        for (number, (times, marked)) in &after {
            assert_eq!(*times, 1, "{number}");
            if before.contains_key(number) {
                assert_eq!(*marked, 1, "{number} was handed over before, at east");
                repeated.set(repeated.get() + 1);
            }
        }
    });
    assert!(repeated.get() > 0, "none came twice");
}

/// Who has been there for long, alone under a name, is not troubled with marks: its node would know.
#[test]
fn what_cannot_have_been_handed_over_before_is_not_marked() {
    let mut mesh = mesh(1);
    let alice = mesh.attach_native("west", Some("alice"));
    let bob = mesh.attach_native("east", Some("bob"));
    mesh.run_for(Duration::from_secs(150));
    for number in 0..100 {
        send(&mut mesh, alice, "bob", number, None);
        mesh.run_for(Duration::from_micros(100));
    }
    mesh.break_link("west", "north");
    mesh.run_for(Duration::from_secs(10));
    assert_eq!(told(&mut mesh, alice).len(), 100);
    assert!(mesh.count("west", "recalled") > 0, "none was sent again");
    assert!(handed(&mesh, bob).values().all(|it| *it == (1, 0)), "{:?}", handed(&mesh, bob));
}

/// What has been handed over, and whose acknowledgement is lost, is not said to be for nobody when its receiver goes meanwhile:
/// nobody knows at the node where it entered.
#[test]
fn what_may_have_arrived_is_in_doubt_and_not_for_nobody() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        let alice = mesh.attach_native("west", Some("alice"));
        let bob = mesh.attach_native("east", Some("bob"));
        quiet(&mut mesh);
        let far = Impairment { latency: Some(Duration::from_millis(300)), ..Impairment::default() };
        mesh.impair("north", "east", far);
        mesh.impair("east", "north", far);
        send(&mut mesh, alice, "bob", 1, None);
        let until = mesh.elapsed() + Duration::from_secs(5);
        while !handed(&mesh, bob).contains_key(&1) {
            mesh.run_for(Duration::from_millis(1));
            assert!(mesh.elapsed() < until, "it does not arrive");
        }
        mesh.cut("north", "east");
        mesh.cut("south", "east");
        mesh.detach(bob);
        let pause = mesh.rng().u64(100..2_000);
        mesh.run_for(Duration::from_millis(pause));
        mesh.heal("north", "east");
        mesh.heal("south", "east");
        mesh.run_for(Duration::from_secs(40));
        assert_eq!(told(&mut mesh, alice)[&1], ["in doubt"]);
        // Who has never been there is for nobody.
        send(&mut mesh, alice, "nobody", 2, None);
        send(&mut mesh, alice, "bob", 3, None);
        mesh.run_for(Duration::from_secs(40));
        let ends = told(&mut mesh, alice);
        let unknown = "unknown destination".to_owned();
        assert_eq!((&ends[&2], &ends[&3]), (&vec![unknown.clone()], &vec![unknown]));
    });
}
