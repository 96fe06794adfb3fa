//! The way in: frames on a connection, and what a client's frames are in its dialect.

use bytes::Bytes;
use hopline_core::Frames;

use super::clients::Standing;
use super::conn::Conn;
use super::counters::Flow;
use super::links::length;
use super::message::Message;
use super::{Brain, ConnId, Now, Room};
use crate::dialect::Dialect;
use crate::reason::Reason;
use crate::wire::hello::Hello;
use crate::wire::{Class, Flags, Kind, MAX_HEADER, Prefix, Tail, WireError, batch, is_native};

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
                    let bytes = length(&frames);
                    self.greeted(now, conn, &mesh, node, nonce, bytes, room);
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
            return self.greeted(now, conn, &mesh, node, nonce, length(&frames), room);
        }
        let standing = self.standing(conn, &mut frames);
        if native {
            self.received_native(now, conn, frames, &standing, room);
        } else {
            self.received_raw(now, conn, &frames, &standing, room);
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
                return self.native_error(
                    now,
                    conn,
                    &error.to_string(),
                    &Prefix::new(Kind::Data),
                    room,
                );
            }
        };
        if let Standing::Refused(reason) = standing {
            self.counters.add(reason.text());
            if prefix.kind == Kind::Hello {
                let reason = reason.text().to_owned();
                return self.say(conn, &Hello::Refused { reason });
            }
            return self.native_error(now, conn, reason.text(), &prefix, room);
        }
        match prefix.kind {
            Kind::Hello => {
                let hello = frames.get(2).map(|payload| Hello::read(payload));
                if !matches!(hello, Some(Ok(Hello::Client {}))) {
                    self.counters.add("unexpected hello");
                    return self.native_error(now, conn, "unexpected hello", &prefix, room);
                }
                let mesh = self.config.mesh.clone();
                let node = self.config.node.clone();
                if room.has_room(conn) {
                    self.say(conn, &Hello::Hosted { mesh, node, name: source });
                    if self.drain.refuses() && !operator {
                        self.say(conn, &Hello::Leaving {});
                    }
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
                            return self.native_error(now, conn, why, &prefix, room);
                        }
                    }
                }
            }
            Kind::Control if self.config.settings.closed && !operator => {
                // What nodes answer tells the shape of the mesh: not for whoever reaches an open port.
                self.counters.add(Reason::NotAllowed.text());
                self.native_error(now, conn, Reason::NotAllowed.text(), &prefix, room);
            }
            Kind::Data | Kind::Reply | Kind::Probe | Kind::Control
                if let Some(why) = malformed(&frames, &prefix) =>
            {
                self.counters.add(why.reason());
                self.native_error(now, conn, &why.to_string(), &prefix, room);
            }
            Kind::Data | Kind::Reply | Kind::Probe | Kind::Control => {
                let limit = self.config.settings.hop_limit;
                let hop_limit =
                    if prefix.hop_limit == 0 { limit } else { prefix.hop_limit.min(limit) };
                let trusted = if operator { Flags::OPERATOR } else { Flags::default() };
                let is_kept = matches!(prefix.kind, Kind::Data | Kind::Reply);
                let class = if is_kept { prefix.class } else { Class::AtMostOnce };
                let unsaid = Flags::OPERATOR.with(Flags::RESENT).with(Flags::SPREAD);
                let unsaid = unsaid.with(Flags::BROKER);
                let prefix = Prefix {
                    class,
                    flags: prefix.flags.without(unsaid).with(trusted),
                    hop_limit,
                    source: &source,
                    ..prefix
                };
                let mut message = Message::new(&prefix, frames.into_iter().skip(2));
                if message.as_frames()[0].len() > MAX_HEADER {
                    self.counters.add(Reason::Malformed.text());
                    let why = WireError::TooLong("header").to_string();
                    return self.native_error(now, conn, &why, &prefix, room);
                }
                message.arrived = now.unix_nanos;
                self.counters.count(Flow::Accepted);
                self.enter(now, conn, message, room);
            }
            Kind::Error | Kind::Ack | Kind::Credit | Kind::LinkState | Kind::LinkAck => {
                self.counters.add(Reason::NotAccepted.text());
                self.native_error(now, conn, Reason::NotAccepted.text(), &prefix, room);
            }
        }
    }
}

fn opening(frames: &Frames) -> Option<Hello> {
    let prefix = Prefix::read(frames.first()?).ok()?;
    (prefix.kind == Kind::Hello).then(|| Hello::read(frames.get(2)?).ok())?
}

/// What is wrong with a client's message behind the fixed part of its header: nodes on the way do not look at that.
fn malformed(frames: &Frames, prefix: &Prefix<'_>) -> Option<WireError> {
    match frames.get(1) {
        Some(_) => Tail::read(prefix.tail).err(),
        None => Some(WireError::Missing("path")),
    }
}

/// Whether these frames are one message, and not a batch within a batch.
fn is_single(frames: &Frames) -> bool {
    let header = frames.first().and_then(|frame| Prefix::read(frame).ok());
    header.is_some_and(|prefix| prefix.kind.is_routed())
}
