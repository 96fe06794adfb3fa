//! The wire form, byte by byte: whatever changes it fails here.
//!
//! `golden/wire.txt` holds one block for each vector: its name, what it is, and its bytes in
//! hexadecimal. A vector is never changed, only added; a version that cannot keep to that has
//! another number.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use bytes::Bytes;
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::wire::control::{
    Answer, ClientStatus, LinkStatus, NodeStatus, Request, RouteLine,
};
use hopline_mesh::wire::hello::{Hello, MeshKey, Role, Statement};
use hopline_mesh::wire::link_state::{
    Adjacency, Adjacent, Age, Attachment, AttachmentKind, Attachments, Flood, LinkAck, Record,
};
use hopline_mesh::wire::{
    Class, Flags, Kind, MessageId, Path, Prefix, Stamp, Tail, Times, WireError, batch,
};

const GOLDEN: &str = include_str!("golden/wire.txt");
const HEAD: &str = "The wire form of version 1. Each block: a name, what it is, its bytes.\n";

/// One vector: what it is, its bytes as this version writes them, and how they are read back.
struct Vector {
    name: String,
    meaning: &'static str,
    bytes: Bytes,
    /// Says what is wrong where these bytes do not read back as the value.
    check: Box<dyn Fn(&[u8]) -> Option<String>>,
}

fn vector<T: PartialEq + Debug + 'static>(
    name: &str,
    meaning: &'static str,
    value: T,
    write: impl Fn(&T) -> Bytes,
    read: impl Fn(&[u8]) -> Result<T, WireError> + 'static,
) -> Vector {
    Vector {
        name: name.to_owned(),
        meaning,
        bytes: write(&value),
        check: Box::new(move |bytes| {
            let got = read(bytes);
            (got.as_ref() != Ok(&value)).then(|| format!("{got:?} is not {value:?}"))
        }),
    }
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn client(name: &str) -> ClientName {
    ClientName::from_identity(name.as_bytes())
}

fn id(incarnation: u64, counter: u64) -> MessageId {
    MessageId {
        incarnation,
        counter,
    }
}

fn full_tail() -> Tail {
    Tail {
        deadline: Some(1_700_000_000_000),
        correlation: Some(id(1_700_000_000_001, 7)),
        content_type: Some("application/json".to_owned()),
        reason: Some("unreachable".to_owned()),
        node: Some("top".to_owned()),
        destination: Some("bob".to_owned()),
    }
}

/// The first frame of a message of each kind.
fn prefixes() -> Vec<Vector> {
    let plain = |kind| Prefix {
        id: id(0x0102_0304_0506_0708, 9),
        destination: "bob",
        source: "alice",
        ..Prefix::new(kind)
    };
    let between = |kind| Prefix {
        source: "east",
        ..Prefix::new(kind)
    };
    let error = Prefix {
        flags: Flags::TRUNCATED,
        destination: "alice",
        source: "top",
        ..plain(Kind::Error)
    };
    let confirmed = Prefix {
        class: Class::Confirmed,
        flags: Flags::TRACE.with(Flags::OPERATOR),
        hop_limit: 255,
        destination: "caf\u{e9}@west",
        tail: b"\x81\x05\xa3top",
        ..plain(Kind::Data)
    };
    let all = [
        (
            "data",
            "a client's message, at most once, hop limit 64",
            plain(Kind::Data),
        ),
        (
            "data-confirmed",
            "class 1, traced, from an operator, hop limit 255, with a tail",
            confirmed,
        ),
        ("reply", "the answer to a message", plain(Kind::Reply)),
        (
            "error",
            "what became of a message; its payload is cut",
            error,
        ),
        ("ack", "a confirmed message was delivered", plain(Kind::Ack)),
        ("probe", "asks for the way", plain(Kind::Probe)),
        ("hello", "opens a connection", between(Kind::Hello)),
        ("link-state", "what a node knows", between(Kind::LinkState)),
        (
            "link-ack",
            "how far a link's messages have come",
            between(Kind::LinkAck),
        ),
        ("batch", "many messages in one", between(Kind::Batch)),
        (
            "control",
            "a question or an order to a node",
            plain(Kind::Control),
        ),
    ];
    let vector = |(name, meaning, prefix): (&str, _, Prefix<'static>)| Vector {
        name: format!("prefix {name}"),
        meaning,
        bytes: prefix.write(),
        check: Box::new(move |bytes| {
            let got = Prefix::read(bytes);
            (got != Ok(prefix)).then(|| format!("{got:?} is not {prefix:?}"))
        }),
    };
    all.into_iter().map(vector).collect()
}

fn paths() -> Vec<Vector> {
    let east = Stamp {
        node: "east",
        ingress: "",
        revision: 0xdead_beef,
        times: None,
    };
    let times = Times {
        arrived: 1_700_000_000_000_000_001,
        left: 1_700_000_000_000_000_002,
    };
    let top = Stamp {
        node: "top",
        ingress: "east",
        revision: 1,
        times: Some(times),
    };
    let all = [
        (
            "path empty",
            "no frame content: no node has handled the message",
            0,
            vec![],
        ),
        (
            "path",
            "one stamp without times, third message on its link",
            3,
            vec![east],
        ),
        (
            "path with times",
            "two stamps, the second with times",
            4,
            vec![east, top],
        ),
    ];
    let vector = |(name, meaning, sequence, stamps): (&str, _, u64, Vec<Stamp<'static>>)| {
        let mut bytes = Bytes::new();
        for stamp in &stamps {
            bytes = Path::read(&bytes).unwrap().stamped(stamp, sequence);
        }
        Vector {
            name: name.to_owned(),
            meaning,
            bytes,
            check: Box::new(move |bytes| {
                let got = Path::read(bytes).map(|path| (path.sequence(), path.stamps().collect()));
                let value = (sequence, stamps.clone());
                (got.as_ref() != Ok(&value)).then(|| format!("{got:?} is not {value:?}"))
            }),
        }
    };
    all.into_iter().map(vector).collect()
}

fn hellos() -> Vec<Vector> {
    let all = [
        (
            "hello open",
            "a node that dialled says who it is",
            Hello::Open {
                mesh: "regions".to_owned(),
                node: node("east"),
                nonce: [1; 32],
            },
        ),
        (
            "hello challenge",
            "the listener says who it is and proves it",
            Hello::Challenge {
                node: node("top"),
                nonce: [2; 32],
                proof: [200; 32],
            },
        ),
        (
            "hello proof",
            "the node that dialled proves who it is",
            Hello::Proof { proof: [4; 32] },
        ),
        ("hello welcome", "the link is up", Hello::Welcome {}),
        (
            "hello refused",
            "the link is refused",
            Hello::Refused {
                reason: "wrong key".to_owned(),
            },
        ),
        (
            "hello client",
            "a native client says that it is one",
            Hello::Client {},
        ),
        (
            "hello hosted",
            "the node's answer to a native client",
            Hello::Hosted {
                mesh: "regions".to_owned(),
                node: node("east"),
                name: "alice".to_owned(),
            },
        ),
        ("hello alive", "a sign of life", Hello::Alive {}),
    ];
    all.into_iter()
        .map(|(name, meaning, hello)| vector(name, meaning, hello, Hello::write, Hello::read))
        .collect()
}

fn proofs() -> Vec<Vector> {
    let (east, top) = (node("east"), node("top"));
    let statement = Statement {
        mesh: "regions",
        dialer: &east,
        listener: &top,
        dialer_nonce: &[1; 32],
        listener_nonce: &[2; 32],
    };
    let key = MeshKey::new([7; 32]);
    let meaning = "HMAC-SHA-256, key 32 x 07, mesh regions, east dials top, nonces 32 x 01 and 02";
    [
        ("proof dialer", Role::Dialer),
        ("proof listener", Role::Listener),
    ]
    .into_iter()
    .map(|(name, role)| {
        let proof = key.prove(role, &statement);
        let read = move |bytes: &[u8]| bytes.try_into().map_err(|_| WireError::Truncated("proof"));
        vector(
            name,
            meaning,
            proof,
            |proof| Bytes::copy_from_slice(proof),
            read,
        )
    })
    .collect()
}

fn floods() -> Vec<Vector> {
    let age = Age {
        incarnation: 1_700_000_000_000,
        sequence: 3,
    };
    let adjacency = Adjacency {
        origin: node("east"),
        age,
        links: vec![Adjacent {
            node: node("top"),
            cost: 10,
        }],
        leaving: false,
    };
    let leaving = Adjacency {
        links: Vec::new(),
        leaving: true,
        ..adjacency.clone()
    };
    let kinds = [
        ("alice", AttachmentKind::Client),
        ("clock", AttachmentKind::Service),
        ("lights", AttachmentKind::Group),
        ("worker", AttachmentKind::Broker),
    ];
    let added = kinds.map(|(name, kind)| Attachment {
        name: client(name),
        kind,
        since: 1_700_000_000_001,
    });
    let whole = Attachments {
        origin: node("east"),
        age,
        since: None,
        added: added.to_vec(),
        removed: Vec::new(),
    };
    let change = Attachments {
        since: Some(2),
        added: added[..1].to_vec(),
        removed: vec![client("\u{ff}"), ClientName::hex(&[0xff])],
        ..whole.clone()
    };
    let records = [
        (
            "link state adjacency",
            "a node and its links",
            Record::Adjacency(adjacency),
        ),
        (
            "link state leaving",
            "a node says good-bye",
            Record::Adjacency(leaving),
        ),
        (
            "link state attachments",
            "all names, one of each kind",
            Record::Attachments(whole),
        ),
        (
            "link state change",
            "what changed since sequence 2",
            Record::Attachments(change),
        ),
        (
            "link state request",
            "asks for all that is known of a node",
            Record::Request(node("east")),
        ),
    ];
    let flood = |(name, meaning, record)| {
        let flood = Flood {
            number: 5,
            records: vec![record],
        };
        vector(name, meaning, flood, Flood::write, Flood::read)
    };
    let mut all: Vec<_> = records.into_iter().map(flood).collect();
    let ack = LinkAck {
        messages: 300,
        floods: 5,
        window: 1000,
        window_bytes: 1 << 20,
    };
    all.push(vector(
        "link ack",
        "of 300 messages and 5 floods",
        ack,
        LinkAck::write,
        LinkAck::read,
    ));
    all
}

fn batches() -> Vec<Vector> {
    let messages: Vec<Vec<Bytes>> = vec![
        vec![Bytes::from_static(b"one"), Bytes::new()],
        vec![
            Bytes::from_static(b"two"),
            Bytes::from_static(b"path"),
            Bytes::from_static(b"x"),
        ],
    ];
    let write = |messages: &Vec<Vec<Bytes>>| batch::write(messages.iter().map(Vec::as_slice));
    let read = |bytes: &[u8]| batch::read(Bytes::copy_from_slice(bytes)).collect();
    vec![vector(
        "batch",
        "two messages, of two and of three frames",
        messages,
        write,
        read,
    )]
}

fn controls() -> Vec<Vector> {
    let name = "alice".to_owned();
    let neighbour = node("top");
    let requests = [
        ("request status", "what the node is", Request::Status {}),
        ("request routes", "its routing table", Request::Routes {}),
        (
            "request locate",
            "where a name is",
            Request::Locate { name: name.clone() },
        ),
        (
            "request claim",
            "is its holder alive",
            Request::Claim { name: name.clone() },
        ),
        (
            "request cut",
            "order: take a link down",
            Request::Cut {
                neighbour: neighbour.clone(),
            },
        ),
        (
            "request heal",
            "order: let it come up",
            Request::Heal {
                neighbour: neighbour.clone(),
            },
        ),
    ];
    let link = LinkStatus {
        neighbour: neighbour.clone(),
        cost: 10,
        up: true,
        dials: true,
        cut: false,
        queued: 3,
    };
    let attached = ClientStatus {
        name: name.clone(),
        dialect: Some("json".to_owned()),
        attached: true,
        since: 1_700_000_000_001,
    };
    let status = NodeStatus {
        mesh: "regions".to_owned(),
        node: node("east"),
        incarnation: 1_700_000_000_000,
        uptime_ms: 1500,
        revision: "0123456789abcdef".to_owned(),
        attachments: "fedcba9876543210".to_owned(),
        pending: 1,
        reachable: vec![node("east"), neighbour],
        links: vec![link],
        clients: vec![attached],
        counters: BTreeMap::from([("accepted".to_owned(), 2), ("unreachable".to_owned(), 1)]),
    };
    let line = RouteLine {
        destination: "west".to_owned(),
        next_hop: Some("top".to_owned()),
        cost: Some(20),
        hops: Some(2),
        origin: "computed".to_owned(),
    };
    let answers = [
        (
            "answer status",
            "what the node is and knows",
            Answer::Status(Box::new(status)),
        ),
        (
            "answer routes",
            "one line of its table",
            Answer::Routes(vec![line]),
        ),
        (
            "answer located",
            "the nodes that have a name",
            Answer::Located {
                nodes: vec![node("east")],
            },
        ),
        (
            "answer claimed",
            "the holder is alive",
            Answer::Claimed { name, held: true },
        ),
        ("answer done", "the order was carried out", Answer::Done {}),
        (
            "answer refused",
            "it was not",
            Answer::Refused {
                reason: "not allowed".to_owned(),
            },
        ),
    ];
    let requests = requests
        .into_iter()
        .map(|(name, meaning, value)| vector(name, meaning, value, Request::write, Request::read));
    let answers = answers
        .into_iter()
        .map(|(name, meaning, value)| vector(name, meaning, value, Answer::write, Answer::read));
    requests.chain(answers).collect()
}

fn vectors() -> Vec<Vector> {
    let tail = vector("tail", "all keys", full_tail(), Tail::write, Tail::read);
    let mut all = prefixes();
    all.push(tail);
    for more in [paths(), hellos(), proofs(), floods(), batches(), controls()] {
        all.extend(more);
    }
    all
}

/// The golden file as this version would write it.
fn written(vectors: &[Vector]) -> String {
    let mut text = HEAD.to_owned();
    for Vector {
        name,
        meaning,
        bytes,
        ..
    } in vectors
    {
        let _ = writeln!(text, "\n{name}: {meaning}");
        for line in bytes.chunks(32) {
            let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(text, "    {hex}");
        }
    }
    text
}

/// The bytes in the golden file, by name.
fn golden() -> BTreeMap<&'static str, Vec<u8>> {
    let mut all = BTreeMap::new();
    for block in GOLDEN.split("\n\n").skip(1) {
        let mut lines = block.lines();
        let (name, _) = lines.next().unwrap().split_once(": ").unwrap();
        let hex: String = lines.map(str::trim).collect();
        let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        all.insert(name, (0..hex.len()).step_by(2).map(octet).collect());
    }
    all
}

#[test]
fn what_is_written_is_golden() {
    let written = written(&vectors());
    assert!(
        written == GOLDEN,
        "the wire form has changed; it would be:\n{written}"
    );
}

#[test]
fn what_is_golden_reads_back() {
    let golden = golden();
    let vectors = vectors();
    assert_eq!(golden.len(), vectors.len());
    for Vector { name, check, .. } in vectors {
        if let Some(wrong) = check(&golden[name.as_str()]) {
            panic!("{name}: {wrong}");
        }
    }
}

#[test]
fn every_kind_has_a_vector() {
    let golden = golden();
    let kinds = golden
        .iter()
        .filter(|(name, _)| name.starts_with("prefix "));
    let mut numbers: Vec<_> = kinds
        .map(|(_, bytes)| Prefix::read(bytes).unwrap().kind)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, Kind::ALL);
}

#[test]
fn a_golden_proof_holds() {
    let golden = golden();
    let (east, top) = (node("east"), node("top"));
    let statement = Statement {
        mesh: "regions",
        dialer: &east,
        listener: &top,
        dialer_nonce: &[1; 32],
        listener_nonce: &[2; 32],
    };
    let key = MeshKey::new([7; 32]);
    let proof = |name: &str| golden[name].clone().try_into().unwrap();
    assert!(key.verify(Role::Dialer, &statement, &proof("proof dialer")));
    assert!(key.verify(Role::Listener, &statement, &proof("proof listener")));
    assert!(!key.verify(Role::Listener, &statement, &proof("proof dialer")));
}
