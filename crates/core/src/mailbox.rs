//! What a socket hears from sockets of the same process: `mem://` without bytes or tasks.

use std::collections::VecDeque;
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

/// Mail from many, read by one. It is bounded by the permits of those who write.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    mail: VecDeque<(Mail, Option<Permit>)>,
    reader: Option<Waker>,
}

impl Mailbox {
    /// Puts mail in. A message whose connection has ended is given back.
    pub(crate) fn post(&self, mail: Mail, permit: Option<Permit>) -> Result<(), Frames> {
        let mut state = self.lock();
        let mail = match mail {
            Mail::Message(from, frames) if from.end.get().is_some() => return Err(frames),
            Mail::Detached(from, cause) => {
                if from.end.set(cause).is_err() {
                    return Ok(());
                }
                Mail::Detached(from, cause)
            }
            other => other,
        };
        state.mail.push_back((mail, permit));
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Takes the oldest mail out; a message's room is free from then on.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Mail> {
        let mut state = self.lock();
        let Some((mail, permit)) = state.mail.pop_front() else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        drop(permit);
        Poll::Ready(mail)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
