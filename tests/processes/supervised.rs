//! Nodes under a supervisor.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use hopline::topo::launch::Identity;

use crate::sandbox::{REGIONS, Sandbox, until};

pub(crate) fn signal(name: &str, process: &Identity) {
    assert!(crate::sandbox::signal(name, &[process.pid]));
}

/// Waits until none of the processes is there.
async fn until_gone(processes: &[Identity]) {
    for process in processes {
        until(&format!("process {} ends", process.pid), || async { !process.is_alive().await })
            .await;
    }
}

async fn until_converged(sandbox: &Sandbox, file: &Path) {
    let file = file.display().to_string();
    until("the mesh converges", || async {
        let status = sandbox.run(&["status", &file, "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        status["converged"] == true && status["lacks"].is_null()
    })
    .await;
}

#[tokio::test]
async fn a_mesh_is_up_when_up_returns_and_gone_when_down_does() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    assert_eq!(sandbox.data(&["trace", &text, "east", "west"]), "east -> top -> west  2 hops\n");
    let processes = sandbox.processes(&file);
    assert_eq!(processes.len(), 4);
    sandbox.data(&["down", &text]);
    for process in processes {
        assert!(!process.is_alive().await);
    }
    let sockets = std::fs::read_dir(sandbox.path().join("run")).unwrap();
    assert_eq!(sockets.count(), 0, "sockets are left behind");
}

#[tokio::test]
async fn a_supervisor_that_is_told_to_end_stops_its_mesh() {
    for name in ["-TERM", "-INT", "-HUP"] {
        let (sandbox, file) = Sandbox::with_regions();
        let text = file.display().to_string();
        let mut command = sandbox.command(&["up", &text]);
        let mut up = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the mesh is up", || async {
            sandbox.run(&["trace", &text, "east", "west"]).status.success()
        })
        .await;
        let processes = sandbox.processes(&file);
        signal(name, &processes[0]);
        assert_eq!(up.wait().unwrap().code(), Some(0), "{name}");
        until_gone(&processes).await;
    }
}

#[test]
fn a_mesh_runs_once() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let pid = sandbox.processes(&file)[0].pid;
    for command in [&["up", &text][..], &["up", "--detach", &text]] {
        let again = sandbox.run(command);
        assert_eq!(again.status.code(), Some(1));
        let told = String::from_utf8(again.stderr).unwrap();
        assert!(told.contains("`regions` runs already"), "{told}");
        assert!(!told.contains("starting"), "{told}");
        assert!(told.contains(&format!("process {pid}")), "{told}");
        assert!(told.contains(&format!("hopline down {text}")), "{told}");
    }
    assert_eq!(sandbox.processes(&file)[0].pid, pid);
}

#[test]
fn a_port_that_is_taken_is_told_and_nothing_is_left_running() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut sandbox = Sandbox::new();
    let at = format!("[nodes.west]\nbind = \"tcp://127.0.0.1:{port}\"");
    let file = sandbox.file("taken.toml", &REGIONS.replace("[nodes.west]\nbind = \"auto\"", &at));
    let text = file.display().to_string();
    for command in [&["up", &text][..], &["up", "--detach", &text]] {
        let up = sandbox.run(command);
        assert_eq!(up.status.code(), Some(1));
        let told = String::from_utf8(up.stderr).unwrap();
        let wanted = format!("node `west` did not start: port {port} is taken");
        assert!(told.contains(&wanted), "{told}");
        assert!(told.contains("help: stop the program that listens there"), "{told}");
    }
    assert_eq!(sandbox.run(&["status", &text]).status.code(), Some(1));
    assert_eq!(std::fs::read_dir(sandbox.path().join("run")).unwrap().count(), 0);
    drop(taken);
    sandbox.data(&["up", "--detach", &text]);
}

#[test]
fn the_mesh_that_holds_a_port_is_named() {
    let mut sandbox = Sandbox::new();
    let first = sandbox.file("first.toml", REGIONS);
    sandbox.data(&["up", "--detach", &first.display().to_string()]);
    let endpoint = sandbox.running(&first).processes["top"].endpoint.clone().unwrap();
    let at = format!("[nodes.top]\nbind = \"{endpoint}\"");
    let second = REGIONS.replace("[nodes.top]\nbind = \"auto\"", &at);
    let second = sandbox.file("second.toml", &second);
    let up = sandbox.run(&["up", &second.display().to_string()]);
    let told = String::from_utf8(up.stderr).unwrap();
    assert!(told.contains(&format!("hopline down {}", first.display())), "{told}");
}

#[tokio::test]
async fn a_killed_supervisor_leaves_no_orphan() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let processes = sandbox.processes(&file);
    signal("-KILL", &processes[0]);
    until_gone(&processes).await;
    let down = sandbox.run(&["down", &text]);
    assert_eq!(down.status.code(), Some(0));
    let told = String::from_utf8(down.stderr).unwrap();
    assert!(told.contains("what it left behind is gone now"), "{told}");
    assert_eq!(std::fs::read_dir(sandbox.path().join("run")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_supervisor_that_stands_still_is_told_of_and_obeys_nothing_later() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let processes = sandbox.processes(&file);
    signal("-STOP", &processes[0]);
    let down = sandbox.run(&["down", &text]);
    let told = String::from_utf8(down.stderr).unwrap();
    assert!(told.contains("does not answer") && told.contains("kill -CONT"), "{told}");
    signal("-CONT", &processes[0]);
    until_converged(&sandbox, &file).await;

    signal("-STOP", &processes[0]);
    sandbox.run(&["down", &text, "--now"]);
    until_gone(&processes).await;
    let again = sandbox.run(&["down", &text]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(std::fs::read_dir(sandbox.path().join("run")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_mesh_whose_supervisor_was_killed_starts_again_at_once() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let (before, processes) = (sandbox.running(&file), sandbox.processes(&file));
    signal("-KILL", &processes[0]);
    until_gone(&processes[..1]).await;
    sandbox.data(&["up", "--detach", &text]);
    until_gone(&processes).await;
    let after = sandbox.running(&file);
    for (node, record) in &before.processes {
        assert_eq!(after.processes[node].endpoint, record.endpoint, "{node} has its port again");
    }
    until_converged(&sandbox, &file).await;
}

#[tokio::test]
async fn a_killed_node_is_started_again_and_the_mesh_converges() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    for node in ["top", "west"] {
        let before = sandbox.running(&file).processes[node].clone();
        signal("-KILL", before.process.as_ref().unwrap());
        until("the node is started again", || async {
            let now = sandbox.running(&file).processes[node].clone();
            now.restarts == 1 && now.process.is_some()
        })
        .await;
        until_converged(&sandbox, &file).await;
        let after = sandbox.running(&file).processes[node].clone();
        assert_eq!(after.endpoint, before.endpoint);
        assert_eq!(after.last_end.as_deref(), Some("was ended by signal 9"));
    }
    assert_eq!(sandbox.data(&["trace", &text, "east", "west"]), "east -> top -> west  2 hops\n");
}

#[tokio::test]
async fn a_node_whose_port_was_taken_meanwhile_moves_and_is_found() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let before = sandbox.running(&file).processes["top"].clone();
    let port = before.endpoint.as_ref().unwrap().port().unwrap();
    signal("-KILL", before.process.as_ref().unwrap());
    // The node is away for 100 ms at least; who comes in between has its port.
    let taken = TcpListener::bind(("127.0.0.1", port));
    until("the node is started again", || async {
        let now = sandbox.running(&file).processes["top"].clone();
        now.restarts == 1 && now.endpoint.is_some() && now.process.is_some()
    })
    .await;
    until_converged(&sandbox, &file).await;
    let after = sandbox.running(&file).processes["top"].clone();
    assert_eq!(after.endpoint == before.endpoint, taken.is_err());
    assert_eq!(sandbox.data(&["trace", &text, "east", "west"]), "east -> top -> west  2 hops\n");
}

#[test]
fn a_file_that_was_broken_meanwhile_can_still_be_stopped() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    std::fs::write(&file, "[mesh").unwrap();
    assert!(sandbox.data(&["status", &text]).contains("converged"));
    std::fs::remove_file(&file).unwrap();
    sandbox.data(&["down", &text]);
    let down = sandbox.run(&["down", &text]);
    assert_eq!(down.status.code(), Some(1), "neither file nor mesh is there");
}

#[test]
fn a_mesh_whose_state_was_damaged_while_it_ran_can_be_looked_at_and_stopped() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    for damaged in ["supervisor.json", "processes.json", "plan.json"] {
        sandbox.data(&["up", "--detach", &text]);
        let processes = sandbox.processes(&file);
        let place = sandbox.running(&file).place;
        std::fs::write(place.dir().join(damaged), "x").unwrap();
        let status = sandbox.run(&["status", &text]);
        let told = String::from_utf8(status.stderr).unwrap();
        match damaged {
            "plan.json" => {
                assert_eq!(status.status.code(), Some(2));
                assert!(told.contains(&format!("`hopline down {text}` stops it")), "{told}");
            }
            _ => assert_eq!(status.status.code(), Some(0), "{damaged}: {told}"),
        }
        let again = String::from_utf8(sandbox.run(&["up", &text]).stderr).unwrap();
        assert!(again.contains("runs already"), "{damaged}: {again}");
        let pid = format!("process {}", processes[0].pid);
        assert!(again.contains(&pid), "{damaged}: {again}");
        sandbox.data(&["down", &text]);
        assert_eq!(sandbox.run(&["status", &text]).status.code(), Some(1), "{damaged}");
        assert_eq!(std::fs::read_dir(sandbox.path().join("run")).unwrap().count(), 0);
    }
}

#[test]
fn damaged_state_of_a_mesh_that_does_not_run_is_made_anew() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let place = sandbox.running(&file).place;
    sandbox.data(&["down", &text]);
    for (damaged, with) in [
        ("supervisor.json", ""),
        ("processes.json", ""),
        ("ports.json", ""),
        ("plan.json", ""),
        ("key", ""),
        ("lock", "x"),
    ] {
        std::fs::write(place.dir().join(damaged), with).unwrap();
        assert_eq!(sandbox.run(&["status", &text]).status.code(), Some(1), "{damaged}");
        sandbox.data(&["up", "--detach", &text]);
        sandbox.data(&["down", &text]);
        std::fs::write(place.dir().join(damaged), with).unwrap();
        sandbox.data(&["down", &text]);
    }
}

#[test]
fn fifty_nodes_are_whole_in_time() {
    let mut text = "[mesh]\nname = \"star\"\n[nodes.hub]\n".to_owned();
    for leaf in 0..49 {
        text.push_str(&format!("[nodes.leaf-{leaf}]\nupstream = [\"hub\"]\n"));
    }
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("star.toml", &text).display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    let traced = sandbox.json(&["trace", &file, "leaf-0", "leaf-48", "--json"]);
    assert_eq!(traced["path"], serde_json::json!(["leaf-0", "hub", "leaf-48"]));
}
