//! Native clients and operators: what they may do, and what they may not pretend.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::{Class, Flags, Kind, MAX_HEADER, Path, Prefix, Tail, batch};
use hopline_testkit::simulation::{
    ClientId, Simulation, config, dials, for_each_seed, listens, regions,
};

const LIMIT: Duration = Duration::from_secs(20);

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.assert_ledger_is_even();
}

fn data<'a>(destination: &'a str, source: &'a str) -> Prefix<'a> {
    Prefix { destination, source, ..Prefix::new(Kind::Data) }
}

fn native(mesh: &mut Simulation, node: &str, name: &[u8]) -> ClientId {
    let client = mesh.attach(node, Some(name));
    let hello = Prefix::new(Kind::Hello).write();
    mesh.send(client, vec![hello, Bytes::new(), Hello::Client {}.write()]);
    quiet(mesh);
    let answer = mesh.take(client);
    let hosted = Hello::read(&answer[0][2]).unwrap();
    assert!(matches!(hosted, Hello::Hosted { name: given, .. } if given.as_bytes() == name));
    client
}

fn order(mesh: &mut Simulation, client: ClientId, to: &str, order: &Request) -> Answer {
    let prefix = Prefix { destination: to, flags: Flags::OPERATOR, ..Prefix::new(Kind::Control) };
    mesh.send(client, vec![prefix.write(), Bytes::new(), order.write()]);
    mesh.run_for(Duration::from_secs(1));
    let answers = mesh.take(client);
    assert_eq!(answers.len(), 1);
    Answer::read(&answers[0][2]).unwrap()
}

#[test]
fn a_message_keeps_its_frames_and_its_sender_is_written_by_the_ingress() {
    let mut mesh = regions(1);
    let alice = native(&mut mesh, "east", b"alice");
    let bob = native(&mut mesh, "west", b"bob");
    let payload = [Bytes::from_static(b"\xff"), Bytes::new(), Bytes::from_static(b"x")];
    let frames = [vec![data("bob", "eve").write(), Bytes::new()], payload.to_vec()].concat();
    mesh.send(alice, frames);
    quiet(&mut mesh);
    let got = mesh.take(bob);
    assert_eq!(got.len(), 1);
    assert_eq!(Prefix::read(&got[0][0]).unwrap().source, "alice");
    assert_eq!(Path::read(&got[0][1]).unwrap().nodes(), ["east", "top", "west"]);
    assert_eq!(got[0][2..], payload);
}

#[test]
fn small_and_many_framed_messages_all_arrive_in_order() {
    for_each_seed(5, |seed| {
        let mut mesh = regions(seed);
        let alice = native(&mut mesh, "east", b"alice");
        let bob = native(&mut mesh, "west", b"bob");
        for n in 0..60_usize {
            let frames = match n % 3 {
                0 => 300,
                1 => 0,
                _ => 1,
            };
            let size = if n % 7 == 0 { 10_000 } else { 3 };
            let mut message = vec![data("bob", "").write(), Bytes::new()];
            message.extend((0..frames).map(|_| Bytes::from(vec![n as u8; size])));
            mesh.send(alice, message);
        }
        quiet(&mut mesh);
        let (got, told) = (mesh.take(bob), mesh.take(alice));
        let lengths: Vec<_> = got.iter().map(Vec::len).collect();
        let expected: Vec<_> = (0..60).map(|n| [302, 2, 3][n % 3]).collect();
        if told.is_empty() {
            assert_eq!(lengths, expected);
        } else {
            assert_eq!(lengths.len() + told.len(), 60);
        }
        assert_eq!(mesh.count("top", "link sequence"), 0);
        assert_eq!(mesh.count("top", "malformed message"), 0);
    });
}

#[test]
fn members_of_a_batch_have_their_own_fates() {
    let mut mesh = regions(1);
    let alice = native(&mut mesh, "east", b"alice");
    let bob = native(&mut mesh, "west", b"bob");
    let members = ["bob", "nobody", "bob"].map(|to| vec![data(to, "").write(), Bytes::new()]);
    let batch = batch::write(members.iter().map(Vec::as_slice));
    mesh.send(alice, vec![Prefix::new(Kind::Batch).write(), Bytes::new(), batch]);
    quiet(&mut mesh);
    assert_eq!((mesh.take(bob).len(), mesh.take(alice).len()), (2, 1));
}

#[test]
fn an_error_says_why_where_and_on_which_path() {
    let mut mesh = regions(1);
    let alice = native(&mut mesh, "east", b"alice");
    mesh.send(alice, vec![data("bob@west", "").write(), Bytes::new(), Bytes::from_static(b"hi")]);
    quiet(&mut mesh);
    let got = mesh.take(alice);
    let prefix = Prefix::read(&got[0][0]).unwrap();
    let tail = Tail::read(prefix.tail).unwrap();
    assert_eq!((prefix.kind, prefix.source), (Kind::Error, "west"));
    assert_eq!(tail.reason.as_deref(), Some("unknown destination"));
    assert_eq!(tail.node.as_deref(), Some("west"));
    assert_eq!(tail.destination.as_deref(), Some("bob@west"));
    assert_eq!(Path::read(&got[0][1]).unwrap().nodes(), ["west", "top", "east"]);
    assert_eq!(Path::read(&got[0][2]).unwrap().nodes(), ["east", "top", "west"]);
    assert_eq!(got[0][3], "hi");
}

#[test]
fn what_cannot_be_read_behind_the_fixed_part_of_a_header_is_refused_at_once() {
    let mut mesh = regions(1);
    let alice = native(&mut mesh, "east", b"alice");
    let bob = native(&mut mesh, "west", b"bob");
    let late: &[u8] = b"\x81\x01\xa1x";
    for (tail, frames, why) in [
        (&b"\xc1"[..], 3, "the header is not the MessagePack that it should be"),
        (b"\x93\x01\x02\x03", 3, "the header is not the MessagePack that it should be"),
        (late, 3, "the header is not the MessagePack that it should be"),
        (b"", 1, "the message has no path frame"),
    ] {
        for kind in [Kind::Data, Kind::Reply, Kind::Probe] {
            let header = Prefix { kind, tail, class: Class::Confirmed, ..data("bob", "") }.write();
            let mut message = vec![header, Bytes::new(), Bytes::from_static(b"hello")];
            message.truncate(frames);
            mesh.send(alice, message);
            quiet(&mut mesh);
            let told = mesh.take(alice);
            let tail = Tail::read(Prefix::read(&told[0][0]).unwrap().tail).unwrap();
            assert_eq!((told.len(), tail.reason.as_deref()), (1, Some(why)));
        }
    }
    assert!(mesh.take(bob).is_empty());
    assert_eq!(mesh.count("east", "malformed message"), 12);
}

#[test]
fn a_header_of_any_length_is_answered() {
    let mut mesh = regions(1);
    let name = [b'n'; 200];
    let alice = native(&mut mesh, "east", &name);
    for length in [1_024, 1_025, 40_000, 65_000, MAX_HEADER - 32 - 250, MAX_HEADER - 32] {
        // A long destination, then a long content type.
        let long = "x".repeat(length);
        mesh.send(alice, vec![data(&long, "").write(), Bytes::new()]);
        let tail = Tail { content_type: Some("x".repeat(length - 20)), ..Tail::default() };
        let prefix = Prefix { tail: &tail.write(), ..data("nobody", "") };
        mesh.send(alice, vec![prefix.write(), Bytes::new()]);
        quiet(&mut mesh);
        let got = mesh.take(alice);
        assert_eq!(got.len(), 2, "{length}");
        for error in got {
            assert_eq!(Prefix::read(&error[0]).unwrap().kind, Kind::Error, "{length}");
        }
    }
}

#[test]
fn orders_are_taken_from_operators_only() {
    let cut = Request::Cut { neighbour: NodeName::parse("west").unwrap() };
    let heal = Request::Heal { neighbour: NodeName::parse("west").unwrap() };
    let mut mesh = regions(1);
    let alice = native(&mut mesh, "east", b"alice");
    let refused = Answer::Refused { reason: "not allowed".to_owned() };
    assert_eq!(
        order(&mut mesh, alice, "top", &cut),
        refused,
        "the mark is not the client's to set"
    );
    let claim = Request::Claim { name: "bob".to_owned(), takeover: true };
    assert_eq!(order(&mut mesh, alice, "top", &claim), refused);
    let operator = mesh.attach_operator("east");
    assert_eq!(order(&mut mesh, operator, "top", &cut), Answer::Done {});
    assert!(!mesh.is_linked("top", "west"));
    assert_eq!(order(&mut mesh, operator, "top", &heal), Answer::Done {});
    quiet(&mut mesh);
    assert!(mesh.is_linked("top", "west"));
}

#[test]
fn an_order_that_cuts_its_own_way_back_is_answered() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed);
        let operator = mesh.attach_operator("east");
        let cut = Request::Cut { neighbour: NodeName::parse("east").unwrap() };
        assert_eq!(order(&mut mesh, operator, "top", &cut), Answer::Done {});
        assert!(!mesh.is_linked("top", "east"));
    });
}

#[test]
fn a_client_called_like_a_node_that_is_not_known_yet_gives_no_orders() {
    let mut mesh = Simulation::new(1);
    mesh.add(config("top", [listens("east", 10), listens("west", 10)]));
    mesh.add(config("east", [dials("top", 10)]));
    mesh.add(config("west", [dials("top", 10)]));
    mesh.start("top");
    mesh.start("east");
    quiet(&mut mesh);
    // East has never heard of a node `west`; top meets it while the order is under way.
    let false_west = native(&mut mesh, "east", b"west");
    for pause in 0..40 {
        let cut = Request::Cut { neighbour: NodeName::parse("east").unwrap() };
        let prefix = Prefix { destination: "top", ..Prefix::new(Kind::Control) };
        if pause == 1 {
            mesh.start("west");
        }
        mesh.send(false_west, vec![prefix.write(), Bytes::new(), cut.write()]);
        mesh.run_for(Duration::from_micros(500));
    }
    quiet(&mut mesh);
    assert!(mesh.is_linked("top", "east"));
    assert_eq!(mesh.count("top", "not allowed"), 40);
}
