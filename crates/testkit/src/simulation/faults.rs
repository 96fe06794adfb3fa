//! What chance does to the connections between nodes, and what vanishes on them.

use std::time::Duration;

use super::pipes::{Pipe, Side};
use super::{LONGEST_DELAY, Simulation, node_name};
use hopline_mesh::name::NodeName;

/// What the connections between two nodes suffer. All of it is drawn from the simulation's seed.
///
/// A node's transport keeps what it sends whole and in order; losses, repeats and late comers are what a
/// mesh would see of one that does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Each connection takes a time of its own between these two from one end to the other,
    pub delay: (Duration, Duration),
    /// and each message up to this much more.
    pub jitter: Duration,
    /// The share of messages that vanish, 0 to 1.
    pub loss: f64,
    /// The share of messages that come late, so that others overtake them, 0 to 1.
    pub reorder: f64,
    /// The share of messages that come twice, 0 to 1.
    pub repeat: f64,
}

impl Default for Faults {
    /// Up to 2 ms a message, and nothing is lost.
    fn default() -> Self {
        let delay = (Duration::ZERO, Duration::ZERO);
        Self { delay, jitter: LONGEST_DELAY, loss: 0.0, reorder: 0.0, repeat: 0.0 }
    }
}

impl Faults {
    /// Connections of 1 to 20 ms, in good order.
    pub const FAR: Self = Self {
        delay: (Duration::from_millis(1), Duration::from_millis(18)),
        jitter: Duration::from_millis(2),
        loss: 0.0,
        reorder: 0.0,
        repeat: 0.0,
    };

    /// Connections of 1 to 20 ms on which one message in a hundred is lost, one late, one repeated.
    pub const FOUL: Self = Self { loss: 0.01, reorder: 0.01, repeat: 0.01, ..Self::FAR };
}

/// How many of the longest jitters a late message comes late.
const LATE: u32 = 10;

/// What becomes of one message: when it arrives, and whether it is late, so that others may overtake it.
pub(super) struct Arrival {
    pub(super) after: Duration,
    pub(super) late: bool,
}

impl Simulation {
    /// Makes all connections between nodes suffer this from now on, and nothing else.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.faults_between.clear();
    }

    /// Makes the connections between two nodes suffer this from now on, and nothing else.
    pub fn set_faults_between(&mut self, a: &str, b: &str, faults: Faults) {
        self.faults_between.insert(pair(node_name(a), node_name(b)), faults);
    }

    /// From now on all that one node sends to another vanishes, the ends of connections too, and nobody is
    /// told. Between the two no new connection opens.
    pub fn swallow(&mut self, from: &str, to: &str) {
        self.holes.insert((node_name(from), node_name(to)));
    }

    /// Nothing passes between two nodes any more, either way, and nobody is told.
    pub fn part(&mut self, a: &str, b: &str) {
        self.swallow(a, b);
        self.swallow(b, a);
    }

    /// Ends what [`Simulation::swallow`] and [`Simulation::part`] did between two nodes.
    pub fn rejoin(&mut self, a: &str, b: &str) {
        let (a, b) = (node_name(a), node_name(b));
        self.holes.remove(&(a.clone(), b.clone()));
        self.holes.remove(&(b, a));
    }

    /// Whether nothing that one node sends arrives at another.
    pub(super) fn swallows(&self, from: &NodeName, to: &NodeName) -> bool {
        !self.holes.is_empty() && self.holes.contains(&(from.clone(), to.clone()))
    }

    /// Whether nothing that is sent to one end of a pipe arrives there.
    pub(super) fn is_deaf(&self, pipe: &Pipe, side: Side) -> bool {
        match pipe.nodes() {
            Some((dialler, listener)) => match side {
                Side::Dialler => self.swallows(listener, dialler),
                Side::Listener => self.swallows(dialler, listener),
            },
            None => false,
        }
    }

    /// What a pipe suffers: that of a client nothing.
    pub(super) fn faults_of(&self, pipe: &Pipe) -> Faults {
        let Some((dialler, listener)) = pipe.nodes() else {
            return Faults::default();
        };
        if self.faults_between.is_empty() {
            return self.faults;
        }
        let pair = pair(dialler.clone(), listener.clone());
        self.faults_between.get(&pair).copied().unwrap_or(self.faults)
    }

    /// When something on a pipe arrives. A message may do so not at all, or twice; a connection's beginning and
    /// end do so once.
    pub(super) fn arrivals(
        &mut self,
        faults: Faults,
        length: f64,
        is_message: bool,
    ) -> Vec<Arrival> {
        let (shortest, longest) = faults.delay;
        let base = shortest + longest.saturating_sub(shortest).mul_f64(length);
        let rng = &mut self.rng;
        let mut draw = |share: f64| is_message && share > 0.0 && rng.f64() < share;
        if draw(faults.loss) {
            return Vec::new();
        }
        let (late, twice) = (draw(faults.reorder), draw(faults.repeat));
        let mut arrivals = Vec::with_capacity(2);
        for late in [Some(late), twice.then_some(true)].into_iter().flatten() {
            let most = if late { faults.jitter * LATE } else { faults.jitter };
            arrivals.push(Arrival { after: base + self.up_to(most), late });
        }
        arrivals
    }
}

fn pair(a: NodeName, b: NodeName) -> (NodeName, NodeName) {
    if a < b { (a, b) } else { (b, a) }
}
