//! `hopline drain`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::Request;
use serde::Serialize;

use super::{Answer, duration};
use crate::attach::{ask, running};
use crate::deadline::Deadline;
use crate::{names, output};

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
    /// Take it back
    #[arg(long)]
    undo: bool,
    /// How long the node may take to answer
    #[arg(long, default_value = "5s", value_parser = duration)]
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
}

impl Drain {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let running = running(&self.file)?;
        let node = names::node(&running.plan, &self.node)?;
        let draining = !self.undo;
        ask(&running, &node, Request::Drain { draining }, Deadline::within(self.timeout)).await?;
        let report = DrainReport { node, draining };
        match self.json {
            true => output::json(&report)?,
            false => output::data(&report.text())?,
        }
        Ok(Answer::Yes)
    }
}

impl DrainReport {
    fn text(&self) -> String {
        match self.draining {
            true => format!("{}: draining: the others route round it", self.node),
            false => format!("{}: serves as before", self.node),
        }
    }
}
