//! The examples, run as a reader runs them: each ends by itself and says what the dialects promise.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// An example's program, beside the tests. `cargo test -p hopline-core` builds all of them; `--test examples` alone does not.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a test is a program");
    let program = tests.with_file_name("../examples").join(name);
    assert!(program.exists(), "{} is not built: `cargo build --examples`", program.display());
    program
}

/// What an example prints, line by line.
async fn lines(name: &str) -> Vec<String> {
    let ran = Command::new(program(name)).kill_on_drop(true).output();
    let done = timeout(Duration::from_secs(30), ran).await.expect("it ends").expect("it runs");
    let said = String::from_utf8(done.stdout).expect("text");
    assert!(done.status.success(), "{name}: {}\n{said}", String::from_utf8_lossy(&done.stderr));
    said.lines().map(str::to_owned).collect()
}

/// The JSON behind a mark in each line that has it.
fn behind(lines: &[String], mark: &str) -> Vec<Value> {
    let behind = |line: &String| Some(line.split_once(mark)?.1.to_owned());
    let parsed = |text: String| serde_json::from_str(&text).expect("JSON");
    lines.iter().filter_map(behind).map(parsed).collect()
}

/// The object without what tells the time, which has to be there.
fn timeless(mut object: Value, times: &[&str]) -> Value {
    for time in times {
        let removed = object.as_object_mut().and_then(|fields| fields.remove(*time));
        assert!(removed.is_some_and(|time| time.is_f64()), "{time} of {object}");
    }
    object
}

#[tokio::test]
async fn a_broker_registers_pongs_and_refuses_nonsense() {
    let said = behind(&lines("broker").await, " -> ");
    let [welcome, pong, error] = said.try_into().expect("three replies");
    assert_eq!(welcome["type"], "registration_ack");
    assert_eq!((&welcome["status"], &welcome["client_id"]), (&json!("success"), &json!("#1")));
    assert_eq!(welcome["message"], "Registered as ann");
    let stats = json!({"received": 2, "sent": 1, "errors": 0});
    assert_eq!(timeless(pong, &["timestamp"]), json!({"type": "pong", "stats": stats}));
    let error = timeless(error, &["timestamp"]);
    assert_eq!(error["type"], "error");
    let why = error["message"].as_str().expect("text");
    assert!(why.starts_with("Message processing error: "), "{why}");
}

#[tokio::test]
async fn two_clients_of_a_broker_are_listed_and_hear_each_other() {
    let lines = lines("broker_client").await;
    let kinds = |said: &[Value]| said.iter().map(|it| it["type"].clone()).collect::<Vec<_>>();
    let ann = behind(&lines, "ann <- ");
    let replies = [
        "registration_ack",
        "client_list",
        "delivery_confirmation",
        "broadcast_confirmation",
        "pong",
    ];
    assert_eq!(kinds(&ann), replies);
    assert_eq!(ann[0]["client_id"], "ann");
    assert_eq!(ann[1]["total"], 2);
    let times = ["connected_since", "last_activity"];
    let listed = |at: usize| timeless(ann[1]["clients"][at].clone(), &times);
    assert_eq!(listed(0), json!({"name": "bob", "message_count": 1}));
    assert_eq!(listed(1), json!({"name": "ann", "message_count": 2}));
    assert_eq!(
        ann[2],
        json!({"type": "delivery_confirmation", "target": "bob", "status": "delivered"})
    );
    assert_eq!(ann[3], json!({"type": "broadcast_confirmation", "recipients": 1}));

    let bob = behind(&lines, "bob <- ");
    assert_eq!(kinds(&bob), ["registration_ack", "direct_message", "broadcast"]);
    let direct = json!({"type": "direct_message", "from": "ann", "content": "hi"});
    assert_eq!(timeless(bob[1].clone(), &["timestamp"]), direct);
    let broadcast = json!({"type": "broadcast", "from": "ann", "content": ["to", "all"]});
    assert_eq!(timeless(bob[2].clone(), &["timestamp"]), broadcast);
}

#[tokio::test]
async fn routing_nodes_write_path_and_sender_and_tell_what_is_unknown() {
    let said: Vec<_> = lines("routing_nodes")
        .await
        .iter()
        .filter_map(|line| parsed(line.strip_prefix("  ")?))
        .collect();
    let path = |at: usize| said[at]["route_path"].clone();
    let up = json!(["west_router", "top_router", "east_router"]);
    let down = json!(["east_router", "top_router", "west_router"]);
    assert_eq!(said.len(), 5, "{said:?}");
    assert_eq!(said[0]["type"], "node_info");
    assert_eq!(said[0]["node"], "top_router");
    // Nobody says who he is but the node that took the message in.
    assert_eq!((&said[1]["original_sender"], path(1)), (&json!("alice"), down));
    assert_eq!(said[1]["content"], 1);
    for (at, why, original) in [
        (2, "Unknown destination: nobody", json!({"destination": "nobody", "content": [2]})),
        (3, "Malformed message", json!("nonsense")),
    ] {
        assert_eq!(
            (&said[at]["type"], &said[at]["message"]),
            (&json!("routing_error"), &json!(why))
        );
        assert_eq!(said[at]["original_message"], original);
    }
    assert_eq!((&said[4]["original_sender"], path(4)), (&json!("bob"), up));
}

#[tokio::test]
async fn a_protocol_of_ones_own_has_sessions_and_compresses() {
    let lines = lines("custom_protocol").await;
    let welcome = behind(&lines, "HELLO -> WELCOME ").remove(0);
    let expected = json!({"status": "welcome", "session_id": "#1"});
    assert_eq!(timeless(welcome, &["server_time"]), expected);
    let acks = behind(&lines, "DATA -> DATA_ACK ");
    let expected = [
        json!({"original_size": 2, "message_number": 1, "echo": "hi"}),
        json!({"original_size": 6_000, "message_number": 2, "echo": "so on ".repeat(17)[..100]}),
    ];
    assert_eq!(acks.len(), 2);
    for (ack, expected) in acks.into_iter().zip(expected) {
        assert_eq!(timeless(ack, &["processed_at"]), expected);
    }
    let error = behind(&lines, "? -> ERROR ").remove(0);
    assert_eq!(error, json!({"error": "Unknown message type: ?"}));
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
