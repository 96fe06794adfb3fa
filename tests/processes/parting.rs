//! Nodes that are removed while others take their place: make before break.

use std::time::Duration;

use hopline::mesh::client::{Client, ClientOptions};
use tokio::task::spawn_blocking;
use tokio::time::interval;

use crate::drain::{Receiver, Sender};
use crate::stage::Stage;

/// `src` and `dst` with `t1` between them, and `z` aside, whose link carries little.
const BEFORE: &str = r#"
[mesh]
name = "parting"

[nodes.src]
bind = "auto"

[nodes.t1]
bind = "auto"
upstream = ["src"]

[nodes.dst]
bind = "auto"
upstream = ["t1"]

[nodes.z]
bind = "auto"
upstream = [{ node = "src", rate = "20kB/s" }]
"#;

/// The same with `t2` between, and without `z`.
fn after() -> String {
    let aside = BEFORE.find("[nodes.z]").unwrap();
    BEFORE[..aside].replace("t1", "t2")
}

/// Scenario 77: what stays does not wait for what goes, and no message finds no way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_77_the_new_way_is_there_before_the_old_one_goes() {
    let stage = Stage::up(BEFORE);
    let mut dave = Receiver::attach(&stage.at("dst"), "dave").await;
    let mut alice = Sender::attach(&stage.at("src"), "alice", "dave").await;
    let attach = async |node: &str, name: &str| {
        let options = ClientOptions::named(name).unwrap();
        Client::connect(&stage.at(node), options).await.unwrap()
    };
    let mut sam = attach("src", "sam").await;
    let zoe = attach("z", "zoe").await;
    // What takes seconds over the slow link, and so does the end of `z`.
    for _ in 0..8 {
        zoe.send("sam@src", vec![b'z'; 10_000]).await.unwrap();
    }
    let aside = stage.process("z").unwrap();

    std::fs::write(&stage.file, after()).unwrap();
    let mut apply = stage.sandbox.command(&["apply", &stage.file.display().to_string()]);
    let applying = spawn_blocking(move || apply.output().unwrap());
    let (mut tick, mut is_early) = (interval(Duration::from_millis(1)), false);
    while !applying.is_finished() {
        tick.tick().await;
        alice.send().await.unwrap();
        dave.hear(Duration::ZERO).await;
        is_early |= dave.way == ["src", "t2", "dst"] && aside.is_alive().await;
    }
    let output = applying.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("stopped: t1, z"), "{output:?}");
    assert!(is_early, "the new way waited for `z`");
    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new(), "{:?}", alice.told);
    // While news of costs travel, two nodes may for a moment each think the other one nearer; that is told.
    assert!(alice.told.values().all(|why| why == "next hop is source"), "{:?}", alice.told);
    for number in 0..8 {
        let message = sam.recv().await.unwrap().message().unwrap();
        assert_eq!(message.payload[0].len(), 10_000, "{number}");
    }
    stage.until_converged().await;
}
