//! `hopline routes`

mod set;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::{Answer as Said, Request, RouteLine};
use serde::Serialize;

use super::Answer;
use crate::attach::{PATIENCE, attach, running};
use crate::table::table;
use crate::trouble::Bad;
use crate::way::{drains, visible};
use crate::{names, output};

/// How a static route is told from a computed one.
const STATIC: &str = "static";

/// Show the routing tables of running nodes, or set a node's static routes
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(override_usage = "\
hopline routes [OPTIONS] FILE [NODE]
       hopline routes set FILE NODE DESTINATION NEXT_HOP
       hopline routes unset FILE NODE DESTINATION")]
pub(crate) struct Routes {
    #[command(subcommand)]
    change: Option<Change>,
    /// The topology file of a running mesh
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// A node [default: all that are up]
    node: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Change {
    Set(set::Set),
    Unset(set::Unset),
}

/// The tables of some nodes. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Tables {
    mesh: String,
    nodes: BTreeMap<NodeName, Vec<RouteLine>>,
}

impl Routes {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let file = match (self.change, self.file) {
            (Some(Change::Set(set)), _) => return set.run().await,
            (Some(Change::Unset(unset)), _) => return unset.run().await,
            (None, file) => file.ok_or_else(|| Bad::new("no topology file is named"))?,
        };
        let running = running(&file)?;
        let nodes = match &self.node {
            Some(name) => vec![names::node(&running.plan, name)?],
            None => running.plan.nodes.keys().cloned().collect(),
        };
        let mut tables = Tables { mesh: running.plan.mesh.to_string(), nodes: BTreeMap::new() };
        let mut answer = Answer::Yes;
        for node in nodes {
            let client = match attach(&running, &node, None, PATIENCE).await {
                Ok(client) => client,
                Err(error) if self.node.is_none() && error.is::<Bad>() => {
                    output::message(&format!("warning: {error}"));
                    answer = Answer::No;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let said = client.ask(node.as_str(), Request::Routes {}, PATIENCE).await;
            client.shutdown().await;
            if let Said::Routes(lines) = said? {
                tables.nodes.insert(node, lines);
            }
        }
        if self.json {
            output::json(&tables)?;
        } else {
            output::data(&tables.text())?;
        }
        Ok(answer)
    }
}

impl Tables {
    fn text(&self) -> String {
        let blocks = self.nodes.iter();
        let blocks = blocks.map(|(node, lines)| format!("{node}\n{}", indent(&lines_text(lines))));
        blocks.collect::<Vec<_>>().join("\n")
    }
}

/// A routing table in columns.
pub(super) fn lines_text(lines: &[RouteLine]) -> String {
    let dash = || "-".to_owned();
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                visible(&line.destination),
                line.next_hop.clone().unwrap_or_else(dash),
                line.cost.map_or_else(dash, cost),
                line.hops.map_or_else(dash, |hops| hops.to_string()),
                match is_overridden(line, lines) {
                    true => format!("{}, overridden", line.origin),
                    false => line.origin.clone(),
                },
            ]
        })
        .collect();
    table(&["TO", "NEXT HOP", "COST", "HOPS", "WHY"], &rows)
}

/// Whether messages to this destination go by a static route instead, whose next hop is there.
fn is_overridden(line: &RouteLine, lines: &[RouteLine]) -> bool {
    let takes = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => line.destination.starts_with(prefix),
        None => line.destination == pattern,
    };
    let is_there = |hop: &str| {
        let computed = lines.iter().filter(|other| other.origin != STATIC);
        computed
            .filter(|it| it.destination == hop)
            .any(|it| it.next_hop.is_some() || it.cost == Some(0))
    };
    let in_force = |other: &&RouteLine| {
        other.origin == STATIC && other.next_hop.as_deref().is_some_and(is_there)
    };
    let mut statics = lines.iter().filter(in_force);
    line.origin != STATIC && line.next_hop.is_some() && statics.any(|it| takes(&it.destination))
}

/// A cost in its column.
fn cost(cost: u64) -> String {
    if drains(cost) { "draining".to_owned() } else { cost.to_string() }
}

pub(super) fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
