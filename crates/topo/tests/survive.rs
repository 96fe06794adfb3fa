//! All cases of some failures, held against asking for every pair in every case.
#![expect(clippy::unwrap_used, reason = "what a test needs may panic as the test itself may")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use hopline_mesh::name::NodeName;
use hopline_mesh::route::Down;
use hopline_topo::expect::{Broken, hold};
use hopline_topo::survive::{MAX_DOWN, TooMany, survive};
use hopline_topo::{Expect, Offline, Plan, parse};
use proptest::prelude::*;

fn offline(text: &str) -> Offline {
    Offline::new(&Plan::new(&parse("m.toml", text).unwrap().topology))
}

/// A mesh of a few nodes with any links, costs, hop limit and static routes.
fn meshes() -> impl Strategy<Value = Offline> {
    meshes_of(7, 10, 3)
}

/// A mesh of at most so many nodes, links and static routes.
fn meshes_of(
    most_nodes: usize,
    most_links: usize,
    most_routes: usize,
) -> impl Strategy<Value = Offline> {
    (2..=most_nodes, 1..=3_u32).prop_flat_map(move |(nodes, dearest)| {
        let pairs: Vec<_> = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b))).collect();
        let least = pairs.len().min(nodes - 1);
        let links =
            proptest::sample::subsequence(pairs.clone(), least..=pairs.len().min(most_links))
                .prop_flat_map(move |pairs| {
                    let costs = proptest::collection::vec(1..=dearest, pairs.len());
                    costs.prop_map(move |costs| {
                        pairs.iter().copied().zip(costs).collect::<BTreeMap<_, _>>()
                    })
                });
        let hop =
            prop_oneof![(0..nodes).prop_map(|n| format!("n{n}")), Just("upstream".to_owned())];
        let to = prop_oneof![(0..nodes).prop_map(|n| format!("n{n}")), Just("far.*".to_owned())];
        let routes = proptest::collection::btree_map((0..nodes, to), hop, 0..=most_routes);
        let hop_limit = prop_oneof![Just(64_usize), 2..=nodes];
        (links, routes, hop_limit).prop_map(move |(links, routes, hop_limit)| {
            let mut text = format!("[mesh]\nname = 'm'\nhop_limit = {hop_limit}\n");
            for node in 0..nodes {
                let up: Vec<String> = links
                    .iter()
                    .filter(|((a, _), _)| *a == node)
                    .map(|((_, b), cost)| format!("{{ node = 'n{b}', cost = {cost} }}"))
                    .collect();
                let _ = writeln!(text, "[nodes.n{node}]\nupstream = [{}]", up.join(", "));
            }
            text.push_str("[clients]\nbob = 'n1'\n");
            for node in 0..nodes {
                let here = routes
                    .iter()
                    .filter(|((at, _), hop)| *at == node && **hop != format!("n{node}"));
                let lines: Vec<String> =
                    here.map(|((_, to), hop)| format!("\"{to}\" = \"{hop}\"")).collect();
                if !lines.is_empty() {
                    let _ = writeln!(text, "[routes.n{node}]\n{}", lines.join("\n"));
                }
            }
            offline(&text)
        })
    })
}

/// All cases of `size` failures, those with fewer nodes first, then by name.
fn cases(mesh: &Offline, size: usize) -> Vec<Vec<Down>> {
    let links = mesh.graph().links().map(|(link, _)| Down::Link(link.clone()));
    let parts: Vec<Down> = links.chain(mesh.graph().nodes().cloned().map(Down::Node)).collect();
    let mut cases: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let longer = cases.iter().flat_map(|case| {
            let next = case.last().map_or(0, |last| last + 1);
            (next..parts.len()).map(move |part| case.iter().copied().chain([part]).collect())
        });
        cases = longer.collect();
    }
    let case = |case: Vec<usize>| case.into_iter().map(|part| parts[part].clone()).collect();
    let mut cases: Vec<Vec<Down>> = cases.into_iter().map(case).collect();
    cases.sort_by_key(|case| case.iter().filter(|down| matches!(down, Down::Node(_))).count());
    cases
}

fn arrives(mesh: &Offline, from: &str, to: &str, down: &[Down]) -> bool {
    let is_up = !down.contains(&Down::Node(mesh.node_of(from).unwrap()));
    is_up && mesh.route(from, to, down).unwrap().refusal().is_none()
}

/// The pairs that a case cuts, by asking for each.
fn cut(mesh: &Offline, down: &[Down]) -> BTreeSet<(NodeName, NodeName)> {
    let up: Vec<&NodeName> =
        mesh.graph().nodes().filter(|node| !down.contains(&Down::Node((*node).clone()))).collect();
    let mut cut = BTreeSet::new();
    for from in &up {
        for to in &up {
            let (a, b) = (from.as_str(), to.as_str());
            if arrives(mesh, a, b, &[]) && !arrives(mesh, a, b, down) {
                cut.insert(((*from).min(to).clone(), (*from).max(to).clone()));
            }
        }
    }
    cut
}

fn ends(mesh: &Offline, expect: &Expect) -> Vec<Down> {
    let walk = mesh.route(&expect.from, &expect.to, &expect.down).unwrap();
    [walk.path.first(), walk.path.last()].into_iter().flatten().cloned().map(Down::Node).collect()
}

/// Holds all cases of up to `most` failures against asking for every pair in each.
fn comes_to_what_asking_comes_to(mesh: &Offline, most: usize) -> Result<(), TestCaseError> {
    let expects = [Expect::arrival("n0", "bob"), Expect::arrival("n0", "far.1")];
    let survival = survive(mesh, &expects, most).unwrap();
    let fails = |case: &Vec<Down>| {
        let lost = |expect: &Expect| {
            let (from, to) = (&expect.from, &expect.to);
            arrives(mesh, from, to, &[])
                && !case.iter().any(|down| ends(mesh, expect).contains(down))
                && !arrives(mesh, from, to, case)
        };
        !cut(mesh, case).is_empty() || expects.iter().any(lost)
    };
    let mut tried = 0;
    for size in 1..=most {
        let all = cases(mesh, size);
        tried += all.len() as u64;
        let failing: Vec<&Vec<Down>> = all.iter().filter(|case| fails(case)).collect();
        if let Some(first) = failing.first() {
            let breach = survival.breach.clone().expect("there is a case that fails");
            prop_assert_eq!(&&breach.down, first);
            prop_assert_eq!(breach.failing, failing.len() as u64);
            prop_assert_eq!(breach.of, all.len() as u64);
            prop_assert_eq!(breach.pairs, cut(mesh, first).len());
            prop_assert_eq!(breach.example.is_some(), breach.pairs > 0);
            for lost in breach.example.iter().chain(&breach.expects) {
                let walk = mesh.route(&lost.from, &lost.to, first).unwrap();
                prop_assert_eq!(walk.refusal().map(|why| why.reason()), Some(lost.reason.as_str()));
            }
            prop_assert_eq!(survival.cases, tried);
            return Ok(());
        }
    }
    prop_assert_eq!(survival.breach, None);
    prop_assert_eq!(survival.cases, tried);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_case_comes_to_what_asking_for_every_pair_comes_to(mesh in meshes(), most in 1..=2_usize) {
        comes_to_what_asking_comes_to(&mesh, most)?;
    }

    // Without static routes a way there is as long as the way back, and few ends are looked from.
    #[test]
    fn every_single_failure_of_a_wider_mesh_comes_to_what_asking_comes_to(mesh in meshes_of(12, 18, 0)) {
        comes_to_what_asking_comes_to(&mesh, 1)?;
    }

    #[test]
    fn an_expect_survives_what_its_message_does(
        mesh in meshes(),
        survives in 1..=2_usize,
        pick in any::<proptest::sample::Index>(),
        with_down in any::<bool>(),
        to in prop_oneof![Just("bob"), Just("n1"), Just("far.1"), Just("bob@n1")],
    ) {
        let down = match with_down {
            true => pick.get(&cases(&mesh, 1)).clone(),
            false => Vec::new(),
        };
        let expect = Expect { survives, down, ..Expect::arrival("n0", to) };
        let broken = hold(&mesh, &expect).unwrap().broken;
        if !arrives(&mesh, "n0", to, &expect.down) {
            let is_that = matches!(broken.as_slice(), [Broken::DoesNotArrive { .. }]);
            prop_assert!(is_that, "{:?}", broken);
            return Ok(());
        }
        let ends = ends(&mesh, &expect);
        for size in 1..=survives {
            let fatal: Vec<Vec<Down>> = cases(&mesh, size)
                .into_iter()
                .filter(|case| !case.iter().any(|down| ends.contains(down) || expect.down.contains(down)))
                .filter(|case| !arrives(&mesh, "n0", to, &[&expect.down[..], case].concat()))
                .collect();
            if let Some(first) = fatal.first() {
                let [Broken::Survives { down, others, .. }] = broken.as_slice() else {
                    panic!("{broken:?}, not {first:?}");
                };
                prop_assert_eq!((down, *others), (first, fatal.len() - 1));
                return Ok(());
            }
        }
        prop_assert_eq!(broken, []);
    }
}

/// A ring of six: whatever fails alone, the rest is a chain of at most six nodes.
const RING: &str = "
[nodes]
a = { upstream = ['b', 'f'] }
b = { upstream = 'c' }
c = { upstream = 'd' }
d = { upstream = 'e' }
e = { upstream = 'f' }
f = {}
";

#[test]
fn a_way_that_gets_longer_than_the_hop_limit_is_cut_though_all_is_joined() {
    let ring =
        |hop_limit: u8| offline(&format!("[mesh]\nname = 'm'\nhop_limit = {hop_limit}\n{RING}"));
    assert_eq!(survive(&ring(6), &[], 1).unwrap().breach, None);
    let breach = survive(&ring(5), &[], 1).unwrap().breach.unwrap();
    assert_eq!(breach.down, ["a--b".parse().unwrap()]);
    let example = breach.example.unwrap();
    assert_eq!((example.from.as_str(), example.to.as_str()), ("a", "b"));
    assert_eq!((example.reason.as_str(), breach.pairs, breach.failing), ("hop limit", 1, 6));
    let two = survive(&ring(6), &[], 2).unwrap();
    let breach = two.breach.unwrap();
    assert_eq!(breach.down, ["a--b".parse().unwrap(), "a--f".parse().unwrap()]);
    assert_eq!(two.cases, 12 + 66);
}

#[test]
fn more_than_can_be_tried_is_refused() {
    let mesh = offline(&format!("[mesh]\nname = 'm'\n{RING}"));
    assert_eq!(survive(&mesh, &[], MAX_DOWN + 1), Err(TooMany::Down(4)));
    let mut text = "[mesh]\nname = 'm'\n[nodes]\nhub = {}\n".to_owned();
    for node in 0..150 {
        let _ = writeln!(text, "n{node} = {{ upstream = 'hub' }}");
    }
    assert_eq!(survive(&offline(&text), &[], 3), Err(TooMany::Cases(4_545_401)));
}
