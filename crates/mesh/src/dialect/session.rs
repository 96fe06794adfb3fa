//! The session dialect: two frames, a JSON header with `version`, and a payload.
//!
//! ```text
//!  client                                       node
//!    HELLO {"name": ...}                   ->
//!                                          <-     WELCOME {"status", "server_time", "session_id"}
//!    DATA  text                            ->
//!                                          <-     DATA_ACK, what the node's handler says of it
//!    PING  anything                        ->
//!                                          <-     PONG {"server_time", "client_count"}
//!    BYE   anything                        ->
//!                                          <-     BYE_ACK {"status"}, the session has ended
//! ```
//!
//! Bytes in, bytes out: whose session it is, and how many there are, is the node's to know. What a client sends
//! compressed is never inflated past a limit, and is looked through before any of it is kept.

mod client;
mod data;
mod zlib;

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub(crate) use client::{Answer, read_answer, write_request};
pub use data::{Data, DataHandler, Echo};

use super::object::{Object, text_of, written};
use super::text::{key, string};

/// The version that is spoken.
pub const VERSION: &str = "1.0";

/// No payload is inflated to more bytes than this where nothing else is said: 16 MiB.
pub const MAX_INFLATED: usize = 16 * 1024 * 1024;

/// A reply's payload is compressed if its JSON is longer, in bytes.
const PLAIN: usize = 1024;

/// A client's message that has passed all checks for which no session is needed.
#[derive(Debug)]
pub struct Request<'a> {
    /// What it asks for.
    pub verb: Verb,
    /// Its `id`, as JSON, if it has one.
    pub id: Option<&'a str>,
    /// Its payload, inflated. Empty where nobody reads it.
    pub payload: Cow<'a, [u8]>,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A session.
    Hello,
    /// That a text is handled.
    Data,
    /// Whether the node is there.
    Ping,
    /// That its session ends.
    Bye,
}

/// A message that is answered with an error, and its `id`.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<'a> {
    /// What is wrong.
    pub error: SessionError,
    /// The message's `id`, as JSON, as far as it had one that could be read.
    pub id: Option<&'a str>,
}

/// What is wrong with a client's message, in the words that it is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Fewer than two frames.
    #[error("Invalid message format")]
    Format,
    /// A header or a payload that cannot be read.
    #[error("Protocol error: {0}")]
    Protocol(String),
    /// A version that is not spoken here.
    #[error("Unsupported protocol version")]
    Version,
    /// A `type` that is none.
    #[error("Unknown message type: {0}")]
    UnknownType(String),
    /// Data without a session.
    #[error("Not authenticated")]
    NotAuthenticated,
    /// A HELLO whose payload is no JSON object.
    #[error("Hello processing error: {0}")]
    Hello(String),
    /// The client may not speak here, for this reason.
    #[error("{0}")]
    Refused(&'static str),
}

/// Reads a client's frames, inflating to at most `limit` bytes. Frames after the second are ignored.
///
/// # Errors
/// [`Refused`] with the first check that fails: form, header, version, compression, type.
pub fn read(frames: &[Bytes], limit: usize) -> Result<Request<'_>, Refused<'_>> {
    let [header, payload, ..] = frames else {
        let id = frames.first().and_then(|header| id_of(header));
        return Err(Refused { error: SessionError::Format, id });
    };
    let protocol = |why: String| SessionError::Protocol(why);
    let header = Object::read(header)
        .map_err(|error| Refused { error: protocol(format!("header: {error}")), id: None })?;
    let id = id_in(&header);
    let refused = |error| Refused { error, id };
    if text_of(header.last("version")).as_deref() != Some(VERSION) {
        return Err(refused(SessionError::Version));
    }
    let verb = text_of(header.last("type")).and_then(|text| Verb::named(&text));
    let is_read = matches!(verb, Some(Verb::Hello | Verb::Data));
    let payload = if header.last("compressed").is_some_and(is_true) {
        let found = zlib::inflated_length(payload, limit)
            .and_then(|length| match is_read {
                true => zlib::inflate(payload, length),
                false => Ok(Vec::new()),
            })
            .map_err(|error| refused(protocol(error.to_string())))?;
        Cow::Owned(found)
    } else {
        Cow::Borrowed(&payload[..])
    };
    let Some(verb) = verb else {
        return Err(refused(SessionError::UnknownType(written(header.last("type")))));
    };
    Ok(Request { verb, id, payload })
}

/// The `id` of a message whose first frame is this, as JSON, if it has one.
pub(crate) fn id_of(header: &[u8]) -> Option<&str> {
    id_in(&Object::read(header).ok()?)
}

fn id_in<'a>(header: &Object<'a>) -> Option<&'a str> {
    header.last("id").map(RawValue::get)
}

/// The name in a HELLO's payload, as JSON where it is no string; `unknown` where it has none.
///
/// # Errors
/// [`SessionError::Hello`] where the payload is no JSON object.
pub fn hello_name(payload: &[u8]) -> Result<String, SessionError> {
    let object = Object::read(payload).map_err(|error| SessionError::Hello(error.to_string()))?;
    let name = object.last("name");
    let name = name.map(|name| text_of(Some(name)).unwrap_or(Cow::Borrowed(name.get())));
    Ok(name.unwrap_or(Cow::Borrowed("unknown")).into_owned())
}

/// What a node says to a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A session has begun.
    Welcome {
        /// The client's identity, as text.
        session_id: String,
    },
    /// A text was handled; what the handler says.
    DataAck(Value),
    /// The node is there.
    Pong {
        /// How many sessions it has.
        client_count: usize,
    },
    /// The session has ended.
    ByeAck,
    /// Something is wrong with the message.
    Error(SessionError),
}

impl Reply {
    /// The reply's two frames: with the id `id`, of the time `at` in Unix seconds, to the message whose own id is
    /// `reply_to`, as JSON.
    #[must_use]
    pub fn write(&self, id: &str, at: f64, reply_to: Option<&str>) -> Vec<Bytes> {
        let (kind, payload) = match self {
            Self::Welcome { session_id } => (
                "WELCOME",
                json!({"status": "welcome", "server_time": at, "session_id": session_id}),
            ),
            Self::DataAck(said) => ("DATA_ACK", said.clone()),
            Self::Pong { client_count } => {
                ("PONG", json!({"server_time": at, "client_count": client_count}))
            }
            Self::ByeAck => ("BYE_ACK", json!({"status": "goodbye"})),
            Self::Error(error) => ("ERROR", json!({"error": error.to_string()})),
        };
        let mut payload = payload.to_string().into_bytes();
        let compressed = payload.len() > PLAIN;
        if compressed {
            payload = zlib::deflate(&payload);
        }
        let mut header = vec![b'{'];
        for (name, text) in [("version", VERSION), ("type", kind), ("id", id)] {
            key(&mut header, name);
            string(&mut header, text);
        }
        for (name, value) in [("timestamp", json!(at)), ("compressed", json!(compressed))] {
            key(&mut header, name);
            header.extend_from_slice(value.to_string().as_bytes());
        }
        if let Some(reply_to) = reply_to {
            key(&mut header, "reply_to");
            header.extend_from_slice(reply_to.as_bytes());
        }
        header.push(b'}');
        vec![header.into(), payload.into()]
    }
}

impl Verb {
    fn named(name: &str) -> Option<Self> {
        match name {
            "HELLO" => Some(Self::Hello),
            "DATA" => Some(Self::Data),
            "PING" => Some(Self::Ping),
            "BYE" => Some(Self::Bye),
            _ => None,
        }
    }
}

/// What the clients' language takes for true.
fn is_true(field: &RawValue) -> bool {
    match serde_json::from_str(field.get()) {
        Ok(Value::Bool(truth)) => truth,
        Ok(Value::Number(number)) => number.as_f64() != Some(0.0),
        Ok(Value::String(text)) => !text.is_empty(),
        Ok(Value::Array(items)) => !items.is_empty(),
        Ok(Value::Object(fields)) => !fields.is_empty(),
        Ok(Value::Null) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
