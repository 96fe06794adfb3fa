//! What the loop around a real brain does, here done in memory.

use std::time::Duration;

use hopline_mesh::brain::{ASK_PATIENCE, ConnId, Input, Opened, Output};
use hopline_mesh::name::NodeName;
use hopline_mesh::reason::Reason;

use super::Simulation;
use super::agenda::Happening;
use super::pipes::{End, PipeId};

/// The first pause before a node dials again; it doubles up to the second.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// A connection that lasted so long was no failure, whatever ended it.
const GOOD: Duration = Duration::from_secs(1);

impl Simulation {
    /// Gives a node one input and does what it says.
    pub(super) fn handle(&mut self, name: &NodeName, input: Input) {
        let mut price = self.price_of(&input);
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let now = self.time();
            let Some(node) = self.nodes.get_mut(name) else {
                return;
            };
            let Some(brain) = node.brain.as_mut() else {
                return;
            };
            let full = &self.full;
            let room = |conn: ConnId| !full.contains(&conn);
            let mut outputs = Vec::new();
            brain.handle(now, input, &room, &mut outputs);
            brain.flush(now, &room, &mut outputs);
            assert_eq!(brain.unaccounted(), 0, "{name} lost sight of a message: {:?}", outputs);
            self.charge(name, std::mem::take(&mut price), &outputs);
            self.index(name);
            self.look_at_table(name, &outputs);
            for output in outputs {
                inputs.extend(self.perform(name, output));
            }
        }
        self.lag = Duration::ZERO;
    }

    /// Does what a brain says. Gives back what could not be delivered.
    fn perform(&mut self, name: &NodeName, output: Output) -> Option<Input> {
        match output {
            Output::Send { conn, frames } => {
                let side = self.side_of(conn, name)?;
                self.send_on(conn, side, frames);
            }
            Output::Deliver { conn, frames, original, receipt } => {
                let side = self.side_of(conn, name)?;
                if !self.send_on(conn, side, frames.clone()) {
                    return Some(Input::Undelivered {
                        frames,
                        original,
                        reason: Reason::ReceiverGone,
                    });
                }
                if let Some(End::Client(client)) =
                    self.pipes.get(&conn).map(|pipe| pipe.end(side.other()))
                {
                    self.clients[client.0].handed.push(frames);
                }
                return receipt.map(Input::HandedOver);
            }
            Output::Ask(conn) => self.ask(name, conn),
            Output::Pause { conn, paused } => self.pause(conn, paused),
            Output::Close(conn) => {
                let side = self.side_of(conn, name)?;
                self.close(conn, side);
            }
            // There are no ports whose places could be taken.
            Output::Keep(_) => {}
            Output::Vouch(neighbour) => {
                let node = self.nodes.get_mut(name)?;
                if let Some(dialled) = node.dials.get_mut(&neighbour) {
                    dialled.vouched = true;
                }
            }
            Output::Hang(neighbour) => {
                let node = self.nodes.get_mut(name)?;
                node.dials.entry(neighbour).or_default().hung = true;
            }
            Output::Dial(neighbour) => self.dial(name, neighbour),
            Output::Event(event) => {
                let now = self.now;
                self.nodes.get_mut(name)?.events.push((now, event));
            }
        }
        None
    }

    /// A client that can be heard answers as fast as messages travel, any other not in time.
    fn ask(&mut self, name: &NodeName, conn: ConnId) {
        let silent = match self.pipes.get(&conn).map(|pipe| &pipe.dialler) {
            Some(End::Client(client)) => self.clients[client.0].silent,
            Some(End::Node(_)) | None => false,
        };
        let after = if silent { ASK_PATIENCE } else { self.delay() + self.delay() };
        let answered = Happening::Answered(name.clone(), conn, !silent);
        self.agenda.note(self.now + after, answered);
    }

    /// A node is to dial a neighbour now, and again whenever the connection has ended.
    pub(super) fn dial(&mut self, name: &NodeName, neighbour: NodeName) {
        let due = self.now + self.delay();
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        let dialled = node.dials.entry(neighbour.clone()).or_default();
        dialled.hung = false;
        dialled.failures = 0;
        if dialled.pipe.is_none() && !std::mem::replace(&mut dialled.due, true) {
            self.agenda.note(due, Happening::Dial(name.clone(), neighbour));
        }
    }

    /// A node dials: there is a connection if the neighbour runs.
    pub(super) fn connect(&mut self, name: &NodeName, neighbour: &NodeName) {
        let astray = self.nodes.get(name).and_then(|node| node.astray.get(neighbour));
        let listener = astray.unwrap_or(neighbour).clone();
        let answers = self.can_open(name, &listener);
        let Some(node) = self.nodes.get_mut(name).filter(|node| node.brain.is_some()) else {
            return;
        };
        let dialled = node.dials.entry(neighbour.clone()).or_default();
        dialled.due = false;
        if dialled.hung || dialled.pipe.is_some() {
            return;
        }
        if !answers {
            dialled.failures += 1;
            return self.dial_again(name, neighbour.clone());
        }
        (dialled.opened, dialled.vouched) = (self.now, false);
        let stranger = Opened::Accepted { identity: None, request: false, operator: false };
        let pipe = self.open(End::Node(name.clone()), neighbour, listener, stranger);
        if let Some(node) = self.nodes.get_mut(name) {
            node.dials.entry(neighbour.clone()).or_default().pipe = Some(pipe);
        }
    }

    /// Whether a node that dials another would be heard: it runs, and nothing vanishes between the two.
    pub(super) fn can_open(&self, dialler: &NodeName, listener: &NodeName) -> bool {
        self.nodes.get(listener).is_some_and(|node| node.brain.is_some())
            && !self.swallows(dialler, listener)
            && !self.swallows(listener, dialler)
    }

    /// A node has heard that a connection has ended: if it had dialled it, it dials again.
    pub(super) fn lost(&mut self, name: &NodeName, pipe: PipeId) {
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        let mut ended = node.dials.iter_mut();
        let Some((neighbour, dialled)) = ended.find(|(_, dialled)| dialled.pipe == Some(pipe))
        else {
            return;
        };
        dialled.pipe = None;
        let is_good = dialled.vouched || dialled.opened + GOOD <= self.now;
        dialled.failures = if is_good { 1 } else { dialled.failures + 1 };
        let neighbour = neighbour.clone();
        self.dial_again(name, neighbour);
    }

    fn dial_again(&mut self, name: &NodeName, neighbour: NodeName) {
        let delay = self.delay();
        let now = self.now;
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        let dialled = node.dials.entry(neighbour.clone()).or_default();
        if dialled.hung || std::mem::replace(&mut dialled.due, true) {
            return;
        }
        let pause = FIRST_BACKOFF * 2u32.pow(dialled.failures.saturating_sub(1).min(7));
        let due = now + pause.min(LAST_BACKOFF) + delay;
        self.agenda.note(due, Happening::Dial(name.clone(), neighbour));
    }
}
