//! How long it takes to read and check a file of 10,000 nodes. Aim: under 2 s, of whatever shape.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hopline::topo::parse;

const NODES: usize = 10_000;
const HEAD: &str = "[mesh]\nname = \"bench\"\n";

/// Every node in a table of its own, with an upstream at half its number and the one before it.
fn written_out() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("[nodes.n0]\n");
    for node in 1..NODES {
        let (half, before) = (node / 2, node - 1);
        let second = if half == before { String::new() } else { format!(", \"n{before}\"") };
        let _ = writeln!(text, "[nodes.n{node}]\nupstream = [\"n{half}\"{second}]");
    }
    text
}

/// One template whose nodes have two upstreams each, of 100 of another.
fn template() -> String {
    format!(
        "{HEAD}[nodes.\"spine-{{n}}\"]\ncount = 100\nupstream = \"core\"\n[nodes.core]\n\
         [nodes.\"leaf-{{n}}\"]\ncount = {}\n\
         upstream = [\"spine-{{1 + n % 100}}\", \"spine-{{1 + (n + 7) % 100}}\"]\n",
        NODES - 101
    )
}

/// 20,000 links between nodes at random, with costs of 1 to 100.
fn random() -> String {
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = move |sides: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % sides as u64) as usize
    };
    let mut text = format!("{HEAD}[nodes.n0]\n[nodes.n1]\nupstream = \"n0\"\n");
    for node in 2..NODES {
        let first = roll(node);
        let second = (first + 1 + roll(node - 1)) % node;
        let (cost, other) = (1 + roll(100), 1 + roll(100));
        let _ = writeln!(
            text,
            "[nodes.n{node}]\nupstream = [{{ node = \"n{first}\", cost = {cost} }}, \
             {{ node = \"n{second}\", cost = {other} }}]"
        );
    }
    text
}

fn checks(c: &mut Criterion) {
    let mut group = c.benchmark_group("check_10000_nodes");
    group.sample_size(10);
    for (what, text) in
        [("written_out", written_out()), ("template", template()), ("random_mixed_costs", random())]
    {
        let loaded = parse("bench.toml", &text).expect("a topology");
        assert_eq!(loaded.topology.nodes().len(), NODES, "{what}");
        group.bench_function(what, |b| {
            b.iter(|| parse("bench.toml", black_box(&text)).expect("a topology"));
        });
    }
    group.finish();
}

criterion_group!(benches, checks);
criterion_main!(benches);
