//! What networkx says of a graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hopline::mesh::name::NodeName;
use hopline::topo::import::Imported;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::plain::Plain;

/// What is written of one graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Oracle {
    pub(crate) nodes: usize,
    pub(crate) edges: usize,
    pub(crate) self_loops: usize,
    pub(crate) parallel_edges: usize,
    pub(crate) duplicate_labels: usize,
    pub(crate) components: usize,
    pub(crate) diameter_hops: i64,
    pub(crate) articulation: BTreeSet<String>,
    pub(crate) bridges: BTreeSet<(String, String)>,
    pub(crate) node_ids: Vec<String>,
    edge_list: Vec<Edge>,
    pub(crate) hop_matrix_sha256: String,
    pub(crate) cost_matrix_sha256: Option<String>,
    pub(crate) pairs: Vec<Pair>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Edge {
    Cost(String, String, u64),
    Plain(String, String),
}

/// Two nodes, the hops between them and the equal-cost first hops; with costs, these too.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Pair {
    Costs(String, String, i64, Vec<String>, i64, Vec<String>),
    Hops(String, String, i64, Vec<String>),
}

impl Oracle {
    /// The oracle of the graph in `file`.
    pub(crate) fn of(file: &Path) -> Self {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().replace(".clab", "");
        let folder = file.parent().and_then(Path::parent).expect("the folder of all families");
        let path = folder.join("oracle").join(format!("{stem}.json"));
        let text = std::fs::read_to_string(&path).expect("the oracle can be read");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{stem}: {error}"))
    }

    pub(crate) fn has_costs(&self) -> bool {
        self.cost_matrix_sha256.is_some()
    }

    /// The oracle's own graph, with its costs, or all the same where it is asked for hops.
    pub(crate) fn plain(&self, by_cost: bool) -> Plain {
        let place: BTreeMap<&str, usize> =
            self.node_ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
        let links = self.edge_list.iter().map(|edge| match edge {
            Edge::Cost(a, b, cost) if by_cost => (place[a.as_str()], place[b.as_str()], *cost),
            Edge::Cost(a, b, _) | Edge::Plain(a, b) => (place[a.as_str()], place[b.as_str()], 10),
        });
        Plain::new(self.node_ids.len(), links)
    }

    /// The name in the mesh of each of the oracle's nodes, in its order.
    pub(crate) fn names(&self, imported: &Imported) -> Vec<NodeName> {
        let nodes = imported.nodes.iter().map(|node| (node.id.as_str(), node.name.clone()));
        let names: BTreeMap<_, _> = nodes.collect();
        self.node_ids.iter().map(|id| names[id.as_str()].clone()).collect()
    }
}

/// The digest of a matrix as the oracle takes it: of its JSON without blanks.
pub(crate) fn digest(matrix: &[Vec<i64>]) -> String {
    let text = serde_json::to_string(matrix).expect("numbers are JSON");
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
