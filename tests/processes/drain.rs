//! Nodes that leave a running mesh under traffic, as processes.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions, Incoming, SendError};
use hopline::mesh::wire::MessageId;
use hopline::topo::launch::ProcessState;
use tokio::time::{Instant, interval, timeout};

use crate::sandbox::{PATIENCE, until};
use crate::stage::Stage;
use crate::supervised::signal;

/// Two ways from `a` to `d`: by `b`, which is the better one, and by `c`.
pub(crate) const DIAMOND: &str = r#"
[mesh]
name = "diamond"

[nodes.a]
bind = "auto"

[nodes.b]
bind = "auto"
upstream = ["a"]

[nodes.c]
bind = "auto"
upstream = [{ node = "a", cost = 20 }]

[nodes.d]
bind = "auto"
upstream = ["b", { node = "c", cost = 20 }]
"#;

/// A client that sends numbers, and what became of each.
pub(crate) struct Sender {
    client: Client,
    to: &'static str,
    pub(crate) sent: BTreeMap<MessageId, u32>,
    /// The reasons that it was told, by number.
    pub(crate) told: BTreeMap<u32, String>,
}

impl Sender {
    pub(crate) async fn attach(at: &Endpoint, name: &str, to: &'static str) -> Self {
        let client = Client::connect(at, ClientOptions::named(name).unwrap()).await.unwrap();
        Self { client, to, sent: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// Sends the next number.
    pub(crate) async fn send(&mut self) -> Result<(), SendError> {
        let number = u32::try_from(self.sent.len()).unwrap();
        let id = self.client.send(self.to, number.to_string()).await?;
        self.sent.insert(id, number);
        Ok(())
    }

    /// Hears what comes within this time.
    pub(crate) async fn hear(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        let left = || deadline.saturating_duration_since(Instant::now());
        while let Ok(Ok(incoming)) = timeout(left(), self.client.recv()).await {
            if let Incoming::Failed(failure) = incoming {
                self.told.insert(self.sent[&failure.id], failure.reason);
            }
        }
    }

    /// Waits until every message was received or its sender told, and gives back what was both or neither.
    pub(crate) async fn unaccounted(&mut self, receiver: &mut Receiver) -> Vec<u32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.hear(Duration::from_millis(20)).await;
            receiver.hear(Duration::from_millis(20)).await;
            let ends = |number: &u32| {
                let is_told = self.told.contains_key(number);
                is_told != receiver.numbers.contains(&(self.to.to_owned(), *number))
            };
            let open: Vec<u32> = self.sent.values().copied().filter(|it| !ends(it)).collect();
            if open.is_empty() || Instant::now() >= deadline {
                return open;
            }
        }
    }
}

/// A client that receives numbers.
pub(crate) struct Receiver {
    client: Client,
    name: String,
    pub(crate) numbers: BTreeSet<(String, u32)>,
    /// The nodes that the last one came by.
    pub(crate) way: Vec<String>,
}

impl Receiver {
    pub(crate) async fn attach(at: &Endpoint, name: &str) -> Self {
        let receiver = Self::attach_unheard(at, name).await;
        assert_eq!(receiver.client.converged(PATIENCE).await, Ok(()), "all know of {name}");
        receiver
    }

    /// The same before all know of it.
    pub(crate) async fn attach_unheard(at: &Endpoint, name: &str) -> Self {
        let client = Client::connect(at, ClientOptions::named(name).unwrap()).await.unwrap();
        Self { client, name: name.to_owned(), numbers: BTreeSet::new(), way: Vec::new() }
    }

    pub(crate) async fn hear(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        let left = || deadline.saturating_duration_since(Instant::now());
        while let Ok(Ok(incoming)) = timeout(left(), self.client.recv()).await {
            // A question that it has asked may come back.
            let Incoming::Message(message) = incoming else { continue };
            let number = std::str::from_utf8(&message.payload[0]).unwrap().parse().unwrap();
            let is_new = self.numbers.insert((self.name.clone(), number));
            assert!(is_new, "{number} came twice");
            self.way = message.nodes().iter().map(ToString::to_string).collect();
        }
    }
}

/// Scenario 80: a node that is told to end under traffic loses nothing, and its own client goes on when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_80_a_node_process_that_is_told_to_end_loses_nothing() {
    // No link is to die of a machine that stands still for a second: that is another story, with other reasons.
    let name = "name = \"diamond\"\n";
    let stage = Stage::up(&DIAMOND.replace(name, &format!("{name}link_silence = \"10s\"\n")));
    let mut dave = Receiver::attach(&stage.at("d"), "dave").await;
    let mut alice = Sender::attach(&stage.at("a"), "alice", "dave").await;
    let mut bella = Sender::attach(&stage.at("b"), "bella", "dave").await;
    // Else the numbers of the two are the same ones.
    let mut dora = Receiver::attach(&stage.at("d"), "dora").await;
    bella.to = "dora";

    let process = stage.process("b").unwrap();
    let passes_by = async {
        let mut tick = interval(Duration::from_millis(1));
        for round in 0..1_000 {
            tick.tick().await;
            if round == 300 {
                signal("-TERM", &process);
            }
            alice.send().await.unwrap();
        }
    };
    let is_told = async {
        let mut tick = interval(Duration::from_millis(1));
        for _ in 0..1_000 {
            tick.tick().await;
            // It waits until `b` is there again.
            timeout(PATIENCE, bella.send()).await.expect("b is not started again").unwrap();
            bella.hear(Duration::ZERO).await;
        }
    };
    tokio::join!(passes_by, is_told);
    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new(), "{:?}", alice.told);
    assert_eq!(bella.unaccounted(&mut dora).await, Vec::<u32>::new(), "{:?}", bella.told);
    let only = |sender: &Sender, reasons: &[&str]| {
        let is_one = |reason: &String| reasons.contains(&reason.as_str());
        assert!(sender.told.values().all(is_one), "{:?}", sender.told);
    };
    // While news of costs travel, two nodes may for a moment each think the other one nearer; that is told.
    only(&alice, &["next hop is source"]);
    // The new `b` may not know of dora at first.
    only(&bella, &["node leaving", "unknown destination", "unreachable", "next hop is source"]);

    until("it was started again", || async {
        let again = stage.process("b");
        again.is_some_and(|again| again != process)
    })
    .await;
    stage.until_converged().await;
    bella.send().await.unwrap();
    assert_eq!(bella.unaccounted(&mut dora).await, Vec::<u32>::new(), "{:?}", bella.told);
    assert!(dora.numbers.contains(&("dora".to_owned(), 1_000)), "{:?}", bella.told);
}

/// Scenario 80: the others route round a node that drains, and pass by it again afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_80_a_node_drains_until_that_is_taken_back() {
    let Stage { sandbox, file, .. } = Stage::up(DIAMOND);
    let text = file.display().to_string();
    let way = || sandbox.json(&["trace", &text, "a", "d", "--json"])["path"].to_string();
    assert_eq!(way(), r#"["a","b","d"]"#);
    let said = sandbox.data(&["drain", &text, "b"]);
    assert_eq!(said, "b: draining: the others route round it\n");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(way(), r#"["a","c","d"]"#);
    assert!(sandbox.data(&["status", &text]).contains("up, draining"));
    assert_eq!(sandbox.data(&["drain", &text, "b", "--undo"]), "b: serves as before\n");
    sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert_eq!(way(), r#"["a","b","d"]"#);
    let started = Instant::now();
    sandbox.data(&["down", &text]);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// What takes back that a node is to leave comes to its end when the node runs again, also where it is still leaving: here
/// it waits for a neighbour that hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_still_leaving_runs_again_when_that_is_taken_back() {
    let stage = Stage::up(DIAMOND);
    let text = stage.file.display().to_string();
    let (before, hung) = (stage.process("b"), stage.process("d").unwrap());
    signal("-STOP", &hung);
    let mut stop = stage.sandbox.command(&["drain", &text, "b", "--stop"]);
    let stop = stop.stdout(Stdio::piped()).spawn().unwrap();
    until("it leaves", || async {
        let running = stage.sandbox.running(&stage.file);
        let statuses = running.statuses(Duration::from_millis(100)).await;
        let leaves = statuses.get("b").is_some_and(|status| status.draining);
        leaves || running.processes["b"].state == ProcessState::Stopped
    })
    .await;
    let mut undo = stage.sandbox.command(&["drain", &text, "b", "--undo"]);
    let undo = undo.stdout(Stdio::piped()).spawn().unwrap();
    signal("-CONT", &hung);
    let undone = undo.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(undone.stdout).unwrap(), "b: serves as before\n");
    let record = stage.sandbox.running(&stage.file).processes["b"].clone();
    assert_eq!(record.state, ProcessState::Up);
    assert_ne!(record.process, before);
    let stopped = stop.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(stopped.stdout).unwrap(), "b: stopped\n");
    stage.until_converged().await;
}

/// `hopline down` under traffic: all nodes leave at once. What a node has taken in is delivered, or its sender is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_that_is_stopped_under_traffic_loses_nothing_without_a_reason() {
    let stage = Stage::up(DIAMOND);
    let mut dave = Receiver::attach(&stage.at("d"), "dave").await;
    let mut alice = Sender::attach(&stage.at("a"), "alice", "dave").await;
    let mut down = stage.sandbox.command(&["down", &stage.file.display().to_string()]);
    let mut stopping = None;
    let mut tick = interval(Duration::from_millis(1));
    let deadline = Instant::now() + PATIENCE;
    let mut rounds = 0;
    // Until the node is gone, or has said that it leaves.
    while alice.told.is_empty() && alice.client.node().is_some() {
        assert!(Instant::now() < deadline, "the mesh does not stop");
        tick.tick().await;
        rounds += 1;
        if rounds == 200 {
            stopping = Some(down.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        }
        let sent = timeout(Duration::from_millis(100), alice.send()).await;
        alice.hear(Duration::ZERO).await;
        dave.hear(Duration::ZERO).await;
        if sent.is_err() {
            break;
        }
    }
    alice.hear(Duration::from_millis(200)).await;
    dave.hear(Duration::from_millis(200)).await;
    assert!(stopping.unwrap().wait().unwrap().success());
    assert!(dave.numbers.len() > 150, "{} arrived", dave.numbers.len());
    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new(), "{:?}", alice.told);
}
