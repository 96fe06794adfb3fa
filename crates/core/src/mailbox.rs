//! What a socket hears from sockets of the same process: `mem://` without bytes or tasks.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::outlet::Known;
use crate::room::Permit;
use crate::{Cause, Frames};

/// What a socket hears, before it is made an event.
#[derive(Debug)]
pub(crate) enum Mail {
    Attached(Arc<Known>),
    Message(Arc<Known>, Frames),
    Detached(Arc<Known>, Cause),
    Retrying { attempt: u32, delay: Duration, cause: Cause },
}

/// What becomes of a connection's unread messages at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unread {
    Kept,
    ThrownAway,
}

/// Mail from many, read by one. It is bounded by the permits of those who write.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    mail: VecDeque<(Mail, Option<Permit>)>,
    reader: Option<Waker>,
    /// How many connections are paused, or were at their end.
    paused: usize,
}

impl State {
    fn next(&mut self) -> Option<(Mail, Option<Permit>)> {
        if self.paused == 0 {
            return self.mail.pop_front();
        }
        // What a connection said before its end is heard once it has ended.
        let stays =
            |known: &Known| known.paused.load(Ordering::Acquire) && known.end.get().is_none();
        let first = self.mail.iter().position(|(mail, _)| match mail {
            Mail::Message(from, _) => !stays(from),
            Mail::Attached(_) | Mail::Detached(..) | Mail::Retrying { .. } => true,
        });
        self.mail.remove(first?)
    }
}

impl Mailbox {
    /// Puts mail in. A message whose connection has ended is given back.
    pub(crate) fn post(&self, mail: Mail, permit: Option<Permit>) -> Result<(), Frames> {
        let mut state = self.lock();
        let mail = match mail {
            Mail::Message(from, frames) if from.end.get().is_some() => return Err(frames),
            other => other,
        };
        state.mail.push_back((mail, permit));
        wake_reader(state);
        Ok(())
    }

    /// Tells a listener and a dealer of their new connection. `connect` lets both send over it: what they send comes behind.
    pub(crate) fn introduce(
        listener: (&Self, Arc<Known>),
        dealer: (&Self, Arc<Known>),
        connect: impl FnOnce(),
    ) {
        // Always in this order: no mailbox is a listener's and a dealer's.
        let (mut far, mut near) = (listener.0.lock(), dealer.0.lock());
        far.mail.push_back((Mail::Attached(listener.1), None));
        near.mail.push_back((Mail::Attached(dealer.1), None));
        connect();
        wake_reader(near);
        wake_reader(far);
    }

    /// Ends a connection, once: its messages are not taken any more from now on.
    pub(crate) fn end(&self, whose: &Arc<Known>, cause: Cause, unread: Unread) {
        let mut state = self.lock();
        if whose.end.set(cause).is_err() {
            return;
        }
        let mut thrown_away = VecDeque::new();
        if unread == Unread::ThrownAway {
            let all = std::mem::take(&mut state.mail);
            (thrown_away, state.mail) = all.into_iter().partition(|(mail, _)| match mail {
                Mail::Message(from, _) => Arc::ptr_eq(from, whose),
                Mail::Attached(_) | Mail::Detached(..) | Mail::Retrying { .. } => false,
            });
        }
        state.mail.push_back((Mail::Detached(Arc::clone(whose), cause), None));
        wake_reader(state);
        drop(thrown_away);
    }

    /// Leaves a connection's messages where they are, or lets them be taken again.
    pub(crate) fn pause(&self, whose: &Known, paused: bool) {
        let mut state = self.lock();
        let was = whose.paused.swap(paused, Ordering::AcqRel);
        if paused && !was {
            state.paused += 1;
        } else if was && !paused {
            state.paused -= 1;
            wake_reader(state);
        }
    }

    /// Takes the oldest mail out; a message's room is free from then on.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Mail> {
        let mut state = self.lock();
        let Some((mail, permit)) = state.next() else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if let Mail::Message(from, _) = &mail {
            from.heard.fetch_add(1, Ordering::Release);
        }
        drop(state);
        drop(permit);
        Poll::Ready(mail)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_reader(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}
