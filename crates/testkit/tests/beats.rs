//! Signs of life: who is silent is gone within a second, and nobody else is.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

mod diamond;

use std::time::Duration;

use hopline_mesh::brain::{Command, Event, Liveness, Settings};
use hopline_testkit::simulation::{
    ClientId, Faults, Simulation, config, dials, for_each_seed, listens,
};
use serde_json::json;

use diamond::{LIMIT, diamond};

/// Within so long after the last sign of life both ends know: the silence limit and a hello.
const NOTICED: Duration = Duration::from_millis(1_300);

/// Two ways from `west` to `east`: over `north`, and dearer over `south`.
fn with_clients(seed: u64) -> (Simulation, ClientId, ClientId) {
    let mut mesh = diamond(seed, ["west", "north", "south", "east"]);
    let alice = mesh.attach("west", Some(b"alice"));
    let bob = mesh.attach("east", Some(b"bob"));
    assert!(mesh.run_until_quiet(LIMIT));
    (mesh, alice, bob)
}

/// How often a link of a node's ended because nothing came on it.
fn silent(mesh: &Simulation, node: &str) -> u64 {
    mesh.count(node, "link silent")
}

fn downs(mesh: &Simulation, node: &str) -> usize {
    let events = mesh.events(node).iter();
    events.filter(|(_, event)| matches!(event, Event::LinkDown(_))).count()
}

/// The way of a message of `from` to `to`, once it has arrived.
fn way(mesh: &mut Simulation, from: ClientId, to: (ClientId, &str)) -> Vec<String> {
    mesh.send_text(from, json!({"destination": to.1}).to_string());
    // A node that is frozen is never quiet.
    mesh.run_for(Duration::from_millis(100));
    let got = mesh.take_json(to.0);
    let path = got[0]["route_path"].as_array().unwrap();
    path.iter().map(|node| node.as_str().unwrap().to_owned()).collect()
}

/// Scenario 31: a link over which nothing comes, and whose end nobody is told. It is down at both ends within the
/// silence limit, what is sent goes round it, and it is used again when it is whole.
#[test]
fn scenario_31_a_silent_link_is_down_in_time_and_comes_back() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = with_clients(seed);
        assert_eq!(way(&mut mesh, alice, (bob, "bob")), ["west", "north", "east"]);
        mesh.part("west", "north");
        mesh.run_for(NOTICED);
        assert!(!mesh.is_linked("west", "north"));
        assert_eq!((silent(&mesh, "west"), silent(&mesh, "north")), (1, 1));
        assert_eq!(way(&mut mesh, alice, (bob, "bob")), ["west", "south", "east"]);
        mesh.rejoin("west", "north");
        mesh.run_for(Duration::from_secs(10));
        assert!(mesh.run_until_quiet(LIMIT));
        assert!(mesh.is_linked("west", "north") && mesh.converged());
        assert_eq!(way(&mut mesh, alice, (bob, "bob")), ["west", "north", "east"]);
    });
}

/// How soon a silent link is down is a setting, which also changes at nodes that run.
#[test]
fn how_soon_a_silent_link_is_down_is_a_setting_that_changes_live() {
    let ms = Duration::from_millis;
    let liveness =
        |hello, silence| Liveness { hello: ms(hello), silence: ms(silence), ..Liveness::default() };
    for (liveness, still, down) in
        [(liveness(50, 200), ms(100), ms(200)), (liveness(2_000, 6_000), ms(3_900), ms(4_200))]
    {
        let (mut mesh, ..) = with_clients(1);
        for (node, links) in [
            ("west", [listens("north", 10), listens("south", 20)]),
            ("east", [listens("north", 10), listens("south", 20)]),
            ("north", [dials("west", 10), dials("east", 10)]),
            ("south", [dials("west", 20), dials("east", 20)]),
        ] {
            let settings = Settings { liveness, ..config(node, links).settings };
            mesh.command(node, Command::Reconfigure(Box::new(settings)));
        }
        mesh.run_for(Duration::from_secs(60));
        let all = ["north", "south", "east", "west"];
        assert_eq!(all.map(|node| downs(&mesh, node)), [0; 4], "{liveness:?}");
        mesh.part("west", "north");
        mesh.run_for(still);
        assert!(mesh.is_linked("west", "north"), "{liveness:?}");
        mesh.run_for(down);
        assert!(!mesh.is_linked("west", "north"), "{liveness:?}");
    }
}

/// Scenario 39: one end hears, the other does not. The link is used by neither.
#[test]
fn scenario_39_a_link_that_carries_one_way_only_is_used_by_neither_end() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = with_clients(seed);
        match seed % 2 {
            0 => mesh.swallow("west", "north"),
            _ => mesh.swallow("north", "west"),
        }
        mesh.run_for(2 * NOTICED);
        assert!(!mesh.is_linked("west", "north"));
        assert_eq!(way(&mut mesh, alice, (bob, "bob")), ["west", "south", "east"]);
        assert_eq!(way(&mut mesh, bob, (alice, "alice")), ["east", "south", "west"]);
    });
}

/// A node that was asleep has heard nobody, and blames nobody; who has not heard it knows within the silence limit.
#[test]
fn a_node_that_slept_is_missed_and_misses_nobody() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = with_clients(seed);
        mesh.freeze("north");
        mesh.run_for(NOTICED);
        assert_eq!((silent(&mesh, "west"), silent(&mesh, "east")), (1, 1));
        assert_eq!(way(&mut mesh, alice, (bob, "bob")), ["west", "south", "east"]);
        mesh.run_for(Duration::from_secs(seed % 20));
        mesh.thaw("north");
        mesh.run_for(Duration::from_secs(10));
        assert!(mesh.run_until_quiet(LIMIT));
        assert_eq!(silent(&mesh, "north"), 0);
        assert!(mesh.is_linked("west", "north") && mesh.is_linked("east", "north"));
        assert!(mesh.converged());
        assert_eq!(way(&mut mesh, alice, (bob, "bob")), ["west", "north", "east"]);
    });
}

/// A short sleep is nobody's end.
#[test]
fn a_node_that_dozes_keeps_its_links() {
    for_each_seed(10, |seed| {
        let (mut mesh, ..) = with_clients(seed);
        for _ in 0..20 {
            mesh.freeze("north");
            mesh.run_for(Duration::from_millis(650));
            mesh.thaw("north");
            mesh.run_for(Duration::from_millis(300));
        }
        let downs: usize =
            ["north", "south", "east", "west"].map(|node| downs(&mesh, node)).iter().sum();
        assert_eq!(downs, 0);
    });
}

/// Nothing is taken for dead in an hour of rest, nor while frames take their time and traffic is heavy.
#[test]
fn links_that_are_alive_stay_up() {
    let (mut mesh, ..) = with_clients(1);
    mesh.run_for(Duration::from_secs(3_600));
    let (mut busy, alice, bob) = with_clients(2);
    busy.set_faults(Faults::FAR);
    for _ in 0..2_000 {
        for _ in 0..5 {
            busy.send_text(alice, json!({"destination": "bob"}).to_string());
        }
        busy.run_for(Duration::from_millis(10));
    }
    assert!(busy.run_until_quiet(LIMIT));
    assert_eq!(busy.take_json(bob).len(), 10_000);
    for node in ["north", "south", "east", "west"] {
        assert_eq!((downs(&mesh, node), downs(&busy, node)), (0, 0), "{node}");
    }
}
