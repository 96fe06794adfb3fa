//! A node's processor: one input after the other, each at its price; and none at all while it is frozen.

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Brain, Event, Input, Output};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::{Kind, Prefix};

use super::agenda::Happening;
use super::pipes::End;
use super::{Simulation, node_name};

/// What inputs cost a node, in virtual time: while it handles one, others wait, and what comes of it is sent
/// when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Price {
    /// Of each input.
    pub input: Duration,
    /// Of each byte of link state.
    pub link_state: Duration,
    /// Of each node and each link of the mesh, whenever a node makes itself a new table.
    pub table: Duration,
}

impl Price {
    /// Nothing costs anything.
    pub const NOTHING: Self =
        Self { input: Duration::ZERO, link_state: Duration::ZERO, table: Duration::ZERO };

    /// What inputs cost on the machine of `benches/README.md`: `route` has tables (a graph of 1,000 nodes and
    /// 5,000 links and the table with alternates in it, 1.8 ms), `convergence` has link state (a flood of 1,000 records, 146 kB,
    /// 1.8 ms with a table of 1,000 nodes and 2,000 links). An input is what a message passes at a gate.
    pub const MEASURED: Self = Self {
        input: Duration::from_micros(5),
        link_state: Duration::from_nanos(8),
        table: Duration::from_nanos(300),
    };

    fn of_input(&self, input: &Input) -> Duration {
        let read = match input {
            Input::Received(_, frames) if *self != Self::NOTHING => self.of_link_state(frames),
            _ => Duration::ZERO,
        };
        self.input + read
    }

    fn of_link_state(&self, frames: &[Bytes]) -> Duration {
        let is_it = |frame: &Bytes| Prefix::read(frame).is_ok_and(|it| it.kind == Kind::LinkState);
        let bytes = match frames.first() {
            Some(frame) if is_it(frame) => frames.iter().map(Bytes::len).sum(),
            _ => 0,
        };
        self.link_state * u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

impl Simulation {
    /// From now on inputs cost so much, at every node. Before, they cost [`Price::MEASURED`].
    pub fn set_price(&mut self, price: Price) {
        self.price = price;
    }

    /// A node handles nothing any more, as after SIGSTOP: what comes waits, and nobody is told.
    pub fn freeze(&mut self, name: &str) {
        self.node_mut(name).frozen = true;
        self.index(&node_name(name));
    }

    /// A node goes on where it was frozen, and finds all that came meanwhile.
    pub fn thaw(&mut self, name: &str) {
        let now = self.now;
        let name = node_name(name);
        self.node_mut(name.as_str()).frozen = false;
        self.index(&name);
        self.agenda.note(now, Happening::Free(name));
    }

    /// What happens to a node happens at once if the node has nothing else to do; else it waits.
    pub(super) fn happen(&mut self, happening: Happening) {
        if let Happening::Free(name) = happening {
            return self.turn_to_waiting(&name);
        }
        let now = self.now;
        let Some(name) = self.addressee(&happening) else {
            return self.act(happening);
        };
        let Some(node) = self.nodes.get_mut(&name).filter(|node| node.brain.is_some()) else {
            return self.act(happening);
        };
        if !node.frozen && node.busy_until <= now && node.inbox.is_empty() {
            return self.act(happening);
        }
        let is_first = node.inbox.is_empty();
        let (free, frozen) = (node.busy_until.max(now), node.frozen);
        node.inbox.push_back(happening);
        if is_first && !frozen {
            self.agenda.note(free, Happening::Free(name.clone()));
        }
        self.index(&name);
    }

    /// Puts what was held back in front of all that waits for a node.
    pub(super) fn happen_first(&mut self, name: &NodeName, held: Vec<Happening>) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(name).filter(|_| !held.is_empty()) else {
            return;
        };
        for happening in held.into_iter().rev() {
            node.inbox.push_front(happening);
        }
        let free = node.busy_until.max(now);
        self.agenda.note(free, Happening::Free(name.clone()));
        self.index(name);
    }

    fn turn_to_waiting(&mut self, name: &NodeName) {
        loop {
            let now = self.now;
            let Some(node) = self.nodes.get_mut(name).filter(|node| !node.frozen) else {
                return;
            };
            if node.inbox.is_empty() {
                return;
            }
            if node.busy_until > now {
                let free = node.busy_until;
                return self.agenda.note(free, Happening::Free(name.clone()));
            }
            // What is due is not put off by what comes.
            if node.tick.is_some_and(|due| due <= now) {
                self.handle(name, Input::Tick);
                continue;
            }
            let next = node.inbox.pop_front();
            self.index(name);
            if let Some(next) = next {
                self.act(next);
            }
        }
    }

    /// The node to which something happens.
    fn addressee(&self, happening: &Happening) -> Option<NodeName> {
        match happening {
            Happening::Dial(node, _)
            | Happening::Answered(node, ..)
            | Happening::Order(node, _)
            | Happening::Free(node) => Some(node.clone()),
            Happening::Opened(pipe, side, _)
            | Happening::Frames(pipe, side, _)
            | Happening::Ended(pipe, side) => match self.pipes.get(pipe)?.end(*side) {
                End::Node(node) => Some(node),
                End::Client(_) => None,
            },
        }
    }

    /// Notes that a node is busy with an input that had these outputs. Gives back until when.
    pub(super) fn charge(&mut self, name: &NodeName, input: Duration, outputs: &[Output]) {
        let is_new = |output: &Output| matches!(output, Output::Event(Event::Routes { .. }));
        let tables = outputs.iter().filter(|output| is_new(output)).count();
        let size = self.nodes.len() + self.declared / 2;
        let size = u32::try_from(size * tables).unwrap_or(u32::MAX);
        let price = input + self.price.table * size;
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(name) {
            node.busy_until = node.busy_until.max(now) + price;
            self.lag = node.busy_until - now;
        }
    }

    /// What an input costs.
    pub(super) fn price_of(&self, input: &Input) -> Duration {
        self.price.of_input(input)
    }

    /// Notes when a node is to be woken, and whether anything is awaited of it.
    pub(super) fn index(&mut self, name: &NodeName) {
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        let brain = node.brain.as_ref().filter(|_| !node.frozen);
        let tick = brain.and_then(Brain::next_tick).map(|due| due.max(node.busy_until));
        let is_awaited = brain.is_some_and(|brain| !brain.is_settled() || node.inbox.is_awaited());
        if tick != node.tick {
            if let Some(old) = std::mem::replace(&mut node.tick, tick) {
                self.ticks.remove(&(old, name.clone()));
            }
            if let Some(new) = tick {
                self.ticks.insert((new, name.clone()));
            }
        }
        if is_awaited != std::mem::replace(&mut node.is_awaited, is_awaited) {
            if is_awaited {
                self.awaited.insert(name.clone());
            } else {
                self.awaited.remove(name);
            }
        }
    }
}
