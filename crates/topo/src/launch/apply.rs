//! Applying a plan to a mesh that runs: all nodes are asked first, then those that stay switch, new ones are started,
//! and removed ones leave.
//!
//! ```text
//!  prepare all --> plan.json --> start what is new --> stop what is gone --> switch all --> restart those that must
//! ```
//!
//! A node that cannot be reached holds nobody up: it goes by the plan when it is back, for it starts from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hopline_mesh::name::NodeName;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::desk::{FromSupervisor, ToSupervisor};
use super::error::LaunchError;
use super::keeper::{News, Step};
use super::records::ProcessState;
use super::share::Share;
use super::store;
use super::supervise::Supervisor;
use crate::plan::Plan;

/// How long nodes may take to answer.
const ANSWERS: Duration = Duration::from_secs(3);
/// How long a node may take to leave, or to start.
const STARTS: Duration = Duration::from_secs(10);

/// What became of a plan that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applied {
    /// The number of the change, 1 for the first since the mesh was started.
    pub number: u64,
    /// Nodes that were started.
    pub started: Vec<NodeName>,
    /// Nodes that left.
    pub stopped: Vec<NodeName>,
    /// Nodes that go by the plan without having been started again.
    pub switched: Vec<NodeName>,
    /// Nodes that were started again, with what the plan changes that only a restart brings about.
    pub restarted: BTreeMap<NodeName, Vec<String>>,
    /// Nodes that were not reached, or have not started yet: they go by the plan when they are back.
    pub late: Vec<NodeName>,
}

/// An error in one line, with its cause.
fn told(error: &LaunchError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// News, and when nobody wants more of them.
struct Hearing<'a> {
    news: &'a mut mpsc::Receiver<(NodeName, News)>,
    stop: &'a CancellationToken,
}

impl Supervisor {
    /// Does what somebody who may has ordered.
    pub(super) async fn obey(
        &mut self,
        word: ToSupervisor,
        news: &mut mpsc::Receiver<(NodeName, News)>,
        stop: &CancellationToken,
    ) -> FromSupervisor {
        let mut hearing = Hearing { news, stop };
        let refused = |reason: String| FromSupervisor::Refused { reason };
        let done = match word {
            ToSupervisor::Apply(plan) => {
                if let Some(reason) = self.cannot_become(&plan) {
                    return refused(reason);
                }
                let applied = self.apply(*plan, &mut hearing).await;
                applied.map(|applied| FromSupervisor::Applied(Box::new(applied)))
            }
            ToSupervisor::Stop { node } | ToSupervisor::Start { node }
                if !self.launch.plan.nodes.contains_key(&node) =>
            {
                return refused(format!("there is no node `{node}`"));
            }
            ToSupervisor::Stop { node } => {
                self.fleet.stop(&node);
                let gone = |it: &Self| !it.fleet.has(&node);
                self.hear_until(&mut hearing, STARTS, gone).await.map(|_| FromSupervisor::Done {})
            }
            ToSupervisor::Start { node } if self.fleet.has(&node) => Ok(FromSupervisor::Done {}),
            ToSupervisor::Start { node } => {
                let nodes = [node];
                let started = self.start_nodes(&nodes);
                match started {
                    Ok(()) => {
                        let up = |it: &Self| it.has_started(&nodes[0]);
                        let heard = self.hear_until(&mut hearing, STARTS, up).await;
                        heard.map(|_| FromSupervisor::Done {})
                    }
                    Err(error) => Err(error),
                }
            }
        };
        done.unwrap_or_else(|error| refused(told(&error)))
    }

    /// Why the mesh cannot go by a plan without being stopped, if it cannot.
    fn cannot_become(&self, plan: &Plan) -> Option<String> {
        let now = &self.launch.plan;
        if now.mesh != plan.mesh {
            let (old, new) = (&now.mesh, &plan.mesh);
            return Some(format!(
                "the mesh is called `{old}` and cannot become `{new}` while it runs"
            ));
        }
        if now.key_file != plan.key_file {
            return Some("the mesh key cannot be changed while the mesh runs".to_owned());
        }
        let named = plan.key_file.as_ref()?;
        match self.key() {
            Ok(key) if self.fleet.key() == Some(key) => None,
            Ok(_) => Some(format!(
                "the key file `{named}` holds another key, and the mesh key cannot be changed while the \
                 mesh runs"
            )),
            Err(error) => Some(told(&error)),
        }
    }

    async fn apply(
        &mut self,
        plan: Plan,
        hearing: &mut Hearing<'_>,
    ) -> Result<Applied, LaunchError> {
        self.fleet.number += 1;
        let mut applied = Applied { number: self.fleet.number, ..Applied::default() };
        let shares: BTreeMap<NodeName, Arc<Share>> = plan
            .nodes
            .iter()
            .map(|(node, one)| (node.clone(), Arc::new(Share::new(&plan, one))))
            .collect();
        let before = &self.launch.plan.nodes;
        let stay: Vec<NodeName> =
            plan.nodes.keys().filter(|node| before.contains_key(*node)).cloned().collect();
        let new: Vec<NodeName> =
            plan.nodes.keys().filter(|node| !before.contains_key(*node)).cloned().collect();
        let gone: Vec<NodeName> =
            before.keys().filter(|node| !plan.nodes.contains_key(*node)).cloned().collect();

        for node in &stay {
            self.fleet.tell(node, &shares[node], Step::Prepare);
        }
        let answered =
            |it: &Self| stay.iter().all(|node| !it.is_up(node) || it.fleet.restart(node).is_some());
        self.hear_until(hearing, ANSWERS, answered).await?;

        self.launch.plan = plan;
        store::write(&self.place.plan(), &self.launch.plan)?;
        self.start_nodes(&new)?;
        let started = |it: &Self| new.iter().all(|node| it.has_started(node));
        self.hear_until(hearing, STARTS, started).await?;

        gone.iter().for_each(|node| self.fleet.stop(node));
        let left = |it: &Self| !gone.iter().any(|node| it.fleet.has(node));
        self.hear_until(hearing, STARTS, left).await?;
        for node in &gone {
            self.processes.remove(node);
            self.statuses.remove(node);
        }

        let (mut switch, mut restart) = (Vec::new(), Vec::new());
        for node in &stay {
            match self.fleet.restart(node) {
                Some([_, ..]) => restart.push(node.clone()),
                Some([]) | None => {
                    self.fleet.tell(node, &shares[node], Step::Switch);
                    switch.push(node.clone());
                }
            }
        }
        self.tell_addresses()?;
        let switched = |it: &Self| {
            // Whoever has not prepared in time is not waited for again.
            let waits = |node| it.is_up(node) && it.fleet.restart(node).is_some();
            switch.iter().all(|node| !waits(node) || it.fleet.has_switched(node))
        };
        self.hear_until(hearing, ANSWERS, switched).await?;
        // One after the other, so that the others are there to be routed round it.
        for node in restart {
            let why = self.fleet.restart(&node).unwrap_or_default().to_vec();
            let up = self.processes.get(&node).and_then(|record| record.process.clone());
            self.fleet.tell(&node, &shares[&node], Step::Restart);
            let again = |it: &Self| {
                let record = it.processes.get(&node);
                it.is_up(&node) && record.is_some_and(|record| record.process != up)
            };
            match self.hear_until(hearing, STARTS, again).await? {
                true => applied.restarted.insert(node, why).is_none(),
                false => {
                    applied.late.push(node);
                    true
                }
            };
        }
        let (on_time, late) = switch.into_iter().partition(|node| self.fleet.has_switched(node));
        (applied.switched, applied.stopped) = (on_time, gone);
        applied.late.extend::<Vec<NodeName>>(late);
        applied.late.extend(new.iter().filter(|node| !self.is_up(node)).cloned());
        applied.late.sort();
        applied.started = new;
        self.write_processes()?;
        tracing::info!(number = applied.number, "another plan is applied");
        Ok(applied)
    }

    fn is_up(&self, node: &NodeName) -> bool {
        self.processes.get(node).is_some_and(|record| record.state == ProcessState::Up)
    }

    /// Whether a node is up, or has tried to be and failed.
    fn has_started(&self, node: &NodeName) -> bool {
        self.is_up(node) || self.processes.get(node).is_some_and(|record| record.restarts > 0)
    }

    /// Hears news until something holds, its time is over, or the mesh is stopped. Says whether it holds.
    async fn hear_until(
        &mut self,
        hearing: &mut Hearing<'_>,
        time: Duration,
        holds: impl Fn(&Self) -> bool,
    ) -> Result<bool, LaunchError> {
        let deadline = Instant::now() + time;
        while !holds(self) {
            let heard = tokio::select! {
                biased;
                () = hearing.stop.cancelled() => return Ok(false),
                heard = timeout_at(deadline, hearing.news.recv()) => heard,
            };
            let Ok(Some((node, told))) = heard else {
                return Ok(false);
            };
            self.take(&node, told)?;
        }
        Ok(true)
    }
}
