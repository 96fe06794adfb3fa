//! The words between a brain and its rim: inputs, outputs, events.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hopline_core::Frames;

use super::{Impairment, Receipt, Settings};
use crate::name::{ClientName, NodeName};
use crate::reason::Reason;

/// One connection, as the rim numbers it. Never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The time, as the rim reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Time since some moment before the node started; never goes back.
    pub since_start: Duration,
    /// Nanoseconds of Unix time, as the machine has it.
    pub unix_nanos: u64,
}

impl Now {
    /// Milliseconds of Unix time.
    #[must_use]
    pub fn unix_millis(self) -> u64 {
        self.unix_nanos / 1_000_000
    }
}

/// What happens to a node.
#[derive(Debug)]
pub enum Input {
    /// A connection is open.
    Opened(ConnId, Opened),
    /// A message came.
    Received(ConnId, Frames),
    /// A connection has ended. Nothing more is heard of it.
    Closed(ConnId),
    /// What came of an [`Output::Ask`].
    Answered {
        /// The connection.
        conn: ConnId,
        /// Whether the peer is there, or cannot be asked.
        alive: bool,
    },
    /// An [`Output::Deliver`] could not be handed to its client.
    Undelivered {
        /// Its frames.
        frames: Frames,
        /// Its original.
        original: Option<Original>,
        /// Why.
        reason: Reason,
    },
    /// An [`Output::Deliver`] with a receipt has gone out to its client.
    HandedOver(Receipt),
    /// Somebody who may gives an order.
    Command(Command),
    /// Time has passed: see [`super::Brain::next_tick`].
    Tick,
}

/// How a connection came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A stranger came in by one of the node's ports.
    Accepted {
        /// The identity that it gave itself, if any.
        identity: Option<Bytes>,
        /// Whether it is a REQ socket, which puts an empty frame in front of every message.
        request: bool,
        /// Whether it came in by the control socket.
        operator: bool,
    },
    /// This node dialled a neighbour and was heard.
    Dialled {
        /// The neighbour that is expected there.
        neighbour: NodeName,
    },
}

/// An order to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Sets the static route to a destination (a name, or a prefix `region.*`), or takes it away.
    SetRoute {
        /// The destination.
        destination: String,
        /// A node, a client attached here, or `upstream`; none takes the route away.
        next_hop: Option<String>,
    },
    /// Takes the link to a neighbour down until it is healed.
    Cut(NodeName),
    /// Lets the link to a neighbour come up again.
    Heal(NodeName),
    /// Makes the link to a neighbour suffer this, on the way there, and nothing else. What is declared
    /// nowhere and not up is no link, and changes nothing.
    Impair(NodeName, Impairment),
    /// Says good-bye to all neighbours: the node is about to end.
    Leave,
    /// The node goes by these settings from now on. A link that stays as it is is not touched.
    Reconfigure(Box<Settings>),
    /// Has others route round this node wherever there is another way, or not any more. Its own clients notice
    /// nothing.
    Drain(bool),
    /// Leaves without loss: drains, finishes what is on its way, and says good-bye. It may end once
    /// [`Brain::has_left`](super::Brain::has_left); what cannot be finished goes back to its senders then.
    Retire {
        /// How long this may take, while anything moves.
        within: Duration,
    },
}

/// How long a client that is asked has to show that it is there; one that is about to go, to be gone.
pub const ASK_PATIENCE: Duration = Duration::from_millis(250);

/// What a node has to do.
#[derive(Debug)]
pub enum Output {
    /// Send to a connection, whatever waits there: it is small, or there was room.
    Send {
        /// The connection.
        conn: ConnId,
        /// The message.
        frames: Frames,
    },
    /// Hand a routed message to a client. If that fails, give it back as [`Input::Undelivered`].
    Deliver {
        /// The connection.
        conn: ConnId,
        /// The message, in the client's dialect.
        frames: Frames,
        /// The message as it came, where `frames` is another form of it.
        original: Option<Original>,
        /// To be given back as [`Input::HandedOver`] once the message has gone out, where that is to be known.
        receipt: Option<Receipt>,
    },
    /// Ask a client, below its messages, whether it is there, and say so with [`Input::Answered`] within
    /// [`ASK_PATIENCE`].
    Ask(ConnId),
    /// Do not read a client's connection for now, or read it again.
    Pause {
        /// The connection.
        conn: ConnId,
        /// Whether it is not to be read.
        paused: bool,
    },
    /// Close a connection.
    Close(ConnId),
    /// Let a connection stay whoever else comes: it is a node's.
    Keep(ConnId),
    /// The connection to a neighbour that this node dialled has become a link with a run of it that there was none with
    /// just before: should it end soon, that is no failure. Of any other one that ends within a second it is, so that a
    /// link which breaks again and again is dialled ever less often.
    Vouch(NodeName),
    /// Stop dialling a neighbour.
    Hang(NodeName),
    /// Dial a neighbour, now.
    Dial(NodeName),
    /// Tell whoever listens.
    Event(Event),
}

/// A routed message as it came, kept for the case that its delivery fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original(pub(super) Frames);

/// What an operator, a log or a test wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Messages pass to this neighbour.
    LinkUp(NodeName),
    /// Messages do not pass any more.
    LinkDown(NodeName),
    /// A peer that would be this node's neighbour was refused, or refused this node.
    LinkRefused {
        /// The neighbour, as far as it is known.
        neighbour: Option<NodeName>,
        /// Why.
        reason: &'static str,
    },
    /// Two nodes of this name run at the same time: this node, or two that would be the same neighbour.
    Namesake(NodeName),
    /// A client has its name at this node.
    Attached(ClientName),
    /// A client has gone, or lost its name.
    Detached(ClientName),
    /// A client was not given its name, because somebody else has it.
    NameInUse(ClientName),
    /// A client did not answer when another claimed its name: it was closed, and the name is free.
    HolderSilent(ClientName),
    /// A client was not given its name, because it is that of a service which this node does not offer.
    NotOffered(ClientName),
    /// A client may not attach here. Of an anonymous one it is told once it speaks.
    AccessDenied(ClientName),
    /// What can be reached, or what it costs, has changed.
    Routes {
        /// The new revision.
        revision: crate::route::Revision,
    },
}

/// Tells a brain of the queues behind its outputs.
pub trait Room {
    /// Whether a connection takes one more message now.
    fn has_room(&self, conn: ConnId) -> bool;

    /// Whether a connection has ended, of which the brain has not heard yet.
    fn has_ended(&self, _conn: ConnId) -> bool {
        false
    }

    /// For how long no byte has come on a connection, where bytes are counted: those of a message that is not whole
    /// yet are a sign of life too.
    fn silent_for(&self, _conn: ConnId) -> Option<Duration> {
        None
    }

    /// Why a neighbour that this node dials cannot be reached, in words, where it is known.
    fn trouble(&self, _neighbour: &NodeName) -> Option<String> {
        None
    }

    /// What the gates turned away before it came to the brain, by reason.
    fn refusals(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }
}

impl<F: Fn(ConnId) -> bool> Room for F {
    fn has_room(&self, conn: ConnId) -> bool {
        self(conn)
    }
}
