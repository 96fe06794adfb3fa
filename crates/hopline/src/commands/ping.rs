//! `hopline ping`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::client::RequestError;
use serde::Serialize;
use tokio::time::Instant;

use super::{Answer, patience};
use crate::attach::{attach, entrance, own_name, running};
use crate::deadline::{Deadline, in_words};
use crate::names::one_destination;
use crate::output;
use crate::unreached::{Unreached, not_reached, unreached, with_document};
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
    /// How many times; who does not answer in time is asked the next time all the same
    #[arg(long, short = 'n', default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How long each answer may take, the first with all that goes before it
    #[arg(long, default_value = "5s", value_parser = patience)]
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
    reachable: bool,
    path: Vec<String>,
    hops: usize,
    round_trips_ms: Vec<f64>,
    /// How many were not answered in time, where there was more than one.
    lost: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

impl Ping {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let outcome = self.ping().await;
        match self.json {
            true => with_document(outcome, self.at.as_deref(), &self.name),
            false => outcome,
        }
    }

    async fn ping(&self) -> anyhow::Result<Answer> {
        let deadline = Deadline::within(self.timeout);
        one_destination(&self.name)?;
        let running = running(&self.file)?;
        let from = entrance(&running, self.at.as_deref(), None)?;
        let client = attach(&running, &from, Some(&own_name()), deadline.left()).await?;
        let mut pings = Pings {
            from: from.to_string(),
            to: self.name.clone(),
            reachable: true,
            path: Vec::new(),
            hops: 0,
            round_trips_ms: Vec::new(),
            lost: 0,
            reason: None,
            node: None,
        };
        let mut patience = deadline.left();
        for _ in 0..self.count {
            let started = Instant::now();
            match client.trace(&self.name, patience).await {
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
                Err(RequestError::Timeout { .. }) if self.count > 1 => {
                    pings.lost += 1;
                    output::message(&format!("{}: no answer in {}", self.name, in_words(patience)));
                }
                Err(error) => {
                    let failure = unreached(error)?;
                    output::message(&format!(
                        "error: {}",
                        not_reached(&running, &self.name, &failure)
                    ));
                    pings.reachable = false;
                    pings.hops = hops(failure.path.len());
                    (pings.path, pings.node) = (failure.path, failure.node);
                    pings.reason = Some(failure.reason);
                    break;
                }
            }
            patience = self.timeout;
        }
        client.shutdown().await;
        if pings.lost > 0 {
            let answered = pings.round_trips_ms.len();
            let asked = answered + usize::try_from(pings.lost)?;
            output::message(&format!("{answered} of {asked} were answered"));
            if answered == 0 {
                pings.reachable = false;
                pings.reason.get_or_insert_with(|| Unreached::no_answer().reason);
            }
        }
        if self.json {
            output::json(&pings)?;
        }
        Ok(if pings.reachable && pings.lost == 0 { Answer::Yes } else { Answer::No })
    }
}
