//! Who is waited for where a plan is applied, and what is told of whoever does not come.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::applied::{diamond, pids, rewrite};
use crate::sandbox::{Sandbox, until};
use crate::supervised::signal;

/// A mesh of `a`, which listens anywhere, and of these nodes below it, at these ports.
fn topology(nodes: &[(&str, u16)]) -> String {
    let mut text = "[mesh]\nname = \"m\"\n[nodes.a]\nbind = \"auto\"\n".to_owned();
    for (node, port) in nodes {
        let bind = format!("bind = \"tcp://127.0.0.1:{port}\"");
        text.push_str(&format!("[nodes.{node}]\n{bind}\nupstream = [\"a\"]\n"));
    }
    text
}

/// That mesh, running.
fn up(nodes: &[(&str, u16)]) -> (Sandbox, PathBuf, String) {
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("m.toml", &topology(nodes));
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    (sandbox, file, text)
}

/// Two ports of this machine that nobody has.
fn two_ports() -> [u16; 2] {
    let both = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    both.map(|listener| listener.local_addr().unwrap().port())
}

/// Whoever takes a port starts once the node that had it has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_goes_from_one_node_to_another() {
    let [one, two] = two_ports();
    let (sandbox, file, text) = up(&[("b", one)]);
    std::fs::write(&file, topology(&[("c", one)])).unwrap();
    let said = sandbox.data(&["apply", &text]);
    assert!(said.contains("  started: c\n  stopped: b\n"), "{said}");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    let status = sandbox.json(&["status", &text, "--json"]);
    assert_eq!(status["ledger_complete"], false, "the counts of `b` are gone");

    // It stays, and gives its port to a new node.
    std::fs::write(&file, topology(&[("b", one), ("c", two)])).unwrap();
    let said = sandbox.data(&["apply", &text]);
    assert!(said.contains("  started: b\n  started again: c, for its bind\n"), "{said}");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    std::fs::write(&file, topology(&[("b", two), ("c", one)])).unwrap();
    let said = sandbox.data(&["apply", &text]);
    assert!(said.contains("again: b, for its bind\n  started again: c, for its bind\n"), "{said}");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    let at = |node: &str| sandbox.running(&file).processes[node].endpoint.clone().unwrap().port();
    assert_eq!([at("b"), at("c")], [Some(two), Some(one)]);
    let status = sandbox.json(&["status", &text, "--json"]);
    let restarts = status["nodes"].as_array().unwrap().iter().map(|node| node["restarts"].clone());
    assert_eq!(restarts.collect::<Vec<_>>(), [0, 0, 0], "nobody tried in vain");
}

/// A node that hangs and is removed is killed at last; the others do not wait for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_switch_before_a_removed_node_that_hangs_has_left() {
    let (sandbox, file, text) = diamond();
    let running = sandbox.running(&file);
    let hung = running.processes["b"].process.clone().unwrap();
    signal("-STOP", &hung);
    rewrite(
        &file,
        &[
            ("[nodes.b]\nbind = \"auto\"\nupstream = [\"a\"]\n", ""),
            ("upstream = [\"b\", ", "upstream = ["),
            ("cost = 20", "cost = 2"),
        ],
    );
    let apply = sandbox.command(&["apply", &text, "--json"]).stdout(Stdio::piped()).spawn();
    until("the others have switched", || async {
        let statuses = running.statuses(Duration::from_millis(500)).await;
        let mut links = statuses.get("a").into_iter().flat_map(|status| &status.links);
        links.any(|link| link.neighbour.as_str() == "c" && link.cost == 2)
    })
    .await;
    assert!(hung.is_alive().await, "it has not been waited for");
    let output = apply.unwrap().wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let applied = &document["applied"];
    assert_eq!([&applied["stopped"], &applied["late"]], [&json!(["b"]), &json!([])]);
    assert_eq!(applied["switched"], json!(["a", "c", "d"]));
    assert!(!hung.is_alive().await);
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
}

/// A node that is just being started again is waited for like one that takes its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_in_time_is_no_late_one() {
    let (sandbox, file, text) = diamond();
    for cost in ["cost = 2", "cost = 3"] {
        let process = sandbox.running(&file).processes["c"].process.clone().unwrap();
        rewrite(&file, &[("cost = 20", cost)]);
        signal("-KILL", &process);
        let applied = sandbox.json(&["apply", &text, "--json"])["applied"].clone();
        assert_eq!(applied["switched"], json!(["a", "b", "c", "d"]), "{applied}");
    }
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(sandbox.json(&["trace", &text, "a", "d", "--json"])["path"], json!(["a", "c", "d"]));
}

#[test]
fn why_a_node_does_not_come_is_told_with_its_log() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let (sandbox, file, text) = up(&[]);
    std::fs::write(&file, topology(&[("b", port)])).unwrap();
    let output = sandbox.run(&["apply", &text]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let log = sandbox.running(&file).place.log(&"b".parse().unwrap());
    let why = format!("port {port} is taken (tcp://127.0.0.1:{port})");
    let told = format!(
        "applied\n  not reached, and will follow when they are back: b\n    b: {why}; its log is {}\n",
        log.display()
    );
    assert!(said.ends_with(&told), "{said}");
}

/// What somebody has stopped is not missed: neither where a plan is applied nor where the mesh is to have converged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_stopped_is_told_as_that_and_starts_from_the_plan() {
    let (sandbox, file, text) = diamond();
    sandbox.data(&["drain", &text, "c", "--stop"]);
    assert!(!pids(&sandbox, &file).contains_key("c"));
    let said = sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert!(said.starts_with("diamond: converged, but `c` is stopped (revision "), "{said}");
    rewrite(&file, &[("cost = 20", "cost = 2")]);
    let said = sandbox.data(&["apply", &text]);
    assert!(
        said.ends_with("applied\n  stopped before, until `hopline drain --undo`: c\n"),
        "{said}"
    );
    let output = sandbox.run(&["drain", &text, "c"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("node `c` is stopped"), "{told}");
    assert!(told.contains("c --undo` starts it again"), "{told}");

    sandbox.data(&["drain", &text, "c", "--undo"]);
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    until("it goes by the plan", || async {
        sandbox.json(&["trace", &text, "a", "d", "--json"])["path"] == json!(["a", "c", "d"])
    })
    .await;
    assert_eq!(sandbox.data(&["apply", &text]), "no difference\n");
    assert_eq!(sandbox.data(&["apply", &text, "--dry-run"]), "no difference\n");
}
