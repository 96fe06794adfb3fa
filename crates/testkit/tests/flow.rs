//! Flow from where messages enter to where they leave: fast senders wait, nobody else does, and no node in
//! between holds more than its windows.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Command, Impairment, Window};
use hopline_mesh::wire::{Kind, MessageId, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};

const LIMIT: Duration = Duration::from_secs(120);
const FLOW: Window = Window { messages: 40, bytes: 1 << 20 };

/// `east` and `west` below `top`, `far` below `west`.
fn mesh(seed: u64) -> Simulation {
    let mut mesh = Simulation::new(seed);
    let nodes = [
        config("top", [listens("east", 10), listens("west", 10)]),
        config("east", [dials("top", 10)]),
        config("west", [dials("top", 10), listens("far", 10)]),
        config("far", [dials("west", 10)]),
    ];
    for mut node in nodes {
        node.settings.flow = FLOW;
        mesh.add(node);
    }
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    mesh
}

fn send(mesh: &mut Simulation, client: ClientId, to: &str, numbers: std::ops::Range<u64>) {
    for counter in numbers {
        let id = MessageId { incarnation: 7, counter };
        let prefix = Prefix { id, destination: to, ..Prefix::new(Kind::Data) };
        mesh.send(client, vec![prefix.write(), Bytes::new(), Bytes::from_static(&[7; 100])]);
    }
}

/// The ids of what was handed to a client, in order.
fn handed(mesh: &Simulation, client: ClientId) -> Vec<u64> {
    let ids = mesh.handed(client).iter().map(|frames| Prefix::read(&frames[0]).unwrap());
    ids.filter(|prefix| prefix.kind == Kind::Data).map(|prefix| prefix.id.counter).collect()
}

/// The reasons that a client was told.
fn reasons(mesh: &mut Simulation, client: ClientId) -> Vec<String> {
    let frames = mesh.take(client).into_iter();
    let errors = frames.filter_map(|frames| {
        let prefix = Prefix::read(&frames[0]).ok()?;
        (prefix.kind == Kind::Error).then(|| Tail::read(prefix.tail).unwrap().reason)?
    });
    errors.collect()
}

fn slow(bytes_per_second: u64) -> Impairment {
    Impairment { bytes_per_second: Some(bytes_per_second), ..Impairment::default() }
}

fn waiting(mesh: &Simulation, node: &str) -> u64 {
    mesh.status(node).unwrap().waiting
}

/// Scenario 53.
#[test]
fn scenario_53_a_slow_link_slows_those_who_send_over_it_and_nobody_else() {
    for_each_seed(5, |seed| {
        let mut mesh = mesh(seed);
        let alice = mesh.attach_native("east", Some("alice"));
        let bob = mesh.attach_native("far", Some("bob"));
        let carol = mesh.attach_native("east", Some("carol"));
        let dave = mesh.attach_native("west", Some("dave"));
        mesh.impair("west", "far", slow(20_000));
        send(&mut mesh, alice, "bob", 0..1_000);
        let mut most = 0;
        for round in 0..100 {
            send(&mut mesh, carol, "dave", round..round + 1);
            mesh.run_for(Duration::from_millis(20));
            most = most.max(waiting(&mesh, "top")).max(waiting(&mesh, "west"));
        }
        assert!(most <= 41, "{most} waited on the way, with a window of 40 and its marks");
        assert_eq!(handed(&mesh, dave).len(), 100, "others are as fast as ever");
        assert!(handed(&mesh, bob).len() < 500, "the link is slow");
        assert!(
            waiting(&mesh, "east") > 0 || handed(&mesh, bob).len() > 900,
            "alice waits at home"
        );
        mesh.impair("west", "far", Impairment::default());
        assert!(mesh.run_until_quiet(LIMIT));
        mesh.assert_ledger_is_even();
        assert_eq!(handed(&mesh, bob), (0..1_000).collect::<Vec<_>>(), "in order, all of them");
        assert_eq!(reasons(&mut mesh, alice), [""; 0]);
    });
}

#[test]
fn a_raw_client_waits_a_second_and_is_refused_then() {
    let mut mesh = mesh(1);
    mesh.attach_native("far", Some("bob"));
    let alice = mesh.attach("east", Some(b"alice"));
    mesh.impair("west", "far", slow(100));
    for number in 0..100 {
        mesh.send_text(alice, format!(r#"{{"destination":"bob","n":{number}}}"#));
    }
    mesh.run_for(Duration::from_millis(900));
    assert_eq!(mesh.take_json(alice), [serde_json::Value::Null; 0]);
    assert_eq!(waiting(&mesh, "east"), 1, "the others wait with the client");
    mesh.run_for(Duration::from_millis(200));
    let refused = mesh.take_json(alice);
    assert!(refused.iter().all(|error| error["message"] == "queue full"));
    assert_eq!(refused.len(), 60);
    assert_eq!(waiting(&mesh, "east"), 0);
    mesh.impair("west", "far", Impairment::default());
    mesh.run_for(Duration::from_millis(200));
    mesh.send_text(alice, r#"{"destination":"bob","n":100}"#);
    mesh.run_for(Duration::from_millis(200));
    assert_eq!(mesh.take_json(alice), [serde_json::Value::Null; 0], "there is room again");
    assert_eq!(waiting(&mesh, "east"), 0);
}

/// A client is not read while its messages wait, and read again once they have gone.
#[test]
fn who_waits_is_not_read() {
    let mut mesh = mesh(2);
    let alice = mesh.attach_native("east", Some("alice"));
    let bob = mesh.attach_native("far", Some("bob"));
    mesh.impair("west", "far", slow(1_000));
    send(&mut mesh, alice, "bob", 0..60);
    mesh.run_for(Duration::from_millis(50));
    let before = waiting(&mesh, "east");
    send(&mut mesh, alice, "bob", 60..200);
    mesh.run_for(Duration::from_millis(50));
    assert!(waiting(&mesh, "east") <= before, "what comes meanwhile waits with the client");
    mesh.impair("west", "far", Impairment::default());
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(handed(&mesh, bob), (0..200).collect::<Vec<_>>());
}

/// Scenario 3, for what waits for one egress.
#[test]
fn scenario_3_clients_of_one_node_take_turns() {
    let mut mesh = mesh(3);
    let loud = mesh.attach_native("east", Some("loud"));
    let quiet = mesh.attach_native("east", Some("quiet"));
    let bob = mesh.attach_native("far", Some("bob"));
    mesh.impair("west", "far", slow(40_000));
    send(&mut mesh, loud, "bob", 0..1_000);
    mesh.run_for(Duration::from_millis(20));
    send(&mut mesh, quiet, "bob", 5_000..5_020);
    mesh.run_for(Duration::from_secs(2));
    let quiet = handed(&mesh, bob).iter().filter(|number| **number >= 5_000).count();
    assert_eq!(quiet, 20);
    assert!(handed(&mesh, bob).len() < 1_000);
}

#[test]
fn a_sender_that_closes_its_connection_has_not_lost_what_waits() {
    let mut mesh = mesh(4);
    let alice = mesh.attach_native("east", Some("alice"));
    let bob = mesh.attach_native("far", Some("bob"));
    mesh.impair("west", "far", slow(5_000));
    send(&mut mesh, alice, "bob", 0..200);
    mesh.detach(alice);
    mesh.run_for(Duration::from_millis(100));
    mesh.impair("west", "far", Impairment::default());
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(handed(&mesh, bob), (0..200).collect::<Vec<_>>());
}

/// Marks and their answers die with links and nodes: the window opens again all the same.
#[test]
fn a_window_opens_again_whatever_was_lost() {
    for_each_seed(20, |seed| {
        let mut mesh = mesh(seed);
        let alice = mesh.attach_native("east", Some("alice"));
        let bob = mesh.attach_native("far", Some("bob"));
        let mut sent = 0;
        for _ in 0..30 {
            let count = mesh.rng().u64(1..40);
            send(&mut mesh, alice, "bob", sent..sent + count);
            sent += count;
            match mesh.rng().u8(0..3) {
                0 => mesh.break_link("top", "west"),
                1 => mesh.break_link("far", "west"),
                _ => {}
            }
            let pause = mesh.rng().u64(0..20);
            mesh.run_for(Duration::from_millis(pause));
        }
        mesh.kill("top");
        mesh.run_for(Duration::from_millis(500));
        mesh.start("top");
        mesh.run_for(Duration::from_secs(5));
        send(&mut mesh, alice, "bob", 100_000..100_500);
        assert!(mesh.run_until_quiet(LIMIT));
        assert_eq!(waiting(&mesh, "east"), 0);
        let late = handed(&mesh, bob).iter().filter(|number| **number >= 100_000).count();
        assert_eq!(late, 500, "all that was sent after the last fault arrives");
        let (told, arrived) = (reasons(&mut mesh, alice).len(), handed(&mesh, bob).len());
        assert!(told + arrived + 200 >= 500, "{told} {arrived}");
    });
}

/// The answers of an egress go astray until the window is full, and all that a raw client sends is refused at once. When
/// they have a way again there is room, although nobody waits for it.
#[test]
fn a_window_opens_for_a_client_that_is_refused_at_once() {
    for_each_seed(5, |seed| {
        let mut mesh = mesh(seed);
        let sender = mesh.attach("east", Some(b"sender"));
        let bob = mesh.attach_native("west", Some("bob"));
        let astray = |next_hop: Option<&str>| Command::SetRoute {
            destination: "east".to_owned(),
            next_hop: next_hop.map(str::to_owned),
        };
        mesh.command("top", astray(Some("west")));
        let run = |mesh: &mut Simulation, rounds: u64| {
            for _ in 0..rounds {
                mesh.send_text(sender, r#"{"destination":"bob"}"#);
                mesh.run_for(Duration::from_millis(50));
            }
            handed(mesh, bob).len()
        };
        let until_full = run(&mut mesh, 200);
        assert!(until_full < 100, "{until_full}");
        assert_eq!(run(&mut mesh, 20), until_full, "it is full");
        mesh.command("top", astray(None));
        run(&mut mesh, 20);
        let before = run(&mut mesh, 1);
        assert_eq!(run(&mut mesh, 30), before + 30);
    });
}

/// A neighbour falls silent and takes the whole window along: who waits goes on as soon as there is another way.
#[test]
fn a_window_that_was_lost_with_a_link_opens_with_the_next_way() {
    for_each_seed(20, |seed| {
        let links = [
            ("west", "north", 10),
            ("north", "east", 10),
            ("west", "south", 20),
            ("south", "east", 20),
        ];
        let mut mesh = Simulation::of(seed, &links);
        mesh.start_all();
        let bob = mesh.attach_native("east", Some("bob"));
        let alice = mesh.attach_native("west", Some("alice"));
        let (near, far) = if seed % 2 == 0 { ("west", "north") } else { ("north", "east") };
        mesh.part(near, far);
        for round in 0..90 {
            send(&mut mesh, alice, "bob", round * 12..(round + 1) * 12);
            mesh.run_for(Duration::from_millis(10));
        }
        assert_eq!(handed(&mesh, bob), [0; 0]);
        while mesh.status("west").unwrap().links[0].up && mesh.status("north").unwrap().links[0].up
        {
            mesh.run_for(Duration::from_millis(5));
        }
        mesh.run_for(Duration::from_millis(60));
        let handed = handed(&mesh, bob);
        assert_eq!(handed.last(), Some(&1_079), "{} have come", handed.len());
    });
}
