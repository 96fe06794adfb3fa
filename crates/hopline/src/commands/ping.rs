//! `hopline ping`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::{Answer, duration};
use crate::attach::{attach, entrance, not_reached, own_name, refusal, running};
use crate::output;
use crate::way::{arrows, hops};

/// Measure the round trip to a node or client
///
/// The answer comes from the node that NAME is at.
#[derive(Debug, Args)]
pub(crate) struct Ping {
    /// The topology file of a running mesh
    file: PathBuf,
    /// A node, or a client
    name: String,
    /// The node to ping from [default: the first that is up]
    #[arg(long, value_name = "NODE")]
    at: Option<String>,
    /// How many times
    #[arg(long, short = 'n', default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How long each answer may take
    #[arg(long, default_value = "5s", value_parser = duration)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the pings came to. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Pings {
    from: String,
    to: String,
    path: Vec<String>,
    hops: usize,
    round_trips_ms: Vec<f64>,
}

impl Ping {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let running = running(&self.file)?;
        let from = entrance(&running, self.at.as_deref(), None)?;
        let client = attach(&running, &from, Some(&own_name())).await?;
        let mut pings = Pings {
            from: from.to_string(),
            to: self.name.clone(),
            path: Vec::new(),
            hops: 0,
            round_trips_ms: Vec::new(),
        };
        let mut answer = Answer::Yes;
        for _ in 0..self.count {
            let started = Instant::now();
            match client.trace(&self.name, self.timeout).await {
                Ok(trace) => {
                    let taken = started.elapsed().as_secs_f64() * 1000.0;
                    pings.path = trace.path.into_iter().map(|step| step.node).collect();
                    pings.hops = hops(pings.path.len());
                    pings.round_trips_ms.push((taken * 1000.0).round() / 1000.0);
                    if !self.json {
                        let way = arrows(&pings.path);
                        output::data(&format!("{}: {taken:.2} ms  {way}", self.name))?;
                    }
                }
                Err(error) => {
                    let failure = refusal(error)?;
                    output::message(&format!(
                        "error: {}",
                        not_reached(&running, &self.name, &failure)
                    ));
                    answer = Answer::No;
                    break;
                }
            }
        }
        client.shutdown().await;
        if self.json {
            output::json(&pings)?;
        }
        Ok(answer)
    }
}
