//! The broker dialect: one frame, a JSON object with `type`.
//!
//! ```text
//!  client                                                node
//!    {"type": "register", "name": "bob"}              ->
//!                                                     <-    registration_ack
//!    {"type": "direct_message", "target": .., ..}     ->
//!                                                     <-    delivery_confirmation, once `direct_message` has gone out to it
//!    {"type": "broadcast", "content": ..}             ->
//!                                                     <-    broadcast_confirmation, once all who were meant have been sent it
//!    {"type": "list_clients"}                         ->
//!                                                     <-    client_list
//!    {"type": "ping"}                                 ->
//!                                                     <-    pong
//! ```
//!
//! Bytes in, bytes out: who is registered where is the nodes' to know. A `content` is carried as it was written, but what
//! would be no JSON for its receiver is not: half of a surrogate pair becomes U+FFFD, and what is nested deeper than
//! most readers go is refused.

mod screen;

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::object::{Object, ObjectError, text_of, written};
use super::text::{key, seconds, string};

pub use screen::MAX_DEPTH;

/// The longest name that a client may register, in bytes.
pub const MAX_NAME: usize = 255;

/// The name of a client that has not said one, in a `client_list`.
const UNNAMED: &str = "unnamed";

/// A client's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// It wants to be called so.
    Register {
        /// The name.
        name: Cow<'a, str>,
    },
    /// A message to the client of a name.
    Direct {
        /// The name; none where there is none in the message.
        target: Option<Cow<'a, str>>,
        /// The target as the client wrote it, as JSON.
        written: &'a str,
        /// What is sent, as JSON.
        content: &'a str,
    },
    /// A message to every client but the sender.
    Broadcast {
        /// What is sent, as JSON.
        content: &'a str,
    },
    /// Who is there.
    List {
        /// At this node only, and not in the whole mesh.
        here: bool,
    },
    /// Whether the node is there.
    Ping,
}

/// What is wrong with a client's message, or became of it, in the words that it is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// A `type` that is none, or none at all.
    #[error("Unknown message type: {0}")]
    UnknownType(String),
    /// No object, or one that nobody could read.
    #[error("Message processing error: {0}")]
    Malformed(String),
    /// Nobody has registered the name.
    #[error("Target client '{0}' not found")]
    NoTarget(String),
    /// The target's node did not say that the message was handed over.
    #[error("Delivery to '{0}' timed out")]
    TimedOut(String),
    /// The message was refused on its way, for this reason.
    #[error("Delivery to '{target}' failed: {reason}")]
    Failed {
        /// The target's name.
        target: String,
        /// Why.
        reason: String,
    },
    /// The broadcast was refused, for this reason.
    #[error("Broadcast failed: {0}")]
    BroadcastFailed(String),
    /// The client may not speak here, for this reason.
    #[error("{0}")]
    Refused(&'static str),
}

/// A client's frame, with what no reader could read made good.
///
/// # Errors
/// [`BrokerError::Malformed`] where it is nested deeper than [`MAX_DEPTH`].
pub fn screened(frame: &[u8]) -> Result<Cow<'_, [u8]>, BrokerError> {
    screen::screened(frame).map_err(|deep| BrokerError::Malformed(deep.to_string()))
}

/// Takes a client's frame apart.
///
/// # Errors
/// [`BrokerError::Malformed`] where it is no JSON object.
pub(crate) fn object(frame: &[u8]) -> Result<Object<'_>, BrokerError> {
    Object::read(frame).map_err(|error: ObjectError| BrokerError::Malformed(error.to_string()))
}

/// Reads a client's object.
///
/// # Errors
/// [`BrokerError::UnknownType`], and [`BrokerError::Malformed`] where a name is too long.
pub(crate) fn read<'a>(object: &Object<'a>) -> Result<Request<'a>, BrokerError> {
    let kind = object.last("type");
    let content = || object.last("content").map_or("null", RawValue::get);
    match text_of(kind).as_deref() {
        Some("register") => {
            let name = object.last("name").map_or(Cow::Borrowed(UNNAMED), name_of);
            if name.len() > MAX_NAME {
                let length = name.len();
                let why = format!("a name has at most {MAX_NAME} bytes, this one has {length}");
                return Err(BrokerError::Malformed(why));
            }
            Ok(Request::Register { name })
        }
        Some("direct_message") => {
            let target = object.last("target").filter(|target| target.get() != "null");
            let written = target.map_or("null", RawValue::get);
            Ok(Request::Direct { target: target.map(name_of), written, content: content() })
        }
        Some("broadcast") => Ok(Request::Broadcast { content: content() }),
        Some("list_clients") => {
            let here = text_of(object.last("scope")).is_some_and(|scope| scope == "node");
            Ok(Request::List { here })
        }
        Some("ping") => Ok(Request::Ping),
        Some(_) | None => Err(BrokerError::UnknownType(written(kind))),
    }
}

/// One client, as a `client_list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The name that it has registered, if any.
    pub name: Option<String>,
    /// When it became known, in nanoseconds since the Unix epoch.
    pub since: u64,
    /// When it last sent something, in nanoseconds since the Unix epoch.
    pub active: u64,
    /// How many messages it has sent.
    pub count: u64,
}

/// What a node answers a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is called so now.
    Registered {
        /// The client's identity, as text.
        client_id: String,
        /// The name.
        name: String,
    },
    /// The message was handed to its target's connection.
    Delivered {
        /// The target as the client wrote it, as JSON.
        target: String,
    },
    /// How many clients were sent a broadcast.
    Broadcast {
        /// That many.
        recipients: u32,
    },
    /// Who is there: a text of [`client_list`].
    List(Bytes),
    /// The node is there, and has counted this.
    Pong {
        /// Messages of clients handled, this ping among them.
        received: u64,
        /// Messages to clients, this pong not among them.
        sent: u64,
        /// Errors among those.
        errors: u64,
    },
    /// Something is wrong.
    Error(BrokerError),
}

impl Reply {
    /// The reply's frame, of the time `at` in Unix seconds.
    #[must_use]
    pub fn write(&self, at: f64) -> Bytes {
        let value = match self {
            Self::Registered { client_id, name } => json!({
                "type": "registration_ack", "status": "success", "client_id": client_id,
                "message": format!("Registered as {name}"),
            }),
            Self::Delivered { target } => {
                let mut text = typed("delivery_confirmation");
                key(&mut text, "target");
                text.extend_from_slice(target.as_bytes());
                key(&mut text, "status");
                string(&mut text, "delivered");
                text.push(b'}');
                return text.into();
            }
            Self::Broadcast { recipients } => {
                json!({"type": "broadcast_confirmation", "recipients": recipients})
            }
            Self::List(text) => return text.clone(),
            Self::Pong { received, sent, errors } => json!({
                "type": "pong", "timestamp": at,
                "stats": {"received": received, "sent": sent, "errors": errors},
            }),
            Self::Error(error) => {
                json!({"type": "error", "message": error.to_string(), "timestamp": at})
            }
        };
        value.to_string().into()
    }
}

/// What another client is given: a `direct_message` or a `broadcast`, from the client of this name, if it has one, with
/// a content that is JSON.
#[must_use]
pub fn delivered(kind: &str, from: Option<&str>, content: &str, at: f64) -> Bytes {
    let mut text = typed(kind);
    key(&mut text, "from");
    string(&mut text, from.unwrap_or("unknown"));
    key(&mut text, "content");
    text.extend_from_slice(content.as_bytes());
    key(&mut text, "timestamp");
    text.extend_from_slice(json!(at).to_string().as_bytes());
    text.push(b'}');
    text.into()
}

/// The frame of a `client_list`: these clients, in this order, and the nodes that did not say theirs, if any.
#[must_use]
pub fn client_list<'a>(
    clients: impl IntoIterator<Item = &'a Listed>,
    missing: &[impl AsRef<str>],
) -> Bytes {
    let shown = |it: &Listed| {
        json!({
            "name": it.name.as_deref().unwrap_or(UNNAMED),
            "connected_since": seconds(it.since),
            "last_activity": seconds(it.active),
            "message_count": it.count,
        })
    };
    let clients: Vec<_> = clients.into_iter().map(shown).collect();
    let total = clients.len();
    let mut list = json!({"type": "client_list", "clients": clients, "total": total});
    if !missing.is_empty() {
        list["missing"] = missing.iter().map(AsRef::as_ref).collect();
    }
    list.to_string().into()
}

fn typed(kind: &str) -> Vec<u8> {
    let mut text = vec![b'{'];
    key(&mut text, "type");
    string(&mut text, kind);
    text
}

/// A name: a string's text, anything else as JSON.
fn name_of(field: &RawValue) -> Cow<'_, str> {
    text_of(Some(field)).unwrap_or(Cow::Borrowed(field.get()))
}

#[cfg(test)]
mod tests;
