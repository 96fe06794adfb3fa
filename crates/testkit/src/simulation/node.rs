//! A node of the simulation: its configuration, its brain, and whom it dials.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use hopline_mesh::brain::{Brain, Command, Config, Event, LinkConfig, Now, Settings};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;
use hopline_mesh::wire::hello::MeshKey;

use super::agenda::Happening;
use super::look::Heard;
use super::pipes::PipeId;
use super::{Simulation, node_name};

/// A node, running or not.
#[derive(Debug)]
pub(super) struct SimNode {
    pub(super) config: Config,
    /// None while the node does not run.
    pub(super) brain: Option<Brain>,
    /// When the brain wants its next tick, and is free for it.
    pub(super) tick: Option<Duration>,
    pub(super) dials: BTreeMap<NodeName, Dialled>,
    pub(super) events: Vec<(Duration, Event)>,
    /// What it had counted at the end of each run.
    pub(super) past: Vec<NodeStatus>,
    /// What other nodes said to it since it was added.
    pub(super) heard: Heard,
    /// Where it comes out when it dials a neighbour, if not there.
    pub(super) astray: BTreeMap<NodeName, NodeName>,
    /// All pipes that end here.
    pub(super) pipes: BTreeSet<PipeId>,
    /// What has come and waits until the node is free.
    pub(super) inbox: Inbox,
    pub(super) busy_until: Duration,
    pub(super) frozen: bool,
    /// The mesh is not quiet before this node is done.
    pub(super) is_awaited: bool,
}

/// What waits for a node.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<Happening>,
    awaited: usize,
}

impl Inbox {
    pub(super) fn push_back(&mut self, happening: Happening) {
        self.awaited += usize::from(is_awaited(&happening));
        self.waiting.push_back(happening);
    }

    pub(super) fn push_front(&mut self, happening: Happening) {
        self.awaited += usize::from(is_awaited(&happening));
        self.waiting.push_front(happening);
    }

    pub(super) fn pop_front(&mut self) -> Option<Happening> {
        let next = self.waiting.pop_front()?;
        self.awaited -= usize::from(is_awaited(&next));
        Some(next)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a mesh is not quiet before what waits here has happened.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }
}

/// A neighbour that a node dials.
#[derive(Debug, Default)]
pub(super) struct Dialled {
    pub(super) pipe: Option<PipeId>,
    /// A dial is on the agenda.
    pub(super) due: bool,
    pub(super) hung: bool,
    pub(super) failures: u32,
    /// When the connection opened, and whether it came to be a link: then it was no failure, as it is to a real node.
    pub(super) opened: Duration,
    pub(super) vouched: bool,
}

/// A dial that waits is about to be one that is under way or in vain.
fn is_awaited(happening: &Happening) -> bool {
    happening.is_awaited() || matches!(happening, Happening::Dial(..))
}

impl SimNode {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            brain: None,
            tick: None,
            dials: BTreeMap::new(),
            events: Vec::new(),
            heard: Heard::default(),
            past: Vec::new(),
            astray: BTreeMap::new(),
            pipes: BTreeSet::new(),
            inbox: Inbox::default(),
            busy_until: Duration::ZERO,
            frozen: false,
            is_awaited: false,
        }
    }

    /// The node does not run any more. To be indexed anew.
    pub(super) fn end(&mut self, now: Now) {
        let brain = self.brain.take();
        let counted = brain.map(|brain| NodeStatus {
            reachable: Vec::new(),
            links: Vec::new(),
            clients: Vec::new(),
            ..brain.status(now, &|_| true)
        });
        self.past.extend(counted);
        self.dials.clear();
        self.inbox = Inbox::default();
        self.busy_until = Duration::ZERO;
        self.frozen = false;
    }
}

/// The configuration of a node with these declared links: mesh `m`, hop limit 64, native and json.
///
/// # Examples
/// ```
/// use hopline_testkit::simulation::{config, dials};
///
/// let east = config("east", [dials("top", 10)]);
/// assert_eq!(east.settings.links.len(), 1);
/// ```
#[must_use]
pub fn config(name: &str, links: impl IntoIterator<Item = (NodeName, LinkConfig)>) -> Config {
    let links = links.into_iter().collect();
    Config {
        settings: Settings { links, ..Settings::default() },
        ..Config::new("m", node_name(name), MeshKey::new([7; 32]))
    }
}

/// A link to an upstream, which the node dials.
#[must_use]
pub fn dials(neighbour: &str, cost: u32) -> (NodeName, LinkConfig) {
    (node_name(neighbour), LinkConfig::dialling(cost))
}

/// A link to a neighbour that dials this node.
#[must_use]
pub fn listens(neighbour: &str, cost: u32) -> (NodeName, LinkConfig) {
    (node_name(neighbour), LinkConfig::accepting(cost))
}

/// A mesh in which `east` and `west` dial `top`, started and agreed.
///
/// # Panics
/// Where it does not come to agree.
#[must_use]
pub fn regions(seed: u64) -> Simulation {
    let mut mesh = Simulation::new(seed);
    mesh.add(config("top", [listens("east", 10), listens("west", 10)]));
    mesh.add(config("east", [dials("top", 10)]));
    mesh.add(config("west", [dials("top", 10)]));
    mesh.start_all();
    assert!(mesh.run_until_quiet(Duration::from_secs(20)) && mesh.converged());
    mesh.assert_ledger_is_even();
    mesh
}

impl Simulation {
    /// A mesh of these links and of the nodes at their ends, none of which runs yet. Of a link stand who dials,
    /// who listens, and the cost at both ends.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use hopline_testkit::simulation::Simulation;
    ///
    /// let mut mesh = Simulation::of(1, &[("east", "top", 10), ("west", "top", 10)]);
    /// mesh.start_all();
    /// assert!(mesh.run_until_quiet(Duration::from_secs(10)));
    /// mesh.assert_tables_equal_pure();
    /// ```
    #[must_use]
    pub fn of<N: AsRef<str>>(seed: u64, links: &[(N, N, u32)]) -> Self {
        let mut declared: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (dialler, listener, cost) in links {
            let (dialler, listener) = (dialler.as_ref(), listener.as_ref());
            declared.entry(dialler).or_default().push(dials(listener, *cost));
            declared.entry(listener).or_default().push(listens(dialler, *cost));
        }
        let mut mesh = Self::new(seed);
        for (name, links) in declared {
            mesh.add(config(name, links));
        }
        mesh
    }

    /// Gives a link another cost at both ends, now where they run, and whenever they start.
    pub fn set_cost(&mut self, a: &str, b: &str, cost: u32) {
        for (node, neighbour) in [(a, b), (b, a)] {
            let settings = &mut self.node_mut(node).config.settings;
            let link = settings.links.get_mut(&node_name(neighbour));
            link.unwrap_or_else(|| panic!("{node} has no link to {neighbour}")).cost = cost;
            let settings = Box::new(settings.clone());
            if self.runs(node) {
                self.command(node, Command::Reconfigure(settings));
            }
        }
    }
}
