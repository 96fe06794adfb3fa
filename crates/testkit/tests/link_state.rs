//! What nodes know of each other: compared when a link comes up, mended when something was lost, forgotten in the end.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_mesh::agreement::disagreement;
use hopline_mesh::brain::Event;
use hopline_mesh::wire::control::NodeStatus;
use hopline_testkit::simulation::{Simulation, for_each_seed};

const LIMIT: Duration = Duration::from_secs(120);
/// How long a node is remembered that is not reached.
const REMEMBERED: Duration = Duration::from_secs(60);

fn rest(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
    mesh.assert_tables_equal_pure();
}

/// A ring of so many nodes, `n-000` and so on.
fn ring(seed: u64, nodes: usize) -> Simulation {
    let name = |number: usize| format!("n-{:03}", number % nodes);
    let links: Vec<_> = (0..nodes).map(|it| (name(it), name(it + 1), 10)).collect();
    Simulation::of(seed, &links)
}

/// The same, running, with a client at each node.
fn ring_with_clients(seed: u64, nodes: usize) -> Simulation {
    let mut mesh = ring(seed, nodes);
    mesh.start_all();
    for number in 0..nodes {
        mesh.attach(&format!("n-{number:03}"), Some(format!("client-{number}").as_bytes()));
    }
    rest(&mut mesh);
    mesh
}

fn names_at(mesh: &Simulation, node: &str) -> Vec<String> {
    let attached = mesh.routes(node).unwrap().into_iter();
    attached.filter(|line| line.origin.starts_with("attached")).map(|it| it.destination).collect()
}

/// What both ends hear of link state while one link of a ring comes up again.
fn bytes_of_a_link(nodes: usize) -> u64 {
    let mut mesh = ring_with_clients(7, nodes);
    let heard = |mesh: &Simulation| {
        ["n-000", "n-001"].map(|it| mesh.heard(it).flood_bytes).iter().sum::<u64>()
    };
    mesh.cut("n-000", "n-001");
    rest(&mut mesh);
    let before = heard(&mesh);
    mesh.heal("n-000", "n-001");
    rest(&mut mesh);
    heard(&mesh) - before
}

#[test]
fn who_knows_the_same_says_next_to_nothing_whatever_the_size_of_the_mesh() {
    let (small, large) = (bytes_of_a_link(10), bytes_of_a_link(60));
    assert!(small > 0);
    assert!(large < 2 * small, "{large} bytes among 60 nodes, {small} among 10");
}

/// Scenario 45: a node that never returns is routed to no more at once; what it said is forgotten a minute later, by
/// all, and nothing changes for anybody then.
#[test]
fn scenario_45_a_node_that_never_returns_is_forgotten_after_a_minute() {
    for_each_seed(10, |seed| {
        let mut mesh = ring(seed, 6);
        mesh.start_all();
        mesh.attach("n-003", Some(b"old"));
        let alice = mesh.attach("n-000", Some(b"alice"));
        rest(&mut mesh);
        mesh.kill("n-003");
        rest(&mut mesh);
        let refused = |mesh: &mut Simulation| {
            mesh.send_text(alice, r#"{"destination": "old", "content": "x"}"#);
            mesh.run_for(Duration::from_millis(200));
            let answers = mesh.take_json(alice);
            answers[0]["message"].as_str().unwrap().to_owned()
        };
        let revision = mesh.status("n-000").unwrap().revision;
        let routes = |mesh: &Simulation| {
            let events = mesh.running().into_iter().map(|node| {
                let events = mesh.events(&node).iter();
                events.filter(|(_, event)| matches!(event, Event::Routes { .. })).count()
            });
            events.sum::<usize>()
        };
        let before = routes(&mesh);
        mesh.run_for(REMEMBERED / 2);
        assert_eq!(refused(&mut mesh), "unreachable");
        assert!(names_at(&mesh, "n-000").contains(&"old".to_owned()));
        mesh.run_for(REMEMBERED);
        for node in mesh.running() {
            assert!(!names_at(&mesh, &node).contains(&"old".to_owned()), "{node}");
            assert_eq!(mesh.status(&node).unwrap().revision, revision);
        }
        assert_eq!(refused(&mut mesh), "Unknown destination: old");
        assert_eq!(routes(&mesh), before, "forgetting moves no route");
        mesh.start("n-003");
        rest(&mut mesh);
        assert_eq!(mesh.status("n-000").unwrap().reachable.len(), 6);
    });
}

/// Links flap all the time while a dead node is about to be forgotten: nobody learns of it again from somebody who
/// forgets later.
#[test]
fn a_forgotten_node_does_not_come_back_from_who_forgets_later() {
    for_each_seed(6, |seed| {
        let mut mesh = ring(seed, 6);
        mesh.start_all();
        mesh.attach("n-003", Some(b"old"));
        rest(&mut mesh);
        mesh.kill("n-003");
        let end = mesh.elapsed() + 2 * REMEMBERED;
        while mesh.elapsed() < end {
            let at = [0, 1, 4][mesh.rng().usize(0..3)];
            mesh.break_link(&format!("n-{at:03}"), &format!("n-{:03}", at + 1));
            let pause = mesh.rng().u64(200..3_000);
            mesh.run_for(Duration::from_millis(pause));
        }
        rest(&mut mesh);
        for node in mesh.running() {
            assert!(!names_at(&mesh, &node).contains(&"old".to_owned()), "{node}");
        }
    });
}

/// Two halves forget each other, and know everything again soon after they are one.
#[test]
fn two_halves_that_have_forgotten_each_other_learn_it_all_again() {
    for_each_seed(6, |seed| {
        let mut mesh = ring_with_clients(seed, 6);
        mesh.cut("n-000", "n-001");
        mesh.cut("n-003", "n-004");
        rest(&mut mesh);
        mesh.run_for(REMEMBERED * 3 / 2);
        assert_eq!(names_at(&mesh, "n-002").len(), 3);
        mesh.heal("n-000", "n-001");
        rest(&mut mesh);
        for node in mesh.running() {
            assert_eq!(names_at(&mesh, &node).len(), 6, "{node}");
        }
    });
}

/// Nodes are asked one after another. Whatever moments of a link's coming up their answers show, they are not converged
/// while it does not count: also where one end waits for what the other has to say, and the other has said it.
#[test]
fn a_mesh_is_not_converged_while_a_link_comes_up() {
    for_each_seed(50, |seed| {
        let mut mesh = Simulation::of(seed, &[("b", "a", 10)]);
        mesh.start_all();
        rest(&mut mesh);
        mesh.cut("a", "b");
        rest(&mut mesh);
        mesh.heal("a", "b");
        let mut moments = Vec::new();
        let reaches = |status: &NodeStatus| status.reachable.len() == 2;
        while moments.last().is_none_or(|last: &[NodeStatus; 2]| !last.iter().all(reaches)) {
            moments.push(["a", "b"].map(|node| mesh.status(node).unwrap()));
            assert!(mesh.step());
        }
        for [a, _] in &moments {
            for [_, b] in &moments {
                let both = [a, b].map(|status| (status.node.clone(), status.clone()));
                let is_linked = a.links[0].up && b.links[0].up;
                if is_linked && disagreement(&both.into()).is_none() {
                    assert!(reaches(a) && reaches(b), "both have the link, and nobody goes by it");
                }
            }
        }
        rest(&mut mesh);
    });
}
