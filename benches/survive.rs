//! How long it takes to try all cases of N failed links and nodes.
//!
//! Aims: one failure on a mesh of 754 nodes and 895 links, the size of the widest public one, under
//! 10 s; two failures on Abilene under 1 s. Where `HOPLINE_REAL_TOPOLOGIES` names a folder that has it,
//! that widest mesh (Kdl) is tried as well.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hopline::topo::survive::survive;
use hopline::topo::{Offline, Plan, parse};

/// Abilene's sites and links, as they were public in 2004.
const ABILENE: [(&str, &str); 14] = [
    ("atlanta", "houston"),
    ("atlanta", "indianapolis"),
    ("atlanta", "washington"),
    ("chicago", "indianapolis"),
    ("chicago", "new-york"),
    ("denver", "kansas-city"),
    ("denver", "seattle"),
    ("denver", "sunnyvale"),
    ("houston", "kansas-city"),
    ("houston", "los-angeles"),
    ("indianapolis", "kansas-city"),
    ("los-angeles", "sunnyvale"),
    ("new-york", "washington"),
    ("seattle", "sunnyvale"),
];

/// The mesh of these links.
fn offline(links: impl IntoIterator<Item = (String, String)>, more: &str) -> Offline {
    let links: Vec<(String, String)> = links.into_iter().collect();
    let nodes: BTreeSet<&String> = links.iter().flat_map(|(a, b)| [a, b]).collect();
    let mut text = format!("[mesh]\nname = \"bench\"\n{more}");
    for node in nodes {
        let up = links.iter().filter(|(a, _)| a == node).map(|(_, b)| format!("\"{b}\""));
        let up = up.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "[nodes.{node}]\nupstream = [{up}]");
    }
    Offline::new(&Plan::new(&parse("bench.toml", &text).expect("a topology").topology))
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
    offline(links, "")
}

/// The links of a GML file, between nodes named by their ids; one for each pair.
fn gml(text: &str) -> BTreeSet<(String, String)> {
    let mut links = BTreeSet::new();
    let mut source = 0;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next().and_then(|word| word.parse::<u32>().ok())) {
            (Some("source"), Some(id)) => source = id,
            (Some("target"), Some(id)) if id != source => {
                links.insert((format!("n{}", source.min(id)), format!("n{}", source.max(id))));
            }
            _ => {}
        }
    }
    links
}

fn kdl() -> Option<Offline> {
    let folder = PathBuf::from(std::env::var_os("HOPLINE_REAL_TOPOLOGIES")?);
    let text = std::fs::read_to_string(folder.join("topology-zoo/Kdl.gml")).ok()?;
    Some(offline(gml(&text), ""))
}

fn failures(c: &mut Criterion) {
    let mut group = c.benchmark_group("survive");
    group.sample_size(10);
    let sites = ABILENE.map(|(a, b)| (a.to_owned(), b.to_owned()));
    let abilene = offline(sites.clone(), "");
    let short = offline(sites.clone(), "hop_limit = 8\n");
    let routed = offline(sites, "[routes.denver]\nwashington = \"kansas-city\"\n");
    for (what, mesh, most) in [
        ("abilene", Some(abilene), 2),
        ("abilene_with_a_low_hop_limit", Some(short), 2),
        ("abilene_with_a_static_route", Some(routed), 2),
        ("comb_of_754_nodes_895_links", Some(comb()), 1),
        ("kdl", kdl(), 1),
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
