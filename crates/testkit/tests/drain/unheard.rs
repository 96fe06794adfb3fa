//! Clients that have not heard that their node leaves, because their machine stands still just then: the node waits for them
//! a while, and native ones are told.

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::Command;
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::{Class, Kind, Prefix};
use hopline_testkit::simulation::{ClientId, Simulation, for_each_seed};

use crate::diamond::LIMIT;
use crate::sender::Sender;
use crate::{LEAVES, LEAVING, mesh};

/// What stands in the words of its node to a client, since it was last asked.
fn words(mesh: &mut Simulation, client: ClientId) -> Vec<Hello> {
    let word = |frames: Vec<Bytes>| {
        let is_word = Prefix::read(&frames[0]).unwrap().kind == Kind::Hello;
        is_word.then(|| Hello::read(&frames[2]).unwrap())
    };
    mesh.take(client).into_iter().filter_map(word).collect()
}

/// What a client sends that stood still while its node began to leave is refused, and it is told: the node has waited.
#[test]
fn what_a_client_sends_that_stood_still_is_not_lost() {
    for_each_seed(40, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let mut bella = Sender::new(&mut mesh, "b", "bella", "dave", Class::AtMostOnce);
        for _ in 0..50 {
            bella.send(&mut mesh);
            mesh.run_for(Duration::from_millis(1));
        }
        bella.stand_still(&mut mesh, true);
        mesh.command("b", Command::Retire { within: LEAVES });
        let still = Duration::from_millis(mesh.rng().u64(0..1_500));
        mesh.run_for(still);
        bella.stand_still(&mut mesh, false);
        // She goes on where she was, and reads afterwards.
        for _ in 0..3 {
            bella.send(&mut mesh);
        }
        while !mesh.has_left("b") {
            mesh.run_for(Duration::from_millis(1));
            assert!(mesh.elapsed() < LIMIT + LEAVES, "it never leaves");
        }
        mesh.end("b");
        mesh.run_for(Duration::from_secs(5));
        bella.hear(&mut mesh);
        bella.assert_nothing_lost(&mesh, dave, "bella");
        assert!(bella.told.iter().all(|(_, why)| why == LEAVING), "{:?}", bella.told);
    });
}

/// One that never goes on is not waited for as long as the node may take.
#[test]
fn a_client_that_stands_still_for_good_is_given_up() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        let bella = mesh.attach_native("b", Some("bella"));
        mesh.silence(bella, true);
        let started = mesh.elapsed();
        mesh.command("b", Command::Retire { within: LEAVES });
        while !mesh.has_left("b") {
            mesh.run_for(Duration::from_millis(1));
            assert!(mesh.elapsed() < started + LEAVES, "it never leaves");
        }
        let took = mesh.elapsed() - started;
        let expected = Duration::from_secs(2)..Duration::from_secs(4);
        assert!(expected.contains(&took), "{took:?}");
    });
}

/// Nor is one that goes on sending whatever it is told, also while something else waits that does not come to its end.
#[test]
fn a_client_that_does_not_listen_is_given_up() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        mesh.attach_native("d", Some("dave"));
        let mut bella = Sender::new(&mut mesh, "b", "bella", "dave", Class::AtMostOnce);
        let mut beth = Sender::new(&mut mesh, "b", "beth", "dave", Class::Confirmed);
        for other in ["a", "d"] {
            mesh.cut("b", other);
        }
        beth.send(&mut mesh);
        mesh.run_for(Duration::from_millis(100));
        let started = mesh.elapsed();
        mesh.command("b", Command::Retire { within: LEAVES });
        while !mesh.has_left("b") {
            bella.send(&mut mesh);
            mesh.run_for(Duration::from_millis(10));
            assert!(mesh.elapsed() < started + LEAVES, "it never leaves");
        }
        let took = mesh.elapsed() - started;
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
}

/// Native clients are told before they send anything, also those that come while the node leaves; an operator is served,
/// and a client of a dialect that has no word for it gets none.
#[test]
fn native_clients_are_told_that_their_node_leaves() {
    let mut mesh = mesh(1);
    let bella = mesh.attach_native("b", Some("bella"));
    let beth = mesh.attach_native("b", Some("beth"));
    let json = mesh.attach("b", Some(b"json"));
    mesh.send_text(json, r#"{"type": "register", "id": "json"}"#);
    let operator = mesh.attach_operator("b");
    mesh.say_hello(operator);
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(matches!(words(&mut mesh, operator).as_slice(), [Hello::Hosted { .. }]));
    mesh.take(json);
    // A client that stands still keeps the node for a while.
    mesh.silence(beth, true);
    mesh.command("b", Command::Retire { within: LEAVES });
    mesh.run_for(Duration::from_secs(1));
    assert_eq!(words(&mut mesh, bella), [Hello::Leaving {}]);
    assert_eq!(mesh.take(json), Vec::<Vec<Bytes>>::new());
    let late = mesh.attach("b", Some(b"late"));
    for client in [late, operator] {
        mesh.say_hello(client);
    }
    mesh.run_for(Duration::from_millis(100));
    assert!(!mesh.has_left("b"));
    let said = words(&mut mesh, late);
    assert!(matches!(said.as_slice(), [Hello::Hosted { .. }, Hello::Leaving {}]), "{said:?}");
    assert!(matches!(words(&mut mesh, operator).as_slice(), [Hello::Hosted { .. }]));
}
