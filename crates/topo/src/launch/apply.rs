//! Applying a plan to a mesh that runs: all nodes are asked first, then those that stay switch, new ones are started,
//! and removed ones leave.
//!
//! ```text
//!  prepare all --> plan.json --> start what is new --> stop what is gone --> switch all --> restart those that must
//! ```
//!
//! Where nodes are removed all this is done twice: first for a plan in which they are still there, see
//! [`parting`](super::parting), so that what is new is there before they leave, and waits for none of them.
//!
//! Whoever takes a port that another gives up starts once that one has left; nodes that give ports to each other, or to
//! new ones, leave together and start together, see [`Handover`].
//!
//! A node that cannot be reached holds nobody up: it goes by the plan when it is back, for it starts from it. One that is
//! removed and does not answer is waited for last, unless another takes its port.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hopline_mesh::name::NodeName;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::desk::{FromSupervisor, ToSupervisor};
use super::error::LaunchError;
use super::farewell::ENDS;
use super::handover::{Changing, Handover};
use super::keeper::{News, Step};
use super::records::ProcessState;
use super::share::Share;
use super::store;
use super::supervise::Supervisor;
use crate::plan::Plan;

/// How long nodes may take to answer.
const ANSWERS: Duration = Duration::from_secs(3);
/// How long a node may take to start.
const STARTS: Duration = Duration::from_secs(15);
/// The same of one that has to leave before.
const STARTS_AGAIN: Duration = ENDS.saturating_add(STARTS);

/// What became of a plan that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applied {
    /// The number of the change, 1 for the first since the mesh was started. One that removes nodes may count twice.
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
    /// Why those nodes are late, as far as it is known.
    #[serde(default)]
    pub reasons: BTreeMap<NodeName, String>,
    /// Nodes that somebody has stopped: they go by the plan when they are to serve again.
    #[serde(default)]
    pub still_stopped: Vec<NodeName>,
}

/// An error in one line, with its cause.
fn told(error: &LaunchError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// News, and when nobody wants more of them.
pub(super) struct Hearing<'a> {
    news: &'a mut mpsc::Receiver<(NodeName, News)>,
    pub(super) stop: &'a CancellationToken,
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
                let before = Box::new(self.launch.plan.clone());
                let applied = self.apply_and_part(*plan, &mut hearing).await.map(Box::new);
                applied.map(|applied| FromSupervisor::Applied { applied, before })
            }
            ToSupervisor::Preview(plan) => {
                return match self.cannot_become(&plan) {
                    Some(reason) => refused(reason),
                    None => FromSupervisor::Preview {
                        restart: self.would_restart(&plan),
                        now: Box::new(self.launch.plan.clone()),
                    },
                };
            }
            ToSupervisor::Stop { node } | ToSupervisor::Start { node }
                if !self.launch.plan.nodes.contains_key(&node) =>
            {
                return refused(format!("there is no node `{node}`"));
            }
            ToSupervisor::Stop { node } => {
                self.fleet.stop(&node);
                let gone = |it: &Self| !it.fleet.has(&node);
                match self.hear_until(&mut hearing, ENDS, gone).await {
                    Ok(true) => Ok(FromSupervisor::Done {}),
                    Ok(false) => return refused(format!("`{node}` has not left yet")),
                    Err(error) => Err(error),
                }
            }
            ToSupervisor::Start { node } if self.fleet.has(&node) => Ok(FromSupervisor::Done {}),
            ToSupervisor::Start { node } => {
                let started = self.start_and_hear(&mut hearing, vec![node]).await;
                started.map(|()| FromSupervisor::Done {})
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

    /// The nodes that a plan has started again, with what it changes that only a restart brings about.
    pub(super) fn would_restart(&self, plan: &Plan) -> BTreeMap<NodeName, Vec<String>> {
        let now = &self.launch.plan;
        let runs = now.nodes.iter().filter(|(node, _)| self.fleet.has(node));
        let why = runs.filter_map(|(name, node)| {
            let new = Share::new(plan, plan.nodes.get(name)?);
            Some((name.clone(), Share::new(now, node).needs_restart(&new)))
        });
        why.filter(|(_, why)| !why.is_empty()).collect()
    }

    /// Applies a plan. Those that are about to part go on as they are, whatever it says of them.
    pub(super) async fn apply(
        &mut self,
        plan: Plan,
        parting: &BTreeSet<NodeName>,
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
        let is_new = |node: &&NodeName| !before.contains_key(*node);
        let new: Vec<NodeName> = plan.nodes.keys().filter(is_new).cloned().collect();
        let is_gone = |node: &&NodeName| !plan.nodes.contains_key(*node);
        let gone: Vec<NodeName> = before.keys().filter(is_gone).cloned().collect();
        let stays = |node: &&NodeName| before.contains_key(*node) && !parting.contains(*node);
        let stay = plan.nodes.keys().filter(stays).cloned();
        // Whoever was stopped is not waited for, and starts from the plan.
        let (stay, still_stopped): (Vec<NodeName>, Vec<NodeName>) =
            stay.partition(|node| self.fleet.has(node));
        applied.still_stopped = still_stopped;
        // Whoever does not come up cannot answer, and may do better with the plan.
        let failing: Vec<NodeName> =
            stay.iter().filter(|node| self.is_failing(node)).cloned().collect();

        for node in &stay {
            self.fleet.tell(node, &shares[node], Step::Prepare);
        }
        gone.iter().for_each(|node| drop(self.statuses.remove(node)));
        self.orders.send_modify(|orders| orders.asked += 1);
        let is_silent =
            |it: &Self, node: &NodeName| it.is_up(node) && !it.statuses.contains_key(node);
        // One that is being started again is asked as soon as it listens.
        let answered = |it: &Self| {
            let mut asked = stay.iter().filter(|node| !failing.contains(node));
            let prepared = asked.all(|node| it.fleet.restart(node).is_some());
            prepared && !gone.iter().any(|node| is_silent(it, node))
        };
        self.hear_until(hearing, ANSWERS, answered).await?;
        let (silent, alive): (Vec<_>, Vec<_>) =
            gone.iter().cloned().partition(|node| is_silent(self, node));
        let needs = |node: &NodeName| self.fleet.restart(node).filter(|why| !why.is_empty());
        let restart: BTreeMap<NodeName, Vec<String>> =
            stay.iter().filter_map(|node| Some((node.clone(), needs(node)?.to_vec()))).collect();
        let switch: Vec<NodeName> =
            stay.into_iter().filter(|node| !restart.contains_key(node)).collect();

        self.launch.plan = plan;
        store::write(&self.place.plan(), &self.launch.plan)?;
        let again: Vec<NodeName> = restart.keys().cloned().collect();
        let changing = Changing { new: &new, gone: &gone, restart: &again };
        let handover = Handover::new(&self.launch.plan, &self.listening(), changing);
        let at_once = new.iter().filter(|node| !handover.waiting.contains(*node));
        self.start_and_hear(hearing, at_once.cloned().collect()).await?;

        let leaving: Vec<&NodeName> = gone.iter().chain(&handover.together).collect();
        leaving.iter().for_each(|node| self.fleet.stop(node));
        let (later, first): (Vec<&NodeName>, Vec<&NodeName>) = leaving
            .into_iter()
            .partition(|node| silent.contains(node) && !handover.givers.contains(*node));
        let left = |it: &Self| !first.iter().any(|node| it.fleet.has(node));
        self.hear_until(hearing, ENDS, left).await?;
        alive.iter().for_each(|node| self.forget(node));
        let then = handover.waiting.iter().chain(&handover.together);
        self.start_and_hear(hearing, then.cloned().collect()).await?;

        failing.iter().for_each(|node| drop(self.failures.remove(node)));
        switch.iter().for_each(|node| self.fleet.tell(node, &shares[node], Step::Switch));
        self.tell_addresses()?;
        let switched = |it: &Self| {
            // Whoever has not prepared in time is not waited for again.
            let waits = |node| it.fleet.restart(node).is_some();
            switch.iter().all(|node| !waits(node) || it.fleet.has_switched(node))
        };
        self.hear_until(hearing, ANSWERS, switched).await?;
        let came_up = |it: &Self| failing.iter().all(|node| it.is_up(node) || it.has_failed(node));
        self.hear_until(hearing, STARTS, came_up).await?;
        // One after the other, so that the others are there to be routed round it.
        for node in again.iter().filter(|node| !handover.together.contains(*node)) {
            let before = self.processes.get(node).cloned();
            let up = before.as_ref().and_then(|record| record.process.clone());
            let restarts = before.map_or(0, |record| record.restarts);
            self.failures.remove(node);
            self.fleet.tell(node, &shares[node], Step::Restart);
            let again = |it: &Self| {
                let record = it.processes.get(node);
                let is_again = it.is_up(node) && record.is_some_and(|record| record.process != up);
                let has_ended = record.is_some_and(|record| record.restarts > restarts);
                is_again || has_ended || it.has_failed(node)
            };
            self.hear_until(hearing, STARTS_AGAIN, again).await?;
        }
        let left = |it: &Self| !later.iter().any(|node| it.fleet.has(node));
        self.hear_until(hearing, ENDS, left).await?;
        silent.iter().for_each(|node| self.forget(node));
        let (on_time, late): (Vec<_>, Vec<_>) =
            switch.into_iter().partition(|node| self.fleet.has_switched(node));
        let (back, not_back): (BTreeMap<_, _>, BTreeMap<_, _>) =
            restart.into_iter().partition(|(node, _)| self.is_up(node));
        applied.late = late;
        applied.late.extend(not_back.into_keys());
        applied.late.extend(new.iter().filter(|node| !self.is_up(node)).cloned());
        applied.late.sort();
        let reasons = applied.late.iter().filter_map(|node| Some((node.clone(), self.why(node)?)));
        applied.reasons = reasons.collect();
        (applied.switched, applied.restarted) = (on_time, back);
        applied.started = new.into_iter().filter(|node| self.is_up(node)).collect();
        applied.stopped = gone;
        self.write_processes()?;
        tracing::info!(number = applied.number, "another plan is applied");
        Ok(applied)
    }

    /// A node that is not in the plan has left.
    fn forget(&mut self, node: &NodeName) {
        self.processes.remove(node);
        self.statuses.remove(node);
    }

    /// Starts nodes of the plan, and waits until each is up, or has tried to be and failed.
    async fn start_and_hear(
        &mut self,
        hearing: &mut Hearing<'_>,
        nodes: Vec<NodeName>,
    ) -> Result<(), LaunchError> {
        self.start_nodes(&nodes)?;
        let started = |it: &Self| nodes.iter().all(|node| it.has_started(node));
        self.hear_until(hearing, STARTS, started).await.map(drop)
    }

    /// Why a node is not up, or has not answered.
    fn why(&self, node: &NodeName) -> Option<String> {
        if let Some(failure) = self.failures.get(node) {
            return Some(failure.to_string());
        }
        let record = self.processes.get(node)?;
        match record.state {
            ProcessState::Up => Some("it does not answer".to_owned()),
            ProcessState::Restarting => record.last_end.as_ref().map(|end| format!("it {end}")),
            ProcessState::Starting | ProcessState::Stopped => None,
        }
    }

    pub(super) fn is_up(&self, node: &NodeName) -> bool {
        self.processes.get(node).is_some_and(|record| record.state == ProcessState::Up)
    }

    /// Whether a node said why it cannot start, and has not been up since.
    fn has_failed(&self, node: &NodeName) -> bool {
        self.failures.contains_key(node)
    }

    /// Whether a node ends each time before it is up.
    fn is_failing(&self, node: &NodeName) -> bool {
        !self.is_up(node) && self.has_failed(node)
    }

    /// Whether a node is up, or has tried to be and failed.
    fn has_started(&self, node: &NodeName) -> bool {
        self.is_up(node) || self.processes.get(node).is_some_and(|record| record.restarts > 0)
    }

    /// Hears news until something holds, its time is over, or the mesh is stopped. Says whether it holds.
    pub(super) async fn hear_until(
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
