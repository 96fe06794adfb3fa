//! Nodes that are told to go by other settings while they run and messages pass.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

mod diamond;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{
    Command, Event, Impairment, LinkConfig, ServiceConfig, Settings, Window,
};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_mesh::route::access::{AccessRules, AttachRule, Effect, NameSet};
use hopline_mesh::wire::{Kind, MessageId, Path, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};

use diamond::diamond;

/// The links of each node of the diamond: from `a` to `d` by `b`, or by `c` at another cost.
fn links(node: &str, c_cost: u32) -> Vec<(NodeName, LinkConfig)> {
    match node {
        "a" => vec![listens("b", 10), listens("c", c_cost)],
        "b" => vec![dials("a", 10), dials("d", 10)],
        "c" => vec![dials("a", c_cost), dials("d", c_cost)],
        _ => vec![listens("b", 10), listens("c", c_cost)],
    }
}

const NODES: [&str; 4] = ["a", "b", "c", "d"];

fn mesh(seed: u64) -> Simulation {
    diamond(seed, ["a", "b", "c", "d"])
}

fn settings(node: &str, links: Vec<(NodeName, LinkConfig)>) -> Settings {
    config(node, links).settings
}

fn reconfigure(mesh: &mut Simulation, node: &str, settings: Settings) {
    mesh.command(node, Command::Reconfigure(Box::new(settings)));
}

/// All nodes have their links of the diamond, those of `c` at this cost, without the links of `but`.
fn relink(mesh: &mut Simulation, c_cost: u32, but: Option<(&str, &str)>) {
    for node in NODES {
        let mut links = links(node, c_cost);
        links.retain(|(neighbour, _)| {
            !but.is_some_and(|(a, b)| {
                (node, neighbour.as_str()) == (a, b) || (node, neighbour.as_str()) == (b, a)
            })
        });
        reconfigure(mesh, node, settings(node, links));
    }
}

fn send(mesh: &mut Simulation, client: ClientId, to: &str, counter: u64) {
    send_of(mesh, client, to, counter, 100);
}

fn send_of(mesh: &mut Simulation, client: ClientId, to: &str, counter: u64, bytes: usize) {
    let id = MessageId { incarnation: 7, counter };
    let prefix = Prefix { id, destination: to, ..Prefix::new(Kind::Data) };
    mesh.send(client, vec![prefix.write(), Bytes::new(), Bytes::from(vec![7; bytes])]);
}

/// The numbers and reasons of what a client was told.
fn told(mesh: &mut Simulation, client: ClientId) -> Vec<(u64, String)> {
    let frames = mesh.take(client).into_iter();
    let errors = frames.filter_map(|frames| {
        let prefix = Prefix::read(&frames[0]).ok()?;
        let tail = Tail::read(prefix.tail).ok()?;
        (prefix.kind == Kind::Error).then_some((tail.correlation?.counter, tail.reason?))
    });
    errors.collect()
}

fn handed(mesh: &Simulation, client: ClientId) -> Vec<u64> {
    let ids = mesh.handed(client).iter().map(|frames| Prefix::read(&frames[0]).unwrap());
    ids.filter(|prefix| prefix.kind == Kind::Data).map(|prefix| prefix.id.counter).collect()
}

fn last_way(mesh: &Simulation, client: ClientId) -> Vec<String> {
    Path::read(&mesh.handed(client).last().unwrap()[1]).unwrap().nodes()
}

fn ups_and_downs(mesh: &Simulation, node: &str, neighbour: &str) -> usize {
    let is_it = |event: &Event| match event {
        Event::LinkUp(other) | Event::LinkDown(other) => other.as_str() == neighbour,
        _ => false,
    };
    mesh.events(node).iter().filter(|(_, event)| is_it(event)).count()
}

/// Scenarios 13 and 77: costs change, links go and come under traffic; only those links change, and whatever was sent
/// arrives.
#[test]
fn scenario_13_77_links_change_under_traffic_and_nothing_is_lost() {
    for_each_seed(20, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let alice = mesh.attach_native("a", Some("alice"));
        let before = ups_and_downs(&mesh, "a", "c");
        let mut number = 0;
        let mut run = |mesh: &mut Simulation, time: u64| {
            for _ in 0..time {
                for _ in 0..3 {
                    send(mesh, alice, "dave", number);
                    number += 1;
                }
                mesh.run_for(Duration::from_millis(1));
            }
            last_way(mesh, dave)
        };
        assert_eq!(run(&mut mesh, 20), ["a", "b", "d"]);
        relink(&mut mesh, 5, None);
        assert_eq!(run(&mut mesh, 50), ["a", "c", "d"], "a cost is changed");
        relink(&mut mesh, 20, None);
        assert_eq!(run(&mut mesh, 50), ["a", "b", "d"]);
        relink(&mut mesh, 20, Some(("b", "d")));
        assert_eq!(run(&mut mesh, 200), ["a", "c", "d"], "a link is taken out");
        assert!(!mesh.is_linked("b", "d"));
        assert_eq!(mesh.status("d").unwrap().links.len(), 1);
        relink(&mut mesh, 20, None);
        assert_eq!(run(&mut mesh, 200), ["a", "b", "d"], "and taken in again");
        mesh.run_for(Duration::from_secs(5));
        let told = told(&mut mesh, alice);
        let mut ends: Vec<u64> = handed(&mesh, dave);
        ends.extend(told.iter().map(|(number, _)| *number));
        let known: BTreeSet<u64> = ends.iter().copied().collect();
        assert_eq!(ends.len(), known.len(), "both, or twice");
        assert_eq!(known.len() as u64, number, "lost");
        // Those that were on their way by b when its link to d was taken out, and would have gone back.
        let at_the_cut = 3 * 120 - 30..3 * 120 + 30;
        let is_known = |(number, why): &(u64, String)| {
            at_the_cut.contains(number) && why == "next hop is source"
        };
        assert!(told.iter().all(is_known), "{told:?}");
        assert_eq!(ups_and_downs(&mesh, "a", "c"), before, "a link that stays is not touched");
        assert!(mesh.converged());
        mesh.assert_ledger_is_even();
    });
}

/// A slow link is taken out at one end while large messages wait for it at the other: it stays until they have come.
#[test]
fn a_slow_link_that_is_taken_out_is_emptied_first() {
    for_each_seed(10, |seed| {
        let mut mesh = mesh(seed);
        let dave = mesh.attach_native("d", Some("dave"));
        let alice = mesh.attach_native("a", Some("alice"));
        let rate = Impairment { bytes_per_second: Some(500_000), ..Impairment::default() };
        mesh.impair("a", "b", rate);
        for number in 0..20 {
            send_of(&mut mesh, alice, "dave", number, if number % 2 == 0 { 150_000 } else { 100 });
            mesh.run_for(Duration::from_millis(10 + seed % 10));
        }
        reconfigure(&mut mesh, "b", settings("b", vec![dials("d", 10)]));
        mesh.run_for(Duration::from_secs(15));
        assert!(!mesh.is_linked("a", "b"));
        assert_eq!(told(&mut mesh, alice), []);
        let mut handed = handed(&mesh, dave);
        handed.sort_unstable();
        assert_eq!(handed, (0..20).collect::<Vec<u64>>());
    });
}

/// The end that dials changes sides: the link comes back, once.
#[test]
fn a_link_that_is_dialled_from_the_other_end_comes_back() {
    for_each_seed(20, |seed| {
        let mut mesh = mesh(seed);
        let b = vec![dials("a", 10), listens("d", 10)];
        let d = vec![dials("b", 10), listens("c", 20)];
        reconfigure(&mut mesh, "b", settings("b", b));
        mesh.run_for(Duration::from_millis(5));
        reconfigure(&mut mesh, "d", settings("d", d));
        mesh.run_for(Duration::from_secs(10));
        assert!(mesh.is_linked("b", "d") && mesh.converged());
        let link = |node: &str, other: &str| {
            let links = mesh.status(node).unwrap().links;
            links.into_iter().find(|link| link.neighbour.as_str() == other).unwrap()
        };
        assert!(link("d", "b").dials && !link("b", "d").dials);
    });
}

/// Scenario 78: ten changes in a second; the last one wins, and no link is there twice.
#[test]
fn scenario_78_of_ten_changes_at_once_the_last_one_wins() {
    for_each_seed(20, |seed| {
        let mut mesh = mesh(seed);
        for round in 0..10 {
            relink(&mut mesh, 20, (round % 2 == 0).then_some(("b", "d")));
            let pause = mesh.rng().u64(0..100);
            mesh.run_for(Duration::from_millis(pause));
        }
        mesh.run_for(Duration::from_secs(10));
        assert!(mesh.is_linked("b", "d") && mesh.converged());
        for node in NODES {
            assert_eq!(mesh.status(node).unwrap().links.len(), 2, "{node}");
        }
        assert_eq!(mesh.connections("b", "d"), 1);
        relink(&mut mesh, 20, Some(("b", "d")));
        mesh.run_for(Duration::from_secs(10));
        assert!(!mesh.is_linked("b", "d") && mesh.converged());
        assert_eq!(mesh.connections("b", "d"), 0);
    });
}

/// Scenario 79: a limit is lowered while messages wait; what waits stays, and no more is taken.
#[test]
fn scenario_79_a_limit_is_lowered_live() {
    let mut mesh = mesh(1);
    let dave = mesh.attach_native("d", Some("dave"));
    let alice = mesh.attach_native("a", Some("alice"));
    mesh.run_for(Duration::from_secs(1));
    let lowered = Settings {
        window: Window { messages: 1, bytes: 1 << 20 },
        queue: Window { messages: 5, bytes: 1 << 20 },
        ..settings("a", links("a", 20))
    };
    reconfigure(&mut mesh, "a", lowered);
    for number in 0..100 {
        send(&mut mesh, alice, "dave", number);
    }
    mesh.run_for(Duration::from_secs(5));
    let full: Vec<_> = told(&mut mesh, alice).into_iter().map(|(_, why)| why).collect();
    assert!(full.iter().any(|why| why == "queue full"), "{full:?}");
    assert_eq!(full.len() + handed(&mesh, dave).len(), 100);

    reconfigure(&mut mesh, "a", settings("a", links("a", 20)));
    for number in 100..200 {
        send(&mut mesh, alice, "dave", number);
    }
    mesh.run_for(Duration::from_secs(5));
    assert_eq!(told(&mut mesh, alice), [], "and raised again");
}

/// Access rules change: a client that may not be here any more is closed, and static routes are those of the
/// settings.
#[test]
fn rules_and_static_routes_change_live() {
    let mut mesh = mesh(1);
    let alice = mesh.attach_native("a", Some("alice"));
    let bob = mesh.attach_native("a", Some("bob"));
    let route =
        Command::SetRoute { destination: "south.*".to_owned(), next_hop: Some("b".to_owned()) };
    mesh.command("a", route);
    assert!(mesh.routes("a").unwrap().iter().any(|line| line.destination == "south.*"));
    let who = NameSet::parse(["bob"]).unwrap();
    let attach = vec![AttachRule { effect: Effect::Deny, who, at: None }];
    let access = AccessRules { attach, send: Vec::new() };
    reconfigure(&mut mesh, "a", Settings { access, ..settings("a", links("a", 20)) });
    mesh.run_for(Duration::from_secs(1));
    assert!(mesh.is_connected(alice) && !mesh.is_connected(bob));
    assert!(!mesh.routes("a").unwrap().iter().any(|line| line.destination == "south.*"));
    assert!(mesh.converged());
}

/// A service moves: whoever holds its name where it is not offered any more is closed, and comes again where it is
/// offered now.
#[test]
fn a_service_that_moves_takes_its_clients_with_it() {
    let service = |at: &[&str]| {
        let at = at.iter().map(|node| NodeName::parse(node).unwrap()).collect();
        let db = ClientName::from_identity(b"db");
        BTreeMap::from([(db, ServiceConfig { at, policy: Policy::Closest })])
    };
    let mut mesh = mesh(1);
    let at_a = mesh.attach_native("a", Some("db"));
    let other = mesh.attach_native("a", Some("other"));
    let alice = mesh.attach_native("b", Some("alice"));
    mesh.run_for(Duration::from_secs(1));
    let offer = |mesh: &mut Simulation, at: &[&str]| {
        for node in NODES {
            let settings = settings(node, links(node, 20));
            reconfigure(mesh, node, Settings { services: service(at), ..settings });
        }
        mesh.run_for(Duration::from_secs(1));
        mesh.take(alice);
    };
    offer(&mut mesh, &["a", "d"]);
    assert!(mesh.is_connected(at_a), "it is offered where it was");
    offer(&mut mesh, &["d"]);
    assert!(!mesh.is_connected(at_a) && mesh.is_connected(other));
    send(&mut mesh, alice, "db", 1);
    mesh.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut mesh, alice), [(1, "unknown destination".to_owned())]);

    let early = mesh.attach_native("a", Some("db"));
    mesh.run_for(Duration::from_secs(1));
    assert!(mesh.is_connected(early), "it is told so when it says something");
    offer(&mut mesh, &["a"]);
    assert!(!mesh.is_connected(early), "it may have the name now, and comes again");
}
