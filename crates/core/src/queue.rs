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

    /// Takes all that waits, oldest first, into an empty list.
    pub(crate) fn take_all(&self, into: &mut VecDeque<Taken>) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut *self.lock(), into);
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
