//! What a raw client sends: whose dialect it is, and the way in of a json message.

use bytes::Bytes;
use hopline_core::Frames;

use super::clients::Standing;
use super::conn::Conn;
use super::counters::Flow;
use super::delivery::told;
use super::message::Message;
use super::{Brain, ConnId, Now, Room};
use crate::dialect::broker;
use crate::dialect::json::{self, JsonError};
use crate::dialect::session::{self, Reply, SessionError};
use crate::dialect::{Dialect, Object, Settled, form, settle};
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::{Flags, Kind, MAX_DESTINATION, Prefix, Tail, WireError};

impl Brain {
    /// Frames of a client that do not begin with native magic.
    pub(super) fn received_raw(
        &mut self,
        now: Now,
        conn: ConnId,
        frames: &Frames,
        standing: &Standing,
        room: &impl Room,
    ) {
        if matches!(standing, Standing::Held) {
            return;
        }
        let Some(last) = self.client(conn).map(|client| client.dialect) else {
            return;
        };
        if last == Some(Dialect::Native) {
            // Its first message settled what it speaks.
            self.counters.add(WireError::Magic.reason());
            let failed = Prefix::new(Kind::Data);
            return self.native_error(now, conn, &WireError::Magic.to_string(), &failed, room);
        }
        let first = frames.first().cloned().unwrap_or_default();
        let object = Object::read(&first);
        let form = form(frames.len(), object.as_ref().ok()).or_else(|| mended_form(frames));
        let settled = settle(form, frames.len(), last, &self.config.settings.dialects);
        let (dialect, refused) = match (settled, standing) {
            (Settled::In(dialect), Standing::Refused(reason)) => {
                self.counters.add(reason.text());
                (dialect, Some(reason.text()))
            }
            (Settled::In(dialect), Standing::Attached | Standing::Held) => (dialect, None),
            (Settled::Unlisted { form, told_in }, _) => {
                self.counters.add(Reason::NotAccepted.text());
                (told_in, Some(not_spoken(form)))
            }
        };
        if form == Some(dialect)
            && let Some(client) = self.client(conn)
        {
            client.dialect = Some(dialect);
        }
        match (dialect, refused) {
            (Dialect::Session, None) => self.received_session(now, conn, frames, room),
            (Dialect::Session, Some(why)) => {
                let id = session::id_of(&first);
                self.say_session(now, conn, &Reply::Error(SessionError::Refused(why)), id, room);
            }
            (Dialect::Broker, why) => self.received_broker(now, conn, &first, why, room),
            (_, Some(why)) => self.json_error(now, conn, why, &first, room),
            (_, None) => {
                let object = match frames.len() {
                    0 | 1 => object.map_err(JsonError::from),
                    count => Err(JsonError::Frames(count)),
                };
                self.received_json(now, conn, &first, object, room);
            }
        }
    }

    fn received_json(
        &mut self,
        now: Now,
        conn: ConnId,
        first: &Bytes,
        object: Result<Object<'_>, JsonError>,
        room: &impl Room,
    ) {
        let object = object.and_then(|object| json::of_object(&object));
        let request = match object {
            Ok(request) => request,
            Err(error) => {
                self.counters.add(Reason::Malformed.text());
                return self.json_error(now, conn, &error.to_string(), first, room);
            }
        };
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return;
        };
        let source = self.address(client);
        let flags = if client.operator { Flags::OPERATOR } else { Flags::default() };
        self.counters.count(Flow::Accepted);
        if request.destination.len() > MAX_DESTINATION {
            let reason = Refusal::UnknownDestination;
            self.counters.add(reason.reason());
            self.counters.count(Flow::Returned);
            let why = told(reason.reason(), &request.destination);
            return self.json_error(now, conn, &why, first, room);
        }
        let tail = Tail { content_type: Some(json::CONTENT_TYPE.to_owned()), ..Tail::default() };
        let prefix = Prefix {
            flags,
            hop_limit: self.config.settings.hop_limit,
            id: self.next_id(),
            destination: &request.destination,
            source: &source,
            tail: &tail.write(),
            ..Prefix::new(Kind::Data)
        };
        let mut message = Message::new(&prefix, [first.clone()]);
        message.arrived = now.unix_nanos;
        self.enter(now, conn, message, room);
    }
}

/// The broker dialect, if a message has its form once what no reader could read is made good.
fn mended_form(frames: &Frames) -> Option<Dialect> {
    let [first] = &frames[..] else {
        return None;
    };
    let mended = broker::screened(first).ok()?;
    let object = Object::read(&mended).ok()?;
    form(1, Some(&object)).filter(|form| *form == Dialect::Broker)
}

/// What a client is told whose dialect is not listed.
fn not_spoken(form: Dialect) -> &'static str {
    match form {
        Dialect::Native => "this node does not speak native",
        Dialect::Json => "this node does not speak json",
        Dialect::Broker => "this node does not speak broker",
        Dialect::Session => "this node does not speak session",
    }
}
