//! Bytes from strangers: nothing panics, all is counted, honest traffic goes on.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Brain, ConnId, Input, Now, Opened, Output};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::Request;
use hopline_mesh::wire::hello::{Hello, OPEN_PAD};
use hopline_mesh::wire::link_state::{Adjacency, Adjacent, Age, Flood, LinkAck, Record};
use hopline_mesh::wire::{Class, Flags, Kind, MessageId, Path, Prefix, Stamp, batch};
use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, link_up, listens};

const LIMIT: Duration = Duration::from_secs(60);

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

/// Random bytes, or bytes that begin as something that is right.
fn frame(rng: &mut fastrand::Rng) -> Bytes {
    let age = Age { incarnation: rng.u64(..), sequence: rng.u64(0..9) };
    let known = ["a", "b", "c", "alice", "x@a", "", "*", "#g", "@", "hex:00@b"];
    let name = known[rng.usize(0..known.len())];
    let links = vec![Adjacent { node: node("b"), cost: rng.u32(..) }];
    let right = match rng.u8(0..11) {
        0 => Bytes::new(),
        1 => Prefix {
            class: Class::from_number(rng.u8(0..2)).unwrap(),
            flags: Flags(rng.u8(..)),
            hop_limit: rng.u8(..),
            id: MessageId { incarnation: rng.u64(..), counter: rng.u64(..) },
            destination: name,
            source: name,
            ..Prefix::new(Kind::ALL[rng.usize(0..10)])
        }
        .write(),
        2 => {
            let stamp = Stamp { node: name, ingress: "b", revision: rng.u32(..), times: None };
            let path = Path::read(&[]).unwrap();
            path.stamped(&stamp, rng.u64(0..9))
        }
        3 => Bytes::from(format!(r#"{{"destination":"{name}","x":[1,2,{{}}]}}"#)),
        4 => Hello::Open { mesh: "m".to_owned(), node: node("b"), nonce: [rng.u8(..); 32] }.write(),
        5 => Hello::Proof { proof: [rng.u8(..); 32] }.write(),
        6 => Flood {
            number: rng.u64(..),
            records: vec![
                Record::Adjacency(Adjacency {
                    origin: node(["a", "b", "c", "d"][rng.usize(0..4)]),
                    age,
                    links,
                    leaving: rng.bool(),
                }),
                Record::Request(node("a")),
            ],
        }
        .write(),
        7 => LinkAck { messages: rng.u64(..), floods: rng.u64(..), window: 0, window_bytes: 0 }
            .write(),
        8 => {
            let members = [vec![Bytes::from_static(b"x")], Vec::new()];
            batch::write(members.iter().map(Vec::as_slice))
        }
        9 => Request::Cut { neighbour: node("b") }.write(),
        _ => Bytes::from((0..rng.usize(0..80)).map(|_| rng.u8(..)).collect::<Vec<_>>()),
    };
    if rng.u8(0..4) > 0 {
        return right;
    }
    let mut bent = right.to_vec();
    for _ in 0..rng.usize(0..3) {
        match rng.usize(0..=bent.len()) {
            at if at < bent.len() => bent[at] = rng.u8(..),
            _ => bent.push(rng.u8(..)),
        }
    }
    bent.truncate(rng.usize(0..=bent.len().max(1)));
    bent.into()
}

/// Random frames, or three that have the form of a message.
fn frames(rng: &mut fastrand::Rng) -> Vec<Bytes> {
    if rng.bool() {
        return (0..rng.usize(0..5)).map(|_| frame(rng)).collect();
    }
    let kind = Kind::ALL[rng.usize(0..10)];
    let names = ["a", "b", "c", "alice", "a@b", "a@a", "nobody"];
    let prefix = Prefix {
        flags: Flags(rng.u8(..)),
        hop_limit: rng.u8(0..5),
        destination: names[rng.usize(0..names.len())],
        source: names[rng.usize(0..names.len())],
        ..Prefix::new(kind)
    };
    let mut payload = frame(rng);
    while kind == Kind::Hello && Hello::read(&payload).is_err() {
        payload = frame(rng);
    }
    let mut frames = vec![prefix.write(), Bytes::new(), payload];
    if kind == Kind::Hello {
        frames.push(Bytes::from_static(&[0; OPEN_PAD]));
    }
    frames
}

/// A routed message as a neighbour sends it, with this number on the link.
fn numbered(rng: &mut fastrand::Rng, sequence: u64) -> Vec<Bytes> {
    let is_routed = |frames: &[Bytes]| {
        let prefix = frames.first().and_then(|frame| Prefix::read(frame).ok());
        prefix.is_some_and(|prefix| prefix.kind.is_routed())
    };
    let mut message = frames(rng);
    while message.len() != 3 || !is_routed(&message) {
        message = frames(rng);
    }
    let mut path = Bytes::new();
    for node in ["x", "b", "y"].into_iter().take(rng.usize(1..4)) {
        let stamp = Stamp { node, ingress: "", revision: 1, times: None };
        path = Path::read(&path).unwrap().stamped(&stamp, sequence);
    }
    message[1] = path;
    message
}

fn chain(seed: u64) -> Simulation {
    let mut mesh = Simulation::new(seed);
    mesh.add(config("a", [dials("b", 10)]));
    mesh.add(config("b", [listens("a", 10), listens("c", 10)]));
    mesh.add(config("c", [dials("b", 10)]));
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    mesh
}

#[test]
fn honest_traffic_goes_on_beside_clients_that_send_garbage() {
    for_each_seed(10, |seed| {
        let mut mesh = chain(seed);
        let alice = mesh.attach("a", Some(b"alice"));
        let bob = mesh.attach("c", Some(b"bob"));
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut strangers: Vec<_> = (0..4).map(|_| mesh.attach("b", None)).collect();
        assert!(mesh.run_until_quiet(LIMIT));
        for _ in 0..300 {
            for stranger in &mut strangers {
                if !mesh.is_connected(*stranger) {
                    *stranger = mesh.attach("b", None);
                }
                mesh.send(*stranger, frames(&mut rng));
            }
            mesh.send_text(alice, r#"{"destination":"bob"}"#);
            mesh.run_for(Duration::from_millis(5));
        }
        assert!(mesh.run_until_quiet(LIMIT));
        assert!(mesh.converged());
        assert!(mesh.is_linked("a", "b") && mesh.is_linked("b", "c"));
        let honest = mesh.take_json(bob);
        let honest = honest.iter().filter(|got| got["original_sender"] == "alice");
        assert_eq!(honest.count(), 300);
        let counters = mesh.status("b").unwrap().counters;
        for counter in ["malformed message", "unexpected hello", "not accepted", "own name"] {
            assert!(
                counters.get(counter).is_some_and(|count| *count > 0),
                "{counter}: {counters:?}"
            );
        }
    });
}

#[test]
fn a_link_that_carries_garbage_comes_up_again() {
    for_each_seed(20, |seed| {
        let mut mesh = chain(seed);
        let alice = mesh.attach("a", Some(b"alice"));
        let bob = mesh.attach("c", Some(b"bob"));
        let mut rng = fastrand::Rng::with_seed(seed);
        assert!(mesh.run_until_quiet(LIMIT));
        for _ in 0..100 {
            if mesh.is_linked("a", "b") {
                // A neighbour that lies well is another story: it is believed.
                let mut garbage = frames(&mut rng);
                garbage.retain(|frame| Flood::read(frame).is_err());
                let (from, to) = if rng.bool() { ("a", "b") } else { ("b", "a") };
                mesh.inject(from, to, garbage);
            }
            mesh.run_for(Duration::from_millis(30));
        }
        assert!(mesh.run_until_quiet(LIMIT));
        assert!(mesh.converged() && mesh.is_linked("a", "b"));
        mesh.take(alice);
        mesh.take(bob);
        mesh.send_text(alice, r#"{"destination":"bob"}"#);
        assert!(mesh.run_until_quiet(LIMIT));
        assert_eq!(mesh.take_json(bob).len(), 1);
    });
}

#[test]
fn a_hundred_thousand_random_messages_from_clients_and_a_neighbour() {
    let mut rng = fastrand::Rng::with_seed(4711);
    let mut now = Now { since_start: Duration::ZERO, unix_nanos: 1_700_000_000_000_000_000 };
    let mut brain = Brain::new(config("a", [listens("b", 10)]), now);
    let room = |conn: ConnId| !conn.0.is_multiple_of(7);
    let mut out = Vec::new();
    let mut open: Vec<ConnId> = Vec::new();
    let mut last = 0;
    let mut link = None;
    for _ in 0..100_000 {
        now.since_start += Duration::from_micros(rng.u64(0..2_000));
        now.unix_nanos += 1_000_000;
        while open.len() < 6 {
            last += 1;
            let conn = ConnId(last);
            let identity = rng.bool().then(|| Bytes::from(vec![rng.u8(b'a'..b'h')]));
            let (request, operator) = (rng.u8(0..4) == 0, rng.u8(0..4) == 0);
            let accepted = Opened::Accepted { identity, request, operator };
            brain.handle(now, Input::Opened(conn, accepted), &room, &mut out);
            if rng.u8(0..3) == 0
                && brain.status(now, &|_| true).links.iter().all(|link| !link.up && !link.cut)
            {
                link_up(&mut brain, now, conn, "b", &|_| true, &mut out);
                link = Some((conn, 0));
            }
            open.push(conn);
        }
        let (conn, garbage) = match &mut link {
            Some((conn, sequence)) if rng.u8(0..4) > 0 => {
                // Now and then one is left out.
                *sequence += 1 + u64::from(rng.u16(0..1_000) == 0);
                (*conn, numbered(&mut rng, *sequence))
            }
            _ => (open[rng.usize(0..open.len())], frames(&mut rng)),
        };
        brain.handle(now, Input::Received(conn, garbage), &room, &mut out);
        if brain.next_tick().is_some_and(|due| due <= now.since_start) {
            brain.handle(now, Input::Tick, &room, &mut out);
        }
        brain.flush(now, &room, &mut out);
        let mut back = Vec::new();
        for output in out.drain(..) {
            match output {
                Output::Close(conn) => open.retain(|other| *other != conn),
                // Most are there.
                Output::Ask(conn) => {
                    back.push(Input::Answered { conn, alive: !conn.0.is_multiple_of(5) })
                }
                Output::Deliver { frames, original, .. } if rng.bool() => {
                    back.push(Input::Undelivered {
                        frames,
                        original,
                        reason: hopline_mesh::reason::Reason::ReceiverGone,
                    });
                }
                _ => {}
            }
        }
        for input in back {
            brain.handle(now, input, &room, &mut out);
        }
        if rng.u8(0..50) == 0 {
            let conn = open.swap_remove(rng.usize(0..open.len()));
            brain.handle(now, Input::Closed(conn), &room, &mut out);
        }
        link = link.filter(|(conn, _)| open.contains(conn));
        if rng.u8(0..50) == 0 {
            let heal = hopline_mesh::brain::Command::Heal(node("b"));
            brain.handle(now, Input::Command(heal), &room, &mut out);
        }
    }
    let counters = brain.status(now, &|_| true).counters;
    for counter in [
        "accepted",
        "malformed message",
        "unexpected hello",
        "link sequence",
        "truncated message",
        "hop limit",
        "wrong key",
        "wrong version",
        "wrong magic",
        "name in use",
        "not allowed",
    ] {
        assert!(counters.get(counter).is_some_and(|count| *count > 0), "{counter}: {counters:?}");
    }
}
