//! What waits for a neighbour, and what it has been sent and has not acknowledged.
//!
//! ```text
//!  push ->  waiting  -- take: numbered 1, 2, 3 ... -->  unacknowledged  -- acknowledge --> gone
//! ```
//!
//! Both parts are bounded. On the death of the link [`Outbox::fail`] gives back both: what waited is
//! routed anew, what was sent and not acknowledged is in doubt.

use std::collections::VecDeque;

use super::message::Message;

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
}

/// Messages for one neighbour.
#[derive(Debug)]
pub(super) struct Outbox {
    /// What may be sent and not acknowledged.
    window: Window,
    /// What may wait.
    queue: Window,
    waiting: Queue,
    sent: Queue,
    /// The number of the last message taken.
    last: u64,
    /// The number of the last message acknowledged.
    acknowledged: u64,
}

/// Messages that may be taken now to travel together: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Together {
    pub(super) messages: usize,
    pub(super) bytes: usize,
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
        let (waiting, sent) = (Queue::default(), Queue::default());
        Self { window, queue, waiting, sent, last: 0, acknowledged: 0 }
    }

    /// Whether a message of this size may be pushed. An error may where as much again waits as the
    /// queue holds: what is told of a full queue must not fail because of it.
    pub(super) fn has_room(&self, size: usize, is_error: bool) -> bool {
        let Window { messages, bytes } = self.queue;
        let queue = if is_error {
            Window { messages: messages.saturating_mul(2), bytes: bytes.saturating_mul(2) }
        } else {
            self.queue
        };
        self.waiting.has_room(size, queue)
    }

    /// Queues a message. The caller asked [`Outbox::has_room`] before.
    pub(super) fn push(&mut self, message: Message) {
        self.waiting.push(message);
    }

    /// The next message and its number, if the window lets it go now.
    pub(super) fn take(&mut self) -> Option<(u64, &Message)> {
        let size = self.waiting.messages.front()?.size();
        if !self.sent.has_room(size, self.window) {
            return None;
        }
        self.last += 1;
        self.sent.push(self.waiting.pop()?);
        Some((self.last, self.sent.messages.back()?))
    }

    /// How many messages, and how many bytes of them, may be taken now to travel together: several
    /// where each has at most `small` bytes and all have at most `most`, else one.
    pub(super) fn together(&self, small: usize, most: usize) -> Option<Together> {
        let mut together = Together { messages: 0, bytes: 0 };
        let (mut messages, mut bytes) = (self.sent.messages.len(), self.sent.bytes);
        for message in &self.waiting.messages {
            let size = message.size();
            let fits = messages == 0
                || (messages < self.window.messages && bytes + size <= self.window.bytes);
            let is_small = size <= small && !message.is_alone();
            let joins = together.messages == 0 || (is_small && together.bytes + size <= most);
            if !fits || !joins {
                break;
            }
            together = Together { messages: together.messages + 1, bytes: together.bytes + size };
            (messages, bytes) = (messages + 1, bytes + size);
            if !is_small {
                break;
            }
        }
        (together.messages > 0).then_some(together)
    }

    /// Forgets all messages up to this number. A number that was never sent is not believed.
    pub(super) fn acknowledge(&mut self, number: u64) {
        for _ in self.acknowledged..number.min(self.last) {
            self.sent.pop();
            self.acknowledged += 1;
        }
    }

    /// Whether a message waits.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.messages.is_empty()
    }

    /// How many messages wait or are not acknowledged.
    pub(super) fn len(&self) -> usize {
        self.waiting.messages.len() + self.sent.messages.len()
    }

    /// The link died: everything comes back, and numbers begin anew.
    pub(super) fn fail(&mut self) -> Fallen {
        let fallen = std::mem::replace(self, Self::new(self.window, self.queue));
        Fallen { in_doubt: fallen.sent.messages.into(), unsent: fallen.waiting.messages.into() }
    }
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Queue {
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

    #[test]
    fn an_empty_outbox_takes_one_message_of_any_size() {
        let mut outbox =
            Outbox::new(Window { messages: 10, bytes: 100 }, Window { messages: 10, bytes: 100 });
        assert!(outbox.has_room(1 << 30, false));
        outbox.push(message(1000));
        assert!(!outbox.has_room(1, false));
        assert!(outbox.take().is_some(), "an empty window takes it as well");
        assert!(outbox.has_room(1, false));
    }

    #[test]
    fn a_full_window_holds_back_until_it_is_acknowledged() {
        let mut outbox = Outbox::new(
            Window { messages: 2, bytes: 1 << 20 },
            Window { messages: 2, bytes: 1 << 20 },
        );
        outbox.push(message(1));
        outbox.push(message(1));
        assert_eq!(outbox.take().map(|(number, _)| number), Some(1));
        assert_eq!(outbox.take().map(|(number, _)| number), Some(2));
        outbox.push(message(1));
        assert!(outbox.take().is_none());
        outbox.acknowledge(99);
        assert_eq!(outbox.take().map(|(number, _)| number), Some(3));
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
            outbox.push(message(1));
        }
        for _ in 0..2 {
            assert!(!outbox.has_room(1, false) && outbox.has_room(1, true));
            outbox.push(message(1));
        }
        assert!(!outbox.has_room(1, true), "errors are bounded as well");
    }

    proptest! {
        #[test]
        fn every_message_is_acknowledged_in_doubt_or_unsent(steps in prop::collection::vec((0u8..3, 0u64..40), 0..100)) {
            let mut outbox = Outbox::new(Window { messages: 8, bytes: 2000 }, Window { messages: 8, bytes: 2000 });
            let (mut pushed, mut taken, mut acknowledged) = (0u64, 0u64, 0u64);
            for (step, number) in steps {
                match step {
                    0 if outbox.has_room(message(50).size(), false) => {
                        outbox.push(message(50));
                        pushed += 1;
                    }
                    1 => {
                        if let Some((number, _)) = outbox.take() {
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
