//! Scenario 25: any graph, any order of what happens to its links and nodes.
//!
//! The model is the mesh's own declaration: which links and nodes are there to be up. Whatever happened before, once
//! all is mended enough for news to travel and the mesh is quiet, every table is what the pure computation makes of
//! the model, and at no step do the tables of one revision, or the path of any message, lead in a circle.

use std::time::Duration;

use hopline_testkit::simulation::{Faults, Price, Simulation, for_each_seed};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::traffic::{Traffic, rest};

/// How long it may take until silence is noticed, and what it kept down is up again.
const NOTICED: Duration = Duration::from_secs(20);

/// What happens. Numbers stand for links and nodes, whichever there are.
#[derive(Debug, Clone)]
enum Event {
    Cut(usize),
    Heal(usize),
    Break(usize),
    Kill(usize),
    Stop(usize),
    Start(usize),
    Send(usize),
    /// Nothing passes between the ends of a link, or one way only, and nobody is told.
    Part(usize),
    Swallow(usize),
    Rejoin(usize),
    /// A link costs something else from now on.
    Cost(usize, u32),
    Wait(u64),
    Rest,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => any::<usize>().prop_map(Event::Cut),
        3 => any::<usize>().prop_map(Event::Heal),
        2 => any::<usize>().prop_map(Event::Break),
        1 => any::<usize>().prop_map(Event::Kill),
        1 => any::<usize>().prop_map(Event::Stop),
        3 => any::<usize>().prop_map(Event::Start),
        3 => any::<usize>().prop_map(Event::Send),
        1 => any::<usize>().prop_map(Event::Part),
        1 => any::<usize>().prop_map(Event::Swallow),
        2 => any::<usize>().prop_map(Event::Rejoin),
        2 => (any::<usize>(), 1u32..5).prop_map(|(link, cost)| Event::Cost(link, cost)),
        6 => (0u64..20_000).prop_map(Event::Wait),
        1 => Just(Event::Rest),
    ]
}

/// Any graph of 2 to 9 nodes: all joined to one before them, and some links besides.
fn graph() -> impl Strategy<Value = Vec<(String, String, u32)>> {
    let tree = prop::collection::vec((any::<usize>(), 1u32..5), 1..9);
    let more = prop::collection::vec((any::<usize>(), any::<usize>(), 1u32..5), 0..9);
    (tree, more).prop_map(|(tree, more)| {
        let nodes = tree.len() + 1;
        let tree = (1..).zip(tree).map(|(node, (before, cost))| (node, before % node, cost));
        let more = more.into_iter().map(|(a, b, cost)| (a % nodes, b % nodes, cost));
        let mut links: Vec<_> = tree.chain(more).filter(|(a, b, _)| a != b).collect();
        let pair = |a: usize, b: usize| (a.min(b), a.max(b));
        let mut seen = std::collections::BTreeSet::new();
        links.retain(|(a, b, _)| seen.insert(pair(*a, *b)));
        let name = |node| format!("n{node}");
        links.into_iter().map(|(a, b, cost)| (name(a), name(b), cost)).collect()
    })
}

/// How far nodes are from each other, and how fast.
#[derive(Debug, Clone, Copy)]
struct Weather {
    far: bool,
    slow: bool,
}

fn weather() -> impl Strategy<Value = Weather> {
    (any::<bool>(), any::<bool>()).prop_map(|(far, slow)| Weather { far, slow })
}

struct Machine {
    mesh: Simulation,
    links: Vec<(String, String, u32)>,
    nodes: Vec<String>,
    /// Something vanished: that takes time to be noticed, and to be mended.
    silent: bool,
}

impl Machine {
    fn happen(&mut self, event: Event) {
        let link = |number: usize| {
            let (a, b, _) = &self.links[number % self.links.len()];
            (a.clone(), b.clone())
        };
        let node = |number: usize| self.nodes[number % self.nodes.len()].clone();
        match event {
            Event::Cut(number) => {
                let (a, b) = link(number);
                if self.mesh.runs(&a) && self.mesh.runs(&b) {
                    self.mesh.cut(&a, &b);
                }
            }
            Event::Heal(number) => {
                let (a, b) = link(number);
                self.mesh.heal(&a, &b);
            }
            Event::Break(number) => {
                let (a, b) = link(number);
                self.mesh.break_link(&a, &b);
            }
            Event::Kill(number) => self.mesh.kill(&node(number)),
            Event::Stop(number) => self.mesh.stop(&node(number)),
            Event::Start(number) => {
                let node = node(number);
                if !self.mesh.runs(&node) {
                    self.mesh.start(&node);
                    self.heal_all(&node);
                }
            }
            Event::Send(number) => self.send(&node(number)),
            Event::Part(number) => {
                let (a, b) = link(number);
                self.mesh.part(&a, &b);
                self.silent = true;
            }
            Event::Swallow(number) => {
                let (a, b) = link(number);
                self.mesh.swallow(&a, &b);
                self.silent = true;
            }
            Event::Rejoin(number) => {
                let (a, b) = link(number);
                self.mesh.rejoin(&a, &b);
            }
            Event::Cost(number, cost) => {
                let (a, b) = link(number);
                self.mesh.set_cost(&a, &b, cost);
            }
            Event::Wait(micros) => self.mesh.run_for(Duration::from_micros(micros)),
            Event::Rest => self.rest(),
        }
    }

    fn rest(&mut self) {
        if std::mem::take(&mut self.silent) {
            self.mesh.run_for(NOTICED);
        }
        rest(&mut self.mesh);
    }

    /// A node that starts knows nothing of the cuts of its earlier run, so its neighbours are to forget them too.
    fn heal_all(&mut self, node: &str) {
        for (a, b, _) in self.links.iter().filter(|(a, b, _)| a == node || b == node) {
            self.mesh.heal(a, b);
        }
    }

    /// A client of a node that runs sends to every node.
    fn send(&mut self, from: &str) {
        if self.mesh.runs(from) {
            let client = self.mesh.attach(from, None);
            for to in &self.nodes {
                Traffic::new(&[client], &[]).send(&mut self.mesh, to, 1);
            }
        }
    }
}

/// Scenario 25. The seed says the graph, the events, and all chance; a failure shows the fewest events that make it.
#[test]
fn scenario_25_whatever_happens_tables_become_those_of_what_is_left() {
    for_each_seed(150, |seed| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config {
            cases: 1,
            max_shrink_iters: 4_000,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let drawn = (graph(), weather(), prop::collection::vec(event(), 0..60));
        let ran = runner.run(&drawn, |(links, weather, events)| {
            run(seed, links, weather, events);
            Ok(())
        });
        ran.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

fn run(seed: u64, links: Vec<(String, String, u32)>, weather: Weather, events: Vec<Event>) {
    let mut mesh = Simulation::of(seed, &links);
    mesh.watch_for_loops();
    if weather.far {
        mesh.set_faults(Faults::FAR);
    }
    if weather.slow {
        mesh.set_price(Price {
            input: Duration::from_millis(1),
            table: Duration::from_micros(200),
            ..Price::MEASURED
        });
    }
    let mut nodes: Vec<_> = links.iter().flat_map(|(a, b, _)| [a.clone(), b.clone()]).collect();
    nodes.sort();
    nodes.dedup();
    mesh.start_all();
    let mut machine = Machine { mesh, links, nodes, silent: false };
    for event in events {
        machine.happen(event);
    }
    machine.rest();
}
