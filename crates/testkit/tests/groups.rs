//! Messages to several: one to each member, and the sender is told how many. Scenario 22.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::name::ClientName;
use hopline_mesh::wire::control::Request;
use hopline_mesh::wire::{Class, Kind, MessageId, Prefix, Tail};
use hopline_testkit::simulation::{
    ClientId, Faults, Simulation, config, dials, for_each_seed, listens,
};

const LIMIT: Duration = Duration::from_secs(120);
const NODES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Five nodes, each linked to each: as many cycles as there can be.
fn mesh(seed: u64, groups: &BTreeMap<String, BTreeSet<ClientName>>) -> Simulation {
    let mut mesh = Simulation::new(seed);
    for (index, node) in NODES.iter().enumerate() {
        let up = NODES[..index].iter().map(|it| dials(it, 10));
        let down = NODES[index + 1..].iter().map(|it| listens(it, 10));
        let mut config = config(node, up.chain(down));
        config.settings.groups = groups.clone();
        mesh.add(config);
    }
    mesh.start_all();
    quiet(&mut mesh);
    mesh
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.assert_ledger_is_even();
}

fn ask(mesh: &mut Simulation, client: ClientId, node: &str, request: &Request) {
    let prefix = Prefix { destination: node, ..Prefix::new(Kind::Control) };
    mesh.send(client, vec![prefix.write(), Bytes::new(), request.write()]);
    quiet(mesh);
}

fn join(mesh: &mut Simulation, client: ClientId, node: &str) {
    ask(mesh, client, node, &Request::Join { group: "workers".to_owned() });
    mesh.take(client);
}

fn send(mesh: &mut Simulation, client: ClientId, to: &str, number: u64, class: Class) {
    let id = MessageId { incarnation: 7, counter: number };
    let prefix = Prefix { class, id, destination: to, ..Prefix::new(Kind::Data) };
    mesh.send(client, vec![prefix.write(), Bytes::new(), Bytes::from(number.to_string())]);
}

/// What a sender was told: how many were reached, and which nodes were not; or why not.
fn told(mesh: &mut Simulation, client: ClientId) -> BTreeMap<u64, Vec<(u32, String)>> {
    let mut told = BTreeMap::<u64, Vec<_>>::new();
    for frames in mesh.take(client) {
        let prefix = Prefix::read(&frames[0]).unwrap();
        let tail = Tail::read(prefix.tail).unwrap();
        let missing: Vec<_> = tail.missing.iter().map(|it| it.as_str()).collect();
        let told_of = told.entry(prefix.id.counter).or_default();
        match prefix.kind {
            Kind::Ack => told_of.push((tail.recipients.unwrap(), missing.join(" "))),
            Kind::Error => told_of.push((0, tail.reason.unwrap())),
            Kind::Data => {}
            other => panic!("{other:?} was not expected"),
        }
    }
    told
}

/// How often each message was handed to a client.
fn handed(mesh: &Simulation, client: ClientId) -> BTreeMap<u64, usize> {
    let mut handed = BTreeMap::new();
    for frames in mesh.handed(client) {
        let prefix = Prefix::read(&frames[0]).unwrap();
        if prefix.kind == Kind::Data {
            assert_eq!(frames.len(), 3, "the frame of nodes is not for clients");
            *handed.entry(prefix.id.counter).or_default() += 1;
        }
    }
    handed
}

fn one(recipients: u32, missing: &str) -> Vec<(u32, String)> {
    vec![(recipients, missing.to_owned())]
}

/// Scenario 22: a mesh with cycles, members on every node, each gets one, and none after leaving.
#[test]
fn scenario_22_each_member_gets_one_and_none_after_leaving() {
    let mut mesh = mesh(1, &BTreeMap::new());
    let alice = mesh.attach_native("a", Some("alice"));
    let mut members = Vec::new();
    for node in NODES {
        for name in [Some(format!("{node}1")), None] {
            let member = mesh.attach_native(node, name.as_deref());
            join(&mut mesh, member, node);
            members.push(member);
        }
    }
    let outsider = mesh.attach_native("c", Some("outsider"));
    send(&mut mesh, alice, "#workers", 1, Class::AtMostOnce);
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice)[&1], one(10, ""));
    for &member in &members {
        assert_eq!(handed(&mesh, member), BTreeMap::from([(1, 1)]));
    }
    assert!(handed(&mesh, outsider).is_empty());

    let leave = Request::Leave { group: "workers".to_owned() };
    ask(&mut mesh, members[0], "a", &leave);
    mesh.detach(members[3]);
    quiet(&mut mesh);
    send(&mut mesh, alice, "#workers", 2, Class::AtMostOnce);
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice)[&2], one(8, ""));
    assert!(!handed(&mesh, members[0]).contains_key(&2));

    // A group of which nobody is a member is nobody.
    for &member in &members {
        mesh.detach(member);
    }
    quiet(&mut mesh);
    send(&mut mesh, alice, "#workers", 3, Class::AtMostOnce);
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice)[&3], one(0, "unknown destination"));
    assert!(mesh.status("a").unwrap().waiting == 0);
}

/// Scenario 22 under flux: links end while messages to all are under way. No member gets one twice, and who is
/// not reached is named.
#[test]
fn scenario_22_no_member_gets_one_twice_under_flux() {
    for_each_seed(30, |seed| {
        let mut mesh = mesh(seed, &BTreeMap::new());
        let alice = mesh.attach_native("a", Some("alice"));
        let mut members = Vec::new();
        for node in NODES {
            let member = mesh.attach_native(node, Some(&format!("{node}1")));
            join(&mut mesh, member, node);
            members.push(member);
        }
        let class = if seed % 2 == 0 { Class::AtMostOnce } else { Class::Confirmed };
        for number in 1..=40 {
            send(&mut mesh, alice, "#workers", number, class);
            mesh.run_for(Duration::from_micros(700));
            let (x, y) = (mesh.rng().usize(0..5), mesh.rng().usize(0..5));
            if number % 4 == 0 && x != y {
                mesh.break_link(NODES[x], NODES[y]);
            }
        }
        quiet(&mut mesh);
        let told = told(&mut mesh, alice);
        for number in 1..=40 {
            let got = members.iter().map(|member| handed(&mesh, *member));
            let times: Vec<_> =
                got.map(|handed| handed.get(&number).copied().unwrap_or(0)).collect();
            assert!(times.iter().all(|times| *times <= 1), "message {number}: {times:?}");
            let [(recipients, missing)] = told[&number].as_slice() else {
                panic!("message {number} was told of {:?}", told[&number]);
            };
            let reached = times.iter().sum::<usize>();
            // A node that handed it over and whose word was lost is missing, not counted.
            assert!(*recipients as usize <= reached, "message {number}: {recipients} of {reached}");
            let named = missing.split_whitespace().count();
            assert!(*recipients as usize + named >= reached, "message {number}: {missing:?}");
            if class == Class::Confirmed {
                assert_eq!((*recipients, missing.as_str()), (5, ""), "message {number}");
            }
        }
    });
}

/// Scenario 22 under random loss and flux: one frame in a hundred between nodes is lost, late or comes twice, links
/// break, and a node dies with its members and comes back without them. Each member gets one at most, and the sum is
/// exact: of each node that is not named, all members have it, and nobody else is counted.
#[test]
fn scenario_22_the_sum_is_exact_or_names_who_did_not_answer_under_loss_and_flux() {
    const MESSAGES: u64 = 60;
    let short = std::cell::Cell::new(0);
    for_each_seed(30, |seed| {
        let mut mesh = mesh(seed, &BTreeMap::new());
        let alice = mesh.attach_native("a", Some("alice"));
        let mut members = BTreeMap::<&str, Vec<ClientId>>::new();
        for node in NODES {
            for name in [Some(format!("{node}1")), None] {
                let member = mesh.attach_native(node, name.as_deref());
                join(&mut mesh, member, node);
                members.entry(node).or_default().push(member);
            }
        }
        mesh.set_faults(Faults { jitter: Duration::from_millis(2), ..Faults::FOUL });
        let class = if seed % 2 == 0 { Class::AtMostOnce } else { Class::Confirmed };
        let (killed, back) = (mesh.rng().u64(10..30), mesh.rng().u64(31..50));
        for number in 1..=MESSAGES {
            send(&mut mesh, alice, "#workers", number, class);
            let pause = mesh.rng().u64(0..30);
            mesh.run_for(Duration::from_millis(pause));
            let (x, y) = (mesh.rng().usize(0..5), mesh.rng().usize(0..5));
            if number % 4 == 0 && x != y {
                mesh.break_link(NODES[x], NODES[y]);
            }
            if number == killed {
                mesh.kill("e");
            } else if number == back {
                mesh.start("e");
            }
        }
        mesh.set_faults(Faults::default());
        quiet(&mut mesh);
        let told = told(&mut mesh, alice);
        let handed: BTreeMap<_, Vec<_>> = members
            .iter()
            .map(|(node, members)| (*node, members.iter().map(|it| handed(&mesh, *it)).collect()))
            .collect();
        for number in 1..=MESSAGES {
            let [(recipients, missing)] = told[&number].as_slice() else {
                panic!("message {number} was told of {:?}", told[&number]);
            };
            let missing: BTreeSet<_> = missing.split_whitespace().collect();
            let (mut sum, mut by_the_dead) = (0, 0);
            for (node, handed) in &handed {
                let times = handed.iter().map(|it| it.get(&number).copied().unwrap_or(0));
                let times: Vec<_> = times.collect();
                assert!(times.iter().all(|it| *it <= 1), "{number} at {node}: {times:?}");
                if missing.contains(node) {
                    continue;
                }
                // The dead node has no members once that is known, nor does its next run, which is asked again.
                let is_gone = *node == "e" && (number > killed || class == Class::Confirmed);
                assert!(times == [1, 1] || is_gone && times == [0, 0], "{number} at {node}");
                let reached = times.iter().sum::<usize>();
                if *node == "e" { by_the_dead = reached } else { sum += reached }
            }
            sum += by_the_dead;
            assert_eq!(*recipients as usize, sum, "{number} without {missing:?}");
            short.set(short.get() + missing.len());
            if class == Class::Confirmed {
                assert!(missing.iter().all(|it| *it == "e"), "{number}: {missing:?}");
            }
        }
    });
    assert!(short.get() > 0, "nothing was ever lost");
}

#[test]
fn everyone_gets_one_but_who_sends_it_in_the_dialect_that_each_speaks() {
    let mut mesh = mesh(3, &BTreeMap::new());
    let alice = mesh.attach("a", Some(b"alice"));
    let near = mesh.attach("a", Some(b"near"));
    let bob = mesh.attach_native("d", Some("bob"));
    let silent = mesh.attach("e", Some(b"silent"));
    quiet(&mut mesh);
    mesh.send_text(alice, r##"{"destination": "*", "n": 1}"##);
    quiet(&mut mesh);
    let text = &mesh.take_json(near)[0];
    assert_eq!((text["n"].as_u64(), text["original_sender"].as_str()), (Some(1), Some("alice")));
    assert_eq!(mesh.take_json(silent)[0]["n"], 1);
    assert_eq!(mesh.take(bob).len(), 1);
    let report = serde_json::json!(
        {"type": "group_report", "destination": "*", "recipients": 3, "missing": []}
    );
    assert_eq!(mesh.take_json(alice), [report]);
}

/// Of a message to everyone, too: whoever is attached at a node that no way leads to did not get it.
#[test]
fn who_is_parted_from_everyone_is_named_and_a_node_without_anybody_is_not() {
    let mut mesh = mesh(5, &BTreeMap::new());
    let alice = mesh.attach_native("a", Some("alice"));
    for node in ["b", "d"] {
        mesh.attach_native(node, Some(&format!("{node}1")));
    }
    quiet(&mut mesh);
    for parted in ["d", "e"] {
        for node in NODES.into_iter().filter(|node| *node != parted) {
            mesh.cut(node, parted);
        }
    }
    quiet(&mut mesh);
    for (number, class) in [(1, Class::AtMostOnce), (2, Class::Confirmed)] {
        send(&mut mesh, alice, "*", number, class);
        quiet(&mut mesh);
        assert_eq!(told(&mut mesh, alice)[&number], one(1, "d"), "{class:?}");
    }
}

#[test]
fn a_node_that_does_not_answer_is_named_in_time() {
    let mut mesh = mesh(4, &BTreeMap::new());
    let alice = mesh.attach_native("a", Some("alice"));
    for node in ["b", "c"] {
        let member = mesh.attach_native(node, Some(&format!("{node}1")));
        join(&mut mesh, member, node);
    }
    // The member's node dies with the copy, and nobody has noticed when it is sent.
    mesh.kill("c");
    send(&mut mesh, alice, "#workers", 1, Class::AtMostOnce);
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice)[&1], one(1, "c"));
}

/// Scenario 22, `confirmed`: a node hands a message over and ends before that is known; its next run has nobody to hand
/// it to, and what it says is no sum of what its members were handed.
#[test]
fn scenario_22_a_node_that_was_started_again_before_its_answer_came_is_named() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed, &BTreeMap::new());
        let alice = mesh.attach_native("a", Some("alice"));
        let bob = mesh.attach_native("b", Some("bob"));
        let carol = mesh.attach_native("c", Some("carol"));
        join(&mut mesh, bob, "b");
        join(&mut mesh, carol, "c");
        for node in ["a", "c", "d", "e"] {
            mesh.swallow("b", node);
        }
        send(&mut mesh, alice, "#workers", 1, Class::Confirmed);
        mesh.run_for(Duration::from_millis(50));
        assert_eq!(handed(&mesh, bob)[&1], 1);
        assert!(told(&mut mesh, alice).is_empty());
        mesh.kill("b");
        for node in ["a", "c", "d", "e"] {
            mesh.rejoin("b", node);
        }
        mesh.start("b");
        quiet(&mut mesh);
        assert_eq!(told(&mut mesh, alice)[&1], one(1, "b"));
    });
}

#[test]
fn the_file_says_who_is_a_member_from_the_start() {
    let members = ["bob", "eve"].map(|name| ClientName::from_identity(name.as_bytes()));
    let groups = BTreeMap::from([("planned".to_owned(), members.into())]);
    let mut mesh = mesh(5, &groups);
    let alice = mesh.attach_native("a", Some("alice"));
    let bob = mesh.attach("b", Some(b"bob"));
    quiet(&mut mesh);
    send(&mut mesh, alice, "#planned", 1, Class::AtMostOnce);
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice)[&1], one(1, ""));
    assert_eq!(mesh.take_json(bob).len(), 1);
}

#[test]
fn groups_are_joined_by_their_members_only_and_have_names() {
    let mut mesh = mesh(6, &BTreeMap::new());
    let alice = mesh.attach_native("a", Some("alice"));
    let refused = |mesh: &mut Simulation, node: &str, group: &str| {
        ask(mesh, alice, node, &Request::Join { group: group.to_owned() });
        let answers = mesh.take(alice);
        String::from_utf8_lossy(&answers[0][2]).into_owned()
    };
    assert!(refused(&mut mesh, "b", "workers").contains("attached at"));
    for name in ["", "#x", "a b", "*"] {
        assert!(refused(&mut mesh, "a", name).contains("a group's name"), "{name:?}");
    }
    // A client cannot take a group's name by its identity, nor say whom its copy is for.
    let sly = mesh.attach_native("c", Some("#workers"));
    join(&mut mesh, alice, "a");
    let prefix = Prefix {
        destination: "alice",
        flags: hopline_mesh::wire::Flags::SPREAD,
        ..Prefix::new(Kind::Data)
    };
    mesh.send(sly, vec![prefix.write(), Bytes::new(), Bytes::from("x")]);
    quiet(&mut mesh);
    let got = mesh.take(alice);
    assert_eq!(got[0][2], "x");
    assert!(mesh.handed(sly).is_empty());
}
