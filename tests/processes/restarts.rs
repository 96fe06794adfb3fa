//! Nodes that are killed and started again at once, over and over, without a supervisor.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions, Incoming, Outgoing};
use hopline::mesh::wire::MessageId;
use hopline::mesh::wire::control::{Answer, NodeStatus, Request};
use tokio::time::{Instant, timeout};

use crate::alone::{start, write_key};
use crate::drain::{Receiver, Sender};
use crate::sandbox::{PATIENCE, Sandbox, until};
use crate::stage::send_until;

/// How often a node is killed.
const KILLS: usize = 100;
/// How long a node may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Nodes at unix sockets, each a process of its own.
struct Lone {
    sandbox: Sandbox,
    file: PathBuf,
    nodes: Vec<(&'static str, Option<Child>)>,
}

impl Lone {
    /// Each of these with its upstreams, as TOML.
    fn up(nodes: &[(&'static str, &str)]) -> Self {
        let mut sandbox = Sandbox::new();
        write_key(&sandbox);
        let mut text = "[mesh]\nname = \"lone\"\nkey_file = \"key\"\n".to_owned();
        for (node, upstream) in nodes {
            let bind = sandbox.path().join(node);
            let bind = bind.display();
            text.push_str(&format!(
                "[nodes.{node}]\nbind = \"ipc://{bind}\"\nupstream = {upstream}\n"
            ));
        }
        let file = sandbox.file("lone.toml", &text);
        let nodes = nodes.iter().map(|(node, _)| (*node, Some(start(&sandbox, &file, node))));
        let nodes = nodes.collect();
        Self { sandbox, file, nodes }
    }

    fn at(&self, node: &str) -> Endpoint {
        Endpoint::Ipc(self.sandbox.path().join(node))
    }

    fn process(&mut self, node: &str) -> &mut Option<Child> {
        &mut self.nodes.iter_mut().find(|(name, _)| *name == node).unwrap().1
    }

    fn kill(&mut self, node: &str) {
        if let Some(mut child) = self.process(node).take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn start(&mut self, node: &'static str) {
        *self.process(node) = Some(start(&self.sandbox, &self.file, node));
    }

    /// What a node says of itself, if it answers.
    async fn status(&self, node: &str) -> Option<NodeStatus> {
        let client = Client::connect(&self.at(node), ClientOptions::anonymous()).await.ok()?;
        let answer = client.ask(node, Request::Status {}, ANSWER).await;
        client.shutdown().await;
        match answer {
            Ok(Answer::Status(status)) => Some(*status),
            _ => None,
        }
    }

    /// Waits until a node reaches so many others, besides itself.
    async fn reaches(&self, node: &str, others: usize) {
        until("it reaches them", || async {
            self.status(node).await.is_some_and(|it| it.reachable.len() == others + 1)
        })
        .await;
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        let nodes: Vec<_> = self.nodes.iter().map(|(node, _)| *node).collect();
        nodes.into_iter().for_each(|node| self.kill(node));
    }
}

/// A client whose messages are confirmed.
struct Confirmed {
    client: Client,
    sent: BTreeSet<MessageId>,
    ended: BTreeSet<MessageId>,
}

impl Confirmed {
    async fn attach(at: &Endpoint, name: &str) -> Self {
        let client = Client::connect(at, ClientOptions::named(name).unwrap()).await.unwrap();
        Self { client, sent: BTreeSet::new(), ended: BTreeSet::new() }
    }

    async fn send(&mut self, to: &str) {
        let message = Outgoing::new(to, self.sent.len().to_string()).confirmed();
        self.sent.insert(self.client.send_message(message).await.unwrap());
    }

    /// Hears what comes within this time: each message ends once, as delivered.
    async fn hear(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        let left = || deadline.saturating_duration_since(Instant::now());
        while let Ok(Ok(incoming)) = timeout(left(), self.client.recv()).await {
            let Incoming::Delivered(delivery) = incoming else { panic!("{incoming:?}") };
            assert!(self.ended.insert(delivery.id), "told twice: {delivery:?}");
        }
    }
}

/// Scenario 47: a relay is killed and started again at once, a hundred times, under traffic. Its links return each time, what
/// is confirmed arrives once, and of the rest nothing is unknown but what was in its hands when it was killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_47_a_relay_that_is_killed_a_hundred_times_returns_each_time() {
    let dear = "[{ node = \"a\", cost = 20 }, { node = \"d\", cost = 20 }]";
    let mut mesh = Lone::up(&[("a", "[]"), ("d", "[]"), ("b", "[\"a\", \"d\"]"), ("c", dear)]);
    mesh.reaches("a", 3).await;
    let mut dave = Receiver::attach(&mesh.at("d"), "dave").await;
    let mut dora = Receiver::attach(&mesh.at("d"), "dora").await;
    let mut alice = Sender::attach(&mesh.at("a"), "alice", "dave").await;
    let mut anna = Confirmed::attach(&mesh.at("a"), "anna").await;
    let mut in_its_hands: Vec<Range<u32>> = Vec::new();
    for _ in 0..KILLS {
        dave.way.clear();
        let first = u32::try_from(alice.sent.len()).unwrap();
        send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;
        for _ in 0..20 {
            alice.send().await.unwrap();
            anna.send("dora").await;
        }
        mesh.kill("b");
        in_its_hands.push(first..u32::try_from(alice.sent.len()).unwrap());
        mesh.start("b");
        dora.hear(Duration::ZERO).await;
        anna.hear(Duration::ZERO).await;
    }
    let deadline = Instant::now() + PATIENCE;
    while anna.ended.len() < anna.sent.len() {
        assert!(Instant::now() < deadline, "{} of {}", anna.ended.len(), anna.sent.len());
        anna.hear(Duration::from_millis(20)).await;
        dora.hear(Duration::from_millis(20)).await;
    }
    // It asserts that none comes twice.
    dora.hear(Duration::from_millis(100)).await;
    assert_eq!(dora.numbers.len(), anna.sent.len());
    alice.hear(Duration::from_millis(100)).await;
    dave.hear(Duration::from_millis(100)).await;
    let arrived: BTreeSet<u32> = dave.numbers.iter().map(|(_, number)| *number).collect();
    let is_known = |it: &&u32| arrived.contains(it) || alice.told.contains_key(it);
    let unknown: Vec<u32> = alice.sent.values().filter(|it| !is_known(it)).copied().collect();
    let was_there = |it: &u32| in_its_hands.iter().any(|range| range.contains(it));
    assert!(unknown.iter().all(was_there), "{unknown:?}");
    assert!(arrived.len() > KILLS * 10, "{} of {}", arrived.len(), alice.sent.len());
}

/// Scenario 29: the node between two others is killed. They reach nobody; once it is back each reaches both others, the one
/// over a link and the other over two, and messages pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_29_a_transit_node_that_is_killed_leaves_empty_tables_and_fills_them_when_it_is_back()
 {
    let mut mesh = Lone::up(&[("s1", "[]"), ("t1", "[\"s1\", \"s2\"]"), ("s2", "[]")]);
    for round in 0..10 {
        mesh.reaches("s1", 2).await;
        mesh.reaches("s2", 2).await;
        let mut bob = Receiver::attach(&mesh.at("s2"), "bob").await;
        let mut alice = Sender::attach(&mesh.at("s1"), "alice", "bob").await;
        send_until(&mut alice, &mut bob, &["s1", "t1", "s2"]).await;
        for (from, to, hops) in [("s1", "t1", 1), ("s1", "s2", 2), ("s2", "t1", 1), ("s2", "s1", 2)]
        {
            let client = Client::connect(&mesh.at(from), ClientOptions::anonymous()).await.unwrap();
            let trace = client.trace(to, ANSWER).await.unwrap();
            assert_eq!(trace.nodes().len(), hops + 1, "{from} to {to} in round {round}");
            client.shutdown().await;
        }
        mesh.kill("t1");
        mesh.reaches("s1", 0).await;
        mesh.reaches("s2", 0).await;
        mesh.start("t1");
    }
}
