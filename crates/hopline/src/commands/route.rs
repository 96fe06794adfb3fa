//! `hopline route`

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use hopline::mesh::name::NodeName;
use hopline::mesh::route::Down;
use hopline::topo::{Offline, Plan};
use serde::Serialize;

use super::Answer;
use crate::unreached::kept_out;
use crate::way::{arrows, count, hops};
use crate::{names, output, why};

/// Show which way a message would go, without running anything
///
/// All planned clients count as attached, and every service at each node that offers it. The running
/// mesh decides by the same rules.
#[derive(Debug, Args)]
pub(crate) struct Route {
    /// The topology file
    file: PathBuf,
    /// A node or planned client
    from: String,
    /// A node, planned client or service
    to: String,
    /// Something that has failed: a node, or a link `a--b`; may be repeated
    #[arg(long, value_name = "NODE|LINK")]
    down: Vec<String>,
    /// Say why: what decided at each node, and what excluded the other ways
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The way of a message, or why there is none. Its JSON keys are part of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Way {
    from: String,
    to: String,
    pub(super) reachable: bool,
    /// The nodes that handle it; as far as it comes where it does not arrive.
    pub(super) path: Vec<NodeName>,
    cost: u64,
    hops: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'static, str>>,
    /// The node that refuses it; none where nobody is there to do so.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<NodeName>,
}

impl Route {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let plan = Plan::new(&names::topology(&self.file)?.topology);
        let Self { from, to, down, .. } = &self;
        let known = known(&plan, from, to);
        if known.is_err() && self.json {
            output::json(&walked(&plan, from, to, down)?)?;
        }
        known?;
        if let Some(kept_out) = kept_out(&plan, to) {
            output::message(&format!("note: {kept_out}"));
        }
        if self.explain {
            return explained(&plan, from, to, down, self.json);
        }
        let way = walked(&plan, from, to, down)?;
        if self.json {
            output::json(&way)?;
        } else {
            output::data(&way.text())?;
        }
        Ok(if way.reachable { Answer::Yes } else { Answer::No })
    }
}

/// Prints why a message goes the way it goes.
fn explained(
    plan: &Plan,
    from: &str,
    to: &str,
    down: &[String],
    json: bool,
) -> anyhow::Result<Answer> {
    let mesh = Offline::new(plan);
    let down = names::down(plan, &mesh, down)?;
    match mesh.explain(from, to, &down) {
        Some(explanation) => why::print(&explanation, json),
        None => Ok(Answer::No),
    }
}

/// The way from `from` to `to` in the mesh of `plan` while `down` has failed.
pub(super) fn way(plan: &Plan, from: &str, to: &str, down: &[String]) -> anyhow::Result<Way> {
    known(plan, from, to)?;
    walked(plan, from, to, down)
}

/// Whether the plan has both ends.
fn known(plan: &Plan, from: &str, to: &str) -> anyhow::Result<()> {
    let mesh = Offline::new(plan);
    names::sender(plan, &mesh, from)?;
    names::destination(plan, &mesh, to)
}

/// The way as the mesh would have it, which refuses what is not known.
fn walked(plan: &Plan, from: &str, to: &str, down: &[String]) -> anyhow::Result<Way> {
    let mesh = Offline::new(plan);
    let down = names::down(plan, &mesh, down)?;
    let mut way = Way {
        from: from.to_owned(),
        to: to.to_owned(),
        reachable: false,
        path: Vec::new(),
        cost: 0,
        hops: 0,
        reason: None,
        node: None,
    };
    let start = mesh.node_of(from);
    let walk = mesh.route(from, to, &down);
    let (Some(start), Some(walk)) = (start, walk) else {
        way.reason = Some(Cow::Borrowed("unknown sender"));
        return Ok(way);
    };
    if down.contains(&Down::Node(start.clone())) {
        // Nobody is there to take the message.
        way.reason = Some(Cow::Owned(format!("{start} is down")));
        return Ok(way);
    }
    way.reason = walk.refusal().map(|refusal| Cow::Borrowed(refusal.reason()));
    way.node = way.reason.as_ref().and(walk.last().cloned());
    way.reachable = way.reason.is_none();
    way.cost = walk.cost;
    way.hops = hops(walk.path.len());
    way.path = walk.path;
    Ok(way)
}

impl Way {
    /// The way as people read it.
    pub(super) fn text(&self) -> String {
        let Self { from, to, path, cost, hops, .. } = self;
        let Some(reason) = &self.reason else {
            return format!("{}  cost {cost}, {}", arrows(path), count(*hops, "hop"));
        };
        let who = self.node.as_ref().map_or(from.as_str(), NodeName::as_str);
        match path.as_slice() {
            [] => format!("no way from {from} to {to}: {reason}"),
            [_] => format!("no way from {from} to {to}: {reason}, says {who}"),
            more => format!(
                "no way from {from} to {to}: {reason}, says {who}\n  it comes as far as {}",
                arrows(more)
            ),
        }
    }
}
