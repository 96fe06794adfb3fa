//! `hopline recv`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::address::Address;
use hopline::mesh::client::{Incoming, Message};
use serde::Serialize;
use tokio::time::{interval, sleep_until};

use super::{Answer, patience};
use crate::attach::{PATIENCE, attach, entrance, running};
use crate::deadline::{Deadline, in_words};
use crate::output;
use crate::trouble::Bad;
use crate::way::{arrows, count, visible};

/// How often it is looked whether the node is there.
const LOOK: Duration = Duration::from_millis(200);

/// Receive messages under a name
///
/// Each message is printed as it comes, with its sender and its path, control characters written out; with --json as one
/// line of JSON.
#[derive(Debug, Args)]
pub(crate) struct Recv {
    /// The topology file of a running mesh
    file: PathBuf,
    /// The name to receive under
    name: String,
    /// The node to attach at [default: where NAME is planned, else the first that is up]
    #[arg(long, value_name = "NODE")]
    at: Option<String>,
    /// End after so many messages [default: never]
    #[arg(long, short = 'n', value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time, such as `5s`: a failure only where --count says how many are to come, and
    /// fewer did
    #[arg(long, value_parser = patience)]
    timeout: Option<Duration>,
    /// Print each message as a line of JSON
    #[arg(long)]
    json: bool,
}

/// A message as it came. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Received<'a> {
    from: &'a str,
    path: Vec<&'a str>,
    content_type: Option<&'a str>,
    /// The payload's frames; bytes that are no UTF-8 are replaced.
    payload: Vec<String>,
}

impl Recv {
    /// Addresses that are no names would be taken for strange ones.
    fn check_name(&self) -> Result<(), Bad> {
        match Address::parse(&self.name) {
            Ok(Address::At { name, node }) => Err(Bad::new(format!(
                "`{}` is an address: receive with `{name} --at {node}`",
                self.name
            ))),
            Ok(Address::Group(_) | Address::Everyone) => Err(Bad::new(format!(
                "`{}` is several, and nobody's name: receive under the name of a member",
                self.name
            ))),
            Ok(Address::Name(_)) | Err(_) => Ok(()),
        }
    }

    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let deadline = self.timeout.map(Deadline::within);
        self.check_name()?;
        let running = running(&self.file)?;
        let node = entrance(&running, self.at.as_deref(), Some(&self.name))?;
        let patience = deadline.map_or(PATIENCE, |deadline| deadline.left().min(PATIENCE));
        let mut client = attach(&running, &node, Some(&self.name), patience).await?;
        // The node may know it by another name than it asked for: `top@east` where `top` is a node.
        let address = client.address().unwrap_or_else(|| self.name.clone());
        output::message(&format!("receiving as {} at {node}; Ctrl-C ends it", visible(&address)));
        let (mut received, mut is_attached, mut look) = (0_u64, true, interval(LOOK));
        let answer = loop {
            if self.count.is_some_and(|count| received >= count) {
                break Answer::Yes;
            }
            let incoming = tokio::select! {
                biased;
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted?;
                    break Answer::Yes;
                }
                incoming = client.recv() => incoming?,
                _ = look.tick() => {
                    if is_attached != client.node().is_some() {
                        is_attached = !is_attached;
                        output::message(&match is_attached {
                            true => format!("attached to `{node}` again"),
                            false => format!("warning: not attached to `{node}` any more: nothing comes until it is there again"),
                        });
                    }
                    continue;
                }
                () = at(deadline) => break self.out_of_time(received)?,
            };
            if let Incoming::Message(message) = incoming {
                received += 1;
                self.print(&message)?;
            }
        };
        client.shutdown().await;
        Ok(answer)
    }

    fn out_of_time(&self, received: u64) -> anyhow::Result<Answer> {
        let time = in_words(self.timeout.unwrap_or_default());
        let came = count(usize::try_from(received)?, "message");
        match (self.count, received) {
            (Some(wanted), _) => Err(Bad::new(format!("{came} of {wanted} came in {time}")).into()),
            (None, 0) => {
                output::message(&format!("nothing came in {time}"));
                Ok(Answer::Yes)
            }
            (None, _) => {
                output::message(&format!("{came} came in {time}"));
                Ok(Answer::Yes)
            }
        }
    }

    fn print(&self, message: &Message) -> anyhow::Result<()> {
        let frames = message.payload.iter();
        let payload: Vec<String> =
            frames.map(|frame| String::from_utf8_lossy(frame).into_owned()).collect();
        if self.json {
            // One line a message, for who reads them as they come.
            return output::data(&serde_json::to_string(&Received {
                from: &message.source,
                path: message.nodes(),
                content_type: message.content_type.as_deref(),
                payload,
            })?);
        }
        let way = arrows(&message.nodes());
        // Nothing that a stranger sends is to move the cursor, or to look like another line.
        let (source, payload) = (visible(&message.source), visible(&payload.join(" | ")));
        output::data(&format!("{source}: {payload}  ({way})"))
    }
}

/// Ready at `deadline`; never, where there is none.
async fn at(deadline: Option<Deadline>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.at()).await,
        None => std::future::pending().await,
    }
}
