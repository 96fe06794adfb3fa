//! What a relay does for a message: the work of one brain between two links, without sockets.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hopline_mesh::brain::{
    Brain, Config, ConnId, Input, LinkConfig, Now, Opened, Output, Settings,
};
use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::{
    Directory, Graph, Places, Policy, Question, StaticRoutes, Table, TableInput, Verdict, decide,
};
use hopline_mesh::wire::hello::MeshKey;
use hopline_mesh::wire::{Kind, MessageId, Path, Prefix, Stamp};

/// How many messages come in one batch.
const BATCH: usize = 64;
/// The connection of a node to its neighbour on the left, and on the right.
const LEFT: ConnId = ConnId(1);
const RIGHT: ConnId = ConnId(2);
const CLIENT: ConnId = ConnId(3);

/// Three brains in a row: east, top, west. `bob` is at west.
struct Chain([Brain; 3]);

impl Chain {
    fn new() -> Self {
        let brain = |index: usize, name: &str, links: &[(&str, bool)]| {
            let node = |name: &str| NodeName::parse(name).expect("a name");
            let link = |&(to, dials): &(&str, bool)| {
                let link = LinkConfig::accepting(10);
                (node(to), LinkConfig { dials, upstream: dials, ..link })
            };
            let config = Config {
                settings: Settings {
                    links: links.iter().map(link).collect(),
                    ..Settings::default()
                },
                seed: [index as u8; 32],
                ..Config::new("bench", node(name), MeshKey::new([1; 32]))
            };
            Brain::new(config, now())
        };
        let mut chain = Self([
            brain(0, "east", &[("top", true)]),
            brain(1, "top", &[("east", false), ("west", false)]),
            brain(2, "west", &[("top", true)]),
        ]);
        let top = || Opened::Dialled { neighbour: NodeName::parse("top").expect("a name") };
        let stranger = |identity: Option<&'static str>| Opened::Accepted {
            identity: identity.map(Bytes::from_static_str),
            request: false,
            operator: false,
        };
        chain.give(1, Input::Opened(LEFT, stranger(None)));
        chain.give(1, Input::Opened(RIGHT, stranger(None)));
        chain.give(0, Input::Opened(RIGHT, top()));
        chain.give(2, Input::Opened(LEFT, top()));
        chain.give(2, Input::Opened(CLIENT, stranger(Some("bob"))));
        chain.give(0, Input::Opened(CLIENT, stranger(Some("alice"))));
        chain
    }

    /// Gives one brain an input and carries everything that follows from it to its end.
    fn give(&mut self, at: usize, input: Input) {
        let mut inputs = vec![(at, input)];
        while let Some((at, input)) = inputs.pop() {
            let mut outputs = Vec::new();
            self.0[at].handle(now(), input, &room, &mut outputs);
            self.0[at].flush(now(), &room, &mut outputs);
            inputs.extend(carried(at, outputs).into_iter().rev());
        }
    }
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Self;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

/// What the outputs of a brain are for its neighbours.
fn carried(at: usize, outputs: Vec<Output>) -> Vec<(usize, Input)> {
    let to = |output| match output {
        Output::Send { conn: LEFT, frames } => Some((at - 1, Input::Received(RIGHT, frames))),
        Output::Send { conn: RIGHT, frames } => Some((at + 1, Input::Received(LEFT, frames))),
        _ => None,
    };
    outputs.into_iter().filter_map(to).collect()
}

fn room(_: ConnId) -> bool {
    true
}

fn now() -> Now {
    Now { since_start: Duration::from_secs(1), unix_nanos: 1 }
}

/// A batch of native messages from alice to bob, as east hands it to top.
fn batch(east: &mut Brain) -> Vec<(usize, Input)> {
    let header = Prefix { destination: "bob", ..Prefix::new(Kind::Data) }.write();
    let mut outputs = Vec::new();
    for _ in 0..BATCH {
        let frames = vec![header.clone(), Bytes::new(), Bytes::from_static(&[7; 64])];
        east.handle(now(), Input::Received(CLIENT, frames), &room, &mut outputs);
    }
    east.flush(now(), &room, &mut outputs);
    carried(0, outputs)
}

fn relay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("relay");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("a batch of 64 messages of 64 B", |bencher| {
        let mut chain = Chain::new();
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                let inputs = batch(&mut chain.0[0]);
                let mut outputs = Vec::with_capacity(8);
                #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
                let start = Instant::now();
                for (_, input) in inputs {
                    chain.0[1].handle(now(), input, &room, &mut outputs);
                }
                chain.0[1].flush(now(), &room, &mut outputs);
                spent += start.elapsed();
                assert!(
                    outputs.iter().any(|output| matches!(output, Output::Send { conn: RIGHT, .. }))
                );
                for (at, input) in carried(1, black_box(outputs)) {
                    chain.give(at, input);
                }
            }
            spent
        });
    });
    group.finish();
}

fn wire(criterion: &mut Criterion) {
    let header = Prefix { destination: "bob", source: "alice", ..Prefix::new(Kind::Data) }.write();
    criterion.bench_function("wire/read prefix", |bencher| {
        bencher.iter(|| Prefix::read(black_box(&header)).map(|prefix| prefix.hop_limit));
    });
    let stamp = |node| Stamp { node, ingress: "east", revision: 7, times: None };
    let one = Path::read(&[]).expect("empty").stamped(&stamp("east"), 1);
    let two = Path::read(&one).expect("one stamp").stamped(&stamp("top"), 1);
    criterion.bench_function("wire/read path of 2", |bencher| {
        bencher.iter(|| Path::read(black_box(&two)).map(|path| path.len()));
    });
    criterion.bench_function("wire/stamp", |bencher| {
        let path = Path::read(&two).expect("two stamps");
        bencher.iter(|| path.stamped(black_box(&stamp("west")), 1));
    });
}

/// The four steps of a relay on one message: read the prefix, decide, stamp, copy. Its table has 1,000
/// nodes, its directory 1,000 clients.
fn steps(criterion: &mut Criterion) {
    let name = |index: usize| NodeName::parse(&format!("n{index}")).expect("a name");
    let links = (1..1000).map(|to| (LinkName::new(name(to / 2), name(to)).expect("a link"), 10));
    let graph = Graph::new([], links);
    let (me, destination) = (name(1), name(900));
    let table = Table::build(&TableInput {
        me: &me,
        graph: &graph,
        upstreams: &[],
        statics: &StaticRoutes::new(),
        hop_limit: 64,
    });
    let clients = (0..1000)
        .map(|index| (ClientName::from_identity(format!("client{index}").as_bytes()), name(index)));
    let relay = Relay { table, directory: clients.collect() };
    let header =
        Prefix { destination: "client900", source: "alice", ..Prefix::new(Kind::Data) }.write();
    let stamp = |node| Stamp { node, ingress: "n0", revision: 7, times: None };
    let path = Path::read(&[]).expect("empty").stamped(&stamp("n0"), 1);
    let payload = Bytes::from_static(&[7; 64]);
    let mut batch = BytesMut::with_capacity(1 << 20);
    criterion.bench_function("relay/read prefix, decide, stamp, copy", |bencher| {
        bencher.iter(|| {
            let prefix = Prefix::read(black_box(&header)).expect("a prefix");
            let path = Path::read(black_box(&path)).expect("a path");
            let question = Question {
                id: MessageId::default(),
                destination: prefix.destination,
                retrace: None,
                path: &path,
                from: Some("n0"),
                hop_limit: prefix.hop_limit,
                size: 64,
            };
            let Verdict::Forward(_) = black_box(decide(&relay.table, &relay, &question)) else {
                panic!("{destination} is another node");
            };
            if batch.len() > 1 << 19 {
                batch.clear();
            }
            batch.put_slice(&header);
            path.write_stamped(&stamp("n1"), 9, &mut batch);
            batch.put_slice(&payload);
        });
    });
}

/// What `decide` may know besides the table: nobody is here, and there is room.
struct Relay {
    table: Table,
    directory: Directory,
}

impl Places for Relay {
    fn is_here(&self, _: &str) -> Option<&str> {
        None
    }

    fn holder(&self, name: &str, id: MessageId) -> Option<&NodeName> {
        self.directory.holder(name, &self.table, id)
    }

    fn is_balanced(&self, name: &str) -> bool {
        self.directory.policy(name) == Some(Policy::Balanced)
    }

    fn link_is_up(&self, _: &str) -> bool {
        true
    }

    fn has_room(&self, _: &str, _: usize) -> bool {
        true
    }
}

criterion_group!(benches, wire, steps, relay);
criterion_main!(benches);
