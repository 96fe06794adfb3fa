//! The opening of a link under attack: words that are altered, cut short, out of order, recorded or
//! reflected are never a link, and nothing that comes with them is ever delivered.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_core::Frames;
use hopline_mesh::brain::{Brain, ConnId, Event, Input, Now, Opened, Output};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::hello::{Hello, MeshKey, OPEN_PAD, Role, Statement};
use hopline_mesh::wire::{Kind, Prefix};
use hopline_testkit::simulation::{config, dials};

const NOW: Now = Now { since_start: Duration::ZERO, unix_nanos: 1_700_000_000_000_000_000 };
const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 32] = [1; 32];
const LINK: ConnId = ConnId(1);
const CLIENT: ConnId = ConnId(2);

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn hello(hello: &Hello) -> Frames {
    let pad = Bytes::from_static(&[0; OPEN_PAD]);
    vec![Prefix::new(Kind::Hello).write(), Bytes::new(), hello.write(), pad]
}

fn read(frames: &[Bytes]) -> Option<Hello> {
    let is_hello = Prefix::read(frames.first()?).is_ok_and(|prefix| prefix.kind == Kind::Hello);
    is_hello.then(|| Hello::read(frames.get(2)?).ok())?
}

fn open() -> Hello {
    Hello::Open { mesh: "m".to_owned(), node: node("b"), nonce: NONCE }
}

/// Node `a` with a client `alice`, and all it does.
struct Attacked {
    brain: Brain,
    out: Vec<Output>,
}

impl Attacked {
    /// Whoever is at the other end of `LINK` was dialled by the node, or dials it.
    fn new(seed: u8, dialled: bool) -> Self {
        let config =
            hopline_mesh::brain::Config { seed: [seed; 32], ..config("a", [dials("b", 10)]) };
        let mut this = Self { brain: Brain::new(config, NOW), out: Vec::new() };
        let alice = Some(Bytes::from_static(b"alice"));
        let client = Opened::Accepted { identity: alice, request: false, operator: false };
        this.does(Input::Opened(CLIENT, client));
        this.opens(LINK, dialled);
        this
    }

    fn opens(&mut self, conn: ConnId, dialled: bool) {
        let opened = match dialled {
            true => Opened::Dialled { neighbour: node("b") },
            false => Opened::Accepted { identity: None, request: false, operator: false },
        };
        self.does(Input::Opened(conn, opened));
    }

    fn does(&mut self, input: Input) {
        self.brain.handle(NOW, input, &|_: ConnId| true, &mut self.out);
        self.brain.flush(NOW, &|_: ConnId| true, &mut self.out);
    }

    /// Says something on a connection, and gives back the last hello that came of it.
    fn hears(&mut self, conn: ConnId, frames: Frames) -> Option<Hello> {
        self.out.retain(|output| !matches!(output, Output::Send { .. }));
        self.does(Input::Received(conn, frames));
        self.said(conn)
    }

    fn said(&self, conn: ConnId) -> Option<Hello> {
        self.out.iter().rev().find_map(|output| match output {
            Output::Send { conn: to, frames } if *to == conn => read(frames),
            _ => None,
        })
    }

    fn is_linked(&self) -> bool {
        self.brain.status(NOW, &|_| true).links.iter().any(|link| link.up)
    }

    /// Sends alice something as a neighbour would, and says what is wrong if there is a link, ever was one,
    /// or she gets it.
    fn broken(&mut self) -> Option<&'static str> {
        let prefix = Prefix { destination: "alice", source: "b", ..Prefix::new(Kind::Reply) };
        let stamp = hopline_mesh::wire::Stamp { node: "b", ingress: "", revision: 0, times: None };
        let path = hopline_mesh::wire::Path::read(&[]).unwrap().stamped(&stamp, 1);
        self.does(Input::Received(LINK, vec![prefix.write(), path, Bytes::from_static(b"x")]));
        // A stranger that is no node is a client, and may send as what it is.
        let delivered = |output: &Output| match output {
            Output::Deliver { conn: CLIENT, frames, .. } => {
                let got: serde_json::Value = serde_json::from_slice(&frames[0]).unwrap();
                got["original_sender"] == "b"
            }
            _ => false,
        };
        let up = |output: &Output| matches!(output, Output::Event(Event::LinkUp(_)));
        if self.is_linked() || self.out.iter().any(up) {
            return Some("a link");
        }
        self.out.iter().any(delivered).then_some("a delivery")
    }
}

/// What node `b` that dialled proves, after this challenge.
fn proof(key: [u8; 32], challenge: Option<Hello>) -> Hello {
    let Some(Hello::Challenge { nonce, .. }) = challenge else {
        return Hello::Proof { proof: [0; 32] };
    };
    let (b, a) = (node("b"), node("a"));
    let statement = Statement {
        mesh: "m",
        dialer: &b,
        listener: &a,
        dialer_nonce: &NONCE,
        listener_nonce: &nonce,
    };
    Hello::Proof { proof: MeshKey::new(key).prove(Role::Dialer, &statement) }
}

/// What node `b` that was dialled answers to this open.
fn challenge(key: [u8; 32], open: Option<Hello>) -> Hello {
    let Some(Hello::Open { nonce, .. }) = open else {
        panic!("an open was expected");
    };
    let (b, a) = (node("b"), node("a"));
    let statement = Statement {
        mesh: "m",
        dialer: &a,
        listener: &b,
        dialer_nonce: &nonce,
        listener_nonce: &NONCE,
    };
    let proof = MeshKey::new(key).prove(Role::Listener, &statement);
    Hello::Challenge { node: b, nonce: NONCE, proof }
}

/// Every way to alter one octet of these frames by one bit or all of them, every way to cut one frame
/// short, and every way to leave frames out; only those that do not mean the same.
fn altered(frames: &Frames) -> Vec<Frames> {
    let mut all = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let mut with = |frame: Vec<u8>| {
            let mut other = frames.clone();
            other[number] = frame.into();
            all.push(other);
        };
        for at in 0..frame.len() {
            for bits in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut other = frame.to_vec();
                other[at] ^= bits;
                with(other);
            }
            with(frame[..at].to_vec());
        }
    }
    all.extend((0..frames.len()).map(|length| frames[..length].to_vec()));
    let meant = read(frames);
    all.retain(|other| read(other) != meant);
    assert!(all.len() > 100, "{}", all.len());
    all
}

#[test]
fn the_words_as_they_are_make_a_link() {
    let mut dialled = Attacked::new(1, true);
    let asked = dialled.said(LINK);
    let answer = dialled.hears(LINK, hello(&challenge(KEY, asked)));
    assert!(matches!(answer, Some(Hello::Proof { .. })));
    dialled.hears(LINK, hello(&Hello::Welcome {}));
    assert_eq!(dialled.broken(), Some("a link"));
    let mut dialling = Attacked::new(1, false);
    let challenge = dialling.hears(LINK, hello(&open()));
    dialling.hears(LINK, hello(&proof(KEY, challenge)));
    assert_eq!(dialling.broken(), Some("a link"));
    let delivered = |output: &Output| matches!(output, Output::Deliver { conn: CLIENT, .. });
    assert!(dialling.out.iter().any(delivered), "and a neighbour's message is delivered");
}

/// Scenario 61.
#[test]
fn scenario_61_an_open_that_was_altered_is_never_a_link() {
    for words in altered(&hello(&open())) {
        let mut node = Attacked::new(1, false);
        let challenge = node.hears(LINK, words.clone());
        node.hears(LINK, hello(&proof(KEY, challenge)));
        assert_eq!(node.broken(), None, "{words:?}");
    }
}

/// Scenario 61.
#[test]
fn scenario_61_a_proof_that_was_altered_or_made_with_another_key_is_never_a_link() {
    let ready = || {
        let mut node = Attacked::new(1, false);
        let challenge = node.hears(LINK, hello(&open()));
        (node, challenge)
    };
    let (_, heard) = ready();
    for words in altered(&hello(&proof(KEY, heard))) {
        let (mut node, _) = ready();
        node.hears(LINK, words.clone());
        assert_eq!(node.broken(), None, "{words:?}");
    }
    for key in [[0; 32], [8; 32]] {
        let (mut node, challenge) = ready();
        node.hears(LINK, hello(&proof(key, challenge)));
        assert_eq!(node.broken(), None);
        let refused = |output: &Output| {
            matches!(output, Output::Event(Event::LinkRefused { reason: "wrong key", .. }))
        };
        assert!(node.out.iter().any(refused), "the operator hears of it");
    }
}

/// Scenario 61, of a listener that is none of ours.
#[test]
fn scenario_61_a_challenge_or_a_welcome_that_was_altered_is_never_a_link() {
    let words = hello(&challenge(KEY, Attacked::new(1, true).said(LINK)));
    let mut wrong = altered(&words);
    wrong.push(hello(&challenge([8; 32], Attacked::new(1, true).said(LINK))));
    for wrong in wrong {
        let mut node = Attacked::new(1, true);
        let answer = node.hears(LINK, wrong.clone());
        assert!(!matches!(answer, Some(Hello::Proof { .. })), "nothing is proved to {wrong:?}");
        node.hears(LINK, hello(&Hello::Welcome {}));
        assert_eq!(node.broken(), None, "{wrong:?}");
    }
    for wrong in altered(&hello(&Hello::Welcome {})) {
        let mut node = Attacked::new(1, true);
        node.hears(LINK, words.clone());
        node.hears(LINK, wrong.clone());
        assert_eq!(node.broken(), None, "{wrong:?}");
    }
}

/// Scenarios 6 and 61: whatever a stranger has recorded of another opening, in any order.
#[test]
fn scenario_6_61_recorded_words_in_any_order_are_never_a_link() {
    let mut recorded = vec![
        hello(&open()),
        hello(&Hello::Welcome {}),
        hello(&Hello::Alive { sent: None, digest: None }),
    ];
    let mut first = Attacked::new(1, false);
    let heard = first.hears(LINK, hello(&open()));
    recorded.push(hello(&proof(KEY, heard.clone())));
    recorded.extend(heard.iter().map(hello));
    let listener = challenge(KEY, Attacked::new(1, true).said(LINK));
    recorded.extend([hello(&listener), hello(&Hello::Client {})]);
    let data = Prefix { destination: "alice", source: "b", ..Prefix::new(Kind::LinkAck) };
    recorded.push(vec![data.write(), Bytes::new(), Bytes::new()]);
    let mut rng = fastrand::Rng::with_seed(61);
    for round in 0..5_000 {
        // Another seed: another run of the node, with nonces of its own.
        let mut node = Attacked::new(2, round % 2 == 0);
        for _ in 0..rng.usize(1..7) {
            node.hears(LINK, recorded[rng.usize(0..recorded.len())].clone());
        }
        let up = |output: &Output| matches!(output, Output::Event(Event::LinkUp(_)));
        assert!(!node.is_linked() && !node.out.iter().any(up));
    }
}

/// Scenario 66: on a second connection at the same run of the node, and on the same connection once more.
#[test]
fn scenario_66_a_recorded_opening_does_not_work_twice() {
    let mut node = Attacked::new(1, false);
    let challenge = node.hears(LINK, hello(&open()));
    let proved = hello(&proof(KEY, challenge));
    assert_eq!(node.hears(ConnId(3), proved.clone()), None, "not on a connection that never asked");
    node.hears(LINK, proved.clone());
    assert!(node.is_linked());
    node.does(Input::Closed(LINK));
    node.opens(ConnId(5), false);
    node.hears(ConnId(5), hello(&open()));
    let refused = Some(Hello::Refused { reason: "wrong key".to_owned() });
    assert_eq!(node.hears(ConnId(5), proved.clone()), refused);
    node.hears(ConnId(5), hello(&open()));
    assert_eq!(node.hears(ConnId(5), proved), refused, "nor after it was refused");
    assert!(!node.is_linked());
}

/// Scenario 65: what the node itself proves, as listener or as dialler, is sent back to it.
#[test]
fn scenario_65_a_nodes_own_proofs_reflected_are_never_a_link() {
    // As the listener that it dialled: its own open and proof come back, as open and as challenge.
    let mut node = Attacked::new(1, true);
    let Some(Hello::Open { nonce, .. }) = node.said(LINK) else {
        panic!("an open was expected");
    };
    // A second connection, on which it is asked to prove itself as listener over the nonce of the first.
    node.opens(ConnId(3), false);
    let borrowed = Hello::Open { mesh: "m".to_owned(), node: self::node("b"), nonce };
    let Some(Hello::Challenge { nonce: theirs, proof, .. }) =
        node.hears(ConnId(3), hello(&borrowed))
    else {
        panic!("a challenge was expected");
    };
    let reflected = Hello::Challenge { node: self::node("b"), nonce: theirs, proof };
    assert_eq!(node.hears(LINK, hello(&reflected)), None, "the names are the other way round");
    // And the listener's proof is no dialler's.
    node.hears(ConnId(3), hello(&Hello::Proof { proof }));
    assert!(!node.is_linked());
    assert_eq!(node.broken(), None);
}
