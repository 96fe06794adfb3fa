//! How a link comes to be, and who never gets one.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_mesh::brain::{Command, Event};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::hello::{Hello, MeshKey, Role, Statement};
use hopline_testkit::simulation::{
    ClientId, Simulation, config, dials, for_each_seed, hello, listens,
};

const LIMIT: Duration = Duration::from_secs(30);

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

/// Two nodes, of which `b` is told something else than `a` is.
fn pair(seed: u64, change: impl FnOnce(&mut hopline_mesh::brain::Config)) -> Simulation {
    let mut mesh = Simulation::new(seed);
    mesh.add(config("a", [dials("b", 10)]));
    let mut b = config("b", [listens("a", 10)]);
    change(&mut b);
    mesh.add(b);
    mesh.start_all();
    mesh
}

/// Scenario 61.
#[test]
fn scenario_61_a_wrong_key_is_never_a_link() {
    for_each_seed(5, |seed| {
        let mut mesh = pair(seed, |b| b.key = MeshKey::new([8; 32]));
        mesh.run_for(Duration::from_secs(10));
        assert!(!mesh.is_linked("a", "b"));
        assert!(mesh.refusals("a", "wrong key") > 3, "it asks again");
        assert_eq!(
            mesh.events("b").iter().filter(|(_, event)| matches!(event, Event::LinkUp(_))).count(),
            0
        );
    });
}

/// Scenario 61.
#[test]
fn scenario_61_another_mesh_is_never_a_link() {
    let mut mesh = pair(1, |b| b.mesh = "other".to_owned());
    mesh.run_for(Duration::from_secs(10));
    assert!(!mesh.is_linked("a", "b"));
    assert!(mesh.refusals("a", "other mesh") > 3 && mesh.refusals("b", "other mesh") > 3);
}

#[test]
fn a_node_is_not_its_own_neighbour() {
    let mut mesh = Simulation::new(1);
    mesh.add(config("a", [dials("a", 10)]));
    mesh.start_all();
    mesh.run_for(Duration::from_secs(60));
    assert!(mesh.refusals("a", "own name") > 3, "{}", mesh.refusals("a", "own name"));
    assert!(!mesh.is_linked("a", "a"));
}

fn say(mesh: &mut Simulation, client: ClientId, word: &Hello) {
    mesh.send(client, hello(word));
    mesh.run_for(Duration::from_millis(10));
}

fn heard(mesh: &mut Simulation, client: ClientId) -> Vec<Hello> {
    let hellos = mesh.take(client).into_iter();
    hellos.filter_map(|frames| Hello::read(frames.get(2)?).ok()).collect()
}

/// A stranger at `top` that speaks as node `ghost` would, with this key. Gives back the stranger
/// and what was said to its proof.
fn stranger(mesh: &mut Simulation, key: &MeshKey) -> (ClientId, Vec<Hello>, Hello) {
    let client = mesh.attach("top", None);
    let open = Hello::Open { mesh: "m".to_owned(), node: node("ghost"), nonce: [1; 32] };
    say(mesh, client, &open);
    let heard_first = heard(mesh, client);
    let [Hello::Challenge { node: listener, nonce, .. }] = heard_first.as_slice() else {
        panic!("a challenge was expected, not {heard_first:?}");
    };
    let statement = Statement {
        mesh: "m",
        dialer: &node("ghost"),
        listener,
        dialer_nonce: &[1; 32],
        listener_nonce: nonce,
    };
    let proof = Hello::Proof { proof: key.prove(Role::Dialer, &statement) };
    say(mesh, client, &proof);
    let answers = heard(mesh, client);
    (client, answers, proof)
}

fn links(mesh: &Simulation, name: &str) -> Vec<String> {
    let links = mesh.status(name).unwrap().links.into_iter();
    links.filter(|link| link.up).map(|link| link.neighbour.to_string()).collect()
}

#[test]
fn who_knows_the_key_is_a_neighbour_without_being_declared() {
    let mut mesh = Simulation::new(1);
    mesh.add(config("top", []));
    mesh.start_all();
    let (_, answers, _) = stranger(&mut mesh, &MeshKey::new([7; 32]));
    assert_eq!(answers[0], Hello::Welcome {});
    assert_eq!(links(&mesh, "top"), ["ghost"]);
}

/// Scenarios 61 and 66.
#[test]
fn scenario_61_66_a_proof_with_another_key_or_of_another_connection_is_refused() {
    let mut mesh = Simulation::new(1);
    mesh.add(config("top", []));
    mesh.start_all();
    let refused = [Hello::Refused { reason: "wrong key".to_owned() }];
    let (_, answers, _) = stranger(&mut mesh, &MeshKey::new([8; 32]));
    assert_eq!(answers, refused);
    let (client, answers, proof) = stranger(&mut mesh, &MeshKey::new([7; 32]));
    assert_eq!(answers[0], Hello::Welcome {});
    mesh.detach(client);
    quiet(&mut mesh);
    // The same words once more, from somebody who only listened.
    let replay = mesh.attach("top", None);
    let open = Hello::Open { mesh: "m".to_owned(), node: node("ghost"), nonce: [1; 32] };
    say(&mut mesh, replay, &open);
    heard(&mut mesh, replay);
    say(&mut mesh, replay, &proof);
    assert_eq!(heard(&mut mesh, replay), refused);
    assert!(links(&mesh, "top").is_empty());
}

/// Scenario 61.
#[test]
fn scenario_61_unexpected_words_close_the_connection() {
    let words = [
        Hello::Welcome {},
        Hello::Alive { sent: None, digest: None },
        Hello::Refused { reason: "no".to_owned() },
        Hello::Challenge { node: node("ghost"), nonce: [1; 32], proof: [0; 32] },
        Hello::Open { mesh: "m".to_owned(), node: node("ghost"), nonce: [1; 32] },
    ];
    for word in words {
        let mut mesh = Simulation::new(1);
        mesh.add(config("top", []));
        mesh.start_all();
        let client = mesh.attach("top", None);
        let open = Hello::Open { mesh: "m".to_owned(), node: node("ghost"), nonce: [1; 32] };
        say(&mut mesh, client, &open);
        say(&mut mesh, client, &word);
        assert!(!mesh.is_connected(client), "{word:?}");
        assert_eq!(mesh.refusals("top", "unexpected hello"), 1);
    }
    // Who says nothing more is dismissed in time.
    let mut mesh = Simulation::new(1);
    mesh.add(config("top", []));
    mesh.start_all();
    let client = mesh.attach("top", None);
    say(
        &mut mesh,
        client,
        &Hello::Open { mesh: "m".to_owned(), node: node("ghost"), nonce: [1; 32] },
    );
    quiet(&mut mesh);
    assert!(!mesh.is_connected(client));
    assert_eq!(mesh.refusals("top", "hello timeout"), 1);
}

/// Scenario 49: a balancer that leads the connection to another node is found out, and told.
#[test]
fn scenario_49_a_listener_that_is_another_node_than_expected_is_never_a_link() {
    // `x` listens where `a` expects `b`.
    let mut mesh = Simulation::new(1);
    mesh.add(config("a", [dials("b", 10)]));
    mesh.add(config("x", []));
    mesh.lead_astray("a", "b", "x");
    mesh.start_all();
    mesh.run_for(Duration::from_secs(5));
    assert!(mesh.refusals("a", "other node") > 3);
    assert!(links(&mesh, "a").is_empty() && links(&mesh, "x").is_empty());
}

#[test]
fn of_two_that_dial_each_other_one_link_stays() {
    for_each_seed(200, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("a", [dials("b", 10)]));
        mesh.add(config("b", [dials("a", 10)]));
        mesh.start("a");
        let pause = mesh.rng().u64(0..8_000);
        mesh.run_for(Duration::from_micros(pause));
        mesh.start("b");
        quiet(&mut mesh);
        assert!(mesh.is_linked("a", "b"));
        let ups = mesh.events("a").len();
        mesh.run_for(Duration::from_secs(60));
        assert_eq!(mesh.events("a").len(), ups, "it is stable");
        for node in ["a", "b"] {
            assert_eq!(mesh.refusals(node, "unexpected hello"), 0, "nobody misbehaves");
            assert_eq!(mesh.count(node, "link sequence"), 0);
        }
        // Whichever connection breaks, there is a link again.
        for _ in 0..3 {
            mesh.break_one("a", "b");
            quiet(&mut mesh);
            assert!(mesh.is_linked("a", "b"));
            assert_eq!(
                mesh.refusals("a", "unexpected hello") + mesh.refusals("b", "unexpected hello"),
                0
            );
        }
    });
}

#[test]
fn a_refused_dialler_asks_again_and_gets_in_once_it_is_healed() {
    for_each_seed(20, |seed| {
        let mut mesh = pair(seed, |_| {});
        quiet(&mut mesh);
        mesh.command("b", Command::Cut(node("a")));
        mesh.run_for(Duration::from_secs(5));
        assert!(!mesh.is_linked("a", "b"));
        assert!(mesh.refusals("a", "link cut") >= 3);
        mesh.command("b", Command::Heal(node("a")));
        quiet(&mut mesh);
        assert!(mesh.is_linked("a", "b"));
    });
}

#[test]
fn a_link_that_is_cut_while_it_opens_stays_down() {
    for_each_seed(60, |seed| {
        for end in ["a", "b"] {
            let mut mesh = pair(seed, |_| {});
            for _ in 0..mesh.rng().usize(0..9) {
                mesh.step();
            }
            let other = if end == "a" { "b" } else { "a" };
            mesh.command(end, Command::Cut(node(other)));
            mesh.run_for(Duration::from_secs(3));
            assert!(!mesh.is_linked("a", "b"), "cut at {end}");
            assert!(links(&mesh, end).is_empty(), "cut at {end}");
            mesh.command(end, Command::Heal(node(other)));
            quiet(&mut mesh);
            assert!(mesh.is_linked("a", "b"));
        }
    });
}

#[test]
fn a_link_that_only_the_dialler_declares_can_be_cut_by_the_listener() {
    let mut mesh = pair(1, |b| b.settings.links.clear());
    quiet(&mut mesh);
    assert!(mesh.is_linked("a", "b"));
    mesh.command("b", Command::Cut(node("a")));
    mesh.run_for(Duration::from_secs(5));
    assert!(!mesh.is_linked("a", "b"));
    assert!(mesh.status("b").unwrap().links[0].cut);
    mesh.command("b", Command::Heal(node("a")));
    quiet(&mut mesh);
    assert!(mesh.is_linked("a", "b"));
}
