//! A node that the mesh's file does not know: who has the mesh key may be one.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions};
use hopline::mesh::wire::control::{Answer, Request};
use insta::assert_snapshot;

use crate::alone::{started, write_key};
use crate::drain::{Receiver, Sender};
use crate::sandbox::{PATIENCE, Sandbox, until};
use crate::stage::{send_many, until_accounted};

/// The nodes `top` and `east`, and perhaps a guest that dials `top`.
fn topology(sandbox: &Sandbox, key: &str, guest: Option<&str>) -> String {
    let dir = sandbox.path().display().to_string();
    let node =
        |name: &str, more: &str| format!("[nodes.{name}]\nbind = \"ipc://{dir}/{name}\"\n{more}");
    let mut text = format!("[mesh]\nname = \"m\"\nkey_file = \"{key}\"\n");
    text.push_str(&node("top", ""));
    text.push_str(&node("east", "upstream = [\"top\"]\n"));
    text.extend(guest.map(|guest| node(guest, "upstream = [\"top\"]\n")));
    text
}

struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn guest(sandbox: &mut Sandbox, name: &str, key: &str) -> Stranger {
    let text = topology(sandbox, key, Some(name));
    let file = sandbox.file(&format!("{name}.toml"), &text);
    Stranger(started(sandbox.command(&["node", &file.display().to_string(), name]), name))
}

/// What `hopline status` says of `top`.
fn top(sandbox: &Sandbox, file: &str) -> serde_json::Value {
    let status = sandbox.json(&["status", file, "--json"]);
    let nodes = status["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["node"] == "top").unwrap().clone()
}

#[tokio::test]
async fn a_node_that_no_file_declares_joins_with_the_mesh_key_and_without_it_does_not() {
    let mut sandbox = Sandbox::new();
    write_key(&sandbox);
    let forged = sandbox.path().join("forged");
    std::fs::write(&forged, "ba".repeat(32)).unwrap();
    std::fs::set_permissions(&forged, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = topology(&sandbox, "key", None);
    let file = sandbox.file("mesh.toml", &text).display().to_string();
    sandbox.data(&["up", "--detach", &file]);

    let _stranger = guest(&mut sandbox, "forger", "forged");
    let at = |sandbox: &Sandbox, node: &str| Endpoint::Ipc(sandbox.path().join(node));
    let forger =
        Client::connect(&at(&sandbox, "forger"), ClientOptions::anonymous()).await.unwrap();
    until("the stranger has no proof that holds", || async {
        let answer = forger.ask("forger", Request::Status {}, PATIENCE).await.unwrap();
        let Answer::Status(status) = answer else { panic!("{answer:?}") };
        assert_eq!(status.reachable.len(), 1);
        status.counters.get("wrong key").is_some_and(|times| *times > 1)
    })
    .await;
    forger.shutdown().await;
    let mut known = guest(&mut sandbox, "guest", "key");
    let at = |node: &str| at(&sandbox, node);
    let mut dave = Receiver::attach(&at("guest"), "dave").await;
    let mut alice = Sender::attach(&at("east"), "alice", "dave").await;
    until("its client is known at the other end", || async {
        sandbox.data(&["routes", &file, "east"]).contains("dave")
    })
    .await;
    send_many(&mut alice, &mut dave, 50).await;
    until_accounted(&mut alice, &mut dave).await;
    assert_eq!((dave.numbers.len(), alice.told.len()), (50, 0));
    assert_eq!(dave.way, ["east", "top", "guest"]);

    let links = top(&sandbox, &file)["links"].as_array().unwrap().clone();
    let is_up =
        |name: &str| links.iter().any(|link| link["neighbour"] == name && link["up"] == true);
    assert!(is_up("guest") && is_up("east") && !is_up("forger"), "{links:?}");
    assert!(sandbox.data(&["status", &file]).contains("guest (not planned)"));
    let is_complete = || sandbox.json(&["status", &file, "--json"])["ledger_complete"] == true;
    assert!(!is_complete(), "what the guest counts is missing");
    until("the supervisor has seen it", || async {
        sandbox.running(file.as_ref()).has_lost_counts
    })
    .await;
    // Whoever is not declared is forgotten with its link.
    known.0.kill().unwrap();
    until("it is gone", || async { !sandbox.data(&["status", &file]).contains("guest") }).await;
    assert!(!is_complete(), "and stays so");
    sandbox.data(&["down", &file]);
}

/// A node that is not in the file is no part of what was planned: the mesh converges with it. A way through it is
/// explained by it, through the mesh, or as far as the others tell where it does not answer.
#[tokio::test]
async fn a_mesh_with_a_guest_converges_and_a_way_through_it_is_explained() {
    let mut sandbox = Sandbox::new();
    write_key(&sandbox);
    let dir = sandbox.path().display().to_string();
    let mut text = "[mesh]\nname = \"m\"\nkey_file = \"key\"\nlink_silence = \"20s\"\n".to_owned();
    for name in ["top", "bottom"] {
        text.push_str(&format!("[nodes.{name}]\nbind = \"ipc://{dir}/{name}\"\n"));
    }
    let file = sandbox.file("mesh.toml", &text).display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    text.push_str(&format!(
        "[nodes.guest]\nbind = \"ipc://{dir}/guest\"\nupstream = [\"top\", \"bottom\"]\n"
    ));
    let joins = sandbox.file("join.toml", &text).display().to_string();
    let guest = Stranger(started(sandbox.command(&["node", &joins, "guest"]), "guest"));
    until("it is the way", || async {
        let trace = sandbox.run(&["trace", &file, "top", "bottom", "--json"]);
        String::from_utf8(trace.stdout).unwrap().contains("guest")
    })
    .await;
    let said = sandbox.data(&["status", &file, "--converged", "--wait", "10s"]);
    assert!(said.starts_with("m: converged"), "{said}");

    let mut shown = sandbox.show(&["explain", &file, "top", "bottom"]);
    signal("-STOP", &guest);
    for more in [&["--timeout", "500ms"][..], &["--timeout", "500ms", "--json"]] {
        shown.push_str(&sandbox.show(&[&["explain", &file, "top", "bottom"], more].concat()));
    }
    signal("-CONT", &guest);
    assert_snapshot!(shown);
}

fn signal(name: &str, to: &Stranger) {
    assert!(crate::sandbox::signal(name, &[to.0.id()]));
}
