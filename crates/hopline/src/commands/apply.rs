//! `hopline apply`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::name::NodeName;
use hopline::topo::change::LISTED;
use hopline::topo::launch::{Applied, FromSupervisor, Place, ToSupervisor};
use hopline::topo::{Change, Plan};
use serde::Serialize;

use super::{Answer, patiently};
use crate::attach::running;
use crate::trouble::Bad;
use crate::{names, output};

/// How many routes that move are listed where nobody asks for all.
const FEW: usize = 5;
/// How long a change may take, with all nodes that leave and start.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What is told where it takes long.
const WAITS: &str = "waiting: nodes that leave take as long as messages are on their way, and changes are made one after the \
                     other; Ctrl-C ends the waiting, not the change";

/// Change the running mesh of a file to what the file says now
///
/// Only what differs is touched: links that stay keep their connections, and no message is lost. Nodes are started
/// again only where there is no other way, such as for another port, and leave without loss before. A file with
/// mistakes changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The topology file of a running mesh
    file: PathBuf,
    /// Only show what would change, which routes would move, and which nodes would be started again
    ///
    /// The plan that runs is compared with that of the file. Static routes that were set by hand are in neither, and
    /// are gone once a plan is applied.
    #[arg(long)]
    dry_run: bool,
    /// List every route that moves, not only the first
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a comparison of plans does not know.
const BY_HAND: &str = "note: static routes set by hand are in no plan: they are not compared, and are gone once one \
                       is applied";

/// What changes, and what became of it. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct ApplyReport {
    mesh: NodeName,
    change: Change,
    /// Nodes that would be started again, with what for; none where the plan was applied.
    would_restart: Option<BTreeMap<NodeName, Vec<String>>>,
    /// None where it was only looked at.
    applied: Option<Applied>,
}

impl Apply {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let running = running(&self.file)?;
        let loaded = names::topology_to_run(&self.file).inspect_err(|_| {
            output::message("the running mesh is left as it is, for the file has mistakes:");
        })?;
        let plan = Plan::new(&loaded.topology);
        let most = match (self.all, self.dry_run) {
            (true, _) => usize::MAX,
            (false, true) => LISTED,
            (false, false) => FEW,
        };
        let ordered = Box::new(plan.clone());
        let order = match self.dry_run {
            true => ToSupervisor::Preview(ordered),
            false => ToSupervisor::Apply(ordered),
        };
        // The supervisor says what it compared with: others may have applied a plan meanwhile.
        let (before, would_restart, applied) =
            match patiently(running.order(&order, PATIENCE), WAITS).await? {
                FromSupervisor::Applied { applied, before } => (before, None, Some(*applied)),
                FromSupervisor::Preview { restart, now } => (now, Some(restart), None),
                FromSupervisor::Done {} => (Box::new(running.plan), None, None),
                FromSupervisor::Refused { reason } => {
                    let bad = Bad::new(format!("nothing was changed: {reason}"));
                    let again = format!(
                        "`hopline down {0}` and `hopline up {0}` do it",
                        self.file.display()
                    );
                    return Err(bad.help(again).into());
                }
            };
        let change = Change::between_plans(&before, &plan, most);
        let report = ApplyReport { mesh: plan.mesh, change, would_restart, applied };
        match self.json {
            true => output::json(&report)?,
            false => output::data(&report.text(&running.place))?,
        }
        if self.dry_run || report.change.is_empty() {
            output::message(BY_HAND);
        }
        let late = report.applied.iter().any(|applied| !applied.late.is_empty());
        Ok(if late { Answer::No } else { Answer::Yes })
    }
}

impl ApplyReport {
    fn text(&self, place: &Place) -> String {
        let change = self.change.to_string();
        match &self.applied {
            Some(applied) => {
                let more = more(applied, place);
                let is_nothing = self.change.is_empty() && more.is_empty();
                if is_nothing { change } else { format!("{change}applied\n{more}") }
            }
            None => {
                let restart = self.would_restart.iter().flatten();
                let would = restart.map(|(node, why)| {
                    format!("  would be started again: {node}, for its {}\n", why.join(" and "))
                });
                let would: String = would.collect();
                let is_nothing = self.change.is_empty() && would.is_empty();
                let dry = if is_nothing { "" } else { "nothing was changed: this was a dry run\n" };
                format!("{change}{would}{dry}")
            }
        }
    }
}

/// What is to be told of nodes that have not just gone on.
fn more(applied: &Applied, place: &Place) -> String {
    let list =
        |nodes: &[NodeName]| nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for (what, nodes) in [("started", &applied.started), ("stopped", &applied.stopped)] {
        if !nodes.is_empty() {
            text.push_str(&format!("  {what}: {}\n", list(nodes)));
        }
    }
    for (node, why) in &applied.restarted {
        text.push_str(&format!("  started again: {node}, for its {}\n", why.join(" and ")));
    }
    if !applied.still_stopped.is_empty() {
        let stopped = list(&applied.still_stopped);
        text.push_str(&format!("  stopped before, until `hopline drain --undo`: {stopped}\n"));
    }
    if !applied.late.is_empty() {
        let late = list(&applied.late);
        text.push_str(&format!("  not reached, and will follow when they are back: {late}\n"));
    }
    for node in &applied.late {
        let why = applied.reasons.get(node).map(|why| format!("{why}; ")).unwrap_or_default();
        text.push_str(&format!("    {node}: {why}its log is {}\n", place.log(node).display()));
    }
    text
}
