//! Loop-free alternates at work: the message behind a link's end goes the other way, before there is a new table.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Config, Event};
use hopline_mesh::name::NodeName;
use hopline_mesh::route::explain::Decision;
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::{Kind, Prefix};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
/// So many nodes are declared and never met that a node makes no table for 50 ms after the last.
const DECLARED: usize = 5_000;

fn declared() -> BTreeSet<NodeName> {
    (0..DECLARED).map(|number| NodeName::parse(&format!("other-{number:04}")).unwrap()).collect()
}

/// `a` reaches `d` by `b`, and dearer by `c`.
fn diamond(seed: u64) -> (Simulation, ClientId, ClientId) {
    let mut mesh = Simulation::new(seed);
    let mut add = |mut config: Config| {
        config.settings.known = declared();
        mesh.add(config);
    };
    add(config("a", [dials("b", 10), dials("c", 15)]));
    add(config("b", [listens("a", 10), dials("d", 10)]));
    add(config("c", [listens("a", 15), dials("d", 15)]));
    add(config("d", [listens("b", 10), listens("c", 15)]));
    mesh.watch_for_loops();
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let (alice, dave) = (mesh.attach("a", Some(b"alice")), mesh.attach("d", Some(b"dave")));
    assert!(mesh.run_until_quiet(LIMIT));
    (mesh, alice, dave)
}

/// Steps until it holds, and says when.
fn step_until(mesh: &mut Simulation, mut holds: impl FnMut(&mut Simulation) -> bool) -> Duration {
    let limit = mesh.elapsed() + LIMIT;
    while !holds(mesh) {
        assert!(mesh.step() && mesh.elapsed() < limit, "it never holds");
    }
    mesh.elapsed()
}

fn is_down(mesh: &Simulation, node: &str, neighbour: &str) -> bool {
    let down = |event: &Event| matches!(event, Event::LinkDown(it) if it.as_str() == neighbour);
    mesh.events(node).iter().any(|(_, event)| down(event))
}

fn tables(mesh: &Simulation, node: &str) -> usize {
    let is_table = |event: &Event| matches!(event, Event::Routes { .. });
    mesh.events(node).iter().filter(|(_, event)| is_table(event)).count()
}

#[test]
fn the_message_behind_the_end_of_a_link_goes_the_other_way_before_there_is_a_table() {
    let early = Cell::new(0);
    let ran = for_each_seed(20, |seed| {
        let (mut mesh, alice, dave) = diamond(seed);
        let before = tables(&mesh, "a");
        mesh.kill("b");
        step_until(&mut mesh, |mesh| is_down(mesh, "a", "b"));
        if tables(&mesh, "a") > before {
            // Word of it from `d` was there before the end of the connection.
            return;
        }
        early.set(early.get() + 1);
        mesh.send_text(alice, r#"{"destination":"dave"}"#);
        let mut got = Vec::new();
        step_until(&mut mesh, |mesh| {
            got.extend(mesh.take_json(dave));
            !got.is_empty()
        });
        assert_eq!(got[0]["route_path"], json!(["a", "c", "d"]));
        assert_eq!(tables(&mesh, "a"), before, "no table was made for it");
        assert!(mesh.run_until_quiet(LIMIT));
        assert!(tables(&mesh, "a") > before);
        mesh.assert_tables_equal_pure();
        assert!(mesh.take_json(alice).is_empty() && mesh.take_json(dave).is_empty());
    });
    assert!(early.get() * 4 > ran || ran == 1, "{} of {ran}", early.get());
}

/// What waits for a link that ends is routed anew in the same input, and finds the alternate too.
#[test]
fn what_waited_for_a_link_goes_by_the_alternate_when_it_ends() {
    for_each_seed(10, |seed| {
        let (mut mesh, alice, dave) = diamond(seed);
        mesh.swallow("a", "b");
        // More than a window: some are sent and in doubt, some wait.
        for number in 0..1_500 {
            mesh.send_text(alice, format!(r#"{{"destination":"dave","number":{number}}}"#));
        }
        mesh.run_for(Duration::from_millis(100));
        mesh.kill("b");
        let ended = step_until(&mut mesh, |mesh| is_down(mesh, "a", "b"));
        let at_its_end = tables(&mesh, "a");
        let mut got = Vec::new();
        step_until(&mut mesh, |mesh| {
            got.extend(mesh.take_json(dave));
            !got.is_empty()
        });
        assert_eq!(tables(&mesh, "a"), at_its_end, "no table was made for it");
        assert!(mesh.elapsed() - ended < Duration::from_millis(50));
        assert!(mesh.run_until_quiet(LIMIT));
        got.extend(mesh.take_json(dave));
        assert!(got.iter().all(|message| message["route_path"] == json!(["a", "c", "d"])));
        let told = mesh.take_json(alice);
        assert_eq!(got.len() + told.len(), 1_500);
        mesh.assert_tables_equal_pure();
    });
}

/// What a running node says of the way to `dave` when it is asked so.
fn explained(mesh: &mut Simulation, operator: ClientId, node: &str) -> Decision {
    let (path, from, client) = (Vec::new(), None, None);
    let request = Request::Explain { destination: "dave".to_owned(), path, from, client };
    let prefix = Prefix { destination: node, ..Prefix::new(Kind::Control) };
    mesh.send(operator, vec![prefix.write(), Bytes::new(), request.write()]);
    let mut answer = None;
    step_until(mesh, |mesh| {
        answer = mesh.take(operator).pop();
        answer.is_some()
    });
    match Answer::read(&answer.unwrap()[2]).unwrap() {
        Answer::Explained(step) => step.decision,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_running_node_explains_that_it_goes_by_an_alternate_for_as_long_as_it_does() {
    let early = Cell::new(0);
    let ran = for_each_seed(20, |seed| {
        let (mut mesh, _, _) = diamond(seed);
        let operator = mesh.attach_native("a", Some("operator"));
        assert!(mesh.run_until_quiet(LIMIT));
        let node = |name: &str| NodeName::parse(name).unwrap();
        let by = |neighbour: &str, cost| Decision::Computed {
            at: node("d"),
            neighbour: node(neighbour),
            cost,
            hops: 2,
        };
        assert_eq!(explained(&mut mesh, operator, "a"), by("b", 20));
        let before = tables(&mesh, "a");
        mesh.kill("b");
        step_until(&mut mesh, |mesh| is_down(mesh, "a", "b"));
        if tables(&mesh, "a") == before {
            early.set(early.get() + 1);
            let (at, neighbour, instead_of) = (node("d"), node("c"), node("b"));
            let alternate = Decision::Alternate { at, neighbour, instead_of };
            assert_eq!(explained(&mut mesh, operator, "a"), alternate);
            assert_eq!(tables(&mesh, "a"), before, "no table was made for it");
        }
        step_until(&mut mesh, |mesh| tables(mesh, "a") > before);
        assert_eq!(explained(&mut mesh, operator, "a"), by("c", 30));
    });
    assert!(early.get() * 4 > ran || ran == 1, "{} of {ran}", early.get());
}

/// A node without an alternate makes its table at once, however long it would rest.
#[test]
fn where_there_is_no_alternate_nothing_is_refused_that_has_a_way() {
    for_each_seed(10, |seed| {
        let mut mesh = Simulation::new(seed);
        // By `b` only: `c` leads back, as `a` is its own way to `d`.
        let links = [("a", "b", 10), ("b", "d", 10), ("a", "c", 10), ("c", "d", 50)];
        let mut nodes: std::collections::BTreeMap<&str, Vec<_>> = std::collections::BTreeMap::new();
        for (from, to, cost) in links {
            nodes.entry(from).or_default().push(dials(to, cost));
            nodes.entry(to).or_default().push(listens(from, cost));
        }
        for (name, links) in nodes {
            let mut config = config(name, links);
            config.settings.known = declared();
            mesh.add(config);
        }
        mesh.watch_for_loops();
        mesh.start_all();
        assert!(mesh.run_until_quiet(LIMIT));
        let (alice, dave) = (mesh.attach("a", Some(b"alice")), mesh.attach("d", Some(b"dave")));
        assert!(mesh.run_until_quiet(LIMIT));
        mesh.break_link("a", "b");
        mesh.cut("a", "b");
        step_until(&mut mesh, |mesh| is_down(mesh, "a", "b"));
        mesh.send_text(alice, r#"{"destination":"dave"}"#);
        assert!(mesh.run_until_quiet(LIMIT));
        assert_eq!(mesh.take_json(dave)[0]["route_path"], json!(["a", "c", "d"]));
        assert!(mesh.take_json(alice).is_empty());
    });
}
