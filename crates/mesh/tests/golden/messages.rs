//! Vectors of what travels from source to destination: first frames, tails, paths, batches.

use bytes::Bytes;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::{
    Class, Flags, Kind, MessageId, Path, Prefix, Stamp, Tail, Times, batch, targets,
};

use super::{Vector, vector};

fn id(incarnation: u64, counter: u64) -> MessageId {
    MessageId { incarnation, counter }
}

pub(super) fn tail() -> Vector {
    let tail = Tail {
        deadline: Some(1_700_000_000_000),
        correlation: Some(id(1_700_000_000_001, 7)),
        content_type: Some("application/json".to_owned()),
        reason: Some("unreachable".to_owned()),
        node: Some("top".to_owned()),
        destination: Some("bob".to_owned()),
        recipients: None,
        missing: Vec::new(),
    };
    vector("tail", "all keys", tail, Tail::write, Tail::read)
}

/// What the sender of a message to several is told.
pub(super) fn tail_of_a_sum() -> Vector {
    let tail = Tail {
        recipients: Some(3),
        missing: ["east", "west"].map(|node| NodeName::parse(node).unwrap()).to_vec(),
        ..Tail::default()
    };
    vector("tail-sum", "keys 7 and 8", tail, Tail::write, Tail::read)
}

/// The nodes that a copy of a message to several is for.
pub(super) fn targets() -> Vector {
    let nodes = ["east", "top"].map(|node| NodeName::parse(node).unwrap()).to_vec();
    vector("targets", "two nodes", nodes, |nodes| targets::write(nodes), targets::read)
}

/// The first frame of a message of each kind.
pub(super) fn prefixes() -> Vec<Vector> {
    let plain = |kind| Prefix {
        id: id(0x0102_0304_0506_0708, 9),
        destination: "bob",
        source: "alice",
        ..Prefix::new(kind)
    };
    let between = |kind| Prefix { source: "east", ..Prefix::new(kind) };
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
    let spread = Prefix { flags: Flags::SPREAD, destination: "#workers", ..plain(Kind::Data) };
    let all = [
        ("data", "a client's message, at most once, hop limit 64", plain(Kind::Data)),
        (
            "data-confirmed",
            "class 1, traced, from an operator, hop limit 255, with a tail",
            confirmed,
        ),
        ("data-spread", "a copy of a message to several", spread),
        ("reply", "the answer to a message", plain(Kind::Reply)),
        ("error", "what became of a message; its payload is cut", error),
        ("ack", "a confirmed message was delivered", plain(Kind::Ack)),
        ("probe", "asks for the way", plain(Kind::Probe)),
        ("hello", "opens a connection", between(Kind::Hello)),
        ("link-state", "what a node knows", between(Kind::LinkState)),
        ("link-ack", "how far a link's messages have come", between(Kind::LinkAck)),
        ("batch", "many messages in one", between(Kind::Batch)),
        ("control", "a question or an order to a node", plain(Kind::Control)),
        (
            "data-resent",
            "a confirmed message that was sent again",
            Prefix { class: Class::Confirmed, flags: Flags::RESENT, ..plain(Kind::Data) },
        ),
        ("credit", "a mark among messages, or its answer", plain(Kind::Credit)),
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

pub(super) fn paths() -> Vec<Vector> {
    let east = Stamp { node: "east", ingress: "", revision: 0xdead_beef, times: None };
    let times = Times { arrived: 1_700_000_000_000_000_001, left: 1_700_000_000_000_000_002 };
    let top = Stamp { node: "top", ingress: "east", revision: 1, times: Some(times) };
    let all = [
        ("path empty", "no frame content: no node has handled the message", 0, vec![]),
        ("path", "one stamp without times, third message on its link", 3, vec![east]),
        ("path with times", "two stamps, the second with times", 4, vec![east, top]),
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

pub(super) fn batches() -> Vec<Vector> {
    let messages: Vec<Vec<Bytes>> = vec![
        vec![Bytes::from_static(b"one"), Bytes::new()],
        vec![Bytes::from_static(b"two"), Bytes::from_static(b"path"), Bytes::from_static(b"x")],
    ];
    let write = |messages: &Vec<Vec<Bytes>>| batch::write(messages.iter().map(Vec::as_slice));
    let read = |bytes: &[u8]| batch::read(Bytes::copy_from_slice(bytes)).collect();
    vec![vector("batch", "two messages, of two and of three frames", messages, write, read)]
}
