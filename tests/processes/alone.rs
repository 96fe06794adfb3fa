//! Nodes without a supervisor.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions};
use hopline::mesh::wire::control::{Answer, Request};
use hopline::topo::launch::Place;

use crate::sandbox::{Sandbox, signal, until};

const PATIENCE: Duration = Duration::from_secs(5);

/// The regions topology over unix sockets, for nodes that are started one by one.
fn regions(sandbox: &mut Sandbox) -> std::path::PathBuf {
    let dir = sandbox.path();
    write_key(sandbox);
    let mut text = "[mesh]\nname = \"regions\"\nkey_file = \"key\"\n".to_owned();
    for (node, upstream) in [("top", "[]"), ("east", "[\"top\"]"), ("west", "[\"top\"]")] {
        let bind = dir.join(node);
        text.push_str(&format!(
            "[nodes.{node}]\nbind = \"ipc://{}\"\nupstream = {upstream}\n",
            bind.display()
        ));
    }
    sandbox.file("regions.toml", &text)
}

/// Writes the mesh key beside the topology.
pub(crate) fn write_key(sandbox: &Sandbox) {
    let key = sandbox.path().join("key");
    std::fs::write(&key, "ab".repeat(32)).unwrap();
    // A key that others may read is one with a warning.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Starts a node without a supervisor.
pub(crate) fn start(sandbox: &Sandbox, file: &Path, node: &str) -> Child {
    started(sandbox.command(&["node", &file.display().to_string(), node]), node)
}

/// The node that this command starts, ready.
pub(crate) fn started(mut command: Command, node: &str) -> Child {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut line, mut told) = (String::new(), BufReader::new(child.stderr.take().unwrap()));
    told.read_line(&mut line).unwrap();
    // What it says later must have somewhere to go.
    child.stderr = Some(told.into_inner());
    assert!(line.starts_with(&format!("{node}: ready at ")), "{line}");
    child
}

#[tokio::test]
async fn start_order_does_not_matter() {
    for order in [
        ["top", "east", "west"],
        ["top", "west", "east"],
        ["east", "top", "west"],
        ["east", "west", "top"],
        ["west", "top", "east"],
        ["west", "east", "top"],
    ] {
        let mut sandbox = Sandbox::new();
        let file = regions(&mut sandbox);
        let mut nodes = order.map(|node| start(&sandbox, &file, node));
        let east = Endpoint::Ipc(sandbox.path().join("east"));
        let client = Client::connect(&east, ClientOptions::anonymous()).await.unwrap();
        until("east reaches west", || async { client.trace("west", PATIENCE).await.is_ok() }).await;
        let trace = client.trace("west", PATIENCE).await.unwrap();
        assert_eq!(trace.nodes(), ["east", "top", "west"], "{order:?}");
        client.shutdown().await;
        for child in &mut nodes {
            assert!(signal("-TERM", &[child.id()]));
            assert_eq!(child.wait().unwrap().code(), Some(0), "{order:?}");
        }
    }
}

/// Whoever reads what it says goes; it says more, and goes on.
#[tokio::test]
async fn a_node_that_nobody_listens_to_goes_on() {
    let mut sandbox = Sandbox::new();
    let file = regions(&mut sandbox);
    let mut node = start(&sandbox, &file, "east");
    drop(node.stderr.take());
    let east = Endpoint::Ipc(sandbox.path().join("east"));
    until("it has said that it reaches nobody, and answers", || async {
        let options = ClientOptions::anonymous().timeout(PATIENCE);
        let client = Client::connect(&east, options).await.unwrap();
        let answer = client.ask("east", Request::Status {}, PATIENCE).await.unwrap();
        client.shutdown().await;
        matches!(answer, Answer::Status(status) if status.links[0].trouble.is_some())
    })
    .await;
    node.kill().unwrap();
    node.wait().unwrap();
}

/// A node that runs alone is newer at each start, also where the clock was set back, and where its last run was under a
/// supervisor.
#[tokio::test]
async fn a_lone_node_keeps_the_number_of_its_runs() {
    let mut sandbox = Sandbox::new();
    let file = regions(&mut sandbox);
    let mesh = "regions".parse().unwrap();
    let place = Place::new(&sandbox.homes().state, &mesh, &file);
    let stored = place.dir().join("nodes/top.incarnation");
    let mut before = 0;
    for round in 0..3 {
        let mut top = start(&sandbox, &file, "top");
        let at = Endpoint::Ipc(sandbox.path().join("top"));
        let client = Client::connect(&at, ClientOptions::anonymous()).await.unwrap();
        let answer = client.ask("top", Request::Status {}, PATIENCE).await.unwrap();
        let Answer::Status(status) = answer else { panic!("{answer:?}") };
        assert!(status.incarnation > before, "{} after {before}", status.incarnation);
        let kept = std::fs::read_to_string(&stored).unwrap();
        assert_eq!(kept.trim(), status.incarnation.to_string());
        client.shutdown().await;
        assert!(signal("-KILL", &[top.id()]));
        top.wait().unwrap();
        before = status.incarnation;
        if round == 0 {
            // As if the clock had been an hour ahead.
            before += 3_600_000;
            std::fs::write(&stored, before.to_string()).unwrap();
        }
    }
}

#[test]
fn what_a_lone_node_lacks_is_told() {
    let mut sandbox = Sandbox::new();
    let file = regions(&mut sandbox).display().to_string();
    let (regions, key) = ("topologies/regions.toml", sandbox.path().join("no-key"));
    let key = key.display().to_string();
    std::fs::write(sandbox.path().join("auto.toml"), crate::sandbox::REGIONS).unwrap();
    let auto = sandbox.path().join("auto.toml").display().to_string();
    let good = sandbox.path().join("key").display().to_string();
    insta::assert_snapshot!(
        [
            &["node", regions, "top"][..],
            &["node", regions, "top", "--key-file", &key],
            &["node", regions, "top", "--key-file", regions],
            &["node", &auto, "top", "--key-file", &good],
            &["node", &file, "tpo"],
        ]
        .map(|command| sandbox.show(command))
        .join("\n")
    );
}
