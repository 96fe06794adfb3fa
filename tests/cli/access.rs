//! Access rules in the command line: on paper, and in a mesh that runs.

use std::path::Path;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions, ConnectError};
use hopline::mesh::name::NodeName;
use insta::assert_snapshot;

use crate::sandbox::{Sandbox, until};

/// An open node, a rule for each list, and a guest that no rule lets in.
const OPEN: &str = r#"[mesh]
name = "open"
open = true

[nodes]
top = { bind = "tcp://192.0.2.7:5555" }
east = { upstream = "top" }

[clients]
alice = "east"
bob = "top"
guest = "top"

[[access.attach]]
allow = "bob"
at = "top"

[[access.send]]
allow = "bob"
to = "alice"
"#;

const FILE: &str = "topologies/access.toml";

#[test]
fn what_is_denied_is_told_with_the_rule() {
    let mut sandbox = Sandbox::new();
    let open = sandbox.file("open.toml", OPEN).display().to_string();
    assert_snapshot!(
        [
            sandbox.show(&["route", FILE, "sensor.1", "archive"]),
            sandbox.show(&["route", FILE, "sensor.1", "archive@hall", "--json"]),
            sandbox.show(&["route", FILE, "sensor.1", "archive", "--explain"]),
            sandbox.show(&["route", FILE, "sensor.1", "log.1", "--explain"]),
            sandbox.show(&["route", FILE, "sensor.1", "collector", "--explain"]),
            sandbox.show(&["route", FILE, "plant", "archive", "--explain"]),
            sandbox.show(&["route", &open, "bob", "alice", "--explain"]),
            sandbox.show(&["route", &open, "bob", "top", "--explain"]),
            sandbox.show(&["route", &open, "guest", "alice", "--explain"]),
            sandbox.show(&["route", &open, "alice", "guest"]),
            sandbox.show(&["route", &open, "alice", "bob"]),
            sandbox.show(&["plan", &open, "top"]),
        ]
        .join("\n")
    );
}

#[test]
fn a_difference_shows_rules_and_what_they_do_to_routes() {
    let mut sandbox = Sandbox::new();
    let old = sandbox.file("old.toml", OPEN).display().to_string();
    let new = OPEN.replace("to = \"alice\"", "to = \"guest\"").replace("\"bob\"\nat", "\"*\"\nat");
    let new = sandbox.file("new.toml", &new).display().to_string();
    assert_snapshot!(
        [sandbox.show(&["diff", &old, &new]), sandbox.show(&["diff", &new, FILE])].join("\n")
    );
}

#[tokio::test]
async fn running_nodes_hold_to_the_rules_and_name_them() {
    let sandbox = Sandbox::new();
    sandbox.data(&["up", "--detach", FILE]);
    let at = |node: &str| {
        let running = sandbox.running(&Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE));
        running.processes[&NodeName::parse(node).unwrap()].endpoint.clone().unwrap()
    };
    let connect = async |name: Option<&str>, node: &str| {
        let options = name.map_or(Ok(ClientOptions::anonymous()), ClientOptions::named);
        let endpoint: Endpoint = at(node);
        Client::connect(&endpoint, options.unwrap()).await
    };
    for (name, node) in [(Some("sensor.1"), "hall"), (None, "hall")] {
        let refused = connect(name, node).await.unwrap_err();
        let is_denied = |reason: &str| reason == "access denied";
        assert!(matches!(&refused, ConnectError::Refused { reason } if is_denied(reason)));
    }
    let mut clients = Vec::new();
    for (name, node) in
        [("sensor.1", "plant"), ("collector", "hall"), ("archive", "hall"), ("clerk", "office")]
    {
        clients.push(connect(Some(name), node).await.unwrap());
    }
    let names = ["sensor.1", "collector", "archive", "clerk", "plant"];
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_slice(&sandbox.run(&[arguments, &["--json"]].concat()).stdout).unwrap()
    };
    let agrees = |from: &str, to: &str| {
        json(&["explain", FILE, from, to]) == json(&["route", FILE, from, to, "--explain"])
    };
    until("all know all names", || async {
        agrees("plant", "clerk") && agrees("hall", "sensor.1")
    })
    .await;
    for from in names {
        for to in ["archive", "collector@hall", "log.1", "sensor.1", "office"] {
            assert!(agrees(from, to), "{from} to {to}");
        }
    }
    assert_snapshot!(
        [
            sandbox.show(&["explain", FILE, "sensor.1", "log.1"]),
            sandbox.show(&["explain", FILE, "clerk", "archive"]),
            sandbox.show(&["trace", FILE, "clerk", "archive"]),
            sandbox.show(&["trace", FILE, "clerk", "collector"]),
            sandbox.show(&["test", FILE, "--live"]),
        ]
        .join("\n")
    );
    for client in clients {
        client.shutdown().await;
    }
    // The sandbox ends what it wrote the file of, and not this.
    assert!(sandbox.run(&["down", FILE]).status.success());
}
