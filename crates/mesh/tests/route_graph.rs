//! Graphs and tables: what they hold, what is left of them, and what tells them apart.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use hopline_mesh::name::{LinkName, NameError, NodeName};
use hopline_mesh::route::{Down, Graph, Paths, Revision, StaticRoutes, Table, TableInput};

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn graph(links: &[(&str, u32)]) -> Graph {
    let links = links.iter().map(|(link, cost)| (LinkName::parse(link).unwrap(), *cost));
    Graph::new([], links)
}

fn table(graph: &Graph, me: &str, upstreams: &[(NodeName, u32)]) -> Table {
    Table::build(&TableInput {
        me: &node(me),
        graph,
        upstreams,
        statics: &StaticRoutes::new(),
        hop_limit: 64,
    })
}

#[test]
fn what_is_down_is_a_link_if_it_has_two_ends_and_a_node_otherwise() {
    assert_eq!("east".parse(), Ok(Down::Node(node("east"))));
    let link = Down::Link(LinkName::parse("east--top").unwrap());
    assert_eq!("top--east".parse(), Ok(link.clone()));
    assert_eq!(link.to_string(), "east--top");
    assert_eq!("east--".parse::<Down>(), Err(NameError::Empty));
    assert_eq!("a--a".parse::<Down>(), Err(NameError::SelfLink));
    assert_eq!("".parse::<Down>(), Err(NameError::Empty));
}

#[test]
fn a_link_given_twice_keeps_its_greater_cost() {
    let graph = graph(&[("a--b", 3), ("b--a", 7), ("a--b", 5), ("b--c", 0)]);
    let costs: Vec<_> = graph.links().map(|(link, cost)| (link.to_string(), cost)).collect();
    assert_eq!(costs, [("a--b".to_owned(), 7), ("b--c".to_owned(), 1)]);
}

#[test]
fn neighbours_come_in_the_order_of_their_names() {
    let graph = graph(&[("m--z", 1), ("a--m", 2), ("m--B", 3)]);
    let neighbours: Vec<_> =
        graph.neighbours(&node("m")).map(|(node, cost)| (node.as_str(), cost)).collect();
    assert_eq!(neighbours, [("B", 3), ("a", 2), ("z", 1)]);
    assert_eq!(graph.neighbours(&node("nobody")).count(), 0);
}

#[test]
fn a_node_that_is_down_is_known_and_out_of_reach() {
    let graph = graph(&[("a--b", 1), ("b--c", 1)]).without(&["b".parse().unwrap()]);
    assert!(graph.contains(&node("b")));
    assert_eq!(graph.links().len(), 0);
    let paths = Paths::from(&graph, &node("a")).unwrap();
    assert_eq!(paths.way(&node("b")), None);
}

#[test]
fn what_is_down_and_unknown_changes_nothing() {
    let graph = graph(&[("a--b", 1)]);
    let down = ["x", "a--x", "x--y"].map(|down| down.parse().unwrap());
    assert_eq!(graph.without(&down), graph);
}

#[test]
fn the_revision_tells_nodes_links_and_costs_apart() {
    let base = graph(&[("a--b", 1), ("b--c", 1)]);
    let dearer = graph(&[("a--b", 1), ("b--c", 2)]);
    let other = graph(&[("a--b", 1), ("a--c", 1)]);
    let links = base.links().map(|(link, cost)| (link.clone(), cost));
    let more = Graph::new([node("d")], links);
    let mut revisions = [&base, &dearer, &other, &more].map(Graph::revision);
    revisions.sort();
    assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]));
}

/// Nodes of different versions compare revisions, so what one is may never change.
#[test]
fn the_revision_of_a_graph_is_the_same_for_ever() {
    let graph = graph(&[("east--top", 10), ("top--west", 10)]);
    assert_eq!(graph.revision().to_string(), "690e6fc6b6775f37");
    assert_eq!(Revision(0x0123_4567_89ab_cdef).short(), 0x0123_4567);
    assert_eq!(Revision(0xab).to_string(), "00000000000000ab");
}

#[test]
fn a_table_lists_what_it_reaches_in_order_and_what_it_does_not() {
    let graph = graph(&[("top--west", 10), ("east--top", 10), ("x--y", 1)]);
    let table = table(&graph, "east", &[]);
    let reached: Vec<_> = table
        .iter()
        .map(|(to, hop)| format!("{to} via {} {} {}", hop.neighbour, hop.cost, hop.hops))
        .collect();
    assert_eq!(reached, ["top via top 10 1", "west via top 20 2"]);
    let unreachable: Vec<_> = table.unreachable().map(NodeName::as_str).collect();
    assert_eq!(unreachable, ["x", "y"]);
    assert_eq!(table.next_hop(&node("east")), None);
    let reached = Graph::new([], graph.links().take(2).map(|(link, cost)| (link.clone(), cost)));
    assert_eq!(reached.nodes().len(), 3);
    assert_eq!(table.revision(), reached.revision());
}

#[test]
fn a_node_outside_the_graph_has_a_table_with_no_ways() {
    let graph = graph(&[("a--b", 1)]);
    let table = table(&graph, "lonely", &[(node("a"), 1)]);
    assert_eq!(table.iter().count(), 0);
    assert_eq!(table.upstream(), None);
    assert!(table.reaches(&node("lonely")) && !table.reaches(&node("a")));
    let unreachable: Vec<_> = table.unreachable().map(NodeName::as_str).collect();
    assert_eq!(unreachable, ["a", "b"]);
}

#[test]
fn the_best_upstream_is_the_live_one_with_the_least_cost_then_the_lesser_name() {
    let graph = graph(&[("me--p", 5), ("me--q", 5), ("me--r", 3), ("q--dead", 1)]);
    let best = |upstreams: &[(&str, u32)]| {
        let upstreams: Vec<_> = upstreams.iter().map(|(n, cost)| (node(n), *cost)).collect();
        let table = table(&graph, "me", &upstreams);
        table.upstream().map(ToString::to_string)
    };
    assert_eq!(best(&[("q", 5), ("p", 5)]).as_deref(), Some("p"));
    assert_eq!(best(&[("p", 5), ("r", 3), ("q", 5)]).as_deref(), Some("r"));
    assert_eq!(best(&[("dead", 1), ("q", 5)]).as_deref(), Some("q"));
    assert_eq!(best(&[("dead", 1)]), None);
    // Where the two ends differ the greater cost counts: the graph's or the one given.
    assert_eq!(best(&[("p", 1), ("r", 4)]).as_deref(), Some("r"));
    assert_eq!(best(&[("p", 5), ("r", 9)]).as_deref(), Some("p"));
}
