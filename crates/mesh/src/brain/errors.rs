//! What a sender is told of a message that was not delivered.

use bytes::Bytes;

use super::confirmed::{self, Fate};
use super::forward::Way;
use super::message::Message;
use super::unsaid::{self, Word};
use super::{Brain, ConnId, Now, Original, Output, Room, counters::Flow};
use crate::dialect::json;
use crate::reason::Reason;
use crate::wire::{Class, Flags, Kind, MAX_DESTINATION, Prefix, Tail};

/// The longest media type that an error repeats, in bytes.
const MAX_CONTENT_TYPE: usize = 256;

impl Brain {
    /// A message goes no further: it is counted under the reason, and its sender is told.
    ///
    /// An error carries the path of the message that failed, this node included, in its first
    /// payload frame and goes back along it; behind it the message's own payload, up to 64 KiB.
    /// An error that is not delivered makes no other error: it waits for a way, or is counted.
    pub(super) fn refuse(&mut self, now: Now, message: Message, reason: Reason, room: &impl Room) {
        if message.path().is_empty() && message.is_spread() {
            let missing = message.targets().unwrap_or_default();
            let key = confirmed::key(&message.prefix());
            self.counters.add(reason.text());
            self.counters.count(Flow::Dropped);
            self.not_reached(now, &key, &missing, room);
            return;
        }
        if message.path().is_empty() && message.prefix().class == Class::Confirmed {
            let me = self.config.node.clone();
            let key = confirmed::key(&message.prefix());
            let resent = message.prefix().flags.has(Flags::RESENT);
            match self.refused_copy(now, &key, (reason.text(), me.as_str()), resent, room) {
                Fate::Final => {}
                Fate::Again | Fate::Known => {
                    self.counters.add(reason.text());
                    return self.counters.count(Flow::Superseded);
                }
            }
        }
        self.give_back(now, message, reason, room);
    }

    /// A message is counted under a reason, and its sender is told: that is its end.
    pub(super) fn give_back(
        &mut self,
        now: Now,
        message: Message,
        reason: Reason,
        room: &impl Room,
    ) {
        let Err(message) = self.wait_for_a_way(now, message, reason) else {
            return;
        };
        self.counters.add(reason.text());
        let prefix = message.prefix();
        match prefix.kind {
            Kind::Data | Kind::Reply | Kind::Probe | Kind::Control => {}
            Kind::Error
            | Kind::Ack
            | Kind::Credit
            | Kind::Hello
            | Kind::LinkState
            | Kind::LinkAck
            | Kind::Batch => {
                return self.counters.count(Flow::Dropped);
            }
        }
        let here = self.config.node.as_str();
        let path = self.whole_path(now, &message);
        let is_spread = message.is_spread();
        let missing = if is_spread { message.targets().unwrap_or_default() } else { Vec::new() };
        let payload = message.payload().get(usize::from(is_spread)..).unwrap_or_default();
        let (payload, truncated) = beginning(payload);
        let marks = if truncated { Flags::TRUNCATED } else { Flags::default() };
        let content_type = Tail::read(prefix.tail).unwrap_or_default().content_type;
        let content_type = content_type.filter(|text| text.len() <= MAX_CONTENT_TYPE);
        let tail = Tail {
            correlation: Some(prefix.id),
            content_type,
            reason: Some(reason.text().to_owned()),
            node: Some(here.to_owned()),
            destination: Some(clipped(prefix.destination)),
            missing,
            ..Tail::default()
        };
        let marks = if is_spread { marks.with(Flags::SPREAD) } else { marks };
        let is_resent = prefix.flags.has(Flags::RESENT);
        let marks = if is_resent { marks.with(Flags::RESENT) } else { marks };
        // Where a message entered an error is its end; to any other node's the ingress may have more to say.
        let class = if message.path().is_empty() { Class::AtMostOnce } else { prefix.class };
        let prefix = Prefix {
            class,
            flags: marks,
            hop_limit: self.config.settings.hop_limit,
            id: prefix.id,
            destination: prefix.source,
            source: here,
            tail: &tail.write(),
            ..Prefix::new(Kind::Error)
        };
        let mut error = Message::new(&prefix, std::iter::once(path).chain(payload));
        error.arrived = now.unix_nanos;
        let end = if reason == Reason::InDoubt { Flow::Doubtful } else { Flow::Returned };
        self.counters.count(end);
        self.counters.count(Flow::Made);
        self.route(now, error, room);
    }

    /// A message could not be handed to its client after all.
    pub(super) fn undelivered(
        &mut self,
        now: Now,
        mut frames: hopline_core::Frames,
        original: Option<Original>,
        reason: Reason,
        room: &impl Room,
    ) {
        let frames = match original {
            Some(Original(frames)) => frames,
            None => {
                if frames.first().is_some_and(Bytes::is_empty) {
                    frames.remove(0);
                }
                frames
            }
        };
        let Ok(message) = Message::read(frames) else {
            return;
        };
        self.counters.take_back(Flow::Delivered);
        self.broker.sent = self.broker.sent.saturating_sub(u64::from(message.is_brokered()));
        if reason == Reason::ReceiverSlow
            && unsaid::is_word(&message, self.name())
            && let Way::Client(Some(conn)) = self.way_to(&message, message.prefix().destination)
        {
            return self.say_again(now, conn, message, room);
        }
        let prefix = message.prefix();
        self.repeats.forget(prefix.source, prefix.id);
        self.refuse(now, message, reason, room);
    }

    /// Tells a json client, on its own connection, what is wrong with what it sent.
    pub(super) fn json_error(
        &mut self,
        now: Now,
        conn: ConnId,
        why: &str,
        original: &Bytes,
        room: &impl Room,
    ) {
        let text = json::routing_error(why, original, false);
        self.tell_client(now, conn, vec![text.into()], room);
    }

    /// Tells a native client, on its own connection, what is wrong with what it sent.
    pub(super) fn native_error(
        &mut self,
        now: Now,
        conn: ConnId,
        why: &str,
        failed: &Prefix<'_>,
        room: &impl Room,
    ) {
        let node = self.config.node.as_str();
        let tail = Tail {
            correlation: Some(failed.id),
            reason: Some(why.to_owned()),
            node: Some(node.to_owned()),
            destination: Some(clipped(failed.destination)),
            ..Tail::default()
        };
        let prefix =
            Prefix { id: failed.id, source: node, tail: &tail.write(), ..Prefix::new(Kind::Error) };
        self.tell_client(now, conn, vec![prefix.write(), Bytes::new(), Bytes::new()], room);
    }

    /// A word to a client outside the routed messages.
    pub(super) fn tell_client(
        &mut self,
        now: Now,
        conn: ConnId,
        mut frames: hopline_core::Frames,
        room: &impl Room,
    ) {
        if self.client(conn).is_some_and(|client| client.request) {
            frames.insert(0, Bytes::new());
        }
        if self.unsaid.has(conn) || !room.has_room(conn) {
            return self.say_later(now, conn, Word::Frames(frames), room);
        }
        self.out.push(Output::Send { conn, frames });
    }
}

/// As much of a destination as an error repeats: its own header has a limit too.
fn clipped(destination: &str) -> String {
    let mut end = destination.len().min(MAX_DESTINATION);
    while !destination.is_char_boundary(end) {
        end -= 1;
    }
    destination.get(..end).unwrap_or_default().to_owned()
}

/// As much of a payload as an error shows, and whether something is missing.
fn beginning(payload: &[Bytes]) -> (Vec<Bytes>, bool) {
    let mut room = json::MAX_ORIGINAL;
    let mut shown = Vec::with_capacity(payload.len());
    for frame in payload {
        if frame.len() > room {
            // Not a slice: an error that waits would keep all of it.
            shown.push(Bytes::copy_from_slice(&frame[..room]));
            return (shown, true);
        }
        room -= frame.len();
        shown.push(frame.clone());
    }
    (shown, false)
}
