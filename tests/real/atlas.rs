//! All 1,253 graphs of up to seven nodes, whole and with every link and every node down.

use std::fmt::Write as _;
use std::io::Read as _;

use hopline::mesh::name::{LinkName, NodeName};
use hopline::mesh::route::Down;
use hopline::topo::Offline;
use hopline::topo::import::{Format, ImportError, Imported, Mistake, Options, import};

use crate::data::folder;
use crate::mesh::{mesh, way};
use crate::plain::{Failed, Plain};

/// How many tests share the graphs.
const SHARES: usize = 4;

#[test]
fn every_failure_in_the_first_quarter_of_the_atlas() {
    share(0);
}

#[test]
fn every_failure_in_the_second_quarter_of_the_atlas() {
    share(1);
}

#[test]
fn every_failure_in_the_third_quarter_of_the_atlas() {
    share(2);
}

#[test]
fn every_failure_in_the_last_quarter_of_the_atlas() {
    share(3);
}

fn share(mine: usize) {
    let graphs = graphs();
    assert!(graphs.is_empty() || graphs.len() == 1253, "{} graphs", graphs.len());
    for (number, graph) in graphs.iter().enumerate().filter(|(number, _)| number % SHARES == mine) {
        match imported(number, graph) {
            Ok(imported) => check(number, graph, &imported),
            // The first graph of the atlas has no node, and a mesh has at least one.
            Err(error) => assert_eq!((number, error.mistake), (0, Mistake::NoNodes)),
        }
    }
}

fn check(number: usize, graph: &Plain, imported: &Imported) {
    let names: Vec<_> = imported.nodes.iter().map(|node| node.name.clone()).collect();
    assert_eq!((names.len(), imported.links.len()), (graph.nodes, graph.links.len()));
    let mesh = mesh(imported);
    let what = format!("graph {number}");
    compare(&what, &mesh, &names, graph, Failed::Nothing);
    for (place, &(a, b, _)) in graph.links.iter().enumerate() {
        let link = LinkName::new(names[a].clone(), names[b].clone()).expect("two ends");
        let what = format!("{what} without {link}");
        let cut = mesh.without(&[Down::Link(link)]);
        compare(&what, &cut, &names, graph, Failed::Link(place));
    }
    for (node, name) in names.iter().enumerate() {
        let cut = mesh.without(&[Down::Node(name.clone())]);
        compare(&format!("{what} without {name}"), &cut, &names, graph, Failed::Node(node));
    }
}

/// A message between every two nodes that are up goes the cheapest way, or is refused.
fn compare(what: &str, mesh: &Offline, names: &[NodeName], graph: &Plain, failed: Failed) {
    let mut walker = mesh.walker();
    for from in (0..graph.nodes).filter(|from| failed != Failed::Node(*from)) {
        for (to, expected) in graph.costs(from, failed).into_iter().enumerate() {
            let found = way(&mut walker, &names[from], &names[to]).map(|(_, cost)| cost);
            assert_eq!(found, expected, "{what}: {} to {}", names[from], names[to]);
        }
    }
}

/// A graph as it comes from a file.
fn imported(number: usize, graph: &Plain) -> Result<Imported, ImportError> {
    let mut text = String::from("graph [\n");
    for node in 0..graph.nodes {
        let _ = writeln!(text, "  node [ id {node} ]");
    }
    for (a, b, _) in &graph.links {
        let _ = writeln!(text, "  edge [ source {a} target {b} ]");
    }
    text.push_str("]\n");
    import(&text, Format::Gml, &Options::new(&format!("atlas-{number}.gml")))
}

/// The graphs of the atlas; each link costs what an import makes it cost.
pub(crate) fn graphs() -> Vec<Plain> {
    let Some(folder) = folder("atlas") else {
        return Vec::new();
    };
    let packed = std::fs::read(folder.join("networkx-atlas/atlas.dat.gz")).expect("the atlas");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("it unpacks");
    let graphs = text.split("GRAPH ").skip(1).map(|graph| {
        let mut lines = graph.lines().skip(1);
        let number = |text: &str| text.parse().expect("a number");
        let nodes = lines.next().and_then(|line| line.strip_prefix("NODES ")).map(number);
        let links = lines.filter_map(|line| line.split_once(' '));
        Plain::new(nodes.expect("nodes"), links.map(|(a, b)| (number(a), number(b), 10)))
    });
    graphs.collect()
}
