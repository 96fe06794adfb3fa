//! Every file is taken over, with all that is in it.

use std::collections::BTreeSet;

use hopline::mesh::name::NodeName;
use hopline::topo::import::{Cost, Imported, ImportedNode, Note};

use crate::data::{files, imported, judged};
use crate::mesh::mesh;
use crate::oracle::Oracle;

#[test]
fn every_file_comes_with_the_nodes_and_links_that_the_oracle_counts() {
    for file in judged("imports") {
        let (imported, oracle) = (imported(&file, Cost::Hops), Oracle::of(&file));
        let what = file.display();
        let names: BTreeSet<_> = imported.nodes.iter().map(|node| &node.name).collect();
        assert_eq!(imported.nodes.len(), oracle.nodes, "{what}: nodes");
        assert_eq!(names.len(), oracle.nodes, "{what}: no name twice");
        assert_eq!(imported.links.len(), oracle.edges, "{what}: links");
        let Told { parallel, loops, parts, numbered } = told(&imported);
        assert_eq!(parallel, oracle.parallel_edges, "{what}: parallel links");
        assert_eq!(loops, oracle.self_loops, "{what}: loops");
        assert_eq!(parts, oracle.components, "{what}: parts");
        let called: BTreeSet<_> = imported.nodes.iter().map(called).collect();
        let again = imported.nodes.len() - called.len();
        assert_eq!(again, oracle.duplicate_labels, "{what}: labels used again");
        // Two labels that differ may come to the same name too.
        assert!(numbered >= again, "{what}: {numbered} of {again} got a number");
        // And the topology file that comes of it has no mistake, and the same nodes and links.
        let mesh = mesh(&imported);
        assert_eq!(mesh.graph().nodes().len(), oracle.nodes, "{what}");
        assert_eq!(mesh.graph().links().len(), oracle.edges, "{what}");
    }
}

#[test]
fn a_graph_is_the_same_from_graphml_and_from_gml() {
    for file in files("twins", "topology-zoo", &[".graphml"], 3) {
        let twin = file.with_extension("gml");
        let (graphml, gml) = (imported(&file, Cost::Hops), imported(&twin, Cost::Hops));
        let what = file.display();
        assert_eq!(told(&graphml), told(&gml), "{what}");
        assert_eq!(nodes(&graphml), nodes(&gml), "{what}");
        assert_eq!(links(&graphml), links(&gml), "{what}");
    }
}

/// What the notes of an import count.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    parallel: usize,
    loops: usize,
    parts: usize,
    numbered: usize,
}

fn told(imported: &Imported) -> Told {
    let mut told = Told { parallel: 0, loops: 0, parts: 1, numbered: 0 };
    for note in &imported.notes {
        match note {
            Note::Parallel(links) => told.parallel = links.iter().map(|(_, count)| count).sum(),
            Note::Loops(nodes) => told.loops = nodes.iter().map(|(_, count)| count).sum(),
            Note::Parts(sizes) => told.parts = sizes.len(),
            Note::Numbered(nodes) => told.numbered = nodes.len(),
            _ => {}
        }
    }
    told
}

/// What people call a node.
fn called(node: &ImportedNode) -> &str {
    node.label.as_deref().unwrap_or(node.name.as_str())
}

/// What each node is called and where it lies, in order.
fn nodes(imported: &Imported) -> Vec<String> {
    let nodes = imported.nodes.iter();
    let nodes = nodes.map(|node| format!("{} {:?}", called(node), node.position));
    let mut nodes: Vec<_> = nodes.collect();
    nodes.sort();
    nodes
}

/// What the ends of each link are called, in order.
fn links(imported: &Imported) -> Vec<[String; 2]> {
    let end = |name: &NodeName| {
        let node = imported.nodes.iter().find(|node| node.name == *name).expect("a node");
        called(node).to_owned()
    };
    let links = imported.links.iter().map(|link| {
        let mut ends = [end(&link.ends.0), end(&link.ends.1)];
        ends.sort();
        ends
    });
    let mut links: Vec<_> = links.collect();
    links.sort();
    links
}
