//! Messages of class `confirmed` where they entered: kept, and sent again, until their end is known.
//!
//! ```text
//!  from its client --> kept --+-- the egress says that it was handed over -----> `ack` to the client
//!                       |  ^  +-- refused for good, or the deadline passes ----> error to the client
//!                 sent  v  |
//!                  a copy--+ refused for now, or nothing heard: sent again
//! ```
//!
//! Nothing but the death of this node ends it otherwise. What it keeps is bounded in bytes.

mod kept;

use std::time::Duration;

pub(super) use kept::Confirmed;
use kept::Kept;

use super::broker::{NEWS, is_to_registered};
use super::message::Message;
use super::{Brain, ConnId, Now, Room, counters::Flow, spread};
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::{Class, Flags, Kind, MessageId, Path, Prefix, Tail};

/// How long a sender that says no deadline waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// A deadline further off than this counts as this.
const LONGEST: Duration = Duration::from_secs(3600);
/// The longest pause after which it is sent again; each is twice the one before.
const AGAIN_AT_MOST: Duration = Duration::from_secs(8);
/// When it is sent again after a node refused it for now; doubled each time too.
const SOON: Duration = Duration::from_millis(50);
/// When it is sent again after the routes have changed.
pub(super) const ROUTES_CHANGED: Duration = Duration::from_millis(300);

/// A message's sender, as the ingress wrote it, and its id.
pub(super) type Key = (String, MessageId);

/// What the refusal of one copy of a confirmed message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The message's end is known already, and its sender was told.
    Known,
    /// It will be sent again.
    Again,
    /// It is the message's end.
    Final,
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(most)
}

/// Whether what enters here is a copy of a message that is kept until its end is known.
pub(super) fn is_kept(message: &Message) -> bool {
    message.prefix().class == Class::Confirmed && !spread::is_for_several(message)
}

/// What a message is known by.
pub(super) fn key(prefix: &Prefix<'_>) -> Key {
    (prefix.source.to_owned(), prefix.id)
}

impl Brain {
    /// A confirmed message of a client here, on its way into the mesh.
    pub(super) fn keep(&mut self, now: Now, conn: ConnId, message: Message, room: &impl Room) {
        let key = key(&message.prefix());
        let refused = if self.confirmed.numbers.contains_key(&key) {
            Some(Reason::Repeated)
        } else if !self.confirmed.has_room(message.size()) {
            Some(Refusal::QueueFull.into())
        } else {
            None
        };
        if let Some(reason) = refused {
            return self.give_back(now, message, reason, room);
        }
        let Some(patience) = patience(now, &message) else {
            return self.give_back(now, message, Reason::Deadline, room);
        };
        self.confirmed.keep(key, message.clone(), now.since_start + patience);
        self.let_in(now, conn, message, room);
    }

    /// A copy of a message that is kept here goes on its way. Says whether it is to go: its sender may have given up.
    pub(super) fn sets_out(&mut self, now: Now, message: &Message) -> bool {
        !is_kept(message) || self.confirmed.sent(now.since_start, &key(&message.prefix()))
    }

    fn send_again(&mut self, now: Now, number: u64, room: &impl Room) {
        let Some(kept) = self.confirmed.kept.get(&number) else {
            return;
        };
        if is_to_registered(&kept.message) {
            let destination = kept.message.prefix().destination.to_owned();
            if let Some(moved) = self.moved(&destination) {
                self.confirmed.redirect(number, &moved);
            }
        }
        let Some(kept) = self.confirmed.kept.get(&number) else {
            return;
        };
        if !self.has_room_for(&kept.message) {
            // What was sent before it is on its way yet: so may it be.
            return self.confirmed.put_off(number, now.since_start + ROUTES_CHANGED);
        }
        let mut message = kept.message.clone();
        message.arrived = now.unix_nanos;
        message.mark_resent(kept.may_have_arrived());
        self.counters.count(Flow::Made);
        self.send_from_here(now, message, room);
    }

    /// Sends again what is due, and gives up what is over.
    pub(super) fn tick_confirmed(&mut self, now: Now, room: &impl Room) {
        while let Some((due, number)) = self.confirmed.timers.first().copied()
            && due <= now.since_start
        {
            let Some(kept) = self.confirmed.kept.get(&number) else {
                self.confirmed.timers.remove(&(due, number));
                continue;
            };
            if kept.until > now.since_start {
                self.send_again(now, number, room);
                continue;
            }
            let key = key(&kept.message.prefix());
            if let Some(message) = self.confirmed.end(&key) {
                self.counters.count(Flow::Made);
                self.give_back(now, message, Reason::Deadline, room);
            }
        }
    }

    /// Gives up all that is kept, as the node leaves. What has been sent may have arrived, or yet arrive.
    pub(super) fn give_back_confirmed(&mut self, now: Now, room: &impl Room) {
        let reason =
            |kept: &Kept| if kept.may_have_arrived() { Reason::InDoubt } else { Reason::Leaving };
        let kept = self.confirmed.kept.values();
        let kept = kept.map(|kept| (key(&kept.message.prefix()), reason(kept)));
        for (key, reason) in kept.collect::<Vec<_>>() {
            if let Some(message) = self.confirmed.end(&key) {
                self.counters.count(Flow::Made);
                self.give_back(now, message, reason, room);
            }
        }
    }

    /// The routes have changed: what has not arrived may have another way now.
    pub(super) fn hasten_confirmed(&mut self, now: Now) {
        let again = now.since_start + ROUTES_CHANGED;
        for number in self.confirmed.kept.keys().copied().collect::<Vec<_>>() {
            self.confirmed.hasten(number, again);
        }
    }

    /// A copy of a confirmed message that entered here is refused, by this node or by another; it may have arrived before,
    /// where it was `resent` on its way.
    pub(super) fn refused_copy(
        &mut self,
        now: Now,
        key: &Key,
        (reason, node): (&str, &str),
        resent: bool,
        room: &impl Room,
    ) -> Fate {
        let number = self.confirmed.numbers.get(key).copied();
        if let Some(kept) = number.and_then(|number| self.confirmed.kept.get_mut(&number)) {
            kept.waits = false;
            kept.out = kept.out.saturating_sub(1);
            kept.doubtful |= resent;
        }
        let kept = number.and_then(|number| Some((number, self.confirmed.kept.get(&number)?)));
        let Some((number, kept)) = kept else {
            return Fate::Known;
        };
        let is_final = match reason == Refusal::UnknownDestination.reason() {
            // Another node on the way may only be behind.
            true => node == self.name().as_str() || self.is_egress(&kept.message, node),
            false => !Reason::may_pass(reason),
        };
        let pause = doubled(SOON, kept.tries.saturating_sub(1), AGAIN_AT_MOST);
        let in_doubt = kept.may_have_arrived();
        if is_final && !self.may_turn_up(now, number, reason) {
            if let Some(message) = self.confirmed.end(key).filter(|_| in_doubt) {
                self.counters.count(Flow::Made);
                self.give_back(now, message, Reason::InDoubt, room);
                return Fate::Known;
            }
            return Fate::Final;
        }
        self.confirmed.hasten(number, now.since_start + pause);
        Fate::Again
    }

    /// Whether a registered name that its node has no more may be at another, and only the news of it is late.
    fn may_turn_up(&mut self, now: Now, number: u64, reason: &str) -> bool {
        let is_gone =
            reason == Refusal::UnknownDestination.reason() || reason == Reason::ReceiverGone.text();
        let is_news_to_come = self.tables.table.iter().next().is_some();
        let Some(kept) = self.confirmed.kept.get_mut(&number) else {
            return false;
        };
        if !is_gone || !is_news_to_come || !is_to_registered(&kept.message) {
            return false;
        }
        let until = now.since_start + NEWS;
        *kept.sought.get_or_insert(until) > now.since_start
    }

    /// An error comes by for a message that entered here. Says whether it goes on to the client.
    pub(super) fn is_told(&mut self, now: Now, error: &Message, room: &impl Room) -> bool {
        let prefix = error.prefix();
        let entered = error.payload().first().and_then(|path| Path::read(path).ok());
        let ingress = entered.and_then(|path| path.stamps().next());
        let is_ours = ingress.is_some_and(|stamp| stamp.node == self.name().as_str());
        let is_spread = prefix.flags.has(Flags::SPREAD);
        if !is_ours || (prefix.class != Class::Confirmed && !is_spread) {
            return true;
        }
        let key = (prefix.destination.to_owned(), prefix.id);
        let Tail { reason, node, missing, .. } = Tail::read(prefix.tail).unwrap_or_default();
        if is_spread {
            self.not_reached(now, &key, &missing, room);
            return false;
        }
        let (reason, node) = (reason.unwrap_or_default(), node.unwrap_or_default());
        let resent = prefix.flags.has(Flags::RESENT);
        self.refused_copy(now, &key, (&reason, &node), resent, room) == Fate::Final
    }

    /// The egress says that a message which entered here was handed to its receiver.
    pub(super) fn confirmation(&mut self, now: Now, ack: &Message, room: &impl Room) {
        let prefix = ack.prefix();
        let tail = Tail::read(prefix.tail).unwrap_or_default();
        let (Some(id), Some(source)) = (tail.correlation, tail.destination) else {
            return;
        };
        match (tail.recipients, prefix.source.parse()) {
            (Some(recipients), Ok(node)) => {
                self.reached(now, &(source, id), &node, recipients, room);
            }
            (Some(_), Err(_)) => {}
            (None, _) => self.confirm(now, (source, id), prefix.source, room),
        }
    }

    /// A message was handed to its receiver at `egress`: its sender is told, if it entered here.
    pub(super) fn confirm(&mut self, now: Now, key: Key, egress: &str, room: &impl Room) {
        let Some(message) = self.confirmed.end(&key) else {
            return;
        };
        let (source, id) = key;
        let tail = Tail {
            correlation: Some(id),
            node: Some(egress.to_owned()),
            destination: Some(message.prefix().destination.to_owned()),
            ..Tail::default()
        };
        let prefix = Prefix {
            id,
            hop_limit: self.config.settings.hop_limit,
            destination: &source,
            source: self.config.node.as_str(),
            tail: &tail.write(),
            ..Prefix::new(Kind::Ack)
        };
        let mut told = Message::new(&prefix, []);
        told.arrived = now.unix_nanos;
        self.counters.count(Flow::Made);
        self.route(now, told, room);
    }
}

/// How long the sender of a message still waits; none where it does not.
pub(super) fn patience(now: Now, message: &Message) -> Option<Duration> {
    let tail = Tail::read(message.prefix().tail).unwrap_or_default();
    let Some(deadline) = tail.deadline else {
        return Some(PATIENCE);
    };
    let left = deadline.checked_sub(now.unix_millis()).filter(|left| *left > 0)?;
    Some(Duration::from_millis(left).min(LONGEST))
}
