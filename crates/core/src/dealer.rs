//! A socket that dials one endpoint, and dials again when it must.

mod link;
mod sender;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::link::DealerLink;
pub use self::sender::DealerSender;
use crate::endpoint::fits_a_socket;
use crate::gate::{Call, Gate, Link, dial, dial_mem};
use crate::inbox::{Inbox, Retries};
use crate::mailbox::Mail;
use crate::registry::Registry;
use crate::socket::{DealerHandler, Serves, Socket};
use crate::transport::Wire;
use crate::{
    ConnectError, DealerEvent, DealerOptions, Duplicates, Endpoint, Frames, GateCounts, SendError,
    transport,
};

/// A DEALER: one other side, dialled for as long as the dealer lives.
///
/// When the connection ends it is dialled again, with back-off and jitter. What was queued for the
/// old connection is gone; it is never delivered to the next. Dialling and sending go on whether or
/// not anybody receives, up to what the buffers hold.
///
/// It must be made, and used, within a Tokio runtime; all that works for it ends with
/// [`Dealer::shutdown`], or when it is dropped.
///
/// An example is at [`Router`](crate::Router).
#[derive(Debug)]
pub struct Dealer {
    inbox: Inbox,
    registry: Arc<Registry>,
    link: Link,
    redial: Arc<Notify>,
    wire: Option<Arc<Wire>>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl Dealer {
    /// Starts to dial. That nobody answers is no error: see [`DealerEvent::Retrying`].
    ///
    /// # Errors
    /// If the endpoint cannot be dialled whoever listens, or the private socket cannot be made.
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    pub fn connect(endpoint: &Endpoint, options: DealerOptions) -> Result<Self, ConnectError> {
        let registry = Registry::new(options.limits, options.high_water, Duplicates::Admit);
        let mut inbox = Inbox::new(Arc::clone(&registry));
        let stop = CancellationToken::new();
        let (link, changes) = watch::channel(None);
        let redial = Arc::new(Notify::new());
        let retries = Retries::default();
        let runtime_dir = options.runtime_dir.clone();
        let call = Call {
            endpoint: endpoint.clone(),
            options,
            link,
            redial: Arc::clone(&redial),
            retries: Arc::clone(&retries),
        };
        let mut tasks = JoinSet::new();
        if let Endpoint::Ipc(path) = endpoint {
            let endpoint = endpoint.clone();
            fits_a_socket(path).map_err(|source| ConnectError::Endpoint { endpoint, source })?;
        }
        let wire = if let Endpoint::Mem(name) = endpoint {
            let (registry, mailbox) = (Arc::clone(&registry), inbox.mailbox());
            tasks.spawn(dial_mem(registry, mailbox, stop.clone(), call, name.clone()));
            None
        } else {
            let (wire, wire_inbox) = transport::open(runtime_dir.as_deref())
                .map_err(|source| ConnectError::PrivateSocket { source })?;
            inbox.add_wire(wire_inbox, &wire, retries);
            let gate = Gate::new(&registry, wire, stop.clone());
            let wire = Arc::clone(&gate.wire);
            tasks.spawn(dial(gate, call));
            Some(wire)
        };
        let _stop_when_dropped = stop.clone().drop_guard();
        Ok(Self { inbox, registry, link: changes, redial, wire, tasks, stop, _stop_when_dropped })
    }

    /// Waits for what happens next.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is lost if it is dropped before it is done.
    pub async fn recv_event(&mut self) -> DealerEvent {
        poll_fn(|cx| self.inbox.poll(cx).map(event)).await
    }

    /// What has happened already, if anything.
    pub fn try_recv_event(&mut self) -> Option<DealerEvent> {
        match self.inbox.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(mail) => Some(event(mail)),
            Poll::Pending => None,
        }
    }

    /// Waits for the next message. Passes over all other events.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is lost if it is dropped before it is done.
    pub async fn recv(&mut self) -> Frames {
        poll_fn(|cx| {
            loop {
                match self.inbox.poll(cx) {
                    Poll::Ready(Mail::Message(_, frames)) => return Poll::Ready(frames),
                    Poll::Ready(_) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Sends a message, waiting for a connection and for room. As
    /// [`DealerSender::send_multipart`].
    ///
    /// # Errors
    /// [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn send_multipart(&self, frames: Frames) -> Result<(), SendError> {
        self.sender().send_multipart(frames).await
    }

    /// Sends a message of one frame. As [`Dealer::send_multipart`].
    ///
    /// # Errors
    /// As [`Dealer::send_multipart`].
    ///
    /// # Cancel safety
    /// As [`Dealer::send_multipart`].
    pub async fn send_msg(&self, frame: impl Into<Bytes>) -> Result<(), SendError> {
        self.send_multipart(vec![frame.into()]).await
    }

    /// A handle to send with, for this task or others.
    pub fn sender(&self) -> DealerSender {
        DealerSender::new(self.link.clone(), Arc::clone(&self.registry))
    }

    /// What was counted so far.
    pub fn counts(&self) -> GateCounts {
        self.registry.counters.read()
    }

    /// Ends the present wait between two dials.
    pub fn redial_now(&self) {
        self.redial.notify_waiters();
    }

    /// Hands over what was already taken (for up to a second), closes the connection, ends the
    /// tasks, removes the private socket, in this order.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the rest happens at once and nothing more is handed
    /// over, as when the dealer is dropped.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        if let Some(outlet) = &*self.link.borrow() {
            outlet.seal();
        }
        if let Some(wire) = &self.wire {
            wire.close();
        }
    }
}

fn event(mail: Mail) -> DealerEvent {
    match mail {
        Mail::Attached(_) => DealerEvent::Up,
        Mail::Message(_, frames) => DealerEvent::Message(frames),
        Mail::Detached(_, cause) => DealerEvent::Down(cause),
        Mail::Retrying { attempt, delay, cause } => DealerEvent::Retrying { attempt, delay, cause },
    }
}

impl Socket for Dealer {
    type Message = Frames;
    type Single = Bytes;

    async fn recv(&mut self) -> Frames {
        Dealer::recv(self).await
    }

    async fn send_multipart(&self, frames: Frames) -> Result<(), SendError> {
        Dealer::send_multipart(self, frames).await
    }

    async fn send_msg(&self, frame: Bytes) -> Result<(), SendError> {
        Dealer::send_msg(self, frame).await
    }
}

impl<H: DealerHandler> Serves<Dealer> for H {
    async fn handle(&mut self, frames: Frames) {
        self.got_message(frames).await;
    }
}
