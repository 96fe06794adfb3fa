//! The way of a message through a node: from a client or a neighbour, by `decide`, to the next.

use bytes::Bytes;
use hopline_core::Frames;

use super::clients::{Clients, Standing};
use super::conn::Conn;
use super::links::Link;
use super::message::Message;
use super::{Brain, ConnId, Now, Original, Output, Room, counters::Flow};
use crate::dialect::{Dialect, json};
use crate::name::NodeName;
use crate::reason::Reason;
use crate::route::{
    Directory, Local, PathNames, Places, Question, Refusal, Table, Verdict, decide,
};
use crate::wire::hello::Hello;
use crate::wire::{
    Flags, Kind, MAX_DESTINATION, MAX_HEADER, Path, Prefix, Tail, WireError, batch, is_native,
};

impl Brain {
    /// Frames on a connection.
    pub(super) fn received(&mut self, now: Now, conn: ConnId, frames: Frames, room: &impl Room) {
        let hello = || {
            let prefix = Prefix::read(frames.first()?).ok()?;
            (prefix.kind == Kind::Hello).then(|| Hello::read(frames.get(2)?).ok())?
        };
        match self.conns.get(&conn) {
            Some(Conn::Link(neighbour)) => {
                let neighbour = neighbour.clone();
                self.received_on_link(now, conn, neighbour, frames, room);
            }
            Some(Conn::Client(_)) => self.received_from_client(now, conn, frames, room),
            Some(Conn::Greeting(_)) => {
                let hello = hello();
                self.received_greeting(now, conn, hello, room);
            }
            Some(Conn::Dialling(_)) => {
                let hello = hello();
                self.received_dialling(now, conn, hello, room);
            }
            Some(Conn::Standby(standby)) if standby.welcomed => self.counters.add("after close"),
            Some(Conn::Standby(_) | Conn::Refused) => match hello() {
                Some(Hello::Open { mesh, node, nonce }) => {
                    self.greeted(now, conn, &mesh, node, nonce, room);
                }
                Some(_) | None => self.misbehaved(now, conn, "unexpected hello", room),
            },
            None => self.counters.add("after close"),
        }
    }

    fn received_from_client(
        &mut self,
        now: Now,
        conn: ConnId,
        mut frames: Frames,
        room: &impl Room,
    ) {
        let Some(client) = self.client(conn) else {
            return;
        };
        if client.request && frames.first().is_some_and(Bytes::is_empty) {
            frames.remove(0);
        }
        let native = frames.first().is_some_and(|frame| is_native(frame));
        if native && let Some(Hello::Open { mesh, node, nonce }) = opening(&frames) {
            return self.greeted(now, conn, &mesh, node, nonce, room);
        }
        let standing = self.standing(conn, &mut frames);
        if native {
            self.received_native(now, conn, frames, &standing, room);
        } else {
            self.received_json(now, conn, &frames, &standing, room);
        }
    }

    fn received_native(
        &mut self,
        now: Now,
        conn: ConnId,
        frames: Frames,
        standing: &Standing,
        room: &impl Room,
    ) {
        if matches!(standing, Standing::Held) {
            return;
        }
        let (operator, source) = match self.conns.get(&conn) {
            Some(Conn::Client(client)) => (client.operator, self.address(client)),
            _ => return,
        };
        if let Some(client) = self.client(conn) {
            client.dialect = Some(Dialect::Native);
        }
        let Some(header) = frames.first().cloned() else {
            return;
        };
        let prefix = match Prefix::read(&header) {
            Ok(prefix) => prefix,
            Err(error) => {
                self.counters.add(error.reason());
                return self.native_error(conn, &error.to_string(), &Prefix::new(Kind::Data), room);
            }
        };
        if matches!(standing, Standing::InUse) {
            self.counters.add(Reason::NameInUse.text());
            if prefix.kind == Kind::Hello {
                let reason = Reason::NameInUse.text().to_owned();
                return self.say(conn, &Hello::Refused { reason });
            }
            return self.native_error(conn, Reason::NameInUse.text(), &prefix, room);
        }
        match prefix.kind {
            Kind::Hello => {
                let hello = frames.get(2).map(|payload| Hello::read(payload));
                if !matches!(hello, Some(Ok(Hello::Client {}))) {
                    self.counters.add("unexpected hello");
                    return self.native_error(conn, "unexpected hello", &prefix, room);
                }
                let mesh = self.config.mesh.clone();
                let node = self.config.node.clone();
                if room.has_room(conn) {
                    self.say(conn, &Hello::Hosted { mesh, node, name: source });
                }
            }
            Kind::Batch => {
                for message in batch::read(frames.get(2).cloned().unwrap_or_default()) {
                    match message {
                        Ok(frames) if is_single(&frames) => {
                            self.received_native(now, conn, frames, standing, room);
                        }
                        Ok(_) | Err(_) => {
                            self.counters.add(Reason::Malformed.text());
                            let why = Reason::Malformed.text();
                            return self.native_error(conn, why, &prefix, room);
                        }
                    }
                }
            }
            Kind::Data | Kind::Reply | Kind::Probe | Kind::Control => {
                let limit = self.config.hop_limit;
                let hop_limit =
                    if prefix.hop_limit == 0 { limit } else { prefix.hop_limit.min(limit) };
                let trusted = if operator { Flags::OPERATOR } else { Flags::default() };
                let prefix = Prefix {
                    flags: prefix.flags.without(Flags::OPERATOR).with(trusted),
                    hop_limit,
                    source: &source,
                    ..prefix
                };
                let mut message = Message::new(&prefix, frames.into_iter().skip(2));
                if message.as_frames()[0].len() > MAX_HEADER {
                    self.counters.add(Reason::Malformed.text());
                    let why = WireError::TooLong("header").to_string();
                    return self.native_error(conn, &why, &prefix, room);
                }
                message.arrived = now.unix_nanos;
                self.counters.count(Flow::Accepted);
                self.route(now, message, room);
            }
            Kind::Error | Kind::Ack | Kind::LinkState | Kind::LinkAck => {
                self.counters.add(Reason::NotAccepted.text());
                self.native_error(conn, Reason::NotAccepted.text(), &prefix, room);
            }
        }
    }

    fn received_json(
        &mut self,
        now: Now,
        conn: ConnId,
        frames: &Frames,
        standing: &Standing,
        room: &impl Room,
    ) {
        let first = frames.first().cloned().unwrap_or_default();
        match standing {
            Standing::Held => return,
            Standing::InUse => {
                self.counters.add(Reason::NameInUse.text());
                return self.json_error(conn, Reason::NameInUse.text(), &first, room);
            }
            Standing::Attached => {}
        }
        if self.client(conn).is_some_and(|client| client.dialect == Some(Dialect::Native)) {
            // Its first message settled what it speaks.
            self.counters.add(WireError::Magic.reason());
            let failed = Prefix::new(Kind::Data);
            return self.native_error(conn, &WireError::Magic.to_string(), &failed, room);
        }
        if !self.config.dialects.contains(&Dialect::Json) {
            self.counters.add(Reason::NotAccepted.text());
            return self.json_error(conn, "this node does not speak json", &first, room);
        }
        let request = match frames.len() {
            0 | 1 => json::read(&first),
            count => Err(json::JsonError::Frames(count)),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                self.counters.add(Reason::Malformed.text());
                return self.json_error(conn, &error.to_string(), &first, room);
            }
        };
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return;
        };
        let source = self.address(client);
        if let Some(client) = self.client(conn) {
            client.dialect = Some(Dialect::Json);
        }
        self.counters.count(Flow::Accepted);
        if request.destination.len() > MAX_DESTINATION {
            let reason = Refusal::UnknownDestination;
            self.counters.add(reason.reason());
            self.counters.count(Flow::Returned);
            return self.json_error(
                conn,
                &told(reason.reason(), &request.destination),
                &first,
                room,
            );
        }
        let tail = Tail { content_type: Some(json::CONTENT_TYPE.to_owned()), ..Tail::default() };
        let prefix = Prefix {
            hop_limit: self.config.hop_limit,
            id: self.next_id(),
            destination: &request.destination,
            source: &source,
            tail: &tail.write(),
            ..Prefix::new(Kind::Data)
        };
        let mut message = Message::new(&prefix, [first.clone()]);
        message.arrived = now.unix_nanos;
        self.route(now, message, room);
    }

    /// Asks `decide` about a message and does what it says.
    pub(super) fn route(&mut self, now: Now, message: Message, room: &impl Room) {
        let (prefix, path) = (message.prefix(), message.path());
        let here = Here {
            clients: &self.clients,
            links: &self.links,
            directory: &self.tables.directory,
            table: &self.tables.table,
            is_error: prefix.kind == Kind::Error,
        };
        let question = Question {
            destination: prefix.destination,
            retrace: retrace(&prefix, &message, self.config.node.as_str()),
            path: &path,
            from: message.ingress.as_ref().map(NodeName::as_str),
            hop_limit: prefix.hop_limit,
            size: message.size(),
        };
        let verdict = decide(&self.tables.table, &here, &question);
        let (client, neighbour) = match verdict {
            Verdict::Deliver(Local::Node) => return self.answer(now, message, room),
            Verdict::Deliver(Local::Client(name)) => (self.clients.conn(name), None),
            Verdict::Forward(neighbour) => (None, Some(neighbour.clone())),
            Verdict::Refuse(refusal) => return self.refuse(now, message, refusal.into(), room),
        };
        let link = neighbour.and_then(|neighbour| self.links.get_mut(&neighbour));
        match (client, link) {
            (Some(conn), _) => self.deliver(now, message, conn, room),
            (None, Some(link)) => link.outbox.push(message),
            (None, None) => self.refuse(now, message, Refusal::Unreachable.into(), room),
        }
    }

    /// Hands a message to a client, in the client's dialect.
    fn deliver(&mut self, now: Now, message: Message, conn: ConnId, room: &impl Room) {
        match message.kind() {
            Kind::Probe => return self.answer_probe(now, &message, room),
            Kind::Data | Kind::Reply | Kind::Error => {}
            Kind::Ack => return self.counters.count(Flow::Answered),
            Kind::Control | Kind::Hello | Kind::LinkState | Kind::LinkAck | Kind::Batch => {
                return self.refuse(now, message, Reason::NotAccepted, room);
            }
        }
        if !room.has_room(conn) {
            return self.refuse(now, message, Reason::ReceiverSlow, room);
        }
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return;
        };
        let (native, request) = (client.dialect == Some(Dialect::Native), client.request);
        let path = message.path().stamped(&self.stamp(now, &message), 0);
        let (mut frames, original) = if native {
            (message.into_frames(path), None)
        } else {
            match as_json(&message, &path) {
                Some(text) => (vec![text.into()], Some(Original(message.into_frames(path)))),
                None => return self.refuse(now, message, Reason::NotAccepted, room),
            }
        };
        if request {
            frames.insert(0, Bytes::new());
        }
        self.counters.count(Flow::Delivered);
        self.out.push(Output::Deliver { conn, frames, original });
    }
}

/// What a client that does not speak native is given.
fn as_json(message: &Message, path: &[u8]) -> Option<Vec<u8>> {
    let prefix = message.prefix();
    let tail = Tail::read(prefix.tail).unwrap_or_default();
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

fn opening(frames: &Frames) -> Option<Hello> {
    let prefix = Prefix::read(frames.first()?).ok()?;
    (prefix.kind == Kind::Hello).then(|| Hello::read(frames.get(2)?).ok())?
}

/// Whether these frames are one message, and not a batch within a batch.
fn is_single(frames: &Frames) -> bool {
    let header = frames.first().and_then(|frame| Prefix::read(frame).ok());
    header.is_some_and(|prefix| prefix.kind.is_routed())
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
    is_error: bool,
}

impl Places for Here<'_> {
    fn is_here(&self, name: &str) -> Option<&str> {
        self.clients.name(name)
    }

    fn holder(&self, name: &str) -> Option<&NodeName> {
        self.directory.holder(name, self.table)
    }

    fn link_is_up(&self, neighbour: &str) -> bool {
        self.links.get(neighbour).is_some_and(Link::is_up)
    }

    fn has_room(&self, neighbour: &str, size: usize) -> bool {
        self.links
            .get(neighbour)
            .is_some_and(|link| link.is_up() && link.outbox.has_room(size, self.is_error))
    }
}
