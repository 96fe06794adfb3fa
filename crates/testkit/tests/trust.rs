//! What a stranger, a client and a neighbour may do, and may not.

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Brain, Config, ConnId, Event, Input, Now, Opened, Output};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::hello::{Hello, MeshKey, OPEN_PAD, Role, Statement};
use hopline_mesh::wire::link_state::{Adjacency, Adjacent, Age, Flood, LinkAck, Record};
use hopline_mesh::wire::{Flags, Kind, MessageId, Path, Prefix, Stamp, Tail, batch};
use hopline_testkit::simulation::{Simulation, config, dials, listens};
use proptest::prelude::*;

const LIMIT: Duration = Duration::from_secs(20);
const CONN: ConnId = ConnId(2);

fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect("a name")
}

fn now() -> Now {
    Now { since_start: Duration::ZERO, unix_nanos: 1_700_000_000_000_000_000 }
}

fn length(frames: &[Bytes]) -> usize {
    frames.iter().map(Bytes::len).sum()
}

/// A brain and the connections to it, without anything between.
struct Bare(Brain);

impl Bare {
    fn new(config: Config) -> Self {
        Self(Brain::new(config, now()))
    }

    fn take(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.0.handle(now(), input, &|_| true, &mut out);
        out
    }

    fn accept(&mut self, conn: ConnId) {
        let opened = Opened::Accepted { identity: None, request: false, operator: false };
        self.take(Input::Opened(conn, opened));
    }

    /// What is said back to these frames.
    fn say(&mut self, conn: ConnId, frames: Vec<Bytes>) -> Vec<Vec<Bytes>> {
        let out = self.take(Input::Received(conn, frames)).into_iter();
        let sent = out.filter_map(|output| match output {
            Output::Send { conn: to, frames } if to == conn => Some(frames),
            _ => None,
        });
        sent.collect()
    }

    fn is_linked(&self) -> bool {
        self.0.status(now(), &|_| true).links.iter().any(|link| link.up)
    }
}

fn hello(hello: &Hello, pad: usize) -> Vec<Bytes> {
    vec![Prefix::new(Kind::Hello).write(), Bytes::new(), hello.write(), vec![0; pad].into()]
}

fn heard(frames: &[Bytes]) -> Hello {
    Hello::read(&frames[2]).expect("a hello")
}

/// Scenario 67: until it has proved itself, whoever says that it is a node is never sent more than it sent.
#[test]
fn scenario_67_a_stranger_is_answered_with_no_more_than_it_sent() {
    for mine in ["n", &"n".repeat(64)] {
        for yours in ["o", &"o".repeat(64)] {
            for pad in (0..OPEN_PAD).step_by(7).chain([OPEN_PAD, 1000]) {
                let mut brain = Bare::new(config(mine, []));
                brain.accept(CONN);
                let open = Hello::Open { mesh: "m".to_owned(), node: node(yours), nonce: [1; 32] };
                let said = hello(&open, pad);
                let mut answers = brain.say(CONN, said.clone());
                let first = answers.first().map(|frames| heard(frames));
                let is_challenged = matches!(first, Some(Hello::Challenge { .. }));
                assert!(is_challenged || pad < OPEN_PAD, "an honest one is not answered");
                // And with a proof that does not hold.
                let proof = hello(&Hello::Proof { proof: [0; 32] }, 0);
                answers.extend(brain.say(CONN, proof.clone()));
                let answered: usize = answers.iter().map(|frames| length(frames)).sum();
                let said = length(&said) + length(&proof);
                assert!(answered <= said, "{mine} to {yours}, {pad}: {answered} for {said}");
                assert!(!brain.is_linked());
            }
        }
    }
}

/// An honest node's own first word is long enough for every listener.
#[test]
fn a_node_says_enough_for_any_listener() {
    for listener in ["n", &"n".repeat(64)] {
        let mut dialler = Bare::new(config("d", [dials(listener, 10)]));
        let out = dialler.take(Input::Opened(CONN, Opened::Dialled { neighbour: node(listener) }));
        let open = out.into_iter().find_map(|output| match output {
            Output::Send { frames, .. } => Some(frames),
            _ => None,
        });
        let mut brain = Bare::new(config(listener, [listens("d", 10)]));
        brain.accept(CONN);
        let answers = brain.say(CONN, open.expect("a hello"));
        assert!(matches!(heard(&answers[0]), Hello::Challenge { .. }), "{listener}");
    }
}

/// Scenario 66: our own proof, said back to us, proves nothing.
#[test]
fn scenario_66_a_proof_that_is_reflected_is_refused() {
    let mut brain = Bare::new(config("a", [listens("b", 10)]));
    brain.accept(CONN);
    for dialer in ["b", "c"] {
        let open = Hello::Open { mesh: "m".to_owned(), node: node(dialer), nonce: [1; 32] };
        let answers = brain.say(CONN, hello(&open, OPEN_PAD));
        let Hello::Challenge { proof, .. } = heard(&answers[0]) else { panic!("no challenge") };
        let answers = brain.say(CONN, hello(&Hello::Proof { proof }, 0));
        assert_eq!(heard(&answers[0]), Hello::Refused { reason: "wrong key".to_owned() });
        assert!(!brain.is_linked());
    }
}

/// One change of one of the three messages of a handshake.
#[derive(Debug, Clone)]
enum Bend {
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Drop,
    Twice,
}

fn a_bend() -> impl Strategy<Value = Bend> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 1..=u8::MAX).prop_map(|(at, bits)| Bend::Byte(at, bits)),
        2 => any::<prop::sample::Index>().prop_map(Bend::Cut),
        1 => Just(Bend::Drop),
        1 => Just(Bend::Twice),
    ]
}

fn bent(frames: &[Bytes], bend: &Bend) -> Vec<Bytes> {
    let mut frames = frames.to_vec();
    let mut payload = frames[2].to_vec();
    match bend {
        Bend::Byte(at, bits) => {
            let at = at.index(payload.len());
            payload[at] ^= bits;
        }
        Bend::Cut(at) => payload.truncate(at.index(payload.len())),
        Bend::Drop | Bend::Twice => {}
    }
    frames[2] = payload.into();
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Scenarios 61 and 62: a handshake in which any word is changed, cut, left out or said twice is no
    /// link, at neither end, and is counted.
    #[test]
    fn scenario_61_62_a_handshake_that_is_changed_is_no_link(which in 0..3_usize, bend in a_bend()) {
        let mut dialler = Bare::new(config("d", [dials("l", 10)]));
        let mut listener = Bare::new(config("l", [listens("d", 10)]));
        listener.accept(CONN);
        let opened = Input::Opened(CONN, Opened::Dialled { neighbour: node("l") });
        let mut to_listener: Vec<Vec<Bytes>> = Vec::new();
        for output in dialler.take(opened) {
            if let Output::Send { frames, .. } = output {
                to_listener.push(frames);
            }
        }
        let mut said: std::collections::VecDeque<_> =
            to_listener.into_iter().map(|frames| (true, frames)).collect();
        let (mut word, mut is_same) = (0, false);
        while let Some((to_listener, frames)) = said.pop_front() {
            let is_bent = word == which;
            word += 1;
            let now_said = if is_bent { bent(&frames, &bend) } else { frames.clone() };
            // Some bytes may be written in two ways.
            let changed = Hello::read(&now_said[2]) != Hello::read(&frames[2]);
            is_same |= is_bent && !changed && matches!(bend, Bend::Byte(..) | Bend::Cut(_));
            let times = match (is_bent, &bend) {
                (true, Bend::Drop) => 0,
                (true, Bend::Twice) => 2,
                _ => 1,
            };
            for _ in 0..times {
                let brain = if to_listener { &mut listener } else { &mut dialler };
                let answers = brain.say(CONN, now_said.clone());
                let hellos = answers.into_iter().filter(|frames| {
                    Prefix::read(&frames[0]).is_ok_and(|prefix| prefix.kind == Kind::Hello)
                });
                said.extend(hellos.map(|frames| (!to_listener, frames)));
            }
        }
        prop_assume!(!is_same);
        prop_assert!(word > which, "the word was never said");
        let both = dialler.is_linked() && listener.is_linked();
        prop_assert!(!both, "{which} {bend:?}");
        // Who hears a word twice closes a connection that the other end may have taken for a link till then.
        let is_over = matches!(bend, Bend::Twice) && which > 0;
        prop_assert!(is_over || !(dialler.is_linked() || listener.is_linked()), "{which} {bend:?}");
    }
}

fn pair() -> Simulation {
    let mut mesh = Simulation::new(7);
    mesh.add(config("a", [dials("b", 10)]));
    mesh.add(config("b", [listens("a", 10)]));
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    mesh
}

fn message(kind: Kind, destination: &str, flags: Flags, tail: &Tail, payload: Bytes) -> Vec<Bytes> {
    let tail = tail.write();
    let prefix = Prefix { flags, destination, source: "b", tail: &tail, ..Prefix::new(kind) };
    vec![prefix.write(), Bytes::new(), payload]
}

/// Scenarios 64 and 65: a client that speaks as a node does is refused, and changes nothing.
#[test]
fn scenario_64_65_a_client_that_speaks_as_a_node_changes_nothing() {
    let mut mesh = pair();
    let witness = mesh.attach("b", Some(b"witness"));
    let client = mesh.attach("a", Some(b"mallory"));
    assert!(mesh.run_until_quiet(LIMIT));
    let before =
        (mesh.status("a"), mesh.status("b")).0.map(|status| (status.revision, status.attachments));
    let lie = Adjacency {
        origin: node("b"),
        age: Age { incarnation: u64::MAX, sequence: u64::MAX },
        links: vec![Adjacent { node: node("evil"), cost: 1 }],
        leaving: true,
    };
    let flood = Flood { number: 1, records: vec![Record::Adjacency(lie)] }.write();
    let none = Tail::default();
    let order = Request::Cut { neighbour: node("b") }.write();
    let inner = message(Kind::LinkState, "", Flags::default(), &none, flood.clone());
    let stamp = Stamp { node: "b", ingress: "", revision: 1, times: None };
    let stamped = Path::read(&[]).expect("no path").stamped(&stamp, 1);
    let mut forged = message(Kind::Control, "a", Flags::OPERATOR, &none, order.clone());
    forged[1] = stamped;
    let attacks = [
        inner.clone(),
        message(
            Kind::LinkAck,
            "",
            Flags::default(),
            &none,
            LinkAck { messages: 9, floods: 9, window: 0, window_bytes: 0 }.write(),
        ),
        message(Kind::Batch, "", Flags::default(), &none, batch::write([inner.as_slice()])),
        message(Kind::Control, "a", Flags::OPERATOR, &none, order.clone()),
        message(Kind::Control, "b", Flags::OPERATOR, &none, order),
        forged,
        message(
            Kind::Control,
            "b",
            Flags::OPERATOR,
            &none,
            Request::Claim { name: "witness".to_owned(), takeover: true }.write(),
        ),
        message(Kind::Error, "witness", Flags::default(), &none, Bytes::new()),
        message(Kind::Ack, "witness", Flags::default(), &none, Bytes::new()),
        hello(&Hello::Alive { sent: None, digest: None }, 0),
        hello(&Hello::Welcome {}, 0),
    ];
    for (number, attack) in attacks.into_iter().enumerate() {
        mesh.send(client, attack);
        assert!(mesh.run_until_quiet(LIMIT));
        assert!(mesh.is_linked("a", "b"), "attack {number}");
        let after = mesh.status("a").map(|status| (status.revision, status.attachments));
        assert_eq!(after, before, "attack {number}");
        assert!(mesh.take(witness).is_empty(), "attack {number}");
    }
    assert!(mesh.count("a", "not allowed") >= 2);
}

/// Scenarios 18 and 64: whatever a client writes as its source, path and flags, its node writes its own.
#[test]
fn scenario_18_64_the_source_is_written_by_the_node_where_the_message_enters() {
    let mut mesh = pair();
    let bob = mesh.attach("b", Some(b"bob"));
    let mallory = mesh.attach("a", Some(b"mallory"));
    assert!(mesh.run_until_quiet(LIMIT));
    let tail = Tail { content_type: Some("application/json".to_owned()), ..Tail::default() };
    let mut forged = message(Kind::Data, "bob", Flags::OPERATOR, &tail, r#"{"x":1}"#.into());
    let stamp = Stamp { node: "b", ingress: "", revision: 1, times: None };
    forged[1] = Path::read(&[]).expect("no path").stamped(&stamp, 1);
    mesh.send(mallory, forged);
    assert!(mesh.run_until_quiet(LIMIT));
    let got = mesh.take_json(bob);
    assert_eq!(
        (&got[0]["original_sender"], &got[0]["route_path"]),
        (&"mallory".into(), &serde_json::json!(["a", "b"]))
    );
}

/// Scenario 63: while a node asks another about a name, nobody else can answer for that one.
#[test]
fn scenario_63_a_forged_answer_wins_no_name() {
    let mut mesh = Simulation::new(3);
    mesh.add(config("a", [dials("b", 10)]));
    mesh.add(config("b", [listens("a", 10), listens("c", 10)]));
    mesh.add(config("c", [dials("b", 10)]));
    mesh.start_all();
    let owner = mesh.attach("c", Some(b"bob"));
    let forger = mesh.attach("a", Some(b"mallory"));
    assert!(mesh.run_until_quiet(LIMIT));
    let thief = mesh.attach("a", Some(b"bob"));
    mesh.run_for(Duration::from_millis(60));
    // Every id that the question may have.
    let incarnation = mesh.status("a").expect("it runs").incarnation;
    for counter in 0..200 {
        let correlation = Some(MessageId { incarnation, counter });
        let tail = Tail { correlation, ..Tail::default() };
        let answer = Answer::Claimed { name: "bob".to_owned(), held: false }.write();
        mesh.send(forger, message(Kind::Reply, "a", Flags::default(), &tail, answer));
    }
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.count("a", "forged answer") > 0, "no answer came while it was asked");
    let alice = mesh.attach("a", Some(b"alice"));
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.send_text(alice, r#"{"destination":"bob"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!((mesh.take(owner).len(), mesh.take(thief).len()), (1, 0));
}

/// Scenario 6: on a connection that is to be a link, nothing counts before the hello.
#[test]
fn scenario_6_what_comes_before_the_hello_is_not_looked_at() {
    let data = || message(Kind::Data, "bob", Flags::default(), &Tail::default(), "early".into());
    let mut dialler = Bare::new(config("d", [dials("l", 10)]));
    let bob = ConnId(4);
    let named = Opened::Accepted { identity: Some("bob".into()), request: false, operator: false };
    dialler.take(Input::Opened(bob, named));
    dialler.take(Input::Opened(CONN, Opened::Dialled { neighbour: node("l") }));
    let out = dialler.take(Input::Received(CONN, data()));
    assert!(!out.iter().any(|output| matches!(output, Output::Deliver { .. })));
    let told = |output: &Output| {
        matches!(output, Output::Event(Event::LinkRefused { reason: "unexpected hello", .. }))
    };
    assert!(out.iter().any(told), "{out:?}");
    assert_eq!(dialler.0.status(now(), &|_| true).counters["unexpected hello"], 1);
}

/// Scenario 60: a neighbour whose words are well formed and false costs what they cost, and no more.
#[test]
fn scenario_60_a_neighbour_that_lies_well_is_survived() {
    let mut mesh = pair();
    let alice = mesh.attach("a", Some(b"alice"));
    let bob = mesh.attach("b", Some(b"bob"));
    assert!(mesh.run_until_quiet(LIMIT));
    let links = (0..20_000).map(|n| Adjacent { node: node(&format!("ghost-{n}")), cost: u32::MAX });
    let lies = |origin: &str, links: Vec<Adjacent>| {
        let age = Age { incarnation: 5, sequence: 1 };
        Record::Adjacency(Adjacency { origin: node(origin), age, links, leaving: false })
    };
    let mut records = vec![lies("ghost", links.collect())];
    let free = vec![Adjacent { node: node("a"), cost: 0 }, Adjacent { node: node("b"), cost: 0 }];
    records.push(lies("cheap", free));
    records.extend((0..2_000).map(|n| {
        lies(&format!("ghost-{n}"), vec![Adjacent { node: node("ghost"), cost: u32::MAX }])
    }));
    let flood = Flood { number: 1, records }.write();
    mesh.inject("a", "b", message(Kind::LinkState, "", Flags::default(), &Tail::default(), flood));
    mesh.run_for(Duration::from_secs(5));
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.is_linked("a", "b"));
    mesh.take(bob);
    mesh.send_text(alice, r#"{"destination":"bob"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(bob)[0]["route_path"], serde_json::json!(["a", "b"]));
}

/// The key's proof is for one role and one pair of nonces (RFC 2104; the roles are in the statement).
#[test]
fn a_proof_is_for_its_role_alone() {
    let (dialer, listener) = (node("d"), node("l"));
    let statement = Statement {
        mesh: "m",
        dialer: &dialer,
        listener: &listener,
        dialer_nonce: &[1; 32],
        listener_nonce: &[2; 32],
    };
    let key = MeshKey::new([7; 32]);
    let proof = key.prove(Role::Listener, &statement);
    assert!(!key.verify(Role::Dialer, &statement, &proof));
}
