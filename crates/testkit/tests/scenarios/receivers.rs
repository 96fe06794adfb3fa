//! Receivers that go, and who gets what is sent afterwards.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::brain::{ServiceConfig, Window};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, listens};
use serde_json::{Value, json};

use crate::traffic::{Traffic, millis, rest};

/// `hub` between `near` and `far`, at both of which `work` is offered.
fn workshop(seed: u64) -> Simulation {
    let at = ["near", "far"].map(|node| NodeName::parse(node).unwrap());
    let work = ServiceConfig { at: BTreeSet::from(at), policy: Policy::Closest };
    let services = BTreeMap::from([(ClientName::from_identity(b"work"), work)]);
    let mut mesh = Simulation::new(seed);
    for mut config in [
        config("hub", [listens("near", 10), listens("far", 30)]),
        config("near", [dials("hub", 10)]),
        config("far", [dials("hub", 30)]),
    ] {
        config.settings.services = services.clone();
        mesh.add(config);
    }
    mesh.start_all();
    mesh
}

/// Scenario 32: the closer of two receivers closes its connection, or that breaks. What is sent once that is known goes
/// to the other one, all of it; what was under way has arrived, or its sender was told. And who takes the name of a
/// receiver that has gone, at another node, gets all that is sent then.
#[test]
fn scenario_32_the_next_receiver_gets_everything_that_is_sent_after() {
    for_each_seed(40, |seed| {
        for (name, second_at) in [("work", "far"), ("bob", "hub")] {
            let mut mesh = workshop(seed);
            let alice = mesh.attach("hub", Some(b"alice"));
            let first = mesh.attach("near", Some(name.as_bytes()));
            rest(&mut mesh);
            let mut receivers = vec![first];
            if name == "work" {
                receivers.push(mesh.attach(second_at, Some(name.as_bytes())));
                rest(&mut mesh);
            }
            let mut traffic = Traffic::new(&[alice], &receivers);
            let going = |mesh: &mut Simulation, traffic: &mut Traffic| {
                for step in 0..20 {
                    traffic.send(mesh, name, 1);
                    if step == 10 && seed % 2 == 0 {
                        mesh.detach(first);
                    } else if step == 10 {
                        mesh.break_client(first);
                    }
                    let pause = mesh.rng().u64(1..4);
                    mesh.run_for(millis(pause));
                }
            };
            going(&mut mesh, &mut traffic);
            rest(&mut mesh);
            let before = traffic.assert_accounted(&mesh);
            assert!(!before.delivered.is_empty(), "the first has got some");
            assert!(before.delivered.len() + before.told.len() >= 20);

            if name != "work" {
                let second = mesh.attach(second_at, Some(name.as_bytes()));
                traffic = Traffic::new(&[alice], &[second]);
                rest(&mut mesh);
            }
            let sent = traffic.sent();
            traffic.send(&mut mesh, name, 20);
            rest(&mut mesh);
            let after = traffic.fates(&mesh).delivered;
            let late =
                after.range(sent..).filter(|(_, paths)| paths[0].last().unwrap() == second_at);
            assert_eq!(late.count(), 20, "all that is sent after goes to the next");
        }
    });
}

/// Who asks nodes and reads no answers comes to a standstill, as with errors: once it reads, each of its questions has an
/// answer, and none is left out.
#[test]
fn answers_of_nodes_wait_for_a_client_that_does_not_read() {
    for node in ["near", "hub"] {
        let mut mesh = Simulation::new(1);
        for mut config in [config("hub", [listens("near", 10)]), config("near", [dials("hub", 10)])]
        {
            config.settings.queue = Window { messages: 16, bytes: 1 << 20 };
            mesh.add(config);
        }
        mesh.start_all();
        let alice = mesh.attach("near", Some(b"alice"));
        rest(&mut mesh);
        mesh.stall(alice, true);
        for number in 0..500 {
            mesh.send_text(alice, json!({"destination": node, "number": number}).to_string());
            mesh.run_for(millis(1));
        }
        mesh.run_for(millis(5_000));
        assert!(mesh.count("near", "accepted") < 400, "it is read on and on");
        mesh.stall(alice, false);
        mesh.run_for(millis(5_000));
        let accepted = mesh.count("near", "accepted");
        assert_eq!(accepted, 500, "it is read again");
        let answers = mesh.take_json(alice);
        let answered: BTreeSet<_> = answers
            .iter()
            .filter(|it| it["type"] != "routing_error")
            .map(Value::to_string)
            .collect();
        assert_eq!((answers.len(), answered.len()), (500, 500), "{node}: {:?}", answers.last());
    }
}
