//! A socket that binds, hears from many peers, and sends to each by name.

mod sender;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::sender::RouterSender;
use crate::gate::{Gate, Port, bind_ipc, bind_tcp};
use crate::inbox::{Inbox, Retries};
use crate::mailbox::Mail;
use crate::mem::{self, Listener, MemPort};
use crate::registry::Registry;
use crate::socket::{RouterHandler, Serves, Socket};
use crate::{
    BindError, Endpoint, Frames, GateCounts, Identity, RouterEvent, RouterOptions, SendError,
    transport,
};

/// A ROUTER: many peers, each sent to by its identity or by its connection.
///
/// It owns everything that works for it: ports, connections, tasks, the private socket. All of it
/// ends with [`Router::shutdown`], or when the router is dropped. It must be made, and used, within
/// a Tokio runtime.
///
/// It does not say who a peer really is, and it does not repeat a message: what was queued for a
/// connection is gone when the connection is.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use hopline_core::{Dealer, DealerOptions, Router, RouterOptions};
///
/// let endpoint = "mem://router-example".parse()?;
/// let mut router = Router::bind(&endpoint, RouterOptions::default()).await?;
/// let mut dealer = Dealer::connect(&endpoint, DealerOptions::default())?;
///
/// dealer.send_msg("hello").await?;
/// let (sender, frames) = router.recv().await;
/// router.sender().send_multipart(&sender, frames).await?;
/// assert_eq!(dealer.recv().await, ["hello"]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Router {
    inbox: Inbox,
    registry: Arc<Registry>,
    options: RouterOptions,
    gate: Option<Arc<Gate>>,
    endpoints: Vec<Endpoint>,
    mem_ports: Vec<MemPort>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl Router {
    /// Opens a first port.
    ///
    /// # Errors
    /// If the port is taken, or cannot be opened for another reason.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, nothing is left open.
    pub async fn bind(endpoint: &Endpoint, options: RouterOptions) -> Result<Self, BindError> {
        let registry = Registry::new(options.limits, options.high_water, options.duplicates);
        let stop = CancellationToken::new();
        let mut router = Self {
            inbox: Inbox::new(Arc::clone(&registry)),
            registry,
            options,
            gate: None,
            endpoints: Vec::new(),
            mem_ports: Vec::new(),
            tasks: JoinSet::new(),
            _stop_when_dropped: stop.clone().drop_guard(),
            stop,
        };
        router.bind_also(endpoint).await?;
        Ok(router)
    }

    /// Opens one more port, and says its index in [`Router::endpoints`] and in
    /// [`Peer::port`](crate::Peer::port).
    ///
    /// # Errors
    /// As [`Router::bind`]; the ports that are open stay open.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the port is not open.
    pub async fn bind_also(&mut self, endpoint: &Endpoint) -> Result<usize, BindError> {
        let index = self.endpoints.len();
        let bound = match endpoint {
            Endpoint::Mem(name) => self.listen_mem(name, index),
            Endpoint::Tcp { host, port } => {
                let bound = bind_tcp(host, *port, index, self.options.loopback_only).await;
                bound.and_then(|port| self.open(port))
            }
            Endpoint::Ipc(path) => bind_ipc(path, index).await.and_then(|port| self.open(port)),
        };
        match bound {
            Ok(resolved) => {
                tracing::debug!(endpoint = %resolved, "listening");
                self.endpoints.push(resolved);
                Ok(index)
            }
            Err(source) => Err(BindError { endpoint: endpoint.clone(), source }),
        }
    }

    /// Where it listens, with real port numbers, in the order they were bound.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.clone()
    }

    /// Waits for what happens next.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is lost if it is dropped before it is done.
    pub async fn recv_event(&mut self) -> RouterEvent {
        poll_fn(|cx| self.inbox.poll(cx).map(event)).await
    }

    /// What has happened already, if anything.
    pub fn try_recv_event(&mut self) -> Option<RouterEvent> {
        match self.inbox.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(mail) => Some(event(mail)),
            Poll::Pending => None,
        }
    }

    /// Waits for the next message and says who sent it. Passes over all other events.
    ///
    /// A peer without an identity is given one of 16 bytes, under which it can be answered.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is lost if it is dropped before it is done.
    pub async fn recv(&mut self) -> (Identity, Frames) {
        poll_fn(|cx| {
            loop {
                match self.inbox.poll(cx) {
                    Poll::Ready(Mail::Message(from, frames)) => {
                        return Poll::Ready((from.name.clone(), frames));
                    }
                    Poll::Ready(_) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// A handle to send with, for this task or others.
    pub fn sender(&self) -> RouterSender {
        RouterSender::new(&self.registry)
    }

    /// What was counted so far.
    pub fn counts(&self) -> GateCounts {
        self.registry.counters.read()
    }

    /// Closes the ports, hands over what was already taken for peers that read (for up to a
    /// second), closes the connections, ends the tasks, removes the sockets and directories, in
    /// this order.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the rest happens at once and nothing more is handed
    /// over, as when the router is dropped.
    pub async fn shutdown(mut self) {
        self.mem_ports.clear();
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    fn listen_mem(&mut self, name: &str, port: usize) -> std::io::Result<Endpoint> {
        let listener = Listener {
            registry: Arc::clone(&self.registry),
            mailbox: self.inbox.mailbox(),
            stop: self.stop.clone(),
            port,
        };
        self.mem_ports.push(mem::listen(name, listener)?);
        Ok(Endpoint::Mem(name.to_owned()))
    }

    /// Puts the gate behind a port; the first one brings the transport with it.
    fn open(&mut self, port: Port) -> std::io::Result<Endpoint> {
        let endpoint = port.endpoint().clone();
        let gate = match &self.gate {
            Some(gate) => Arc::clone(gate),
            None => {
                let (wire, inbox) = transport::open(self.options.runtime_dir.as_deref())?;
                self.inbox.add_wire(inbox, &wire, Retries::default());
                Arc::clone(self.gate.insert(Gate::new(&self.registry, wire, self.stop.clone())))
            }
        };
        self.tasks.spawn(port.serve(gate));
        Ok(endpoint)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.registry.close();
        if let Some(gate) = &self.gate {
            gate.wire.close();
        }
    }
}

fn event(mail: Mail) -> RouterEvent {
    match mail {
        Mail::Attached(known) => RouterEvent::Attached(known.peer.clone()),
        Mail::Message(from, frames) => RouterEvent::Message(from.peer.id, frames),
        Mail::Detached(known, cause) => {
            let passed = known.passed.load(Ordering::Acquire);
            RouterEvent::Detached { peer: known.peer.id, cause, passed }
        }
        Mail::Retrying { .. } => unreachable!("a router does not dial"),
    }
}

impl Socket for Router {
    type Message = (Identity, Frames);
    type Single = (Identity, Bytes);

    async fn recv(&mut self) -> Self::Message {
        Router::recv(self).await
    }

    async fn send_multipart(&self, (to, frames): Self::Message) -> Result<(), SendError> {
        self.sender().send_multipart(&to, frames).await
    }

    async fn send_msg(&self, (to, frame): Self::Single) -> Result<(), SendError> {
        self.sender().send_msg(&to, frame).await
    }
}

impl<H: RouterHandler> Serves<Router> for H {
    async fn handle(&mut self, (sender, frames): (Identity, Frames)) {
        self.got_message(sender, frames).await;
    }
}
