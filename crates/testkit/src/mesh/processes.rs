//! Nodes that are processes, under a supervisor in this one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hopline_core::Endpoint;
use hopline_mesh::brain::Command;
use hopline_mesh::client::{Client, ClientOptions};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{Answer, NodeStatus, Request};
use hopline_topo::launch::{
    Ending, Found, Homes, Launch, LaunchError, ProcessRecord, ProcessState, Report, Running,
    supervise,
};
use hopline_topo::{Bind, Plan};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{MeshError, PATIENCE};

/// The nodes of a mesh, each a process.
#[derive(Debug)]
pub(super) struct Processes {
    file: PathBuf,
    homes: Homes,
    stop: CancellationToken,
    supervisor: JoinSet<Result<(), LaunchError>>,
    /// All state; taken away last.
    _state: TempDir,
}

impl Processes {
    pub(super) async fn start(
        file: &Path,
        plan: &Plan,
        program: PathBuf,
    ) -> Result<Self, MeshError> {
        let state = tempfile::Builder::new().prefix("hopline-test-").tempdir()?;
        let homes = Homes {
            state: state.path().join("state"),
            runtime: vec![state.path().to_owned(), std::env::temp_dir()],
        };
        let file = std::path::absolute(file)?;
        let mut plan = plan.clone();
        for node in plan.nodes.values_mut() {
            (node.bind, node.address) = (Bind::Auto, None);
        }
        let launch = Launch {
            arguments: vec!["node".into(), "--supervised".into(), file.clone().into()],
            file: file.clone(),
            plan,
            program,
            homes: homes.clone(),
            patience: PATIENCE,
        };
        let (reports, mut told) = mpsc::channel(1024);
        let ending = Ending::default();
        let stop = ending.leave.clone();
        let mut supervisor = JoinSet::new();
        supervisor.spawn(supervise(launch, ending, reports));
        loop {
            tokio::select! {
                biased;
                report = told.recv() => match report {
                    Some(Report::Whole { .. }) => break,
                    Some(Report::NotWhole { within, lack }) => {
                        let error = LaunchError::NotWhole { within, lack };
                        return Err(MeshError::Launch(Box::new(error)));
                    }
                    Some(_) => {}
                    None => return Err(ended(supervisor.join_next().await)),
                },
                ended_early = supervisor.join_next() => return Err(ended(ended_early)),
            }
        }
        Ok(Self { file, homes, stop, supervisor, _state: state })
    }

    pub(super) fn endpoint(&self, node: &str) -> Result<Endpoint, MeshError> {
        let endpoint = self.record(node)?.endpoint;
        endpoint.ok_or_else(|| MeshError::NoNode { name: node.to_owned() })
    }

    pub(super) fn control(&self, node: &str) -> Result<Endpoint, MeshError> {
        Ok(Endpoint::Ipc(self.record(node)?.control))
    }

    /// Ends a process at once.
    pub(super) fn kill(&self, node: &str) -> Result<(), MeshError> {
        let process = self.record(node)?.process;
        let process = process.ok_or_else(|| MeshError::NoNode { name: node.to_owned() })?;
        process.kill();
        Ok(())
    }

    /// What the nodes say that are up.
    pub(super) async fn statuses(&self) -> Result<BTreeMap<NodeName, NodeStatus>, MeshError> {
        let mut statuses = BTreeMap::new();
        for (name, record) in self.running()?.processes {
            if record.state == ProcessState::Up
                && let Answer::Status(status) =
                    ask(&record, name.as_str(), Request::Status {}).await?
            {
                statuses.insert(name, *status);
            }
        }
        Ok(statuses)
    }

    pub(super) async fn command(&self, node: &NodeName, order: Command) -> Result<(), MeshError> {
        let request = match order {
            Command::Cut(neighbour) => Request::Cut { neighbour },
            Command::Heal(neighbour) => Request::Heal { neighbour },
            Command::Impair(neighbour, impairment) => Request::Impair { neighbour, impairment },
            Command::SetRoute { destination, next_hop } => {
                Request::SetRoute { destination, next_hop }
            }
            Command::Drain(draining) => Request::Drain { draining },
            Command::Leave | Command::Retire { .. } | Command::Reconfigure(_) => return Ok(()),
        };
        ask(&self.record(node.as_str())?, node.as_str(), request).await?;
        Ok(())
    }

    pub(super) async fn shutdown(mut self) {
        self.stop.cancel();
        while self.supervisor.join_next().await.is_some() {}
    }

    fn running(&self) -> Result<Running, MeshError> {
        match Running::find(&self.homes, &self.file)? {
            Found::Running(running) => Ok(*running),
            Found::Nothing | Found::Leftovers(_) => Err(MeshError::Ended),
        }
    }

    fn record(&self, node: &str) -> Result<ProcessRecord, MeshError> {
        let record = self.running()?.processes.remove(node);
        record.ok_or_else(|| MeshError::NoNode { name: node.to_owned() })
    }
}

/// Asks a node by its control socket.
async fn ask(record: &ProcessRecord, node: &str, request: Request) -> Result<Answer, MeshError> {
    let endpoint = Endpoint::Ipc(record.control.clone());
    let client = Client::connect(&endpoint, ClientOptions::anonymous().timeout(PATIENCE)).await?;
    let answer = client.ask(node, request, PATIENCE).await;
    client.shutdown().await;
    Ok(answer?)
}

fn ended(supervisor: Option<Result<Result<(), LaunchError>, tokio::task::JoinError>>) -> MeshError {
    match supervisor {
        Some(Ok(Err(error))) => MeshError::Launch(Box::new(error)),
        Some(Ok(Ok(())) | Err(_)) | None => MeshError::Ended,
    }
}
