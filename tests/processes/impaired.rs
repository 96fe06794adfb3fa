//! Links of a running mesh that are made to suffer, by the file and by order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hopline::testkit::{Impairment, Mesh, PATIENCE};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::sandbox::{REGIONS, Sandbox, signal, until};

/// The regions, running.
fn regions() -> (Sandbox, PathBuf, String) {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    (sandbox, file, text)
}

/// The least of some round trips from east to `to`, in milliseconds.
fn round_trip(sandbox: &Sandbox, file: &str, to: &str) -> f64 {
    let pings = sandbox.json(&["ping", file, to, "--at", "east", "-n", "3", "--json"]);
    let times = pings["round_trips_ms"].as_array().unwrap().iter();
    times.map(|time| time.as_f64().unwrap()).fold(f64::INFINITY, f64::min)
}

/// A count of a node.
fn count(sandbox: &Sandbox, file: &str, node: &str, counter: &str) -> u64 {
    let status = sandbox.json(&["status", file, "--json"]);
    let nodes = status["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|it| it["node"] == node).unwrap();
    node["counters"][counter].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_running_link_is_made_slow_and_left_alone_again() {
    let (sandbox, _, text) = regions();
    assert_eq!(sandbox.data(&["impair", &text, "top--east"]), "east--top: not impaired\n");
    let said = sandbox.data(&["impair", &text, "east--top", "--latency", "40ms"]);
    assert_eq!(said, "east--top: latency 40ms\n");
    // 40 ms each way, on one link of the two.
    let slow = round_trip(&sandbox, &text, "west");
    assert!(slow >= 80.0, "{slow} ms");
    let both =
        sandbox.data(&["impair", &text, "west--top", "--latency", "20ms", "--jitter", "5ms"]);
    assert_eq!(both, "top--west: latency 20ms, jitter 5ms\n");
    let slower = round_trip(&sandbox, &text, "west");
    assert!(slower >= 110.0, "{slower} ms");

    let status = sandbox.data(&["status", &text]);
    assert!(status.contains("east (latency 40ms)"), "{status}");
    assert!(status.contains("west (latency 20ms, jitter 5ms)"), "{status}");
    let status = sandbox.json(&["status", &text, "--json"]);
    assert_eq!(status["nodes"][0]["links"][0]["impairment"], json!({ "latency_ms": 40.0 }));
    until("the names of the pings are gone everywhere", || async {
        sandbox.json(&["status", &text, "--json"])["converged"] == true
    })
    .await;

    // What is given is all that there is from then on.
    let said = sandbox.data(&["impair", &text, "east--top", "--rate", "1MB/s"]);
    assert_eq!(said, "east--top: rate 1MB/s\n");
    for link in ["east--top", "top--west"] {
        let said = sandbox.data(&["impair", &text, link, "--clear"]);
        assert_eq!(said, format!("{link}: not impaired\n"));
    }
    let status = sandbox.data(&["status", &text]);
    assert!(!status.contains("latency"), "{status}");
}

#[tokio::test]
async fn a_link_that_loses_all_loses_no_routes_and_counts_what_it_lost() {
    let (sandbox, file, text) = regions();
    let lossy = ["impair", &text, "east--top", "--loss", "1", "--seed", "7", "--json"];
    let end = |node: &str, neighbour: &str| {
        json!({
            "node": node, "neighbour": neighbour, "up": true, "cut": false,
            "impairment": { "loss": 1.0, "seed": 7 },
        })
    };
    let ends = json!([end("east", "top"), end("top", "east")]);
    assert_eq!(sandbox.json(&lossy), json!({ "link": "east--top", "ends": ends }));
    let ping = ["ping", &text, "west", "--at", "east", "--timeout", "500ms", "--json"];
    let output = sandbox.run(&ping);
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["reason"], "no answer in time");
    assert_eq!(count(&sandbox, &text, "east", "lost by impairment"), 1);
    until("the mesh is whole and its nodes agree", || async {
        let status = sandbox.json(&["status", &text, "--json"]);
        status["converged"] == true && status["lacks"].is_null()
    })
    .await;
    let table = sandbox.data(&["status", &text]);
    assert!(table.contains("lost by impairment"), "{table}");

    sandbox.data(&["impair", &text, "east--top", "--clear"]);
    assert!(round_trip(&sandbox, &text, "west") < PATIENCE.as_secs_f64() * 1000.0);
    assert_eq!(count(&sandbox, &text, "east", "lost by impairment"), 1);
    assert_eq!(sandbox.processes(&file).len(), 4);
}

#[tokio::test]
async fn a_link_is_cut_and_healed_from_the_command_line() {
    let (sandbox, _, text) = regions();
    let said = sandbox.data(&["impair", &text, "east--top", "--cut", "--loss", "0.5%"]);
    assert_eq!(said, "east--top: cut, loss 0.5%\n");
    let trace = sandbox.run(&["trace", &text, "east", "west"]);
    assert_eq!(trace.status.code(), Some(1));
    let status = sandbox.data(&["status", &text]);
    assert!(status.contains("(cut)"), "{status}");
    let said = sandbox.data(&["impair", &text, "east--top", "--heal", "--clear"]);
    assert_eq!(said, "east--top: not impaired\n", "the link has come up again by then");
    until("the way is there again", || async {
        sandbox.run(&["trace", &text, "east", "west"]).status.success()
    })
    .await;
}

#[test]
fn what_cannot_be_impaired_is_told() {
    let (mut sandbox, file) = Sandbox::with_regions();
    let other = sandbox.file("other.toml", REGIONS);
    let (text, other) = (file.display().to_string(), other.display().to_string());
    sandbox.data(&["up", "--detach", &text]);
    let shown = [
        &["impair", &other, "east--top", "--loss", "1"][..],
        &["impair", &text, "east--west"],
        &["impair", &text, "east--tpo"],
        &["impair", &text, "east"],
        &["impair", &text, "east--top", "--loss", "2"],
        &["impair", &text, "east--top", "--latency", "20"],
        &["impair", &text, "east--top", "--rate", "10Mbps"],
        &["impair", &text, "east--top", "--rate", "0B/s"],
        &["impair", &text, "east--top", "--seed", "7"],
        &["impair", &text, "east--top", "--clear", "--loss", "1"],
        &["impair", &text, "east--top", "--cut", "--heal"],
    ]
    .map(|command| sandbox.show(command))
    .join("\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn an_end_that_does_not_answer_is_named_and_the_other_is_told() {
    let (sandbox, file, text) = regions();
    let west = sandbox.running(&file).processes["west"].process.clone().unwrap();
    assert!(signal("-STOP", &[west.pid]));
    let output =
        sandbox.run(&["impair", &text, "west--top", "--latency", "1ms", "--timeout", "500ms"]);
    // Its supervisor may have ended it meanwhile, since it is silent.
    let _ = signal("-CONT", &[west.pid]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let expected =
        "error: only one end of top--west was told, `top`: node `west` does not answer\n";
    assert!(told.starts_with(expected), "{told}");
    let status = sandbox.data(&["status", &text]);
    assert!(status.contains("west (latency 1ms)"), "{status}");
}

/// The file says so, in processes as in memory, and an order says more.
#[tokio::test]
async fn what_the_file_says_of_a_link_holds_from_the_start() {
    let mut sandbox = Sandbox::new();
    let west = "[nodes.west]\nbind = \"auto\"\nupstream = [\"top\"]";
    assert!(REGIONS.contains(west));
    let slow = "[nodes.west]\nbind = \"auto\"\n\
                upstream = [{ node = \"top\", latency = \"30ms\", loss = 0.0 }]";
    let written = REGIONS.replace(west, slow);
    let file = sandbox.file("slow.toml", &written);
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let said = "top--west: latency 30ms, loss 0%\n";
    assert_eq!(sandbox.data(&["impair", &text, "top--west"]), said);
    let slow = round_trip(&sandbox, &text, "west");
    assert!(slow >= 60.0, "{slow} ms");

    let mesh = Mesh::from_text("slow.toml", &written).await.unwrap();
    round_trip_in(&mesh, Duration::from_millis(60)).await;
    let slower = Impairment { latency: Some(Duration::from_millis(25)), ..Impairment::default() };
    mesh.impair("east--top", slower).await.unwrap();
    round_trip_in(&mesh, Duration::from_millis(110)).await;
    mesh.shutdown().await;
    let mesh = Mesh::processes(Path::new(&file), env!("CARGO_BIN_EXE_hopline")).await.unwrap();
    mesh.impair("east--top", slower).await.unwrap();
    round_trip_in(&mesh, Duration::from_millis(110)).await;
    mesh.shutdown().await;
}

/// A round trip from east to west takes no less than this.
async fn round_trip_in(mesh: &Mesh, least: Duration) {
    let started = Instant::now();
    let trace = mesh.trace("east", "west").await.unwrap();
    assert_eq!(trace.nodes(), ["east", "top", "west"]);
    assert!(started.elapsed() >= least, "{:?} is less than {least:?}", started.elapsed());
}
