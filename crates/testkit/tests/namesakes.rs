//! Two nodes of one name that run at the same time, and one that was only started again.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::cell::Cell;
use std::time::Duration;

use hopline_mesh::brain::{Command, Event};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(20);
const IN_USE: &str = "node name in use";
const SILENCE: Duration = Duration::from_secs(1);

fn count(mesh: &Simulation, node: &str, wanted: impl Fn(&Event) -> bool) -> usize {
    mesh.events(node).iter().filter(|(_, event)| wanted(event)).count()
}

fn downs(mesh: &Simulation, node: &str) -> usize {
    count(mesh, node, |event| matches!(event, Event::LinkDown(_)))
}

fn namesakes(mesh: &Simulation, node: &str) -> Vec<String> {
    mesh.status(node).unwrap().namesakes.iter().map(ToString::to_string).collect()
}

/// `top` with `east` and a client at each. Where `top` dials `east` too, it comes out at the other `east`.
fn two_of_a_name(seed: u64, top_dials: bool) -> (Simulation, ClientId, ClientId) {
    let mut mesh = Simulation::new(seed);
    mesh.add(match top_dials {
        true => config("top", [dials("east", 10)]),
        false => config("top", [listens("east", 10)]),
    });
    mesh.add(config("east", [dials("top", 10)]));
    let other = if top_dials { listens("top", 10) } else { dials("top", 10) };
    mesh.add_as("other", config("east", [other]));
    if top_dials {
        mesh.lead_astray("top", "east", "other");
    }
    mesh.start("top");
    mesh.start("east");
    mesh.run_for(Duration::from_secs(2));
    let (alice, bob) = (mesh.attach("east", Some(b"alice")), mesh.attach("top", Some(b"bob")));
    mesh.run_for(Duration::from_secs(2));
    assert!(mesh.is_linked("top", "east") && namesakes(&mesh, "top").is_empty());
    (mesh, alice, bob)
}

/// Scenario 46.
#[test]
fn scenario_46_the_second_of_a_name_is_refused_and_the_first_undisturbed() {
    for top_dials in [false, true] {
        for_each_seed(10, |seed| {
            let (mut mesh, alice, bob) = two_of_a_name(seed, top_dials);
            let before = downs(&mesh, "top");
            mesh.start("other");
            for _ in 0..60 {
                mesh.send_text(alice, r#"{"destination":"bob"}"#);
                mesh.run_for(Duration::from_secs(1));
            }
            assert_eq!((downs(&mesh, "top"), downs(&mesh, "east")), (before, 0));
            assert!(mesh.is_linked("top", "east"));
            let got = mesh.take_json(bob);
            assert!(got.iter().all(|message| message["route_path"] == json!(["east", "top"])));
            assert_eq!((got.len(), mesh.take_json(alice).len()), (60, 0));
            for node in ["top", "other"] {
                // Soon while it may have been started again, then once a second.
                let refusals = mesh.refusals(node, IN_USE);
                assert!((50..150).contains(&refusals), "{node}: {refusals}");
            }
            let told =
                |event: &Event| matches!(event, Event::Namesake(it) if it.as_str() == "east");
            assert_eq!(
                (count(&mesh, "top", told), namesakes(&mesh, "top")),
                (1, vec!["east".into()])
            );
            if !top_dials {
                assert_eq!(namesakes(&mesh, "other"), ["east"]);
                let trouble = mesh.status("other").unwrap().links[0].trouble.clone();
                assert_eq!(trouble.as_deref(), Some("refused: node name in use"));
            }
            // Once the first has gone the second has the name, and nothing is said of two any more.
            mesh.kill("east");
            // Whom it dials itself, the neighbour asks at once; who dials it asks once a second.
            let within = if top_dials { 50 } else { 1_100 };
            mesh.run_for(Duration::from_millis(within));
            let is_up = |node: &str| mesh.status(node).unwrap().links[0].up;
            assert!(is_up("top") && is_up("other"));
            assert!(namesakes(&mesh, "top").is_empty() && namesakes(&mesh, "other").is_empty());
            assert_eq!(mesh.status("other").unwrap().links[0].trouble, None);
        });
    }
}

/// Scenario 47: the end of the last run's connection comes, or never does.
#[test]
fn scenario_47_a_node_that_was_started_again_is_let_in_once_its_last_run_is_not_heard() {
    for heard in [true, false] {
        let refused = Cell::new(0);
        let ran = for_each_seed(20, |seed| {
            let (mut mesh, _, _) = two_of_a_name(seed, false);
            if !heard {
                mesh.part("top", "east");
            }
            mesh.kill("east");
            mesh.rejoin("top", "east");
            mesh.start("east");
            let started = mesh.elapsed();
            while !mesh.is_linked("top", "east") || downs(&mesh, "top") == 0 {
                assert!(mesh.step());
            }
            let most = Duration::from_millis(150);
            let most = if heard { most } else { SILENCE + most };
            assert!(mesh.elapsed() - started <= most, "after {:?}", mesh.elapsed() - started);
            refused.set(refused.get() + usize::from(mesh.refusals("top", IN_USE) > 0));
            mesh.run_for(Duration::from_secs(5));
            assert!(namesakes(&mesh, "top").is_empty() && namesakes(&mesh, "east").is_empty());
            assert!(mesh.run_until_quiet(LIMIT) && mesh.converged());
        });
        // Else the last run's end was found by what was sent to it.
        assert!(heard || ran == 1 || refused.get() as u64 * 2 > ran, "{} of {ran}", refused.get());
    }
}

/// A chain `n0` to `n5`, with `east` at one end and another `east` at the other.
fn far_apart(seed: u64) -> Simulation {
    let mut mesh = Simulation::new(seed);
    for number in 0..6 {
        let name = |number| format!("n{number}");
        let mut links = Vec::new();
        links.extend((number > 0).then(|| dials(&name(number - 1), 10)));
        links.extend((number < 5).then(|| listens(&name(number + 1), 10)));
        links.extend((number == 0 || number == 5).then(|| listens("east", 10)));
        mesh.add(config(&name(number), links));
    }
    mesh.add(config("east", [dials("n0", 10)]));
    mesh.add_as("other", config("east", [dials("n5", 10)]));
    for number in 0..6 {
        mesh.start(&format!("n{number}"));
    }
    mesh.start("east");
    assert!(mesh.run_until_quiet(LIMIT));
    mesh
}

/// Scenario 46, where no node is a neighbour of both: nobody can refuse the second, and it costs the mesh little.
#[test]
fn scenario_46_two_of_a_name_far_apart_speak_against_each_other_less_and_less() {
    for_each_seed(10, |seed| {
        let mut mesh = far_apart(seed);
        mesh.start("other");
        mesh.run_for(Duration::from_secs(1));
        let routes = |mesh: &Simulation, node: &str| {
            count(mesh, node, |event| matches!(event, Event::Routes { .. }))
        };
        let nodes = ["n0", "n2", "n5"];
        let look = |mesh: &Simulation| nodes.map(|it| (mesh.heard(it).floods, routes(mesh, it)));
        let mut before = look(&mesh);
        // In the first minute each says some nine times that it is the newer one, then every ten seconds at most.
        for (minute, most) in [(1, 20), (2, 13), (3, 13), (4, 13)] {
            mesh.run_for(Duration::from_secs(60));
            let now = look(&mesh);
            for ((floods, routes), (floods_before, routes_before)) in now.into_iter().zip(before) {
                let (floods, routes) = (floods - floods_before, routes - routes_before);
                assert!(routes <= 2 * most, "minute {minute}: {routes} tables");
                // And each second the two compare what they know with their neighbours.
                assert!(floods <= 300, "minute {minute}: {floods} floods");
            }
            before = now;
        }
        for node in ["east", "other"] {
            let told =
                |event: &Event| matches!(event, Event::Namesake(it) if it.as_str() == "east");
            assert_eq!(
                (count(&mesh, node, told), namesakes(&mesh, node)),
                (1, vec!["east".into()])
            );
        }
        // The others reach each other as if nothing were.
        let (at0, at5) = (mesh.attach("n0", Some(b"alice")), mesh.attach("n5", Some(b"bob")));
        mesh.run_for(Duration::from_secs(1));
        mesh.send_text(at0, r#"{"destination":"bob"}"#);
        mesh.run_for(Duration::from_secs(1));
        assert_eq!(mesh.take_json(at5).len(), 1);
        // One goes: the other has its name again within the longest pause, and soon it is told of no more.
        mesh.kill("other");
        mesh.run_for(Duration::from_secs(200));
        assert!(mesh.run_until_quiet(LIMIT) && mesh.converged());
        assert!(namesakes(&mesh, "east").is_empty());
        mesh.assert_tables_equal_pure();
    });
}

/// One of two that are far apart says good-bye: the other has its name at once, however long they have gone on.
#[test]
fn who_says_good_bye_leaves_the_name_to_the_other() {
    for_each_seed(10, |seed| {
        let mut mesh = far_apart(seed);
        let alice = mesh.attach("east", Some(b"alice"));
        let bob = mesh.attach("n5", Some(b"bob"));
        mesh.start("other");
        let pause = mesh.rng().u64(20_000..60_000);
        mesh.run_for(Duration::from_millis(pause));
        mesh.command("other", Command::Retire { within: Duration::from_millis(7_500) });
        while !mesh.has_left("other") {
            mesh.run_for(Duration::from_millis(1));
        }
        mesh.end("other");
        mesh.run_for(Duration::from_millis(100));
        mesh.send_text(bob, r#"{"destination":"alice"}"#);
        mesh.run_for(Duration::from_secs(1));
        assert_eq!(mesh.take_json(alice).len(), 1);
    });
}

/// Two of a name are started in two halves that hear nothing of each other, and the halves come together. Both run on:
/// each says again that the name is its own, ever more rarely, and both are told. Whoever is not of that name is reached
/// across, and when one of the two goes the other has the name, and all know the same.
#[test]
fn two_halves_that_each_had_one_of_a_name_come_together() {
    for_each_seed(2, |seed| {
        let mut mesh = far_apart(seed);
        mesh.cut("n2", "n3");
        mesh.start("other");
        assert!(mesh.run_until_quiet(LIMIT));
        // Each half has one, and knows of no other.
        let ways = |mesh: &mut Simulation, from: &str| {
            let client = mesh.attach(from, None);
            mesh.send_probe(client, "east");
            mesh.run_for(Duration::from_secs(1));
            mesh.detach(client);
            mesh.take_ways(client).pop().unwrap().unwrap()
        };
        assert_eq!(ways(&mut mesh, "n2"), ["n2", "n1", "n0", "east"]);
        assert_eq!(ways(&mut mesh, "n3"), ["n3", "n4", "n5", "east"]);
        for node in ["east", "other"] {
            assert!(namesakes(&mesh, node).is_empty());
        }
        let (alice, bob) = (mesh.attach("n0", Some(b"alice")), mesh.attach("n5", Some(b"bob")));
        mesh.heal("n2", "n3");
        mesh.run_for(Duration::from_secs(30));
        for node in ["east", "other"] {
            assert_eq!(namesakes(&mesh, node), ["east"], "{node}");
            assert_eq!(downs(&mesh, node), 0, "neither is refused by the neighbour that it has");
        }
        for _ in 0..60 {
            mesh.send_text(alice, r#"{"destination":"bob"}"#);
            mesh.run_for(Duration::from_secs(1));
        }
        assert_eq!((mesh.take_json(bob).len(), mesh.take_json(alice).len()), (60, 0));
        let gone = if seed % 2 == 0 { "other" } else { "east" };
        mesh.kill(gone);
        mesh.run_for(Duration::from_secs(200));
        assert!(mesh.run_until_quiet(LIMIT) && mesh.converged());
        let stays = if seed % 2 == 0 { "east" } else { "other" };
        assert!(namesakes(&mesh, stays).is_empty());
        let at = if seed % 2 == 0 { ["n3", "n2", "n1", "n0"] } else { ["n2", "n3", "n4", "n5"] };
        assert_eq!(ways(&mut mesh, at[0]), [at[0], at[1], at[2], at[3], "east"]);
    });
}
