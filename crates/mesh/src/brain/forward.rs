//! The way of a message through a node: from a client or a neighbour, by `decide`, to the next.

use bytes::Bytes;

use super::clients::Clients;
use super::conn::Conn;
use super::links::{LOST, Link};
use super::message::Message;
use super::outbox::Lane;
use super::tables::Tables;
use super::{Brain, ConnId, Now, Original, Output, Receipt, Room, counters::Flow, spread};
use crate::dialect::{Dialect, json};
use crate::name::NodeName;
use crate::reason::Reason;
use crate::route::explain::Step;
use crate::route::{
    Basis, Directory, Local, PathNames, Places, Policy, Question, Refusal, Ruling, Table, Verdict,
    judge,
};
use crate::wire::{Flags, Kind, MessageId, Path, Prefix, Tail};

/// What was decided about a message.
struct Ruled {
    way: Way,
    /// Where a message that enters here leaves the mesh, if it goes the computed way.
    egress: Option<NodeName>,
}

/// Which way a message goes.
pub(super) enum Way {
    /// To this node.
    Node,
    /// To a client here, if it has a connection.
    Client(Option<ConnId>),
    Neighbour(NodeName),
    Refuse(Refusal),
}

impl Brain {
    /// A client's message enters the mesh, or one that is kept here does so again: there is room for it.
    pub(super) fn send_from_here(&mut self, now: Now, message: Message, room: &impl Room) {
        if spread::is_for_several(&message) {
            return self.spread(now, message, room);
        }
        let Ruled { way, egress } = self.rule(&message);
        let size = message.size();
        let goes_there = egress.filter(|_| matches!(way, Way::Neighbour(_)));
        self.take_way(now, message, way, room);
        if let Some(egress) = goes_there {
            self.count_flow(now, &egress, size, room);
        }
    }

    /// Whether there is room for a message of a client here at the node where it leaves the mesh; true as well where
    /// it does not get there, or nobody knows where that is.
    pub(super) fn has_room_for(&self, message: &Message) -> bool {
        if spread::is_for_several(message) {
            return self.spreads.has_room(message.size(), self.config.flow);
        }
        let Ruled { way, egress } = self.rule(message);
        match (way, egress) {
            (Way::Neighbour(_), Some(egress)) => {
                self.flows.has_room(&egress, message.size(), self.config.flow)
            }
            _ => true,
        }
    }

    /// Asks `decide` about a message and does what it says.
    pub(super) fn route(&mut self, now: Now, message: Message, room: &impl Room) {
        if message.kind() == Kind::Error && !self.is_told(now, &message, room) {
            return self.counters.count(Flow::Dropped);
        }
        if message.is_spread() {
            return self.part(now, message, room);
        }
        let way = self.rule(&message).way;
        self.take_way(now, message, way, room);
    }

    /// Does what was decided about a message.
    pub(super) fn take_way(&mut self, now: Now, message: Message, way: Way, room: &impl Room) {
        let neighbour = match way {
            Way::Node => return self.answer(now, message, room),
            Way::Client(Some(conn)) => return self.deliver(now, message, conn, room),
            Way::Client(None) => {
                return self.refuse(now, message, Reason::ReceiverGone, room);
            }
            Way::Refuse(refusal) => return self.refuse(now, message, refusal.into(), room),
            Way::Neighbour(neighbour) => neighbour,
        };
        if message.ingress.is_some() {
            self.drain.passed(now);
        }
        let Some(link) = self.links.get_mut(&neighbour) else {
            return self.refuse(now, message, Refusal::Unreachable.into(), room);
        };
        if message.kind() != Kind::Credit && link.line.loses() {
            self.counters.count(Flow::Dropped);
            return self.counters.add(LOST);
        }
        let is_error = message.kind() == Kind::Error;
        for evicted in link.outbox.push(message, is_error) {
            self.refuse(now, evicted, Refusal::QueueFull.into(), room);
        }
    }

    /// What `decide` says about a message.
    fn rule(&self, message: &Message) -> Ruled {
        self.rule_to(message, message.prefix().destination)
    }

    /// Which way a copy of a message goes to one of the nodes that it is for.
    pub(super) fn way_to(&self, message: &Message, node: &str) -> Way {
        self.rule_to(message, node).way
    }

    fn rule_to(&self, message: &Message, destination: &str) -> Ruled {
        let (prefix, path) = (message.prefix(), message.path());
        let here = Here {
            clients: &self.clients,
            links: &self.links,
            directory: &self.tables.directory,
            table: &self.tables.table,
            lane: message.lane(),
            is_error: prefix.kind == Kind::Error,
        };
        let question = Question {
            id: prefix.id,
            destination,
            retrace: retrace(&prefix, message, self.config.node.as_str()),
            path: &path,
            from: message.ingress.as_ref().map(NodeName::as_str),
            hop_limit: prefix.hop_limit,
            size: message.size(),
        };
        let Ruling { verdict, basis } = judge(&self.tables.table, &here, &question);
        let way = match verdict {
            Verdict::Deliver(Local::Node) => Way::Node,
            Verdict::Deliver(Local::Client(name)) => Way::Client(self.clients.conn(name)),
            Verdict::Forward(neighbour) => Way::Neighbour(neighbour.clone()),
            Verdict::Refuse(refusal) => Way::Refuse(refusal),
        };
        let egress = match basis {
            Basis::Computed { to, .. } if message.ingress.is_none() => Some(to.clone()),
            Basis::Computed { .. }
            | Basis::Here
            | Basis::Retrace
            | Basis::Static { .. }
            | Basis::Nothing { .. } => None,
        };
        Ruled { way, egress }
    }

    /// Whether a message that enters here would leave the mesh at `node`, as far as this node can tell.
    pub(super) fn is_egress(&self, message: &Message, node: &str) -> bool {
        self.rule(message).egress.is_some_and(|egress| egress.as_str() == node)
    }

    /// What this node would decide about a small message just now, and why: one that came from this
    /// neighbour, or from nowhere, and was sent by this client, or by a node.
    pub(super) fn explain(
        &self,
        destination: &str,
        path: &[NodeName],
        (from, client): (Option<&NodeName>, Option<&str>),
    ) -> Step {
        let Tables { table, statics, directory, .. } = &self.tables;
        let here = Here {
            clients: &self.clients,
            links: &self.links,
            directory,
            table,
            lane: Lane::HERE,
            is_error: false,
        };
        let question = Question {
            id: MessageId::default(),
            destination,
            retrace: None,
            path,
            from: from.map(NodeName::as_str),
            hop_limit: self.config.hop_limit,
            size: 0,
        };
        let ruling = judge(table, &here, &question);
        let (ruling, said) = match client {
            Some(client) => {
                self.config.access().clear(client, path.is_empty(), destination, ruling)
            }
            None => (ruling, None),
        };
        Step::new(table, statics, directory, destination, &ruling, said.as_ref())
    }

    /// Hands a message to a client, in the client's dialect.
    pub(super) fn deliver(
        &mut self,
        now: Now,
        mut message: Message,
        conn: ConnId,
        room: &impl Room,
    ) {
        if self.is_denied(&message, conn) {
            return self.refuse(now, message, Refusal::AccessDenied.into(), room);
        }
        match message.kind() {
            Kind::Probe => return self.answer_probe(now, &message, room),
            Kind::Data | Kind::Reply | Kind::Error => {}
            Kind::Ack
                if [Dialect::Native, Dialect::Json].iter().any(|it| self.speaks(conn, *it)) => {}
            Kind::Ack => return self.counters.count(Flow::Answered),
            Kind::Control
            | Kind::Credit
            | Kind::Hello
            | Kind::LinkState
            | Kind::LinkAck
            | Kind::Batch => {
                return self.refuse(now, message, Reason::NotAccepted, room);
            }
        }
        let receipt = match self.receipt(now, &mut message) {
            Ok(receipt) => receipt,
            Err(seen) => return self.repeat(now, &message, seen, room),
        };
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return self.refuse_receipt(now, message, receipt, Reason::ReceiverGone, room);
        };
        if !room.has_room(conn) {
            return self.refuse_receipt(now, message, receipt, Reason::ReceiverSlow, room);
        }
        let (native, request) = (client.dialect == Some(Dialect::Native), client.request);
        let path = message.path().stamped(&self.stamp(now, &message), 0);
        let (mut frames, original) = if native {
            (message.into_frames(path), None)
        } else {
            match as_json(&message, &path) {
                Some(text) => (vec![text.into()], Some(Original(message.into_frames(path)))),
                None => {
                    let reason = Reason::NotAccepted;
                    return self.refuse_receipt(now, message, receipt, reason, room);
                }
            }
        };
        if request {
            frames.insert(0, Bytes::new());
        }
        self.counters.count(Flow::Delivered);
        self.out.push(Output::Deliver { conn, frames, original, receipt });
    }

    /// A message is not handed to its receiver after all, and is not a repeat when it comes again.
    fn refuse_receipt(
        &mut self,
        now: Now,
        message: Message,
        receipt: Option<Receipt>,
        reason: Reason,
        room: &impl Room,
    ) {
        if let Some(Receipt { source, id, .. }) = receipt {
            self.repeats.forget(&source, id);
        }
        self.refuse(now, message, reason, room);
    }

    /// Whether the client of a connection speaks this dialect.
    pub(super) fn speaks(&self, conn: ConnId, dialect: Dialect) -> bool {
        matches!(self.conns.get(&conn), Some(Conn::Client(client)) if client.dialect == Some(dialect))
    }
}

/// What a client that does not speak native is given.
fn as_json(message: &Message, path: &[u8]) -> Option<Vec<u8>> {
    let prefix = message.prefix();
    let tail = Tail::read(prefix.tail).unwrap_or_default();
    if prefix.kind == Kind::Ack {
        let destination = tail.destination.as_deref().unwrap_or_default();
        return Some(json::group_report(destination, tail.recipients?, &tail.missing));
    }
    if prefix.kind == Kind::Error {
        let reason = tail.reason.as_deref().unwrap_or("not delivered");
        let destination = tail.destination.as_deref().unwrap_or_default();
        let original = message.payload().get(1).map_or(&[][..], |frame| frame);
        let truncated = prefix.flags.has(Flags::TRUNCATED);
        return Some(json::routing_error(&told(reason, destination), original, truncated));
    }
    let payload: &[u8] = match message.payload() {
        [] => &[],
        [payload] => payload,
        _ => return None,
    };
    let path = Path::read(path).ok()?;
    let nodes = path.stamps().map(|stamp| stamp.node);
    Some(if tail.content_type.as_deref() == Some(json::CONTENT_TYPE) {
        json::delivered(payload, nodes, prefix.source)
    } else {
        json::delivered(&json::wrap(payload), nodes, prefix.source)
    })
}

/// A reason in the words of the json dialect.
pub(super) fn told(reason: &str, destination: &str) -> String {
    if reason == Refusal::UnknownDestination.reason() {
        format!("Unknown destination: {destination}")
    } else {
        reason.to_owned()
    }
}

/// For an error that goes back: the node before this one on the path of the message that failed.
fn retrace<'m>(prefix: &Prefix<'_>, message: &'m Message, me: &str) -> Option<&'m str> {
    if prefix.kind != Kind::Error {
        return None;
    }
    let path = Path::read(message.payload().first()?).ok()?;
    let mut before = None;
    for stamp in path.stamps() {
        if stamp.node == me {
            return before;
        }
        before = Some(stamp.node);
    }
    None
}

impl PathNames for Path<'_> {
    fn len(&self) -> usize {
        Path::len(self)
    }

    fn contains(&self, node: &str) -> bool {
        Path::contains(self, node)
    }
}

/// What `decide` may know besides the table.
struct Here<'a> {
    clients: &'a Clients,
    links: &'a std::collections::BTreeMap<NodeName, Link>,
    directory: &'a Directory,
    table: &'a Table,
    lane: Lane,
    is_error: bool,
}

impl Places for Here<'_> {
    fn is_here(&self, name: &str) -> Option<&str> {
        self.clients.name(name)
    }

    fn holder(&self, name: &str, id: MessageId) -> Option<&NodeName> {
        self.directory.holder(name, self.table, id)
    }

    fn is_balanced(&self, name: &str) -> bool {
        self.directory.policy(name) == Some(Policy::Balanced)
    }

    fn link_is_up(&self, neighbour: &str) -> bool {
        self.links.get(neighbour).is_some_and(Link::is_up)
    }

    fn has_room(&self, neighbour: &str, size: usize) -> bool {
        self.links.get(neighbour).is_some_and(|link| {
            link.is_up() && link.outbox.has_room(size, self.lane, self.is_error)
        })
    }
}
