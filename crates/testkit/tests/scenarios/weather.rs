//! Connections that swallow and nodes that stand still: nobody is told, and it is found out.

use std::time::Duration;

use hopline_testkit::simulation::{Faults, Simulation, for_each_seed};

use crate::traffic::{Traffic, millis, rest, way};

/// How long it may take until silence is noticed, and until what was down for it is up again.
const NOTICED: Duration = Duration::from_secs(3);
const BACK: Duration = Duration::from_secs(20);

const RING: [(&str, &str, u32); 6] = [
    ("a", "b", 10),
    ("b", "c", 10),
    ("c", "d", 10),
    ("d", "e", 10),
    ("e", "a", 10),
    ("b", "e", 10),
];

fn ring(seed: u64) -> Simulation {
    let mut mesh = Simulation::of(seed, &RING);
    mesh.set_faults(Faults::FAR);
    mesh.watch_for_loops();
    mesh.start_all();
    rest(&mut mesh);
    mesh
}

/// Whether a node has a link to another that is up.
fn has_link(mesh: &Simulation, node: &str, to: &str) -> bool {
    let links = mesh.status(node).unwrap().links;
    links.iter().any(|link| link.neighbour.as_str() == to && link.up)
}

/// Scenario 31: a link falls silent, both ways, and nobody is told. Its ends take it down in time, messages go
/// round it, and once it is heard again it is there again.
#[test]
fn scenario_31_a_silent_link_is_given_up_and_taken_up_again() {
    for_each_seed(20, |seed| {
        let mut mesh = ring(seed);
        mesh.attach("c", Some(b"carol"));
        rest(&mut mesh);
        for _ in 0..3 {
            assert_eq!(way(&mut mesh, "a", "carol").unwrap(), ["a", "b", "c"]);
            mesh.part("a", "b");
            mesh.run_for(NOTICED);
            rest(&mut mesh);
            assert!(!has_link(&mesh, "a", "b") && !has_link(&mesh, "b", "a"));
            assert_eq!(way(&mut mesh, "a", "carol").unwrap(), ["a", "e", "b", "c"]);
            mesh.rejoin("a", "b");
            mesh.run_for(BACK);
            rest(&mut mesh);
        }
    });
}

/// Scenario 39: one end of a link hears the other, and is not heard. Neither uses it.
#[test]
fn scenario_39_a_link_that_is_heard_one_way_only_is_used_by_neither_end() {
    for_each_seed(20, |seed| {
        for (from, to) in [("a", "b"), ("b", "a")] {
            let mut mesh = ring(seed);
            mesh.swallow(from, to);
            mesh.run_for(NOTICED);
            rest(&mut mesh);
            assert!(!has_link(&mesh, "a", "b") && !has_link(&mesh, "b", "a"));
            assert_eq!(way(&mut mesh, "a", "b").unwrap(), ["a", "e", "b"]);
            mesh.rejoin(from, to);
            mesh.run_for(BACK);
            rest(&mut mesh);
            assert_eq!(way(&mut mesh, "a", "b").unwrap(), ["a", "b"]);
        }
    });
}

/// Scenario 31, of a whole node: it stands still, as after SIGSTOP, and goes on as if nothing had been.
#[test]
fn scenario_31_a_node_that_stands_still_is_gone_round_and_comes_back() {
    for_each_seed(20, |seed| {
        let mut mesh = ring(seed);
        let client = mesh.attach("a", None);
        rest(&mut mesh);
        mesh.freeze("b");
        // It takes connections, as a process that is stopped does, so its neighbours try again and again.
        mesh.run_for(NOTICED);
        mesh.assert_tables_equal_pure();
        mesh.send_probe(client, "c");
        mesh.run_for(millis(200));
        let path = ["a", "e", "d", "c"].map(str::to_owned).to_vec();
        assert_eq!(mesh.take_ways(client), [Ok(path)]);
        let pause = mesh.rng().u64(0..10_000);
        mesh.run_for(millis(pause));
        mesh.thaw("b");
        mesh.run_for(BACK);
        rest(&mut mesh);
        assert_eq!(way(&mut mesh, "a", "c").unwrap(), ["a", "b", "c"]);
    });
}

/// Scenario 38, where nobody is told: both halves find it out, and neither's word is lost on the other afterwards.
#[test]
fn scenario_38_two_halves_that_hear_nothing_of_each_other_find_together_again() {
    for_each_seed(20, |seed| {
        let mut mesh = ring(seed);
        let across = [("a", "b"), ("b", "e"), ("c", "d")];
        for (x, y) in across {
            mesh.part(x, y);
        }
        mesh.run_for(NOTICED);
        rest(&mut mesh);
        assert_eq!(way(&mut mesh, "a", "c"), None);
        for node in ["b", "d"] {
            mesh.attach(node, Some(format!("of-{node}").as_bytes()));
        }
        rest(&mut mesh);
        for (x, y) in across {
            mesh.rejoin(x, y);
        }
        mesh.run_for(BACK);
        rest(&mut mesh);
        assert_eq!(way(&mut mesh, "a", "of-b").unwrap(), ["a", "b"]);
        assert_eq!(way(&mut mesh, "b", "of-d").unwrap(), ["b", "c", "d"]);
    });
}

/// Messages between nodes are lost, come twice and late, link state as any other, while names come and go and links
/// fail. When the weather is good again all know the same, and nothing was delivered twice.
#[test]
fn after_foul_weather_all_know_the_same() {
    for_each_seed(12, |seed| {
        let mut mesh = ring(seed);
        let (alice, carol) = (mesh.attach("a", Some(b"alice")), mesh.attach("c", Some(b"carol")));
        rest(&mut mesh);
        mesh.set_faults(Faults::FOUL);
        let mut traffic = Traffic::new(&[alice], &[carol]);
        let mut guests = Vec::new();
        for number in 0..150 {
            let node = ["a", "b", "c", "d", "e"][mesh.rng().usize(0..5)];
            let (x, y, _) = RING[mesh.rng().usize(0..RING.len())];
            match mesh.rng().u8(0..8) {
                0 | 1 => guests.push(mesh.attach(node, Some(format!("guest-{number}").as_bytes()))),
                2 if !guests.is_empty() => {
                    let guest = guests.swap_remove(mesh.rng().usize(0..guests.len()));
                    mesh.detach(guest);
                }
                3 => mesh.cut(x, y),
                4 => mesh.heal(x, y),
                5 => mesh.break_link(x, y),
                _ => traffic.send(&mut mesh, "carol", 5),
            }
            let pause = mesh.rng().u64(0..100);
            mesh.run_for(millis(pause));
        }
        mesh.set_faults(Faults::FAR);
        mesh.run_for(BACK);
        rest(&mut mesh);
        let twice = traffic.fates(&mesh).delivered.values().filter(|it| it.len() > 1).count();
        assert_eq!(twice, 0);
    });
}
