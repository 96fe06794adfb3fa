//! High-water marks: how much may wait for one peer.
//!
//! A message that waits holds a [`Permit`], which is given back once the message is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::HighWater;

const ONE_MESSAGE: u64 = 1 << BYTES_BITS;
const BYTES_BITS: u32 = 40;
const BYTES_MASK: u64 = ONE_MESSAGE - 1;

/// What part of its bytes a peer may still use while all peers together are over the total.
const SHARE: usize = 16;

/// What waits for all peers of one socket together.
#[derive(Debug)]
pub(crate) struct Total {
    /// For each peer, and
    messages_each: AtomicUsize,
    bytes_each: AtomicUsize,
    /// for all together.
    most: AtomicUsize,
    bytes: AtomicU64,
    freed: Notify,
}

impl Total {
    pub(crate) fn new(mark: HighWater) -> Arc<Self> {
        Arc::new(Self {
            messages_each: AtomicUsize::new(mark.messages),
            bytes_each: AtomicUsize::new(mark.bytes),
            most: AtomicUsize::new(mark.total),
            bytes: AtomicU64::new(0),
            freed: Notify::new(),
        })
    }

    /// Sets other marks, which hold at once. What waits already stays.
    pub(crate) fn set(&self, mark: HighWater) {
        self.messages_each.store(mark.messages, Ordering::Release);
        self.bytes_each.store(mark.bytes, Ordering::Release);
        self.most.store(mark.total, Ordering::Release);
        self.freed.notify_waiters();
    }

    /// The most bytes that may wait for one peer now.
    fn bytes_each(&self) -> u64 {
        let over = self.is_over(self.bytes.load(Ordering::SeqCst));
        let each = self.bytes_each.load(Ordering::Acquire);
        (if over { each / SHARE } else { each }) as u64
    }

    fn is_over(&self, bytes: u64) -> bool {
        bytes > self.most.load(Ordering::Acquire) as u64
    }

    fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    fn subtract(&self, bytes: u64) {
        let before = self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        // Whoever waits for more than its share has room again, though its peer read nothing.
        if self.is_over(before) && !self.is_over(before - bytes) {
            self.freed.notify_waiters();
        }
    }
}

/// What waits for one peer, against its high-water mark.
#[derive(Debug)]
pub(crate) struct Room {
    total: Arc<Total>,
    /// Messages in the upper 24 bits, bytes in the lower 40.
    used: AtomicU64,
    waiting: AtomicUsize,
    freed: Notify,
}

impl Room {
    pub(crate) fn new(total: &Arc<Total>) -> Arc<Self> {
        Arc::new(Self {
            total: Arc::clone(total),
            used: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// Room for one message of so many bytes, if there is any.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let cost = ONE_MESSAGE + (bytes as u64 & BYTES_MASK);
        let most = self.total.bytes_each();
        let more = |used| (used == 0 || self.fits(used + cost, most)).then_some(used + cost);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        self.total.add(cost & BYTES_MASK);
        Some(Permit { room: Arc::clone(self), cost })
    }

    /// Room for one message of so many bytes, over the marks if need be.
    pub(crate) fn take_over(self: &Arc<Self>, bytes: usize) -> Permit {
        let cost = ONE_MESSAGE + (bytes as u64 & BYTES_MASK);
        self.used.fetch_add(cost, Ordering::AcqRel);
        self.total.add(cost & BYTES_MASK);
        Permit { room: Arc::clone(self), cost }
    }

    /// Whether a message of one byte would find room now.
    pub(crate) fn is_free(&self) -> bool {
        let used = self.used.load(Ordering::Acquire);
        used == 0 || self.fits(used + ONE_MESSAGE + 1, self.total.bytes_each())
    }

    /// Announces a wait: it is told of what happens from now on.
    pub(crate) fn wait(&self) -> Wait<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Wait { room: self }
    }

    /// Wakes all who wait.
    pub(crate) fn wake(&self) {
        self.freed.notify_waiters();
    }

    fn fits(&self, used: u64, most: u64) -> bool {
        let messages = self.total.messages_each.load(Ordering::Acquire) as u64;
        used >> BYTES_BITS <= messages && used & BYTES_MASK <= most
    }

    fn give_back(&self, cost: u64) {
        let left = self.used.fetch_sub(cost, Ordering::AcqRel) - cost;
        self.total.subtract(cost & BYTES_MASK);
        // Woken when half of it is free, a waiting sender goes on with a run of messages and not
        // with one at a time.
        if self.waiting.load(Ordering::SeqCst) > 0 && self.is_half_free(left) {
            self.wake();
        }
    }

    fn is_half_free(&self, used: u64) -> bool {
        let messages = self.total.messages_each.load(Ordering::Acquire) as u64;
        let bytes = self.total.bytes_each.load(Ordering::Acquire) as u64;
        used >> BYTES_BITS <= messages / 2 && used & BYTES_MASK <= bytes / 2
    }
}

/// A sender that waits for room.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    room: &'a Room,
}

impl Wait<'_> {
    /// To be made before room is tried for, and awaited after there was none: here, or of all.
    pub(crate) fn freed(&self) -> (Notified<'_>, Notified<'_>) {
        (self.room.freed.notified(), self.room.total.freed.notified())
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.room.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A message's room, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    room: Arc<Room>,
    cost: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.give_back(self.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(messages: usize, bytes: usize) -> Arc<Room> {
        Room::new(&Total::new(HighWater { messages, bytes, ..HighWater::default() }))
    }

    #[test]
    fn an_empty_queue_takes_one_message_whatever_its_size() {
        let room = room(1, 10);
        let first = room.take(1_000_000);
        assert!(first.is_some());
        assert!(room.take(0).is_none());
        assert!(!room.is_free());
        drop(first);
        assert!(room.take(11).is_some());
    }

    #[test]
    fn both_marks_hold() {
        let room = room(3, 10);
        let held: Vec<_> = [4, 6].into_iter().map(|bytes| room.take(bytes)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(room.take(1).is_none());
        let third = room.take(0);
        assert!(third.is_some());
        assert!(room.take(0).is_none());
    }

    #[test]
    fn marks_that_are_set_anew_hold_at_once_for_who_is_there_already() {
        let total = Total::new(HighWater { messages: 3, bytes: 10, total: 100 });
        let room = Room::new(&total);
        let held: Vec<_> = (0..3).map(|_| room.take(1)).collect();
        assert!(room.take(1).is_none());
        total.set(HighWater { messages: 4, bytes: 10, total: 100 });
        let fourth = room.take(1);
        assert!(fourth.is_some() && room.take(1).is_none());
        total.set(HighWater { messages: 2, bytes: 10, total: 100 });
        drop((fourth, held.into_iter().next()));
        assert!(room.take(1).is_some(), "one message is always taken, and all are gone");
    }

    #[test]
    fn over_the_total_each_peer_has_a_sixteenth_of_its_bytes() {
        let total = Total::new(HighWater { messages: 100, bytes: 160, total: 300 });
        let rooms: Vec<_> = (0..3).map(|_| Room::new(&total)).collect();
        let first = rooms[0].take(160).expect("room");
        let second = rooms[1].take(140).expect("room");
        assert!(rooms[1].is_free(), "at the total, it is not over it");
        let over = rooms[1].take(1).expect("room");
        assert!(rooms.iter().take(2).all(|room| !room.is_free() && room.take(1).is_none()));
        let one = rooms[2].take(9).expect("room");
        let share = rooms[2].take(1).expect("the last of its share");
        assert!(!rooms[2].is_free() && rooms[2].take(1).is_none());
        drop((one, share));
        let large = rooms[2].take(1_000).expect("an empty queue takes one message");
        drop((large, over));
        assert!(rooms.iter().skip(1).all(|room| room.is_free()));
        drop((first, second));
        assert_eq!(total.bytes.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_is_taken_over_the_mark_counts_in_the_total() {
        let total = Total::new(HighWater { messages: 1, bytes: 160, total: 100 });
        let (one, other) = (Room::new(&total), Room::new(&total));
        let held = (one.take_over(50), one.take_over(51), other.take(11));
        assert!(!other.is_free());
        drop(held);
        assert_eq!(total.bytes.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn who_waits_for_more_than_its_share_is_woken_when_the_total_is_free() {
        let total = Total::new(HighWater { messages: 100, bytes: 160, total: 150 });
        let (one, other) = (Room::new(&total), Room::new(&total));
        let (_stalled, read) = (one.take(100), other.take(100));
        let wait = one.wait();
        let (_, freed) = wait.freed();
        let mut freed = std::pin::pin!(freed);
        freed.as_mut().enable();
        assert!(one.take(10).is_none());
        drop(read);
        freed.await;
        assert!(one.take(10).is_some());
    }
}
