//! What strangers and clients may ask and order, and neighbours that lie in bulk.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Brain, ConnId, Input, Now, Opened, Output};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::link_state::{
    Adjacency, Adjacent, Age, Attachment, AttachmentKind, Attachments, Flood, Record, Summary,
};
use hopline_mesh::wire::{Class, Flags, Kind, MessageId, Path, Prefix, Stamp, Tail, batch};
use hopline_testkit::simulation::{
    ClientId, Simulation, config, dials, for_each_seed, link_up, listens,
};

const LIMIT: Duration = Duration::from_secs(20);

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

/// `a` with a port beyond its machine if `closed`, and `b` with one that is not.
fn pair(seed: u64, closed: bool) -> Simulation {
    let mut mesh = Simulation::new(seed);
    let mut a = config("a", [dials("b", 10)]);
    a.settings.closed = closed;
    mesh.add(a);
    mesh.add(config("b", [listens("a", 10)]));
    mesh.start_all();
    quiet(&mut mesh);
    mesh
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
}

/// Asks a node as this client, with every mark of an operator and of a node that a client can write, and
/// says what came back.
fn ask(mesh: &mut Simulation, client: ClientId, to: &str, request: &Request) -> Option<Answer> {
    let flags = Flags::default().with(Flags::OPERATOR);
    let prefix = Prefix { flags, destination: to, source: to, ..Prefix::new(Kind::Control) };
    mesh.take(client);
    mesh.send(client, vec![prefix.write(), Bytes::new(), request.write()]);
    quiet(mesh);
    let got = mesh.take(client);
    assert_eq!(got.len(), 1, "it is told");
    let is_reply = Prefix::read(&got[0][0]).unwrap().kind == Kind::Reply;
    is_reply.then(|| Answer::read(&got[0][2]).unwrap())
}

fn questions() -> [Request; 5] {
    let destination = "b".to_owned();
    [
        Request::Status {},
        Request::Routes {},
        Request::Graph {},
        Request::Locate { name: "b".to_owned() },
        Request::Explain { destination, path: Vec::new(), from: None, client: None },
    ]
}

fn orders() -> [Request; 3] {
    let neighbour = || node("b");
    [
        Request::Cut { neighbour: neighbour() },
        Request::Heal { neighbour: neighbour() },
        Request::Claim { name: "alice".to_owned(), takeover: true },
    ]
}

/// Scenario 65.
#[test]
fn scenario_65_a_client_at_an_open_port_asks_nothing_about_the_mesh_and_orders_nothing() {
    for to in ["a", "b"] {
        let mut mesh = pair(1, true);
        let stranger = mesh.attach("a", None);
        let operator = mesh.attach_operator("a");
        for request in questions().into_iter().chain(orders()) {
            let answer = ask(&mut mesh, stranger, to, &request);
            assert!(!matches!(answer, Some(Answer::Done {} | Answer::Status(_))), "{answer:?}");
            assert_eq!(answer, None, "{request:?}");
        }
        assert!(mesh.is_linked("a", "b"));
        for request in questions() {
            let answer = ask(&mut mesh, operator, to, &request);
            assert!(!matches!(answer, None | Some(Answer::Refused { .. })), "{request:?}");
        }
    }
}

/// Scenario 65.
#[test]
fn scenario_65_a_client_at_a_port_of_its_machine_asks_and_orders_nothing() {
    for to in ["a", "b"] {
        let mut mesh = pair(1, false);
        // Called like the other node, and like itself there.
        for identity in [None, Some(&b"b"[..]), Some(b"a"), Some(b"b@b")] {
            let client = mesh.attach("a", identity);
            for request in questions() {
                let answer = ask(&mut mesh, client, to, &request);
                assert!(!matches!(answer, None | Some(Answer::Refused { .. })), "{request:?}");
            }
            for request in orders() {
                let answer = ask(&mut mesh, client, to, &request);
                assert!(matches!(answer, Some(Answer::Refused { .. })), "{request:?}: {answer:?}");
            }
            mesh.detach(client);
            quiet(&mut mesh);
        }
        assert!(mesh.is_linked("a", "b"));
    }
}

/// Scenario 63: a node asks another whether the holder of a name is alive, and a client answers for it, for
/// every question that may be open.
#[test]
fn scenario_63_a_claim_is_not_settled_by_a_client_that_answers_for_the_holders_node() {
    for_each_seed(20, |seed| {
        for held in [false, true] {
            let mut mesh = pair(seed, false);
            let holder = mesh.attach("a", Some(b"alice"));
            quiet(&mut mesh);
            if held {
                mesh.silence(holder, true);
            }
            let newcomer = mesh.attach("b", Some(b"alice"));
            let liar = mesh.attach("b", Some(b"a"));
            let incarnation = mesh.status("b").unwrap().incarnation;
            let answer = Answer::Claimed { name: "alice".to_owned(), held };
            for _ in 0..50 {
                for counter in 0..20 {
                    let id = MessageId { incarnation, counter };
                    let tail = Tail { correlation: Some(id), ..Tail::default() }.write();
                    let prefix = Prefix {
                        destination: "b",
                        source: "a",
                        tail: &tail,
                        ..Prefix::new(Kind::Reply)
                    };
                    mesh.send(liar, vec![prefix.write(), Bytes::new(), answer.write()]);
                }
                mesh.run_for(Duration::from_millis(1));
            }
            quiet(&mut mesh);
            assert!(mesh.count("b", "forged answer") > 0, "the lie was in time");
            let sender = mesh.attach("b", None);
            mesh.take(holder);
            mesh.take(newcomer);
            mesh.send_text(sender, r#"{"destination":"alice"}"#);
            quiet(&mut mesh);
            let (kept, lost) = if held { (newcomer, holder) } else { (holder, newcomer) };
            assert_eq!((mesh.take(kept).len(), mesh.take(lost).len()), (1, 0));
        }
    });
}

fn lie(mesh: &mut Simulation, number: u64, records: Vec<Record>) {
    let prefix = Prefix { source: "b", ..Prefix::new(Kind::LinkState) };
    let flood = Flood { number, records };
    mesh.inject("b", "a", vec![prefix.write(), Bytes::new(), flood.write()]);
    quiet(mesh);
}

fn adjacency(origin: &str, age: Age, links: Vec<Adjacent>) -> Record {
    Record::Adjacency(Adjacency { origin: node(origin), age, links, leaving: false })
}

/// Scenario 60: costs beyond all sums, names by the hundred thousand, a million links of which most are one,
/// and ages that end all counting.
#[test]
fn scenario_60_a_neighbour_whose_link_state_parses_but_lies_ends_no_node() {
    const MANY: usize = 500_000;
    let mut mesh = pair(1, false);
    let first = Age { incarnation: 1, sequence: 1 };
    let to = |name: &str, cost| Adjacent { node: node(name), cost };
    lie(
        &mut mesh,
        u64::MAX,
        vec![
            adjacency("x", first, vec![to("y", u32::MAX), to("b", u32::MAX), to("a", 0)]),
            adjacency("y", first, vec![to("x", 0), to("y", 1), to("b", u32::MAX)]),
        ],
    );
    let many = |last: &str, other: &str| {
        let mut links: Vec<_> = (0..MANY).map(|_| to(other, 1)).collect();
        links.push(to(last, 1));
        links
    };
    let second = Age { sequence: 2, ..first };
    lie(
        &mut mesh,
        1,
        vec![adjacency("x", second, many("zz", "y")), adjacency("y", second, many("x", "zz"))],
    );
    let named = (0..100_000).map(|number| to(&format!("n{number}"), u32::MAX)).collect();
    lie(&mut mesh, 2, vec![adjacency("z", first, named)]);
    let last = Age { incarnation: u64::MAX, sequence: u64::MAX };
    lie(&mut mesh, 3, vec![adjacency("a", last, Vec::new()), adjacency("y", last, Vec::new())]);
    assert!(mesh.is_linked("a", "b"), "the liar knows the key");
    let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("a", Some(b"bob")));
    quiet(&mut mesh);
    mesh.send_text(alice, r#"{"destination":"bob"}"#);
    quiet(&mut mesh);
    assert_eq!(mesh.take(bob).len(), 1, "the node goes on");
}

/// Scenario 48: link state of a node's earlier run, word by word, after it has started again.
#[test]
fn scenario_48_a_recorded_word_of_an_earlier_run_changes_nothing() {
    for_each_seed(10, |seed| {
        let mut mesh = pair(seed, false);
        let earlier = mesh.status("b").unwrap().incarnation;
        mesh.kill("b");
        mesh.run_for(Duration::from_secs(1));
        mesh.start("b");
        quiet(&mut mesh);
        let before = mesh.routes("a").unwrap();
        for sequence in [1, 7, u64::MAX] {
            let age = Age { incarnation: earlier, sequence };
            let mut gone = adjacency("b", age, Vec::new());
            if let Record::Adjacency(adjacency) = &mut gone {
                adjacency.leaving = true;
            }
            lie(&mut mesh, sequence, vec![gone]);
        }
        assert!(mesh.converged() && mesh.is_linked("a", "b"));
        assert_eq!(mesh.routes("a").unwrap(), before);
    });
}

/// A message with this path, the last number of its link, from `alice@a` to `carol`.
fn with_path(class: Class, nodes: &[&str], sequence: u64) -> Vec<Bytes> {
    let id = MessageId { incarnation: 9, counter: sequence };
    let prefix = Prefix {
        class,
        id,
        hop_limit: 64,
        source: "alice@a",
        destination: "carol",
        ..Prefix::new(Kind::Data)
    };
    let stamps = nodes.iter().map(|node| Stamp { node, ingress: "", revision: 1, times: None });
    let path = stamps
        .fold(Bytes::new(), |path, stamp| Path::read(&path).unwrap().stamped(&stamp, sequence));
    vec![prefix.write(), path, Bytes::from("x")]
}

/// Scenario 18: a client writes a path in which a node stands twice. Its node writes another.
#[test]
fn scenario_18_a_path_that_a_client_made_up_is_not_looked_at() {
    for nodes in [&["a", "a"][..], &["b", "b"], &["x", "a", "x"], &["a", "b", "a", "b"]] {
        let mut mesh = pair(18, false);
        let carol = mesh.attach_native("b", Some("carol"));
        let mallory = mesh.attach_native("a", Some("mallory"));
        quiet(&mut mesh);
        mesh.send(mallory, with_path(Class::AtMostOnce, nodes, 1));
        quiet(&mut mesh);
        let got = mesh.take(carol);
        let paths: Vec<_> = got.iter().map(|it| Path::read(&it[1]).unwrap().nodes()).collect();
        assert_eq!(paths, [["a", "b"]], "{nodes:?}");
        assert_eq!(mesh.count("b", "loop"), 0);
        assert!(mesh.is_linked("a", "b"));
        mesh.assert_ledger_is_even();
    }
}

/// What goes out: to whom, what it is, and the nodes of its path.
type Sent = (ConnId, Kind, Vec<String>);

/// A node `b` between `a`, which lies, and `c`, where carol is, and which is reached over `d` too.
struct Between {
    brain: Brain,
    now: Now,
}

impl Between {
    const A: ConnId = ConnId(1);
    const C: ConnId = ConnId(2);
    const D: ConnId = ConnId(3);

    fn new() -> Self {
        let now = Now { since_start: Duration::ZERO, unix_nanos: 1_700_000_000_000_000_000 };
        let links = ["a", "c", "d"].map(|neighbour| listens(neighbour, 10));
        let mut between = Self { brain: Brain::new(config("b", links), now), now };
        between.link("a", Self::A);
        between.link("c", Self::C);
        between.link("d", Self::D);
        between
    }

    /// A neighbour opens its link, and says who is there.
    fn link(&mut self, neighbour: &str, conn: ConnId) {
        let mut out = Vec::new();
        let opened = Opened::Accepted { identity: None, request: false, operator: false };
        self.brain.handle(self.now, Input::Opened(conn, opened), &|_| true, &mut out);
        link_up(&mut self.brain, self.now, conn, neighbour, &|_| true, &mut out);
        let origin = node(neighbour);
        let age = Age { incarnation: 5, sequence: conn.0 };
        let beside = match neighbour {
            "c" => Some("d"),
            "d" => Some("c"),
            _ => None,
        };
        let links = ["b"].into_iter().chain(beside);
        let links = links.map(|it| Adjacent { node: node(it), cost: 10 }).collect();
        let name = if neighbour == "c" { "carol".to_owned() } else { format!("of-{neighbour}") };
        let name = ClientName::from_identity(name.as_bytes());
        let added = vec![Attachment { name, kind: AttachmentKind::Client, since: 1 }];
        let attachments =
            Attachments { origin: origin.clone(), age, since: None, added, removed: vec![] };
        let records = vec![
            Record::Summary(Summary { whole: true, known: vec![] }),
            Record::Adjacency(Adjacency { origin, age, links, leaving: false }),
            Record::Attachments(attachments),
        ];
        let flood = Flood { number: 1, records }.write();
        self.hear(conn, vec![Prefix::new(Kind::LinkState).write(), Bytes::new(), flood]);
    }

    fn hear(&mut self, conn: ConnId, frames: Vec<Bytes>) -> Vec<Sent> {
        self.take(Input::Received(conn, frames))
    }

    /// Which messages of clients go out, to whom, with which path.
    fn take(&mut self, input: Input) -> Vec<Sent> {
        self.now.since_start += Duration::from_millis(500);
        let mut out = Vec::new();
        self.brain.handle(self.now, input, &|_| true, &mut out);
        self.brain.handle(self.now, Input::Tick, &|_| true, &mut out);
        self.brain.flush(self.now, &|_| true, &mut out);
        let mut sent = Vec::new();
        for output in out {
            let Output::Send { conn, frames } = output else {
                continue;
            };
            let kind = |frames: &[Bytes]| Prefix::read(&frames[0]).unwrap().kind;
            let messages = match kind(&frames) {
                Kind::Batch => batch::read(frames[2].clone()).map(Result::unwrap).collect(),
                _ => vec![frames],
            };
            let of_clients =
                messages.iter().filter(|it| matches!(kind(it), Kind::Data | Kind::Error));
            let read = |it: &Vec<Bytes>| (conn, kind(it), Path::read(&it[1]).unwrap().nodes());
            sent.extend(of_clients.map(read));
        }
        sent
    }
}

/// Scenario 18: a neighbour that has the key hands on a path in which a node stands twice. The message goes on, or is a
/// loop where this node is in it; when it comes back from a link that has ended it is told of, or sent again by
/// another way, and every link but that one stays.
#[test]
fn scenario_18_a_path_that_a_neighbour_made_up_ends_no_link_when_it_comes_back_either() {
    for class in [Class::AtMostOnce, Class::Confirmed] {
        let mut between = Between::new();
        for (number, nodes) in
            [&["x", "x", "a"][..], &["a", "a"], &["x", "a", "x", "a"]].iter().enumerate()
        {
            let sent = between.hear(Between::A, with_path(class, nodes, number as u64 + 1));
            let path: Vec<_> = nodes.iter().chain(&["b"]).map(|it| (*it).to_owned()).collect();
            assert_eq!(sent, [(Between::C, Kind::Data, path)]);
        }
        for (sequence, nodes) in [(4, ["a", "b", "a", "a"]), (5, ["a", "b", "b", "a"])] {
            let sent = between.hear(Between::A, with_path(class, &nodes, sequence));
            assert_eq!(sent, [(Between::A, Kind::Error, vec!["b".to_owned()])], "{nodes:?}");
        }
        let counters = between.brain.status(between.now, &|_| true).counters;
        assert_eq!(counters["loop"], 2);
        // None of the three was acknowledged.
        let then = between.take(Input::Closed(Between::C));
        let is_end = |(conn, kind, path): &Sent| match class {
            Class::AtMostOnce => (*conn, *kind, path.len()) == (Between::A, Kind::Error, 1),
            Class::Confirmed => *conn == Between::D && *kind == Kind::Data && path.len() > 2,
        };
        assert!(then.len() == 3 && then.iter().all(is_end), "{class:?}: {then:?}");
        let links = between.brain.status(between.now, &|_| true).links;
        assert!(links.iter().all(|link| link.up == (link.neighbour.as_str() != "c")), "{links:?}");
        assert_eq!(between.brain.unaccounted(), 0);
    }
}
