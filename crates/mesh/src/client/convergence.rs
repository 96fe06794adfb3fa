//! Waiting until the nodes of a mesh agree, as a client of one of them sees it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, interval, timeout_at};

use super::session::{Pending, Wanted};
use super::{Client, Incoming, Outgoing};
use crate::agreement::{Lack, disagreement};
use crate::name::NodeName;
use crate::wire::Kind;
use crate::wire::control::{Answer, NodeStatus, Request};

/// How often the nodes are asked.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a node may take to answer before it is asked again.
const ANSWER: Duration = Duration::from_secs(1);

impl Client {
    /// Waits until the mesh has converged: all nodes that reach each other know the same links and the same
    /// attachments, and whatever they told their neighbours is acknowledged. All nodes are asked that can be
    /// reached from the client's; what was planned and is not there nobody can tell.
    ///
    /// # Errors
    /// The first thing that still lacks when `patience` is over.
    ///
    /// # Cancel safety
    /// Answers that come later are dropped.
    pub async fn converged(&self, patience: Duration) -> Result<(), Lack> {
        let deadline = Instant::now() + patience;
        let mut look = interval(LOOK_EVERY);
        let mut before = None;
        loop {
            look.tick().await;
            let whole = Instant::now() + ANSWER;
            let Some(lack) = self.lack(deadline.min(whole)).await else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                // Who is silent in the last moment may only have had no time left to answer.
                return Err(before.filter(|_| deadline < whole).unwrap_or(lack));
            }
            before = Some(lack);
        }
    }

    async fn lack(&self, until: Instant) -> Option<Lack> {
        let Some(here) = self.node() else {
            return Some(Lack::Detached);
        };
        let first = self.statuses(std::slice::from_ref(&here), until).await;
        let Some(status) = first.get(&here) else {
            return Some(Lack::Silent(here));
        };
        let statuses = self.statuses(&status.reachable, until).await;
        disagreement(&statuses).or_else(|| {
            // Nobody answered at all.
            let silent = status.reachable.iter().find(|node| !statuses.contains_key(*node));
            silent.cloned().map(Lack::Silent)
        })
    }

    /// What nodes say of themselves, all asked at once; those that do not answer in time are left out.
    async fn statuses(&self, nodes: &[NodeName], until: Instant) -> BTreeMap<NodeName, NodeStatus> {
        let mut asked = Vec::with_capacity(nodes.len());
        for node in nodes {
            let id = self.shared.next_id();
            let Pending { answer, guard } = self.shared.expect(id, Wanted::Answer);
            let question = Outgoing::new(node.as_str(), Request::Status {}.write());
            match timeout_at(until, self.send_as(Kind::Control, id, question)).await {
                Ok(Ok(())) => asked.push((answer, guard)),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        let mut statuses = BTreeMap::new();
        for (answer, _guard) in asked {
            let Ok(Ok(Incoming::Message(message))) = timeout_at(until, answer).await else {
                continue;
            };
            let said = message.payload.first().and_then(|frame| Answer::read(frame).ok());
            if let Some(Answer::Status(status)) = said {
                statuses.insert(status.node.clone(), *status);
            }
        }
        statuses
    }
}
