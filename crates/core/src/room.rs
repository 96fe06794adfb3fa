//! High-water marks: how much may wait for one peer.
//!
//! A message that waits holds a [`Permit`]. On the wire it is owned by the message's last frame,
//! and so is given back when the transport drops that frame, having written it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::HighWater;

const ONE_MESSAGE: u64 = 1 << BYTES_BITS;
const BYTES_BITS: u32 = 40;
const BYTES_MASK: u64 = ONE_MESSAGE - 1;

/// What waits for one peer, against its high-water mark.
#[derive(Debug)]
pub(crate) struct Room {
    mark: HighWater,
    /// Messages in the upper 24 bits, bytes in the lower 40.
    used: AtomicU64,
    waiting: AtomicUsize,
    freed: Notify,
}

impl Room {
    pub(crate) fn new(mark: HighWater) -> Arc<Self> {
        let freed = Notify::new();
        Arc::new(Self { mark, used: AtomicU64::new(0), waiting: AtomicUsize::new(0), freed })
    }

    /// Room for one message of so many bytes, if there is any.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let cost = ONE_MESSAGE + (bytes as u64 & BYTES_MASK);
        let more = |used| (used == 0 || self.fits(used + cost)).then_some(used + cost);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Permit { room: Arc::clone(self), cost })
    }

    /// Room for one message of so many bytes, over the marks if need be.
    pub(crate) fn take_over(self: &Arc<Self>, bytes: usize) -> Permit {
        let cost = ONE_MESSAGE + (bytes as u64 & BYTES_MASK);
        self.used.fetch_add(cost, Ordering::AcqRel);
        Permit { room: Arc::clone(self), cost }
    }

    /// Whether a message of one byte would find room now.
    pub(crate) fn is_free(&self) -> bool {
        let used = self.used.load(Ordering::Acquire);
        used == 0 || self.fits(used + ONE_MESSAGE + 1)
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

    fn fits(&self, used: u64) -> bool {
        used >> BYTES_BITS <= self.mark.messages as u64
            && used & BYTES_MASK <= self.mark.bytes as u64
    }

    fn give_back(&self, cost: u64) {
        let left = self.used.fetch_sub(cost, Ordering::AcqRel) - cost;
        // Woken when half of it is free, a waiting sender goes on with a run of messages and not
        // with one at a time.
        if self.waiting.load(Ordering::SeqCst) > 0 && self.is_half_free(left) {
            self.wake();
        }
    }

    fn is_half_free(&self, used: u64) -> bool {
        used >> BYTES_BITS <= self.mark.messages as u64 / 2
            && used & BYTES_MASK <= self.mark.bytes as u64 / 2
    }
}

/// A sender that waits for room.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    room: &'a Room,
}

impl Wait<'_> {
    /// To be made before room is tried for, and awaited after there was none.
    pub(crate) fn freed(&self) -> tokio::sync::futures::Notified<'_> {
        self.room.freed.notified()
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

impl Permit {
    /// The same bytes, which own the permit from now on.
    pub(crate) fn owned_by(self, frame: Bytes) -> Bytes {
        Bytes::from_owner(Held { frame, _permit: self })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.give_back(self.cost);
    }
}

struct Held {
    frame: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(messages: usize, bytes: usize) -> Arc<Room> {
        Room::new(HighWater { messages, bytes })
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
    fn a_frame_gives_its_room_back_when_its_last_copy_is_dropped() {
        let room = room(1, 10);
        let frame = room.take(3).expect("room").owned_by(Bytes::from_static(b"abc"));
        let copy = frame.clone();
        drop(frame);
        assert_eq!(copy, "abc");
        assert!(!room.is_free());
        drop(copy);
        assert!(room.is_free());
        let empty = room.take(0).expect("room").owned_by(Bytes::new());
        assert!(empty.is_empty());
        assert!(!room.is_free());
        drop(empty);
        assert!(room.is_free());
    }
}
