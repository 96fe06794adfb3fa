//! Nodes that the file declares and that nobody has met yet: live is offline.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_mesh::brain::{Command, Config, Settings};
use hopline_mesh::name::LinkName;
use hopline_mesh::route::Down;
use hopline_mesh::wire::hello::MeshKey;
use hopline_testkit::simulation::{ClientId, Simulation, config};
use hopline_topo::launch::node_config;
use hopline_topo::{Offline, Plan, parse};
use serde_json::json;

const FILE: &str = "[mesh]
name = 'm'
[nodes.top]
[nodes.east]
upstream = 'top'
[nodes.west]
upstream = 'top'
[nodes.far]
upstream = 'west'
[routes.east]
'south.*' = 'west'
";

fn plan(text: &str) -> Plan {
    Plan::new(&parse("m.toml", text).unwrap().topology)
}

fn settings(plan: &Plan, node: &str) -> Settings {
    let any = "tcp://127.0.0.1:0".parse().unwrap();
    node_config(&plan.mesh, plan.into(), &plan.nodes[node], any, MeshKey::new([7; 32])).settings
}

/// What a client is told of each destination, as it is now; none where it arrives.
fn told(mesh: &mut Simulation, client: ClientId, to: &[&str]) -> Vec<Option<String>> {
    to.iter()
        .map(|to| {
            mesh.send_text(client, json!({"destination": to}).to_string());
            mesh.run_for(Duration::from_millis(100));
            let answers = mesh.take_json(client);
            let told = answers.iter().find_map(|it| Some(it["message"].as_str()?.to_lowercase()));
            Some(told?.split(':').next()?.to_owned())
        })
        .collect()
}

/// A node that has just started says of each destination what `hopline route` says while all links are down, whether
/// it has heard of anybody or not.
#[test]
fn a_declared_node_that_was_not_met_is_unreachable_as_it_is_offline() {
    let plan = plan(FILE);
    let offline = Offline::new(&plan);
    let links = ["east--top", "top--west", "far--west"];
    let down: Vec<Down> = links.map(|it| Down::Link(LinkName::parse(it).unwrap())).to_vec();
    let destinations = ["top", "east", "west", "far", "x@far", "south.1", "nobody", "x@nowhere"];
    for node in plan.nodes.keys() {
        let others = destinations.iter().filter(|to| **to != node.as_str());
        let others: Vec<&str> = others.copied().collect();
        let planned = others.iter().map(|to| {
            let walk = offline.route(node.as_str(), to, &down).unwrap();
            walk.refusal().map(|refusal| refusal.to_string())
        });
        let mut mesh = Simulation::new(1);
        let settings = settings(&plan, node.as_str());
        mesh.add(Config { settings, ..config(node.as_str(), []) });
        mesh.start(node.as_str());
        let asker = mesh.attach(node.as_str(), Some(b"asker"));
        assert_eq!(told(&mut mesh, asker, &others), planned.collect::<Vec<_>>(), "{node}");
    }
}

/// A node that is declared no more is unknown again, unless somebody has met it.
#[test]
fn what_is_declared_changes_live() {
    let (before, after) = (plan(FILE), plan(&FILE.replace("[nodes.far]\nupstream = 'west'\n", "")));
    let mut mesh = Simulation::new(1);
    mesh.add(Config { settings: settings(&before, "east"), ..config("east", []) });
    mesh.start("east");
    let asker = mesh.attach("east", Some(b"asker"));
    let reason = |mesh: &mut Simulation| told(mesh, asker, &["far"]).remove(0).unwrap();
    assert_eq!(reason(&mut mesh), "unreachable");
    let lines = mesh.routes("east").unwrap();
    assert!(lines.iter().any(|line| line.destination == "far" && line.origin == "unreachable"));
    mesh.command("east", Command::Reconfigure(Box::new(settings(&after, "east"))));
    assert_eq!(reason(&mut mesh), "unknown destination");
}
