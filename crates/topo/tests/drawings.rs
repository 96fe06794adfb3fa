//! Pictures and differences of the topologies that come with Hopline, and of any.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hopline_mesh::name::{LinkName, NodeName};
use hopline_topo::change::Kind;
use hopline_topo::drawing::{Layout, Marks, dot, mermaid, svg, tree};
use hopline_topo::{Change, Topology, load, parse};
use proptest::prelude::*;
use roxmltree::Document;

#[test]
fn each_has_its_picture() {
    for path in files() {
        let picture = svg(&load(&path).unwrap().topology, &Marks::default(), Layout::Auto);
        let name = path.file_stem().unwrap().to_str().unwrap();
        insta::assert_snapshot!(format!("{name}.svg"), picture);
    }
}

#[test]
fn a_picture_shows_the_route_and_what_is_down() {
    let topology = load(&folder().join("dual-homed.toml")).unwrap().topology;
    let node = |name: &str| NodeName::parse(name).unwrap();
    let marks = Marks {
        route: ["site", "backup", "core"].map(node).to_vec(),
        down_nodes: BTreeSet::from([node("main")]),
        down_links: BTreeSet::from([LinkName::parse("main--site").unwrap()]),
    };
    for layout in [Layout::Layers, Layout::Spring, Layout::Map] {
        let picture = svg(&topology, &marks, layout);
        assert_eq!(with_class(&picture, "badge"), 3, "{layout:?}");
        assert_eq!(with_class(&picture, "arrow"), 2, "{layout:?}");
        assert_eq!(with_class(&picture, "cross"), 2, "{layout:?}");
        assert!(picture.contains("The way shown: site, backup, core. Down: main."), "{layout:?}");
    }
}

#[test]
fn a_wide_layer_is_wrapped() {
    let mut text = "[nodes.hub]\n".to_owned();
    for leaf in 1..=64 {
        let _ = writeln!(text, "[nodes.leaf-{leaf}]\nupstream = ['hub']");
    }
    let picture = svg(&mesh(&text), &Marks::default(), Layout::Auto);
    let document = Document::parse(&picture).unwrap();
    let width: f64 = document.root_element().attribute("width").unwrap().parse().unwrap();
    assert!(width < 2200.0, "{width}");
    assert_eq!(with_class(&picture, "node"), 65);
}

#[test]
fn a_long_chain_is_climbed_once() {
    let mut text = "[nodes.n00000]\n".to_owned();
    for node in 1..2000 {
        let _ = writeln!(text, "[nodes.n{node:05}]\nupstream = ['n{:05}']", node - 1);
    }
    let topology = mesh(&text);
    assert_eq!(tree(&topology, &Marks::default()).lines().count(), 2001);
    assert_eq!(with_class(&svg(&topology, &Marks::default(), Layout::Auto), "node"), 2000);
}

#[test]
fn the_same_mesh_has_no_difference() {
    for path in files() {
        let topology = load(&path).unwrap().topology;
        let change = Change::between(&topology, &topology);
        assert!(change.is_empty(), "{change}");
        assert_eq!(change.to_string(), "no difference\n");
    }
}

#[test]
fn a_difference_tells_things_and_routes() {
    let old = "hop_limit = 16\n\
        [nodes.top]\nbind = 'tcp://127.0.0.1:5555'\n[nodes.east]\nupstream = ['top']\n\
        [nodes.west]\nupstream = ['top']\n[nodes.south]\nupstream = ['top']\n\
        [clients]\nalice = 'east'\nbob = 'west'\ncarol = 'south'\n\
        [routes.east]\n'lab.*' = 'top'\n";
    let new = "hop_limit = 32\n\
        [nodes.top]\nbind = 'tcp://127.0.0.1:5556'\n\
        [nodes.north]\nupstream = ['top']\n\
        [nodes.east]\nupstream = [{ node = 'top', cost = 30 }, 'north']\n\
        [nodes.west]\nupstream = ['north', { node = 'top', cost = 30 }]\ndialects = ['json']\n\
        [clients]\nalice = 'east'\nbob = 'west'\ndora = 'top'\n\
        [routes.east]\n'lab.*' = 'north'\nbob = 'west'\n[routes.top]\n'lab.*' = 'west'\n";
    let (old, new) = (mesh(old), mesh(new));
    let change = Change::between(&old, &new);
    insta::assert_snapshot!("change", change);
    insta::assert_snapshot!("change-back", Change::between(&new, &old));
    insta::assert_snapshot!("change.json", serde_json::to_string_pretty(&change).unwrap());
}

#[test]
fn a_route_that_is_lost_says_why() {
    let chain = "[nodes.a]\n[nodes.b]\nupstream = ['a']\n[nodes.c]\nupstream = ['b']\n";
    let (old, new) = (mesh(chain), mesh(&format!("hop_limit = 2\n{chain}")));
    let routes = Change::between(&old, &new).routes;
    assert_eq!((routes.nodes.compared, routes.nodes.lost), (6, 2));
    assert_eq!(routes.list[0].to_string(), "a -> b -> c  (cost 20)  is lost: hop limit");
    let back = Change::between(&new, &old).routes;
    assert_eq!((back.nodes.lost, back.nodes.gained), (0, 2));
}

#[test]
fn a_static_route_moves_the_messages_that_it_is_for() {
    let square = "[nodes.a]\n[nodes.b]\nupstream = ['a']\n[nodes.c]\nupstream = ['a']\n\
        [nodes.d]\nupstream = ['b', 'c']\n";
    let (old, new) = (mesh(square), mesh(&format!("{square}[routes.a]\nd = 'c'\n")));
    let routes = Change::between(&old, &new).routes;
    assert_eq!((routes.nodes.moved, routes.nodes.dearer, routes.nodes.cheaper), (1, 0, 0));
    assert_eq!(
        routes.list[0].to_string(),
        "a -> b -> d  (cost 20)  becomes  a -> c -> d  (cost 20)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_picture_is_well_formed_whatever_names_are(
        clients in prop::collection::btree_map(any::<String>(), 0_usize..6, 0..8),
        label in any::<String>(),
        layout in prop::sample::select(vec![Layout::Layers, Layout::Spring, Layout::Auto]),
    ) {
        let topology = with_clients(&clients, &label);
        let picture = svg(&topology, &Marks::default(), layout);
        let document = Document::parse(&picture);
        prop_assert!(document.is_ok(), "{:?}\n{picture}", document.err());
        prop_assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        for name in [dot(&topology, &Marks::default()), mermaid(&topology, &Marks::default())] {
            prop_assert!(name.contains("n0"));
        }
    }

    #[test]
    fn a_difference_reversed_swaps_what_came_and_went(old in shape(), new in shape()) {
        let (old, new) = (mesh(&old), mesh(&new));
        let there = Change::between(&old, &new);
        let back = Change::between(&new, &old);
        let of = |change: &Change, kind| {
            let nodes = change.nodes.iter().filter(|(_, found)| found.change == kind);
            let links = change.links.iter().filter(|(_, found)| found.change == kind);
            (
                nodes.map(|(name, _)| name.clone()).collect::<Vec<_>>(),
                links.map(|(name, _)| name.clone()).collect::<Vec<_>>(),
            )
        };
        prop_assert_eq!(of(&there, Kind::Added), of(&back, Kind::Removed));
        prop_assert_eq!(of(&there, Kind::Removed), of(&back, Kind::Added));
        prop_assert_eq!(of(&there, Kind::Changed), of(&back, Kind::Changed));
        let (one, other) = (there.routes.nodes, back.routes.nodes);
        prop_assert_eq!(
            (one.compared, one.moved, one.dearer, one.cheaper, one.lost, one.gained),
            (other.compared, other.moved, other.cheaper, other.dearer, other.gained, other.lost)
        );
        prop_assert!(Change::between(&old, &old).is_empty());
    }
}

/// A tree of up to eight nodes, with costs.
fn shape() -> impl Strategy<Value = String> {
    prop::collection::vec((any::<prop::sample::Index>(), 1_u32..4), 1..8).prop_map(|nodes| {
        let mut text = "[nodes.n0]\n".to_owned();
        for (place, (upstream, cost)) in nodes.iter().enumerate() {
            let upstream = upstream.index(place + 1);
            let _ = writeln!(
                text,
                "[nodes.n{}]\nupstream = [{{ node = 'n{upstream}', cost = {cost} }}]",
                place + 1
            );
        }
        text
    })
}

/// Six nodes with clients of any names that a file can hold.
fn with_clients(clients: &std::collections::BTreeMap<String, usize>, label: &str) -> Topology {
    let mut text = "[nodes.n0]\n".to_owned();
    for node in 1..6 {
        let _ = writeln!(text, "[nodes.n{node}]\nupstream = ['n{}']", node / 2);
    }
    text.push_str("[clients]\n");
    let names =
        clients.iter().map(|(name, node)| (name.clone(), *node)).chain([(label.to_owned(), 0)]);
    for (name, node) in names.collect::<std::collections::BTreeMap<_, _>>() {
        let line = format!("{} = 'n{node}'\n", quoted(&name));
        let with = format!("[mesh]\nname = 'm'\n{text}{line}");
        if parse("m.toml", &with).is_ok() {
            text.push_str(&line);
        }
    }
    mesh(&text)
}

/// A key of TOML.
fn quoted(name: &str) -> String {
    let mut text = "\"".to_owned();
    for c in name.chars() {
        let _ = write!(text, "\\U{:08X}", u32::from(c));
    }
    text + "\""
}

fn mesh(text: &str) -> Topology {
    let text = format!("[mesh]\nname = 'm'\n{text}");
    parse("m.toml", &text).unwrap_or_else(|problems| panic!("{problems}")).topology
}

fn with_class(picture: &str, class: &str) -> usize {
    let document = Document::parse(picture).unwrap();
    let all = document.descendants();
    all.filter(|node| {
        let classes = node.attribute("class").unwrap_or_default();
        classes.split(' ').any(|other| other == class)
    })
    .count()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../topologies")
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect();
    files.sort();
    files
}
