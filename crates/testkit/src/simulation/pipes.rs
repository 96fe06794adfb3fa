//! Connections: two ordered directions, each with its own delays.

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{ConnId, Input, Opened};
use hopline_mesh::name::NodeName;

use super::agenda::Happening;
use super::clients::ClientId;
use super::{Simulation, node_name, tap};

/// One connection; both of its ends number it so.
pub(super) type PipeId = ConnId;

/// Which end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The end that dialled.
    Dialler,
    /// The end that was dialled.
    Listener,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Listener,
            Self::Listener => Self::Dialler,
        }
    }
}

/// Who is at an end of a pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Node(NodeName),
    Client(ClientId),
}

/// A connection.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) dialler: End,
    pub(super) listener: NodeName,
    /// One end has closed it: nothing more is sent.
    pub(super) closed: bool,
    /// Which of its ends have heard of its end: the dialler, the listener.
    ended: (bool, bool),
    /// Which of its ends were not told of its end, because that vanished.
    untold: (bool, bool),
    /// How long it is among all connections, 0 to 1.
    pub(super) length: f64,
    /// When the last thing noted for each end will happen: what follows comes later.
    pub(super) dialler_last: Duration,
    pub(super) listener_last: Duration,
    pub(super) tap: tap::Tap,
    /// What has come to the listener while it does not read; none while it reads.
    unread: Option<Vec<Happening>>,
}

impl Pipe {
    pub(super) fn joins_node(&self, name: &NodeName) -> bool {
        self.listener == *name || self.dialler == End::Node(name.clone())
    }

    pub(super) fn end(&self, side: Side) -> End {
        match side {
            Side::Dialler => self.dialler.clone(),
            Side::Listener => End::Node(self.listener.clone()),
        }
    }

    /// The nodes that it joins, who dialled first; none where one end is a client.
    pub(super) fn nodes(&self) -> Option<(&NodeName, &NodeName)> {
        match &self.dialler {
            End::Node(dialler) => Some((dialler, &self.listener)),
            End::Client(_) => None,
        }
    }

    fn untold(&mut self, side: Side) -> &mut bool {
        match side {
            Side::Dialler => &mut self.untold.0,
            Side::Listener => &mut self.untold.1,
        }
    }
}

impl Simulation {
    /// Opens a pipe. Both ends hear of it before anything else on it.
    pub(super) fn open(
        &mut self,
        dialler: End,
        expected: &NodeName,
        listener: NodeName,
        accepted: Opened,
    ) -> PipeId {
        self.last_pipe += 1;
        let pipe = ConnId(self.last_pipe);
        let dialled = match &dialler {
            End::Node(_) => Some(Opened::Dialled { neighbour: expected.clone() }),
            End::Client(_) => None,
        };
        let window = self.nodes.get(&listener).map(|node| node.config.settings.window);
        let length = self.lengths.f64();
        for end in [&dialler, &End::Node(listener.clone())] {
            if let End::Node(node) = end
                && let Some(node) = self.nodes.get_mut(node)
            {
                node.pipes.insert(pipe);
            }
        }
        self.pipes.insert(
            pipe,
            Pipe {
                dialler,
                listener,
                closed: false,
                ended: (false, false),
                untold: (false, false),
                length,
                dialler_last: self.now,
                listener_last: self.now,
                unread: None,
                tap: tap::Tap::new(window.unwrap_or(hopline_mesh::brain::Window::UNACKNOWLEDGED)),
            },
        );
        let opened = |opened| move |pipe, side| Happening::Opened(pipe, side, opened);
        self.put(pipe, Side::Listener, opened(accepted));
        if let Some(dialled) = dialled {
            self.put(pipe, Side::Dialler, opened(dialled));
        }
        pipe
    }

    /// Sends a message from one end of a pipe to the other. Says whether the pipe still took it.
    pub(super) fn send_on(&mut self, pipe: PipeId, from: Side, frames: Vec<Bytes>) -> bool {
        let now = self.now;
        let Some(open) = self.pipes.get_mut(&pipe) else {
            return false;
        };
        if open.closed {
            return self.send_on_closed(pipe, from);
        }
        if matches!(open.dialler, End::Node(_)) {
            open.tap.sent(now, from, &frames);
        }
        self.put(pipe, from.other(), |pipe, side| Happening::Frames(pipe, side, frames));
        true
    }

    /// One end sends on a pipe that has ended. Where it was not told of that, it is now, if it can be.
    fn send_on_closed(&mut self, pipe: PipeId, from: Side) -> bool {
        let was_untold = match self.pipes.get_mut(&pipe) {
            Some(open) => std::mem::take(open.untold(from)),
            None => false,
        };
        if was_untold {
            self.tell_end(pipe, from);
        }
        was_untold
    }

    /// One end closes a pipe: what is in flight arrives, then both hear of the end.
    pub(super) fn close(&mut self, pipe: PipeId, side: Side) {
        let Some(open) = self.pipes.get_mut(&pipe) else {
            return;
        };
        if std::mem::replace(&mut open.closed, true) {
            if std::mem::take(open.untold(side)) {
                self.put(pipe, side, Happening::Ended);
            }
            return;
        }
        self.tell_end(pipe, side.other());
        self.put(pipe, side, Happening::Ended);
    }

    /// The other end of a pipe, or what lies between, tells this one that it has ended.
    fn tell_end(&mut self, pipe: PipeId, to: Side) {
        let is_deaf = self.pipes.get(&pipe).is_some_and(|open| self.is_deaf(open, to));
        match self.pipes.get_mut(&pipe).filter(|_| is_deaf) {
            Some(open) => *open.untold(to) = true,
            None => self.put(pipe, to, Happening::Ended),
        }
    }

    /// A pipe breaks: what is in flight is lost, then both ends hear of it.
    pub(super) fn break_pipe(&mut self, pipe: PipeId) {
        self.agenda.lose(pipe);
        let Some(open) = self.pipes.get_mut(&pipe) else {
            return;
        };
        open.closed = true;
        let (dialler, listener) = open.ended;
        for (side, has_heard) in [(Side::Dialler, dialler), (Side::Listener, listener)] {
            if !has_heard {
                self.tell_end(pipe, side);
            }
        }
    }

    /// The listener of a pipe does not read it for now, or reads it again.
    pub(super) fn pause(&mut self, pipe: PipeId, paused: bool) {
        let Some(open) = self.pipes.get_mut(&pipe) else {
            return;
        };
        if paused {
            open.unread.get_or_insert_default();
            return;
        }
        let held = open.unread.take().unwrap_or_default();
        let listener = open.listener.clone();
        self.happen_first(&listener, held);
    }

    /// What has come to one end of a pipe, unless that end does not read.
    fn read(&mut self, pipe: PipeId, side: Side, happening: Happening) -> Option<Happening> {
        let unread = self.pipes.get_mut(&pipe)?.unread.as_mut();
        match unread.filter(|_| side == Side::Listener) {
            Some(unread) => unread.push(happening),
            None => return Some(happening),
        }
        None
    }

    pub(super) fn arrived_opening(&mut self, pipe: PipeId, side: Side, opened: Opened) {
        if let Some(End::Node(node)) = self.pipes.get(&pipe).map(|pipe| pipe.end(side)) {
            self.handle(&node, Input::Opened(pipe, opened));
        }
    }

    pub(super) fn arrived(&mut self, pipe: PipeId, side: Side, frames: Vec<Bytes>) {
        let read = self.read(pipe, side, Happening::Frames(pipe, side, frames));
        let Some(Happening::Frames(pipe, side, frames)) = read else {
            return;
        };
        let Some(open) = self.pipes.get_mut(&pipe) else {
            return;
        };
        let from_node = matches!(open.dialler, End::Node(_));
        if from_node {
            open.tap.arrived(side, &frames);
        }
        let end = open.end(side);
        if let End::Node(node) = &end
            && let Some(node) = self.nodes.get_mut(node).filter(|_| from_node)
        {
            node.heard.add(&frames);
        }
        match end {
            End::Node(node) => self.handle(&node, Input::Received(pipe, frames)),
            End::Client(client) => self.clients[client.0].inbox.push(frames),
        }
    }

    pub(super) fn ended(&mut self, pipe: PipeId, side: Side) {
        if self.read(pipe, side, Happening::Ended(pipe, side)).is_none() {
            return;
        }
        let Some(open) = self.pipes.get_mut(&pipe) else {
            return;
        };
        open.closed = true;
        match side {
            Side::Dialler => open.ended.0 = true,
            Side::Listener => open.ended.1 = true,
        }
        let end = open.end(side);
        if open.ended == (true, true) {
            self.forget(pipe);
        }
        match end {
            End::Node(node) => {
                self.handle(&node, Input::Closed(pipe));
                self.lost(&node, pipe);
            }
            End::Client(client) => {
                self.clients[client.0].pipe = None;
                self.full.remove(&pipe);
            }
        }
    }

    fn forget(&mut self, pipe: PipeId) {
        let Some(gone) = self.pipes.remove(&pipe) else {
            return;
        };
        for end in [gone.end(Side::Dialler), gone.end(Side::Listener)] {
            if let End::Node(node) = end
                && let Some(node) = self.nodes.get_mut(&node)
            {
                node.pipes.remove(&pipe);
            }
        }
    }

    /// Puts frames on the connection from one node to another that the first never sent.
    ///
    /// # Panics
    /// Where the two have no connection.
    pub fn inject(&mut self, from: &str, to: &str, frames: Vec<Bytes>) {
        let (from, to) = (node_name(from), node_name(to));
        let open = |pipe: &Pipe| !pipe.closed && pipe.joins_node(&to);
        let pipe = self.pipes_at(&from, open).into_iter().next();
        let Some((pipe, side)) = pipe.and_then(|pipe| Some((pipe, self.side_of(pipe, &to)?)))
        else {
            panic!("{from} and {to} have no connection");
        };
        self.put(pipe, side, |pipe, side| Happening::Frames(pipe, side, frames));
    }

    /// The pipes of a node of which this is true, in the order in which they were opened.
    pub(super) fn pipes_at(&self, node: &NodeName, matches: impl Fn(&Pipe) -> bool) -> Vec<PipeId> {
        let Some(node) = self.nodes.get(node) else {
            return Vec::new();
        };
        let is_it = |pipe: &&PipeId| self.pipes.get(pipe).is_some_and(&matches);
        node.pipes.iter().filter(is_it).copied().collect()
    }

    pub(super) fn side_of(&self, pipe: PipeId, node: &NodeName) -> Option<Side> {
        let open = self.pipes.get(&pipe)?;
        if open.listener == *node {
            Some(Side::Listener)
        } else {
            (open.dialler == End::Node(node.clone())).then_some(Side::Dialler)
        }
    }

    /// Notes what happens next at one end of a pipe, behind all that was noted for it before, unless chance
    /// or a fault has it otherwise.
    fn put(&mut self, pipe: PipeId, to: Side, happening: impl FnOnce(PipeId, Side) -> Happening) {
        let happening = happening(pipe, to);
        let is_message = matches!(happening, Happening::Frames(..));
        let Some(open) = self.pipes.get(&pipe) else {
            return;
        };
        if is_message && self.is_deaf(open, to) {
            return;
        }
        let faults = self.faults_of(open);
        let length = open.length;
        for arrival in self.arrivals(faults, length, is_message) {
            let mut due = self.now + self.lag + arrival.after;
            let Some(open) = self.pipes.get_mut(&pipe) else {
                return;
            };
            let last = match to {
                Side::Dialler => &mut open.dialler_last,
                Side::Listener => &mut open.listener_last,
            };
            due = due.max(*last);
            if !arrival.late {
                *last = due;
            }
            self.agenda.note(due, happening.clone());
        }
    }
}
