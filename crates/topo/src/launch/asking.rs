//! Asking the nodes of a running mesh, each by its own control socket, all at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::client::{Client, ClientOptions};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{Answer, NodeStatus, Request};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::agreement::{Lack, unconverged};
use super::records::ProcessState;
use super::running::Running;

/// How many nodes are asked at the same time: each costs a few file descriptors.
const AT_ONCE: usize = 64;
/// How often it is looked whether a mesh has converged.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a node may take meanwhile before it is asked again.
const ANSWER: Duration = Duration::from_secs(1);

impl Running {
    /// What the nodes say of themselves that answer within `patience`, without the client that asks.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn statuses(&self, patience: Duration) -> BTreeMap<NodeName, NodeStatus> {
        let deadline = Instant::now() + patience;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        for node in self.plan.nodes.keys() {
            let Some(record) = self.processes.get(node) else { continue };
            if record.state != ProcessState::Up {
                continue;
            }
            let (node, turns) = (node.clone(), turns.clone());
            let control = Endpoint::Ipc(record.control.clone());
            let options = ClientOptions {
                runtime_dir: Some(self.supervisor.sockets.clone()),
                ..ClientOptions::anonymous()
            };
            asked.spawn(async move {
                let _turn = turns.acquire_owned().await.ok()?;
                let status = ask(&node, &control, options, deadline).await?;
                Some((node, status))
            });
        }
        let mut statuses = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            statuses.extend(answer.ok().flatten());
        }
        statuses
    }

    /// Waits until the mesh has converged: all planned nodes answer that nobody has stopped, all planned links
    /// between them are up that nobody has cut, and all nodes that reach each other know the same and have acknowledged it.
    ///
    /// # Errors
    /// The first thing that still lacks when `patience` is over.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn converged(&self, patience: Duration) -> Result<(), Lack> {
        self.converged_statuses(patience).await.map(drop)
    }

    /// Waits until the mesh has [converged](Self::converged), and gives what the nodes said when it had.
    ///
    /// # Errors
    /// The first thing that still lacks when `patience` is over.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn converged_statuses(
        &self,
        patience: Duration,
    ) -> Result<BTreeMap<NodeName, NodeStatus>, Lack> {
        let deadline = Instant::now() + patience;
        let mut look = interval(LOOK_EVERY);
        let mut before = None;
        loop {
            look.tick().await;
            let left = deadline.saturating_duration_since(Instant::now());
            let now = self.as_it_is();
            let statuses = now.statuses(left.min(ANSWER)).await;
            let Some(lack) = unconverged(&now.expected(), &statuses) else {
                return Ok(statuses);
            };
            if Instant::now() >= deadline {
                // Who is silent in the last moment may only have had no time left to answer.
                return Err(before.filter(|_| left < ANSWER).unwrap_or(lack));
            }
            before = Some(lack);
        }
    }
}

async fn ask(
    node: &NodeName,
    control: &Endpoint,
    options: ClientOptions,
    deadline: Instant,
) -> Option<NodeStatus> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let client = Client::connect(control, options.timeout(left())).await.ok()?;
    let said = client.ask(node.as_str(), Request::Status {}, left()).await;
    let address = client.address();
    client.shutdown().await;
    let Ok(Answer::Status(mut status)) = said else {
        return None;
    };
    status.clients.retain(|client| Some(&client.name) != address.as_ref());
    Some(*status)
}
