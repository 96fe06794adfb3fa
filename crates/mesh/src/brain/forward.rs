//! The way of a message through a node: from a client or a neighbour, by `decide`, to the next.

use super::clients::Clients;
use super::links::{LOST, Link};
use super::message::Message;
use super::outbox::Lane;
use super::tables::Tables;
use super::{Brain, ConnId, Now, Room, counters::Flow, spread};
use crate::name::NodeName;
use crate::reason::Reason;
use crate::route::explain::Step;
use crate::route::{
    Basis, Directory, Local, PathNames, Places, Policy, Question, Refusal, Ruling, Table, Verdict,
    judge,
};
use crate::wire::{Kind, MessageId, Path, Prefix, Tail};

/// What was decided about a message.
struct Ruled {
    way: Way,
    /// Where a message that enters here leaves the mesh, if it goes the computed way.
    egress: Option<NodeName>,
}

impl Ruled {
    fn is_refused(&self) -> bool {
        matches!(self.way, Way::Refuse(_))
    }

    /// Whether the message would go where it has been.
    fn goes_back(&self, message: &Message) -> bool {
        match &self.way {
            Way::Refuse(refusal) => *refusal == Refusal::NextHopIsSource,
            Way::Neighbour(neighbour, _) => message.path().contains(neighbour.as_str()),
            Way::Node | Way::Client(_) => false,
        }
    }
}

/// Which way a message goes.
pub(super) enum Way {
    /// To this node.
    Node,
    /// To a client here, if it has a connection.
    Client(Option<ConnId>),
    /// To a neighbour, by a table whose revision begins so.
    Neighbour(NodeName, u32),
    Refuse(Refusal),
}

impl Brain {
    /// A client's message enters the mesh, or one that is kept here does so again: there is room for it.
    pub(super) fn send_from_here(&mut self, now: Now, message: Message, room: &impl Room) {
        if spread::is_for_several(&message) {
            return self.spread(now, message, room);
        }
        if !self.sets_out(now, &message) {
            return self.counters.count(Flow::Superseded);
        }
        let Ruled { way, egress } = self.rule(&message);
        let size = message.size();
        let goes_there = egress.filter(|_| matches!(way, Way::Neighbour(..)));
        self.take_way(now, message, way, room);
        if let Some(egress) = goes_there {
            self.count_flow(now, &egress, size, room);
        }
    }

    /// Whether there is room for a message of a client here at the node where it leaves the mesh; true as well where
    /// it does not get there, or nobody knows where that is.
    pub(super) fn has_room_for(&self, message: &Message) -> bool {
        if spread::is_for_several(message) {
            return self.spreads.has_room(message.size(), self.config.settings.flow);
        }
        let Ruled { way, egress } = self.judge(message, message.prefix().destination);
        match (way, egress) {
            (Way::Neighbour(..), Some(egress)) => {
                self.flows.has_room(&egress, message.size(), self.config.settings.flow)
            }
            _ => true,
        }
    }

    /// Asks `decide` about a message and does what it says.
    pub(super) fn route(&mut self, now: Now, message: Message, room: &impl Room) {
        if message.kind() == Kind::Error && !self.is_told(now, &message, room) {
            return self.counters.count(Flow::Superseded);
        }
        if message.is_spread() {
            return self.part(now, message, room);
        }
        let way = self.rule(&message).way;
        self.take_way(now, message, way, room);
    }

    /// Does what was decided about a message.
    pub(super) fn take_way(&mut self, now: Now, mut message: Message, way: Way, room: &impl Room) {
        let neighbour = match way {
            Way::Node => return self.answer(now, message, room),
            Way::Client(Some(conn)) => {
                let is_error = message.kind() == Kind::Error;
                if is_error && message.prefix().source != self.config.node.as_str() {
                    self.drain.told(now);
                }
                return self.deliver(now, message, conn, room);
            }
            Way::Client(None) => {
                return self.refuse(now, message, Reason::ReceiverGone, room);
            }
            Way::Refuse(refusal) => return self.refuse(now, message, refusal.into(), room),
            Way::Neighbour(neighbour, revision) => {
                message.sent_by = Some(revision);
                neighbour
            }
        };
        if self.drain.is_retiring() {
            let revision = self.tables.table.revision().short();
            if message.path().stamps().any(|stamp| stamp.revision != revision) {
                self.drain.passed_stale(now);
            }
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
    fn rule(&mut self, message: &Message) -> Ruled {
        self.rule_to(message, message.prefix().destination)
    }

    /// Which way a copy of a message goes to one of the nodes that it is for.
    pub(super) fn way_to(&mut self, message: &Message, node: &str) -> Way {
        self.rule_to(message, node).way
    }

    /// A table that is behind refuses nothing, and sends nothing where it has been: it is brought up first. What would
    /// go back even so goes on by the table that it was sent by, see [`Earlier`](super::tables::Earlier).
    fn rule_to(&mut self, message: &Message, destination: &str) -> Ruled {
        let mut ruled = self.judge(message, destination);
        if self.is_behind() && (ruled.goes_back(message) || ruled.is_refused()) {
            self.bring_table_up();
            ruled = self.judge(message, destination);
        }
        if ruled.goes_back(message) {
            let earlier = self.tables.earlier.of(&message.path()).into_iter();
            let mut then = earlier.map(|table| self.judge_by(table, message, destination));
            let goes_on = |then: &Ruled| !then.is_refused() && !then.goes_back(message);
            return then.find(goes_on).unwrap_or(ruled);
        }
        ruled
    }

    fn judge(&self, message: &Message, destination: &str) -> Ruled {
        self.judge_by(&self.tables.table, message, destination)
    }

    fn judge_by(&self, table: &Table, message: &Message, destination: &str) -> Ruled {
        let (prefix, path) = (message.prefix(), message.path());
        let here = Here {
            clients: &self.clients,
            links: &self.links,
            directory: &self.tables.directory,
            table,
            leaving: self.own.leaving,
            lane: message.lane(),
            is_error: prefix.kind == Kind::Error,
        };
        let question = Question {
            id: drawn_as(&prefix),
            destination,
            retrace: retrace(&prefix, message, self.config.node.as_str()),
            path: &path,
            from: message.ingress.as_ref().map(NodeName::as_str),
            hop_limit: prefix.hop_limit,
            size: message.size(),
        };
        let Ruling { verdict, basis } = judge(table, &here, &question);
        let way = match verdict {
            Verdict::Deliver(Local::Node) => Way::Node,
            Verdict::Deliver(Local::Client(name)) => Way::Client(self.clients.conn(name)),
            Verdict::Forward(neighbour) => {
                Way::Neighbour(neighbour.clone(), table.revision().short())
            }
            Verdict::Refuse(refusal) => Way::Refuse(refusal),
        };
        let egress = match basis {
            Basis::Computed { to, .. } | Basis::Alternate { to, .. }
                if message.ingress.is_none() =>
            {
                Some(to.clone())
            }
            Basis::Computed { .. }
            | Basis::Alternate { .. }
            | Basis::Here
            | Basis::Retrace
            | Basis::Static { .. }
            | Basis::Nothing { .. } => None,
        };
        Ruled { way, egress }
    }

    /// Whether a message that enters here would leave the mesh at `node`, as far as this node can tell.
    pub(super) fn is_egress(&self, message: &Message, node: &str) -> bool {
        let Ruled { egress, .. } = self.judge(message, message.prefix().destination);
        egress.is_some_and(|egress| egress.as_str() == node)
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
            leaving: self.own.leaving,
            lane: Lane::HERE,
            is_error: false,
        };
        let question = Question {
            id: MessageId::default(),
            destination,
            retrace: None,
            path,
            from: from.map(NodeName::as_str),
            hop_limit: self.config.settings.hop_limit,
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
}

/// The id by which one of those who hold a balanced service is picked: of a probe that asks for the way of another
/// message, that one's.
fn drawn_as(prefix: &Prefix<'_>) -> MessageId {
    match prefix.kind {
        Kind::Probe => {
            Tail::read(prefix.tail).ok().and_then(|tail| tail.correlation).unwrap_or(prefix.id)
        }
        Kind::Data
        | Kind::Reply
        | Kind::Error
        | Kind::Ack
        | Kind::Hello
        | Kind::LinkState
        | Kind::LinkAck
        | Kind::Batch
        | Kind::Control
        | Kind::Credit => prefix.id,
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
    /// This node leaves, and hands on what was on its way by the routes that it had, to others that leave too.
    leaving: bool,
    lane: Lane,
    is_error: bool,
}

impl Here<'_> {
    /// The link to a neighbour, if it may be sent something.
    fn open_link(&self, neighbour: &str) -> Option<&Link> {
        let link = self.links.get(neighbour)?;
        // One that has said good-bye still hands over what its clients are told.
        let takes = if self.leaving || self.is_error { link.is_up() } else { link.stays() };
        takes.then_some(link)
    }
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
        self.open_link(neighbour).is_some()
    }

    fn has_room(&self, neighbour: &str, size: usize) -> bool {
        let link = self.open_link(neighbour);
        link.is_some_and(|link| link.outbox.has_room(size, self.lane, self.is_error))
    }
}
