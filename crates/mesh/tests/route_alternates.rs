//! Loop-free alternates, held against brute force, and taken where the next hop's link is down.

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{
    Basis, Graph, Paths, Places, Question, Refusal, StaticRoutes, Table, TableInput, Verdict, judge,
};
use hopline_mesh::wire::MessageId;
use proptest::prelude::*;

fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect("a name")
}

fn graph() -> impl Strategy<Value = Graph> {
    let link = (0..9_u8, 0..9_u8, 1..6_u32);
    proptest::collection::vec(link, 1..24).prop_map(|links| {
        let name = |n| node(&format!("n{n}"));
        let link = |(a, b, cost)| Some((LinkName::new(name(a), name(b)).ok()?, cost));
        Graph::new([name(0)], links.into_iter().filter_map(link))
    })
}

fn table(graph: &Graph, me: &NodeName) -> Table {
    let statics = StaticRoutes::new();
    let input = TableInput { me, graph, upstreams: &[], statics: &statics, hop_limit: 64 };
    let mut table = Table::build(&input);
    table.work_out_alternates(graph);
    table
}

/// What each way costs, by Floyd's and Warshall's algorithm.
fn costs(graph: &Graph) -> BTreeMap<(NodeName, NodeName), u64> {
    let mut costs: BTreeMap<_, _> =
        graph.nodes().map(|node| ((node.clone(), node.clone()), 0)).collect();
    for (link, cost) in graph.links() {
        let (a, b) = (link.lesser().clone(), link.greater().clone());
        costs.insert((a.clone(), b.clone()), u64::from(cost));
        costs.insert((b, a), u64::from(cost));
    }
    for over in graph.nodes() {
        for a in graph.nodes() {
            for b in graph.nodes() {
                let first = costs.get(&(a.clone(), over.clone())).copied();
                let second = costs.get(&(over.clone(), b.clone())).copied();
                if let Some(whole) = first.zip(second).map(|(a, b)| a + b) {
                    let known = costs.entry((a.clone(), b.clone())).or_insert(whole);
                    *known = (*known).min(whole);
                }
            }
        }
    }
    costs
}

proptest! {
    #[test]
    fn an_alternate_is_the_best_that_is_loop_free(graph in graph()) {
        let costs = costs(&graph);
        let cost = |a: &NodeName, b: &NodeName| costs.get(&(a.clone(), b.clone())).copied();
        for me in graph.nodes() {
            let table = table(&graph, me);
            for (to, hop) in table.iter() {
                let best = graph
                    .neighbours(me)
                    .filter(|(near, _)| **near != hop.neighbour)
                    .filter_map(|(near, link)| Some((near, u64::from(link), cost(near, to)?)))
                    .filter(|(near, _, rest)| *rest < cost(near, me).unwrap() + hop.cost)
                    .min_by_key(|(near, link, rest)| (link + rest, *near))
                    .map(|(near, ..)| near);
                prop_assert_eq!(table.alternate(to), best, "at {} for {}", me, to);
            }
        }
    }

    /// It comes there by the ways that all others have yet, which do not lead back.
    #[test]
    fn what_takes_an_alternate_arrives_while_no_other_node_has_heard(graph in graph()) {
        for me in graph.nodes() {
            let table = table(&graph, me);
            for (to, _) in table.iter() {
                if let Some(alternate) = table.alternate(to) {
                    let way = Paths::from(&graph, alternate).unwrap().way(to).unwrap();
                    prop_assert!(!way.nodes.contains(me), "{} for {}: {}", me, to, way);
                }
            }
        }
    }
}

/// Links by whether they are up and have room.
struct Links(BTreeMap<&'static str, (bool, bool)>);

impl Places for Links {
    fn is_here(&self, _: &str) -> Option<&str> {
        None
    }
    fn holder(&self, _: &str, _: MessageId) -> Option<&NodeName> {
        None
    }
    fn is_balanced(&self, _: &str) -> bool {
        false
    }
    fn link_is_up(&self, neighbour: &str) -> bool {
        self.0.get(neighbour).is_some_and(|(up, _)| *up)
    }
    fn has_room(&self, neighbour: &str, _: usize) -> bool {
        self.0.get(neighbour) == Some(&(true, true))
    }
}

const UP: (bool, bool) = (true, true);
const FULL: (bool, bool) = (true, false);
const DOWN: (bool, bool) = (false, false);

#[test]
fn the_alternate_takes_the_place_of_a_next_hop_whose_link_is_down_and_of_no_other() {
    let link = |text, cost| (LinkName::parse(text).unwrap(), cost);
    let square =
        [link("a--b", 1), link("b--d", 1), link("a--c", 2), link("c--d", 1), link("a--e", 9)];
    let graph = Graph::new([], square);
    let table = table(&graph, &node("a"));
    let ask = |b, c, from: Option<&str>, path: &[&str]| {
        let links = Links([("b", b), ("c", c), ("e", UP)].into());
        let question = Question {
            id: MessageId::default(),
            destination: "d",
            retrace: None,
            path,
            from,
            hop_limit: 64,
            size: 1,
        };
        let ruling = judge(&table, &links, &question);
        let is_alternate = matches!(ruling.basis, Basis::Alternate { .. });
        match ruling.verdict {
            Verdict::Forward(neighbour) => (neighbour.to_string(), is_alternate),
            Verdict::Refuse(refusal) => (refusal.reason().to_owned(), is_alternate),
            Verdict::Deliver(_) => panic!("nobody is here"),
        }
    };
    let forward = |to: &str, is_alternate| (to.to_owned(), is_alternate);
    let refuse = |refusal: Refusal, is_alternate| (refusal.reason().to_owned(), is_alternate);
    assert_eq!(ask(UP, UP, None, &[]), forward("b", false));
    assert_eq!(ask(DOWN, UP, None, &[]), forward("c", true));
    assert_eq!(ask(FULL, UP, None, &[]), refuse(Refusal::QueueFull, false));
    assert_eq!(ask(DOWN, FULL, None, &[]), refuse(Refusal::QueueFull, true));
    assert_eq!(ask(DOWN, DOWN, None, &[]), refuse(Refusal::Unreachable, false));
    assert_eq!(ask(DOWN, UP, Some("c"), &["c"]), refuse(Refusal::Unreachable, false));
    assert_eq!(ask(DOWN, UP, Some("e"), &["c", "e"]), refuse(Refusal::Unreachable, false));
}
