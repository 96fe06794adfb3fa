//! The topologies that come with Hopline: their plans and drawings, as golden files.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod files;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use files::{files_of, folder, stem};
use hopline_mesh::name::{LinkName, NodeName};
use hopline_topo::drawing::{Marks, dot, mermaid, tree};
use hopline_topo::{Plan, Source, Topology, load, render};

const FOLDER: &str = "topologies";

#[test]
fn each_is_free_of_mistakes_and_oddities_and_says_what_it_teaches() {
    for path in files() {
        let loaded = load(&path).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.render(false));
        assert_eq!(loaded.topology.name().as_str(), stem(&path));
        assert!(loaded.source.text().starts_with("# "), "{path:?}");
    }
}

#[test]
fn each_has_what_check_tells_of_it() {
    for path in files() {
        let loaded = load(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let told = render(&Source::new(&name, loaded.source.text()), &loaded.everything(), false);
        let allowed = loaded.allowed.iter().map(|allowed| format!("allowed: {}", allowed.code));
        let lines = [told, format!("diameter: {:?}", loaded.diameter)].into_iter().chain(allowed);
        insta::assert_snapshot!(
            format!("{}.check", stem(&path)),
            lines.collect::<Vec<_>>().join("\n")
        );
    }
}

#[test]
fn each_has_its_plan() {
    for path in files() {
        let plan = Plan::new(&topology(&path));
        let text = serde_json::to_string_pretty(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        insta::assert_snapshot!(format!("{}.plan", stem(&path)), text);
    }
}

#[test]
fn each_has_its_drawings() {
    for path in files() {
        let (topology, marks) = (topology(&path), Marks::default());
        let name = stem(&path);
        insta::assert_snapshot!(format!("{name}.tree"), tree(&topology, &marks));
        insta::assert_snapshot!(format!("{name}.dot"), dot(&topology, &marks));
        insta::assert_snapshot!(format!("{name}.mermaid"), mermaid(&topology, &marks));
    }
}

#[test]
fn a_drawing_shows_the_route_and_what_is_down() {
    let topology = topology(&folder(FOLDER).join("dual-homed.toml"));
    let node = |name: &str| NodeName::parse(name).unwrap();
    let marks = Marks {
        route: ["site", "backup", "core"].map(node).to_vec(),
        down_nodes: BTreeSet::from([node("main")]),
        down_links: BTreeSet::from([LinkName::parse("main--site").unwrap()]),
    };
    let all = [tree(&topology, &marks), dot(&topology, &marks), mermaid(&topology, &marks)];
    insta::assert_snapshot!("marked", all.join("\n"));
}

fn topology(path: &Path) -> Topology {
    load(path).unwrap().topology
}

fn files() -> Vec<PathBuf> {
    files_of(FOLDER)
}
