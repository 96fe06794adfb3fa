//! What was taken for one stranger and is still to be written to it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::Frames;
use crate::room::Permit;

/// Messages from many, taken by one gate. It is bounded by the permits of those who write.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Taken>>,
    came: Notify,
}

/// How many messages an idle queue has places for.
pub(crate) const PLACES_KEPT: usize = 32;

/// A message, or what is left of one, and its room.
pub(crate) type Taken = (std::vec::IntoIter<Bytes>, Permit);

impl Queue {
    pub(crate) fn push(&self, frames: Frames, permit: Permit) {
        let mut waiting = self.lock();
        waiting.push_back((frames.into_iter(), permit));
        // Whoever takes them takes all, and looks again before it waits.
        if waiting.len() == 1 {
            drop(waiting);
            self.came.notify_one();
        }
    }

    /// Takes all that waits, oldest first, into an empty list. If that is nothing, both keep the places
    /// of a few only: a burst is over.
    pub(crate) fn take_all(&self, into: &mut VecDeque<Taken>) {
        debug_assert!(into.is_empty());
        let mut waiting = self.lock();
        std::mem::swap(&mut *waiting, into);
        if into.is_empty() {
            waiting.shrink_to(PLACES_KEPT);
            into.shrink_to(PLACES_KEPT);
        }
    }

    /// Waits until something is there that was not when it was last looked.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }

    /// Throws everything away.
    pub(crate) fn clear(&self) {
        let thrown_away = std::mem::take(&mut *self.lock());
        drop(thrown_away);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Taken>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HighWater;
    use crate::room::{Room, Total};

    #[test]
    fn a_burst_is_taken_in_order_and_leaves_few_places_behind() {
        let room = Room::new(&Total::new(HighWater::default()));
        let (queue, mut taken) = (Queue::default(), VecDeque::new());
        for _ in 0..2 {
            for number in 0..200 {
                queue.push(vec![vec![number].into()], room.take_over(1));
            }
            queue.take_all(&mut taken);
            let numbers: Vec<Bytes> = taken.drain(..).flat_map(|(frames, _)| frames).collect();
            assert!(numbers.iter().map(|frame| frame[0]).eq(0..200));
        }
        queue.take_all(&mut taken);
        assert!(taken.capacity() < 100 && queue.lock().capacity() < 100);
        assert!(room.is_free());
    }
}
