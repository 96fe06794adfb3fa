//! `hopline trace`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::client::PathStep;
use hopline::topo::launch::Running;
use serde::Serialize;

use super::explain::denied;
use super::{Answer, patience};
use crate::attach::{attach, own_name, running, whereabouts};
use crate::deadline::Deadline;
use crate::names::one_destination;
use crate::output;
use crate::unreached::{Unreached, absent, unreached, with_document};
use crate::way::{arrows, count, hops};

/// Show which way a message goes now, in the running mesh
///
/// A probe goes from the node of FROM to TO, and each node on its way stamps it. Where FROM is a client, the
/// access rules have to let it.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// The topology file of a running mesh
    file: PathBuf,
    /// A node or a client: the trace starts at its node
    from: String,
    /// A node, a client or a service
    to: String,
    /// How long it may take
    #[arg(long, default_value = "5s", value_parser = patience)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The way of a probe. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Traced {
    from: String,
    to: String,
    reachable: bool,
    path: Vec<String>,
    hops: usize,
    /// How long each node had it, in microseconds by its own clock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_us: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

impl Trace {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let outcome = self.trace().await;
        match self.json {
            true => with_document(outcome, Some(&self.from), &self.to),
            false => outcome,
        }
    }

    async fn trace(&self) -> anyhow::Result<Answer> {
        one_destination(&self.to)?;
        let running = running(&self.file)?;
        let traced = match self.probe(&running).await? {
            Ok(steps) => self.traced(&steps, None),
            Err(unreached) => {
                if let Some(absent) = absent(&running, &self.to, &unreached.reason) {
                    output::message(&format!("note: {absent}"));
                }
                self.traced(&[], Some(unreached))
            }
        };
        if self.json {
            output::json(&traced)?;
        } else {
            output::data(&traced.text())?;
        }
        Ok(if traced.reachable { Answer::Yes } else { Answer::No })
    }

    /// The way of a probe, or why it did not come back.
    async fn probe(&self, running: &Running) -> anyhow::Result<Result<Vec<PathStep>, Unreached>> {
        let deadline = Deadline::within(self.timeout);
        let from = whereabouts(running, &self.from, deadline).await?;
        if let Some(denied) = denied(running, (&self.from, &from), &self.to, deadline).await? {
            return Ok(Err(denied));
        }
        let client = attach(running, &from, Some(&own_name()), deadline.left()).await?;
        let answer = client.trace(&self.to, deadline.left()).await;
        client.shutdown().await;
        Ok(match answer {
            Ok(trace) => Ok(trace.path),
            Err(error) => Err(unreached(error)?),
        })
    }

    fn traced(&self, steps: &[PathStep], failure: Option<Unreached>) -> Traced {
        let came = |failure: &Unreached| failure.path.clone();
        let went = || steps.iter().map(|step| step.node.clone()).collect();
        let path: Vec<String> = failure.as_ref().map_or_else(went, came);
        Traced {
            from: self.from.clone(),
            to: self.to.clone(),
            reachable: failure.is_none(),
            hops: hops(path.len()),
            held_us: held(steps),
            path,
            reason: failure.as_ref().map(|failure| failure.reason.clone()),
            node: failure.and_then(|failure| failure.node),
        }
    }
}

impl Traced {
    fn text(&self) -> String {
        let Self { from, to, path, hops, .. } = self;
        match &self.reason {
            Some(reason) => {
                let mut text = format!("no way from {from} to {to}: {reason}");
                if let Some(node) = &self.node {
                    text.push_str(&format!(", says {node}"));
                }
                if path.len() > 1 {
                    text.push_str(&format!("\n  it came as far as {}", arrows(path)));
                }
                text
            }
            None => format!("{}  {}", arrows(path), count(*hops, "hop")),
        }
    }
}

/// How long each node had the probe; nothing where not all of them say.
fn held(steps: &[PathStep]) -> Vec<u64> {
    let times = steps.iter().map(|step| step.times);
    let held = times.map(|times| times.map(|at| at.left.saturating_sub(at.arrived) / 1000));
    held.collect::<Option<Vec<u64>>>().unwrap_or_default()
}
