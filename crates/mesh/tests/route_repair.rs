//! Repaired ways, held against ways built anew.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Down, Graph, Part, Paths, Repair, Way};
use proptest::prelude::*;

fn node(n: u32) -> NodeName {
    NodeName::parse(&format!("n{n:02}")).unwrap()
}

fn link(a: u32, b: u32) -> LinkName {
    LinkName::new(node(a), node(b)).unwrap()
}

/// Up to 12 nodes and 20 links, with small costs, not always connected.
fn meshes() -> impl Strategy<Value = (u32, BTreeMap<(u32, u32), u32>)> {
    (2..=12_u32).prop_flat_map(|nodes| {
        let pairs: Vec<_> = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b))).collect();
        let most = pairs.len().min(20);
        proptest::sample::subsequence(pairs, 1..=most).prop_flat_map(move |pairs| {
            let costs = proptest::collection::vec(1..=3_u32, pairs.len());
            costs.prop_map(move |costs| (nodes, pairs.iter().copied().zip(costs).collect()))
        })
    })
}

/// The hops to each node that the failure touches, by whole ways with and without it.
fn built_anew(graph: &Graph, source: u32, down: &[Part]) -> BTreeMap<u32, Option<u32>> {
    let names: Vec<Down> = down
        .iter()
        .map(|part| match *part {
            Part::Node(n) => Down::Node(node(n)),
            Part::Link(a, b) => Down::Link(link(a, b)),
        })
        .collect();
    let left = graph.without(&names);
    let hops = |graph: &Graph, to: &NodeName| {
        let way = Paths::from(graph, &node(source)).unwrap().way(to)?;
        Some(u32::try_from(way.hops()).unwrap())
    };
    let up = |n: &u32| !down.contains(&Part::Node(*n));
    let nodes = (0..).take(graph.nodes().len()).filter(up);
    let before = nodes.filter(|n| hops(graph, &node(*n)).is_some());
    before.map(|n| (n, hops(&left, &node(n)))).collect()
}

proptest! {
    #[test]
    fn repaired_ways_are_as_long_as_those_built_anew(
        (nodes, links) in meshes(),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 1..=3),
    ) {
        let graph = Graph::new(
            (0..nodes).map(node),
            links.iter().map(|(&(a, b), &cost)| (link(a, b), cost)),
        );
        let parts: Vec<Part> = (links.keys().map(|&(a, b)| Part::Link(a, b)))
            .chain((0..nodes).map(Part::Node))
            .collect();
        for source in 0..nodes {
            let mut repair = Repair::from(&graph, &node(source)).unwrap();
            let ways: Vec<Way> = Paths::from(&graph, &node(source)).unwrap().ways().collect();
            // Asked again and again: what one failure did is forgotten at the next.
            for first in &parts {
                let mut down = vec![*first];
                down.extend(picks.iter().skip(1).map(|pick| *pick.get(&parts)));
                if down.contains(&Part::Node(source)) {
                    repair.without(&down, |_, _| panic!("told of the ways of a node that is down"));
                    continue;
                }
                // The longest of the ways that pass what fails, by whole ways.
                let through = ways.iter().filter(|way| match *first {
                    Part::Node(n) => way.nodes.contains(&node(n)),
                    Part::Link(a, b) => {
                        way.nodes.windows(2).any(|ends| link(a, b).other(&ends[0]) == Some(&ends[1]))
                    }
                });
                let through: Vec<&Way> = through.collect();
                let longest = through.iter().map(|way| u32::try_from(way.hops()).unwrap()).max();
                prop_assert_eq!(repair.longest(*first), longest);
                let beyond = u32::try_from(through.len()).ok().filter(|number| *number > 0);
                prop_assert_eq!(repair.beyond(*first), beyond);
                // All come to it from the same node.
                for way in through {
                    let at = way.nodes.iter().position(|passed| match *first {
                        Part::Node(n) => *passed == node(n),
                        Part::Link(a, b) => [node(a), node(b)].contains(passed),
                    });
                    let at = at.unwrap();
                    let before = match *first {
                        Part::Node(_) => at.checked_sub(1).map(|at| &way.nodes[at]),
                        Part::Link(..) => Some(&way.nodes[at]),
                    };
                    let found = repair.before(*first).map(node);
                    prop_assert_eq!(found.as_ref(), before);
                }
                let anew = built_anew(&graph, source, &down);
                let mut repaired: BTreeMap<u32, Option<u32>> =
                    anew.keys().map(|n| (*n, repair.hops(*n))).collect();
                let mut told = 0;
                repair.without(&down, |n, hops| {
                    told += 1;
                    repaired.insert(n, hops);
                });
                prop_assert_eq!(&repaired, &anew, "{} without {:?}", source, down);
                prop_assert!(told <= nodes);
            }
        }
    }
}
