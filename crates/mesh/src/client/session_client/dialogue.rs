//! The session dialect as a dialogue: every reply names its request.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use hopline_core::Frames;
use serde_json::{Value, json};

use super::super::error::AskError;
use super::super::session::unix_millis;
use super::super::talk::{Dialogue, Heard, Ticket, refusal};
use crate::dialect::session::{Answer, read_answer, write_request};

/// What is outstanding.
#[derive(Debug)]
pub(super) struct Session {
    name: String,
    plain: usize,
    inflated: usize,
    opening: Option<Ticket>,
    /// The type that each reply is to have.
    expected: BTreeMap<Ticket, &'static str>,
}

/// What a client asks for.
#[derive(Debug)]
pub(super) struct Request {
    kind: &'static str,
    reply: &'static str,
    payload: Bytes,
}

impl Request {
    pub(super) const PING: Self = Self { kind: "PING", reply: "PONG", payload: Bytes::new() };
    pub(super) const BYE: Self = Self { kind: "BYE", reply: "BYE_ACK", payload: Bytes::new() };

    pub(super) fn data(text: &str) -> Self {
        let payload = Bytes::copy_from_slice(text.as_bytes());
        Self { kind: "DATA", reply: "DATA_ACK", payload }
    }
}

impl Session {
    pub(super) fn new(name: String, plain: usize, inflated: usize) -> Self {
        Self { name, plain, inflated, opening: None, expected: BTreeMap::new() }
    }

    fn write(&self, kind: &str, ticket: Ticket, payload: &[u8]) -> Frames {
        let at = std::time::Duration::from_millis(unix_millis()).as_secs_f64();
        write_request(kind, &ticket.to_string(), at, payload, self.plain)
    }
}

impl Dialogue for Session {
    type Request = Request;
    type Event = Infallible;

    fn open(&mut self, ticket: Ticket) -> Frames {
        self.opening = Some(ticket);
        self.write("HELLO", ticket, json!({"name": self.name}).to_string().as_bytes())
    }

    fn ask(&mut self, ticket: Ticket, request: Request) -> Frames {
        self.expected.insert(ticket, request.reply);
        self.write(request.kind, ticket, &request.payload)
    }

    fn hear(&mut self, frames: &Frames) -> Heard<Infallible> {
        let Some(Answer { kind, reply_to, payload }) = read_answer(frames, self.inflated) else {
            return match refusal(frames).filter(|_| self.opening.is_some()) {
                Some(why) => Heard::NotOpened(why),
                None => Heard::Nothing,
            };
        };
        let ticket = reply_to.and_then(|id| id.parse().ok());
        let malformed = |why| AskError::Malformed { why };
        let text = |payload: &Value, field: &str| match payload.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(_) | None => payload.to_string(),
        };
        let reply = match (payload, kind.as_str()) {
            (Err(why), _) => Err(malformed(why)),
            (Ok(said), "ERROR") => Err(AskError::Refused { message: text(&said, "error") }),
            (Ok(said), _) => Ok(said),
        };
        // A server that does not read the header says so without naming the request.
        if self.opening.is_some()
            && (ticket == self.opening || (ticket.is_none() && reply.is_err()))
        {
            self.opening = None;
            return match reply {
                Ok(said) if kind == "WELCOME" => Heard::Opened(text(&said, "session_id")),
                Ok(_) => Heard::NotOpened(format!("HELLO was answered with {kind}")),
                Err(AskError::Refused { message }) => Heard::NotOpened(message),
                Err(error) => Heard::NotOpened(error.to_string()),
            };
        }
        let Some((ticket, expected)) =
            ticket.and_then(|ticket| Some((ticket, self.expected.remove(&ticket)?)))
        else {
            return Heard::Nothing;
        };
        let reply = match reply {
            Ok(_) if kind != expected => Err(malformed(format!("{kind} instead of {expected}"))),
            reply => reply,
        };
        Heard::Reply(ticket, reply)
    }

    fn withdraw(&mut self, ticket: Ticket) {
        self.expected.remove(&ticket);
    }

    fn lost(&mut self) {
        self.opening = None;
        self.expected.clear();
    }
}
