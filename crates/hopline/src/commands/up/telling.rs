//! What `up` says while it works.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use hopline::mesh::name::NodeName;
use hopline::topo::launch::Report;
use hopline::topo::{Endpoint, Plan};

use crate::way::count;

/// What has been said of a mesh so far.
pub(super) struct Telling {
    mesh: NodeName,
    file: PathBuf,
    nodes: usize,
    width: usize,
    listening: BTreeMap<NodeName, Endpoint>,
    is_whole: bool,
}

impl Telling {
    pub(super) fn new(plan: &Plan, file: &Path) -> Self {
        Self {
            mesh: plan.mesh.clone(),
            file: file.to_owned(),
            nodes: plan.nodes.len(),
            width: plan.nodes.keys().map(|name| name.as_str().len()).max().unwrap_or(0),
            listening: BTreeMap::new(),
            is_whole: false,
        }
    }

    pub(super) fn whole(&self, how_to_stop: &str) -> String {
        format!(
            "{} is up: {}\n{}",
            self.mesh,
            count(self.nodes, "node"),
            self.nodes_and(how_to_stop)
        )
    }

    fn nodes_and(&self, how_to_stop: &str) -> String {
        let mut text = String::new();
        for (node, endpoint) in &self.listening {
            text.push_str(&format!("  {node:<width$}  {endpoint}\n", width = self.width));
        }
        text + how_to_stop
    }

    /// What is said of a mesh that runs and lacks something.
    pub(super) fn not_whole(&self, lack: impl Display, how_to_stop: &str) -> String {
        format!(
            "{} runs, but {lack}; it goes on trying\n{}",
            self.mesh,
            self.nodes_and(how_to_stop)
        )
    }

    pub(super) fn stop_detached(&self) -> String {
        format!("stop it with `hopline down {}`", self.file.display())
    }

    pub(super) fn listens(&mut self, node: NodeName, endpoint: Endpoint) {
        self.listening.insert(node, endpoint);
    }

    /// The line for a report, where it is worth one.
    pub(super) fn line(&mut self, report: &Report) -> Option<String> {
        match report {
            Report::Starting => {
                Some(format!("{}: starting {}", self.mesh, count(self.nodes, "node")))
            }
            Report::Ready { node, endpoint } => {
                self.listens(node.clone(), endpoint.clone());
                self.is_whole.then(|| format!("{node} is back at {endpoint}"))
            }
            Report::Whole { .. } => {
                self.is_whole = true;
                Some(self.whole("Ctrl-C stops it"))
            }
            Report::NotWhole { lack, .. } => Some(self.not_whole(lack, "Ctrl-C stops it")),
            Report::Trouble { .. } | Report::Ended { .. } | Report::Failed { .. } => {
                Some(report.to_string())
            }
            Report::Stopping => Some(format!("{}: stopping; Ctrl-C ends it at once", self.mesh)),
        }
    }
}
