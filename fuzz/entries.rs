//! What must hold of any bytes that a node, or the program, is given: the entry points of the fuzz targets,
//! and of the property tests that run in CI (`tests/fuzz.rs`). Those of the gate are in hopline-core.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Brain, ConnId, Input, Now, Opened, Output};
use hopline_mesh::dialect::json as dialect;
use hopline_mesh::wire::control::{Answer, Request};
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::link_state::{Flood, LinkAck};
use hopline_mesh::wire::{MAX_HEADER, Path, Prefix, Stamp, Tail, batch};
use hopline_testkit::simulation::{config, link_up, listens};
use hopline_topo::import::{Format, Options};
use hopline_topo::{Offline, Plan};

/// What is read of an envelope is read the same once it is written again, and a stamp more is one more.
pub fn envelope(bytes: &[u8]) {
    if let Ok(prefix) = Prefix::read(bytes) {
        let written = prefix.write();
        assert!(bytes.len() <= MAX_HEADER);
        assert_eq!(Prefix::read(&written), Ok(prefix));
    }
    if let Ok(tail) = Tail::read(bytes) {
        assert_eq!(Tail::read(&tail.write()), Ok(tail));
    }
    if let Ok(path) = Path::read(bytes) {
        let stamps = path.stamps().count();
        assert_eq!((path.len(), path.nodes().len()), (stamps, stamps));
        assert!(path.stamps().all(|stamp| path.contains(stamp.node)));
        let stamp = Stamp { node: "here", ingress: "there", revision: 7, times: None };
        let longer = path.stamped(&stamp, 9);
        assert_eq!(longer.len(), path.stamped_length(&stamp));
        if stamps < usize::from(u8::MAX) {
            let longer = Path::read(&longer).expect("a path with one stamp more");
            assert_eq!((longer.len(), longer.sequence()), (stamps + 1, 9));
            assert!(longer.stamps().take(stamps).eq(path.stamps()));
        }
    }
    let members: Result<Vec<_>, _> = batch::read(Bytes::copy_from_slice(bytes)).collect();
    if let Ok(members) = members {
        let written = batch::write(members.iter().map(Vec::as_slice));
        assert_eq!(batch::read(written).collect::<Result<Vec<_>, _>>(), Ok(members));
    }
}

/// What is read of a word between nodes is read the same once it is written again.
pub fn control(bytes: &[u8]) {
    if let Ok(word) = Request::read(bytes) {
        assert_eq!(Request::read(&word.write()), Ok(word));
    }
    if let Ok(word) = Answer::read(bytes) {
        assert_eq!(Answer::read(&word.write()), Ok(word));
    }
    if let Ok(word) = Hello::read(bytes) {
        assert_eq!(Hello::read(&word.write()), Ok(word));
    }
    if let Ok(word) = Flood::read(bytes) {
        assert_eq!(Flood::read(&word.write()), Ok(word));
    }
    if let Ok(word) = LinkAck::read(bytes) {
        assert_eq!(LinkAck::read(&word.write()), Ok(word));
    }
}

/// What comes of a JSON client's frame is JSON, whatever the frame was.
pub fn json(bytes: &[u8]) {
    // A lone surrogate in a client's own field is carried as it came.
    let is_object = |text: &[u8]| {
        let read: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(text);
        let is_object = read.is_ok_and(|read| read.get().starts_with('{'));
        assert!(is_object, "{}", String::from_utf8_lossy(text));
    };
    if let Ok(request) = dialect::read(bytes) {
        assert!(!request.destination.is_empty());
        is_object(&dialect::delivered(bytes, ["a", "b"], "alice"));
    }
    is_object(&dialect::delivered(&dialect::wrap(bytes), ["a"], "hex:00@a"));
    is_object(&dialect::routing_error("no", bytes, false));
    is_object(&dialect::node_answer(bytes, &[("node", serde_json::json!("a"))]));
}

/// A topology file is a topology or has mistakes that can be told; a plan survives being stored.
///
/// Large meshes are made, but not asked for ways: that is for benches.
pub fn topology(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match hopline_topo::parse("fuzz.toml", text) {
        Ok(loaded) if loaded.topology.nodes().len() <= 50 => {
            let plan = Plan::new(&loaded.topology);
            let stored = serde_json::to_vec(&plan).expect("a plan is JSON");
            let again: Plan = serde_json::from_slice(&stored).expect("a stored plan");
            assert_eq!(again, plan);
            let (offline, mut names) = (Offline::new(&plan), plan.nodes.keys());
            if let (Some(first), Some(last)) = (names.next(), names.next_back()) {
                let walk = offline.route(first.as_str(), last.as_str(), &[]);
                assert!(walk.is_some(), "both are nodes");
            }
        }
        Ok(_) => {}
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// Whatever is imported is a topology file without mistakes.
pub fn import(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else {
        return;
    };
    let formats = [Format::Gml, Format::GraphMl, Format::NodeLink, Format::Containerlab];
    let format = formats[usize::from(first) % formats.len()];
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    if let Ok(imported) = hopline_topo::import::import(text, format, &Options::new("fuzz")) {
        let written = imported.to_toml();
        if let Err(problems) = hopline_topo::parse("imported.toml", &written) {
            panic!("{problems}\n{written}");
        }
    }
}

/// The connections of the brain that is fed: two clients, a neighbour, and an operator.
const CLIENTS: [ConnId; 2] = [ConnId(2), ConnId(4)];
const LINK: ConnId = ConnId(6);
const OPERATOR: ConnId = ConnId(8);

/// A node that is fed anything by clients and a neighbour says nothing to connections that it does not
/// have, and takes no order of a client's.
///
/// The bytes are a script: a byte that says what happens, then frames as [`Script::frames`] reads them.
pub fn brain(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut fed = Fed::new();
    for _ in 0..64 {
        let Some(what) = script.byte() else {
            break;
        };
        match what % 8 {
            0..=2 => fed.say(CLIENTS[0], script.frames()),
            3 => fed.say(CLIENTS[1], script.frames()),
            4 | 5 => {
                let frames = script.numbered(&mut fed.sequence);
                fed.say(LINK, frames);
            }
            6 => fed.say(LINK, script.frames()),
            _ => {
                fed.now.since_start += Duration::from_millis(u64::from(what) * 8);
                fed.take(Input::Tick);
            }
        }
    }
}

struct Fed {
    brain: Brain,
    now: Now,
    open: BTreeSet<ConnId>,
    sequence: u64,
}

impl Fed {
    fn new() -> Self {
        let now = Now { since_start: Duration::ZERO, unix_nanos: 1_700_000_000_000_000_000 };
        let brain = Brain::new(config("a", [listens("b", 10), listens("c", 10)]), now);
        let mut fed = Self { brain, now, open: BTreeSet::new(), sequence: 0 };
        let named = |name: &'static str| Some(Bytes::from_static(name.as_bytes()));
        for (conn, identity, operator) in [
            (CLIENTS[0], named("alice"), false),
            (CLIENTS[1], None, false),
            (LINK, None, false),
            (OPERATOR, None, true),
        ] {
            fed.open.insert(conn);
            fed.take(Input::Opened(conn, Opened::Accepted { identity, request: false, operator }));
        }
        fed.link();
        fed
    }

    /// Makes a connection the link to `b`.
    fn link(&mut self) {
        link_up(&mut self.brain, self.now, LINK, "b", &|_| true, &mut Vec::new());
        let status = self.brain.status(self.now, &|_| true);
        assert!(status.links.iter().any(|link| link.up), "no link: {:?}", status.links);
    }

    fn say(&mut self, conn: ConnId, frames: Vec<Bytes>) {
        if frames.is_empty() || !self.open.contains(&conn) {
            return;
        }
        let is_client = CLIENTS.contains(&conn);
        let cut = |fed: &Self| {
            let status = fed.brain.status(fed.now, &|_| true);
            status.links.iter().filter(|link| link.cut).count()
        };
        let before = cut(self);
        self.take(Input::Received(conn, frames));
        assert!(!is_client || cut(self) == before, "a client has cut a link");
    }

    fn take(&mut self, input: Input) -> Vec<Output> {
        let room = |conn: ConnId| conn != CLIENTS[1];
        let mut out = Vec::new();
        self.brain.handle(self.now, input, &room, &mut out);
        self.brain.flush(self.now, &room, &mut out);
        for output in &out {
            match output {
                Output::Send { conn, frames } | Output::Deliver { conn, frames, .. } => {
                    assert!(self.open.contains(conn), "{conn:?} is not open");
                    assert!(!frames.is_empty());
                }
                Output::Close(conn) => assert!(self.open.remove(conn), "{conn:?} is not open"),
                _ => {}
            }
        }
        out
    }
}

/// Bytes as a script of what happens.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Up to three frames, each behind a byte that says how long it is.
    fn frames(&mut self) -> Vec<Bytes> {
        let count = self.byte().unwrap_or(0) % 4;
        let frame = |script: &mut Self| {
            let length = usize::from(script.byte()?).min(script.0.len());
            let (frame, rest) = script.0.split_at(length);
            script.0 = rest;
            Some(Bytes::copy_from_slice(frame))
        };
        (0..count).map_while(|_| frame(self)).collect()
    }

    /// Frames that have the next number on the link in their path, where there is one.
    fn numbered(&mut self, sequence: &mut u64) -> Vec<Bytes> {
        let mut frames = self.frames();
        if let Some(path) = frames.get_mut(1) {
            *sequence += 1;
            let stamp = Stamp { node: "b", ingress: "", revision: 1, times: None };
            let before = Bytes::copy_from_slice(path);
            let before = Path::read(&before).or(Path::read(&[])).expect("no path is a path");
            *path = before.stamped(&stamp, *sequence);
        }
        frames
    }
}
