//! What it costs simulated meshes of many nodes to agree: after they all start, after a link, after a node.
//!
//! Brains under virtual time, connections of 1 to 20 ms, every input at its price (`Price::MEASURED`). Two families
//! of graphs, each drawn from a seed: every node with four neighbours (random 4-regular), and a few nodes with very
//! many (Barabasi-Albert, m = 2). Sizes: `HOPLINE_CONVERGENCE="250 1000"`; 250, 500 and 1,000 nodes where it is not
//! set. 5,000 nodes take some 16 GB of memory.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it has measured")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hopline::mesh::brain::{Brain, ConnId, Event, Input, Now, Opened};
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::link_state::{Adjacency, Adjacent, Age, Flood, Record};
use hopline::mesh::wire::{Kind, Prefix};
use hopline::testkit::simulation::{Faults, Price, Simulation, config, link_up, listens};
use rustix::time::{ClockId, clock_gettime};

const LIMIT: Duration = Duration::from_secs(600);
/// All that happens to a mesh is heard of in this time, the silence of a dead node too.
const SETTLES: Duration = Duration::from_secs(5);

type Links = Vec<(String, String, u32)>;

fn main() {
    let (bytes, time) = flood_of_1000_records();
    println!(
        "a brain takes in a flood of 1,000 records ({bytes} bytes) in {time:.1?}, a table included\n"
    );
    let sizes = std::env::var("HOPLINE_CONVERGENCE").unwrap_or_else(|_| "250 500 1000".to_owned());
    println!(
        "| graph | what happens | last table after | floods a node | bytes a node | tables a node | processor |"
    );
    println!("|---|---|---|---|---|---|---|");
    for size in sizes.split_whitespace() {
        let (family, size) = size.split_once(':').unwrap_or(("", size));
        let size = size.parse().expect("a number of nodes");
        if family != "scale-free" {
            measure(&format!("4-regular, {size} nodes"), &regular(size));
        }
        if family != "regular" {
            measure(&format!("Barabasi-Albert, {size} nodes"), &scale_free(size));
        }
    }
}

/// How many bytes a flood of 1,000 records of four links each has, and how long a brain takes to take it in.
fn flood_of_1000_records() -> (usize, Duration) {
    const ROUNDS: u64 = 50;
    let now = Now::default();
    let mut brain = Brain::new(config("me", [listens("n00000", 10)]), now);
    let (conn, room) = (ConnId(1), |_: ConnId| true);
    let mut out = Vec::new();
    let accepted = Opened::Accepted { identity: None, request: false, operator: false };
    brain.handle(now, Input::Opened(conn, accepted), &room, &mut out);
    link_up(&mut brain, now, conn, "n00000", &room, &mut out);
    let links = regular(1_000);
    let mut times = Vec::new();
    let mut bytes = 0;
    for round in 1..=ROUNDS {
        let node = |name: &str| NodeName::parse(name).expect("a name");
        let record = |number: usize| {
            let origin = name(number);
            let ends = links.iter().filter_map(|(a, b, _)| match origin == *a {
                true => Some(b),
                false => (origin == *b).then_some(a),
            });
            Record::Adjacency(Adjacency {
                origin: node(&origin),
                age: Age { incarnation: 1, sequence: round },
                links: ends.map(|end| Adjacent { node: node(end), cost: 10 }).collect(),
                leaving: false,
            })
        };
        let flood = Flood { number: round, records: (0..1_000).map(record).collect() };
        let frames = vec![Prefix::new(Kind::LinkState).write(), Bytes::new(), flood.write()];
        bytes = frames.iter().map(Bytes::len).sum();
        let before = processor();
        brain.handle(now, Input::Received(conn, frames), &room, &mut out);
        times.push(processor() - before);
        out.clear();
    }
    times.sort_unstable();
    (bytes, times[times.len() / 2])
}

/// The processor time that this program has taken so far.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(time.tv_nsec).expect("less than a second");
    Duration::new(u64::try_from(time.tv_sec).expect("a time"), nanos)
}

fn measure(what: &str, links: &Links) {
    let mut mesh = Simulation::of(1, links);
    mesh.set_faults(Faults::FAR);
    mesh.set_price(Price::MEASURED);
    let links_of = |node: &str| links.iter().filter(|(a, b, _)| a == node || b == node).count();
    let names: BTreeSet<_> = links.iter().flat_map(|(a, b, _)| [a.clone(), b.clone()]).collect();
    let busiest = names.iter().max_by_key(|node| links_of(node)).expect("a node").clone();
    let (a, b, _) = links[links.len() / 2].clone();
    let names: Vec<_> = names.into_iter().collect();
    let mut row = |event: &str, happen: &dyn Fn(&mut Simulation)| {
        let before = Seen::of(&mesh, &names);
        happen(&mut mesh);
        assert!(mesh.run_until_quiet(LIMIT), "{what}: it does not come to rest");
        let after = Seen::of(&mesh, &names);
        let nodes = names.len() as f64;
        let changed = after.changed.saturating_sub(before.at);
        println!(
            "| {what} | {event} | {:.2} s | {:.0} | {:.0} | {:.1} | {:.1} s |",
            changed.as_secs_f64(),
            (after.floods - before.floods) as f64 / nodes,
            (after.bytes - before.bytes) as f64 / nodes,
            (after.tables - before.tables) as f64 / nodes,
            (after.processor - before.processor).as_secs_f64(),
        );
        mesh.run_for(SETTLES);
    };
    row("all start", &|mesh| mesh.start_all());
    row("a link is cut", &|mesh| mesh.cut(&a, &b));
    row("the node with most links is killed", &|mesh| mesh.kill(&busiest));
    mesh.assert_tables_equal_pure();
}

/// What can be seen of a mesh so far.
struct Seen {
    at: Duration,
    /// When a node last changed its routes.
    changed: Duration,
    floods: u64,
    bytes: u64,
    tables: usize,
    processor: Duration,
}

impl Seen {
    fn of(mesh: &Simulation, names: &[String]) -> Self {
        let mut seen = Self {
            at: mesh.elapsed(),
            changed: Duration::ZERO,
            floods: 0,
            bytes: 0,
            tables: 0,
            processor: processor(),
        };
        for name in names {
            let heard = mesh.heard(name);
            seen.floods += heard.floods;
            seen.bytes += heard.flood_bytes;
            for (time, event) in mesh.events(name) {
                if matches!(event, Event::Routes { .. }) {
                    seen.tables += 1;
                    seen.changed = seen.changed.max(*time);
                }
            }
        }
        seen
    }
}

fn name(node: usize) -> String {
    format!("n{node:05}")
}

/// A random graph in which each node has four neighbours: two rings through all nodes in random order, drawn anew
/// where they share a link.
fn regular(nodes: usize) -> Links {
    let mut rng = fastrand::Rng::with_seed(4);
    let mut links = BTreeSet::new();
    while links.len() < 2 * nodes {
        let mut order: Vec<_> = (0..nodes).collect();
        rng.shuffle(&mut order);
        let ends = order.iter().zip(order.iter().cycle().skip(1));
        let ring: BTreeSet<_> = ends.map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        if links.is_disjoint(&ring) {
            links.extend(ring);
        }
    }
    links.into_iter().map(|(a, b)| (name(a), name(b), 10)).collect()
}

/// A random graph in which each node joins two that came before it, those sooner that have more links
/// (Barabasi and Albert, 1999; m = 2).
fn scale_free(nodes: usize) -> Links {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut links = vec![(0, 1), (0, 2), (1, 2)];
    // Each node, once for each of its links.
    let mut ends = vec![0, 1, 0, 2, 1, 2];
    for node in 3..nodes {
        let mut joined = BTreeSet::new();
        while joined.len() < 2 {
            joined.insert(ends[rng.usize(0..ends.len())]);
        }
        for other in joined {
            links.push((other, node));
            ends.extend([other, node]);
        }
    }
    links.into_iter().map(|(a, b)| (name(a), name(b), 10)).collect()
}
