//! Nodes that die, or only sleep, under traffic, as processes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::topo::launch::{Identity, Running};
use tokio::time::{Instant, interval};

use crate::drain::{DIAMOND, Receiver, Sender};
use crate::sandbox::{PATIENCE, Sandbox, until};
use crate::supervised::signal;

/// The diamond as processes.
struct Diamond {
    sandbox: Sandbox,
    file: PathBuf,
    running: Running,
}

impl Diamond {
    fn up() -> Self {
        let mut sandbox = Sandbox::new();
        let file = sandbox.file("diamond.toml", DIAMOND);
        sandbox.data(&["up", "--detach", &file.display().to_string()]);
        let running = sandbox.running(&file);
        Self { sandbox, file, running }
    }

    fn at(&self, node: &str) -> Endpoint {
        self.running.processes[node].endpoint.clone().unwrap()
    }

    /// The process of the better relay, as it is now.
    fn relay(&self) -> Option<Identity> {
        self.sandbox.running(&self.file).processes["b"].process.clone()
    }

    /// Kills the better relay, and waits until it is there again and all agree.
    async fn kill_relay(&self) {
        let before = self.relay();
        signal("-KILL", before.as_ref().unwrap());
        until("it is started again", || async {
            let now = self.relay();
            now.is_some() && now != before
        })
        .await;
        self.until_converged().await;
    }

    async fn until_converged(&self) {
        assert_eq!(self.running.converged(PATIENCE).await, Ok(()));
    }
}

/// Sends a number each millisecond until one has come this way.
async fn send_until(sender: &mut Sender, receiver: &mut Receiver, way: [&str; 3]) {
    let deadline = Instant::now() + PATIENCE;
    let mut tick = interval(Duration::from_millis(1));
    while receiver.way != way {
        assert!(Instant::now() < deadline, "the last one came by {:?}", receiver.way);
        tick.tick().await;
        sender.send().await.unwrap();
        receiver.hear(Duration::ZERO).await;
    }
}

/// Waits until each message has arrived or its sender was told. Of those that are in doubt some have arrived.
async fn until_accounted(sender: &mut Sender, receiver: &mut Receiver) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        sender.hear(Duration::from_millis(20)).await;
        receiver.hear(Duration::from_millis(20)).await;
        let arrived: BTreeSet<u32> = receiver.numbers.iter().map(|(_, number)| *number).collect();
        let is_open = |it: &&u32| !arrived.contains(it) && !sender.told.contains_key(it);
        let open: Vec<_> = sender.sent.values().filter(is_open).collect();
        if open.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "unknown: {open:?}");
    }
}

/// Scenario 31: a neighbour that says nothing any more, and whose connections stay open. The others go round it,
/// nothing is unknown, and it is used again when it speaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_stopped_is_gone_round_and_comes_back() {
    let diamond = Diamond::up();
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    send_until(&mut alice, &mut dave, ["a", "b", "d"]).await;

    let process = diamond.relay().unwrap();
    signal("-STOP", &process);
    send_until(&mut alice, &mut dave, ["a", "c", "d"]).await;
    signal("-CONT", &process);
    diamond.until_converged().await;
    send_until(&mut alice, &mut dave, ["a", "b", "d"]).await;
    until_accounted(&mut alice, &mut dave).await;
    // What it was woken with goes where it came from, as long as it has no other way.
    let known = ["in doubt", "next hop is source", "unreachable"];
    assert!(alice.told.values().all(|it| known.contains(&it.as_str())), "{:?}", alice.told);
    assert_eq!(diamond.relay(), Some(process), "it was not started again");
}

/// Scenarios 29 and 47: a relay is killed and started again, over and over. Each time the others go round it, and come
/// back to it; what it took with it is in doubt, and nothing is unknown but what was in its hands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_killed_again_and_again_comes_back_each_time() {
    let diamond = Diamond::up();
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    send_until(&mut alice, &mut dave, ["a", "b", "d"]).await;
    for _ in 0..KILLS {
        diamond.kill_relay().await;
        send_until(&mut alice, &mut dave, ["a", "b", "d"]).await;
    }
    alice.hear(Duration::from_millis(20)).await;
    assert!(alice.told.values().all(|reason| reason == "in doubt"), "{:?}", alice.told);
}

/// Scenario 44: a node is killed and comes back without the clients that it had. Their names are free at once, not
/// when they would be too old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_names_of_a_node_that_was_killed_are_free_at_once() {
    let diamond = Diamond::up();
    let mut dave = Receiver::attach(&diamond.at("b"), "dave").await;
    let mut alice = Sender::attach(&diamond.at("a"), "alice", "dave").await;
    alice.send().await.unwrap();
    until_accounted(&mut alice, &mut dave).await;
    drop(dave);
    diamond.kill_relay().await;
    let mut dave = Receiver::attach(&diamond.at("d"), "dave").await;
    let mut anna = Sender::attach(&diamond.at("a"), "anna", "dave").await;
    anna.send().await.unwrap();
    until_accounted(&mut anna, &mut dave).await;
    assert_eq!(dave.numbers.len(), 1, "{:?}", anna.told);
}

/// How often a relay is killed.
const KILLS: usize = 4;
