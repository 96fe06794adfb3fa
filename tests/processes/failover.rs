//! Nodes that die, or only sleep, under traffic, as processes.

use std::process::Stdio;
use std::time::Duration;

use tokio::time::Instant;

use crate::drain::{DIAMOND, Receiver, Sender};
use crate::stage::{SILENCE, Stage, send_many, send_until, until_accounted};
use crate::supervised::signal;

/// Scenario 31: a neighbour that says nothing any more, and whose connections stay open. The others go round it,
/// nothing is unknown, and it is used again when it speaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_31_a_process_that_is_stopped_is_gone_round_and_comes_back() {
    let diamond = Stage::up(DIAMOND);
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;

    let process = diamond.process("b").unwrap();
    signal("-STOP", &process);
    let stopped = Instant::now();
    send_until(&mut alice, &mut dave, &["a", "c", "d"]).await;
    assert!(stopped.elapsed() < SILENCE, "{:?}", stopped.elapsed());
    signal("-CONT", &process);
    diamond.until_converged().await;
    send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;
    until_accounted(&mut alice, &mut dave).await;
    // What it was woken with goes where it came from, as long as it has no other way.
    let known = ["in doubt", "next hop is source", "unreachable"];
    assert!(alice.told.values().all(|it| known.contains(&it.as_str())), "{:?}", alice.told);
    assert_eq!(diamond.process("b"), Some(process), "it was not started again");
}

/// Scenario 29 under a supervisor, which starts the relay again. Each time the others come back to it; and nobody is told
/// anything but that what it took with it is in doubt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_29_a_relay_that_is_killed_again_and_again_comes_back_each_time() {
    let diamond = Stage::up(DIAMOND);
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;
    let others = ["a", "c", "d"].map(|node| diamond.process(node));
    for _ in 0..KILLS {
        for _ in 0..20 {
            alice.send().await.unwrap();
        }
        diamond.kill("b").await;
        dave.way.clear();
        send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;
    }
    alice.hear(Duration::from_millis(20)).await;
    assert_eq!(["a", "c", "d"].map(|node| diamond.process(node)), others, "nobody else ended");
    assert!(alice.told.values().all(|reason| reason == "in doubt"), "{:?}", alice.told);
}

/// Scenario 44: a node is killed and comes back without the clients that it had. Their names are free at once, not
/// when they would be too old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_44_the_names_of_a_node_that_was_killed_are_free_at_once() {
    let diamond = Stage::up(DIAMOND);
    let mut dave = Receiver::attach(&diamond.at("b"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    alice.send().await.unwrap();
    until_accounted(&mut alice, &mut dave).await;
    drop(dave);
    diamond.kill("b").await;
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut anna = Sender::attach(&diamond.at("a"), "anna", "dave").await;
    anna.send().await.unwrap();
    until_accounted(&mut anna, &mut dave).await;
    assert_eq!(dave.numbers.len(), 1, "{:?}", anna.told);
}

/// How often a relay is killed.
const KILLS: usize = 20;

/// A supervisor that stood still (Ctrl-Z, SIGSTOP) has heard nothing of its nodes meanwhile, and blames nobody. Who gives it an
/// order then is told that it does not answer, and the order is not carried out later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_stood_still_ends_no_node_and_does_nothing_late() {
    let diamond = Stage::up(DIAMOND);
    let text = diamond.file.display().to_string();
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    let processes = diamond.sandbox.processes(&diamond.file);
    signal("-STOP", &processes[0]);
    let mut drain = diamond.sandbox.command(&["drain", &text, "b", "--stop"]);
    let drain = drain.stderr(Stdio::piped()).spawn().unwrap();
    // Longer than a node may take to answer.
    send_many(&mut alice, &mut dave, 12_000).await;
    let drained = drain.wait_with_output().unwrap();
    let told = String::from_utf8(drained.stderr).unwrap();
    assert_eq!(drained.status.code(), Some(1), "{told}");
    assert!(told.contains("does not answer"), "{told}");
    signal("-CONT", &processes[0]);
    // What it answers now it does after all that it has slept through.
    diamond.sandbox.data(&["apply", &text]);
    diamond.until_converged().await;
    assert_eq!(diamond.sandbox.processes(&diamond.file), processes, "nobody was started again");
    until_accounted(&mut alice, &mut dave).await;
    assert_eq!(alice.told.len(), 0, "{:?}", alice.told);
}
