//! How long it takes to try all cases of N failed links and nodes.
//!
//! Aims: one failure on a mesh of 754 nodes and 895 links, the size of the widest public one, under
//! 10 s; two failures on Abilene under 1 s. Where `HOPLINE_REAL_TOPOLOGIES` names a folder that has it,
//! that widest mesh (Kdl) is tried as well, with equal costs and with mixed ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hopline::topo::import::{Format, Options, import};
use hopline::topo::survive::survive;
use hopline::topo::{Offline, Plan, parse};

const ABILENE: &str = include_str!("../topologies/abilene.toml");

/// The mesh of these links.
fn offline(links: impl IntoIterator<Item = (String, String)>) -> Offline {
    let links: Vec<(String, String)> = links.into_iter().collect();
    let nodes: BTreeSet<&String> = links.iter().flat_map(|(a, b)| [a, b]).collect();
    let mut text = String::from("[mesh]\nname = \"bench\"\n");
    for node in nodes {
        let up = links.iter().filter(|(a, _)| a == node).map(|(_, b)| format!("\"{b}\""));
        let up = up.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "[nodes.{node}]\nupstream = [{up}]");
    }
    read(&text)
}

/// A comb of 26 teeth with 29 nodes each, joined in the middle, and links between teeth that lie side
/// by side: 754 nodes, 895 links, and ways of more than 50 links.
fn comb() -> Offline {
    let name = |tooth: usize, at: usize| format!("t{tooth:02}-{at:02}");
    let mut links = BTreeSet::new();
    for tooth in 0..26 {
        links.extend((1..29).map(|at| (name(tooth, at - 1), name(tooth, at))));
    }
    links.extend((1..26).map(|tooth| (name(tooth - 1, 14), name(tooth, 14))));
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    while links.len() < 895 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let (tooth, at) = ((dice % 25) as usize, ((dice >> 32) % 29) as usize);
        links.insert((name(tooth, at), name(tooth + 1, at)));
    }
    offline(links)
}

/// Kdl as a user gets it, with the cost of each link as `cost` has it.
fn kdl(cost: impl Fn(&str, &str) -> u32) -> Option<Offline> {
    let folder = PathBuf::from(std::env::var_os("HOPLINE_REAL_TOPOLOGIES")?);
    let text = std::fs::read_to_string(folder.join("topology-zoo/Kdl.gml")).ok()?;
    let mut kdl = import(&text, Format::Gml, &Options::new("Kdl.gml")).expect("a graph");
    for link in &mut kdl.links {
        link.cost = cost(link.ends.0.as_str(), link.ends.1.as_str());
    }
    Some(read(&kdl.to_toml()))
}

/// A cost of 1 to 100 that only the names of the ends decide: Kdl has not all coordinates.
fn mixed(a: &str, b: &str) -> u32 {
    let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    1 + a.bytes().chain(b.bytes()).fold(0x811c_9dc5, fold) % 100
}

fn read(text: &str) -> Offline {
    Offline::new(&Plan::new(&parse("bench.toml", text).expect("a topology").topology))
}

fn failures(c: &mut Criterion) {
    let mut group = c.benchmark_group("survive");
    group.sample_size(10);
    let abilene = read(ABILENE);
    let short = read(&ABILENE.replace("[mesh]\n", "[mesh]\nhop_limit = 8\n"));
    let static_route = "\n[routes.denver]\nwashington = \"kansas-city\"\n";
    let routed = read(&format!("{ABILENE}{static_route}"));
    for (what, mesh, most) in [
        ("abilene", Some(abilene), 2),
        ("abilene_with_a_low_hop_limit", Some(short), 2),
        ("abilene_with_a_static_route", Some(routed), 2),
        ("comb_of_754_nodes_895_links", Some(comb()), 1),
        ("kdl", kdl(|_, _| 10), 1),
        ("kdl_with_mixed_costs", kdl(mixed), 1),
    ] {
        let Some(mesh) = mesh else { continue };
        let id = BenchmarkId::new(what, most);
        group.bench_function(id, |b| {
            b.iter(|| survive(black_box(&mesh), &[], most).expect("few cases"));
        });
    }
    group.finish();
}

criterion_group!(benches, failures);
criterion_main!(benches);
