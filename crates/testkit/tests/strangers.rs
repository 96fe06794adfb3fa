//! What strangers and clients may ask and order, and neighbours that lie in bulk.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::Config;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::link_state::{Adjacency, Adjacent, Age, Flood, Record};
use hopline_mesh::wire::{Flags, Kind, MessageId, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};

const LIMIT: Duration = Duration::from_secs(20);

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

/// `a` with a port beyond its machine if `closed`, and `b` with one that is not.
fn pair(seed: u64, closed: bool) -> Simulation {
    let mut mesh = Simulation::new(seed);
    mesh.add(Config { closed, ..config("a", [dials("b", 10)]) });
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
fn a_client_at_an_open_port_asks_nothing_about_the_mesh_and_orders_nothing() {
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
fn a_client_at_a_port_of_its_machine_asks_and_orders_nothing() {
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
fn a_claim_is_not_settled_by_a_client_that_answers_for_the_holders_node() {
    for_each_seed(20, |seed| {
        for held in [false, true] {
            let mut mesh = pair(seed, false);
            let holder = mesh.attach("a", Some(b"alice"));
            quiet(&mut mesh);
            if held {
                mesh.silence(holder);
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
fn a_neighbour_whose_link_state_parses_but_lies_ends_no_node() {
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
fn a_recorded_word_of_an_earlier_run_changes_nothing() {
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
