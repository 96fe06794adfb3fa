//! What a client sends and receives.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::name::NodeName;
use crate::wire::{Class, Flags, Kind, MessageId, Path, Prefix, Stamp, Tail, Times, WireError};

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it is to go: `name`, `name@node`, a node, `#group`, or `*`.
    pub to: String,
    /// Its frames.
    pub payload: Vec<Bytes>,
    /// The media type of the payload. `application/json` is handed to json clients as it is.
    pub content_type: Option<String>,
    /// The message that this one answers, or asks the way of.
    pub correlation: Option<MessageId>,
    /// What is promised of its delivery. Default `at_most_once`.
    pub class: Class,
    /// How long a confirmed message may take. Default 30 s, at most an hour.
    pub patience: Option<Duration>,
    /// Whether stamps carry times.
    pub trace: bool,
    /// The greatest number of nodes on its path; none leaves it to the mesh.
    pub hop_limit: Option<u8>,
}

impl Outgoing {
    /// A message of one frame.
    #[must_use]
    pub fn new(to: &str, payload: impl Into<Bytes>) -> Self {
        Self {
            to: to.to_owned(),
            payload: vec![payload.into()],
            content_type: None,
            correlation: None,
            class: Class::AtMostOnce,
            patience: None,
            trace: false,
            hop_limit: None,
        }
    }

    /// The same, confirmed: see [`Class::Confirmed`].
    #[must_use]
    pub fn confirmed(self) -> Self {
        Self { class: Class::Confirmed, ..self }
    }
}

/// What comes to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Somebody's message.
    Message(Message),
    /// A message of this client's was not delivered.
    Failed(Failure),
    /// A confirmed message of this client's was handed to its receiver, or one to several to those it reached.
    Delivered(Delivery),
}

impl Incoming {
    /// The message, where it is one.
    ///
    /// # Errors
    /// [`Undeliverable`] with the failure, where it is one.
    pub fn message(self) -> Result<Message, Undeliverable> {
        match self {
            Self::Message(message) => Ok(message),
            Self::Failed(failure) => Err(Undeliverable::Failed(Box::new(failure))),
            Self::Delivered(delivery) => Err(Undeliverable::Delivered(delivery)),
        }
    }
}

/// A message was expected, and something else came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undeliverable {
    /// A failure.
    #[error(transparent)]
    Failed(Box<Failure>),
    /// The confirmation of a message that this client sent.
    #[error("no message, but the confirmation that {} was handed over at {}", .0.id, .0.node)]
    Delivered(Delivery),
}

/// A confirmed message was handed to its receiver's connection, or one to several (`#group`, `*`) to the connections
/// of those that it reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub id: MessageId,
    /// Where it was sent to.
    pub destination: String,
    /// The node that says so: the receiver's; of a message to several, the sender's own.
    pub node: String,
    /// How many clients it was handed to.
    pub recipients: u32,
    /// Of a message to several, the nodes that did not say in time, or did not get it.
    pub missing: Vec<NodeName>,
}

/// Somebody's message, as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who sent it: an address to answer to, written by the sender's node.
    pub source: String,
    /// Which nodes handled it, in order.
    pub path: Vec<PathStep>,
    /// Its frames.
    pub payload: Vec<Bytes>,
    /// The media type of the payload, if the sender said it.
    pub content_type: Option<String>,
    /// Its identity.
    pub id: MessageId,
    /// The message that it answers, if any.
    pub correlation: Option<MessageId>,
    /// Whether it may have been delivered before: a confirmed message was sent again, and its receiver's node cannot know,
    /// as it has not run or not had this receiver for long enough, or as the service has members at other nodes.
    pub may_repeat: bool,
}

impl Message {
    /// The names of the nodes that handled it, in order.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        self.path.iter().map(|step| step.node.as_str()).collect()
    }
}

/// A message of this client's was not delivered.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// Why.
    pub reason: String,
    /// The node that says so.
    pub node: String,
    /// Where the message was to go.
    pub destination: String,
    /// Which nodes handled it, the one that gave up included.
    pub path: Vec<PathStep>,
    /// Its frames; only their beginning where they are over 64 KiB.
    pub original: Vec<Bytes>,
    /// Whether `original` is only the beginning.
    pub truncated: bool,
    /// The message.
    pub id: MessageId,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}: {} says: {}", self.id, self.destination, self.node, self.reason)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<_> = self.path.iter().map(|step| &step.node).collect();
        f.debug_struct("Failure")
            .field("reason", &self.reason)
            .field("node", &self.node)
            .field("destination", &self.destination)
            .field("path", &path)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One node on a message's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStep {
    /// The node.
    pub node: String,
    /// The neighbour that it came from; empty where it entered the mesh.
    pub ingress: String,
    /// The first 32 bits of the node's revision.
    pub revision: u32,
    /// When it came and went, where that was asked for.
    pub times: Option<Times>,
}

impl From<Stamp<'_>> for PathStep {
    fn from(stamp: Stamp<'_>) -> Self {
        let Stamp { node, ingress, revision, times } = stamp;
        Self { node: node.to_owned(), ingress: ingress.to_owned(), revision, times }
    }
}

/// The way that a probe took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Where it went.
    pub to: String,
    /// The nodes that handled it, in order.
    pub path: Vec<PathStep>,
    /// The nodes that handled the answer, in order.
    pub back: Vec<PathStep>,
}

impl Trace {
    /// The names of the nodes that handled the probe, in order.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        self.path.iter().map(|step| step.node.as_str()).collect()
    }
}

/// Reads a delivered message: what it answers, and what it is.
pub(super) fn read(frames: Vec<Bytes>) -> Result<(Option<MessageId>, Incoming), WireError> {
    let mut frames = frames.into_iter();
    let header = frames.next().ok_or(WireError::Missing("first"))?;
    let path = frames.next().unwrap_or_default();
    let mut payload: Vec<Bytes> = frames.collect();
    let prefix = Prefix::read(&header)?;
    let tail = Tail::read(prefix.tail)?;
    let steps = |frame: &[u8]| -> Result<Vec<PathStep>, WireError> {
        Ok(Path::read(frame)?.stamps().map(Into::into).collect())
    };
    if prefix.kind == Kind::Error {
        let failed = if payload.is_empty() { Bytes::new() } else { payload.remove(0) };
        return Ok((
            Some(prefix.id),
            Incoming::Failed(Failure {
                reason: tail.reason.unwrap_or_default(),
                node: tail.node.unwrap_or_default(),
                destination: tail.destination.unwrap_or_default(),
                path: steps(&failed)?,
                original: payload,
                truncated: prefix.flags.has(Flags::TRUNCATED),
                id: prefix.id,
            }),
        ));
    }
    if prefix.kind == Kind::Ack {
        return Ok((
            Some(prefix.id),
            Incoming::Delivered(Delivery {
                id: prefix.id,
                destination: tail.destination.unwrap_or_default(),
                node: tail.node.unwrap_or_default(),
                recipients: tail.recipients.unwrap_or(1),
                missing: tail.missing,
            }),
        ));
    }
    let answers = (prefix.kind == Kind::Reply).then_some(tail.correlation).flatten();
    Ok((
        answers,
        Incoming::Message(Message {
            source: prefix.source.to_owned(),
            path: steps(&path)?,
            payload,
            content_type: tail.content_type,
            id: prefix.id,
            correlation: tail.correlation,
            may_repeat: prefix.flags.has(Flags::RESENT),
        }),
    ))
}
