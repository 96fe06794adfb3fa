//! A running mesh as tests treat it: links are cut and healed, messages traced, clients stood in for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hopline::mesh::client::Client;
use hopline::mesh::name::{LinkName, NodeName};
use hopline::mesh::route::Down;
use hopline::mesh::wire::control::{NodeStatus, Request};
use hopline::topo::launch::{Running, disagreement_of, missing};
use hopline::topo::{Offline, Plan};
use tokio::time::interval;

use crate::attach::{PATIENCE, ask, attach, whereabouts};
use crate::commands::explain::denied;
use crate::deadline::{Deadline, in_words};
use crate::trouble::Bad;
use crate::unreached::{Unreached, unreached};

/// How often a mesh is looked at that is to settle.
const LOOK: Duration = Duration::from_millis(20);

/// A running mesh, and what has been done to it.
pub(super) struct Mesh {
    running: Running,
    offline: Offline,
    /// How long it may take to settle.
    patience: Duration,
    /// The links that are cut, or may be.
    cut: Mutex<BTreeSet<LinkName>>,
    stand_ins: Vec<Client>,
}

impl Mesh {
    pub(super) fn new(running: Running, patience: Duration) -> Self {
        let offline = Offline::new(&running.plan);
        let (cut, stand_ins) = (Mutex::default(), Vec::new());
        Self { running, offline, patience, cut, stand_ins }
    }

    /// What its plan says of its routes.
    pub(super) fn offline(&self) -> &Offline {
        &self.offline
    }

    /// Attaches a client for each of `names` that is planned and not attached, and one for each that is a
    /// service wherever it is offered and nobody offers it.
    pub(super) async fn stand_in(&mut self, names: &BTreeSet<&str>) -> anyhow::Result<()> {
        let statuses = self.running.statuses(PATIENCE).await;
        let is_at = |status: &NodeStatus, name: &str| {
            // A member of a service is told with its node.
            let member = format!("{name}@{}", status.node);
            status.clients.iter().any(|client| client.name == name || client.name == member)
        };
        let plan = &self.running.plan;
        let clients = plan.nodes.values().flat_map(|node| {
            let names = node.clients.iter().map(String::as_str);
            names.map(|name| (name, &node.name))
        });
        let clients =
            clients.filter(|(name, _)| !statuses.values().any(|status| is_at(status, name)));
        let services = plan.services.iter();
        let services =
            services.flat_map(|(name, it)| it.at.iter().map(|node| (name.as_str(), node)));
        let services = services
            .filter(|(name, node)| !statuses.get(*node).is_some_and(|status| is_at(status, name)));
        // Whom the rules keep out is not stood in for either, though an operator may attach as anybody.
        let absent = clients
            .chain(services)
            .filter(|(name, node)| names.contains(name) && plan.may_attach(name, node));
        for (name, node) in absent {
            let client = attach(&self.running, node, Some(name), PATIENCE).await?;
            self.stand_ins.push(client);
        }
        Ok(())
    }

    /// Detaches the clients that were attached.
    pub(super) async fn dismiss(&mut self) {
        for client in std::mem::take(&mut self.stand_ins) {
            client.shutdown().await;
        }
    }

    /// Cuts the links that are `down`, and those of nodes that are, and waits until all nodes know.
    pub(super) async fn fail(&self, down: &[Down]) -> anyhow::Result<()> {
        for link in self.links_of(down)? {
            // Known as cut before it is: whatever goes wrong from here on, it is healed.
            self.cut_links().insert(link.clone());
            self.order(&link, |neighbour| Request::Cut { neighbour }).await?;
        }
        self.settled().await
    }

    /// Heals all that was cut, as far as possible, and waits until all nodes know.
    pub(super) async fn heal(&self) -> anyhow::Result<()> {
        let links: Vec<LinkName> = self.cut_links().iter().cloned().collect();
        let mut failure = None;
        for link in links {
            match self.order(&link, |neighbour| Request::Heal { neighbour }).await {
                Ok(()) => {
                    self.cut_links().remove(&link);
                }
                Err(error) => failure = Some(error.context(format!("{link} is still cut"))),
            }
        }
        match failure {
            Some(failure) => Err(failure),
            None => self.settled().await,
        }
    }

    /// Which way a message goes from the node of `from` to `to`, or why it does not arrive.
    pub(super) async fn trace(
        &self,
        from: &str,
        to: &str,
    ) -> anyhow::Result<Result<Vec<String>, Unreached>> {
        let deadline = Deadline::within(PATIENCE);
        let node = whereabouts(&self.running, from, deadline).await?;
        if let Some(denied) = denied(&self.running, (from, &node), to, deadline).await? {
            return Ok(Err(denied));
        }
        let client = attach(&self.running, &node, None, deadline.left()).await?;
        let answer = client.trace(to, deadline.left()).await;
        client.shutdown().await;
        match answer {
            Ok(trace) => Ok(Ok(trace.path.into_iter().map(|step| step.node).collect())),
            Err(error) => match unreached(error)? {
                // Nobody said that it does not arrive.
                unsaid if unsaid.node.is_none() => {
                    Err(Bad::new(format!("tracing from {node} to {to}: {}", unsaid.reason)).into())
                }
                said => Ok(Err(said)),
            },
        }
    }

    /// Waits until every link is up that is not cut, no other is, and all nodes agree.
    pub(super) async fn settled(&self) -> anyhow::Result<()> {
        let deadline = Deadline::within(self.patience);
        let mut look = interval(LOOK);
        loop {
            look.tick().await;
            let statuses = self.running.statuses(PATIENCE).await;
            let Some(lack) = self.lack(&statuses) else {
                return Ok(());
            };
            if deadline.left().is_zero() {
                let time = in_words(self.patience);
                return Err(Bad::new(format!("the mesh has not settled in {time}: {lack}")).into());
            }
        }
    }

    /// What keeps the mesh from being as it should be.
    fn lack(&self, statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<String> {
        let cut = self.cut_links().clone();
        let is_cut = |a: &NodeName, b: &NodeName| {
            LinkName::new(a.clone(), b.clone()).is_ok_and(|link| cut.contains(&link))
        };
        let mut plan: Plan = self.running.plan.clone();
        for (name, node) in &mut plan.nodes {
            node.dials.retain(|dial| !is_cut(name, &dial.node));
            node.accepts.retain(|dial| !is_cut(name, &dial.node));
        }
        if let Some(lack) = missing(&plan, statuses) {
            return Some(lack.to_string());
        }
        for (name, status) in statuses {
            let mut up = status.links.iter().filter(|link| link.up);
            if let Some(link) = up.find(|link| is_cut(name, &link.neighbour)) {
                return Some(format!("`{name}` still has its link to `{}`", link.neighbour));
            }
        }
        disagreement_of(&plan, statuses).map(|lack| lack.to_string())
    }

    /// The links that go when `down` does.
    fn links_of(&self, down: &[Down]) -> anyhow::Result<BTreeSet<LinkName>> {
        let graph = self.offline.graph();
        let mut links = BTreeSet::new();
        for down in down {
            match down {
                Down::Link(link) if self.offline.has_link(link) => {
                    links.insert(link.clone());
                }
                Down::Node(node) if graph.contains(node) => {
                    let of_node = graph.links().filter(|(link, _)| link.other(node).is_some());
                    links.extend(of_node.map(|(link, _)| link.clone()));
                }
                Down::Link(_) | Down::Node(_) => {
                    let mesh = &self.running.plan.mesh;
                    return Err(Bad::new(format!("the running mesh `{mesh}` has no {down}")).into());
                }
            }
        }
        Ok(links)
    }

    /// Orders something of both ends of a link; of the second also where the first does not answer.
    async fn order(&self, link: &LinkName, order: fn(NodeName) -> Request) -> anyhow::Result<()> {
        let tell = async |end: &NodeName, other: &NodeName| {
            ask(&self.running, end, order(other.clone()), Deadline::within(PATIENCE)).await
        };
        let first = tell(link.lesser(), link.greater()).await;
        let second = tell(link.greater(), link.lesser()).await;
        first.and(second).map(drop)
    }

    fn cut_links(&self) -> std::sync::MutexGuard<'_, BTreeSet<LinkName>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
