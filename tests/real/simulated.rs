//! Scenario 11, over the simulator: whole meshes of brains in those networks, under virtual time, with what fails and comes back: once all is
//! quiet, every node has the table that the pure computation makes of what is left, all that reach each
//! other have one revision, and at no time do tables of one revision lead in a circle.
//!
//! All graphs of the atlas are gone through each time. The published networks of up to 200 nodes take half an hour
//! (`just real`), the three larger ones some hours of processor (`just real-largest 1/20` and so on). Otherwise a part of
//! the failures in the small ones is looked at, every so many, and which these are depends on the graph alone.

use std::time::Duration;

use hopline::testkit::simulation::{Simulation, config, dials, listens};

use crate::atlas::graphs;
use crate::data::{ALL, judged};
use crate::oracle::Oracle;
use crate::plain::Plain;

/// How long a mesh may take to come to rest, in its own time.
const LIMIT: Duration = Duration::from_secs(60);
/// How many tests share the atlas.
const SHARES: usize = 4;

/// What may fail.
#[derive(Debug, Clone, Copy)]
enum Part {
    Link(usize),
    Node(usize),
}

/// A mesh that runs, and the graph that it was made of.
struct Running<'a> {
    what: String,
    graph: &'a Plain,
    names: Vec<String>,
    mesh: Simulation,
}

impl<'a> Running<'a> {
    fn new(what: String, seed: u64, graph: &'a Plain) -> Self {
        let names: Vec<_> = (0..graph.nodes).map(|node| format!("n{node}")).collect();
        let mut mesh = Simulation::new(seed);
        let cost = |cost: u64| u32::try_from(cost).expect("a small cost");
        for (node, name) in names.iter().enumerate() {
            let links = graph.links.iter().filter_map(|&(a, b, price)| {
                let dialled = (a == node).then(|| dials(&names[b], cost(price)));
                dialled.or_else(|| (b == node).then(|| listens(&names[a], cost(price))))
            });
            mesh.add(config(name, links));
        }
        mesh.watch_for_loops();
        mesh.start_all();
        let mut running = Self { what, graph, names, mesh };
        running.come_to_rest(&[]);
        running
    }

    /// These fail, one shortly after the other, and come back: both times the tables are right.
    fn fail(&mut self, parts: &[Part]) {
        for part in parts {
            match *part {
                Part::Link(place) => self.mesh.cut(&self.end(place, 0), &self.end(place, 1)),
                Part::Node(node) if self.mesh.rng().bool() => self.mesh.kill(&self.names[node]),
                Part::Node(node) => self.mesh.stop(&self.names[node]),
            }
            self.wait_a_little();
        }
        self.come_to_rest(parts);
        for part in parts {
            match *part {
                Part::Link(place) => self.mesh.heal(&self.end(place, 0), &self.end(place, 1)),
                Part::Node(node) => self.mesh.start(&self.names[node]),
            }
            self.wait_a_little();
        }
        self.come_to_rest(parts);
    }

    fn end(&self, link: usize, end: usize) -> String {
        let (a, b, _) = self.graph.links[link];
        self.names[[a, b][end]].clone()
    }

    fn wait_a_little(&mut self) {
        let pause = self.mesh.rng().u64(0..5_000);
        self.mesh.run_for(Duration::from_micros(pause));
    }

    fn come_to_rest(&mut self, parts: &[Part]) {
        let rests = self.mesh.run_until_quiet(LIMIT);
        assert!(rests, "{} and {parts:?}: it does not come to rest", self.what);
        self.mesh.assert_tables_equal_pure();
        assert!(self.mesh.converged(), "{} and {parts:?}: it has not converged", self.what);
    }
}

/// Each link and each node.
fn parts(graph: &Plain) -> Vec<Part> {
    let links = (0..graph.links.len()).map(Part::Link);
    links.chain((0..graph.nodes).map(Part::Node)).collect()
}

/// Whether the failure of this number is looked at, where one of so many is.
fn is_drawn(seed: u64, number: usize, of: usize) -> bool {
    let number = u64::try_from(number).expect("a small number");
    let of = u64::try_from(of).expect("a small number");
    (seed + number).is_multiple_of(of)
}

#[test]
fn scenario_11_single_failures_in_the_first_quarter_of_the_atlas() {
    single_failures(0);
}

#[test]
fn scenario_11_single_failures_in_the_second_quarter_of_the_atlas() {
    single_failures(1);
}

#[test]
fn scenario_11_single_failures_in_the_third_quarter_of_the_atlas() {
    single_failures(2);
}

#[test]
fn scenario_11_single_failures_in_the_last_quarter_of_the_atlas() {
    single_failures(3);
}

/// Every failure in every graph.
fn single_failures(share: usize) {
    for (number, graph) in (0..).zip(graphs()).filter(|(number, _)| number % SHARES == share) {
        let seed = number as u64;
        let mut running = Running::new(format!("graph {number}"), seed, &graph);
        for part in parts(&graph) {
            running.fail(&[part]);
        }
    }
}

/// In every graph of up to six nodes, every pair of failures.
#[test]
fn scenario_11_double_failures_in_graphs_of_up_to_six_nodes() {
    for (number, graph) in (0..).zip(graphs()).filter(|(_, graph)| graph.nodes <= 6) {
        let seed = number as u64;
        let mut running = Running::new(format!("graph {number}"), seed, &graph);
        let parts = parts(&graph);
        let pairs = parts.iter().enumerate().flat_map(|(place, first)| {
            parts[place + 1..].iter().map(move |second| [*first, *second])
        });
        for pair in pairs {
            running.fail(&pair);
        }
    }
}

/// In every published network of up to 60 nodes one of `ONE_OF` failures; with `HOPLINE_REAL_ALL` every failure in those
/// of up to 200 nodes; with `HOPLINE_REAL_SHARE=3/20` the third of twenty shares of those in the larger ones.
#[test]
fn scenario_11_single_failures_in_published_networks() {
    const ONE_OF: usize = 5;
    let (looks_at_all, share) = (std::env::var_os(ALL).is_some(), share());
    for (seed, file) in (0..).zip(judged("simulated")) {
        let oracle = Oracle::of(&file);
        let is_meant = |place: usize| match (share, looks_at_all) {
            (Some((share, of)), _) => oracle.nodes > 200 && place % of == share - 1,
            (None, true) => oracle.nodes <= 200,
            (None, false) => oracle.nodes <= 60 && is_drawn(seed, place, ONE_OF),
        };
        let graph = oracle.plain(oracle.has_costs());
        let parts = (0..).zip(parts(&graph)).filter(|(place, _)| is_meant(*place));
        let parts: Vec<Part> = parts.map(|(_, part)| part).collect();
        if parts.is_empty() {
            continue;
        }
        let mut running = Running::new(file.display().to_string(), seed, &graph);
        for part in parts {
            running.fail(&[part]);
        }
    }
}

/// Which share of the failures in the largest networks is looked at, and of how many shares, if one is.
fn share() -> Option<(usize, usize)> {
    let text = std::env::var("HOPLINE_REAL_SHARE").ok()?;
    let share = text.split_once('/');
    let share = share.and_then(|(share, of)| Some((share.parse().ok()?, of.parse().ok()?)));
    let share = share.filter(|(share, of)| (1..=*of).contains(share));
    Some(share.unwrap_or_else(|| panic!("HOPLINE_REAL_SHARE is {text}, and should be as 3/20")))
}
