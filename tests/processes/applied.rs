//! Plans that are applied to a running mesh, as processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval};

use crate::alone::write_key;
use crate::drain::{DIAMOND, Receiver, Sender};
use crate::sandbox::{PATIENCE, Sandbox, signal, until};

/// The diamond, running.
pub(crate) fn diamond() -> (Sandbox, PathBuf, String) {
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("diamond.toml", DIAMOND);
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    (sandbox, file, text)
}

/// What is to be written instead of what.
type Changes = &'static [(&'static str, &'static str)];

/// Writes the file anew, with something else in it.
pub(crate) fn rewrite(file: &Path, changes: &[(&str, &str)]) {
    let mut text = DIAMOND.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    std::fs::write(file, text).unwrap();
}

/// The processes of the nodes.
pub(crate) fn pids(sandbox: &Sandbox, file: &Path) -> BTreeMap<String, u32> {
    let processes = sandbox.running(file).processes;
    let pid = |(node, record): (_, hopline::topo::launch::ProcessRecord)| {
        let node: hopline::mesh::name::NodeName = node;
        Some((node.to_string(), record.process?.pid))
    };
    processes.into_iter().filter_map(pid).collect()
}

/// What `apply` says, which is what its dry run says.
fn both(sandbox: &Sandbox, file: &str) -> String {
    let [dry, wet] = [&["--dry-run"][..], &[]].map(|more| {
        let output = sandbox.run(&[&["apply", file], more].concat());
        sandbox.shown(&["apply", file], &output)
    });
    assert_eq!(dry, wet);
    wet
}

/// Scenario 76: a file with mistakes changes nothing, and they are told.
#[test]
fn scenario_76_a_file_with_mistakes_changes_nothing() {
    let (sandbox, file, text) = diamond();
    let before =
        (pids(&sandbox, &file), sandbox.json(&["status", &text, "--json"])["revision"].clone());
    rewrite(&file, &[("cost = 20", "cost = 0"), ("upstream = [\"a\"]", "upstream = [\"z\"]")]);
    let mut shown = sandbox.show(&["apply", &text]);
    rewrite(&file, &[("name = \"diamond\"", "name = \"other\"")]);
    shown.push_str(&both(&sandbox, &text));
    rewrite(&file, &[("name = \"diamond\"\n", "name = \"diamond\"\nkey_file = \"key\"\n")]);
    shown.push_str(&both(&sandbox, &text));
    rewrite(&file, &[("[nodes.d]", "[nodes.d")]);
    shown.push_str(&sandbox.show(&["apply", &text]));
    assert_snapshot!(shown);
    let after =
        (pids(&sandbox, &file), sandbox.json(&["status", &text, "--json"])["revision"].clone());
    assert_eq!(before, after);
    rewrite(&file, &[]);
    let applied = sandbox.json(&["apply", &text, "--json"]);
    assert_eq!(applied["applied"]["number"], 1, "none was applied before");
}

/// Scenarios 76 and 79: a key is not changed while the mesh runs. A file that holds another one is refused as another
/// file is, and the nodes keep theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_76_79_another_key_in_the_same_file_is_refused() {
    let mut sandbox = Sandbox::new();
    write_key(&sandbox);
    let key = sandbox.path().join("key");
    let first = std::fs::read_to_string(&key).unwrap();
    let named = DIAMOND.replace("[mesh]\n", "[mesh]\nkey_file = \"key\"\n");
    let file = sandbox.file("diamond.toml", &named);
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let before = pids(&sandbox, &file);
    std::fs::write(&file, named.replace("cost = 20", "cost = 2")).unwrap();
    let mut shown = String::new();
    for other in [Some("1f".repeat(32)), Some("1f".to_owned()), None] {
        match other {
            Some(other) => std::fs::write(&key, other).unwrap(),
            None => std::fs::remove_file(&key).unwrap(),
        }
        shown.push_str(&both(&sandbox, &text));
    }
    assert_snapshot!(shown);
    let way = || sandbox.json(&["trace", &text, "a", "d", "--json"])["path"].clone();
    assert_eq!(way(), json!(["a", "b", "d"]), "the old file holds");
    // A node that is started again has the key of the others.
    assert!(signal("-KILL", &[before["b"]]));
    until("it is started again", || async {
        pids(&sandbox, &file).get("b").is_some_and(|pid| *pid != before["b"])
    })
    .await;
    assert_eq!(sandbox.running(&file).converged(PATIENCE).await, Ok(()));

    std::fs::write(&key, first).unwrap();
    sandbox.data(&["apply", &text]);
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(way(), json!(["a", "c", "d"]));
}

/// Scenario 77: links and nodes come and go under traffic; nothing else changes, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_77_links_and_nodes_come_and_go_under_traffic() {
    let (sandbox, file, text) = diamond();
    let before = pids(&sandbox, &file);
    let at = |node: &str| sandbox.running(&file).processes[node].endpoint.clone().unwrap();
    let mut dave = Receiver::attach(&at("d"), "dave").await;
    let mut alice = Sender::attach(&at("a"), "alice", "dave").await;
    let mut tick = interval(Duration::from_millis(1));

    // A cheaper way, then a link less, then a node more, then all as it was.
    let changes: [(Changes, &[&str]); 4] = [
        (&[("cost = 20", "cost = 2")], &["a", "c", "d"]),
        (
            &[("[\"b\", { node = \"c\", cost = 20 }]", "[{ node = \"c\", cost = 20 }]")],
            &["a", "c", "d"],
        ),
        (
            &[(
                "[nodes.d]\nbind = \"auto\"\nupstream = [\"b\",",
                "[nodes.e]\nbind = \"auto\"\nupstream = [{ node = \"a\", cost = 1 }]\n\n\
                 [nodes.d]\nbind = \"auto\"\nupstream = [\"b\", { node = \"e\", cost = 1 },",
            )],
            &["a", "e", "d"],
        ),
        (&[], &["a", "b", "d"]),
    ];
    for (change, way) in changes {
        rewrite(&file, change);
        let mut commands = [
            sandbox.command(&["apply", &text]),
            sandbox.command(&["status", &text, "--converged", "--wait", "10s"]),
        ];
        let applying = spawn_blocking(move || commands.each_mut().map(|it| it.output().unwrap()));
        while !applying.is_finished() {
            tick.tick().await;
            alice.send().await.unwrap();
        }
        for output in applying.await.unwrap() {
            assert!(output.status.success(), "{output:?}");
        }
        let deadline = Instant::now() + PATIENCE;
        while dave.way != way {
            assert!(Instant::now() < deadline, "{:?} instead of {way:?}", dave.way);
            alice.send().await.unwrap();
            dave.hear(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new(), "{:?}", alice.told);
    // While news of costs travel, two nodes may for a moment each think the other one nearer; that is told.
    assert!(alice.told.values().all(|why| why == "next hop is source"), "{:?}", alice.told);
    assert_eq!(pids(&sandbox, &file), before, "no node was started again");
    assert_eq!(sandbox.running(&file).converged(PATIENCE).await, Ok(()));
}

/// Scenario 78: ten changes, one after the other as fast as they go; the last one holds, and no link is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_78_of_ten_plans_the_last_one_holds() {
    let (sandbox, file, text) = diamond();
    let before = pids(&sandbox, &file);
    let without = [("[\"b\", { node = \"c\", cost = 20 }]", "[{ node = \"c\", cost = 20 }]")];
    let links = || {
        let status = sandbox.json(&["status", &text, "--json"]);
        let nodes = status["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["links"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    for round in 0..10 {
        rewrite(&file, if round % 2 == 0 { &without } else { &[] });
        sandbox.data(&["apply", &text]);
    }
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(links(), [2, 2, 2, 2]);
    rewrite(&file, &without);
    sandbox.data(&["apply", &text]);
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    until("the link is gone", || async { links() == [2, 1, 2, 1] }).await;
    assert_eq!(pids(&sandbox, &file), before);
}

/// Scenario 79: limits are lowered. What only a restart brings about is told, and the node leaves without loss before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_79_limits_are_lowered_live_or_by_a_restart_that_is_told() {
    let (sandbox, file, text) = diamond();
    let before = pids(&sandbox, &file);
    let node_b = "[nodes.b]\nbind = \"auto\"\n";
    let limited = |limits: &str| format!("{node_b}limits = {{ {limits} }}\n");
    rewrite(&file, &[(node_b, &limited("queue_messages = 5, window_messages = 2"))]);
    let mut shown = sandbox.show(&["apply", &text, "--dry-run"]);
    shown.push_str(&sandbox.show(&["apply", &text]));
    assert_eq!(pids(&sandbox, &file), before, "a queue is lowered live");
    let mesh =
        ("name = \"diamond\"\n", "name = \"diamond\"\nhello = '100ms'\nlink_silence = '2s'\n");
    rewrite(
        &file,
        &[mesh, (node_b, &limited("flow_messages = 5, flow_bytes = '1MiB', kept = '1MiB'"))],
    );
    shown.push_str(&sandbox.show(&["apply", &text]));
    assert_eq!(pids(&sandbox, &file), before, "and so are flow and signs of life");
    rewrite(&file, &[(node_b, &limited("unfinished = '2MiB'"))]);
    shown.push_str(&sandbox.show(&["apply", &text, "--dry-run"]));
    let dry = sandbox.json(&["apply", &text, "--dry-run", "--json"]);
    assert_eq!((&dry["would_restart"], &dry["applied"]), (&json!({"b": ["limits"]}), &Value::Null));
    shown.push_str(&sandbox.show(&["apply", &text]));
    assert_snapshot!(shown);
    let after = pids(&sandbox, &file);
    assert_ne!(after["b"], before["b"]);
    for node in ["a", "c", "d"] {
        assert_eq!(after[node], before[node]);
    }
    assert_eq!(sandbox.running(&file).converged(PATIENCE).await, Ok(()));
    let status = sandbox.json(&["status", &text, "--json"]);
    assert_eq!(status["nodes"][1]["restarts"], 0, "it was asked to");
    assert_eq!(status["ledger_complete"], false, "its counts are gone");
}

/// Scenario 79: fewer clients may be connected than are. The newest are closed, which is counted and logged; the others
/// and all links stay, and no message of theirs is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_79_of_more_clients_than_are_allowed_the_newest_are_closed() {
    let (sandbox, file, text) = diamond();
    let before = pids(&sandbox, &file);
    let at = |node: &str| sandbox.running(&file).processes[node].endpoint.clone().unwrap();
    let mut dave = Receiver::attach(&at("d"), "dave").await;
    let mut crowd = Vec::new();
    for name in ["erin", "frank", "grace"] {
        crowd.push(Receiver::attach(&at("d"), name).await);
    }
    let mut alice = Sender::attach(&at("a"), "alice", "dave").await;
    let mut tick = interval(Duration::from_millis(1));
    let nodes_d = ("[nodes.d]\n", "[nodes.d]\nlimits = { connections = 2 }\n");
    rewrite(&file, &[nodes_d]);
    let mut command = sandbox.command(&["apply", &text]);
    let applying = spawn_blocking(move || command.output().unwrap());
    while !applying.is_finished() {
        tick.tick().await;
        alice.send().await.unwrap();
    }
    let output = applying.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("~ d  limits: none becomes connections 2"), "{said}");
    assert!(!said.contains("started again"), "{said}");

    let status = || sandbox.json(&["status", &text, "--json"])["nodes"][3].clone();
    let are_here = |it: &Value| it["clients"].as_array().unwrap().len() == 2;
    until("the newest are gone", || async { are_here(&status()) }).await;
    let status = status();
    let here = status["clients"].as_array().unwrap().iter().map(|it| it["name"].clone());
    assert_eq!(here.collect::<Vec<_>>(), ["dave", "erin"]);
    assert!(status["counters"]["too many connections"].as_u64().unwrap() >= 2, "{status}");
    let links = status["links"].as_array().unwrap();
    assert!(links.len() == 2 && links.iter().all(|link| link["up"] == true), "{status}");
    let log = sandbox.running(&file).place.log(&"d".parse().unwrap());
    let log = std::fs::read_to_string(log).unwrap();
    let told = log.lines().find(|line| line.contains("fewer connections may be open")).unwrap();
    assert!(told.contains("connections=2") && told.contains("closed=2"), "{told}");
    assert!(!log.contains("link down"), "{log}");

    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new());
    assert_eq!(alice.told, BTreeMap::new());
    let mut bob = Sender::attach(&at("a"), "bob", "grace").await;
    bob.send().await.unwrap();
    assert_eq!(bob.unaccounted(&mut crowd[2]).await, Vec::<u32>::new());
    assert_eq!(bob.told.len(), 1, "nobody of that name is here");
    // Where more are allowed again, they come by themselves.
    rewrite(&file, &[]);
    sandbox.data(&["apply", &text]);
    assert_eq!(pids(&sandbox, &file), before, "no node was started again");
    until("all are here", || async {
        let status = sandbox.json(&["status", &text, "--json"]);
        status["nodes"][3]["clients"].as_array().unwrap().len() == 4
    })
    .await;
}

/// A node that is removed leaves; one that is stopped stays so until it is to serve again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_removed_and_stopped() {
    let (sandbox, file, text) = diamond();
    let way = || sandbox.json(&["trace", &text, "a", "d", "--json"])["path"].to_string();
    let is_complete = || sandbox.json(&["status", &text, "--json"])["ledger_complete"] == true;
    assert!(is_complete());
    assert_eq!(sandbox.data(&["drain", &text, "b", "--stop"]), "b: stopped\n");
    assert!(sandbox.data(&["status", &text]).contains("stopped"));
    assert_eq!(way(), r#"["a","c","d"]"#);
    assert_eq!(sandbox.data(&["drain", &text, "b", "--undo"]), "b: serves as before\n");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(way(), r#"["a","b","d"]"#);
    assert!(!is_complete(), "the counts of its last run are gone");

    let removed = [
        ("[nodes.b]\nbind = \"auto\"\nupstream = [\"a\"]\n", ""),
        ("[\"b\", { node = \"c\", cost = 20 }]", "[{ node = \"c\", cost = 20 }]"),
    ];
    rewrite(&file, &removed);
    let said = sandbox.data(&["apply", &text]);
    assert!(said.contains("stopped: b"), "{said}");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(way(), r#"["a","c","d"]"#);
    assert!(!pids(&sandbox, &file).contains_key("b"));
}

/// A node that does not answer is told of and holds nobody up; it goes by the plan when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_reached_follows_when_it_is_back() {
    let (sandbox, file, text) = diamond();
    let before = pids(&sandbox, &file);
    assert!(signal("-STOP", &[before["c"]]));
    rewrite(&file, &[("cost = 20", "cost = 2")]);
    let output = sandbox.run(&["apply", &text]);
    assert!(signal("-CONT", &[before["c"]]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not reached, and will follow when they are back: c\n"), "{said}");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    until("it goes by the plan", || async {
        sandbox.json(&["trace", &text, "a", "d", "--json"])["path"] == json!(["a", "c", "d"])
    })
    .await;
    assert_eq!(pids(&sandbox, &file), before);
}

/// Changes that come at the same time are made one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_that_come_at_once_are_applied_one_by_one() {
    let (sandbox, file, text) = diamond();
    let before = pids(&sandbox, &file);
    let mut applying: Vec<_> = (0..5)
        .map(|_| sandbox.command(&["apply", &text, "--json"]).stdout(Stdio::piped()).spawn())
        .map(Result::unwrap)
        .collect();
    let mut numbers: Vec<u64> = Vec::new();
    for child in applying.drain(..) {
        let output = child.wait_with_output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        numbers.push(document["applied"]["number"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(pids(&sandbox, &file), before);
}

/// A node that is moved to a port which somebody else has is told at once, and so is that it is back when the file says so.
#[tokio::test]
async fn a_node_that_moves_to_a_taken_port_is_told_and_comes_back() {
    let (sandbox, file, text) = diamond();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("bind = \"{}\"", taken.local_addr().map(|at| format!("tcp://{at}")).unwrap());
    let (auto, moved) = ("[nodes.b]\nbind = \"auto\"", format!("[nodes.b]\n{at}"));
    rewrite(&file, &[(auto, &moved)]);
    let started = Instant::now();
    let apply = || {
        let output = sandbox.run(&["apply", &text, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report["applied"].clone())
    };
    let (code, applied) = apply();
    assert_eq!((code, &applied["late"]), (Some(1), &json!(["b"])), "{applied}");
    let why = applied["reasons"]["b"].to_string();
    assert!(why.contains("is taken"), "{applied}");
    rewrite(&file, &[]);
    let (code, applied) = apply();
    assert_eq!((code, &applied["late"]), (Some(0), &json!([])), "{applied}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(sandbox.data(&["trace", &text, "a", "d"]), "a -> b -> d  2 hops\n");
}
