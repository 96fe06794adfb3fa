//! Services on paper: which of those who hold a name a message goes to, from wherever it is sent.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::{
    Directory, Down, End, Graph, Paths, Policy, Refusal, StaticRoutes, Table, TableInput, Walk,
    WalkInput, Walker, share,
};
use hopline_mesh::wire::MessageId;
use proptest::prelude::*;

const NAMES: [&str; 9] = ["0", "B", "a", "a-1", "a.b", "b", "m", "node10", "node2"];

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn id(counter: u64) -> MessageId {
    MessageId { incarnation: 1_700_000_000_000, counter }
}

/// A directory where the client `db` of a service is at these nodes.
fn held_at(policy: Policy, nodes: impl IntoIterator<Item = NodeName>) -> Directory {
    let db = ClientName::from_identity(b"db");
    let mut directory = Directory::with_services([(db.clone(), policy)]);
    for node in nodes {
        directory.add(db.clone(), node);
    }
    directory
}

/// Asks for ways in a mesh whose links are `a--b COST`.
fn in_mesh<T>(links: &[&str], directory: &Directory, ask: impl FnOnce(&mut Walker<'_>) -> T) -> T {
    let links = links.iter().map(|text| {
        let (link, cost) = text.split_once(' ').unwrap();
        (LinkName::parse(link).unwrap(), cost.parse().unwrap())
    });
    let graph = Graph::new([], links);
    let (upstreams, statics) = (BTreeMap::new(), BTreeMap::new());
    let mesh = WalkInput {
        graph: &graph,
        upstreams: &upstreams,
        statics: &statics,
        directory,
        hop_limit: 64,
    };
    ask(&mut Walker::new(mesh))
}

fn path(walk: &Walk) -> Vec<&str> {
    walk.path.iter().map(NodeName::as_str).collect()
}

const LINE: [&str; 3] = ["east--top 10", "top--west 10", "top--north 3"];

#[test]
fn the_closest_is_the_one_at_the_least_cost_then_the_lesser_name() {
    let directory = held_at(Policy::Closest, ["west", "north", "east"].map(node));
    in_mesh(&LINE, &directory, |walker| {
        assert_eq!(path(&walker.walk(&node("top"), "db")), ["top", "north"]);
        assert_eq!(path(&walker.walk(&node("west"), "db")), ["west"]);
    });
    let directory = held_at(Policy::Closest, ["west", "east"].map(node));
    in_mesh(&LINE, &directory, |walker| {
        assert_eq!(path(&walker.walk(&node("top"), "db")), ["top", "east"]);
        assert_eq!(path(&walker.walk(&node("north"), "db")), ["north", "top", "east"]);
        // Cost, not the number of links, and not the number of nodes.
        assert_eq!(walker.walk(&node("north"), "db").cost, 13);
        let table = walker.table(&node("top"));
        let offers: Vec<_> = directory.offers("db", table).collect();
        assert_eq!(offers, [(&node("east"), Some(10)), (&node("west"), Some(10))]);
        let table = walker.table(&node("east"));
        let offers: Vec<_> = directory.offers("db", table).collect();
        assert_eq!(offers, [(&node("east"), Some(0)), (&node("west"), Some(20))]);
    });
}

#[test]
fn whoever_is_said_with_its_node_is_reached_there() {
    for policy in [Policy::Closest, Policy::Balanced] {
        let directory = held_at(policy, ["west", "east"].map(node));
        in_mesh(&LINE, &directory, |walker| {
            let walk = walker.walk(&node("east"), "db@west");
            assert_eq!(path(&walk), ["east", "top", "west"]);
            assert_eq!(walk.end, End::Client("db".to_owned()));
            let walk = walker.walk(&node("west"), "db@top");
            assert_eq!(walk.refusal(), Some(Refusal::UnknownDestination));
        });
    }
}

#[test]
fn a_balanced_message_leaves_a_node_that_holds_the_name_too() {
    let directory = held_at(Policy::Balanced, ["west", "north", "east"].map(node));
    in_mesh(&LINE, &directory, |walker| {
        let mut counts = BTreeMap::<String, u32>::new();
        for counter in 0..900 {
            let walk = walker.walk_message(id(counter), &node("east"), "db");
            *counts.entry(walk.last().unwrap().to_string()).or_default() += 1;
        }
        assert_eq!(counts.len(), 3);
        assert!(counts.values().all(|count| (250..350).contains(count)), "{counts:?}");
    });
}

#[test]
fn a_service_that_nobody_holds_is_unknown_and_one_that_is_cut_off_unreachable() {
    for policy in [Policy::Closest, Policy::Balanced] {
        in_mesh(&LINE, &held_at(policy, []), |walker| {
            let walk = walker.walk(&node("east"), "db");
            assert_eq!(walk.refusal(), Some(Refusal::UnknownDestination));
        });
        let cut_off = held_at(policy, ["far", "farther"].map(node));
        in_mesh(&["east--top 1", "far--farther 1"], &cut_off, |walker| {
            let walk = walker.walk(&node("east"), "db");
            assert_eq!(walk.refusal(), Some(Refusal::Unreachable));
            let offers: Vec<_> = cut_off.offers("db", walker.table(&node("east"))).collect();
            assert_eq!(offers, [(&node("far"), None), (&node("farther"), None)]);
        });
    }
}

#[test]
fn a_static_route_for_a_service_beats_the_computed_way_but_not_a_holder_here() {
    let directory = held_at(Policy::Closest, ["west", "east"].map(node));
    let graph = Graph::new(
        [],
        LINE.map(|text| (LinkName::parse(text.split_once(' ').unwrap().0).unwrap(), 1)),
    );
    let to_west: StaticRoutes = [("db".parse().unwrap(), "west".into())].into_iter().collect();
    let statics = ["top", "east"].map(|name| (node(name), to_west.clone()));
    let mesh = WalkInput {
        graph: &graph,
        upstreams: &BTreeMap::new(),
        statics: &statics.into_iter().collect(),
        directory: &directory,
        hop_limit: 64,
    };
    let mut walker = Walker::new(mesh);
    assert_eq!(path(&walker.walk(&node("top"), "db")), ["top", "west"]);
    assert_eq!(path(&walker.walk(&node("east"), "db")), ["east"]);
}

#[test]
fn a_plain_name_at_several_nodes_in_flux_is_at_the_lesser() {
    let bob = ClientName::from_identity(b"bob");
    let directory: Directory =
        ["west", "north"].into_iter().map(|at| (bob.clone(), node(at))).collect();
    in_mesh(&["east--west 1", "east--north 9"], &directory, |walker| {
        for counter in 0..9 {
            let walk = walker.walk_message(id(counter), &node("east"), "bob");
            assert_eq!(path(&walk), ["east", "north"]);
        }
    });
}

/// Nodes, links of small costs so that there are many ties, and the nodes that hold the service.
type Drawn = (usize, BTreeMap<(usize, usize), u32>, BTreeSet<usize>);

fn meshes() -> impl Strategy<Value = Drawn> {
    (2..=NAMES.len()).prop_flat_map(|nodes| {
        let pairs: Vec<_> = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b))).collect();
        let fewest = pairs.len().min(nodes - 1);
        let links = prop::sample::subsequence(pairs.clone(), fewest..=pairs.len());
        let links = links.prop_flat_map(|pairs| {
            let costs = prop::collection::vec(1..=3_u32, pairs.len());
            costs.prop_map(move |costs| pairs.iter().copied().zip(costs).collect())
        });
        (Just(nodes), links, prop::collection::btree_set(0..nodes, 1..=nodes))
    })
}

/// The holder that a message should come to, by the words of the policy, from what the ways cost.
fn expected(policy: Policy, id: MessageId, costs: &[(u64, NodeName)]) -> Option<NodeName> {
    match policy {
        Policy::Closest => costs.iter().min().map(|(_, node)| node.clone()),
        Policy::Balanced => costs
            .iter()
            .map(|(_, node)| (share(id, node), node))
            .max()
            .map(|(_, node)| node.clone()),
    }
}

proptest! {
    #[test]
    fn from_everywhere_a_message_comes_to_the_right_holder_by_the_best_way((nodes, links, holders) in meshes(), first in any::<u64>()) {
        let names = || NAMES.into_iter().take(nodes).map(node);
        let link = |&(a, b): &(usize, usize)| LinkName::new(node(NAMES[a]), node(NAMES[b])).unwrap();
        let whole = Graph::new(names(), links.iter().map(|(pair, &cost)| (link(pair), cost)));
        let downs = links.keys().map(|pair| vec![Down::Link(link(pair))]);
        for down in std::iter::once(Vec::new()).chain(downs) {
            let graph = whole.without(&down);
            for policy in [Policy::Closest, Policy::Balanced] {
                let directory = held_at(policy, holders.iter().map(|n| node(NAMES[*n])));
                let mesh = WalkInput {
                    graph: &graph,
                    upstreams: &BTreeMap::new(),
                    statics: &BTreeMap::<_, StaticRoutes>::new(),
                    directory: &directory,
                    hop_limit: 64,
                };
                let mut walker = Walker::new(mesh);
                for (from, counter) in graph.nodes().zip(0..) {
                    let id = id(first.wrapping_add(counter));
                    let paths = Paths::from(&graph, from).unwrap();
                    let costs: Vec<_> = holders
                        .iter()
                        .map(|n| node(NAMES[*n]))
                        .filter_map(|node| Some((paths.way(&node)?.cost, node)))
                        .collect();
                    let walk = walker.walk_message(id, from, "db");
                    match expected(policy, id, &costs) {
                        Some(holder) => {
                            let way = paths.way(&holder).unwrap();
                            prop_assert_eq!((walk.path, walk.cost), (way.nodes, way.cost));
                            prop_assert_eq!(walk.end, End::Client("db".to_owned()));
                        }
                        None => prop_assert_eq!(walk.refusal(), Some(Refusal::Unreachable)),
                    }
                }
            }
        }
    }
}

#[test]
fn a_table_says_what_the_way_to_each_node_costs() {
    let graph = Graph::new([node("far")], [(LinkName::parse("east--top").unwrap(), 7)]);
    let table = Table::build(&TableInput {
        me: &node("east"),
        graph: &graph,
        upstreams: &[],
        statics: &StaticRoutes::new(),
        hop_limit: 64,
    });
    let cost = |name| table.cost(&node(name));
    assert_eq!(["east", "top", "far", "nobody"].map(cost), [Some(0), Some(7), None, None]);
}
