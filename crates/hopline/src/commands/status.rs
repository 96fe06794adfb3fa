//! `hopline status`

mod clients;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::brain::Impairment;
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::NodeStatus;
use hopline::topo::NodePlan;
use hopline::topo::launch::{ProcessState, Running, missing, unconverged};
use serde::Serialize;

use self::clients::{ClientReport, clients};
use super::impair::for_programs;
use super::{Answer, duration};
use crate::attach::{PATIENCE, running};
use crate::output;
use crate::table::table;

/// Counters of what went well; all others are reasons for which a message was not delivered.
const WENT_WELL: [&str; 6] =
    ["accepted", "received", "forwarded", "delivered", "answered", "returned"];

/// The state of a node whose process runs and does not answer.
const SILENT: &str = "silent";

/// So many clients of a node are shown where nobody asks for all.
const MOST_CLIENTS: usize = 6;

/// Show what runs beside what was planned
///
/// Each node is asked by its own control socket, so one that the others do not reach answers too.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The topology file of a running mesh
    file: PathBuf,
    /// Show all counters, not only those of messages that were not delivered
    #[arg(long)]
    counters: bool,
    /// Show all clients, not only the first few of each node
    #[arg(long)]
    clients: bool,
    /// Say whether the mesh has converged, and exit with 1 where it has not
    ///
    /// It has where all planned nodes answer, all planned links are up that nobody has cut, all nodes that reach
    /// each other know the same links and clients, and all that they told each other is acknowledged.
    #[arg(long)]
    converged: bool,
    /// How long the mesh may take to converge
    #[arg(long, value_name = "TIME", requires = "converged", value_parser = duration)]
    wait: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What runs. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct MeshReport {
    mesh: String,
    /// The revision that all nodes know; none where they differ.
    revision: Option<String>,
    converged: bool,
    /// Why it is not converged, or what of the plan it lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    lacks: Option<String>,
    supervisor: u32,
    logs: PathBuf,
    nodes: Vec<NodeReport>,
}

#[derive(Serialize)]
struct NodeReport {
    node: NodeName,
    /// `up`, `starting`, `restarting`, or `silent` where its process runs and does not answer.
    state: &'static str,
    pid: Option<u32>,
    endpoint: Option<String>,
    restarts: u32,
    /// Whether the others are to route round it.
    draining: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_end: Option<String>,
    uptime_ms: Option<u64>,
    revision: Option<String>,
    links: Vec<LinkReport>,
    clients: Vec<ClientReport>,
    counters: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct LinkReport {
    neighbour: NodeName,
    planned: bool,
    /// As the node says; none where it does not answer.
    up: Option<bool>,
    cut: bool,
    cost: Option<u32>,
    queued: u64,
    /// Why the neighbour cannot be reached that this end dials.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// What this end makes the link suffer.
    #[serde(skip_serializing_if = "Impairment::is_none", serialize_with = "for_programs")]
    impairment: Impairment,
}

impl Status {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        if let Some(wait) = self.wait {
            // What still lacks after this is in the report.
            let _ = running(&self.file)?.converged(wait).await;
        }
        let running = running(&self.file)?;
        let statuses = running.statuses(PATIENCE).await;
        let report = MeshReport::new(&running, &statuses);
        if self.json {
            output::json(&report)?;
        } else if self.converged {
            output::data(&format!("{}: {}", report.mesh, report.summary()))?;
        } else {
            output::data(&report.text(self.counters, self.clients))?;
        }
        match self.converged && !report.converged {
            true => Ok(Answer::No),
            false => Ok(Answer::Yes),
        }
    }
}

impl MeshReport {
    fn new(running: &Running, statuses: &BTreeMap<NodeName, NodeStatus>) -> Self {
        let nodes = running.plan.nodes.values();
        let revisions: BTreeSet<&String> =
            statuses.values().map(|status| &status.revision).collect();
        let is_one = revisions.len() == 1 && statuses.len() == running.plan.nodes.len();
        let unconverged = unconverged(&running.plan, statuses);
        let converged = unconverged.is_none();
        let lack = unconverged.or_else(|| missing(&running.plan, statuses));
        Self {
            mesh: running.plan.mesh.to_string(),
            revision: revisions.first().filter(|_| is_one).map(|revision| (*revision).clone()),
            converged,
            lacks: lack.map(|lack| lack.to_string()),
            supervisor: running.supervisor.process.pid,
            logs: running.place.logs(),
            nodes: nodes.map(|node| NodeReport::new(running, node, statuses)).collect(),
        }
    }

    fn text(&self, counters: bool, clients: bool) -> String {
        let dash = || "-".to_owned();
        let most = if clients { usize::MAX } else { MOST_CLIENTS };
        let rows: Vec<Vec<String>> = self
            .nodes
            .iter()
            .map(|node| {
                vec![
                    node.node.to_string(),
                    node.state_text(),
                    node.pid.map_or_else(dash, |pid| pid.to_string()),
                    node.endpoint.clone().unwrap_or_else(dash),
                    list(node.links.iter().map(|link| link.text(self.is_silent(&link.neighbour)))),
                    short_list(node.clients.iter().map(ClientReport::text), most),
                ]
            })
            .collect();
        let header = ["NODE", "STATE", "PID", "LISTENS AT", "LINKS", "CLIENTS"];
        let mut text = format!("{}: {}\n\n", self.mesh, self.summary());
        text.push_str(&table(&header, &rows));
        let mut counts = Vec::new();
        for node in &self.nodes {
            let is_shown = |name: &str| counters || !WENT_WELL.contains(&name);
            let shown = node.counters.iter().filter(|(name, n)| **n > 0 && is_shown(name));
            counts.extend(shown.map(|(name, number)| {
                vec![node.node.to_string(), name.clone(), number.to_string()]
            }));
        }
        if !counts.is_empty() {
            let of = if counters { "COUNTER" } else { "NOT DELIVERED" };
            text.push('\n');
            text.push_str(&table(&["NODE", of, "COUNT"], &counts));
        }
        if self.nodes.iter().any(|node| node.restarts > 0) {
            text.push_str(&format!("\nlogs: {}\n", self.logs.display()));
        }
        text
    }

    /// Whether the node runs and does not answer, so that what others say of their links to it is all that
    /// is known of them.
    fn is_silent(&self, name: &NodeName) -> bool {
        self.nodes.iter().any(|node| node.node == *name && node.state == SILENT)
    }

    fn summary(&self) -> String {
        let converged = match (&self.lacks, self.converged) {
            (None, _) => "converged".to_owned(),
            (Some(lack), true) => format!("converged, but {lack}"),
            (Some(lack), false) => format!("not converged: {lack}"),
        };
        match &self.revision {
            Some(revision) => format!("{converged} (revision {revision})"),
            None => converged,
        }
    }
}

impl NodeReport {
    fn new(running: &Running, plan: &NodePlan, statuses: &BTreeMap<NodeName, NodeStatus>) -> Self {
        let record = running.processes.get(&plan.name);
        let status = statuses.get(&plan.name);
        let process = record.and_then(|record| record.process.as_ref());
        let state = match record.map(|record| record.state) {
            Some(ProcessState::Up) if status.is_none() => SILENT,
            Some(state) => state.as_str(),
            None => ProcessState::Starting.as_str(),
        };
        let endpoint = record.and_then(|record| record.endpoint.as_ref());
        Self {
            node: plan.name.clone(),
            state,
            pid: process.map(|process| process.pid),
            endpoint: endpoint.map(ToString::to_string),
            restarts: record.map_or(0, |record| record.restarts),
            draining: status.is_some_and(|status| status.draining),
            last_end: record.and_then(|record| record.last_end.clone()),
            uptime_ms: status.map(|status| status.uptime_ms),
            revision: status.map(|status| status.revision.clone()),
            links: links(plan, status, state == SILENT),
            clients: clients(&running.plan, plan, status),
            counters: status.map(|status| status.counters.clone()).unwrap_or_default(),
        }
    }

    fn state_text(&self) -> String {
        let state = match self.draining {
            true => format!("{}, draining", self.state),
            false => self.state.to_owned(),
        };
        match self.restarts {
            0 => state,
            1 => format!("{state} (restarted once)"),
            times => format!("{state} (restarted {times} times)"),
        }
    }
}

fn links(plan: &NodePlan, status: Option<&NodeStatus>, is_silent: bool) -> Vec<LinkReport> {
    let planned: BTreeMap<&NodeName, u32> =
        plan.dials.iter().chain(&plan.accepts).map(|dial| (&dial.node, dial.cost)).collect();
    let live = status.map(|status| status.links.as_slice()).unwrap_or_default();
    let mut names: BTreeSet<&NodeName> = planned.keys().copied().collect();
    names.extend(live.iter().map(|link| &link.neighbour));
    let report = |name: &NodeName| {
        let live = live.iter().find(|link| link.neighbour == *name);
        LinkReport {
            neighbour: name.clone(),
            planned: planned.contains_key(name),
            up: (!is_silent).then(|| live.is_some_and(|link| link.up)),
            cut: live.is_some_and(|link| link.cut),
            cost: live.map(|link| link.cost).or(planned.get(name).copied()),
            queued: live.map_or(0, |link| link.queued),
            trouble: live.and_then(|link| link.trouble.clone()),
            impairment: live.map(|link| link.impairment).unwrap_or_default(),
        }
    };
    names.into_iter().map(report).collect()
}

impl LinkReport {
    /// The link in words; `is_doubtful` where its other end does not answer.
    fn text(&self, is_doubtful: bool) -> String {
        match (self.up, self.cut, self.planned) {
            (None, ..) => format!("{} (?)", self.neighbour),
            (Some(true), ..) if is_doubtful => format!("{} (?)", self.neighbour),
            (Some(true), _, true) if self.impairment.is_none() => self.neighbour.to_string(),
            (Some(true), _, true) => format!("{} ({})", self.neighbour, self.impairment),
            (Some(true), _, false) => format!("{} (not planned)", self.neighbour),
            (Some(false), true, _) => format!("{} (cut)", self.neighbour),
            (Some(false), false, _) => format!("{} (down)", self.neighbour),
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    short_list(items, usize::MAX)
}

/// The first `most` items, and how many more there are.
fn short_list(items: impl Iterator<Item = String>, most: usize) -> String {
    let mut items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(most);
    if more > 0 {
        items.truncate(most);
        items.push(format!("+{more} more"));
    }
    match items.is_empty() {
        true => "-".to_owned(),
        false => items.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_with_an_end_that_does_not_answer_is_not_known() {
        let link = |up| LinkReport {
            neighbour: NodeName::parse("west").unwrap(),
            planned: true,
            up,
            cut: false,
            cost: None,
            queued: 0,
            trouble: None,
            impairment: Impairment::default(),
        };
        assert_eq!(link(Some(true)).text(false), "west");
        let impairment = Impairment { loss_ppm: Some(10_000), ..Impairment::default() };
        let impaired = LinkReport { impairment, ..link(Some(true)) };
        assert_eq!(impaired.text(false), "west (loss 1%)");
        assert_eq!(link(Some(true)).text(true), "west (?)");
        assert_eq!(link(Some(false)).text(true), "west (down)");
        assert_eq!(link(None).text(false), "west (?)");
    }

    #[test]
    fn a_long_list_is_cut_short_and_says_so() {
        let items = || (0..9).map(|item| item.to_string());
        assert_eq!(short_list(items(), 2), "0, 1, +7 more");
        assert_eq!(short_list(items(), 9), "0, 1, 2, 3, 4, 5, 6, 7, 8");
        assert_eq!(short_list(std::iter::empty(), 2), "-");
    }
}
