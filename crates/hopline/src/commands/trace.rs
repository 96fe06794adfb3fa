//! `hopline trace`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::client::PathStep;
use serde::Serialize;

use super::{Answer, duration};
use crate::attach::{absent, attach, own_name, refusal, running, whereabouts};
use crate::output;
use crate::way::{arrows, count, hops};

/// Show which way a message goes now, in the running mesh
///
/// A probe goes from the node of FROM to TO, and each node on its way stamps it.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// The topology file of a running mesh
    file: PathBuf,
    /// A node or a client: the trace starts at its node
    from: String,
    /// A node or a client
    to: String,
    /// How long the answer may take
    #[arg(long, default_value = "5s", value_parser = duration)]
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
        let running = running(&self.file)?;
        let from = whereabouts(&running, &self.from).await?;
        let client = attach(&running, &from, Some(&own_name())).await?;
        let answer = client.trace(&self.to, self.timeout).await;
        client.shutdown().await;
        let (steps, failure) = match answer {
            Ok(trace) => (trace.path, None),
            Err(error) => {
                let failure = refusal(error)?;
                (failure.path.clone(), Some(failure))
            }
        };
        if let Some(failure) = &failure
            && let Some(absent) = absent(&running, &self.to, failure)
        {
            output::message(&format!("note: {absent}"));
        }
        let path: Vec<String> = steps.iter().map(|step| step.node.clone()).collect();
        let traced = Traced {
            from: self.from,
            to: self.to,
            reachable: failure.is_none(),
            hops: hops(path.len()),
            held_us: if failure.is_none() { held(&steps) } else { Vec::new() },
            path,
            reason: failure.as_ref().map(|failure| failure.reason.clone()),
            node: failure.map(|failure| failure.node),
        };
        if self.json {
            output::json(&traced)?;
        } else {
            output::data(&traced.text())?;
        }
        Ok(if traced.reachable { Answer::Yes } else { Answer::No })
    }
}

impl Traced {
    fn text(&self) -> String {
        let Self { from, to, path, hops, .. } = self;
        match (&self.reason, &self.node) {
            (Some(reason), Some(node)) => {
                let mut text = format!("no way from {from} to {to}: {reason}, says {node}");
                if path.len() > 1 {
                    text.push_str(&format!("\n  it came as far as {}", arrows(path)));
                }
                text
            }
            _ => format!("{}  {}", arrows(path), count(*hops, "hop")),
        }
    }
}

/// How long each node had the probe; nothing where not all of them say.
fn held(steps: &[PathStep]) -> Vec<u64> {
    let times = steps.iter().map(|step| step.times);
    let held = times.map(|times| times.map(|at| at.left.saturating_sub(at.arrived) / 1000));
    held.collect::<Option<Vec<u64>>>().unwrap_or_default()
}
