//! `hopline drain`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::Request;
use hopline::topo::launch::{FromSupervisor, Running, ToSupervisor};
use serde::Serialize;

use super::{Answer, patience, patiently};
use crate::attach::ask;
use crate::deadline::Deadline;
use crate::trouble::Bad;
use crate::{attach, names, output};

/// How long a node may take to leave, or to start, with all that the supervisor does before.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Have the other nodes route round a node
///
/// Its links cost as much as can be from then on, so that messages pass by it only where there is no other way. It
/// still serves its own clients. This lasts until it is taken back, or the node is started again.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The topology file of a running mesh
    file: PathBuf,
    /// The node
    node: String,
    /// Take it back; a node that was stopped is started again
    #[arg(long)]
    undo: bool,
    /// Let the node leave without loss, and do not start it again
    #[arg(long, conflicts_with = "undo")]
    stop: bool,
    /// How long the node may take to answer
    #[arg(long, default_value = "5s", value_parser = patience)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What became of a node. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct DrainReport {
    node: NodeName,
    draining: bool,
    /// Whether it has left and is not started again.
    stopped: bool,
}

impl Drain {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let mut running = attach::running(&self.file)?;
        let node = names::node(&running.plan, &self.node)?;
        let draining = !self.undo && !self.stop;
        if self.stop {
            let waits_for =
                "waiting for the node to leave, which takes as long as messages are on their way";
            tell(&running, ToSupervisor::Stop { node: node.clone() }, waits_for).await?;
        }
        if self.undo {
            // Also where it runs: it may be about to leave, and orders are carried out one after the other.
            let waits_for = "waiting for the supervisor, which still lets nodes leave or start";
            tell(&running, ToSupervisor::Start { node: node.clone() }, waits_for).await?;
            running = attach::running(&self.file)?;
        }
        if !self.stop {
            let deadline = Deadline::within(self.timeout);
            ask(&running, &node, Request::Drain { draining }, deadline).await?;
        }
        let report = DrainReport { node, draining, stopped: self.stop };
        match self.json {
            true => output::json(&report)?,
            false => output::data(&report.text())?,
        }
        Ok(Answer::Yes)
    }
}

/// Has the mesh's supervisor do something.
async fn tell(running: &Running, order: ToSupervisor, waits_for: &str) -> anyhow::Result<()> {
    let order = running.order(&order, PATIENCE);
    match patiently(order, waits_for).await? {
        FromSupervisor::Refused { reason } => Err(Bad::new(reason).into()),
        FromSupervisor::Applied { .. }
        | FromSupervisor::Preview { .. }
        | FromSupervisor::Done {} => Ok(()),
    }
}

impl DrainReport {
    fn text(&self) -> String {
        match (self.draining, self.stopped) {
            (true, _) => format!("{}: draining: the others route round it", self.node),
            (false, true) => format!("{}: stopped", self.node),
            (false, false) => format!("{}: serves as before", self.node),
        }
    }
}
