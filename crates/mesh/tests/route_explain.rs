//! Explanations, held against the walk, against all ways written out, and against exact sums.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::explain::{DecidedBy, Excluded, Explanation, ToldWay, explain};
use hopline_mesh::route::{Directory, Down, Graph, NextHop, StaticRoutes, WalkInput, walk};
use proptest::prelude::*;

const NAMES: [&str; 7] = ["B", "a", "a.b", "b", "m", "node10", "node2"];

fn node(n: usize) -> NodeName {
    NodeName::parse(NAMES[n]).unwrap()
}

/// A mesh on paper, with a client `c` at its last node.
#[derive(Debug, Clone)]
struct Paper {
    graph: Graph,
    statics: BTreeMap<NodeName, StaticRoutes>,
    directory: Directory,
    hop_limit: u8,
}

fn papers() -> impl Strategy<Value = Paper> {
    let links = prop::collection::vec((0..7_usize, 0..7_usize, 1..=3_u32), 3..14);
    let statics = prop::collection::vec((0..7_usize, 0..7_usize, 0..7_usize), 0..3);
    (2..=7_usize, links, statics, prop_oneof![Just(64_u8), 2..=4_u8]).prop_map(
        |(nodes, links, statics, hop_limit)| {
            let links = links.into_iter().filter_map(|(a, b, cost)| {
                Some((LinkName::new(node(a % nodes), node(b % nodes)).ok()?, cost))
            });
            let graph = Graph::new((0..nodes).map(node), links);
            let mut set: BTreeMap<_, StaticRoutes> = BTreeMap::new();
            for (at, to, hop) in statics {
                let pattern = NAMES[to % nodes].parse().unwrap();
                let hop = NextHop::from(NAMES[hop % nodes]);
                set.entry(node(at % nodes)).or_default().set(pattern, hop);
            }
            let directory = [(ClientName::from_identity(b"c"), node(nodes - 1))];
            Paper { graph, statics: set, directory: directory.into_iter().collect(), hop_limit }
        },
    )
}

impl Paper {
    fn why(&self, from: &NodeName, to: &str, down: &[Down]) -> Explanation {
        let graph = self.graph.without(down);
        explain(self.mesh(&graph, &BTreeMap::new()), &self.graph, down, ("me", from, None), to)
    }

    fn mesh<'a>(
        &'a self,
        graph: &'a Graph,
        upstreams: &'a BTreeMap<NodeName, Vec<(NodeName, u32)>>,
    ) -> WalkInput<'a> {
        let Self { statics, directory, hop_limit, .. } = self;
        WalkInput { graph, upstreams, statics, directory, hop_limit: *hop_limit }
    }

    /// Nothing, and each link.
    fn downs(&self) -> Vec<Vec<Down>> {
        let links = self.graph.links().map(|(link, _)| vec![Down::Link(link.clone())]);
        std::iter::once(Vec::new()).chain(links).collect()
    }
}

/// Cost, hops, and the sum of 2^rank over the links: the rule as exact sums.
type Sum = (u64, usize, u128);

fn sum(graph: &Graph, path: &[NodeName]) -> Sum {
    let ranks: BTreeMap<_, _> =
        graph.links().zip(0..).map(|((link, _), rank)| (link, rank)).collect();
    let links =
        path.windows(2).map(|ends| LinkName::new(ends[0].clone(), ends[1].clone()).unwrap());
    links.fold((0, 0, 0), |(cost, hops, weight), link| {
        let more = u64::from(graph.cost(&link).unwrap());
        (cost + more, hops + 1, weight + (1_u128 << ranks[&link]))
    })
}

/// All ways from the end of `path` to `to` that visit no node twice, with their sums, the least first.
fn all_ways(graph: &Graph, from: &NodeName, to: &NodeName) -> Vec<(Sum, Vec<NodeName>)> {
    let (mut found, mut open) = (Vec::new(), vec![vec![from.clone()]]);
    while let Some(path) = open.pop() {
        let last = &path[path.len() - 1];
        if last == to {
            found.push((sum(graph, &path), path));
            continue;
        }
        for (next, _) in graph.neighbours(last) {
            if !path.contains(next) {
                open.push(path.iter().chain([next]).cloned().collect());
            }
        }
    }
    found.sort_unstable();
    found
}

/// That `rule` is what sets two ways apart, by exact sums.
fn holds(graph: &Graph, winner: &[NodeName], loser: &[NodeName], rule: &Excluded) -> bool {
    let (one, other) = (sum(graph, winner), sum(graph, loser));
    match rule {
        Excluded::Cost { by } => *by > 0 && one.0 + by == other.0,
        Excluded::Hops { by } => *by > 0 && one.0 == other.0 && one.1 + by == other.1,
        Excluded::TieBreak { lost_by, against } => {
            let links = |path: &[NodeName]| -> BTreeSet<_> {
                let ends = path.windows(2);
                ends.map(|ends| LinkName::new(ends[0].clone(), ends[1].clone()).unwrap()).collect()
            };
            let (mine, others) = (links(winner), links(loser));
            let last = mine.symmetric_difference(&others).max().map(ToString::to_string);
            let mine = mine.difference(&others).max().map(ToString::to_string);
            (one.0, one.1) == (other.0, other.1)
                && one.2 < other.2
                && last.as_ref() == Some(lost_by)
                && mine.as_ref() == Some(against)
        }
        Excluded::Down { .. } | Excluded::StaticRoute { .. } | Excluded::HopLimit { .. } => false,
    }
}

fn as_excluded(rule: &DecidedBy) -> Option<Excluded> {
    Some(match rule.clone() {
        DecidedBy::Cost { by } => Excluded::Cost { by },
        DecidedBy::Hops { by } => Excluded::Hops { by },
        DecidedBy::TieBreak { lost_by, against } => Excluded::TieBreak { lost_by, against },
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_explanation_is_of_the_way_that_the_walk_takes(paper in papers()) {
        for down in paper.downs() {
            let graph = paper.graph.without(&down);
            let upstreams = BTreeMap::new();
            for from in graph.nodes() {
                let names = graph.nodes().map(NodeName::as_str);
                for to in names.chain(["c", "c@B", "nobody", "x@nowhere", "#g", "@"]) {
                    let walked = walk(&paper.mesh(&graph, &upstreams), from, to);
                    let why = paper.why(from, to, &down);
                    prop_assert_eq!(&why.path, &walked.path);
                    prop_assert_eq!((why.cost, why.hops), (walked.cost, walked.path.len() - 1));
                    let reason = walked.refusal().map(|refusal| refusal.reason().to_owned());
                    prop_assert_eq!(why.reachable, reason.is_none());
                    prop_assert_eq!(why.node.as_ref(), reason.as_ref().and(walked.last()));
                    prop_assert_eq!(&why.reason, &reason);
                    prop_assert_ne!(&why.decided_by, &DecidedBy::Unsettled);
                }
            }
        }
    }

    #[test]
    fn the_runner_up_is_the_second_of_all_ways_and_the_rule_is_true(paper in papers()) {
        let paper = Paper { statics: BTreeMap::new(), ..paper };
        for down in paper.downs() {
            let graph = paper.graph.without(&down);
            for from in graph.nodes() {
                for to in graph.nodes().filter(|to| *to != from) {
                    let why = paper.why(from, to.as_str(), &down);
                    let ways = all_ways(&graph, from, to);
                    if !why.reachable {
                        prop_assert_eq!(why.runner_up, None);
                        continue;
                    }
                    prop_assert_eq!(&why.path, &ways[0].1);
                    let second = ways.get(1).map(|((cost, hops, _), path)| {
                        ToldWay { path: path.clone(), cost: *cost, hops: *hops }
                    });
                    prop_assert_eq!(&why.runner_up, &second);
                    match second {
                        None => prop_assert_eq!(why.decided_by, DecidedBy::OnlyWay),
                        Some(second) => {
                            let rule = as_excluded(&why.decided_by).unwrap();
                            prop_assert!(holds(&graph, &why.path, &second.path, &rule), "{:?}", why);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_excluded_each_other_way_is_true(paper in papers()) {
        for down in paper.downs() {
            let graph = paper.graph.without(&down);
            for from in graph.nodes() {
                for to in graph.nodes().filter(|to| *to != from) {
                    let why = paper.why(from, to.as_str(), &down);
                    let best = all_ways(&graph, from, to).into_iter().next().map(|(_, path)| path);
                    let told: BTreeSet<_> = why.others.iter().map(|other| &other.way).collect();
                    prop_assert_eq!(told.len(), why.others.len());
                    for other in &why.others {
                        prop_assert_ne!(Some(&other.way), why.runner_up.as_ref());
                        let path = &other.way.path;
                        match &other.excluded {
                            Excluded::Down { .. } => {
                                prop_assert!(sum(&paper.graph, path) > (0, 0, 0));
                                let is_cut = path.windows(2).any(|ends| {
                                    !graph.neighbours(&ends[0]).any(|(next, _)| *next == ends[1])
                                });
                                prop_assert!(is_cut);
                            }
                            Excluded::StaticRoute { node, .. } => {
                                prop_assert!(paper.statics.contains_key(node));
                                let best = all_ways(&graph, node, to);
                                prop_assert_eq!(path, &best[0].1);
                            }
                            Excluded::HopLimit { nodes, limit } => {
                                prop_assert_eq!(Some(path), best.as_ref());
                                prop_assert!(*nodes == path.len() && *nodes > usize::from(*limit));
                            }
                            rule => prop_assert!(holds(&graph, best.as_ref().unwrap(), path, rule)),
                        }
                    }
                }
            }
        }
    }
}
