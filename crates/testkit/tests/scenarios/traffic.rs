//! Numbered messages between clients, and what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use hopline_testkit::simulation::{ClientId, Simulation};
use serde_json::{Value, json};

/// How long a mesh may take to come to rest.
const LIMIT: Duration = Duration::from_secs(120);

/// All has happened that was to happen, every table is the pure one, and all know the same.
pub(crate) fn rest(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT), "it does not come to rest");
    mesh.assert_tables_equal_pure();
    assert!(mesh.converged());
}

pub(crate) fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// The nodes by which a probe from one node to a node or client goes; none where there is no way.
pub(crate) fn way(mesh: &mut Simulation, from: &str, to: &str) -> Option<Vec<String>> {
    let client = mesh.attach(from, None);
    mesh.send_probe(client, to);
    assert!(mesh.run_until_quiet(LIMIT));
    let answer = mesh.take_ways(client).pop();
    mesh.detach(client);
    match answer {
        Some(Ok(path)) => Some(path),
        Some(Err(_)) => None,
        None => panic!("the probe from {from} to {to} was not answered"),
    }
}

/// Messages on their way and at their end.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    senders: Vec<ClientId>,
    receivers: Vec<ClientId>,
    sent: u64,
}

/// What became of messages.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    /// By number: the nodes on each copy's path.
    pub(crate) delivered: BTreeMap<u64, Vec<Vec<String>>>,
    /// By number: why not, as the sender was told.
    pub(crate) told: BTreeMap<u64, Vec<String>>,
}

impl Traffic {
    /// Of these clients, each of which sends or receives, or both.
    pub(crate) fn new(senders: &[ClientId], receivers: &[ClientId]) -> Self {
        Self { senders: senders.to_vec(), receivers: receivers.to_vec(), sent: 0 }
    }

    /// Everybody who sends does so, so many times.
    pub(crate) fn send(&mut self, mesh: &mut Simulation, to: &str, times: u64) {
        for _ in 0..times {
            for sender in self.senders.clone() {
                let text = json!({"destination": to, "number": self.sent}).to_string();
                assert!(mesh.send_text(sender, text), "the sender is connected");
                self.sent += 1;
            }
        }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn fates(&self, mesh: &Simulation) -> Fates {
        let mut fates = Fates::default();
        for client in &self.receivers {
            for message in mesh.handed(*client).iter().map(|frames| read(frames)) {
                if let Some(number) = message["number"].as_u64() {
                    let nodes = message["route_path"].as_array().unwrap().iter();
                    let path = nodes.map(|node| node.as_str().unwrap().to_owned()).collect();
                    fates.delivered.entry(number).or_default().push(path);
                }
            }
        }
        for client in &self.senders {
            for message in mesh.handed(*client).iter().map(|frames| read(frames)) {
                if let Some(number) = message["original_message"]["number"].as_u64() {
                    let why = message["message"].as_str().unwrap().to_owned();
                    fates.told.entry(number).or_default().push(why);
                }
            }
        }
        fates
    }

    /// Each message was delivered once, or its sender was told what became of it; none was delivered twice.
    /// Gives back what became of them.
    pub(crate) fn assert_accounted(&self, mesh: &Simulation) -> Fates {
        let fates = self.fates(mesh);
        let twice: Vec<_> = fates.delivered.iter().filter(|(_, paths)| paths.len() > 1).collect();
        assert!(twice.is_empty(), "delivered twice: {twice:?}");
        let is_unknown = |number: &u64| {
            !fates.delivered.contains_key(number) && !fates.told.contains_key(number)
        };
        let unknown: Vec<_> = (0..self.sent).filter(is_unknown).collect();
        assert!(unknown.is_empty(), "{} of {} are unknown: {unknown:?}", unknown.len(), self.sent);
        fates
    }
}

fn read(frames: &[bytes::Bytes]) -> Value {
    serde_json::from_slice(&frames[0]).unwrap()
}
