//! A whole mesh in one thread: brains under virtual time, without sockets.
//!
//! ```text
//!  Simulation
//!    agenda   what happens when: frames arrive, connections open and end, nodes dial again
//!    nodes    a brain each, and the rim that does what it says
//!    pipes    two ordered directions each; which of all pipes moves next, the seed says
//!    faults   what chance does to what travels between nodes, and what vanishes there
//!    processor   one input after the other, each at its price; none while a node is frozen
//!    clients  what they sent, what they were given
//!    oracle   what is left of the mesh, and the tables that the pure computation makes of it
//! ```
//!
//! The same seed gives the same run, to the last byte. Every frame between two nodes is looked at
//! on its way: a path that visits a node twice, or a neighbour that is sent more than its window,
//! ends the test at once.

mod agenda;
mod clients;
mod faults;
mod look;
mod neighbour;
mod node;
mod oracle;
mod pipes;
mod processor;
mod rim;
mod seeds;
mod tap;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hopline_mesh::brain::{Brain, Command, Config, Event, Impairment, Input, Now};
use hopline_mesh::name::NodeName;

pub use clients::{ClientId, Way};
pub use faults::Faults;
pub use look::Heard;
pub use neighbour::{hello, link_up};
pub use node::{config, dials, listens, regions};
pub use processor::Price;
pub use seeds::for_each_seed;

use agenda::{Agenda, Happening};
use clients::SimClient;
use node::SimNode;
use oracle::Watch;
use pipes::{Pipe, PipeId};

/// The Unix time at which every simulation begins, in nanoseconds.
const EPOCH: u64 = 1_700_000_000_000_000_000;
/// A frame takes up to this long from one end of a pipe to the other.
const LONGEST_DELAY: Duration = Duration::from_millis(2);

/// Many brains, their pipes and their clients, under virtual time.
#[derive(Debug)]
pub struct Simulation {
    rng: fastrand::Rng,
    /// Chance for the lengths of pipes alone.
    lengths: fastrand::Rng,
    now: Duration,
    agenda: Agenda,
    nodes: BTreeMap<NodeName, SimNode>,
    pipes: BTreeMap<PipeId, Pipe>,
    clients: Vec<SimClient>,
    last_pipe: u64,
    /// Which nodes are to be woken, and when.
    ticks: BTreeSet<(Duration, NodeName)>,
    /// The nodes before whose rest the mesh is not quiet.
    awaited: BTreeSet<NodeName>,
    /// The pipes of clients that do not read.
    full: BTreeSet<PipeId>,
    faults: Faults,
    faults_between: BTreeMap<(NodeName, NodeName), Faults>,
    /// From whom to whom everything vanishes.
    holes: BTreeSet<(NodeName, NodeName)>,
    price: Price,
    /// How long the node whose outputs are being carried out is still busy.
    lag: Duration,
    /// How many links nodes declare, each end for itself.
    declared: usize,
    /// How every new table is held against the others.
    watch: Watch,
}

impl Simulation {
    /// An empty mesh. All that is left to chance follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            lengths: fastrand::Rng::with_seed(!seed),
            now: Duration::ZERO,
            agenda: Agenda::default(),
            nodes: BTreeMap::new(),
            pipes: BTreeMap::new(),
            clients: Vec::new(),
            last_pipe: 0,
            ticks: BTreeSet::new(),
            awaited: BTreeSet::new(),
            full: BTreeSet::new(),
            faults: Faults::default(),
            faults_between: BTreeMap::new(),
            holes: BTreeSet::new(),
            price: Price::MEASURED,
            lag: Duration::ZERO,
            declared: 0,
            watch: Watch::Off,
        }
    }

    /// Adds a node, which does not run yet.
    pub fn add(&mut self, config: Config) {
        let name = config.node.clone();
        self.declared += config.settings.links.len();
        self.nodes.insert(name, SimNode::new(config));
    }

    /// Adds a node that does not run yet, and that the simulation calls otherwise than it calls itself: so there are
    /// two of one name. It dials; whom the others dial is the one of that name.
    pub fn add_as(&mut self, called: &str, config: Config) {
        self.declared += config.settings.links.len();
        self.nodes.insert(node_name(called), SimNode::new(config));
    }

    /// Starts a node, or starts it again as a later run of the same node.
    pub fn start(&mut self, name: &str) {
        let last = self.node_mut(name).config.incarnation;
        let incarnation = self.time().unix_millis().max(last + 1);
        self.start_as(name, incarnation);
    }

    /// Starts a node as a run of this number, which need not be greater than the last one's.
    ///
    /// # Panics
    /// Where there is no such node, or it runs.
    pub fn start_as(&mut self, name: &str, incarnation: u64) {
        let now = self.time();
        let mut seed = [0; 32];
        self.rng.fill(&mut seed);
        let node = self.node_mut(name);
        assert!(node.brain.is_none(), "{name} runs already");
        node.config.incarnation = incarnation;
        node.config.seed = seed;
        node.brain = Some(Brain::new(node.config.clone(), now));
        self.index(&node_name(name));
        let node = self.node_mut(name);
        let dialled = node
            .config
            .settings
            .links
            .iter()
            .filter(|(_, link)| link.dials && !link.cut)
            .map(|(neighbour, _)| neighbour.clone());
        for neighbour in dialled.collect::<Vec<_>>() {
            self.dial(&node_name(name), neighbour);
        }
    }

    /// Starts all nodes that do not run, in the order of their names.
    pub fn start_all(&mut self) {
        let idle = self
            .nodes
            .iter()
            .filter(|(_, node)| node.brain.is_none())
            .map(|(name, _)| name.to_string());
        for name in idle.collect::<Vec<_>>() {
            self.start(&name);
        }
    }

    /// Ends a node without a word: what is in flight to it and from it is lost.
    pub fn kill(&mut self, name: &str) {
        let now = self.time();
        self.node_mut(name).end(now);
        let name = node_name(name);
        self.index(&name);
        for pipe in self.pipes_at(&name, |_| true) {
            self.break_pipe(pipe);
        }
    }

    /// Ends a node after it has said good-bye; what is in flight from it arrives. One that is frozen says
    /// nothing.
    pub fn stop(&mut self, name: &str) {
        self.command(name, Command::Leave);
        self.end(name);
    }

    /// Whether a node that was told to retire has.
    #[must_use]
    pub fn has_left(&self, name: &str) -> bool {
        let node = self.nodes.get(&node_name(name));
        node.and_then(|node| node.brain.as_ref()).is_some_and(Brain::has_left)
    }

    /// Ends a node; what is in flight from it arrives.
    pub fn end(&mut self, name: &str) {
        let node = node_name(name);
        for pipe in self.pipes_at(&node, |_| true) {
            if let Some(side) = self.side_of(pipe, &node) {
                self.close(pipe, side);
            }
        }
        let now = self.time();
        self.node_mut(name).end(now);
        self.index(&node);
    }

    /// Whether a node runs.
    #[must_use]
    pub fn runs(&self, name: &str) -> bool {
        self.nodes.get(&node_name(name)).is_some_and(|node| node.brain.is_some())
    }

    /// Gives a node an order. One that is frozen follows it when it has thawed.
    pub fn command(&mut self, name: &str, command: Command) {
        let name = node_name(name);
        match self.nodes.get(&name) {
            Some(node) if node.frozen => self.happen(Happening::Order(name, command)),
            Some(_) | None => self.handle(&name, Input::Command(command)),
        }
    }

    /// Takes a link down at both ends until it is healed.
    pub fn cut(&mut self, a: &str, b: &str) {
        self.command(a, Command::Cut(node_name(b)));
        self.command(b, Command::Cut(node_name(a)));
    }

    /// Lets a link come up again.
    pub fn heal(&mut self, a: &str, b: &str) {
        self.command(a, Command::Heal(node_name(b)));
        self.command(b, Command::Heal(node_name(a)));
    }

    /// Makes a link suffer this at both ends, besides what chance does with pipes.
    pub fn impair(&mut self, a: &str, b: &str, impairment: Impairment) {
        self.command(a, Command::Impair(node_name(b), impairment));
        self.command(b, Command::Impair(node_name(a), impairment));
    }

    /// Breaks all connections between two nodes: what is in flight is lost. They dial again.
    pub fn break_link(&mut self, a: &str, b: &str) {
        let (a, b) = (node_name(a), node_name(b));
        for pipe in self.pipes_at(&a, |pipe| pipe.joins_node(&b)) {
            self.break_pipe(pipe);
        }
    }

    /// Breaks one of the connections between two nodes, whichever chance takes.
    pub fn break_one(&mut self, a: &str, b: &str) {
        let (a, b) = (node_name(a), node_name(b));
        let pipes = self.pipes_at(&a, |pipe| !pipe.closed && pipe.joins_node(&b));
        if let Some(pipe) = self.rng.choice(pipes) {
            self.break_pipe(pipe);
        }
    }

    /// Breaks the connection between two nodes on which nothing has come for longest, where there are several: one that
    /// is not the link, if that has carried a sign of life since. Says whether there was one.
    pub fn break_spare(&mut self, a: &str, b: &str) -> bool {
        let b = node_name(b);
        let pipes = self.pipes_at(&node_name(a), |pipe| !pipe.closed && pipe.joins_node(&b));
        let last = |pipe: &PipeId| {
            self.pipes.get(pipe).map(|open| open.dialler_last.max(open.listener_last))
        };
        let spare = pipes.iter().copied().min_by_key(last).filter(|_| pipes.len() > 1);
        if let Some(pipe) = spare {
            self.break_pipe(pipe);
        }
        spare.is_some()
    }

    /// Lets a node come out at another whenever it dials a neighbour, as a wrong address does.
    pub fn lead_astray(&mut self, name: &str, neighbour: &str, instead: &str) {
        let ways = &mut self.node_mut(name).astray;
        ways.insert(node_name(neighbour), node_name(instead));
    }

    /// Lets one thing happen. Says whether anything was to happen at all.
    pub fn step(&mut self) -> bool {
        let next = self.agenda.next_time();
        match (self.ticks.first().cloned(), next) {
            (Some((due, name)), next) if next.is_none_or(|next| due < next) => {
                self.now = self.now.max(due);
                self.handle(&name, Input::Tick);
            }
            _ => match self.agenda.pop() {
                Some((due, happening)) => {
                    self.now = self.now.max(due);
                    self.happen(happening);
                }
                None => return false,
            },
        }
        true
    }

    /// Lets virtual time pass, and all that happens in it happen.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next_time().is_some_and(|next| next <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Runs until nothing is in flight and no node waits for time to pass, except for those that
    /// dial somebody who is not there. Says whether that was so within `limit`.
    pub fn run_until_quiet(&mut self, limit: Duration) -> bool {
        let end = self.now + limit;
        while !self.is_quiet() {
            if self.next_time().is_none_or(|next| next > end) {
                return false;
            }
            self.step();
        }
        true
    }

    /// What a node told whoever listens, since it was added, with the times.
    #[must_use]
    pub fn events(&self, name: &str) -> &[(Duration, Event)] {
        self.nodes.get(&node_name(name)).map_or(&[], |node| &node.events)
    }

    /// The virtual time since the simulation began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now
    }

    /// Chance, for tests that want their own choices to follow from the seed.
    pub fn rng(&mut self) -> &mut fastrand::Rng {
        &mut self.rng
    }

    fn is_quiet(&self) -> bool {
        let in_vain = |node: &NodeName, neighbour: &NodeName| !self.can_open(node, neighbour);
        self.awaited.is_empty() && self.agenda.only_dials(in_vain)
    }

    fn next_time(&self) -> Option<Duration> {
        let ticks = self.ticks.first().map(|(due, _)| *due);
        self.agenda.next_time().into_iter().chain(ticks).min()
    }

    /// One thing happens, to a node that is free for it.
    fn act(&mut self, happening: Happening) {
        match happening {
            Happening::Dial(node, neighbour) => self.connect(&node, &neighbour),
            Happening::Opened(pipe, side, opened) => self.arrived_opening(pipe, side, opened),
            Happening::Frames(pipe, side, frames) => self.arrived(pipe, side, frames),
            Happening::Ended(pipe, side) => self.ended(pipe, side),
            Happening::Answered(node, conn, alive) => {
                self.handle(&node, Input::Answered { conn, alive });
            }
            Happening::Order(node, command) => self.handle(&node, Input::Command(command)),
            Happening::Free(_) => {}
        }
    }

    fn time(&self) -> Now {
        let nanos = u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX);
        Now { since_start: self.now, unix_nanos: EPOCH.saturating_add(nanos) }
    }

    fn delay(&mut self) -> Duration {
        self.up_to(LONGEST_DELAY)
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.rng.u64(1..=longest.max(1)))
    }

    fn node_mut(&mut self, name: &str) -> &mut SimNode {
        let node = self.nodes.get_mut(&node_name(name));
        node.unwrap_or_else(|| panic!("no node {name} was added"))
    }
}

/// A node's name in a test.
///
/// # Panics
/// Where it is none.
fn node_name(name: &str) -> NodeName {
    NodeName::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
