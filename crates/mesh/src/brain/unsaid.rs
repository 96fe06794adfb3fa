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
//! else would ever say what became of those messages. So no word is left out while a connection lives: a client that
//! makes no room for half a minute is closed, and so is one for which too much waits. From that it learns that it does
//! not know what became of what it sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_core::Frames;

use super::held::Held;
use super::message::Message;
use super::{Brain, ConnId, Now, Original, Output, Room, Window};
use crate::name::NodeName;
use crate::reason::Reason;
use crate::wire::Kind;

/// How long a client may make no room for its words.
const WAITS: Duration = Duration::from_secs(30);
/// It is looked again whether there is room this often at first,
const AGAIN: Duration = Duration::from_millis(2);
/// and, once it has been waited for so long,
const LONG: Duration = Duration::from_secs(1);
/// this often.
const SELDOM: Duration = Duration::from_millis(50);
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

/// The words that wait, and how their clients are waited for.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    words: Held<Word>,
    patience: BTreeMap<ConnId, Patience>,
    /// When it is looked whether which of these clients has room: once for each.
    looks: BTreeSet<(Duration, ConnId)>,
    /// Clients for each of which more waits than may.
    overfull: BTreeSet<ConnId>,
}

/// How a client is waited for.
#[derive(Debug, Default)]
struct Patience {
    /// For how long it has taken no word. Time in which this node slept is not in it.
    waited: Duration,
    /// How many words it was told when it was last looked, but those that came back.
    taken: usize,
    /// How many have come back since. They are in front of all others, in the order in which they came.
    back: usize,
}

impl Patience {
    /// When to look again. All that are looked at as often as each other are at the same moments, so that many of them
    /// wake the node no more often than one.
    fn next_look(&mut self, now: Duration) -> Duration {
        let pause = if self.waited < LONG { AGAIN } else { SELDOM };
        self.waited += pause;
        let over = now.as_nanos() % pause.as_nanos();
        now + pause - Duration::from_nanos(u64::try_from(over).unwrap_or_default())
    }
}

/// Whether a message tells a client what became of its own, or is a node's answer to it. `me` is this node.
pub(super) fn is_word(message: &Message, me: &NodeName) -> bool {
    match message.kind() {
        Kind::Error | Kind::Ack => true,
        Kind::Reply => message.is_from_node(me),
        Kind::Data
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
        self.words.has(conn)
    }

    /// How many routed messages wait.
    pub(super) fn messages(&self) -> usize {
        self.words.items().filter(|word| matches!(word, Word::Message(_))).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The clients for which words wait.
    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.words.conns()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.looks.first().map(|(at, _)| *at)
    }

    /// Puts a word behind those of its client, over the limits if need be: see [`Unsaid::next_overfull`].
    fn push(&mut self, now: Duration, conn: ConnId, word: Word, queue: Window) {
        self.insert(now, conn, usize::MAX, word, queue);
    }

    /// Puts a word that came back before those that have not been tried, and behind those that came back before it.
    fn put_back(&mut self, now: Duration, conn: ConnId, word: Word, queue: Window) {
        let ahead = self.patience.get(&conn).map_or(0, |patience| patience.back);
        self.insert(now, conn, ahead, word, queue);
        if let Some(patience) = self.patience.get_mut(&conn) {
            patience.taken = patience.taken.saturating_sub(1);
            patience.back += 1;
        }
    }

    fn insert(&mut self, now: Duration, conn: ConnId, ahead: usize, word: Word, queue: Window) {
        let size = word.size();
        if !self.words.fits(conn, size, queue.times(EACH)) {
            self.overfull.insert(conn);
        }
        self.words.insert(conn, ahead, size, word);
        if !self.patience.contains_key(&conn) {
            // Not looked at once: a queue may have room, and not for this.
            self.look_later(now, conn, Patience::default());
        }
    }

    fn look_later(&mut self, now: Duration, conn: ConnId, mut patience: Patience) {
        self.looks.insert((patience.next_look(now), conn));
        self.patience.insert(conn, patience);
    }

    /// The next client that it is time to look at, and how it has been waited for.
    fn next_look(&mut self, now: Duration) -> Option<(ConnId, Patience)> {
        while self.due().is_some_and(|due| due <= now)
            && let Some((_, conn)) = self.looks.pop_first()
        {
            if let Some(patience) = self.patience.get_mut(&conn) {
                return Some((conn, std::mem::take(patience)));
            }
        }
        None
    }

    /// A client for which more waits than may, or most where that is so of all together.
    fn next_overfull(&mut self, queue: Window) -> Option<ConnId> {
        let (all, most) = (self.words.all(), queue.times(ALL));
        let is_over = all.messages > most.messages || all.bytes > most.bytes;
        let fullest = || if is_over && all.messages > 1 { self.words.fullest() } else { None };
        self.overfull.pop_first().or_else(fullest)
    }
}

impl Brain {
    /// Whether a message has to wait before this client can have it.
    pub(super) fn waits_to_be_said(
        &self,
        message: &Message,
        conn: ConnId,
        room: &impl Room,
    ) -> bool {
        is_word(message, self.name()) && (self.unsaid.has(conn) || !room.has_room(conn))
    }

    /// There is no room for a word to a client now.
    pub(super) fn say_later(&mut self, now: Now, conn: ConnId, word: Word, room: &impl Room) {
        if !self.conns.contains_key(&conn) {
            return self.leave_word(now, word, Reason::ReceiverGone, room);
        }
        self.unsaid.push(now.since_start, conn, word, self.config.settings.queue);
        self.read_or_wait(conn);
    }

    /// A message came back, because there was room in its client's queue, and not for all that it was told.
    pub(super) fn say_again(&mut self, now: Now, conn: ConnId, word: Message, room: &impl Room) {
        if !self.conns.contains_key(&conn) {
            return self.leave_word(now, Word::Message(word), Reason::ReceiverGone, room);
        }
        let queue = self.config.settings.queue;
        self.unsaid.put_back(now.since_start, conn, Word::Message(word), queue);
        self.read_or_wait(conn);
    }

    /// The same in the client's own dialect.
    pub(crate) fn frames_again(&mut self, now: Now, conn: ConnId, frames: Frames) {
        if self.conns.contains_key(&conn) {
            let queue = self.config.settings.queue;
            self.unsaid.put_back(now.since_start, conn, Word::Frames(frames), queue);
            self.read_or_wait(conn);
        }
    }

    /// Whether words for this client wait.
    pub(crate) fn has_unsaid(&self, conn: ConnId) -> bool {
        self.unsaid.has(conn)
    }

    /// Whether what is about to be handed to a client is a word. Anything else goes back to its sender if it cannot be.
    pub(crate) fn is_word(&self, frames: &Frames, original: Option<&Original>) -> bool {
        let whole = original.map_or(frames, |Original(whole)| whole);
        let begins = usize::from(whole.first().is_some_and(Bytes::is_empty));
        let message = Message::read(whole.iter().skip(begins).cloned().collect());
        message.is_ok_and(|message| is_word(&message, self.name()))
    }

    /// Tells clients that have room what waits for them, some of it at a time, and closes those that were waited for
    /// long enough, or for which too much waits.
    pub(super) fn say_unsaid(&mut self, now: Now, room: &impl Room) {
        while let Some(conn) = self.unsaid.next_overfull(self.config.settings.queue) {
            self.close_slow(now, conn, room);
        }
        while let Some((conn, mut patience)) = self.unsaid.next_look(now.since_start) {
            if std::mem::take(&mut patience.taken) > 0 {
                patience.waited = Duration::ZERO;
            }
            patience.back = 0;
            if !self.unsaid.has(conn) {
                self.unsaid.patience.remove(&conn);
                continue;
            }
            if patience.waited >= WAITS {
                self.close_slow(now, conn, room);
                continue;
            }
            while patience.taken < AT_ONCE
                && room.has_room(conn)
                && let Some(word) = self.unsaid.words.pop(conn)
            {
                match word {
                    Word::Message(message) => self.hand(now, message, conn, room),
                    Word::Frames(frames) => self.out.push(Output::Send { conn, frames }),
                }
                patience.taken += 1;
            }
            self.unsaid.look_later(now.since_start, conn, patience);
            self.read_or_wait(conn);
        }
    }

    /// A client does not take what it is to be told: it is closed.
    fn close_slow(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        self.leave_words(now, conn, Reason::ReceiverSlow, room);
        self.out.push(Output::Close(conn));
        self.closed(now, conn, room);
    }

    /// A connection has ended: nobody is there to be told.
    pub(super) fn leave_unsaid(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        self.unsaid.patience.remove(&conn);
        self.leave_words(now, conn, Reason::ReceiverGone, room);
        self.unsaid.overfull.remove(&conn);
    }

    fn leave_words(&mut self, now: Now, conn: ConnId, reason: Reason, room: &impl Room) {
        while let Some(word) = self.unsaid.words.pop(conn) {
            self.leave_word(now, word, reason, room);
        }
    }

    fn leave_word(&mut self, now: Now, word: Word, reason: Reason, room: &impl Room) {
        match word {
            Word::Message(message) => self.refuse(now, message, reason, room),
            Word::Frames(_) => {
                self.counters.add("untold");
                self.counters.add(reason.text());
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

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: Window = Window { messages: 100, bytes: 10 };
    const MILLI: Duration = Duration::from_millis(1);

    fn word(bytes: usize) -> Word {
        Word::Frames(vec![vec![0; bytes].into()])
    }

    #[test]
    fn where_all_are_too_much_it_is_the_fullest_that_has_to_go() {
        let mut unsaid = Unsaid::default();
        for conn in 1..=4 {
            unsaid.push(MILLI, ConnId(conn), word(30 + usize::from(conn == 2)), QUEUE);
            assert_eq!(unsaid.next_overfull(QUEUE), None);
        }
        unsaid.push(MILLI, ConnId(5), word(30), QUEUE);
        unsaid.push(MILLI, ConnId(6), word(10), QUEUE);
        assert_eq!(unsaid.next_overfull(QUEUE), Some(ConnId(2)));
        unsaid.words.pop(ConnId(2));
        assert_eq!(unsaid.next_overfull(QUEUE), None);
        for bytes in [10, 21] {
            unsaid.push(MILLI, ConnId(6), word(bytes), QUEUE);
        }
        assert_eq!(unsaid.next_overfull(QUEUE), Some(ConnId(6)), "more than four queues");
    }

    #[test]
    fn what_comes_back_is_in_front_of_what_waits_and_in_its_order() {
        let (mut unsaid, conn) = (Unsaid::default(), ConnId(1));
        let lengths = |unsaid: &mut Unsaid| -> Vec<usize> {
            std::iter::from_fn(|| unsaid.words.pop(conn)).map(|word| word.size()).collect()
        };
        unsaid.put_back(MILLI, conn, word(1), QUEUE);
        unsaid.push(MILLI, conn, word(4), QUEUE);
        unsaid.put_back(MILLI, conn, word(2), QUEUE);
        unsaid.put_back(MILLI, conn, word(3), QUEUE);
        assert_eq!(lengths(&mut unsaid), [1, 2, 3, 4]);

        // Looked at, and told; some of that comes back.
        let (_, mut patience) = unsaid.next_look(MILLI * 9).unwrap();
        patience.back = 0;
        unsaid.look_later(MILLI * 9, conn, patience);
        for bytes in [7, 8] {
            unsaid.push(MILLI * 9, conn, word(bytes), QUEUE);
        }
        for bytes in [5, 6] {
            unsaid.put_back(MILLI * 9, conn, word(bytes), QUEUE);
        }
        assert_eq!(lengths(&mut unsaid), [5, 6, 7, 8]);
    }

    #[test]
    fn one_word_may_be_larger_than_all() {
        let mut unsaid = Unsaid::default();
        unsaid.push(MILLI, ConnId(1), word(1_000), QUEUE);
        assert_eq!(unsaid.next_overfull(QUEUE), None);
    }

    #[test]
    fn those_that_are_waited_for_long_are_looked_at_seldom_and_together() {
        let mut unsaid = Unsaid::default();
        for conn in 0..1_000 {
            unsaid.push(MILLI * (conn % 40), ConnId(conn.into()), word(1), QUEUE);
        }
        let (mut wakes, mut now) = (0, MILLI * 2_000);
        while now < MILLI * 4_000 {
            while let Some((conn, patience)) = unsaid.next_look(now) {
                unsaid.look_later(now, conn, patience);
            }
            now = unsaid.due().unwrap();
            wakes += 1;
        }
        assert!(wakes < 1_000, "{wakes}");
    }
}
