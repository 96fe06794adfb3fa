//! Turns: while a private connection is being made, the transport does not see another one end.
//!
//! The transport (zeromq 0.7.0, `peer_connected` and `peer_disconnected`) locks its map of peers in tasks that wait, and
//! also in calls that block their thread. Where two of those met, the lock could be handed to a task that was to run
//! next on the very thread that had blocked for it: the thread stood still for ever, and with it whatever else waited
//! for it, the owner of the socket too. So they are made one at a time, and the owner does not look into the transport
//! while one is made and another one is about to end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long the owner goes first if it waits, each time that it could not look. It may be busy with other things, and
/// those who connect do not depend on it.
const GIVE_WAY: Duration = Duration::from_millis(20);

/// Who may go on: whoever makes a private connection, those that close one, and the owner of the socket, who looks.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    now: Mutex<Now>,
    looked: Notify,
}

#[derive(Debug, Default)]
struct Now {
    is_one_made: bool,
    /// How many are being closed, and may be seen to end at any time.
    closing: usize,
    /// The owner, who could not look.
    owner: Option<Waker>,
}

impl Turns {
    /// Goes on until it is dropped. Only one is made at a time: see `Wire::arrivals`.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn make(&self) -> Making<'_> {
        let looked = self.looked.notified();
        if self.now().owner.is_some() {
            let _ = timeout(GIVE_WAY, looked).await;
        }
        let mut now = self.now();
        // It was woken when the last one was made.
        now.owner = None;
        now.is_one_made = true;
        Making(self)
    }

    /// Must be held from before the connection's end is written until the transport has closed it too.
    pub(crate) fn close(&self) -> Closing<'_> {
        self.now().closing += 1;
        Closing(self)
    }

    /// Looks into the transport, unless one is being made while another is about to end. Whoever asks is woken
    /// when it can be done.
    pub(crate) fn look<T>(
        &self,
        cx: &mut Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut now = self.now();
        if now.is_one_made && now.closing > 0 {
            now.owner = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if now.owner.take().is_some() {
            self.looked.notify_waiters();
        }
        // Held meanwhile: nothing begins before this has ended.
        look(cx)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One is being made, until this is dropped.
#[derive(Debug)]
pub(crate) struct Making<'a>(&'a Turns);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut now = self.0.now();
        now.is_one_made = false;
        if let Some(owner) = &now.owner {
            owner.wake_by_ref();
        }
    }
}

/// One is being closed, until this is dropped.
#[derive(Debug)]
pub(crate) struct Closing<'a>(&'a Turns);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.now().closing -= 1;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::task::{ArcWake, waker};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn look(turns: &Turns, owner: &Arc<Woken>) -> Poll<()> {
        turns.look(&mut Context::from_waker(&waker(Arc::clone(owner))), |_| Poll::Ready(()))
    }

    #[tokio::test]
    async fn the_owner_waits_only_while_one_is_made_and_another_is_closed() {
        let (turns, owner) = (Turns::default(), Arc::default());
        let making = turns.make().await;
        assert_eq!(look(&turns, &owner), Poll::Ready(()), "nothing ends");
        let closing = turns.close();
        assert_eq!(look(&turns, &owner), Poll::Pending, "one is made, and one may end");
        assert_eq!(owner.0.load(Ordering::Relaxed), 0);
        drop(making);
        assert_eq!(owner.0.load(Ordering::Relaxed), 1, "told when it is made");
        assert_eq!(look(&turns, &owner), Poll::Ready(()), "none is made");
        let _making = turns.make().await;
        assert_eq!(look(&turns, &owner), Poll::Pending);
        drop(closing);
        assert_eq!(look(&turns, &owner), Poll::Ready(()), "none is closed any more");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_makes_the_next_lets_an_owner_that_waits_go_first_but_not_for_ever() {
        let (turns, owner) = (Turns::default(), Arc::default());
        let (making, _closing) = (turns.make().await, turns.close());
        assert_eq!(look(&turns, &owner), Poll::Pending);
        drop(making);
        let mut next = Box::pin(turns.make());
        assert!(next.as_mut().now_or_never().is_none(), "the owner first");
        assert_eq!(look(&turns, &owner), Poll::Ready(()));
        let making = next.as_mut().now_or_never().expect("the owner has looked");

        assert_eq!(look(&turns, &owner), Poll::Pending);
        drop(making);
        let asked = tokio::time::Instant::now();
        drop(turns.make().await);
        assert_eq!(asked.elapsed(), GIVE_WAY, "an owner that does not come");
        drop(turns.make().await);
        assert_eq!(asked.elapsed(), GIVE_WAY, "and is not waited for again before it has");
    }
}
