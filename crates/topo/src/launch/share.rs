//! A node's share of the applied plan, and what of it cannot change while the node runs.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::NodeName;
use hopline_mesh::route::access::AccessRules;
use serde::{Deserialize, Serialize};

use super::start::MeshRules;
use crate::plan::{NodePlan, Plan};
use crate::topology::{NodeLimits, Service};

/// What a node goes by: its plan, and what is the same at all nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// All nodes of the mesh.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub nodes: BTreeSet<NodeName>,
    /// The services of the mesh.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Service>,
    /// The groups of clients that the file declares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub client_groups: BTreeMap<String, BTreeSet<String>>,
    /// The access rules of the mesh.
    #[serde(default, skip_serializing_if = "AccessRules::is_empty")]
    pub access: AccessRules,
    /// Whether the node may listen beyond its own machine.
    #[serde(default)]
    pub open: bool,
    /// The node's plan.
    pub plan: NodePlan,
}

impl Share {
    /// The share of the node of `node`, which is one of `plan`.
    pub(super) fn new(plan: &Plan, node: &NodePlan) -> Self {
        Self {
            nodes: plan.nodes.keys().cloned().collect(),
            services: plan.services.clone(),
            client_groups: plan.client_groups.clone(),
            access: plan.access.clone(),
            open: plan.open,
            plan: node.clone(),
        }
    }

    /// What is the same at all nodes.
    pub(super) fn rules(&self) -> MeshRules<'_> {
        let Self { nodes, services, client_groups, access, .. } = self;
        MeshRules { nodes: nodes.clone(), services, client_groups, access }
    }

    /// What differs from this in `new` and needs the node to be started again, in the words of files.
    pub(super) fn needs_restart(&self, new: &Self) -> Vec<String> {
        let live = |limits: &NodeLimits| NodeLimits {
            queue_messages: None,
            queue_bytes: None,
            window_messages: None,
            window_bytes: None,
            flow_messages: None,
            flow_bytes: None,
            kept: None,
            connections: None,
            inflated: None,
            ..*limits
        };
        let (old, plan) = (&self.plan, &new.plan);
        let differ = [
            ("bind", old.bind != plan.bind),
            ("open", self.open != new.open),
            ("limits", live(&old.limits) != live(&plan.limits)),
        ];
        let differ = differ.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(what, _)| what.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(east: &str) -> Share {
        let text =
            format!("[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = ['top']\n{east}");
        let plan = Plan::new(&crate::parse("m.toml", &text).unwrap().topology);
        Share::new(&plan, &plan.nodes["east"])
    }

    #[test]
    fn ports_and_what_their_gates_hold_need_a_restart_and_nothing_else_does() {
        let old = share("");
        let needs = |east: &str| old.needs_restart(&share(east));
        assert_eq!(needs(""), Vec::<String>::new());
        assert_eq!(needs("bind = 'tcp://127.0.0.1:5599'\n"), ["bind"]);
        assert_eq!(needs("limits = { connections = 7 }\n"), Vec::<String>::new());
        assert_eq!(needs("limits = { per_address = 7 }\n"), ["limits"]);
        assert_eq!(
            needs(
                "limits = { queue_messages = 7, window_messages = 3, flow_messages = 9, kept = '1MiB' }\n"
            ),
            Vec::<String>::new()
        );
        assert_eq!(needs("limits = { unfinished = '2MiB' }\n"), ["limits"]);
        assert_eq!(needs("limits = { reserved = 64 }\n"), ["limits"]);
        assert_eq!(needs("[routes.east]\n'south.*' = 'upstream'\n"), Vec::<String>::new());
    }
}
