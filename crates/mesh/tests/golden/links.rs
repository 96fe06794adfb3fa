//! Vectors of what neighbours say to each other: hellos, proofs, link state.

use bytes::Bytes;
use hopline_mesh::name::ClientName;
use hopline_mesh::wire::WireError;
use hopline_mesh::wire::hello::{Hello, MeshKey, Role, Sent, Statement};
use hopline_mesh::wire::link_state::{
    Adjacency, Adjacent, Age, Attachment, AttachmentKind, Attachments, Flood, Held, LinkAck,
    Record, Summary,
};

use super::{Vector, node, vector};

fn client(name: &str) -> ClientName {
    ClientName::from_identity(name.as_bytes())
}

pub(super) fn hellos() -> Vec<Vector> {
    let all = [
        (
            "hello open",
            "a node that dialled says who it is",
            Hello::Open { mesh: "regions".to_owned(), node: node("east"), nonce: [1; 32] },
        ),
        (
            "hello challenge",
            "the listener says who it is and proves it",
            Hello::Challenge { node: node("top"), nonce: [2; 32], proof: [200; 32] },
        ),
        ("hello proof", "the node that dialled proves who it is", Hello::Proof { proof: [4; 32] }),
        ("hello welcome", "the link is up", Hello::Welcome {}),
        ("hello refused", "the link is refused", Hello::Refused { reason: "wrong key".to_owned() }),
        ("hello client", "a native client says that it is one", Hello::Client {}),
        (
            "hello hosted",
            "the node's answer to a native client",
            Hello::Hosted {
                mesh: "regions".to_owned(),
                node: node("east"),
                name: "alice".to_owned(),
            },
        ),
        (
            "hello leaving",
            "a node tells a native client that it is about to end",
            Hello::Leaving {},
        ),
        ("hello alive", "a sign of life", Hello::Alive { sent: None, digest: None }),
        (
            "hello alive sent",
            "a sign of life behind 300 messages and 5 floods, from who knows what has this digest",
            Hello::Alive { sent: Some(Sent { messages: 300, floods: 5 }), digest: Some(1 << 40) },
        ),
        ("hello flush", "the second question for all that waits", Hello::Flush { number: 2 }),
        ("hello flushed", "all that waited has been sent before", Hello::Flushed { number: 2 }),
    ];
    all.into_iter()
        .map(|(name, meaning, hello)| vector(name, meaning, hello, Hello::write, Hello::read))
        .collect()
}

pub(super) fn proofs() -> Vec<Vector> {
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
    [("proof dialer", Role::Dialer), ("proof listener", Role::Listener)]
        .into_iter()
        .map(|(name, role)| {
            let proof = key.prove(role, &statement);
            let read =
                move |bytes: &[u8]| bytes.try_into().map_err(|_| WireError::Truncated("proof"));
            vector(name, meaning, proof, |proof| Bytes::copy_from_slice(proof), read)
        })
        .collect()
}

pub(super) fn floods() -> Vec<Vector> {
    let age = Age { incarnation: 1_700_000_000_000, sequence: 3 };
    let adjacency = Adjacency {
        origin: node("east"),
        age,
        links: vec![Adjacent { node: node("top"), cost: 10 }],
        leaving: false,
    };
    let leaving = Adjacency { links: Vec::new(), leaving: true, ..adjacency.clone() };
    let kinds = [
        ("alice", AttachmentKind::Client),
        ("clock", AttachmentKind::Service),
        ("lights", AttachmentKind::Group),
        ("worker", AttachmentKind::Broker),
    ];
    let added =
        kinds.map(|(name, kind)| Attachment { name: client(name), kind, since: 1_700_000_000_001 });
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
    let known = [
        Held { origin: node("east"), links: age, names: Age { sequence: 7, ..age } },
        Held { origin: node("top"), links: Age::default(), names: Age::default() },
    ];
    let records = [
        ("link state adjacency", "a node and its links", Record::Adjacency(adjacency)),
        ("link state leaving", "a node says good-bye", Record::Adjacency(leaving)),
        ("link state attachments", "all names, one of each kind", Record::Attachments(whole)),
        ("link state change", "what changed since sequence 2", Record::Attachments(change)),
        (
            "link state request",
            "asks for all that is known of a node",
            Record::Request(node("east")),
        ),
        ("link state digest", "of all that is known", Record::Digest(1 << 40)),
        (
            "link state summary",
            "how old all is that is known",
            Record::Summary(Summary { whole: true, known: known.to_vec() }),
        ),
        (
            "link state question",
            "asks for what is newer",
            Record::Summary(Summary { whole: false, known: known[1..].to_vec() }),
        ),
    ];
    let flood = |(name, meaning, record)| {
        let flood = Flood { number: 5, records: vec![record] };
        vector(name, meaning, flood, Flood::write, Flood::read)
    };
    let mut all: Vec<_> = records.into_iter().map(flood).collect();
    let ack = LinkAck { messages: 300, floods: 5, window: 1000, window_bytes: 1 << 20 };
    all.push(vector(
        "link ack",
        "of 300 messages and 5 floods",
        ack,
        LinkAck::write,
        LinkAck::read,
    ));
    all
}
