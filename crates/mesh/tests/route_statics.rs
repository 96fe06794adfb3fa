//! Static routes: which of them is taken, what each next hop means, and that none makes a loop.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::BTreeMap;

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::{
    Directory, End, Graph, NextHop, Pattern, PatternError, Refusal, StaticRoutes, Walk, WalkInput,
    walk,
};
use proptest::prelude::*;

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn graph(links: &[&str]) -> Graph {
    let links = links.iter().map(|link| (LinkName::parse(link).unwrap(), 10));
    Graph::new([], links)
}

fn routes(routes: &[(&str, &str)]) -> StaticRoutes {
    let routes = routes.iter();
    routes.map(|(to, hop)| (to.parse().unwrap(), (*hop).into())).collect()
}

/// A message from `me`, which has links to `p`, `q` and `r`; beyond `r` is `far`. `me` dials `q`
/// and `p`, and the client `gw` is attached to it; `bob.1` is attached at `far`.
fn send(statics: &[(&str, &str)], to: &str) -> Walk {
    let graph = graph(&["me--p", "me--q", "me--r", "far--r", "lost--island"]);
    let directory = [("gw", "me"), ("bob.1", "far")];
    let directory: Directory = directory
        .map(|(name, at)| (ClientName::from_identity(name.as_bytes()), node(at)))
        .into_iter()
        .collect();
    let mesh = WalkInput {
        graph: &graph,
        upstreams: &BTreeMap::from([(node("me"), vec![(node("q"), 10), (node("p"), 10)])]),
        statics: &BTreeMap::from([(node("me"), routes(statics))]),
        directory: &directory,
        hop_limit: 64,
    };
    walk(&mesh, &node("me"), to)
}

/// The neighbour that the message is handed to first.
fn first_hop(statics: &[(&str, &str)], to: &str) -> Option<String> {
    send(statics, to).path.get(1).map(ToString::to_string)
}

#[test]
fn an_exact_route_beats_a_prefix() {
    let statics = [("south.*", "p"), ("south.1", "q")];
    assert_eq!(first_hop(&statics, "south.1").as_deref(), Some("q"));
    assert_eq!(first_hop(&statics, "south.2").as_deref(), Some("p"));
}

#[test]
fn a_longer_prefix_beats_a_shorter() {
    let statics = [("a.*", "p"), ("a.b.*", "q"), ("a.b.c.*", "r")];
    for (to, hop) in [("a.x", "p"), ("a.b", "p"), ("a.b.x", "q"), ("a.b.c", "q"), ("a.b.c.d", "r")]
    {
        assert_eq!(first_hop(&statics, to).as_deref(), Some(hop), "{to}");
    }
}

#[test]
fn a_prefix_is_not_for_the_bare_region_nor_for_half_a_word() {
    for to in ["south", "south.", "southern.1", "outh.1"] {
        let walk = send(&[("south.*", "p")], to);
        assert_eq!(walk.refusal(), Some(Refusal::UnknownDestination), "{to}");
    }
}

#[test]
fn a_static_route_beats_the_computed_one() {
    assert_eq!(first_hop(&[], "far").as_deref(), Some("r"));
    assert_eq!(first_hop(&[("far", "p")], "far").as_deref(), Some("p"));
}

#[test]
fn a_route_for_the_name_beats_one_for_the_node_that_it_is_at() {
    for to in ["bob.1", "bob.1@far"] {
        assert_eq!(first_hop(&[], to).as_deref(), Some("r"), "{to}");
        assert_eq!(first_hop(&[("far", "p")], to).as_deref(), Some("p"), "{to}");
        let both = [("far", "p"), ("bob.*", "q")];
        assert_eq!(first_hop(&both, to).as_deref(), Some("q"), "{to}");
    }
}

#[test]
fn a_node_as_next_hop_means_the_computed_way_to_it() {
    assert_eq!(first_hop(&[("south.1", "far")], "south.1").as_deref(), Some("r"));
}

#[test]
fn upstream_is_the_best_live_upstream() {
    assert_eq!(first_hop(&[("s", "upstream")], "s").as_deref(), Some("p"));
    assert_eq!("upstream".parse(), Ok(NextHop::Upstream));
    assert_eq!(NextHop::Upstream.to_string(), "upstream");
}

#[test]
fn a_client_as_next_hop_gets_what_matches() {
    let walk = send(&[("south.*", "gw")], "south.1");
    assert_eq!(walk.end, End::Client("gw".to_owned()));
    assert_eq!(walk.path, [node("me")]);
}

#[test]
fn a_next_hop_that_is_not_there_counts_as_absent() {
    // Not reachable, nobody, attached elsewhere, this node itself.
    for absent in ["lost", "nobody", "bob.1", "me"] {
        let shadowed = [("a.*", "p"), ("a.b.*", absent), ("a.b.c", absent)];
        assert_eq!(first_hop(&shadowed, "a.b.c").as_deref(), Some("p"), "{absent}");
        let computed = first_hop(&[("far", absent)], "far");
        assert_eq!(computed.as_deref(), Some("r"), "{absent}");
        let unknown = send(&[("nobody", absent)], "nobody");
        assert_eq!(unknown.refusal(), Some(Refusal::UnknownDestination));
    }
}

#[test]
fn a_static_route_for_an_island_is_a_way_to_it() {
    assert_eq!(send(&[], "lost").refusal(), Some(Refusal::Unreachable));
    assert_eq!(first_hop(&[("lost", "p")], "lost").as_deref(), Some("p"));
}

#[test]
fn a_pattern_is_a_name_or_a_prefix() {
    assert_eq!("a.b".parse(), Ok(Pattern::Exact("a.b".to_owned())));
    assert_eq!("a.b.*".parse(), Ok(Pattern::Prefix("a.b".to_owned())));
    assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
    assert_eq!(".*".parse::<Pattern>(), Err(PatternError::Empty));
    for (text, mark) in
        [("*", '*'), ("a*", '*'), ("*.a", '*'), ("a.*.*", '*'), ("a@b", '@'), ("#a", '#')]
    {
        assert_eq!(text.parse::<Pattern>(), Err(PatternError::Mark(mark)), "{text}");
    }
    let long = "x".repeat(1025);
    assert_eq!(long.parse::<Pattern>(), Err(PatternError::TooLong(1025)));
}

#[test]
fn routes_are_set_changed_and_taken_away() {
    let mut statics = routes(&[("b", "p"), ("a.*", "upstream")]);
    let b: Pattern = "b".parse().unwrap();
    assert_eq!(statics.set(b.clone(), "q".into()), Some("p".into()));
    assert_eq!(statics.next_hop(&b), Some(&"q".into()));
    assert_eq!(statics.len(), 2);
    assert_eq!(statics.unset(&b), Some("q".into()));
    assert_eq!(statics.unset(&b), None);
    assert!(!statics.is_empty());
}

const NODES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const TARGETS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "south.1", "south.1.2", "bob"];

fn statics() -> impl Strategy<Value = BTreeMap<NodeName, StaticRoutes>> {
    let to =
        proptest::sample::select(&["a", "b", "f", "south.*", "south.1.*", "south.1", "bob"][..]);
    let hop = proptest::sample::select(&["a", "b", "c", "d", "e", "f", "upstream", "gw"][..]);
    let route = (to, hop).prop_map(|(to, hop)| (to.parse().unwrap(), hop.into()));
    let routes =
        proptest::collection::vec(route, 0..5).prop_map(|routes| routes.into_iter().collect());
    let at = proptest::sample::select(&NODES[..]).prop_map(node);
    proptest::collection::btree_map(at, routes, 0..=6)
}

fn links() -> impl Strategy<Value = Vec<(LinkName, u32)>> {
    let pairs: Vec<_> = (0..NODES.len())
        .flat_map(|a| (a + 1..NODES.len()).map(move |b| (node(NODES[a]), node(NODES[b]))))
        .map(|(a, b)| (LinkName::new(a, b).unwrap(), 1))
        .collect();
    proptest::sample::subsequence(pairs, 3..=15)
}

proptest! {
    #[test]
    fn whatever_the_static_routes_say_a_message_ends(
        links in links(),
        statics in statics(),
        hop_limit in 1..=10_u8,
        upstreams in proptest::collection::vec(proptest::sample::subsequence(&NODES[..], 0..=3), 6),
    ) {
        let graph = Graph::new(NODES.map(node), links);
        let upstreams = upstreams.iter().zip(NODES).map(|(upstreams, at)| {
            let upstreams = upstreams.iter().filter(|&&upstream| upstream != at);
            (node(at), upstreams.map(|upstream| (node(upstream), 1)).collect())
        });
        let bob = (ClientName::from_identity(b"bob"), node("f"));
        let mesh = WalkInput {
            graph: &graph,
            upstreams: &upstreams.collect(),
            statics: &statics,
            directory: &Directory::from_iter([bob]),
            hop_limit,
        };
        for from in NODES {
            for to in TARGETS {
                let walk = walk(&mesh, &node(from), to);
                prop_assert!(walk.path.len() <= usize::from(hop_limit));
                let before_last = &walk.path[..walk.path.len() - 1];
                prop_assert!((1..before_last.len()).all(|n| !before_last[..n].contains(&before_last[n])));
                let last_is_new = !before_last.contains(&walk.path[before_last.len()]);
                // Only a loop or a delivery shows a node twice, and it is the last.
                prop_assert!(last_is_new || walk.refusal().is_none_or(|r| r == Refusal::Loop));
                prop_assert!(matches!(
                    walk.refusal(),
                    None | Some(
                        Refusal::Loop
                            | Refusal::HopLimit
                            | Refusal::NextHopIsSource
                            | Refusal::Unreachable
                            | Refusal::UnknownDestination
                    )
                ));
            }
        }
    }
}
