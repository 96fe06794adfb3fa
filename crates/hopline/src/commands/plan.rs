//! `hopline plan`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use hopline::mesh::dialect::Dialect;
use hopline::mesh::name::NodeName;
use hopline::mesh::route::access::{AccessRules, AttachRule};
use hopline::mesh::wire::control::RouteLine;
use hopline::topo::{Bind, Dial, NodePlan, Offline, Plan};
use serde::Serialize;

use super::Answer;
use super::routes::{indent, lines_text};
use crate::way::{arrows, count, visible};
use crate::{names, output};

/// Show what each node is to do and how it will route, without running anything
///
/// All planned clients count as attached. Routing tables read as those of `hopline routes`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The topology file
    file: PathBuf,
    /// A node [default: all, where they are at most 50]
    node: Option<String>,
    /// Show all nodes, however many
    #[arg(long, conflicts_with = "node")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How many nodes are shown where nobody says `--all`.
const SHOWN: usize = 50;

/// In meshes of more nodes than this the longest way is not looked for.
const SEARCHED: usize = 2000;

/// A plan as it is shown. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Shown<'a> {
    mesh: &'a str,
    nodes: usize,
    links: usize,
    clients: usize,
    /// The access rules of the mesh.
    #[serde(skip_serializing_if = "AccessRules::is_empty")]
    access: &'a AccessRules,
    /// The best way with the most links; none in a mesh of very many nodes.
    longest: Option<Longest>,
    /// The nodes that are shown.
    plans: BTreeMap<&'a NodeName, Node<'a>>,
}

#[derive(Serialize)]
struct Longest {
    path: Vec<NodeName>,
    cost: u64,
    hops: usize,
}

#[derive(Serialize)]
struct Node<'a> {
    #[serde(flatten)]
    plan: &'a NodePlan,
    /// The rules of who may attach, at all nodes.
    #[serde(skip)]
    attach: &'a [AttachRule],
    table: Vec<RouteLine>,
}

impl PlanArgs {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let topology = names::topology(&self.file)?.topology;
        let plan = Plan::new(&topology);
        let mesh = Offline::new(&plan);
        let one = self.node.as_ref().map(|name| names::node(&plan, name)).transpose()?;
        let is_shown = |name: &NodeName| match &one {
            Some(one) => one == name,
            None => self.all || plan.nodes.len() <= SHOWN,
        };
        let shown = plan.nodes.iter().filter(|(name, _)| is_shown(name));
        let attach = plan.access.attach.as_slice();
        let node = |(name, plan)| (name, Node { plan, attach, table: mesh.route_lines(name) });
        let longest = (plan.nodes.len() <= SEARCHED).then(|| mesh.longest_way()).flatten();
        let longest = longest.map(|way| {
            let hops = way.hops();
            Longest { path: way.nodes, cost: way.cost, hops }
        });
        let shown = Shown {
            mesh: plan.mesh.as_str(),
            nodes: plan.nodes.len(),
            links: topology.links().len(),
            clients: topology.clients().len(),
            access: &plan.access,
            longest,
            plans: shown.map(node).collect(),
        };
        if self.json {
            output::json(&shown)?;
        } else {
            output::data(&shown.text())?;
        }
        if shown.plans.is_empty() {
            output::message("its nodes are too many to show: name one, or say `--all`");
        }
        Ok(Answer::Yes)
    }
}

impl Shown<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "{}: {}, {}, {}\n",
            self.mesh,
            count(self.nodes, "node"),
            count(self.links, "link"),
            count(self.clients, "planned client"),
        );
        if let Some(Longest { path, cost, hops }) = self.longest.as_ref().filter(|way| way.hops > 0)
        {
            let hops = count(*hops, "hop");
            text.push_str(&format!("longest way: {}  cost {cost}, {hops}\n", arrows(path)));
        }
        for (number, rule) in (1..).zip(&self.access.send) {
            let what = if number == 1 { "may send:" } else { "" };
            text.push_str(&format!("{what:<9} {}\n", visible(&rule.to_string())));
        }
        for (name, node) in &self.plans {
            let title = match &node.plan.label {
                Some(label) => format!("{name}  {}", visible(label)),
                None => name.to_string(),
            };
            text.push_str(&format!("\n{title}\n{}", indent(&node.text())));
        }
        text
    }
}

impl Node<'_> {
    /// The rules of who may attach here, where there are any or those are needed.
    fn may_attach(&self) -> String {
        let is_here =
            |rule: &&AttachRule| rule.at.as_ref().is_none_or(|at| at.contains(&self.plan.name));
        let rules = self.attach.iter().filter(is_here);
        let rules = rules.map(|rule| format!("{} {}", rule.effect, visible(&rule.who.to_string())));
        let default = self.plan.closed.then(|| "else nobody".to_owned());
        rules.chain(default).collect::<Vec<_>>().join("; ")
    }

    fn text(&self) -> String {
        let mut lines: Vec<(&str, String)> = Vec::new();
        let plan = self.plan;
        let bind = match &plan.bind {
            Bind::At(endpoint) => endpoint.to_string(),
            Bind::Auto => "a free loopback port".to_owned(),
        };
        lines.push(("listens at", bind));
        if let Some(address) = &plan.address {
            lines.push(("is dialled at", address.to_string()));
        }
        if let Some(host) = &plan.host {
            lines.push(("runs on", host.clone()));
        }
        let is_upstream = |dial: &Dial| plan.upstreams.iter().any(|(node, _)| *node == dial.node);
        for (what, dials) in [("dials", &plan.dials), ("accepts", &plan.accepts)] {
            let dials: Vec<String> = dials
                .iter()
                .map(|dial| {
                    let upstream = if is_upstream(dial) { ", upstream" } else { "" };
                    let suffers = match dial.impairment.is_none() {
                        true => String::new(),
                        false => format!(", {}", dial.impairment),
                    };
                    format!("{} (cost {}{upstream}{suffers})", dial.node, dial.cost)
                })
                .collect();
            lines.push((what, dials.join(", ")));
        }
        let clients: Vec<String> = plan.clients.iter().map(|name| visible(name)).collect();
        lines.push(("clients", clients.join(", ")));
        let routes = plan.routes.iter().map(|(to, hop)| format!("{} to {hop}", visible(to)));
        lines.push(("static routes", routes.collect::<Vec<_>>().join(", ")));
        let dialects = plan.dialects.iter().map(|dialect: &Dialect| dialect.name());
        lines.push(("speaks", dialects.collect::<Vec<_>>().join(", ")));
        lines.push(("limits", plan.limits.to_string()));
        lines.push(("may attach", self.may_attach()));
        let said = lines.into_iter().filter(|(_, text)| !text.is_empty());
        let said: String = said.map(|(what, text)| format!("{what:<14} {text}\n")).collect();
        format!("{said}{}", lines_text(&self.table))
    }
}
