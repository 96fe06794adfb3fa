//! How long routes take: one decision, and one node's table.
//!
//! Aims: a decision under 60 ns; a table of 1,000 nodes and 5,000 links under 5 ms; the tables of all
//! 754 nodes of Kdl under 1 s.

use std::collections::HashSet;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::access::{AccessRules, Effect, NameSet, SendRule};
use hopline_mesh::route::{
    Directory, Graph, NameMap, NextHop, Paths, Places, Policy, Question, StaticRoutes, Table,
    TableInput, decide,
};
use hopline_mesh::wire::MessageId;
use hopline_topo::import::{Format, Options, import};
use hopline_topo::{Offline, Plan, parse};

/// A mesh of `nodes` nodes, chained so that all are reached, with random links up to `links`.
fn mesh(nodes: usize, links: usize) -> Graph {
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = move |sides: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % sides as u64) as usize
    };
    let name = |n: usize| node(&format!("rack{}.node{n}", n % 20));
    let mut pairs: HashSet<_> = (1..nodes).map(|n| (n - 1, n)).collect();
    while pairs.len() < links {
        let (a, b) = (roll(nodes), roll(nodes));
        if a != b {
            pairs.insert((a.min(b), a.max(b)));
        }
    }
    let link = |(a, b)| LinkName::new(name(a), name(b)).expect("two ends");
    Graph::new([], pairs.into_iter().map(|pair| (link(pair), 10)))
}

/// A square of `side` by `side` nodes, each with links to those beside, above and below it.
fn grid(side: usize) -> Graph {
    let name = |row: usize, column: usize| node(&format!("{row}.{column}"));
    let link = |a, b| (LinkName::new(a, b).expect("two ends"), 10);
    let pairs = (1..side).flat_map(|n| (0..side).map(move |m| (n, m)));
    let links = pairs
        .flat_map(|(n, m)| [link(name(n - 1, m), name(n, m)), link(name(m, n - 1), name(m, n))]);
    Graph::new([], links)
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect("a name")
}

fn table(graph: &Graph, me: &NodeName, statics: &StaticRoutes) -> Table {
    Table::build(&TableInput {
        me,
        graph,
        upstreams: &[(node("rack2.node2"), 10)],
        statics,
        hop_limit: 64,
    })
}

/// A node's own knowledge, kept as a running node keeps it.
struct Here {
    clients: NameMap<Box<str>, ()>,
    directory: Directory,
    queues: NameMap<NodeName, usize>,
}

impl Here {
    fn new(graph: &Graph, me: &NodeName) -> Self {
        let client = |n: usize| format!("client{n}");
        let nodes = graph.nodes().cloned();
        Self {
            clients: (0..100).map(|n| (format!("local{n}").into(), ())).collect(),
            directory: (0..)
                .map(client)
                .map(|name| hopline_mesh::name::ClientName::from_identity(name.as_bytes()))
                .zip(nodes)
                .collect(),
            queues: graph.neighbours(me).map(|(node, _)| (node.clone(), 1 << 20)).collect(),
        }
    }
}

impl Places for Here {
    fn is_here(&self, name: &str) -> Option<&str> {
        self.clients.get_key_value(name).map(|(name, ())| &**name)
    }
    fn holder(&self, name: &str, _: MessageId) -> Option<&NodeName> {
        self.directory.at(name)
    }
    fn is_balanced(&self, name: &str) -> bool {
        self.directory.policy(name) == Some(Policy::Balanced)
    }
    fn link_is_up(&self, neighbour: &str) -> bool {
        self.queues.contains_key(neighbour)
    }
    fn has_room(&self, neighbour: &str, size: usize) -> bool {
        self.queues.get(neighbour).is_some_and(|room| *room >= size)
    }
}

fn decisions(c: &mut Criterion) {
    let graph = mesh(1000, 5000);
    let me = node("rack1.node1");
    let statics = [("south.*", NextHop::Upstream), ("gone", "nobody".into())];
    let statics = statics.map(|(to, hop)| (to.parse().expect("a pattern"), hop));
    let plain = table(&graph, &me, &StaticRoutes::new());
    let with_statics = table(&graph, &me, &statics.into_iter().collect());
    let here = Here::new(&graph, &me);
    let path = [node("rack8.node8"), node("rack9.node9")];

    let mut group = c.benchmark_group("decide");
    for (what, table, destination) in [
        ("node", &plain, "rack17.node777"),
        ("client_elsewhere", &plain, "client777"),
        ("client_elsewhere_with_statics", &with_statics, "client777"),
        ("static_prefix", &with_statics, "south.1"),
        ("client_at_a_node", &plain, "client777@rack17.node777"),
        ("client_here", &plain, "local42"),
        ("unknown", &plain, "nobody-at-all"),
    ] {
        let question = Question {
            id: MessageId::default(),
            destination,
            retrace: None,
            path: path.as_slice(),
            from: Some("rack9.node9"),
            hop_limit: 64,
            size: 200,
        };
        group.bench_function(what, |b| {
            b.iter(|| decide(table, &here, black_box(&question)));
        });
    }
    group.finish();
}

/// What access rules cost where a message enters: nothing where there are none.
fn access(c: &mut Criterion) {
    let names = |texts: &[&str]| NameSet::parse(texts.iter().copied()).expect("names");
    let rule =
        |effect, who: &str, to: &str| SendRule { effect, who: names(&[who]), to: names(&[to]) };
    let few = vec![
        rule(Effect::Allow, "collector", "*"),
        rule(Effect::Allow, "sensor.*", "collector"),
        rule(Effect::Deny, "sensor.*", "*"),
        rule(Effect::Deny, "*", "archive"),
    ];
    let many: Vec<String> = (0..10_000).map(|n| format!("client{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = vec![SendRule { effect: Effect::Allow, who: names(&many), to: names(&many) }];
    let (east, mut group) = (node("east"), c.benchmark_group("access"));
    for (what, send, client, to) in [
        ("no_rules", Vec::new(), "sensor.7", "archive@west"),
        ("third_of_four_rules", few, "sensor.7", "archive@west"),
        ("a_rule_of_10000_names", many, "client777", "client4242"),
    ] {
        let rules = AccessRules { attach: Vec::new(), send };
        group.bench_function(what, |b| {
            b.iter(|| rules.at(&east, false).send(black_box(client), black_box(to)).allowed);
        });
    }
    group.finish();
}

fn tables(c: &mut Criterion) {
    let graph = mesh(1000, 5000);
    let me = node("rack1.node1");
    let links: Vec<_> = graph.links().map(|(l, cost)| (l.clone(), cost)).collect();
    let mut group = c.benchmark_group("1000_nodes_5000_links");
    group.bench_function("graph", |b| {
        b.iter(|| Graph::new([], links.iter().cloned()));
    });
    group.bench_function("paths", |b| b.iter(|| Paths::from(&graph, black_box(&me))));
    group.bench_function("table", |b| {
        b.iter(|| table(&graph, black_box(&me), &StaticRoutes::new()));
    });
    group.finish();

    // Every way in a grid of equal costs ties with many others.
    let grid = grid(32);
    let corner = node("0.0");
    c.bench_function("1024_nodes_in_a_grid/table", |b| {
        b.iter(|| table(&grid, black_box(&corner), &StaticRoutes::new()));
    });
}

/// The tables of all nodes of one mesh. Aim: those of Kdl, 754 nodes, under 1 s.
///
/// `HOPLINE_REAL_TOPOLOGIES` names the folder where Kdl is; without it a mesh of its size is made up.
fn all_tables(c: &mut Criterion) {
    let folder = std::env::var_os("HOPLINE_REAL_TOPOLOGIES").filter(|folder| !folder.is_empty());
    let (name, graph) = match folder {
        Some(folder) => ("kdl_754_nodes_895_links", kdl(folder.as_ref())),
        None => ("generated_754_nodes_895_links", mesh(754, 895)),
    };
    assert_eq!((graph.nodes().len(), graph.links().len()), (754, 895));
    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    group.bench_function("tables_of_all_nodes", |b| {
        b.iter(|| {
            for me in graph.nodes() {
                let statics = StaticRoutes::new();
                let input = TableInput {
                    me,
                    graph: &graph,
                    upstreams: &[],
                    statics: &statics,
                    hop_limit: 64,
                };
                black_box(Table::build(&input));
            }
        });
    });
    group.finish();
}

/// The graph of Kdl as a user gets it.
fn kdl(folder: &std::path::Path) -> Graph {
    let path = folder.join("topology-zoo/Kdl.gml");
    let text = std::fs::read_to_string(&path).expect("Kdl is in the folder");
    let kdl = import(&text, Format::Gml, &Options::new("Kdl.gml")).expect("Kdl can be imported");
    let loaded = parse("Kdl.toml", &kdl.to_toml()).expect("what is imported has no mistake");
    Offline::new(&Plan::new(&loaded.topology)).graph().clone()
}

criterion_group!(benches, decisions, access, tables, all_tables);
criterion_main!(benches);
