//! `hopline send`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::address::Address;
use hopline::mesh::client::{Client, Delivery, Incoming, Outgoing, Trace};
use hopline::mesh::wire::MessageId;
use hopline::topo::launch::Running;
use serde::Serialize;
use tokio::time::timeout;

use super::{Answer, patience};
use crate::attach::{attach, entrance, own_name, running};
use crate::deadline::Deadline;
use crate::output;
use crate::trouble::Bad;
use crate::unreached::{Unreached, not_reached, unreached, with_document};
use crate::way::{arrows, count};

/// Send a message into a running mesh
///
/// It is sent at most once, or with `--confirmed` until its receiver has it. What the mesh knows of it when the
/// command ends is told: the way that it took, or which node refused it and why; of one to several (`#group`, `*`) how many
/// clients were handed it, and which nodes did not say.
///
/// It comes in by the node's control socket, which may do everything: access rules do not hold for it, whatever name it
/// has. What they say is told by `trace` and `explain`.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The topology file of a running mesh
    file: PathBuf,
    /// A client, `client@node`, a node, `#group`, or `*`
    to: String,
    /// The message
    text: String,
    /// The name to send under [default: hopline.PID]
    #[arg(long = "as", alias = "from", value_name = "NAME")]
    name: Option<String>,
    /// The node to attach at [default: where NAME is planned, else the first that is up]
    #[arg(long, value_name = "NODE")]
    at: Option<String>,
    /// Send TEXT as JSON, which it must be
    #[arg(long)]
    json_content: bool,
    /// Have the mesh keep it and send it again, over whatever way is left, until it was handed over
    #[arg(long)]
    confirmed: bool,
    /// How long the mesh may take
    #[arg(long, default_value = "5s", value_parser = patience)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What became of the message. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Sent {
    from: String,
    to: String,
    reachable: bool,
    /// Whether it is known to have been handed over; none where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<bool>,
    path: Vec<String>,
    /// Of a message to several, how many clients were handed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipients: Option<u32>,
    /// And the nodes that did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

impl Send {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let outcome = self.send().await;
        match self.json {
            true => with_document(outcome, self.name.as_deref(), &self.to),
            false => outcome,
        }
    }

    async fn send(&self) -> anyhow::Result<Answer> {
        let deadline = Deadline::within(self.timeout);
        let mut message = Outgoing::new(&self.to, self.text.clone());
        if self.json_content {
            serde_json::from_str::<serde_json::Value>(&self.text)
                .map_err(|error| Bad::new(format!("TEXT is no JSON: {error}")))?;
            message.content_type = Some("application/json".to_owned());
        }
        let running = running(&self.file)?;
        let name = self.name.clone().unwrap_or_else(own_name);
        let node = entrance(&running, self.at.as_deref(), Some(&name))?;
        let mut client = attach(&running, &node, Some(&name), deadline.left()).await?;
        if matches!(Address::parse(&self.to), Ok(Address::Group(_) | Address::Everyone)) {
            let reported = self.several(&client, message, deadline).await;
            client.shutdown().await;
            return self.tell_several(name, &running, reported?);
        }
        let outcome = match self.confirmed {
            true => self.confirm(&client, message, deadline).await,
            false => self.outcome(&mut client, message, &running, deadline).await,
        };
        client.shutdown().await;
        let (path, failure) = match outcome? {
            Ok(path) => (path, None),
            Err(failure) => (failure.path.clone(), Some(failure)),
        };
        if self.json {
            output::json(&Sent {
                from: name,
                to: self.to.clone(),
                reachable: failure.is_none(),
                confirmed: self.confirmed.then_some(failure.is_none()),
                path,
                recipients: None,
                missing: None,
                reason: failure.as_ref().map(|failure| failure.reason.clone()),
                node: failure.as_ref().and_then(|failure| failure.node.clone()),
            })?;
        } else {
            match &failure {
                None if self.confirmed => {
                    output::data(&format!("handed over to {}: {}", self.to, arrows(&path)))?;
                }
                None if path.is_empty() => output::data(&format!("sent to {}", self.to))?,
                None => output::data(&format!("sent to {}: {}", self.to, arrows(&path)))?,
                Some(failure) => {
                    output::message(&format!(
                        "error: {}",
                        not_reached(&running, &self.to, failure)
                    ));
                }
            }
        }
        Ok(if failure.is_none() { Answer::Yes } else { Answer::No })
    }

    /// Sends the message to several, and waits for the report.
    async fn several(
        &self,
        client: &Client,
        mut message: Outgoing,
        deadline: Deadline,
    ) -> anyhow::Result<Result<Delivery, Unreached>> {
        if self.confirmed {
            message = Outgoing { patience: Some(deadline.left()), ..message.confirmed() };
        }
        Ok(match client.send_to_several(message, deadline.left()).await {
            Ok(delivery) => Ok(delivery),
            Err(error) => Err(unreached(error)?),
        })
    }

    /// Tells how many got it. The answer is no where a node did not say, or nobody is there.
    fn tell_several(
        &self,
        from: String,
        running: &Running,
        reported: Result<Delivery, Unreached>,
    ) -> anyhow::Result<Answer> {
        let is_reached =
            reported.as_ref().is_ok_and(|it| it.missing.is_empty() && it.recipients > 0);
        if self.json {
            let failure = reported.as_ref().err();
            let delivery = reported.as_ref().ok();
            let missing = |it: &Delivery| it.missing.iter().map(ToString::to_string).collect();
            output::json(&Sent {
                from,
                to: self.to.clone(),
                reachable: is_reached,
                confirmed: self.confirmed.then_some(is_reached),
                path: failure.map(|it| it.path.clone()).unwrap_or_default(),
                recipients: delivery.map(|it| it.recipients),
                missing: delivery.map(missing),
                reason: failure.map(|it| it.reason.clone()),
                node: failure.and_then(|it| it.node.clone()),
            })?;
        } else {
            match &reported {
                Ok(Delivery { recipients, missing, .. }) => {
                    let got = count(*recipients as usize, "client");
                    output::data(&format!("handed over to {got} of {}", self.to))?;
                    for node in missing {
                        output::message(&format!("note: node `{node}` did not say who got it"));
                    }
                }
                Err(failure) => {
                    let text = not_reached(running, &self.to, failure);
                    output::message(&format!("error: {text}"));
                }
            }
        }
        Ok(if is_reached { Answer::Yes } else { Answer::No })
    }

    /// Sends the message and waits until it was handed over. The way is that of a probe behind it.
    async fn confirm(
        &self,
        client: &Client,
        message: Outgoing,
        deadline: Deadline,
    ) -> anyhow::Result<Result<Vec<String>, Unreached>> {
        let message = Outgoing { patience: Some(deadline.left()), ..message };
        let delivery = match client.send_confirmed(message).await {
            Ok(delivery) => delivery,
            Err(error) => return Ok(Err(unreached(error)?)),
        };
        let path = match client.trace_message(&self.to, delivery.id, deadline.left()).await {
            Ok(trace) => nodes(trace),
            Err(_) => Vec::new(),
        };
        // It has arrived, whatever has become of the receiver and of the ways since.
        let is_its_way = path.last() == Some(&delivery.node);
        Ok(Ok(if is_its_way { path } else { vec![delivery.node] }))
    }

    /// Sends the message and a probe behind it, to the same member of a service. Messages between two keep their order, so once the probe
    /// is answered the message was handed over too, or its failure has come back already.
    async fn outcome(
        &self,
        client: &mut Client,
        message: Outgoing,
        running: &Running,
        deadline: Deadline,
    ) -> anyhow::Result<Result<Vec<String>, Unreached>> {
        let Ok(id) = timeout(deadline.left(), client.send_message(message)).await else {
            return Ok(Err(Unreached::no_answer()));
        };
        let id = id?;
        let probed = client.trace_message(&self.to, id, deadline.left()).await;
        if let Some(failure) = failure_of(client, id).await {
            return Ok(Err(failure));
        }
        let failure = match probed {
            Ok(trace) => return Ok(Ok(nodes(trace))),
            Err(error) => unreached(error)?,
        };
        if failure.node.is_none() {
            return Ok(Err(failure));
        }
        // The probe did not come as far as the message, which may have been handed over just before the
        // receiver left. Were it refused, the node that did so says it before it answers a probe.
        for node in running.plan.nodes.keys() {
            let _ = client.trace(node.as_str(), deadline.left()).await;
        }
        match failure_of(client, id).await {
            Some(failure) => Ok(Err(failure)),
            None => {
                output::message(&format!("note: {} has left since: {}", self.to, failure.reason));
                Ok(Ok(Vec::new()))
            }
        }
    }
}

/// The nodes on the way.
fn nodes(trace: Trace) -> Vec<String> {
    trace.path.into_iter().map(|step| step.node).collect()
}

/// The failure of the message `id`, if it has come back.
async fn failure_of(client: &mut Client, id: MessageId) -> Option<Unreached> {
    while let Ok(Ok(incoming)) = timeout(Duration::ZERO, client.recv()).await {
        match incoming {
            Incoming::Failed(failure) if failure.id == id => return Some(failure.into()),
            Incoming::Failed(_) | Incoming::Message(_) | Incoming::Delivered(_) => {}
        }
    }
    None
}
