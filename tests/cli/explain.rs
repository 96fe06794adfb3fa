//! Why messages go the way they go: by the file, and in the words of running nodes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions};
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::Request;
use hopline::topo::{Plan, load};
use insta::assert_snapshot;

use crate::sandbox::{Sandbox, until};

/// The topologies that come with Hopline, by path from the root of the sources.
fn files() -> BTreeSet<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = std::fs::read_dir(root.join("topologies")).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path().strip_prefix(root).unwrap().to_owned());
    paths.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect()
}

/// What explains the ways between planned clients: whole, and the first of them without each link of its way.
fn explained(file: &Path) -> String {
    let sandbox = Sandbox::new();
    let plan =
        Plan::new(&load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap().topology);
    let clients: BTreeSet<&String> = plan.nodes.values().flat_map(|node| &node.clients).collect();
    let file = file.to_str().unwrap();
    let pairs = clients.iter().enumerate().flat_map(|(place, from)| {
        let later = clients.iter().skip(place + 1);
        later.map(move |to| (from.as_str(), to.as_str()))
    });
    let mut text = String::new();
    for (place, (from, to)) in pairs.take(8).enumerate() {
        let whole = ["route", file, from, to, "--explain"];
        text.push_str(&sandbox.show(&whole));
        text.push('\n');
        if place > 0 {
            continue;
        }
        let way = sandbox.json(&[&whole[..], &["--json"]].concat());
        let nodes: Vec<&str> =
            way["path"].as_array().unwrap().iter().map(|node| node.as_str().unwrap()).collect();
        let links = nodes.windows(2).map(|ends| ends.join("--"));
        let between = nodes.iter().skip(1).take(nodes.len().saturating_sub(2));
        for down in links.chain(between.map(|node| (*node).to_owned())) {
            text.push_str(&sandbox.show(&[&whole[..], &["--down", &down]].concat()));
            text.push('\n');
        }
    }
    text
}

#[test]
fn every_topology_is_explained() {
    for file in files() {
        let name = format!("explain-{}", file.file_stem().unwrap().to_str().unwrap());
        assert_snapshot!(name, explained(&file));
    }
}

#[test]
fn a_static_route_is_explained_with_what_it_overrides() {
    let mut sandbox = Sandbox::new();
    let text = "[mesh]\nname = 'm'\n[nodes]\na = {}\nb = { upstream = ['a'] }\n\
                c = { upstream = ['a', 'b'] }\n[clients]\nx = 'c'\n[routes.a]\nx = 'b'\n";
    let file = sandbox.file("m.toml", text).display().to_string();
    assert_snapshot!(
        [
            sandbox.show(&["route", &file, "a", "x", "--explain"]),
            sandbox.show(&["route", &file, "a", "x", "--explain", "--json"]),
            sandbox.show(&["route", &file, "a", "x", "--explain", "--down", "a"]),
            sandbox.show(&["route", &file, "a", "c", "--explain"]),
            sandbox.show(&["route", &file, "b", "b", "--explain"]),
        ]
        .join("\n")
    );
}

#[tokio::test]
async fn running_nodes_say_the_same_as_the_file() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    assert_snapshot!(sandbox.show(&["explain", &text, "east", "west"]));
    sandbox.data(&["up", "--detach", &text]);
    let nodes = ["east", "top", "west"];
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_slice(&sandbox.run(&[arguments, &["--json"]].concat()).stdout).unwrap()
    };
    for (from, to) in nodes.iter().flat_map(|from| nodes.iter().map(move |to| (from, to))) {
        let live = json(&["explain", &text, from, to]);
        assert_eq!(live, json(&["route", &text, from, to, "--explain"]));
    }
    let top = sandbox.running(&file).processes[&NodeName::parse("top").unwrap()].control.clone();
    let patience = Duration::from_secs(10);
    let client = Client::connect(&Endpoint::Ipc(top), ClientOptions::anonymous()).await.unwrap();
    let cut = Request::Cut { neighbour: NodeName::parse("west").unwrap() };
    client.ask("top", cut, patience).await.unwrap();
    client.shutdown().await;
    let offline = json(&["route", &text, "east", "west", "--explain", "--down", "top--west"]);
    until("the cut is known", || async { json(&["explain", &text, "east", "west"]) == offline })
        .await;
    assert_snapshot!("live-cut", sandbox.show(&["explain", &text, "east", "west"]));
}
