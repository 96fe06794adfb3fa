//! `hopline routes set`, `hopline routes unset`

use std::path::PathBuf;

use clap::Args;
use hopline::mesh::name::NodeName;
use hopline::mesh::route::Pattern;
use hopline::mesh::wire::control::{Answer as Said, Request};
use hopline::topo::launch::Running;
use hopline::topo::nearest;
use serde::Serialize;

use crate::attach::{PATIENCE, ask, running};
use crate::commands::Answer;
use crate::deadline::Deadline;
use crate::trouble::Bad;
use crate::{names, output};

/// The next hop that is no name.
const UPSTREAM: &str = "upstream";

/// Set a static route at a running node, until it is started again or a plan is applied
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The topology file of a running mesh
    file: PathBuf,
    /// The node
    node: String,
    /// A name, or all names under one: `region.*`
    destination: String,
    /// A node, a client of this node, or `upstream`
    next_hop: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Take a static route of a running node away; one of the file is back when the node is started again or a plan is applied
#[derive(Debug, Args)]
pub(crate) struct Unset {
    /// The topology file of a running mesh
    file: PathBuf,
    /// The node
    node: String,
    /// A name, or all names under one: `region.*`
    destination: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A static route as it now is. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct Route {
    node: NodeName,
    destination: String,
    /// None where there is no static route any more.
    next_hop: Option<String>,
}

impl Set {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let running = running(&self.file)?;
        let node = names::node(&running.plan, &self.node)?;
        is_next_hop(&running, &node, &self.next_hop).await?;
        let next_hop = Some(self.next_hop);
        order(&running, Route { node, destination: self.destination, next_hop }, self.json).await
    }
}

impl Unset {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let running = running(&self.file)?;
        let node = names::node(&running.plan, &self.node)?;
        let route = Route { node, destination: self.destination, next_hop: None };
        order(&running, route, self.json).await
    }
}

/// Has the node take the route.
async fn order(running: &Running, route: Route, json: bool) -> anyhow::Result<Answer> {
    if route.next_hop.is_some() && route.destination == route.node.as_str() {
        let message = format!(
            "`{0}` keeps what is for `{0}`: a route for it would never be taken",
            route.node
        );
        return Err(Bad::new(message).help("set it at another node").into());
    }
    if let Err(error) = route.destination.parse::<Pattern>() {
        let bad =
            Bad::new(format!("`{}` is no destination of a route: {error}", route.destination));
        return Err(bad.help("write a name, or all names under one as `region.*`").into());
    }
    let request = Request::SetRoute {
        destination: route.destination.clone(),
        next_hop: route.next_hop.clone(),
    };
    ask(running, &route.node, request, Deadline::within(PATIENCE)).await?;
    match json {
        true => output::json(&route)?,
        false => output::data(&route.text())?,
    }
    let declared = running.plan.nodes.get(&route.node).map(|node| &node.routes);
    let is_declared = declared.is_some_and(|routes| routes.contains_key(&route.destination));
    let until = "until the node is started again or a plan is applied";
    match (&route.next_hop, is_declared) {
        (Some(_), _) => output::message(&format!("note: this lasts {until}")),
        (None, true) => {
            output::message(&format!("note: the file has a route for it: it is gone {until}"))
        }
        (None, false) => {}
    }
    Ok(Answer::Yes)
}

/// Whether `next` is somebody that `node` could hand a message on to.
async fn is_next_hop(running: &Running, node: &NodeName, next: &str) -> anyhow::Result<()> {
    if next == node.as_str() {
        let message = format!("a route of the node `{node}` cannot lead to itself");
        let help = "name another node, a client of it, or `upstream`";
        return Err(Bad::new(message).help(help).into());
    }
    let nodes = &running.plan.nodes;
    let planned = nodes.get(node).map(|plan| &plan.clients);
    let is_planned = planned.is_some_and(|clients| clients.contains(next));
    if next == UPSTREAM || nodes.contains_key(next) || is_planned {
        return Ok(());
    }
    let deadline = Deadline::within(PATIENCE);
    let said = ask(running, node, Request::Status {}, deadline).await?;
    let Said::Status(status) = said else {
        return Err(Bad::new(format!("node `{node}` does not say who is attached to it")).into());
    };
    if status.clients.iter().any(|client| client.attached && client.name == next) {
        return Ok(());
    }
    let attached = status.clients.iter().map(|client| client.name.as_str());
    let known = nodes.keys().map(NodeName::as_str).chain(attached).chain([UPSTREAM]);
    let help = nearest(next, known.collect::<Vec<_>>()).map_or_else(
        || "a next hop is a node, a client of this node, or `upstream`".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("unknown next hop `{next}`: neither a node nor a client of `{node}`");
    Err(Bad::new(message).help(help).into())
}

impl Route {
    fn text(&self) -> String {
        match &self.next_hop {
            Some(next) => format!("{}: {} = {next}", self.node, self.destination),
            None => {
                format!("{}: the static route for {} is taken away", self.node, self.destination)
            }
        }
    }
}
