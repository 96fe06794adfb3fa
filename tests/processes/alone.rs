//! Nodes without a supervisor.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions};

use crate::sandbox::{Sandbox, until};

const PATIENCE: Duration = Duration::from_secs(5);

/// The regions topology over unix sockets, for nodes that are started one by one.
fn regions(sandbox: &mut Sandbox) -> std::path::PathBuf {
    let dir = sandbox.path();
    std::fs::write(dir.join("key"), "ab".repeat(32)).unwrap();
    // A key that others may read is one with a warning.
    std::fs::set_permissions(dir.join("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
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

fn start(sandbox: &Sandbox, file: &Path, node: &str) -> Child {
    let mut command = sandbox.command(&["node", &file.display().to_string(), node]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with(&format!("{node}: ready at ipc://")), "{line}");
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
            let kill = Command::new("kill").arg(child.id().to_string()).status();
            assert!(kill.unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(0), "{order:?}");
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
