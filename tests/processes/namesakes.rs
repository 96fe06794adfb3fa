//! A second process under the name of a node that runs.

use std::process::Stdio;

use crate::alone::write_key;
use crate::sandbox::{Sandbox, until};

/// Two nodes, `east` at a place of its own.
fn topology(sandbox: &Sandbox, east: &str) -> String {
    let dir = sandbox.path().display().to_string();
    format!(
        "[mesh]\nname = \"m\"\nkey_file = \"key\"\n[nodes.top]\nbind = \"ipc://{dir}/top\"\n\
         [nodes.east]\nbind = \"ipc://{dir}/{east}\"\nupstream = [\"top\"]\n"
    )
}

/// Scenario 46.
#[tokio::test]
async fn scenario_46_a_second_process_of_a_name_is_refused_and_status_says_so() {
    let mut sandbox = Sandbox::new();
    write_key(&sandbox);
    let (first, other) = (topology(&sandbox, "first"), topology(&sandbox, "other"));
    let file = sandbox.file("mesh.toml", &first).display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    let other = sandbox.file("other.toml", &other).display().to_string();
    let mut second = sandbox.command(&["node", &other, "east"]);
    let mut second = second.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let told = "top sees two nodes named `east`";
    until("both are seen", || async { sandbox.data(&["status", &file]).contains(told) }).await;
    let status = sandbox.json(&["status", &file, "--json"]);
    let nodes = status["nodes"].as_array().unwrap();
    let top = nodes.iter().find(|node| node["node"] == "top").unwrap();
    assert_eq!(top["namesakes"], serde_json::json!(["east"]));
    assert!(top["counters"]["node name in use"].as_u64().unwrap() > 1);
    assert_eq!(status["converged"], true, "{status}");
    assert_eq!(top["links"][0]["up"], true, "the first is undisturbed");
    let log = std::fs::read_to_string(format!("{}/top.log", status["logs"].as_str().unwrap()));
    let log = log.unwrap();
    assert!(log.contains("two nodes of one name") && !log.contains("link down"), "{log}");
    second.kill().unwrap();
    second.wait().unwrap();
    sandbox.data(&["down", &file]);
}
