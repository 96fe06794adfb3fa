//! The best ways, held against exact sums and against all ways written out.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{
    Directory, Down, End, Graph, Paths, Refusal, StaticRoutes, WalkInput, Walker, Way,
};
use proptest::prelude::*;

/// Names in order, which is not the order that an eye or a length would give them.
const NAMES: [&str; 12] =
    ["0", "B", "Z", "a", "a-1", "a.b", "ab", "b", "m", "node10", "node2", "z9"];

type Links = BTreeMap<(usize, usize), u32>;

fn node(n: usize) -> NodeName {
    NodeName::parse(NAMES[n]).unwrap()
}

fn link(a: usize, b: usize) -> LinkName {
    LinkName::new(node(a), node(b)).unwrap()
}

fn graph(nodes: usize, links: &Links) -> Graph {
    Graph::new((0..nodes).map(node), links.iter().map(|(&(a, b), &cost)| (link(a, b), cost)))
}

/// Up to `most` nodes and 60 links whose costs are small, so that there are many ties.
fn meshes(most: usize) -> impl Strategy<Value = (usize, Links)> {
    (2..=most, 1..=3_u32).prop_flat_map(|(nodes, dearest)| {
        let pairs: Vec<_> = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b))).collect();
        let fewest = pairs.len().min(nodes - 1);
        let most = pairs.len().min(60);
        proptest::sample::subsequence(pairs, fewest..=most).prop_flat_map(move |pairs| {
            proptest::collection::vec(1..=dearest, pairs.len())
                .prop_map(move |costs| (nodes, pairs.iter().copied().zip(costs).collect()))
        })
    })
}

/// The best ways from `source` by exact sums of (cost, hops, 2^rank of each link).
fn exact_ways(nodes: usize, links: &Links, source: usize) -> Vec<Option<(u64, Vec<usize>)>> {
    type Sum = (u64, u32, u128);
    // Names are in order, so pairs of numbers rank as pairs of names do.
    let weights: Vec<_> = links
        .iter()
        .zip(0..)
        .map(|((&pair, &cost), rank)| (pair, (u64::from(cost), 1, 1_u128 << rank)))
        .collect();
    let mut best: Vec<Option<(Sum, Vec<usize>)>> = vec![None; nodes];
    best[source] = Some(((0, 0, 0), vec![source]));
    for _ in 0..nodes {
        for &((a, b), weight) in &weights {
            for (from, to) in [(a, b), (b, a)] {
                let Some((sum, way)) = &best[from] else {
                    continue;
                };
                let sum = (sum.0 + weight.0, sum.1 + weight.1, sum.2 + weight.2);
                if best[to].as_ref().is_none_or(|(known, _)| sum < *known) {
                    let way = way.iter().copied().chain([to]).collect();
                    best[to] = Some((sum, way));
                }
            }
        }
    }
    best.into_iter().map(|found| found.map(|(sum, way)| (sum.0, way))).collect()
}

/// All ways from `way`'s last node to `to` that visit no node twice.
fn all_ways(links: &Links, way: &mut Vec<usize>, to: usize, found: &mut Vec<Vec<usize>>) {
    let last = way[way.len() - 1];
    if last == to {
        found.push(way.clone());
        return;
    }
    for &(a, b) in links.keys() {
        let next = if last == a {
            b
        } else if last == b {
            a
        } else {
            continue;
        };
        if !way.contains(&next) {
            way.push(next);
            all_ways(links, way, to, found);
            way.pop();
        }
    }
}

fn links_of(way: &[usize]) -> BTreeSet<(usize, usize)> {
    way.windows(2).map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1]))).collect()
}

/// The rule as it is written: cost, hops, then the last of the links that only one of them has.
fn is_better(links: &Links, one: &[usize], other: &[usize]) -> bool {
    let cost = |way: &[usize]| -> u32 { links_of(way).iter().map(|link| links[link]).sum() };
    match (cost(one), one.len()).cmp(&(cost(other), other.len())) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => {
            let (one, other) = (links_of(one), links_of(other));
            let last = one.symmetric_difference(&other).max();
            last.is_some_and(|last| other.contains(last))
        }
    }
}

fn names(way: &[usize]) -> Vec<NodeName> {
    way.iter().map(|&n| node(n)).collect()
}

fn way(links: &Links, way: &[usize]) -> Way {
    let cost = links_of(way).iter().map(|link| u64::from(links[link])).sum();
    Way { nodes: names(way), cost }
}

fn whole_and_with_each_link_down(links: &Links) -> impl Iterator<Item = Links> {
    let cut = links.keys().map(|down| {
        let left = links.iter().filter(move |(link, _)| *link != down);
        left.map(|(link, cost)| (*link, *cost)).collect()
    });
    std::iter::once(links.clone()).chain(cut)
}

proptest! {
    #[test]
    fn the_best_way_is_the_least_exact_sum((nodes, links) in meshes(12)) {
        for links in whole_and_with_each_link_down(&links) {
            let graph = graph(nodes, &links);
            for source in 0..nodes {
                let paths = Paths::from(&graph, &node(source)).unwrap();
                for (to, exact) in exact_ways(nodes, &links, source).into_iter().enumerate() {
                    let way = paths.way(&node(to)).map(|way| (way.cost, way.nodes));
                    prop_assert_eq!(way, exact.map(|(cost, way)| (cost, names(&way))));
                }
            }
        }
    }

    #[test]
    fn the_best_way_beats_every_other_by_the_rule_as_written((nodes, links) in meshes(6)) {
        let paths = Paths::from(&graph(nodes, &links), &node(0)).unwrap();
        for to in 0..nodes {
            let mut ways = Vec::new();
            all_ways(&links, &mut vec![0], to, &mut ways);
            let best = ways.iter().find(|&one| {
                ways.iter().all(|other| one == other || is_better(&links, one, other))
            });
            let way = paths.way(&node(to)).map(|way| way.nodes);
            prop_assert_eq!(way, best.map(|way| names(way)));
        }
    }

    #[test]
    fn the_tie_break_is_total((nodes, links) in meshes(5)) {
        for to in 1..nodes {
            let mut ways = Vec::new();
            all_ways(&links, &mut vec![0], to, &mut ways);
            for one in &ways {
                for other in &ways {
                    let wins = way(&links, one).beats(&way(&links, other)).is_some();
                    let loses = way(&links, other).beats(&way(&links, one)).is_some();
                    prop_assert_eq!(wins, one != other && is_better(&links, one, other));
                    prop_assert_eq!(wins || loses, one != other);
                    prop_assert!(!(wins && loses));
                }
            }
        }
    }

    #[test]
    fn the_tie_break_is_symmetric((nodes, links) in meshes(5)) {
        let back = |way: &Way| Way { nodes: way.nodes.iter().rev().cloned().collect(), ..*way };
        for to in 1..nodes {
            let mut ways = Vec::new();
            all_ways(&links, &mut vec![0], to, &mut ways);
            let ways: Vec<_> = ways.iter().map(|nodes| way(&links, nodes)).collect();
            for (one, other) in ways.iter().flat_map(|one| ways.iter().map(move |way| (one, way))) {
                prop_assert_eq!(one.beats(other), back(one).beats(&back(other)));
            }
        }
    }

    #[test]
    fn the_tie_break_is_stable_when_unrelated_links_are_added(
        (nodes, links) in meshes(10),
        (a, b, cost) in (0..10_usize, 0..10_usize, 1..=3_u32),
    ) {
        let (a, b) = ((a % nodes).min(b % nodes), (a % nodes).max(b % nodes));
        prop_assume!(a != b && !links.contains_key(&(a, b)));
        let mut more = links.clone();
        more.insert((a, b), cost);
        let (before, after) = (graph(nodes, &links), graph(nodes, &more));
        for source in 0..nodes {
            let before = Paths::from(&before, &node(source)).unwrap();
            for now in Paths::from(&after, &node(source)).unwrap().ways() {
                // Either the best way has the new link, or nothing has changed.
                if !now.links().contains(&link(a, b)) {
                    prop_assert_eq!(before.way(&now.nodes[now.hops()]), Some(now));
                }
            }
        }
    }

    #[test]
    fn a_reply_takes_the_way_back((nodes, links) in meshes(12)) {
        let graph = graph(nodes, &links);
        for (a, b) in (0..nodes).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let there = Paths::from(&graph, &node(a)).unwrap().way(&node(b));
            let mut back = Paths::from(&graph, &node(b)).unwrap().way(&node(a));
            if let Some(way) = &mut back {
                way.nodes.reverse();
            }
            prop_assert_eq!(there, back);
        }
    }

    #[test]
    fn each_part_of_a_best_way_is_a_best_way((nodes, links) in meshes(12)) {
        let graph = graph(nodes, &links);
        for way in Paths::from(&graph, &node(0)).unwrap().ways() {
            for from in 0..way.nodes.len() {
                let paths = Paths::from(&graph, &way.nodes[from]).unwrap();
                for to in from..way.nodes.len() {
                    let part = paths.way(&way.nodes[to]).unwrap();
                    prop_assert_eq!(&part.nodes, &way.nodes[from..=to]);
                }
            }
        }
    }

    #[test]
    fn a_link_that_is_dearer_than_every_way_changes_nothing(
        (nodes, links) in meshes(10),
        (a, b) in (0..10_usize, 0..10_usize),
    ) {
        let (a, b) = ((a % nodes).min(b % nodes), (a % nodes).max(b % nodes));
        prop_assume!(a != b && !links.contains_key(&(a, b)));
        let graph_before = graph(nodes, &links);
        let mut more = links.clone();
        more.insert((a, b), 1000);
        let graph_after = graph(nodes, &more);
        for source in 0..nodes {
            let before = Paths::from(&graph_before, &node(source)).unwrap();
            let after = Paths::from(&graph_after, &node(source)).unwrap();
            for way in before.ways() {
                let end = way.nodes[way.hops()].clone();
                prop_assert_eq!(after.way(&end), Some(way));
            }
        }
    }

    #[test]
    fn links_among_other_nodes_change_nothing((nodes, links) in meshes(8), cost in 1..=3_u32) {
        let before = graph(nodes, &links);
        let elsewhere = ["A1--A2", "A2--a-9", "A1--zz", "a-9--zz"]
            .map(|link| (LinkName::parse(link).unwrap(), cost));
        let links = before.links().map(|(link, cost)| (link.clone(), cost));
        let after = Graph::new(before.nodes().cloned(), links.chain(elsewhere));
        for source in before.nodes() {
            let ways: Vec<_> = Paths::from(&before, source).unwrap().ways().collect();
            let same: Vec<_> = Paths::from(&after, source).unwrap().ways().collect();
            prop_assert_eq!(ways, same);
        }
    }

    #[test]
    fn forwarding_hop_by_hop_takes_the_best_way((nodes, links) in meshes(9)) {
        let whole = graph(nodes, &links);
        let downs = links.keys().map(|&(a, b)| vec![Down::Link(link(a, b))]);
        for down in std::iter::once(Vec::new()).chain(downs) {
            let graph = whole.without(&down);
            let mesh = WalkInput {
                graph: &graph,
                upstreams: &BTreeMap::new(),
                statics: &BTreeMap::<_, StaticRoutes>::new(),
                directory: &Directory::new(),
                hop_limit: 64,
            };
            let mut walker = Walker::new(mesh);
            for from in graph.nodes() {
                let paths = Paths::from(&graph, from).unwrap();
                for to in graph.nodes() {
                    let walk = walker.walk(from, to.as_str());
                    let met: BTreeSet<_> = walk.path.iter().collect();
                    prop_assert_eq!(met.len(), walk.path.len());
                    match paths.way(to) {
                        Some(way) => {
                            prop_assert_eq!((walk.path, walk.cost), (way.nodes, way.cost));
                            prop_assert_eq!(walk.end, End::Node);
                        }
                        None => {
                            prop_assert_eq!(walk.refusal(), Some(Refusal::Unreachable));
                            prop_assert_eq!(walk.path, std::slice::from_ref(from));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_links_are_given_changes_nothing((nodes, links) in meshes(12)) {
        let forth = graph(nodes, &links);
        let back = links
            .iter()
            .rev()
            .flat_map(|(&(a, b), &cost)| [(link(b, a), cost), (link(a, b), cost)]);
        let back = Graph::new((0..nodes).rev().map(node), back);
        prop_assert_eq!(&forth, &back);
        prop_assert_eq!(forth.revision(), back.revision());
    }
}
