//! The broker dialect at a node: who is known, what becomes of their messages, and what they are answered.
//!
//! All nodes of a mesh are one broker. A name is registered at the node of its client and told to the others like any
//! other (`names`); a direct message is one of class `confirmed` to it, and waits a moment for a name that is not known yet
//! (`seeking`). A broadcast goes to every node, and there to all who have spoken this dialect. Answers come in the order of
//! the requests (`replies`), whatever is ready first.

mod listing;
mod names;
mod replies;
mod seeking;

use std::time::Duration;

use bytes::Bytes;

use super::conn::Conn;
use super::counters::Flow;
use super::message::Message;
use super::{Brain, ConnId, Now, Room};
use crate::dialect::broker::{self, BrokerError, Reply, Request};
use crate::dialect::{json, seconds};
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::{Class, Flags, Kind, MessageId, Prefix, Tail};

use listing::Round;
use names::Names;
use replies::{Asked, Replies};
pub(super) use seeking::NEWS;
use seeking::Seeking;

/// How long a sender waits for a message to be handed over.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a broadcast goes.
const EVERYONE: &str = "*";

/// What a node knows of this dialect.
#[derive(Debug, Default)]
pub(super) struct Broker {
    names: Names,
    /// The question to all nodes who is there.
    listing: Option<Round>,
    seeking: Seeking,
    /// Messages of clients that were handled, messages to clients, and errors among those.
    received: u64,
    pub(super) sent: u64,
    errors: u64,
}

/// A client of this dialect.
#[derive(Debug, Default)]
pub(super) struct BrokerClient {
    known: Option<Known>,
    replies: Replies,
}

impl BrokerClient {
    /// Whether so many of its requests are not answered that it is not to be read, where it is read now or not.
    pub(super) fn is_behind(&self, paused: bool) -> bool {
        self.replies.are_many(paused)
    }
}

/// What is known of a client since its first object.
#[derive(Debug)]
struct Known {
    /// The name that it registered, and when in Unix milliseconds.
    name: Option<(String, u64)>,
    /// When its first object came, in nanoseconds since the Unix epoch.
    since: u64,
    /// When its last one did.
    active: u64,
    /// How many there were.
    count: u64,
}

impl Broker {
    pub(super) fn due(&self) -> Option<Duration> {
        let listing = self.listing.as_ref().map(Round::until);
        listing.into_iter().chain(self.seeking.due()).min()
    }
}

/// Whether an address is that of a registered name, which only this dialect sends to.
pub(super) fn is_registered(destination: &str) -> bool {
    destination.starts_with(':')
}

/// Whether a message is for whoever has registered a name.
pub(super) fn is_to_registered(message: &Message) -> bool {
    message.is_brokered() && is_registered(message.prefix().destination)
}

impl Brain {
    /// A message of a client that speaks the broker dialect; or it may not speak, for this reason.
    pub(super) fn received_broker(
        &mut self,
        now: Now,
        conn: ConnId,
        frame: &Bytes,
        refused: Option<&'static str>,
        room: &impl Room,
    ) {
        self.broker.received += 1;
        let reply = match refused {
            Some(why) => Err(BrokerError::Refused(why)),
            None => self.brokered(now, conn, frame, room),
        };
        let reply = match reply {
            Ok(None) => return,
            Ok(Some(reply)) => {
                self.counters.count(Flow::Accepted);
                self.counters.count(Flow::Answered);
                reply
            }
            Err(error) => {
                if let Some(reason) = counted(&error) {
                    self.counters.add(reason);
                }
                Reply::Error(error)
            }
        };
        self.reply_broker(now, conn, reply, room);
    }

    /// Does what a client asks. Gives back what it is answered, where that is known at once.
    fn brokered(
        &mut self,
        now: Now,
        conn: ConnId,
        frame: &Bytes,
        room: &impl Room,
    ) -> Result<Option<Reply>, BrokerError> {
        let frame = broker::screened(frame)?;
        let object = broker::object(&frame)?;
        self.know(now, conn);
        match broker::read(&object)? {
            Request::Register { name } => Ok(self.register(now, conn, name.into_owned())),
            Request::Direct { target, written, content } => {
                let Some(target) = target else {
                    return Err(BrokerError::NoTarget("None".to_owned()));
                };
                let id = self.next_id();
                let payload = self.brokered_payload(now, conn, "direct_message", content);
                let written = written.to_owned();
                let asked = Asked::Direct { target: target.clone().into_owned(), written };
                self.fits(&asked, &payload)?;
                if self.await_outcome(now, conn, id, asked, room) {
                    self.send_or_seek(now, conn, id, target.into_owned(), payload, room);
                }
                Ok(None)
            }
            Request::Broadcast { content } => {
                let id = self.next_id();
                let payload = self.brokered_payload(now, conn, "broadcast", content);
                self.fits(&Asked::Broadcast, &payload)?;
                if self.await_outcome(now, conn, id, Asked::Broadcast, room) {
                    self.send_brokered(now, conn, id, EVERYONE, payload, room);
                }
                Ok(None)
            }
            Request::List { here: true } => {
                Ok(Some(Reply::List(broker::client_list(&self.listed_here(), &[] as &[&str]))))
            }
            Request::List { here: false } => {
                self.list_all(now, conn, room);
                Ok(None)
            }
            Request::Ping => {
                Ok(Some(Reply::Pong { received: self.broker.received, sent: 0, errors: 0 }))
            }
        }
    }

    /// A client has sent an object: it is known from now on.
    fn know(&mut self, now: Now, conn: ConnId) {
        let Some(client) = self.client(conn) else {
            return;
        };
        let client = client.broker.get_or_insert_default();
        let known = client.known.get_or_insert(Known {
            name: None,
            since: now.unix_nanos,
            active: now.unix_nanos,
            count: 0,
        });
        known.active = now.unix_nanos;
        known.count += 1;
    }

    /// The clients here that are sent a broadcast of the client at this address, in the order of their connections.
    pub(super) fn all_known(&self, sender: &str) -> Vec<ConnId> {
        let is_meant = |(_, conn): &(&ConnId, &Conn)| match conn {
            Conn::Client(client) => {
                let known = client.broker.as_ref().and_then(|broker| broker.known.as_ref());
                known.is_some() && self.address(client) != sender
            }
            Conn::Greeting(_)
            | Conn::Dialling(_)
            | Conn::Link(_)
            | Conn::Standby(_)
            | Conn::Refused => false,
        };
        let mut meant: Vec<_> = self.conns.iter().filter(is_meant).map(|(conn, _)| *conn).collect();
        meant.sort_unstable();
        meant
    }

    /// A client's content, as others get it.
    fn brokered_payload(&mut self, now: Now, conn: ConnId, kind: &str, content: &str) -> Bytes {
        let known = self.client(conn).and_then(|client| client.broker.as_ref()?.known.as_ref());
        let from = known.and_then(|known| Some(known.name.as_ref()?.0.as_str()));
        broker::delivered(kind, from, content, seconds(now.unix_nanos))
    }

    /// What others would get must go through their ports: it is longer than what the client has sent.
    fn fits(&mut self, asked: &Asked, payload: &Bytes) -> Result<(), BrokerError> {
        if payload.len() <= self.config.frame {
            return Ok(());
        }
        self.counters.add(Reason::TooLarge.text());
        Err(failed(asked, Reason::TooLarge.text()))
    }

    /// What a client sends goes on its way.
    fn send_brokered(
        &mut self,
        now: Now,
        conn: ConnId,
        id: MessageId,
        destination: &str,
        payload: Bytes,
        room: &impl Room,
    ) {
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return;
        };
        let source = self.address(client);
        let operator = if client.operator { Flags::OPERATOR } else { Flags::default() };
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let tail = Tail {
            content_type: Some(json::CONTENT_TYPE.to_owned()),
            deadline: Some(now.unix_millis().saturating_add(patience)),
            ..Tail::default()
        };
        let prefix = Prefix {
            class: Class::Confirmed,
            flags: Flags::BROKER.with(operator),
            hop_limit: self.config.settings.hop_limit,
            id,
            destination,
            source: &source,
            tail: &tail.write(),
            ..Prefix::new(Kind::Data)
        };
        let mut message = Message::new(&prefix, [payload]);
        message.arrived = now.unix_nanos;
        self.counters.count(Flow::Accepted);
        self.enter(now, conn, message, room);
    }

    /// Says to a client what it is answered, now that it is its turn.
    fn say_broker(&mut self, now: Now, conn: ConnId, reply: Reply, room: &impl Room) {
        let reply = match reply {
            Reply::Pong { received, .. } => {
                let Broker { sent, errors, .. } = self.broker;
                Reply::Pong { received, sent, errors }
            }
            Reply::Error(error) => {
                self.broker.errors += 1;
                Reply::Error(error)
            }
            reply @ (Reply::Registered { .. }
            | Reply::Delivered { .. }
            | Reply::Broadcast { .. }
            | Reply::List(_)) => reply,
        };
        self.broker.sent += 1;
        self.tell_client(now, conn, vec![reply.write(seconds(now.unix_nanos))], room);
    }

    /// A client has gone, or has lost its place here: nobody finds it by its broker name any more.
    pub(super) fn leave_broker(&mut self, conn: ConnId) {
        self.unregister(conn);
        self.stop_seeking(conn);
        if let Some(client) = self.client(conn)
            && let Some(broker) = &mut client.broker
        {
            broker.known = None;
        }
    }
}

/// Under which reason an error is counted; none where it has been already.
fn counted(error: &BrokerError) -> Option<&'static str> {
    match error {
        BrokerError::UnknownType(_) | BrokerError::Malformed(_) => Some(Reason::Malformed.text()),
        BrokerError::NoTarget(_) => Some(Refusal::UnknownDestination.reason()),
        BrokerError::TimedOut(_)
        | BrokerError::Failed { .. }
        | BrokerError::BroadcastFailed(_)
        | BrokerError::Refused(_) => None,
    }
}

/// What a client is told of a message of its own that was not delivered, for this reason.
fn failed(asked: &Asked, reason: &str) -> BrokerError {
    let Asked::Direct { target, .. } = asked else {
        return BrokerError::BroadcastFailed(reason.to_owned());
    };
    let target = target.clone();
    if reason == Refusal::UnknownDestination.reason() || reason == Reason::ReceiverGone.text() {
        BrokerError::NoTarget(target)
    } else if reason == Reason::Deadline.text() {
        BrokerError::TimedOut(target)
    } else {
        BrokerError::Failed { target, reason: reason.to_owned() }
    }
}

/// What became of a client's message, as `id` says it.
fn outcome(asked: &Asked, ended: &Message) -> Reply {
    let tail = Tail::read(ended.prefix().tail).unwrap_or_default();
    match (asked, ended.kind()) {
        (Asked::Direct { written, .. }, Kind::Ack) => Reply::Delivered { target: written.clone() },
        (Asked::Broadcast | Asked::List, Kind::Ack) => {
            Reply::Broadcast { recipients: tail.recipients.unwrap_or_default() }
        }
        (asked, _) => {
            Reply::Error(failed(asked, tail.reason.as_deref().unwrap_or("not delivered")))
        }
    }
}

/// The message that another tells the end of.
fn ended(message: &Message) -> Option<MessageId> {
    Tail::read(message.prefix().tail).ok()?.correlation
}
