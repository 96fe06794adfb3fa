//! The way out: a message is handed to a client, in the client's dialect.

use bytes::Bytes;

use super::conn::Conn;
use super::message::Message;
use super::unsaid::{self, Word};
use super::{Brain, ConnId, Now, Original, Output, Receipt, Room, counters::Flow};
use crate::dialect::{Dialect, json};
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::{Flags, Kind, Path, Tail};

impl Brain {
    /// Hands a message to a client, in the client's dialect.
    pub(super) fn deliver(&mut self, now: Now, message: Message, conn: ConnId, room: &impl Room) {
        if self.is_denied(&message, conn) {
            return self.refuse(now, message, Refusal::AccessDenied.into(), room);
        }
        let is_word = unsaid::is_word(&message, self.name());
        if is_word && self.is_broker_outcome(now, conn, &message, room) {
            return self.counters.count(Flow::Answered);
        }
        match message.kind() {
            Kind::Probe => return self.answer_probe(now, &message, room),
            Kind::Data | Kind::Reply | Kind::Error => {}
            Kind::Ack if self.is_told_ends(conn) => {}
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
        if self.waits_to_be_said(&message, conn, room) {
            return self.say_later(now, conn, Word::Message(message), room);
        }
        self.hand(now, message, conn, room);
    }

    /// Hands a message to a client that may have it.
    pub(super) fn hand(&mut self, now: Now, mut message: Message, conn: ConnId, room: &impl Room) {
        let alone = self.alone_since(&message, conn);
        let receipt = match self.receipt(now, &mut message, alone) {
            Ok(receipt) => receipt,
            Err(seen) => return self.repeat(now, &message, seen, room),
        };
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return self.refuse_receipt(now, message, receipt, Reason::ReceiverGone, room);
        };
        if !room.has_room(conn) {
            let has_ended = room.has_ended(conn);
            let reason = if has_ended { Reason::ReceiverGone } else { Reason::ReceiverSlow };
            return self.refuse_receipt(now, message, receipt, reason, room);
        }
        let (native, request) = (client.dialect == Some(Dialect::Native), client.request);
        if client.dialect == Some(Dialect::Session) {
            return self.refuse_receipt(now, message, receipt, Reason::NotAccepted, room);
        }
        let is_brokered = message.is_brokered();
        let path = self.whole_path(now, &message);
        let (mut frames, original) = if native {
            (message.into_frames(path), None)
        } else {
            match as_json(&message, &path) {
                Some(text) => (vec![text], Some(Original(message.into_frames(path)))),
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
        self.broker.sent += u64::from(is_brokered);
        self.out.push(Output::Deliver { conn, frames, original, receipt });
    }

    /// A message's path with this node at its end.
    pub(super) fn whole_path(&self, now: Now, message: &Message) -> Bytes {
        let (path, here) = (message.path(), self.config.node.as_str());
        if path.stamps().last().is_some_and(|stamp| stamp.node == here) {
            message.path_frame().clone()
        } else {
            path.stamped(&self.stamp(now, message), 0)
        }
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

    /// Whether the client of a connection can be told what became of its messages.
    fn is_told_ends(&self, conn: ConnId) -> bool {
        let spoken = [Dialect::Native, Dialect::Json, Dialect::Broker];
        spoken.iter().any(|dialect| self.speaks(conn, *dialect))
    }

    /// Whether the client of a connection speaks this dialect.
    pub(super) fn speaks(&self, conn: ConnId, dialect: Dialect) -> bool {
        matches!(self.conns.get(&conn), Some(Conn::Client(client)) if client.dialect == Some(dialect))
    }
}

/// What a client that does not speak native is given.
fn as_json(message: &Message, path: &[u8]) -> Option<Bytes> {
    if message.is_brokered() {
        return message.payload().first().cloned();
    }
    let prefix = message.prefix();
    let tail = Tail::read(prefix.tail).unwrap_or_default();
    if prefix.kind == Kind::Ack {
        let destination = tail.destination.as_deref().unwrap_or_default();
        return Some(json::group_report(destination, tail.recipients?, &tail.missing).into());
    }
    if prefix.kind == Kind::Error {
        let reason = tail.reason.as_deref().unwrap_or("not delivered");
        let destination = tail.destination.as_deref().unwrap_or_default();
        let original = message.payload().get(1).map_or(&[][..], |frame| frame);
        let truncated = prefix.flags.has(Flags::TRUNCATED);
        let text = json::routing_error(&told(reason, destination), original, truncated);
        return Some(text.into());
    }
    let payload: &[u8] = match message.payload() {
        [] => &[],
        [payload] => payload,
        _ => return None,
    };
    let path = Path::read(path).ok()?;
    let nodes = path.stamps().map(|stamp| stamp.node);
    let text = if tail.content_type.as_deref() == Some(json::CONTENT_TYPE) {
        json::delivered(payload, nodes, prefix.source)
    } else {
        json::delivered(&json::wrap(payload), nodes, prefix.source)
    };
    Some(text.into())
}

/// A reason in the words of the json dialect.
pub(super) fn told(reason: &str, destination: &str) -> String {
    if reason == Refusal::UnknownDestination.reason() {
        format!("Unknown destination: {destination}")
    } else {
        reason.to_owned()
    }
}
