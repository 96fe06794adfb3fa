//! What waits for a neighbour, and what it has been sent and has not acknowledged.
//!
//! ```text
//!  push ->  waiting  -- take: numbered 1, 2, 3 ... -->  unacknowledged  -- acknowledge --> gone
//! ```
//!
//! Both parts are bounded. On the death of the link [`Outbox::fail`] gives back both: what waited is
//! routed anew, what was sent and not acknowledged is in doubt.

mod fair;

use std::collections::VecDeque;

pub(super) use fair::Lane;

use super::message::Message;
use fair::Fair;

/// How much a link holds: in messages and in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The most messages.
    pub messages: usize,
    /// The most bytes. An empty queue takes one message, whatever its size.
    pub bytes: usize,
}

impl Window {
    /// What a neighbour may be sent without its acknowledgement: 1,000 messages, 1 MiB.
    pub const UNACKNOWLEDGED: Self = Self { messages: 1_000, bytes: 1024 * 1024 };
    /// What may wait for a neighbour, or for a client: 20,000 messages, 16 MiB.
    pub const WAITING: Self = Self { messages: 20_000, bytes: 16 * 1024 * 1024 };

    /// So many times as much.
    pub(super) fn times(self, times: usize) -> Self {
        let Self { messages, bytes } = self;
        Self { messages: messages.saturating_mul(times), bytes: bytes.saturating_mul(times) }
    }
}

/// Messages for one neighbour.
#[derive(Debug)]
pub(super) struct Outbox {
    /// What may be sent and not acknowledged.
    window: Window,
    /// What may wait.
    queue: Window,
    waiting: Fair,
    sent: Sent,
    /// The number of the last message taken.
    last: u64,
    /// The number of the last message acknowledged.
    acknowledged: u64,
}

/// Messages that were taken to travel together: at least one.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    /// The number of the first one.
    pub(super) first: u64,
    pub(super) count: usize,
    pub(super) bytes: usize,
    pub(super) messages: std::collections::vec_deque::Iter<'a, Message>,
}

/// What a link that died leaves behind.
#[derive(Debug)]
pub(super) struct Fallen {
    /// Sent and not acknowledged: nobody knows what became of them. Oldest first.
    pub(super) in_doubt: Vec<Message>,
    /// Never sent. Oldest first.
    pub(super) unsent: Vec<Message>,
}

impl Outbox {
    pub(super) fn new(window: Window, queue: Window) -> Self {
        let (waiting, sent) = (Fair::default(), Sent::default());
        Self { window, queue, waiting, sent, last: 0, acknowledged: 0 }
    }

    /// Whether a message of this size may be pushed to its lane. An error may where as much again waits as
    /// the queue holds: what is told of a full queue must not fail because of it.
    pub(super) fn has_room(&self, size: usize, lane: Lane, is_error: bool) -> bool {
        let queue = if is_error { self.queue.times(2) } else { self.queue };
        self.waiting.has_room(size, lane, queue)
    }

    /// Queues a message. The caller asked [`Outbox::has_room`] before. Gives back messages of others that
    /// had more than their share of a full queue, and lost their place to it.
    pub(super) fn push(&mut self, message: Message, is_error: bool) -> Vec<Message> {
        let queue = if is_error { self.queue.times(2) } else { self.queue };
        self.waiting.push(message, queue)
    }

    /// Takes the next message if the window lets it go now, and those behind it that may travel with it:
    /// each of at most `small` bytes, all together of at most `most`.
    pub(super) fn take(&mut self, small: usize, most: usize) -> Option<Taken<'_>> {
        let (mut count, mut bytes) = (0, 0);
        let first = self.last + 1;
        let mut more = true;
        while more && let Some(message) = self.waiting.peek() {
            let size = message.size();
            let is_small = size <= small && !message.is_alone();
            let joins = count == 0 || (is_small && bytes + size <= most);
            if !joins || !self.sent.has_room(size, self.window) {
                break;
            }
            let Some(message) = self.waiting.pop() else { break };
            self.sent.push(message);
            (count, bytes, more) = (count + 1, bytes + size, is_small);
        }
        self.last += count as u64;
        let held = &self.sent.messages;
        let messages = held.range(held.len() - count..);
        (count > 0).then_some(Taken { first, count, bytes, messages })
    }

    /// Forgets all messages up to this number. A number that was never sent is not believed.
    pub(super) fn acknowledge(&mut self, number: u64) {
        for _ in self.acknowledged..number.min(self.last) {
            self.sent.pop();
            self.acknowledged += 1;
        }
    }

    /// What may be sent and not acknowledged, and what may wait, from now on. What is there stays.
    pub(super) fn set_limits(&mut self, window: Window, queue: Window) {
        (self.window, self.queue) = (window, queue);
    }

    /// The number of the last message taken.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Marks all that waits.
    pub(super) fn mark(&mut self) {
        self.waiting.mark();
    }

    /// How many messages wait that are marked.
    pub(super) fn marked(&self) -> usize {
        self.waiting.marked()
    }

    /// The number of the last message acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Gives back what waits, oldest first.
    pub(super) fn recall(&mut self) -> Vec<Message> {
        self.waiting.drain()
    }

    /// How many messages wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many messages wait that entered the mesh here.
    pub(super) fn waiting_here(&self) -> usize {
        self.waiting.len_of(Lane::HERE)
    }

    /// How many messages wait or are not acknowledged.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.sent.messages.len()
    }

    /// The link died: everything comes back, and numbers begin anew.
    pub(super) fn fail(&mut self) -> Fallen {
        let mut fallen = std::mem::replace(self, Self::new(self.window, self.queue));
        Fallen { in_doubt: fallen.sent.messages.into(), unsent: fallen.waiting.drain() }
    }
}

/// What was sent and is not acknowledged, oldest first.
#[derive(Debug, Default)]
struct Sent {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Sent {
    fn has_room(&self, size: usize, window: Window) -> bool {
        self.messages.is_empty()
            || (self.messages.len() < window.messages && self.bytes + size <= window.bytes)
    }

    fn push(&mut self, message: Message) {
        self.bytes += message.size();
        self.messages.push_back(message);
    }

    fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.size();
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Kind, Prefix};
    use bytes::Bytes;
    use proptest::prelude::*;

    fn message(size: usize) -> Message {
        Message::new(&Prefix::new(Kind::Data), [Bytes::from(vec![0; size])])
    }

    /// Takes one message, and says its number.
    fn one(outbox: &mut Outbox) -> Option<u64> {
        outbox.take(0, 0).map(|taken| taken.first)
    }

    #[test]
    fn messages_that_are_small_travel_together_as_far_as_the_window_goes() {
        let window = Window { messages: 3, bytes: 1 << 20 };
        let mut outbox = Outbox::new(window, Window::WAITING);
        for size in [10, 10, 10, 10, 5_000, 10] {
            outbox.push(message(size), false);
        }
        let mut counts = Vec::new();
        while let Some(taken) = outbox.take(4_096, 64 * 1024) {
            counts.push((taken.first, taken.count));
            assert_eq!(taken.messages.count(), taken.count);
            let last = outbox.last;
            outbox.acknowledge(last);
        }
        assert_eq!(counts, [(1, 3), (4, 1), (5, 1), (6, 1)]);
    }

    #[test]
    fn an_empty_outbox_takes_one_message_of_any_size() {
        let mut outbox =
            Outbox::new(Window { messages: 10, bytes: 100 }, Window { messages: 10, bytes: 100 });
        assert!(outbox.has_room(1 << 30, Lane::HERE, false));
        outbox.push(message(1000), false);
        assert!(!outbox.has_room(1, Lane::HERE, false));
        assert!(one(&mut outbox).is_some(), "an empty window takes it as well");
        assert!(outbox.has_room(1, Lane::HERE, false));
    }

    #[test]
    fn a_full_window_holds_back_until_it_is_acknowledged() {
        let mut outbox = Outbox::new(
            Window { messages: 2, bytes: 1 << 20 },
            Window { messages: 2, bytes: 1 << 20 },
        );
        outbox.push(message(1), false);
        outbox.push(message(1), false);
        assert_eq!(one(&mut outbox), Some(1));
        assert_eq!(one(&mut outbox), Some(2));
        outbox.push(message(1), false);
        assert!(one(&mut outbox).is_none());
        outbox.acknowledge(99);
        assert_eq!(one(&mut outbox), Some(3));
        outbox.acknowledge(2);
        assert_eq!(outbox.len(), 1, "an old acknowledgement changes nothing");
    }

    #[test]
    fn an_error_finds_room_where_a_message_does_not() {
        let mut outbox = Outbox::new(
            Window { messages: 2, bytes: 1 << 20 },
            Window { messages: 2, bytes: 1 << 20 },
        );
        for _ in 0..2 {
            outbox.push(message(1), false);
        }
        for _ in 0..2 {
            assert!(!outbox.has_room(1, Lane::HERE, false) && outbox.has_room(1, Lane::HERE, true));
            outbox.push(message(1), true);
        }
        assert!(!outbox.has_room(1, Lane::HERE, true), "errors are bounded as well");
    }

    proptest! {
        #[test]
        fn every_message_is_acknowledged_in_doubt_or_unsent(steps in prop::collection::vec((0u8..3, 0u64..40), 0..100)) {
            let mut outbox = Outbox::new(Window { messages: 8, bytes: 2000 }, Window { messages: 8, bytes: 2000 });
            let (mut pushed, mut taken, mut acknowledged) = (0u64, 0u64, 0u64);
            for (step, number) in steps {
                match step {
                    0 if outbox.has_room(message(50).size(), Lane::HERE, false) => {
                        outbox.push(message(50), false);
                        pushed += 1;
                    }
                    1 => {
                        if let Some(number) = one(&mut outbox) {
                            taken += 1;
                            prop_assert_eq!(number, taken);
                        }
                    }
                    _ => {
                        outbox.acknowledge(number);
                        acknowledged = acknowledged.max(number.min(taken));
                    }
                }
                prop_assert_eq!(outbox.len() as u64, pushed - acknowledged);
            }
            let fallen = outbox.fail();
            prop_assert_eq!(fallen.in_doubt.len() as u64, taken - acknowledged);
            prop_assert_eq!(fallen.unsent.len() as u64, pushed - taken);
            prop_assert_eq!(outbox.len(), 0);
        }
    }
}
