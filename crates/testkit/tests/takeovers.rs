//! Names whose holders do not answer, and names that are taken over.

use std::time::Duration;

use hopline_mesh::brain::Event;
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(20);
const NODES: [&str; 3] = ["east", "top", "west"];

/// How long a holder has to answer, and the answer to be known at another node.
const ANSWERED: Duration = Duration::from_millis(700);

fn regions(seed: u64, takeover: bool) -> Simulation {
    let mut mesh = Simulation::new(seed);
    for mut node in [
        config("top", [listens("east", 10), listens("west", 10)]),
        config("east", [dials("top", 10)]),
        config("west", [dials("top", 10)]),
    ] {
        node.settings.takeover = takeover;
        mesh.add(node);
    }
    mesh.start_all();
    quiet(&mut mesh);
    mesh
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
    mesh.assert_ledger_is_even();
}

/// Sends a message to `bob` and says which of the clients got it.
fn reached(mesh: &mut Simulation, sender: ClientId, clients: &[ClientId]) -> Vec<ClientId> {
    for client in clients {
        mesh.take(*client);
    }
    mesh.send_text(sender, json!({"destination": "bob"}).to_string());
    quiet(mesh);
    clients.iter().copied().filter(|client| !mesh.take(*client).is_empty()).collect()
}

fn heard(mesh: &Simulation, node: &str, wanted: impl Fn(&Event) -> bool) -> bool {
    mesh.events(node).iter().any(|(_, event)| wanted(event))
}

/// Scenarios 41 and 46: the newcomer has the name once the holder has not answered for 250 ms, at whichever
/// node it is; what it said meanwhile goes out, and nothing that the old connection does later matters.
#[test]
fn scenario_41_46_a_holder_that_does_not_answer_loses_its_name() {
    for node in NODES {
        for_each_seed(15, |seed| {
            let mut mesh = regions(seed, false);
            let alice = mesh.attach("east", Some(b"alice"));
            let old = mesh.attach("west", Some(b"bob"));
            quiet(&mut mesh);
            mesh.silence(old, true);
            let new = mesh.attach(node, Some(b"bob"));
            mesh.send_text(new, r#"{"destination":"alice","early":true}"#);
            mesh.run_for(ANSWERED);
            quiet(&mut mesh);
            let got = mesh.take_json(alice);
            assert_eq!((got.len(), &got[0]["original_sender"]), (1, &json!("bob")), "{node}");
            assert!(mesh.take(new).is_empty(), "it was refused");
            assert_eq!(reached(&mut mesh, alice, &[old, new]), [new], "{node}");
            let silent = |event: &Event| matches!(event, Event::HolderSilent(_));
            assert!(heard(&mesh, "west", silent));
            assert_eq!(mesh.count("west", "peer silent"), 1);
            mesh.detach(old);
            quiet(&mut mesh);
            assert_eq!(reached(&mut mesh, alice, &[old, new]), [new], "{node}");
        });
    }
}

/// Many claimants: the holder is asked once at a time, and the first has the name if it does not answer.
#[test]
fn of_many_claimants_the_first_has_the_name() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed, false);
        let alice = mesh.attach("east", Some(b"alice"));
        let old = mesh.attach("top", Some(b"bob"));
        quiet(&mut mesh);
        mesh.silence(old, true);
        let first = mesh.attach("top", Some(b"bob"));
        mesh.run_for(Duration::from_millis(30));
        let mut all = vec![old, first];
        all.extend((0..20).map(|_| mesh.attach("top", Some(b"bob"))));
        mesh.run_for(ANSWERED);
        quiet(&mut mesh);
        assert_eq!(reached(&mut mesh, alice, &all), [first]);
        assert_eq!(mesh.count("top", "peer silent"), 1);
    });
}

/// Scenario 46, with `duplicate = "takeover"`.
#[test]
fn scenario_46_a_newcomer_takes_the_name_over_and_the_holder_is_told() {
    for node in NODES {
        for_each_seed(15, |seed| {
            let mut mesh = regions(seed, true);
            let alice = mesh.attach("east", Some(b"alice"));
            let old = mesh.attach("west", Some(b"bob"));
            quiet(&mut mesh);
            let new = mesh.attach(node, Some(b"bob"));
            quiet(&mut mesh);
            assert_eq!(reached(&mut mesh, alice, &[old, new]), [new], "{node}");
            assert!(mesh.is_connected(old), "it stays connected");
            mesh.send_text(old, r#"{"destination":"alice","late":true}"#);
            quiet(&mut mesh);
            assert_eq!(mesh.take_json(old)[0]["message"], "name in use", "{node}");
            assert!(mesh.take(alice).is_empty());
            let told =
                |event: &Event| matches!(event, Event::NameInUse(name) if name.as_str() == "bob");
            assert!(heard(&mesh, "west", told));
            // Once the newcomer has gone, whoever still waits has the name again.
            mesh.detach(new);
            mesh.run_for(Duration::from_secs(2));
            quiet(&mut mesh);
            assert_eq!(reached(&mut mesh, alice, &[old]), [old], "{node}");
        });
    }
}

/// Each of many newcomers at any nodes takes the name over; the last has it, and nobody takes it back by
/// himself.
#[test]
fn the_last_of_many_newcomers_has_the_name() {
    for_each_seed(25, |seed| {
        let mut mesh = regions(seed, true);
        let alice = mesh.attach("east", Some(b"alice"));
        let mut all = Vec::new();
        for round in 0..9 {
            let node = NODES[(seed as usize + round * 5) % NODES.len()];
            all.push(mesh.attach(node, Some(b"bob")));
            quiet(&mut mesh);
            let last = *all.last().unwrap();
            assert_eq!(reached(&mut mesh, alice, &all), [last], "round {round} at {node}");
        }
    });
}

/// Without `quiet` between them: whoever has the name in the end, it is one, and all nodes agree.
#[test]
fn newcomers_at_the_same_time_leave_one_with_the_name() {
    for takeover in [false, true] {
        for_each_seed(30, |seed| {
            let mut mesh = regions(seed, takeover);
            let alice = mesh.attach("east", Some(b"alice"));
            let mut chance = fastrand::Rng::with_seed(seed);
            let mut all = Vec::new();
            for _ in 0..6 {
                all.push(mesh.attach(NODES[chance.usize(0..NODES.len())], Some(b"bob")));
                mesh.run_for(Duration::from_millis(chance.u64(0..40)));
            }
            mesh.run_for(Duration::from_secs(3));
            quiet(&mut mesh);
            assert_eq!(reached(&mut mesh, alice, &all).len(), 1, "takeover {takeover}");
        });
    }
}

/// Scenario 47: restarted again and again under the same name, with the end of the old connection heard
/// before, after, or never.
#[test]
fn scenario_47_a_hundred_restarts_under_one_name() {
    for_each_seed(5, |seed| {
        let mut mesh = regions(seed, false);
        let alice = mesh.attach("east", Some(b"alice"));
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut last = mesh.attach("west", Some(b"bob"));
        quiet(&mut mesh);
        for round in 0..100 {
            let how = chance.u8(0..3);
            if how == 0 {
                mesh.detach(last);
            }
            let node = NODES[chance.usize(0..NODES.len())];
            if how == 1 {
                mesh.silence(last, true);
            }
            let next = mesh.attach(node, Some(b"bob"));
            if how == 2 {
                mesh.detach(last);
            }
            mesh.run_for(Duration::from_secs(2));
            quiet(&mut mesh);
            let got = reached(&mut mesh, alice, &[last, next]);
            assert_eq!(got, [next], "round {round}, how {how}, at {node}");
            last = next;
        }
    });
}

/// Names that are no text are taken over at other nodes as any are.
#[test]
fn a_name_in_hexadecimal_is_taken_over_too() {
    for node in NODES {
        let mut mesh = regions(3, true);
        let alice = mesh.attach("east", Some(b"alice"));
        let old = mesh.attach("west", Some(b"\xff\x01"));
        quiet(&mut mesh);
        let new = mesh.attach(node, Some(b"\xff\x01"));
        // Far sooner than a node that does not answer is waited for.
        mesh.run_for(Duration::from_millis(200));
        let clients = mesh.status(node).unwrap().clients;
        let is_attached = clients.iter().any(|c| c.name.starts_with("hex:ff01") && c.attached);
        assert!(is_attached, "{node}: {clients:?}");
        quiet(&mut mesh);
        mesh.send_text(alice, json!({"destination": "hex:ff01"}).to_string());
        quiet(&mut mesh);
        assert_eq!((mesh.take(old).len(), mesh.take(new).len()), (0, 1), "{node}");
    }
}
