//! The clients of a node, planned beside actual.

use std::collections::{BTreeMap, BTreeSet};

use hopline::mesh::wire::control::NodeStatus;
use hopline::topo::{NodePlan, Plan};
use serde::Serialize;

use crate::way::visible;

#[derive(Serialize)]
pub(super) struct ClientReport {
    name: String,
    planned: bool,
    attached: bool,
    /// Its name is that of a service which the node does not offer.
    #[serde(skip)]
    not_offered: bool,
    /// It may not attach at the node.
    #[serde(skip)]
    denied: bool,
    dialect: Option<String>,
}

/// The clients that a node has, and those that are planned there.
pub(super) fn clients(
    mesh: &Plan,
    plan: &NodePlan,
    status: Option<&NodeStatus>,
) -> Vec<ClientReport> {
    // Who has the name of a service is told from the others by the node.
    let services = mesh
        .services
        .iter()
        .map(|(name, service)| (format!("{name}@{}", plan.name), service.at.contains(&plan.name)));
    let services: BTreeMap<String, bool> = services.collect();
    let offered = services.iter().filter(|(_, offered)| **offered).map(|(name, _)| name);
    // Neither a name nor what stands for one holds the mark behind which the node stands.
    let is_denied = |name: &str| {
        let name = name.split('@').next().unwrap_or(name);
        !mesh.may_attach(name, &plan.name)
    };
    let planned: BTreeSet<&String> = plan.clients.iter().chain(offered).collect();
    let live = status.map(|status| status.clients.as_slice()).unwrap_or_default();
    let mut reports: Vec<ClientReport> = live
        .iter()
        .map(|client| ClientReport {
            name: client.name.clone(),
            planned: planned.contains(&client.name),
            attached: client.attached,
            not_offered: services.get(&client.name) == Some(&false),
            denied: is_denied(&client.name),
            dialect: client.dialect.clone(),
        })
        .collect();
    let absent = planned.iter().filter(|name| {
        let mut live = live.iter();
        !live.any(|client| client.name == ***name)
    });
    reports.extend(absent.map(|name| ClientReport {
        name: name.to_string(),
        planned: true,
        attached: false,
        not_offered: false,
        denied: is_denied(name),
        dialect: None,
    }));
    reports.sort_by(|a, b| a.name.cmp(&b.name));
    reports
}

impl ClientReport {
    /// The client in words.
    pub(super) fn text(&self) -> String {
        let name = visible(&self.name);
        match (self.attached, self.planned, &self.dialect) {
            (false, ..) if self.denied => format!("{name} (access denied)"),
            (false, true, None) => format!("{name} (absent)"),
            (false, ..) if self.not_offered => format!("{name} (not offered here)"),
            (false, ..) => format!("{name} (name in use)"),
            (true, ..) => name,
        }
    }
}
