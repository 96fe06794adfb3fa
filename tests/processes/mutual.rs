//! Two nodes that each dial the other one, as processes.

use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions};
use hopline::mesh::wire::control::{Answer, NodeStatus, Request};

use crate::alone::{start, write_key};
use crate::drain::{Receiver, Sender};
use crate::sandbox::{Sandbox, until};
use crate::stage::{send_many, until_accounted};

const NODES: [&str; 2] = ["a", "b"];
/// How long a node may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How often they are started again.
const RESTARTS: usize = 12;

/// Two nodes, each with a file of its own in which the other one is its upstream.
struct Pair {
    sandbox: Sandbox,
    files: [PathBuf; 2],
    nodes: [Option<Child>; 2],
}

impl Pair {
    fn new() -> Self {
        let mut sandbox = Sandbox::new();
        write_key(&sandbox);
        let dir = sandbox.path();
        let files = NODES.map(|node| {
            let mut text = "[mesh]\nname = \"mutual\"\nkey_file = \"key\"\n".to_owned();
            for name in NODES {
                text.push_str(&format!(
                    "[nodes.{name}]\nbind = \"ipc://{}\"\n",
                    dir.join(name).display()
                ));
                if name == node {
                    let other = if node == "a" { "b" } else { "a" };
                    text.push_str(&format!("upstream = [\"{other}\"]\n"));
                }
            }
            sandbox.file(&format!("{node}.toml"), &text)
        });
        Self { sandbox, files, nodes: [None, None] }
    }

    fn at(&self, node: usize) -> Endpoint {
        Endpoint::Ipc(self.sandbox.path().join(NODES[node]))
    }

    fn start(&mut self, node: usize) {
        self.nodes[node] = Some(start(&self.sandbox, &self.files[node], NODES[node]));
    }

    fn kill(&mut self, node: usize) {
        if let Some(mut child) = self.nodes[node].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What a node says of itself, if it answers.
    async fn status(&self, node: usize) -> Option<NodeStatus> {
        let client = Client::connect(&self.at(node), ClientOptions::anonymous()).await.ok()?;
        let answer = client.ask(NODES[node], Request::Status {}, ANSWER).await;
        client.shutdown().await;
        match answer {
            Ok(Answer::Status(status)) => Some(*status),
            _ => None,
        }
    }

    /// Waits until each has one link, which is up.
    async fn linked(&self) {
        until("each has one link", || async {
            let mut linked = true;
            for node in 0..2 {
                let status = self.status(node).await;
                let links = status.map(|status| status.links).unwrap_or_default();
                linked &= links.len() == 1 && links[0].up && links[0].dials;
            }
            linked
        })
        .await;
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        (0..2).for_each(|node| self.kill(node));
    }
}

/// Scenario 34: two nodes dial each other, and are killed and started again in any order. Each time there is one link,
/// and it does not flap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_34_two_that_dial_each_other_have_one_link_however_often_they_start() {
    let mut pair = Pair::new();
    for restart in 0..RESTARTS {
        let again = [&[0, 1][..], &[0], &[1], &[1, 0]][restart % 4];
        again.iter().for_each(|node| pair.kill(*node));
        again.iter().for_each(|node| pair.start(*node));
        pair.linked().await;
    }
    let mut bob = Receiver::attach(&pair.at(1), "bob").await;
    let mut alice = Sender::attach(&pair.at(0), "alice", "bob").await;
    send_many(&mut alice, &mut bob, 500).await;
    until_accounted(&mut alice, &mut bob).await;
    assert_eq!((alice.told.len(), bob.numbers.len()), (0, 500), "{:?}", alice.told);
}
