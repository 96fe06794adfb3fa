//! What clients are to be told of their own messages, and have no room for: it waits, and what they send with it.
//!
//! ```text
//!  an error, an answer --> is there room in the client's queue? -- yes --> told
//!                             | no, or others wait already
//!                             v
//!                          [ w w w ]   told when there is room; the client is not read until then
//! ```
//!
//! When a link dies, its senders are told of all that was on it at once. That is more than a queue takes, and nobody
//! else would ever say what became of those messages. A client that has not made room after a second is told no more,
//! and is read again, until there is room. One of the broker dialect is closed: its answers name no request, and where
//! one is missing it would take the next for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use hopline_core::Frames;

use super::message::Message;
use super::{Brain, ConnId, Now, Output, Room, Window};
use crate::reason::Reason;
use crate::wire::Kind;

/// How long a word waits.
const WAITS: Duration = Duration::from_secs(1);
/// When it is looked again whether there is room.
const AGAIN: Duration = Duration::from_millis(2);
/// How many are told at once.
const AT_ONCE: usize = 64;
/// How many times a client's queue may wait for one client, and
const EACH: usize = 4;
/// for all together.
const ALL: usize = 16;

/// Something that a client is to be told.
#[derive(Debug)]
pub(super) enum Word {
    /// A routed message: an error, or the end of a message of the client's.
    Message(Message),
    /// Frames in the client's own dialect.
    Frames(Frames),
}

/// The words that wait, by client.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    clients: BTreeMap<ConnId, Waiting>,
    bytes: usize,
    /// Clients that were waited for in vain.
    tired: BTreeSet<ConnId>,
    /// When it is looked again.
    look_at: Duration,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Each with when it is given up.
    words: VecDeque<(Duration, Word)>,
    bytes: usize,
}

/// Whether messages of this kind tell a client what became of its own.
pub(super) fn is_word(kind: Kind) -> bool {
    match kind {
        Kind::Error | Kind::Ack => true,
        Kind::Data
        | Kind::Reply
        | Kind::Probe
        | Kind::Control
        | Kind::Credit
        | Kind::Hello
        | Kind::LinkState
        | Kind::LinkAck
        | Kind::Batch => false,
    }
}

impl Word {
    fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.size(),
            Self::Frames(frames) => frames.iter().map(Bytes::len).sum(),
        }
    }
}

impl Unsaid {
    /// Whether words for this client wait.
    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.clients.contains_key(&conn)
    }

    /// How many routed messages wait.
    pub(super) fn messages(&self) -> usize {
        let words = self.clients.values().flat_map(|waiting| &waiting.words);
        words.filter(|(_, word)| matches!(word, Word::Message(_))).count()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        (!self.clients.is_empty()).then_some(self.look_at)
    }

    /// Puts a word behind those of its client, or gives it back if too much waits already.
    fn push(
        &mut self,
        conn: ConnId,
        until: Duration,
        word: Word,
        queue: Window,
    ) -> Result<(), Word> {
        let size = word.size();
        let has = self.clients.get(&conn).map_or((0, 0), |it| (it.words.len(), it.bytes));
        let fits = has.0 < queue.messages.saturating_mul(EACH)
            && has.1 + size <= queue.bytes.saturating_mul(EACH)
            && self.bytes + size <= queue.bytes.saturating_mul(ALL);
        if !fits && has.0 > 0 {
            return Err(word);
        }
        let waiting = self.clients.entry(conn).or_default();
        waiting.words.push_back((until, word));
        waiting.bytes += size;
        self.bytes += size;
        Ok(())
    }

    fn pop(&mut self, conn: ConnId) -> Option<Word> {
        let waiting = self.clients.get_mut(&conn)?;
        let (_, word) = waiting.words.pop_front()?;
        waiting.bytes -= word.size();
        self.bytes -= word.size();
        if waiting.words.is_empty() {
            self.clients.remove(&conn);
        }
        Some(word)
    }

    /// A client whose first word has waited long enough.
    fn over(&self, now: Duration) -> Option<ConnId> {
        let is_over = |it: &Waiting| it.words.front().is_some_and(|(until, _)| *until <= now);
        self.clients.iter().find(|(_, waiting)| is_over(waiting)).map(|(conn, _)| *conn)
    }
}

impl Brain {
    /// Whether a message of this kind has to wait before this client can have it.
    pub(super) fn waits_to_be_said(&self, kind: Kind, conn: ConnId, room: &impl Room) -> bool {
        is_word(kind) && (self.unsaid.has(conn) || !room.has_room(conn))
    }

    /// There is no room for a word to a client now.
    pub(super) fn say_later(&mut self, now: Now, conn: ConnId, word: Word, room: &impl Room) {
        if self.unsaid.tired.contains(&conn) {
            return self.leave_word(now, conn, word, Reason::ReceiverSlow, room);
        }
        let until = now.since_start + WAITS;
        match self.unsaid.push(conn, until, word, self.config.settings.queue) {
            Ok(()) => {
                // Not at once: a queue may have room, and not for this.
                self.unsaid.look_at = now.since_start + AGAIN;
                self.read_or_wait(conn);
            }
            Err(word) => self.leave_word(now, conn, word, Reason::ReceiverSlow, room),
        }
    }

    /// Tells clients that have room what waits for them, some of it at a time.
    pub(super) fn say_unsaid(&mut self, now: Now, room: &impl Room) {
        self.unsaid.tired.retain(|conn| !room.has_room(*conn));
        if self.unsaid.due().is_none_or(|due| due > now.since_start) {
            return;
        }
        self.unsaid.look_at = now.since_start + AGAIN;
        for conn in self.unsaid.clients.keys().copied().collect::<Vec<_>>() {
            if !room.has_room(conn) {
                continue;
            }
            for _ in 0..AT_ONCE {
                match self.unsaid.pop(conn) {
                    Some(Word::Message(message)) => self.hand(now, message, conn, room),
                    Some(Word::Frames(frames)) => self.out.push(Output::Send { conn, frames }),
                    None => break,
                }
            }
            self.read_or_wait(conn);
        }
    }

    /// Gives up the words that have waited long enough.
    pub(super) fn tick_unsaid(&mut self, now: Now, room: &impl Room) {
        while let Some(conn) = self.unsaid.over(now.since_start)
            && !room.has_room(conn)
        {
            self.unsaid.tired.insert(conn);
            self.leave_words(now, conn, Reason::ReceiverSlow, room);
        }
    }

    /// A connection has ended: nobody is there to be told.
    pub(super) fn leave_unsaid(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        self.unsaid.tired.remove(&conn);
        self.leave_words(now, conn, Reason::ReceiverGone, room);
    }

    fn leave_words(&mut self, now: Now, conn: ConnId, reason: Reason, room: &impl Room) {
        while let Some(word) = self.unsaid.pop(conn) {
            self.leave_word(now, conn, word, reason, room);
        }
        self.read_or_wait(conn);
    }

    fn leave_word(&mut self, now: Now, conn: ConnId, word: Word, reason: Reason, room: &impl Room) {
        match word {
            Word::Message(message) => self.refuse(now, message, reason, room),
            Word::Frames(_) => {
                self.counters.add("untold");
                self.counters.add(reason.text());
                let is_slow = reason == Reason::ReceiverSlow;
                if is_slow && self.client(conn).is_some_and(|client| client.broker.is_some()) {
                    self.out.push(Output::Close(conn));
                    self.closed(now, conn, room);
                }
            }
        }
    }

    /// A client is read unless something of it, or for it, waits.
    pub(super) fn read_or_wait(&mut self, conn: ConnId) {
        let waits = self.blocked.has(conn) || self.unsaid.has(conn);
        let Some(client) = self.client(conn) else {
            return;
        };
        let waits = waits || client.broker.as_ref().is_some_and(|it| it.is_behind(client.paused));
        if client.paused != waits {
            client.paused = waits;
            self.out.push(Output::Pause { conn, paused: waits });
        }
    }
}
