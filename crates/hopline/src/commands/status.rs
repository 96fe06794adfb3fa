//! `hopline status`

mod clients;
mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::ledger::Ledger;
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::NodeStatus;
use hopline::topo::NodePlan;
use hopline::topo::launch::{ProcessState, Running, has_guests, missing, unconverged};
use serde::Serialize;

use self::clients::{ClientReport, clients};
use self::links::{LinkReport, links};
use super::{Answer, duration};
use crate::attach::{PATIENCE, running};
use crate::output;
use crate::table::table;

/// Counters of all messages, of which the ledger is made; all others are reasons for which a message was not delivered.
const WENT_WELL: [&str; 11] = [
    "accepted",
    "received",
    "made",
    "recalled",
    "forwarded",
    "delivered",
    "answered",
    "returned",
    "doubtful",
    "superseded",
    "dropped",
];

/// The state of a node whose process runs and does not answer.
const SILENT: &str = "silent";

/// How long a node may take to answer once the time for converging is over.
const AFTER_THE_WAIT: Duration = Duration::from_millis(700);

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
    /// It has where all planned nodes answer that nobody has stopped, all planned links between them are up that
    /// nobody has cut, all nodes that reach each other know the same links and clients, and all that they told each
    /// other is acknowledged.
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
    /// What has become of all messages: the sum over the nodes that answer.
    ledger: Ledger,
    /// Whether all planned nodes answer, none has taken its counts along at the end of a run, and no other takes part.
    ledger_complete: bool,
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
    /// Names that two nodes have, as this one has seen: its own, or those of neighbours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namesakes: Vec<NodeName>,
    links: Vec<LinkReport>,
    clients: Vec<ClientReport>,
    counters: BTreeMap<String, u64>,
    /// What has become of the messages that came to the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<Ledger>,
}

impl Status {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let (waited, patience) = match self.wait {
            Some(wait) => {
                (running(&self.file)?.converged_statuses(wait).await.ok(), AFTER_THE_WAIT)
            }
            None => (None, PATIENCE),
        };
        let running = running(&self.file)?;
        let statuses = match waited {
            Some(statuses) => statuses,
            None => running.statuses(patience).await,
        };
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
        let expected = running.expected();
        let is_one = revisions.len() == 1 && statuses.len() == expected.nodes.len();
        let unconverged = unconverged(&expected, statuses);
        let converged = unconverged.is_none();
        let lack = unconverged.or_else(|| missing(&expected, statuses));
        let lack = lack.map(|lack| lack.to_string());
        Self {
            mesh: running.plan.mesh.to_string(),
            revision: revisions.first().filter(|_| is_one).map(|revision| (*revision).clone()),
            converged,
            lacks: lack
                .or_else(|| these("stopped", &running.stopped()))
                .or_else(|| these("leaving", &running.leaving())),
            supervisor: running.supervisor.process.pid,
            logs: running.place.logs(),
            ledger: statuses.values().sum(),
            ledger_complete: statuses.len() == running.plan.nodes.len()
                && !running.has_lost_counts
                && !statuses.values().any(|status| has_guests(&running.plan, status)),
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
        for node in &self.nodes {
            for name in &node.namesakes {
                text.push_str(&format!("\n{} sees two nodes named `{name}`\n", node.node));
            }
        }
        text.push_str(&format!("\n{}\n", self.ledger_text()));
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

    /// The ledger in one line: what has ended, and what has not.
    fn ledger_text(&self) -> String {
        let Ledger { sent, delivered, returned, in_doubt, superseded, counted, .. } = self.ledger;
        let Ledger { waiting, under_way, arrived_after_all, unaccounted, .. } = self.ledger;
        let mut text = format!("messages: {sent} sent");
        let of_left = [(arrived_after_all, "arrived after all")];
        let of_right = [
            (returned, "returned"),
            (in_doubt, "in doubt"),
            (superseded, "superseded"),
            (counted, "counted"),
            (waiting, "waiting"),
            (under_way, "under way"),
        ];
        let shown = |(count, what): &(u64, &str)| match count {
            0 => String::new(),
            count => format!(" + {count} {what}"),
        };
        text.extend(of_left.iter().map(shown));
        text.push_str(&format!(" = {delivered} delivered"));
        text.extend(of_right.iter().map(shown));
        if unaccounted != 0 {
            text.push_str(&format!("; {unaccounted} UNACCOUNTED FOR"));
        }
        if !self.ledger_complete {
            text.push_str(
                " (without nodes that are silent or not in the file, and runs that have ended)",
            );
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
            namesakes: status.map(|status| status.namesakes.clone()).unwrap_or_default(),
            links: links(plan, status, state == SILENT),
            clients: clients(&running.plan, plan, status),
            counters: status.map(|status| status.counters.clone()).unwrap_or_default(),
            ledger: status.map(Ledger::of),
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

/// That there are nodes of which something is so.
fn these(what: &str, nodes: &BTreeSet<NodeName>) -> Option<String> {
    let named: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
    let are = if nodes.len() == 1 { "is" } else { "are" };
    (!nodes.is_empty()).then(|| format!("{} {are} {what}", named.join(", ")))
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
    fn a_long_list_is_cut_short_and_says_so() {
        let items = || (0..9).map(|item| item.to_string());
        assert_eq!(short_list(items(), 2), "0, 1, +7 more");
        assert_eq!(short_list(items(), 9), "0, 1, 2, 3, 4, 5, 6, 7, 8");
        assert_eq!(short_list(std::iter::empty(), 2), "-");
    }
}
