//! Scenario 11: the ways of every pair of nodes are those that the oracle gives.

use std::collections::BTreeSet;

use hopline::mesh::name::NodeName;
use hopline::topo::import::Cost;

use crate::data::{files, imported, judged};
use crate::mesh::{mesh, way};
use crate::oracle::{Oracle, Pair, digest};

/// Above this many nodes a file has a test of its own, so that they run side by side.
const LARGE: usize = 400;

#[test]
fn hops_and_first_hops_are_the_oracles_in_every_file_of_up_to_400_nodes() {
    for file in judged("hops") {
        let oracle = Oracle::of(&file);
        if oracle.nodes <= LARGE {
            check(&file, &oracle, Cost::Hops);
        }
    }
}

#[test]
fn costs_and_first_hops_are_the_oracles_in_every_file_with_distances_of_up_to_400_nodes() {
    let mut seen = 0;
    for file in judged("costs") {
        let oracle = Oracle::of(&file);
        if oracle.has_costs() && oracle.nodes <= LARGE {
            check(&file, &oracle, Cost::Distance);
            seen += 1;
        }
    }
    assert!(seen == 0 || seen == 18, "{seen} files have costs");
}

#[test]
fn hops_and_first_hops_are_the_oracles_in_kdl() {
    for file in files("kdl", "topology-zoo", &["Kdl.gml"], 1) {
        check(&file, &Oracle::of(&file), Cost::Hops);
    }
}

#[test]
fn hops_and_first_hops_are_the_oracles_in_gabriel_500() {
    for file in files("gabriel-500", "topohub-gabriel", &["gabriel-500-0.json"], 1) {
        check(&file, &Oracle::of(&file), Cost::Hops);
    }
}

#[test]
fn costs_and_first_hops_are_the_oracles_in_gabriel_500() {
    for file in files("gabriel-500", "topohub-gabriel", &["gabriel-500-0.json"], 1) {
        check(&file, &Oracle::of(&file), Cost::Distance);
    }
}

/// Follows a message between every two nodes.
fn check(file: &std::path::Path, oracle: &Oracle, by: Cost) {
    let what = format!("{} {by:?}", file.display());
    let imported = imported(file, by);
    let names = oracle.names(&imported);
    let mesh = mesh(&imported);
    let mut walker = mesh.walker();
    let mut hops = Vec::new();
    let mut costs = Vec::new();
    let mut firsts: Vec<Vec<Option<NodeName>>> = Vec::new();
    for from in &names {
        let ways: Vec<_> = names.iter().map(|to| way(&mut walker, from, to)).collect();
        hops.push(ways.iter().map(|way| number(way, |(path, _)| path.len() as u64 - 1)).collect());
        costs.push(ways.iter().map(|way| number(way, |(_, cost)| *cost)).collect());
        let first = ways.into_iter().map(|way| way.and_then(|(path, _)| path.get(1).cloned()));
        firsts.push(first.collect());
    }
    match by {
        Cost::Hops => {
            assert_eq!(digest(&hops), oracle.hop_matrix_sha256, "{what}: all hop counts");
            let longest = hops.iter().flatten().max().copied();
            assert_eq!(longest, Some(oracle.diameter_hops), "{what}: the longest way");
        }
        Cost::Distance => {
            let all = Some(digest(&costs));
            assert_eq!(all, oracle.cost_matrix_sha256, "{what}: all costs");
        }
    }
    let place = |id: &String| oracle.node_ids.iter().position(|other| other == id).expect("a node");
    for pair in &oracle.pairs {
        let (from, to, expected, equal, found) = match (pair, by) {
            (Pair::Costs(a, b, cost, set, ..) | Pair::Hops(a, b, cost, set), Cost::Hops) => {
                (place(a), place(b), cost, set, &hops)
            }
            (Pair::Costs(a, b, _, _, cost, set), Cost::Distance) => {
                (place(a), place(b), cost, set, &costs)
            }
            (Pair::Hops(..), Cost::Distance) => panic!("{what}: a pair without costs"),
        };
        let pair = format!("{what}: {} to {}", names[from], names[to]);
        assert_eq!(found[from][to], *expected, "{pair}");
        let set: BTreeSet<_> = equal.iter().map(|id| &names[place(id)]).collect();
        match &firsts[from][to] {
            Some(first) => assert!(set.contains(first), "{pair}: {first} is none of {set:?}"),
            None => assert!(set.is_empty(), "{pair}: unreachable, but not for the oracle"),
        }
    }
}

/// A number of a way, or -1 where there is none.
fn number<T>(way: &Option<T>, of: impl Fn(&T) -> u64) -> i64 {
    way.as_ref().map_or(-1, |way| i64::try_from(of(way)).expect("a small number"))
}
