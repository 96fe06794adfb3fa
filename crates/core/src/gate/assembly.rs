//! How much of messages that are not whole yet all peers of a socket may have sent.
//!
//! A message that comes in pieces takes memory until it is whole. After each piece it is asked here for
//! room before the next is read, and the peer waits, unread, while there is too much of all:
//!
//! - the oldest message under way never waits, so one can always be finished;
//! - if some wait for as long as a peer may stall, those whose messages have been under way for as long
//!   and that do not wait themselves are closed, so no trickle keeps the others waiting.
//!
//! A message that comes whole asks nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// The messages under way of one socket.
#[derive(Debug)]
pub(super) struct Assembly {
    most: u64,
    patience: Duration,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    next: u64,
    /// By age, oldest first.
    unfinished: BTreeMap<u64, Unfinished>,
}

#[derive(Debug)]
struct Unfinished {
    bytes: u64,
    since: Instant,
    waits: bool,
    late: CancellationToken,
}

impl Assembly {
    /// For so many bytes; who is in the way of others has so long.
    pub(super) fn new(most: usize, patience: Duration) -> Arc<Self> {
        let (state, changed) = (Mutex::default(), Notify::new());
        Arc::new(Self { most: most as u64, patience, state, changed })
    }

    /// The part of one peer.
    pub(super) fn part(self: &Arc<Self>) -> Part {
        Part { assembly: Arc::clone(self), number: None, late: CancellationToken::new() }
    }

    /// Adds to a message if there is room, or it is the oldest; else notes that it waits.
    fn add(&self, number: u64, bytes: u64) -> bool {
        let mut state = self.lock();
        let is_oldest = state.unfinished.keys().next() == Some(&number);
        let fits = state.bytes.saturating_add(bytes) <= self.most;
        let is_added = is_oldest || fits;
        if let Some(message) = state.unfinished.get_mut(&number) {
            message.waits = !is_added;
            if is_added {
                message.bytes += bytes;
                state.bytes += bytes;
            }
        }
        is_added
    }

    fn end_those_in_the_way(&self) {
        let patience = self.patience;
        let is_late = |message: &&Unfinished| !message.waits && message.since.elapsed() >= patience;
        self.lock().unfinished.values().filter(is_late).for_each(|message| message.late.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The message under way of one peer, if there is one.
#[derive(Debug)]
pub(super) struct Part {
    assembly: Arc<Assembly>,
    number: Option<u64>,
    late: CancellationToken,
}

impl Part {
    /// Cancelled when the peer has to go, because its message kept others waiting for too long.
    pub(super) fn late(&self) -> CancellationToken {
        self.late.clone()
    }

    /// Waits until there is room for so many bytes more of a message that is not whole.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, they are not counted.
    pub(super) async fn grow(&mut self, bytes: usize) {
        let number = self.number();
        let bytes = bytes as u64;
        while !self.assembly.add(number, bytes) {
            let changed = self.assembly.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if self.assembly.add(number, bytes) {
                return;
            }
            if timeout(self.assembly.patience, changed).await.is_err() {
                self.assembly.end_those_in_the_way();
            }
        }
    }

    /// The message is whole, or will never be.
    pub(super) fn end(&mut self) {
        if let Some(number) = self.number.take() {
            let mut state = self.assembly.lock();
            if let Some(message) = state.unfinished.remove(&number) {
                state.bytes -= message.bytes;
            }
            drop(state);
            self.assembly.changed.notify_waiters();
        }
    }

    fn number(&mut self) -> u64 {
        *self.number.get_or_insert_with(|| {
            let mut state = self.assembly.lock();
            let number = state.next;
            state.next += 1;
            let message = Unfinished {
                bytes: 0,
                since: Instant::now(),
                waits: false,
                late: self.late.clone(),
            };
            state.unfinished.insert(number, message);
            number
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn at_once(part: &mut Part, bytes: usize) -> bool {
        timeout(Duration::from_millis(1), part.grow(bytes)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_over_waits_and_the_oldest_never_does() {
        let assembly = Assembly::new(100, PATIENCE);
        let (mut old, mut young) = (assembly.part(), assembly.part());
        assert!(at_once(&mut old, 60).await && at_once(&mut young, 40).await);
        assert!(!at_once(&mut young, 1).await);
        assert!(at_once(&mut old, 1_000).await, "it can be finished");
        {
            let mut waiting = pin!(young.grow(1));
            assert!(timeout(Duration::from_millis(1), &mut waiting).await.is_err());
            old.end();
            waiting.await;
        }
        assert!(at_once(&mut old, 59).await, "it is a message of its own");
        assert!(!at_once(&mut old, 1).await, "and not the oldest");
        drop(young);
        assert!(at_once(&mut old, 1).await);
        drop(old);
        assert_eq!(assembly.lock().bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_others_waiting_has_to_go() {
        let assembly = Assembly::new(100, PATIENCE);
        let (mut trickle, mut honest) = (assembly.part(), assembly.part());
        assert!(at_once(&mut trickle, 100).await);
        tokio::time::advance(PATIENCE * 10).await;
        assert!(!trickle.late().is_cancelled(), "nobody waits");
        let (late, honest_late) = (trickle.late(), honest.late());
        let mut waiting = pin!(honest.grow(50));
        assert!(timeout(PATIENCE / 2, &mut waiting).await.is_err());
        assert!(!late.is_cancelled());
        let gone = async {
            late.cancelled().await;
            drop(trickle);
        };
        tokio::join!(waiting, gone);
        assert!(!honest_late.is_cancelled());
    }
}
