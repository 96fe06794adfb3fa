//! Which way messages go, and that it is the same for all.

use hopline_mesh::brain::{Event, ServiceConfig};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, listens};

use crate::traffic::{Traffic, millis, rest, way};

type Links = &'static [(&'static str, &'static str, u32)];

fn running(seed: u64, links: &[(&str, &str, u32)]) -> Simulation {
    let mut mesh = Simulation::of(seed, links);
    mesh.watch_for_loops();
    mesh.start_all();
    rest(&mut mesh);
    mesh
}

/// The next hop and cost from one node to another, as its table has them.
fn route(mesh: &Simulation, from: &str, to: &str) -> Option<(String, u64)> {
    let routes = mesh.routes(from).unwrap();
    let line = routes.into_iter().find(|line| line.destination == to)?;
    Some((line.next_hop?, line.cost?))
}

/// Scenario 12: where the two ends of a link differ, both count the greater cost.
#[test]
fn scenario_12_of_two_costs_of_a_link_the_greater_counts_at_both_ends() {
    for_each_seed(10, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("a", [dials("b", 1), dials("c", 10)]));
        mesh.add(config("b", [listens("a", 30), dials("c", 10)]));
        mesh.add(config("c", [listens("a", 10), listens("b", 10)]));
        mesh.start_all();
        rest(&mut mesh);
        assert_eq!(route(&mesh, "a", "b"), Some(("c".to_owned(), 20)));
        assert_eq!(route(&mesh, "b", "a"), Some(("c".to_owned(), 20)));
        assert_eq!(way(&mut mesh, "a", "b").unwrap(), ["a", "c", "b"]);
    });
}

/// Scenario 14: a node by which it is cheaper comes, and messages go by it; one by which it is dearer comes, and
/// nothing changes: no message is lost, none takes another path.
#[test]
fn scenario_14_a_cheaper_node_draws_the_messages_and_a_dearer_one_changes_nothing() {
    for_each_seed(20, |seed| {
        let links = [("a", "b", 20), ("a", "c", 5), ("c", "b", 5), ("a", "d", 8), ("d", "b", 8)];
        let mut mesh = Simulation::of(seed, &links);
        mesh.watch_for_loops();
        mesh.start("a");
        mesh.start("b");
        rest(&mut mesh);
        let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[alice], &[bob]);
        let mut ends = Vec::new();
        for joins in ["c", "d"] {
            for step in 0..40 {
                traffic.send(&mut mesh, "bob", 1);
                if step == 10 {
                    mesh.start(joins);
                }
                let pause = mesh.rng().u64(0..4);
                mesh.run_for(millis(pause));
            }
            rest(&mut mesh);
            ends.push(traffic.sent());
        }
        let fates = traffic.assert_accounted(&mesh);
        assert!(fates.told.is_empty(), "{:?}", fates.told);
        let path = |number: &u64| fates.delivered[number][0].join("-");
        assert_eq!(path(&0), "a-b");
        assert_eq!(path(&(ends[0] - 1)), "a-c-b");
        assert!((ends[0]..ends[1]).all(|number| path(&number) == "a-c-b"), "d changes nothing");
    });
}

/// Scenario 16: rings of three and of five, with a chord. Each message comes once, by the short way.
#[test]
fn scenario_16_in_rings_each_message_comes_once() {
    let rings: [Links; 2] = [
        &[("a", "b", 10), ("b", "c", 10), ("c", "a", 10)],
        &[
            ("a", "b", 10),
            ("b", "c", 10),
            ("c", "d", 10),
            ("d", "e", 10),
            ("e", "a", 10),
            ("b", "e", 10),
        ],
    ];
    for links in rings {
        for_each_seed(10, |seed| {
            let mut mesh = running(seed, links);
            let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("c", Some(b"bob")));
            rest(&mut mesh);
            let counts = |mesh: &Simulation, name| {
                mesh.running().iter().map(|node| mesh.count(node, name)).sum::<u64>()
            };
            let before = counts(&mesh, "received");
            let mut traffic = Traffic::new(&[alice], &[bob]);
            traffic.send(&mut mesh, "bob", 50);
            rest(&mut mesh);
            let fates = traffic.assert_accounted(&mesh);
            assert_eq!(fates.delivered.len(), 50);
            // From a to c: over b, or at once.
            let hops = fates.delivered.values().map(|paths| paths[0].len() as u64 - 1).sum::<u64>();
            // No node has received anything that it did not have to.
            assert_eq!(counts(&mesh, "received") - before, hops);
            assert_eq!(counts(&mesh, "loop"), 0);
        });
    }
}

/// Scenario 17: a chain of one node more than the hop limit.
#[test]
fn scenario_17_a_way_that_is_longer_than_the_hop_limit_is_refused_and_told() {
    let names: Vec<_> = (0..6).map(|number| format!("n{number}")).collect();
    for (limit, arrives) in [(5, false), (6, true)] {
        let mut mesh = Simulation::new(1);
        for (number, name) in names.iter().enumerate() {
            let before = number.checked_sub(1).map(|before| dials(&names[before], 10));
            let after = names.get(number + 1).map(|after| listens(after, 10));
            let mut config = config(name, before.into_iter().chain(after));
            config.settings.hop_limit = limit;
            mesh.add(config);
        }
        mesh.start_all();
        rest(&mut mesh);
        let (alice, bob) = (mesh.attach("n0", Some(b"alice")), mesh.attach("n5", Some(b"bob")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[alice], &[bob]);
        traffic.send(&mut mesh, "bob", 3);
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        assert_eq!(fates.delivered.len(), if arrives { 3 } else { 0 });
        assert!(fates.told.values().flatten().all(|why| why.starts_with("hop limit")), "{fates:?}");
        let refused: u64 = names.iter().map(|name| mesh.count(name, "hop limit")).sum();
        assert_eq!(refused, if arrives { 0 } else { 3 });
    }
}

/// Scenario 19: names that begin like one another, or are in one another, are not one node.
#[test]
fn scenario_19_names_that_are_alike_are_no_loop() {
    let mut mesh = running(1, &[("n", "n1", 10), ("n1", "n11", 10), ("n11", "n1.n", 10)]);
    assert_eq!(way(&mut mesh, "n", "n1.n").unwrap(), ["n", "n1", "n11", "n1.n"]);
}

/// Scenario 20: names of one and of as many characters as may be, in a full mesh of four.
#[test]
fn scenario_20_the_shortest_and_the_longest_names_are_reached_alike() {
    let long = "n".repeat(64);
    let other = format!("m{}", "-x".repeat(31));
    let nodes = ["a", long.as_str(), "7", other.as_str()];
    let mut links = Vec::new();
    for (place, from) in nodes.iter().enumerate() {
        links.extend(nodes[place + 1..].iter().map(|to| (*from, *to, 10)));
    }
    let mut mesh = running(1, &links);
    let names = ["x".to_owned(), "y".repeat(129), "z".repeat(255), "w".repeat(64)];
    for (node, name) in nodes.iter().zip(&names) {
        mesh.attach(node, Some(name.as_bytes()));
    }
    rest(&mut mesh);
    for from in nodes {
        for (to, name) in nodes.iter().zip(&names) {
            let direct = if from == *to { vec![from] } else { vec![from, *to] };
            assert_eq!(way(&mut mesh, from, name).unwrap(), direct, "{name}");
            assert_eq!(way(&mut mesh, from, to).unwrap(), direct, "{to}");
        }
    }
}

/// Scenario 21: as those who have a name come and go, near and far, every node sees 0, 1, 2, 1, 0 in order.
#[test]
fn scenario_21_how_many_have_a_name_is_seen_in_order_everywhere() {
    let links: Links = &[("a", "b", 10), ("b", "c", 10), ("c", "d", 10)];
    let shared = ClientName::from_identity(b"shared");
    for_each_seed(20, |seed| {
        let mut mesh = Simulation::new(seed);
        for name in ["a", "b", "c", "d"] {
            let declared = links.iter().filter_map(|&(from, to, cost)| {
                let dialled = (from == name).then(|| dials(to, cost));
                dialled.or_else(|| (to == name).then(|| listens(from, cost)))
            });
            let mut config = config(name, declared);
            let at = ["a", "d"].map(|node| NodeName::parse(node).unwrap()).into();
            let service = ServiceConfig { at, policy: Policy::Closest };
            config.settings.services = [(shared.clone(), service)].into();
            mesh.add(config);
        }
        mesh.start_all();
        rest(&mut mesh);
        let seen_at = |mesh: &Simulation, node: &str| {
            let routes = mesh.routes(node).unwrap();
            routes.iter().filter(|line| line.destination.starts_with("shared")).count()
        };
        let mut seen = vec![vec![0]; 4];
        let mut watch = |mesh: &mut Simulation| {
            loop {
                for (seen, node) in seen.iter_mut().zip(["a", "b", "c", "d"]) {
                    let count = seen_at(mesh, node);
                    if seen.last() != Some(&count) {
                        seen.push(count);
                    }
                }
                if mesh.run_until_quiet(millis(0)) || !mesh.step() {
                    break;
                }
            }
        };
        let near = mesh.attach("a", Some(b"shared"));
        watch(&mut mesh);
        let far = mesh.attach("d", Some(b"shared"));
        watch(&mut mesh);
        mesh.detach(near);
        watch(&mut mesh);
        mesh.detach(far);
        watch(&mut mesh);
        assert_eq!(seen, vec![vec![0, 1, 2, 1, 0]; 4]);
    });
}

/// Scenario 23: between two parts there is no way, which is told at once; a link that joins them makes one.
#[test]
fn scenario_23_two_parts_have_no_way_until_a_link_joins_them() {
    for_each_seed(20, |seed| {
        let links = [("a", "b", 10), ("c", "d", 10), ("b", "c", 10)];
        let mut mesh = Simulation::of(seed, &links);
        mesh.watch_for_loops();
        mesh.start_all();
        mesh.cut("b", "c");
        rest(&mut mesh);
        let (alice, dora) = (mesh.attach("a", Some(b"alice")), mesh.attach("d", Some(b"dora")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[alice], &[dora]);
        let before = mesh.elapsed();
        traffic.send(&mut mesh, "dora", 1);
        rest(&mut mesh);
        assert!(mesh.elapsed() < before + millis(20), "it is refused at once");
        assert_eq!(traffic.assert_accounted(&mesh).told.len(), 1);
        mesh.heal("b", "c");
        rest(&mut mesh);
        traffic.send(&mut mesh, "dora", 1);
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        assert_eq!(fates.delivered[&1], [["a", "b", "c", "d"]]);
    });
}

/// Scenario 24: both ends dial, so that there are two connections for a moment or two, and one after the other
/// breaks. There is one link, no message comes twice, and whose connection did not carry it notices nothing.
#[test]
fn scenario_24_two_connections_of_a_pair_are_one_link() {
    for_each_seed(20, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("a", [dials("b", 10)]));
        mesh.add(config("b", [dials("a", 10)]));
        mesh.watch_for_loops();
        mesh.start_all();
        rest(&mut mesh);
        let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[alice], &[bob]);
        for _ in 0..30 {
            traffic.send(&mut mesh, "bob", 5);
            let pause = mesh.rng().u64(0..1_500);
            mesh.run_for(millis(pause));
            mesh.break_one("a", "b");
        }
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        assert!(fates.delivered.len() > 15, "{}", fates.delivered.len());
        let up = mesh.status("a").unwrap().links.iter().filter(|link| link.up).count();
        assert_eq!(up, 1);
    });
}

/// Scenario 24: of two connections the spare one breaks, again and again, under traffic. No route changes, no message is
/// told of, and none comes twice.
#[test]
fn scenario_24_a_spare_connection_that_breaks_changes_no_route() {
    for_each_seed(20, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("a", [dials("b", 10)]));
        mesh.add(config("b", [dials("a", 10), dials("c", 10)]));
        mesh.add(config("c", [listens("b", 10)]));
        mesh.start_all();
        rest(&mut mesh);
        let (alice, carol) = (mesh.attach("a", Some(b"alice")), mesh.attach("c", Some(b"carol")));
        // The link has carried signs of life, the other connection nothing.
        mesh.run_for(millis(1_000));
        let look = |mesh: &Simulation| {
            ["a", "b", "c"].map(|node| {
                let is_change = |event: &Event| {
                    matches!(event, Event::Routes { .. } | Event::LinkUp(_) | Event::LinkDown(_))
                };
                let changes = mesh.events(node).iter().filter(|(_, event)| is_change(event));
                (mesh.status(node).unwrap().revision, changes.count())
            })
        };
        let before = look(&mesh);
        let mut traffic = Traffic::new(&[alice], &[carol]);
        for round in 0..10 {
            traffic.send(&mut mesh, "carol", 5);
            let pause = mesh.rng().u64(0..5);
            mesh.run_for(millis(pause));
            assert!(mesh.break_spare("a", "b"), "there is one connection in round {round}");
            traffic.send(&mut mesh, "carol", 5);
            // It is there again, and the link has carried signs of life since.
            mesh.run_for(millis(2_000));
            assert_eq!(mesh.connections("a", "b"), 2);
            assert_eq!(look(&mesh), before, "in round {round}");
        }
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        assert_eq!((fates.delivered.len() as u64, fates.told.len()), (traffic.sent(), 0));
    });
}
