//! Links that are made to suffer: what is held back, what is lost, and what never is.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Command, Config, Window};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::{Kind, Prefix, batch};
use hopline_testkit::Impairment;
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(600);
/// What a pipe of the simulation adds at most.
const PIPE: Duration = Duration::from_millis(2);
const LOST: &str = "lost by impairment";

fn ms(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

fn loss(ppm: u32, seed: u64) -> Impairment {
    Impairment { loss_ppm: Some(ppm), seed: Some(seed), ..Impairment::default() }
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
    mesh.assert_ledger_is_even();
}

/// Nodes a and b with a link, alice at a and bob at b.
fn pair(seed: u64, change: impl Fn(&mut Config)) -> (Simulation, ClientId, ClientId) {
    let mut mesh = Simulation::new(seed);
    for mut config in [config("a", [dials("b", 10)]), config("b", [listens("a", 10)])] {
        change(&mut config);
        mesh.add(config);
    }
    mesh.start_all();
    let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
    quiet(&mut mesh);
    (mesh, alice, bob)
}

fn send(mesh: &mut Simulation, from: ClientId, to: &str, numbers: std::ops::Range<u64>) {
    for n in numbers {
        assert!(mesh.send_text(from, json!({ "destination": to, "n": n }).to_string()));
    }
}

fn numbers(mesh: &mut Simulation, client: ClientId) -> Vec<u64> {
    let got = mesh.take_json(client).into_iter();
    got.map(|message| message["n"].as_u64().unwrap()).collect()
}

/// What came back to a client, by number, all with this reason.
fn told(mesh: &mut Simulation, client: ClientId, reason: &str) -> Vec<u64> {
    let n = |error: Value| {
        assert_eq!(error["message"], reason, "{error}");
        error["original_message"]["n"].as_u64().unwrap()
    };
    mesh.take_json(client).into_iter().map(n).collect()
}

#[test]
fn latency_is_one_way_in_each_direction() {
    let (mut mesh, alice, bob) = pair(1, |_| {});
    mesh.impair("a", "b", Impairment { latency: ms(100), ..Impairment::default() });
    let started = mesh.elapsed();
    send(&mut mesh, alice, "bob", 0..1);
    mesh.run_for(Duration::from_millis(100));
    assert!(mesh.take(bob).is_empty());
    mesh.run_for(3 * PIPE);
    assert_eq!(numbers(&mut mesh, bob), [0]);
    // There and back: a probe's answer comes after twice as long.
    mesh.send_probe(alice, "b");
    mesh.run_for(Duration::from_millis(200));
    assert!(mesh.take(alice).is_empty());
    mesh.run_for(4 * PIPE);
    assert_eq!(mesh.take_ways(alice), [Ok(vec!["a".to_owned(), "b".to_owned()])]);
    assert!(mesh.elapsed() - started < Duration::from_millis(320));
}

#[test]
fn one_end_alone_may_be_impaired_and_a_file_may_say_so_from_the_start() {
    let (mut mesh, alice, bob) = pair(2, |config| {
        for link in config.settings.links.values_mut().filter(|link| link.dials) {
            link.impairment.latency = ms(50);
        }
    });
    let shown = |name: &str| mesh.status(name).unwrap().links[0].impairment;
    assert_eq!(shown("a"), Impairment { latency: ms(50), ..Impairment::default() });
    assert_eq!(shown("b"), Impairment::default());
    send(&mut mesh, bob, "alice", 0..1);
    mesh.run_for(4 * PIPE);
    assert_eq!(numbers(&mut mesh, alice), [0], "nothing holds back what b sends");
    send(&mut mesh, alice, "bob", 1..2);
    mesh.run_for(Duration::from_millis(50));
    assert!(mesh.take(bob).is_empty());
    mesh.run_for(3 * PIPE);
    assert_eq!(numbers(&mut mesh, bob), [1]);
}

#[test]
fn jitter_keeps_the_order() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = pair(seed, |_| {});
        let jitter = Impairment {
            latency: ms(30),
            jitter: ms(30),
            seed: Some(seed),
            ..Impairment::default()
        };
        mesh.impair("a", "b", jitter);
        for n in 0..100 {
            send(&mut mesh, alice, "bob", n..n + 1);
            let pause = mesh.rng().u64(0..3_000);
            mesh.run_for(Duration::from_micros(pause));
        }
        quiet(&mut mesh);
        assert_eq!(numbers(&mut mesh, bob), (0..100).collect::<Vec<_>>());
    });
}

/// The numbers that arrive of 5,000 messages over a link that loses a tenth.
fn survivors(chance: u64, loss_seed: u64) -> Vec<u64> {
    let (mut mesh, alice, bob) = pair(chance, |_| {});
    mesh.impair("a", "b", loss(100_000, loss_seed));
    send(&mut mesh, alice, "bob", 0..5_000);
    quiet(&mut mesh);
    let arrived = numbers(&mut mesh, bob);
    // Besides the messages there are marks that ask how far they have come, which are never lost.
    let forwarded = mesh.count("a", "forwarded") - mesh.count("a", "made");
    assert_eq!(forwarded, arrived.len() as u64);
    assert_eq!(forwarded + mesh.count("a", LOST), 5_000);
    assert_eq!((mesh.count("a", "returned"), mesh.take(alice).len()), (0, 0), "nobody is told");
    assert_eq!(mesh.count("b", "link sequence"), 0);
    arrived
}

#[test]
fn losses_are_as_many_as_the_share_says_and_the_same_in_every_run() {
    let first = survivors(1, 7);
    // Five standard deviations of 5,000 draws of one in ten are 106.
    let lost = 5_000 - first.len();
    assert!((394..=606).contains(&lost), "{lost} are lost");
    assert_eq!(survivors(1, 7), first);
    assert_eq!(survivors(2, 7), first, "whatever else chance does");
    assert_ne!(survivors(1, 8), first);
}

/// A native client puts all its messages into one batch, and its node hands them on in another.
#[test]
fn members_of_a_batch_are_lost_one_by_one() {
    let (mut mesh, _, bob) = pair(3, |_| {});
    mesh.impair("a", "b", loss(500_000, 1));
    let sender = mesh.attach("a", Some(b"sender"));
    quiet(&mut mesh);
    let prefix = Prefix { destination: "bob", ..Prefix::new(Kind::Data) }.write();
    let member = |n: u8| vec![prefix.clone(), Bytes::new(), Bytes::from(vec![b'"', n, b'"'])];
    let members: Vec<_> = (b'0'..b'0' + 64).map(member).collect();
    let members = batch::write(members.iter().map(Vec::as_slice));
    let batch = vec![Prefix::new(Kind::Batch).write(), Bytes::new(), members];
    assert!(mesh.send(sender, batch));
    quiet(&mut mesh);
    let arrived = mesh.take(bob).len() as u64;
    assert!((12..=52).contains(&arrived), "{arrived} of 64 arrive");
    assert_eq!(arrived + mesh.count("a", LOST), 64);
}

#[test]
fn what_keeps_the_link_and_the_routes_going_is_never_lost() {
    let (mut mesh, alice, bob) = pair(4, |_| {});
    mesh.impair("a", "b", loss(1_000_000, 0));
    send(&mut mesh, alice, "bob", 0..50);
    let prober = mesh.attach("a", None);
    mesh.send_probe(prober, "b");
    let carol = mesh.attach("b", Some(b"carol"));
    quiet(&mut mesh);
    assert!(mesh.is_linked("a", "b"));
    assert!(mesh.take(bob).is_empty() && mesh.take(alice).is_empty());
    assert_eq!(mesh.count("a", LOST), 51);
    assert!(mesh.routes("a").unwrap().iter().any(|line| line.destination == "carol"));
    mesh.impair("a", "b", Impairment::default());
    send(&mut mesh, alice, "carol", 0..50);
    quiet(&mut mesh);
    assert_eq!(numbers(&mut mesh, carol), (0..50).collect::<Vec<_>>());
    assert_eq!((mesh.count("a", LOST), mesh.count("b", "link sequence")), (51, 0));
}

/// An answer, and an error on its way back, are messages as others are.
#[test]
fn answers_and_errors_are_lost_as_messages_are() {
    let (mut mesh, alice, _) = pair(5, |_| {});
    mesh.command("b", Command::Impair(NodeName::parse("a").unwrap(), loss(1_000_000, 0)));
    let prober = mesh.attach("a", None);
    mesh.send_probe(prober, "b");
    send(&mut mesh, alice, "nobody@b", 0..1);
    quiet(&mut mesh);
    assert!(mesh.take(prober).is_empty());
    assert_eq!((mesh.count("a", LOST), mesh.count("b", LOST)), (0, 2));
    assert_eq!(mesh.count("b", "unknown destination"), 1);
    assert!(mesh.take(alice).is_empty());
}

#[test]
fn a_rate_is_kept_to() {
    let (mut mesh, alice, bob) = pair(6, |_| {});
    let rate = Impairment { bytes_per_second: Some(10_000), ..Impairment::default() };
    mesh.impair("a", "b", rate);
    let payload = "x".repeat(900);
    let started = mesh.elapsed();
    for _ in 0..100 {
        assert!(
            mesh.send_text(alice, json!({ "destination": "bob", "payload": payload }).to_string())
        );
    }
    // Each is 900 bytes and what stands around them, so a second holds ten and no eleventh.
    for second in 1..=9 {
        let left = started + Duration::from_secs(second) - mesh.elapsed();
        mesh.run_for(left);
        let arrived = mesh.take(bob).len();
        assert!((9..=11).contains(&arrived), "{arrived} in second {second}");
    }
    quiet(&mut mesh);
    let taken = mesh.elapsed() - started;
    assert!(taken > Duration::from_secs(9) && taken < Duration::from_secs(11), "{taken:?}");
}

/// Messages wait in the outbox, not on the link: what is said of the routes waits behind one of them.
#[test]
fn a_slow_link_is_bounded_and_tells_its_routes_all_the_same() {
    let (mut mesh, alice, bob) = pair(7, |config| {
        config.settings.queue = Window { messages: 50, bytes: 1 << 20 };
        config.settings.window = Window { messages: 20, bytes: 1 << 20 };
    });
    mesh.impair("a", "b", Impairment { bytes_per_second: Some(1_000), ..Impairment::default() });
    send(&mut mesh, alice, "bob", 0..1_000);
    mesh.run_for(12 * PIPE);
    assert!(mesh.status("a").unwrap().links[0].queued <= 52);
    let refused = told(&mut mesh, alice, "queue full");
    assert!(refused.len() >= 900, "{} refused", refused.len());
    assert_eq!(mesh.count("a", "queue full"), refused.len() as u64);
    mesh.attach("a", Some(b"late"));
    mesh.run_for(Duration::from_secs(1));
    assert!(mesh.routes("b").unwrap().iter().any(|line| line.destination == "late"));
    assert!(mesh.status("a").unwrap().links[0].queued > 20, "most still wait");
    quiet(&mut mesh);
    let all: BTreeSet<u64> = numbers(&mut mesh, bob).into_iter().chain(refused).collect();
    assert_eq!(all.len(), 1_000);
}

/// The bound of what is held back is the window, in both directions, whatever the latency.
#[test]
fn a_long_link_holds_a_window_and_its_queue() {
    let (mut mesh, alice, bob) = pair(8, |config| {
        config.settings.queue = Window { messages: 30, bytes: 1 << 20 };
        config.settings.window = Window { messages: 20, bytes: 1 << 20 };
    });
    mesh.impair("a", "b", Impairment { latency: ms(60_000), ..Impairment::default() });
    send(&mut mesh, alice, "bob", 0..500);
    mesh.run_for(Duration::from_secs(1));
    assert_eq!(mesh.status("a").unwrap().links[0].queued, 50);
    let refused = told(&mut mesh, alice, "queue full");
    assert_eq!(refused.len(), 450);
    mesh.impair("a", "b", Impairment::default());
    mesh.run_for(Duration::from_millis(50));
    let arrived = numbers(&mut mesh, bob);
    assert_eq!(arrived.len(), 50, "nothing is held back any more");
    assert!(arrived.is_sorted());
    quiet(&mut mesh);
}

#[test]
fn what_is_held_back_when_the_link_dies_is_in_doubt_and_what_waits_finds_another_way() {
    for_each_seed(10, |seed| {
        let mut mesh = Simulation::new(seed);
        let window = Window { messages: 20, bytes: 1 << 20 };
        for mut config in [
            config("a", [dials("b", 10), dials("c", 10)]),
            config("b", [listens("a", 10), listens("c", 10)]),
            config("c", [listens("a", 10), dials("b", 10)]),
        ] {
            config.settings.window = window;
            mesh.add(config);
        }
        mesh.start_all();
        let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
        quiet(&mut mesh);
        mesh.impair("a", "b", Impairment { latency: ms(500), ..Impairment::default() });
        send(&mut mesh, alice, "bob", 0..100);
        mesh.run_for(Duration::from_millis(20));
        assert!(mesh.take(bob).is_empty());
        match seed % 2 {
            0 => mesh.cut("a", "b"),
            _ => mesh.break_link("a", "b"),
        }
        mesh.run_for(Duration::from_millis(50));
        let in_doubt = told(&mut mesh, alice, "in doubt");
        assert_eq!(in_doubt, (0..20).collect::<Vec<_>>());
        assert_eq!(numbers(&mut mesh, bob), (20..100).collect::<Vec<_>>());
        mesh.heal("a", "b");
        quiet(&mut mesh);
        assert!(mesh.is_linked("a", "b"));
        send(&mut mesh, alice, "bob", 100..101);
        mesh.run_for(Duration::from_millis(500));
        assert!(mesh.take(bob).is_empty(), "the link that is up again suffers the same");
        quiet(&mut mesh);
        assert_eq!(numbers(&mut mesh, bob), [100]);
        assert_eq!((mesh.count("b", "link sequence"), mesh.count("a", "link sequence")), (0, 0));
    });
}

/// Links that hold back and lose, under cuts and breaks: each message is delivered once, told, or counted.
#[test]
fn on_impaired_links_too_nothing_vanishes() {
    for_each_seed(30, |seed| {
        let (mut mesh, alice, bob) = pair(seed, |config| {
            config.settings.window = Window { messages: 10, bytes: 1 << 20 };
        });
        let mut sent = 0;
        for _ in 0..60 {
            match mesh.rng().u8(0..8) {
                0 => mesh.cut("a", "b"),
                1 | 2 => mesh.heal("a", "b"),
                3 => mesh.break_link("a", "b"),
                4 | 5 => {
                    let mut part = |most| mesh.rng().bool().then(|| mesh.rng().u64(1..most));
                    let (latency, jitter) = (part(30), part(30));
                    let (parts, rate) = (part(500_000), part(1 << 20));
                    let impairment = Impairment {
                        latency: latency.and_then(ms),
                        jitter: jitter.and_then(ms),
                        loss_ppm: parts.map(|parts| parts as u32),
                        bytes_per_second: rate.map(|rate| rate + 2_000),
                        seed: Some(seed),
                    };
                    mesh.impair("a", "b", impairment);
                }
                _ => {
                    let more = mesh.rng().u64(1..30);
                    send(&mut mesh, alice, "bob", sent..sent + more);
                    sent += more;
                }
            }
            let pause = mesh.rng().u64(0..20_000);
            mesh.run_for(Duration::from_micros(pause));
        }
        mesh.heal("a", "b");
        assert!(mesh.run_until_quiet(LIMIT));
        let arrived = numbers(&mut mesh, bob);
        let once: BTreeSet<u64> = arrived.iter().copied().collect();
        assert_eq!(once.len(), arrived.len(), "none twice");
        let told: BTreeSet<u64> = mesh
            .take_json(alice)
            .iter()
            .map(|error| error["original_message"]["n"].as_u64().unwrap())
            .collect();
        let neither = (0..sent).filter(|n| !once.contains(n) && !told.contains(n)).count() as u64;
        // Those that vanished on the way there, and errors on the way back, of which b makes none here.
        assert_eq!(neither, mesh.count("a", LOST));
        assert_eq!((mesh.count("b", "link sequence"), mesh.count("a", "link sequence")), (0, 0));
    });
}

#[test]
fn only_an_operator_impairs_a_link() {
    let (mut mesh, alice, _) = pair(9, |_| {});
    let operator = mesh.attach_operator("a");
    let order = |neighbour: &str| {
        let neighbour = NodeName::parse(neighbour).unwrap();
        let prefix = Prefix { destination: "a", ..Prefix::new(Kind::Control) };
        let order = Request::Impair { neighbour, impairment: loss(1_000_000, 0) };
        vec![prefix.write(), Bytes::new(), order.write()]
    };
    let mut ask = |client, neighbour| {
        assert!(mesh.send(client, order(neighbour)));
        quiet(&mut mesh);
        let answer = Answer::read(&mesh.take(client)[0][2]).unwrap();
        (answer, mesh.status("a").unwrap().links[0].impairment.is_none())
    };
    let refused = |reason: &str| Answer::Refused { reason: reason.to_owned() };
    assert_eq!(ask(alice, "b"), (refused("not allowed"), true));
    assert_eq!(ask(operator, "c"), (refused("there is no link to `c`"), true));
    assert_eq!(ask(operator, "b"), (Answer::Done {}, false));
}
