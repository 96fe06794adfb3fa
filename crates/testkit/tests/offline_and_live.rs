//! The offline answer and the running mesh agree, whatever is down.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hopline_mesh::brain::{LinkConfig, ServiceConfig};
use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::{
    Directory, Down, Graph, NextHop, Policy, StaticRoutes, WalkInput, Walker,
};
use hopline_testkit::simulation::{ClientId, Simulation, config};
use proptest::prelude::*;

const LIMIT: Duration = Duration::from_secs(60);
const NAMES: [&str; 7] = ["B", "a", "a.b", "b", "m", "node10", "node2"];

/// A mesh as a file would have it.
#[derive(Debug, Clone)]
struct File {
    nodes: usize,
    /// From the node that dials, to the other, with the cost at either end.
    links: Vec<(usize, usize, u32, u32)>,
    /// `region.*` at a node: its upstream, or another node.
    statics: Vec<(usize, Option<usize>)>,
    /// Where the services `near` and `shared` are offered, and held.
    services: BTreeSet<usize>,
    hop_limit: u8,
}

/// Meshes in one piece: a node that nobody ever heard of is unknown to the living, not unreachable.
fn files() -> impl Strategy<Value = File> {
    (2..=NAMES.len()).prop_flat_map(|nodes| {
        let tree: Vec<_> = (1..nodes).map(|n| (0..n, Just(n))).collect();
        let more = prop::collection::vec((0..nodes, 0..nodes), 0..nodes);
        let links = (tree, more).prop_flat_map(|(tree, more)| {
            let more = more.into_iter().map(|(a, b)| (a.min(b), a.max(b)));
            let pairs: BTreeSet<_> = tree.into_iter().chain(more).filter(|(a, b)| a != b).collect();
            pairs.into_iter().map(link).collect::<Vec<_>>()
        });
        let statics = prop::collection::vec((0..nodes, prop::option::of(0..nodes)), 0..3);
        let services = prop::collection::btree_set(0..nodes, 1..=nodes);
        (links, statics, services, prop_oneof![Just(64_u8), 2..=4_u8]).prop_map(
            move |(links, statics, services, hop_limit)| File {
                nodes,
                links,
                statics,
                services,
                hop_limit,
            },
        )
    })
}

/// A link that either end dials, with costs that may differ at the two ends.
fn link((a, b): (usize, usize)) -> impl Strategy<Value = (usize, usize, u32, u32)> {
    (any::<bool>(), 1..=3_u32, 0..=1_u32).prop_map(move |(turned, cost, more)| {
        let (from, to) = if turned { (b, a) } else { (a, b) };
        (from, to, cost, cost + more)
    })
}

fn node(n: usize) -> NodeName {
    NodeName::parse(NAMES[n]).unwrap()
}

fn client(name: &str) -> ClientName {
    ClientName::from_identity(name.as_bytes())
}

impl File {
    fn graph(&self) -> Graph {
        let links = self.links.iter().map(|&(a, b, cost, other)| {
            (LinkName::new(node(a), node(b)).unwrap(), cost.max(other))
        });
        Graph::new((0..self.nodes).map(node), links)
    }

    fn upstreams(&self) -> BTreeMap<NodeName, Vec<(NodeName, u32)>> {
        let mut upstreams: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for &(from, to, cost, _) in &self.links {
            upstreams.entry(node(from)).or_default().push((node(to), cost));
        }
        upstreams
    }

    fn statics(&self) -> BTreeMap<NodeName, StaticRoutes> {
        let mut statics: BTreeMap<_, StaticRoutes> = BTreeMap::new();
        for &(at, to) in &self.statics {
            let hop = to.map_or(NextHop::Upstream, |to| NextHop::from(NAMES[to]));
            statics.entry(node(at)).or_default().set("region.*".parse().unwrap(), hop);
        }
        statics
    }

    fn services(&self) -> BTreeMap<ClientName, ServiceConfig> {
        let services = [("near", Policy::Closest), ("shared", Policy::Balanced)];
        let services = services.into_iter().map(|(name, policy)| {
            let at = self.services.iter().map(|n| node(*n)).collect();
            (client(name), ServiceConfig { at, policy })
        });
        services.collect()
    }

    /// The mesh, running, with a client `c-NAME` at each node, and one of each service at each node that
    /// offers it.
    fn start(&self, seed: u64) -> (Simulation, Directory) {
        let mut mesh = Simulation::new(seed);
        for (n, name) in NAMES.into_iter().enumerate().take(self.nodes) {
            let declared = self.links.iter().filter_map(|&(from, to, cost, other)| {
                let link = |cost, dials| match dials {
                    true => LinkConfig::dialling(cost),
                    false => LinkConfig::accepting(cost),
                };
                if from == n {
                    Some((node(to), link(cost, true)))
                } else {
                    (to == n).then(|| (node(from), link(other, false)))
                }
            });
            let mut config = config(name, declared);
            config.settings.hop_limit = self.hop_limit;
            config.settings.statics = self.statics().remove(&node(n)).unwrap_or_default();
            config.settings.services = self.services();
            mesh.add(config);
        }
        mesh.start_all();
        let services = self.services().into_iter().map(|(name, service)| (name, service.policy));
        let mut directory = Directory::with_services(services);
        for (n, at) in NAMES.into_iter().enumerate().take(self.nodes) {
            let name = format!("c-{at}");
            mesh.attach(at, Some(name.as_bytes()));
            directory.add(client(&name), node(n));
        }
        for &n in &self.services {
            for name in ["near", "shared"] {
                mesh.attach(NAMES[n], Some(name.as_bytes()));
                directory.add(client(name), node(n));
            }
        }
        (mesh, directory)
    }
}

fn agree(
    file: &File,
    mesh: &mut Simulation,
    directory: &Directory,
    down: &[Down],
    probers: &BTreeMap<usize, ClientId>,
) -> Result<(), TestCaseError> {
    let graph = file.graph().without(down);
    let (upstreams, statics) = (file.upstreams(), file.statics());
    let mut walker = Walker::new(WalkInput {
        graph: &graph,
        upstreams: &upstreams,
        statics: &statics,
        directory,
        hop_limit: file.hop_limit,
    });
    let mut destinations: Vec<_> = (0..file.nodes).map(|n| NAMES[n].to_owned()).collect();
    destinations.extend((0..file.nodes).map(|n| format!("c-{}", NAMES[n])));
    destinations.extend((0..file.nodes).map(|n| format!("c-B@{}", NAMES[n])));
    destinations.extend((0..file.nodes).map(|n| format!("shared@{}", NAMES[n])));
    for odd in ["near", "shared", "nobody", "x@nowhere", "region.1", "*", "#g", "@"] {
        destinations.push(odd.to_owned());
    }
    for (&from, &prober) in probers {
        for destination in &destinations {
            mesh.send_probe(prober, destination);
            prop_assert!(mesh.run_until_quiet(LIMIT));
            let walk = walker.walk(&node(from), destination);
            let path: Vec<_> = walk.path.iter().map(ToString::to_string).collect();
            let expected = match walk.refusal() {
                None => Ok(path),
                Some(refusal) => Err((path, refusal.reason().to_owned())),
            };
            prop_assert_eq!(
                mesh.take_ways(prober),
                [expected],
                "from {} to {} without {:?}",
                NAMES[from],
                destination,
                down
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_offline_answer_is_the_live_one(file in files(), seed: u64, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4), kill: bool) {
        let (mut mesh, directory) = file.start(seed);
        prop_assert!(mesh.run_until_quiet(LIMIT));
        let mut probers: BTreeMap<_, _> =
            (0..file.nodes).map(|n| (n, mesh.attach(NAMES[n], None))).collect();
        prop_assert!(mesh.run_until_quiet(LIMIT));
        let mut down = Vec::new();
        agree(&file, &mut mesh, &directory, &down, &probers)?;
        let mut cut = BTreeSet::new();
        for index in cuts {
            let &(a, b, ..) = index.get(&file.links);
            if cut.insert((a, b)) {
                down.push(Down::Link(LinkName::new(node(a), node(b)).unwrap()));
                mesh.cut(NAMES[a], NAMES[b]);
                prop_assert!(mesh.run_until_quiet(LIMIT));
                prop_assert!(mesh.converged());
                agree(&file, &mut mesh, &directory, &down, &probers)?;
            }
        }
        if kill && file.nodes > 2 {
            mesh.kill(NAMES[1]);
            down.push(Down::Node(node(1)));
            probers.remove(&1);
            prop_assert!(mesh.run_until_quiet(LIMIT));
            agree(&file, &mut mesh, &directory, &down, &probers)?;
        }
    }
}
