//! With each single link down the mesh finds what the textbook finds, and what divides the mesh is
//! what the oracle says.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use hopline::mesh::name::{LinkName, NodeName};
use hopline::mesh::route::{Down, Paths};
use hopline::topo::Offline;
use hopline::topo::import::Cost;

use crate::data::{ALL, imported, judged};
use crate::mesh::{mesh, way};
use crate::oracle::Oracle;
use crate::plain::{Failed, Plain};

/// Files of up to this many nodes are looked at from every node and by every message. In larger ones
/// every link fails too, but the ways are those from both of its ends to all others, which are the
/// nodes that its failure tells most of; and messages are followed between its ends. From all nodes
/// it takes many minutes: `just real` does that.
const SMALL: usize = 60;

#[test]
fn every_link_down_in_files_of_up_to_40_nodes_all_pairs() {
    all(|nodes| nodes <= 40);
}

#[test]
fn every_link_down_in_files_of_41_to_60_nodes_all_pairs() {
    all(|nodes| nodes > 40 && nodes <= SMALL);
}

#[test]
fn every_link_down_in_files_of_61_to_200_nodes_from_its_ends() {
    all(|nodes| nodes > SMALL && nodes <= 200);
}

#[test]
fn every_link_down_in_gabriel_250_and_gabriel_500_from_its_ends() {
    all(|nodes| nodes > 200 && nodes <= 500);
}

#[test]
fn every_link_down_in_kdl_from_its_ends() {
    all(|nodes| nodes > 500);
}

fn all(is_mine: impl Fn(usize) -> bool) {
    for file in judged("failures") {
        let oracle = Oracle::of(&file);
        if is_mine(oracle.nodes) {
            let by = if oracle.has_costs() { Cost::Distance } else { Cost::Hops };
            Case::new(&file, &oracle, by).check(&oracle);
        }
    }
}

/// A file's mesh beside the textbook's graph of it.
struct Case {
    what: String,
    names: Vec<NodeName>,
    plain: Plain,
    mesh: Offline,
}

impl Case {
    fn new(file: &Path, oracle: &Oracle, by: Cost) -> Self {
        let imported = imported(file, by);
        Self {
            what: file.display().to_string(),
            names: oracle.names(&imported),
            plain: oracle.plain(by == Cost::Distance),
            mesh: mesh(&imported),
        }
    }

    fn check(&self, oracle: &Oracle) {
        let nodes = self.plain.nodes;
        let whole: Vec<_> =
            (0..nodes).map(|node| self.compare(&self.mesh, node, Failed::Nothing)).collect();
        let id = |node: usize| oracle.node_ids[node].clone();
        let mut bridges = BTreeSet::new();
        for (place, &(a, b, _)) in self.plain.links.iter().enumerate() {
            let link = LinkName::new(self.names[a].clone(), self.names[b].clone());
            let cut = self.mesh.without(&[Down::Link(link.expect("two ends"))]);
            let reached = self.compare(&cut, a, Failed::Link(place));
            if reached < whole[a] {
                bridges.insert((id(a).min(id(b)), id(a).max(id(b))));
            }
            let others: Vec<usize> = match nodes <= SMALL || std::env::var_os(ALL).is_some() {
                true => (0..nodes).collect(),
                false => vec![b],
            };
            for source in others {
                self.compare(&cut, source, Failed::Link(place));
            }
            self.follow(&cut, a, b, place);
        }
        assert_eq!(bridges, oracle.bridges, "{}: bridges", self.what);

        let mut dividing = BTreeSet::new();
        for (node, name) in self.names.iter().enumerate() {
            let Some((neighbour, _)) = self.mesh.graph().neighbours(name).next() else {
                continue;
            };
            let down = self.mesh.without(&[Down::Node(name.clone())]);
            let neighbour = self.names.iter().position(|name| name == neighbour).expect("a node");
            let reached = self.compare(&down, neighbour, Failed::Node(node));
            if reached + 1 < whole[node] {
                dividing.insert(id(node));
            }
        }
        assert_eq!(dividing, oracle.articulation, "{}: nodes that divide it", self.what);
    }

    /// The ways from one node to all others cost what the textbook says, and lead nowhere else.
    /// Gives how many nodes are reached.
    fn compare(&self, mesh: &Offline, source: usize, failed: Failed) -> usize {
        let expected = self.plain.costs(source, failed);
        let paths = Paths::from(mesh.graph(), &self.names[source]).expect("a node");
        let found: HashMap<&NodeName, u64> =
            paths.reached().map(|(name, cost, _)| (name, cost)).collect();
        for (name, expected) in self.names.iter().zip(expected) {
            let found = found.get(name).copied();
            assert_eq!(found, expected, "{}: {} to {name}", self.what, self.names[source]);
        }
        found.len()
    }

    /// Messages go those ways: between all nodes of a small mesh, else between the ends of the link.
    fn follow(&self, cut: &Offline, a: usize, b: usize, place: usize) {
        let mut walker = cut.walker();
        let pairs: Vec<(usize, Vec<usize>)> = match self.plain.nodes <= SMALL {
            true => {
                (0..self.plain.nodes).map(|from| (from, (0..self.plain.nodes).collect())).collect()
            }
            false => vec![(a, vec![b])],
        };
        for (from, to) in pairs {
            let expected = self.plain.costs(from, Failed::Link(place));
            for to in to {
                let found = way(&mut walker, &self.names[from], &self.names[to]);
                let found = found.map(|(_, cost)| cost);
                let (from, name) = (&self.names[from], &self.names[to]);
                assert_eq!(found, expected[to], "{}: {from} to {name}", self.what);
            }
        }
    }
}
