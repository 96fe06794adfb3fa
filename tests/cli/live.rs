//! Verbs that run a mesh, or talk to one that runs.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use insta::assert_snapshot;
use tokio::time::Instant;

use crate::sandbox::{REGIONS, Sandbox, signal, until};

/// A `recv` that has taken its name, which node `seen_from` knows.
async fn receive(sandbox: &Sandbox, file: &Path, name: &str, more: &[&str]) -> Child {
    let text = file.display().to_string();
    let mut command = sandbox.command(&[&["recv", &text, name, "--timeout", "30s"], more].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("receiving"), "{line}");
    until("the name is known everywhere", || async {
        let nodes = sandbox.running(file).plan.nodes;
        let knows = |node: &str| sandbox.run(&["trace", &text, node, name]).status.success();
        nodes.keys().all(|node| knows(node.as_str()))
    })
    .await;
    child
}

/// A group of two at two nodes.
const CREW: &str = r##"
[mesh]
name = "crew"

[nodes.top]
bind = "auto"

[nodes.east]
bind = "auto"
upstream = ["top"]

[clients]
anna = "east"
bert = "top"

[client_groups]
crew = ["anna", "bert"]
"##;

/// A service of two members, of which each message goes to one.
const SHARED: &str = r##"
[mesh]
name = "shared"

[nodes.east]
bind = "auto"

[nodes.west]
bind = "auto"
upstream = ["east"]

[services.work]
at = ["east", "west"]
policy = "balanced"

[[expect]]
from = "east"
to = "work@west"
path = ["east", "west"]
"##;

/// `text` as tables are compared: runs of blanks inside a line count as two.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::new();
    for line in text.lines() {
        let body = line.trim_start();
        squeezed.push_str(&line[..line.len() - body.len()]);
        let cells: Vec<&str> = body.split("  ").map(str::trim).filter(|s| !s.is_empty()).collect();
        squeezed.push_str(&cells.join("  "));
        squeezed.push('\n');
    }
    squeezed
}

fn rest(mut child: Child) -> (String, Option<i32>) {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (text, child.wait().unwrap().code())
}

#[test]
fn the_demo_tells_the_whole_story_and_ends() {
    let sandbox = Sandbox::new();
    assert_snapshot!(squeezed(&sandbox.show(&["demo"])));
    let run = sandbox.path().join("run");
    assert_eq!(std::fs::read_dir(run).unwrap().count(), 0, "sockets are left behind");
}

#[test]
fn a_mesh_is_started_looked_at_and_stopped() {
    let (sandbox, file) = Sandbox::with_regions();
    let file = file.display().to_string();
    let mut text = sandbox.show(&["status", &file]);
    text.push_str(&sandbox.show(&["up", "--detach", &file]));
    let mut status = sandbox.show(&["status", &file]);
    for process in sandbox.processes(Path::new(&file)) {
        status = status.replace(&process.pid.to_string(), "[PID]");
    }
    let messages = status.lines().find(|line| line.starts_with("messages: ")).unwrap().to_owned();
    let (sent, delivered) = messages.split_once(" sent = ").unwrap();
    let (sent, delivered) = (&sent["messages: ".len()..], delivered.split(' ').next().unwrap());
    assert_eq!((sent, messages.contains(" + ")), (delivered, false), "{messages}");
    status = status.replace(&messages, &messages.replace(sent, "[N]"));
    text.push_str(&squeezed(&status));
    text.push_str(&squeezed(&sandbox.show(&["routes", &file, "east"])));
    text.push_str(&sandbox.show(&["down", &file]));
    text.push_str(&sandbox.show(&["down", &file]));
    assert_snapshot!(text);
}

#[test]
fn status_is_one_document_with_what_was_planned() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let status = sandbox.json(&["status", &text, "--json"]);
    assert_eq!(status["mesh"], "regions");
    assert_eq!(status["converged"], true);
    assert!(status["revision"].is_string());
    let nodes = status["nodes"].as_array().unwrap();
    let names: Vec<_> = nodes.iter().map(|node| node["node"].as_str().unwrap()).collect();
    assert_eq!(names, ["east", "top", "west"]);
    for node in nodes {
        assert_eq!((&node["state"], &node["restarts"]), (&"up".into(), &0.into()), "{node}");
        assert!(node["pid"].is_u64() && node["endpoint"].is_string(), "{node}");
        assert!(node["links"].as_array().unwrap().iter().all(|link| link["up"] == true), "{node}");
    }
    let alice = &nodes[0]["clients"][0];
    assert_eq!(
        (&alice["name"], &alice["planned"], &alice["attached"]),
        (&"alice".into(), &true.into(), &false.into())
    );
}

#[tokio::test]
async fn a_message_is_received_with_the_way_that_it_took() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let bob = receive(&sandbox, &file, "bob", &["-n", "3"]).await;
    let mut shown = sandbox.show(&["send", &text, "bob", "good morning", "--as", "alice"]);
    shown.push_str(&sandbox.show(&[
        "send",
        &text,
        "bob",
        "{\"a\": 1}",
        "--json-content",
        "--at",
        "top",
        "--as",
        "carol",
        "--json",
    ]));
    // The last one, so that bob is there for as long as the others are looked after.
    sandbox.run(&["send", &text, "bob", "the end", "--as", "alice"]);
    let (received, code) = rest(bob);
    shown.push_str(&format!("--- bob has\n{received}--- exit {code:?}\n"));
    assert_snapshot!(shown);
}

/// Scenario 22, as people see it: a message to several is reported, whatever its class.
#[tokio::test]
async fn scenario_22_a_message_to_several_is_reported() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("crew.toml", CREW);
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let anna = receive(&sandbox, &file, "anna", &["-n", "5"]).await;
    let bert = receive(&sandbox, &file, "bert", &["-n", "4"]).await;
    let send = |to: &str, more: &[&str]| {
        let sent = ["send", &text, to, "hello", "--as", "alice"];
        sandbox.show(&[&sent[..], more].concat())
    };
    let mut shown = send("#crew", &[]);
    shown.push_str(&send("#crew", &["--confirmed"]));
    shown.push_str(&send("#crew", &["--json"]));
    shown.push_str(&send("*", &["--confirmed", "--json"]));
    let (received, code) = rest(bert);
    shown.push_str(&format!("--- bert has\n{received}--- exit {code:?}\n"));
    shown.push_str(&send("#nobody", &[]));
    shown.push_str(&send("#nobody", &["--json"]));
    shown.push_str(&send("#", &[]));
    sandbox.run(&["send", &text, "anna", "the end", "--as", "alice"]);
    let (received, code) = rest(anna);
    shown.push_str(&format!("--- anna has\n{received}--- exit {code:?}\n"));
    assert_snapshot!(shown);
}

#[tokio::test]
async fn a_message_to_a_balanced_service_is_told_with_its_own_way() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("shared.toml", SHARED);
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let east = receive(&sandbox, &file, "work", &["--at", "east", "--json"]).await;
    let west = receive(&sandbox, &file, "work", &["--at", "west", "--json"]).await;
    until("each node knows both members", || async {
        let knows =
            |from: &str, to: &str| sandbox.run(&["trace", &text, from, to]).status.success();
        knows("east", "work@west") && knows("west", "work@east")
    })
    .await;

    // Nobody stands in for members that are there.
    sandbox.data(&["test", &text, "--live"]);
    let mut told = Vec::new();
    for number in 0..12 {
        let content = number.to_string();
        let class = if number % 2 == 0 { &["--confirmed"][..] } else { &[] };
        let sent = ["send", &text, "work", &content, "--at", "east", "--json"];
        let sent = sandbox.json(&[&sent[..], class].concat());
        told.push((content, sent["path"].clone()));
    }
    let mut came = Vec::new();
    for (node, mut member) in [("east", east), ("west", west)] {
        sandbox.data(&["send", &text, &format!("work@{node}"), "the end"]);
        for line in BufReader::new(member.stdout.as_mut().unwrap()).lines() {
            let received: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            let content = received["payload"][0].as_str().unwrap().to_owned();
            if content == "the end" {
                break;
            }
            came.push((content, received["path"].clone()));
        }
        member.kill().unwrap();
        member.wait().unwrap();
    }
    let by_number = |(content, _): &(String, serde_json::Value)| content.parse::<u32>().unwrap();
    came.sort_by_key(by_number);
    assert_eq!(told, came);
}

#[tokio::test]
async fn the_way_of_a_running_mesh_is_the_one_that_was_foretold() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let mut bob = receive(&sandbox, &file, "bob", &[]).await;
    for (from, to) in [("alice", "bob"), ("alice", "west"), ("bob", "east"), ("top", "east")] {
        let foretold = sandbox.json(&["route", &text, from, to, "--json"]);
        let traced = sandbox.json(&["trace", &text, from, to, "--json"]);
        for key in ["from", "to", "path", "hops", "reachable"] {
            assert_eq!(foretold[key], traced[key], "{from} to {to}: {key}");
        }
    }
    bob.kill().unwrap();
    bob.wait().unwrap();
}

#[test]
fn what_is_not_reached_is_told_with_the_reason_and_the_node() {
    let (sandbox, file) = Sandbox::with_regions();
    let file = file.display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    assert_snapshot!(
        [
            &["send", &file, "carol", "hi", "--json"][..],
            &["send", &file, "bob", "hi"],
            &["send", &file, "bob", "{", "--json-content"],
            &["ping", &file, "carol"],
            &["ping", &file, "carol", "--json"],
            &["trace", &file, "alice", "bob"],
            &["trace", &file, "alice", "bob", "--json"],
            &["trace", &file, "alcie", "bob"],
            &["trace", &file, "alcie", "bob", "--json"],
            &["trace", &file, "alice", "#crew"],
            &["explain", &file, "alice", "*", "--json"],
            &["ping", &file, "#"],
            &["send", &file, "west", "hi", "--confirmed"],
            &["send", &file, "bob", "hi", "--at", "wets"],
            &["recv", &file, "#crew"],
            &["recv", &file, "bob@west"],
            &["recv", &file, "bob", "-n", "1", "--timeout", "1s"],
            &["recv", &file, "bob", "--timeout", "1s"],
            &["recv", &file, "top", "--at", "east", "--timeout", "1s"],
        ]
        .map(|command| sandbox.show(command))
        .join("\n")
    );
    // Nothing was lost without a count.
    let status = sandbox.data(&["status", &file]);
    assert!(status.contains("unknown destination"), "{status}");
}

#[test]
fn a_node_that_does_not_answer_is_named_once_the_time_is_over() {
    let mut sandbox = Sandbox::new();
    // Its silence is to be noticed.
    let file = sandbox.file("regions.toml", &REGIONS.replace("link_silence", "# "));
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let west = sandbox.running(&file).processes["west"].process.clone().unwrap();
    assert!(signal("-STOP", &[west.pid]));
    let started = Instant::now();
    for command in [
        &["trace", &text, "west", "east", "--timeout", "300ms"][..],
        &["trace", &text, "west", "east", "--timeout", "300ms", "--json"],
        &["ping", &text, "east", "--at", "west", "--timeout", "300ms", "--json"],
        &["send", &text, "alice", "hi", "--at", "west", "--timeout", "300ms", "--json"],
        &["recv", &text, "bob", "--timeout", "300ms"],
    ] {
        let output = sandbox.run(command);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
        assert_eq!(told, "error: node `west` does not answer\n", "{command:?}");
        let document: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_default();
        if command.contains(&"--json") {
            assert_eq!(document["reachable"], false, "{command:?}");
            assert_eq!(document["reason"], "node `west` does not answer");
        }
    }
    for command in [
        &["trace", &text, "east", "west", "--timeout", "300ms", "--json"][..],
        &["ping", &text, "west", "--at", "east", "--timeout", "300ms", "--json"],
    ] {
        loop {
            let output = sandbox.run(command);
            assert_eq!(output.status.code(), Some(1));
            let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(document["reachable"], false, "{document}");
            // Its neighbours notice that it is silent.
            if document["reason"] == "unreachable" {
                break;
            }
            assert_eq!(document["reason"], "no answer in time", "{document}");
            assert!(started.elapsed() < Duration::from_secs(9), "{document}");
        }
    }
    let taken = started.elapsed();
    // Its supervisor may have ended it meanwhile, since it is silent.
    let _ = signal("-CONT", &[west.pid]);
    assert!(taken < Duration::from_secs(9), "{taken:?}");
}
