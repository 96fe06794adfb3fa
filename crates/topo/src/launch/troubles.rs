//! Neighbours that cannot be reached: each is told once, until it has been reached.

use std::collections::BTreeMap;

use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;

use super::report::Report;

/// What was told of neighbours that cannot be reached.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// By node and neighbour.
    told: BTreeMap<(NodeName, NodeName), String>,
}

impl Troubles {
    /// What is new in what a node says.
    pub(super) fn read(&mut self, status: &NodeStatus) -> Vec<Report> {
        let mut reports = Vec::new();
        for link in &status.links {
            let ends = (status.node.clone(), link.neighbour.clone());
            let Some(trouble) = &link.trouble else {
                self.told.remove(&ends);
                continue;
            };
            if self.told.get(&ends) != Some(trouble) {
                let (node, neighbour) = ends.clone();
                reports.push(Report::Trouble { node, neighbour, trouble: trouble.clone() });
                self.told.insert(ends, trouble.clone());
            }
        }
        reports
    }
}
