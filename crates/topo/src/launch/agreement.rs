//! Whether running nodes have what was planned, and agree with each other.

use std::collections::BTreeMap;
use std::fmt;

use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;

use crate::plan::Plan;

/// What a mesh still lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// The node has not answered.
    Silent(NodeName),
    /// A planned link is not up at one of its ends.
    LinkDown {
        /// That end.
        node: NodeName,
        /// The other end.
        neighbour: NodeName,
    },
    /// The node's neighbours have not acknowledged what it told them.
    Unacknowledged(NodeName),
    /// Two nodes that reach each other know different nodes, links or costs.
    Revision(NodeName, NodeName),
    /// Two nodes that reach each other know different attachments.
    Attachments(NodeName, NodeName),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(node) => write!(f, "`{node}` does not answer"),
            Self::LinkDown { node, neighbour } => {
                write!(f, "`{node}` has no link to `{neighbour}`")
            }
            Self::Unacknowledged(node) => {
                write!(f, "the neighbours of `{node}` have not acknowledged its news")
            }
            Self::Revision(a, b) => write!(f, "`{a}` and `{b}` know different links"),
            Self::Attachments(a, b) => write!(f, "`{a}` and `{b}` know different clients"),
        }
    }
}

/// The first thing of `plan` that the nodes lack: an answer, or a link that is up at both ends.
#[must_use]
pub fn missing(plan: &Plan, statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<Lack> {
    plan.nodes.iter().find_map(|(name, node)| {
        let Some(status) = statuses.get(name) else {
            return Some(Lack::Silent(name.clone()));
        };
        let is_up = |neighbour: &NodeName| {
            let links = &status.links;
            links.iter().any(|link| link.up && link.neighbour == *neighbour)
        };
        let mut neighbours = node.dials.iter().chain(&node.accepts).map(|dial| &dial.node);
        let down = neighbours.find(|neighbour| !is_up(neighbour))?;
        Some(Lack::LinkDown { node: name.clone(), neighbour: down.clone() })
    })
}

/// The first thing that keeps the nodes from being converged; none where they are.
///
/// They are where all that reach each other know the same links and attachments and everything they told
/// their neighbours is acknowledged.
#[must_use]
pub fn disagreement(statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<Lack> {
    statuses.iter().find_map(|(name, status)| {
        if status.pending > 0 {
            return Some(Lack::Unacknowledged(name.clone()));
        }
        status.reachable.iter().find_map(|other| {
            let Some(there) = statuses.get(other) else {
                return Some(Lack::Silent(other.clone()));
            };
            if there.revision != status.revision {
                return Some(Lack::Revision(name.clone(), other.clone()));
            }
            let differ = there.attachments != status.attachments;
            differ.then(|| Lack::Attachments(name.clone(), other.clone()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hopline_mesh::wire::control::LinkStatus;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    fn plan() -> Plan {
        let text = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = ['top']\n";
        Plan::new(&crate::parse("m.toml", text).unwrap().topology)
    }

    fn status(name: &str, revision: &str, reachable: &[&str], up: &[&str]) -> NodeStatus {
        let link = |neighbour: &&str| LinkStatus {
            neighbour: node(neighbour),
            cost: 10,
            up: true,
            dials: false,
            cut: false,
            queued: 0,
        };
        NodeStatus {
            mesh: "m".to_owned(),
            node: node(name),
            incarnation: 1,
            uptime_ms: 0,
            revision: revision.to_owned(),
            attachments: "0".to_owned(),
            pending: 0,
            reachable: reachable.iter().map(|name| node(name)).collect(),
            links: up.iter().map(link).collect(),
            clients: Vec::new(),
            counters: BTreeMap::new(),
        }
    }

    fn all(statuses: Vec<NodeStatus>) -> BTreeMap<NodeName, NodeStatus> {
        let named = |status: NodeStatus| (status.node.clone(), status);
        statuses.into_iter().map(named).collect()
    }

    #[test]
    fn a_mesh_is_whole_once_each_planned_link_is_up_at_both_ends() {
        let both = ["east", "top"];
        let east = || status("east", "a", &both, &["top"]);
        assert_eq!(missing(&plan(), &all(vec![east()])), Some(Lack::Silent(node("top"))));
        let statuses = all(vec![east(), status("top", "a", &both, &[])]);
        let down = Lack::LinkDown { node: node("top"), neighbour: node("east") };
        assert_eq!(missing(&plan(), &statuses), Some(down));
        let statuses = all(vec![east(), status("top", "a", &both, &["east"])]);
        assert_eq!(missing(&plan(), &statuses), None);
    }

    #[test]
    fn only_nodes_that_reach_each_other_have_to_agree() {
        let apart =
            all(vec![status("east", "a", &["east"], &[]), status("top", "b", &["top"], &[])]);
        assert_eq!(disagreement(&apart), None);
        let both = ["east", "top"];
        let differ = all(vec![status("east", "a", &both, &[]), status("top", "b", &both, &[])]);
        assert_eq!(disagreement(&differ), Some(Lack::Revision(node("east"), node("top"))));
        let mut late = all(vec![status("east", "a", &both, &[]), status("top", "a", &both, &[])]);
        assert_eq!(disagreement(&late), None);
        for status in late.values_mut() {
            status.pending = u64::from(status.node.as_str() == "top");
        }
        assert_eq!(disagreement(&late), Some(Lack::Unacknowledged(node("top"))));
    }
}
