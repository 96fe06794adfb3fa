//! Answers in the order of the requests: one that is ready waits for those before it.

use std::collections::VecDeque;

use super::{Brain, BrokerError, ConnId, Message, MessageId, Now, Reply, Room, ended, outcome};

/// A client of which so many answers wait is not read until there are half of them.
const MANY: usize = 1024;
/// How many answers of a client may wait: what it had sent by then comes in all the same. More requests are refused, in
/// their turn.
const MOST: usize = 16 * MANY;

/// The answers that a client waits for, oldest first.
#[derive(Debug, Default)]
pub(super) struct Replies {
    waiting: VecDeque<Slot>,
}

/// What the answer to a request waits for.
#[derive(Debug)]
pub(super) enum Asked {
    /// What becomes of a message to the client of a name.
    Direct {
        /// The name.
        target: String,
        /// It, as the client wrote it.
        written: String,
    },
    /// What becomes of a message to everyone.
    Broadcast,
    /// What all nodes say.
    List,
}

#[derive(Debug)]
enum Slot {
    Ready(Reply),
    Waits(MessageId, Asked),
    /// So many requests, one after the other, for whose answers there was no place.
    Refused(u64),
}

impl Replies {
    /// Puts an answer, or what it waits for, at the end. Says whether there was a place.
    fn push(&mut self, slot: Slot) -> bool {
        if self.waiting.len() < MOST {
            self.waiting.push_back(slot);
            return true;
        }
        match self.waiting.back_mut() {
            Some(Slot::Refused(times)) => *times += 1,
            Some(Slot::Ready(_) | Slot::Waits(..)) | None => {
                self.waiting.push_back(Slot::Refused(1));
            }
        }
        false
    }

    /// Whether the client is to be read no further for now, where it is read now or not.
    pub(in super::super) fn are_many(&self, paused: bool) -> bool {
        self.waiting.len() >= if paused { MANY / 2 } else { MANY }
    }

    /// The answer that waits for this is `reply`. Says whether there is one.
    fn settle(&mut self, id: MessageId, reply: impl FnOnce(&Asked) -> Reply) -> bool {
        let is_it = |slot: &&mut Slot| matches!(slot, Slot::Waits(waits, _) if *waits == id);
        let Some(slot) = self.waiting.iter_mut().find(is_it) else {
            return false;
        };
        if let Slot::Waits(_, asked) = slot {
            *slot = Slot::Ready(reply(asked));
        }
        true
    }

    /// The next answer whose turn it is.
    fn next(&mut self) -> Option<Reply> {
        match self.waiting.pop_front()? {
            Slot::Ready(reply) => Some(reply),
            Slot::Refused(times) => {
                if times > 1 {
                    self.waiting.push_front(Slot::Refused(times - 1));
                }
                Some(full())
            }
            waits @ Slot::Waits(..) => {
                self.waiting.push_front(waits);
                None
            }
        }
    }
}

fn full() -> Reply {
    Reply::Error(BrokerError::Refused("queue full"))
}

impl Brain {
    /// A client is answered, once all before it have been.
    pub(super) fn reply_broker(&mut self, now: Now, conn: ConnId, reply: Reply, room: &impl Room) {
        if let Some(client) = self.client(conn) {
            client.broker.get_or_insert_default().replies.push(Slot::Ready(reply));
        }
        self.say_replies(now, conn, room);
    }

    /// The answer to a request waits for what becomes of a message. Says whether there is a place for it.
    pub(super) fn await_outcome(
        &mut self,
        now: Now,
        conn: ConnId,
        id: MessageId,
        asked: Asked,
        room: &impl Room,
    ) -> bool {
        let Some(client) = self.client(conn) else {
            return false;
        };
        let has_place = client.broker.get_or_insert_default().replies.push(Slot::Waits(id, asked));
        if has_place {
            self.read_or_wait(conn);
        } else {
            self.say_replies(now, conn, room);
        }
        has_place
    }

    /// Takes the end of a message, if a client of this dialect waits for it here.
    pub(in super::super) fn is_broker_outcome(
        &mut self,
        now: Now,
        conn: ConnId,
        message: &Message,
        room: &impl Room,
    ) -> bool {
        let Some(id) = ended(message) else {
            return false;
        };
        let replies = self.client(conn).and_then(|it| Some(&mut it.broker.as_mut()?.replies));
        let is_one = replies.is_some_and(|it| it.settle(id, |asked| outcome(asked, message)));
        if is_one {
            self.say_replies(now, conn, room);
        }
        is_one
    }

    /// What the answer with this id waited for is known.
    pub(super) fn settle_reply(
        &mut self,
        now: Now,
        conn: ConnId,
        id: MessageId,
        reply: Reply,
        room: &impl Room,
    ) {
        if let Some(client) = self.client(conn)
            && let Some(broker) = &mut client.broker
        {
            broker.replies.settle(id, |_| reply);
        }
        self.say_replies(now, conn, room);
    }

    fn say_replies(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        while let Some(client) = self.client(conn)
            && let Some(broker) = &mut client.broker
            && let Some(reply) = broker.replies.next()
        {
            self.say_broker(now, conn, reply, room);
        }
        self.read_or_wait(conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(counter: u64) -> MessageId {
        MessageId { incarnation: 1, counter }
    }

    fn count(replies: &mut Replies) -> usize {
        std::iter::from_fn(|| replies.next()).count()
    }

    #[test]
    fn an_answer_waits_for_those_before_it() {
        let mut replies = Replies::default();
        let ready = || Slot::Ready(Reply::Broadcast { recipients: 1 });
        replies.push(ready());
        replies.push(Slot::Waits(id(1), Asked::Broadcast));
        replies.push(ready());
        assert_eq!(count(&mut replies), 1);
        assert!(replies.settle(id(1), |_| Reply::Broadcast { recipients: 2 }));
        assert!(!replies.settle(id(1), |_| Reply::Broadcast { recipients: 3 }));
        assert_eq!(count(&mut replies), 2);
    }

    #[test]
    fn who_waits_for_too_much_is_refused_in_its_turn_and_takes_no_more_room() {
        let mut replies = Replies::default();
        for number in 0..MOST as u64 {
            assert!(replies.push(Slot::Waits(id(number), Asked::List)));
        }
        for _ in 0..1_000_000 {
            assert!(!replies.push(Slot::Waits(id(0), Asked::List)));
        }
        assert_eq!(replies.waiting.len(), MOST + 1);
        assert_eq!(replies.next(), None, "those before it are not answered");
        replies.waiting.drain(..MOST);
        assert_eq!(count(&mut replies), 1_000_000);
    }
}
