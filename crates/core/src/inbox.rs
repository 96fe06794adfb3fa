//! All that one socket hears, from the transport and from its own process, as one stream of mail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::gate::marks::{Mark, Secret};
use crate::mailbox::{Mail, Mailbox};
use crate::outlet::Known;
use crate::registry::Registry;
use crate::transport::{Wire, WireInbox};
use crate::{Cause, Frames};

/// Failed dials that have not been told yet.
pub(crate) type Retries = Arc<Mutex<VecDeque<(u32, Duration, Cause)>>>;

/// Where a socket's mail comes together.
#[derive(Debug)]
pub(crate) struct Inbox {
    registry: Arc<Registry>,
    wire: Option<WireHalf>,
    mailbox: Option<Arc<Mailbox>>,
    mailbox_first: bool,
}

#[derive(Debug)]
struct WireHalf {
    inbox: WireInbox,
    secret: Secret,
    retries: Retries,
    /// Whose messages each private connection carries now, by its number.
    carried: Vec<Option<Arc<Known>>>,
}

impl Inbox {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self { registry, wire: None, mailbox: None, mailbox_first: false }
    }

    pub(crate) fn add_wire(&mut self, inbox: WireInbox, wire: &Wire, retries: Retries) {
        let secret = wire.secret.clone();
        self.wire = Some(WireHalf { inbox, secret, retries, carried: Vec::new() });
    }

    /// The mailbox, made when it is first asked for.
    pub(crate) fn mailbox(&mut self) -> Arc<Mailbox> {
        Arc::clone(self.mailbox.get_or_insert_default())
    }

    /// The next mail. Neither side waits for long while the other has some.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Mail> {
        self.mailbox_first = !self.mailbox_first;
        if self.mailbox_first {
            self.poll_mailbox(cx).or_else_poll(|| self.poll_wire(cx))
        } else {
            let wire = self.poll_wire(cx);
            wire.or_else_poll(|| self.poll_mailbox(cx))
        }
    }

    fn poll_mailbox(&self, cx: &Context<'_>) -> Poll<Mail> {
        self.mailbox.as_ref().map_or(Poll::Pending, |mailbox| mailbox.poll(cx))
    }

    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Mail> {
        let Some(wire) = &mut self.wire else {
            return Poll::Pending;
        };
        loop {
            let Poll::Ready((inner, frames)) = wire.inbox.poll(cx) else {
                return Poll::Pending;
            };
            if let Some(mail) = wire.read(inner, frames, &self.registry) {
                return Poll::Ready(mail);
            }
        }
    }
}

impl WireHalf {
    fn carry(&mut self, inner: usize, whose: Option<Arc<Known>>) {
        if self.carried.len() <= inner {
            self.carried.resize(inner + 1, None);
        }
        if let Some(place) = self.carried.get_mut(inner) {
            *place = whose;
        }
    }

    fn read(&mut self, inner: usize, frames: Frames, registry: &Registry) -> Option<Mail> {
        let Some(mark) = frames.last().and_then(|last| self.secret.read(last)) else {
            let from = self.carried.get(inner)?.as_ref()?;
            return Some(Mail::Message(Arc::clone(from), frames));
        };
        match mark {
            Mark::Attach(id) => {
                let known = registry.known(id)?;
                self.carry(inner, Some(Arc::clone(&known)));
                Some(Mail::Attached(known))
            }
            Mark::Detach(id) => {
                let known = registry.known(id)?;
                registry.forget(id);
                self.carry(known.inner, None);
                let cause = known.end.get().copied().unwrap_or(Cause::Internal);
                Some(Mail::Detached(known, cause))
            }
            Mark::Retry => {
                let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
                let (attempt, delay, cause) = retries.pop_front()?;
                Some(Mail::Retrying { attempt, delay, cause })
            }
            Mark::Abort => None,
        }
    }
}

trait OrElsePoll: Sized {
    fn or_else_poll(self, other: impl FnOnce() -> Self) -> Self;
}

impl OrElsePoll for Poll<Mail> {
    fn or_else_poll(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_ready() { self } else { other() }
    }
}
