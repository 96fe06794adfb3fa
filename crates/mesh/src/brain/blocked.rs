//! Messages of clients here for which their egress has no room yet: they wait, and their senders with them.
//!
//! ```text
//!  client --> is there room at the egress? -- yes --> on its way
//!    ^                 | no, or others of this client wait already
//!    | not read        v
//!    +---------- [ m m m m ]   taken in turns, one of each client, when there is room again
//! ```
//!
//! A native client waits as long as it takes. A raw client's message waits a second, or for as long as it is kept, and is
//! then refused, and so are those that come after it, at once, until there is room.

use std::collections::BTreeSet;
use std::time::Duration;

use super::held::Held;
use super::message::Message;
use super::{Brain, ConnId, Now, Room, Window, confirmed};
use crate::dialect::Dialect;
use crate::reason::Reason;
use crate::route::Refusal;

/// How long a raw client's message waits.
const RAW_WAITS: Duration = Duration::from_secs(1);
/// How much more than one client's all of them may have waiting.
const ALL: usize = 4;

/// The messages that wait.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    /// With when each is refused; none if it waits as long as it takes.
    held: Held<(Option<Duration>, Message)>,
    /// The client whose turn was last.
    last: Option<ConnId>,
    /// Raw clients that have waited in vain: what they send is refused until there is room.
    tired: BTreeSet<ConnId>,
    /// There may be room for what waits.
    pub(super) stirred: bool,
}

impl Blocked {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether messages of this client wait.
    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.held.has(conn)
    }

    /// A connection has ended. What it sent before still waits.
    pub(super) fn ended(&mut self, conn: ConnId) {
        self.tired.remove(&conn);
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.held.all().messages
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.held.firsts().filter_map(|(_, (until, _))| *until).min()
    }

    /// Puts a message behind those of its client, or gives it back if too much waits already.
    fn push(
        &mut self,
        conn: ConnId,
        until: Option<Duration>,
        message: Message,
        most: Window,
    ) -> Result<(), Message> {
        let size = message.size();
        let all = most.bytes.saturating_mul(ALL);
        let fits = self.held.fits(conn, size, most) && self.held.all().bytes + size <= all;
        if self.has(conn) && !fits {
            return Err(message);
        }
        self.held.push(conn, size, (until, message));
        Ok(())
    }

    /// The client whose first message is refused now.
    fn over(&self, now: Duration) -> Option<ConnId> {
        let is_over = |until: Option<Duration>| until.is_some_and(|it| it <= now);
        self.held.firsts().find(|(_, (until, _))| is_over(*until)).map(|(conn, _)| conn)
    }

    /// All clients, the one behind that whose turn was last first.
    fn turns(&self) -> Vec<ConnId> {
        let is_behind = |conn: &ConnId| self.last.is_none_or(|last| *conn > last);
        let (mut turns, before): (Vec<_>, Vec<_>) = self.held.conns().partition(is_behind);
        turns.extend(before);
        turns
    }
}

impl Brain {
    /// A client's message enters the mesh as soon as there is room at its egress.
    pub(super) fn let_in(&mut self, now: Now, conn: ConnId, message: Message, room: &impl Room) {
        if !self.blocked.has(conn) {
            if self.has_room_for(&message) {
                self.blocked.tired.remove(&conn);
                return self.send_from_here(now, message, room);
            }
            if self.blocked.tired.contains(&conn) {
                // Nobody waits, and yet somebody has to ask: the last answer may be lost.
                self.ask_again_for_credit(now, room);
                return self.turn_away(now, message, Refusal::QueueFull.into(), room);
            }
        }
        let patience = match confirmed::is_kept(&message) {
            true => confirmed::patience(now, &message).unwrap_or_default(),
            false => RAW_WAITS,
        };
        let until = (!self.speaks(conn, Dialect::Native)).then(|| now.since_start + patience);
        match self.blocked.push(conn, until, message, self.config.settings.queue) {
            Ok(()) => self.read_or_wait(conn),
            Err(message) => self.turn_away(now, message, Refusal::QueueFull.into(), room),
        }
    }

    /// Lets in what there is room for, one message of each client in turn.
    pub(super) fn let_in_blocked(&mut self, now: Now, room: &impl Room) {
        while std::mem::take(&mut self.blocked.stirred) {
            let mut turns = self.blocked.turns();
            while !turns.is_empty() {
                turns.retain(|conn| {
                    let Some((_, first)) = self.blocked.held.first(*conn) else {
                        return false;
                    };
                    if !self.has_room_for(first) {
                        return false;
                    }
                    self.blocked.last = Some(*conn);
                    self.take_blocked(*conn, |brain, message| {
                        brain.send_from_here(now, message, room);
                    });
                    true
                });
            }
        }
    }

    /// Refuses what has waited long enough, and asks again for room for the rest.
    pub(super) fn tick_blocked(&mut self, now: Now, room: &impl Room) {
        while let Some(conn) = self.blocked.over(now.since_start) {
            self.blocked.tired.insert(conn);
            self.take_blocked(conn, |brain, message| {
                brain.turn_away(now, message, Refusal::QueueFull.into(), room);
            });
        }
        if !self.blocked.is_empty() {
            self.ask_again_for_credit(now, room);
        }
    }

    /// Gives back all that waits.
    pub(super) fn give_back_blocked(&mut self, now: Now, reason: Reason, room: &impl Room) {
        for conn in self.blocked.turns() {
            while self.blocked.has(conn) {
                self.take_blocked(conn, |brain, message| {
                    brain.turn_away(now, message, reason, room);
                });
            }
        }
    }

    /// A message has waited in vain. If it is kept, this was only a copy of it.
    fn turn_away(&mut self, now: Now, message: Message, reason: Reason, room: &impl Room) {
        if confirmed::is_kept(&message) {
            return self.refuse(now, message, reason, room);
        }
        self.give_back(now, message, reason, room);
    }

    /// Takes the first message of a client, which is read again if it was the last one.
    fn take_blocked(&mut self, conn: ConnId, and_then: impl FnOnce(&mut Self, Message)) {
        let Some((_, message)) = self.blocked.held.pop(conn) else {
            return;
        };
        self.read_or_wait(conn);
        and_then(self, message);
    }
}
