//! Dialling one endpoint, again and again for as long as the socket lives.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::asides::Asides;
use super::handshake::{Guest, introduce};
use super::marks::Mark;
use super::stream::{KERNEL_BUFFER, Stream};
use super::{Carried, Gate, overstays};
use crate::inbox::Retries;
use crate::mailbox::{Mail, Mailbox};
use crate::outlet::{Known, Outlet, Way};
use crate::queue::Queue;
use crate::registry::Registry;
use crate::{Cause, DealerOptions, Endpoint, Identity, Peer, PeerId, mem};

/// The way out as it is now; none while there is no connection.
pub(crate) type Link = watch::Receiver<Option<Arc<Outlet>>>;

/// A connection that lasted so long, or was vouched for, was a good one: the next dial does not wait for long.
const GOOD: Duration = Duration::from_secs(1);

/// What is dialled, and how.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) options: DealerOptions,
    pub(crate) link: watch::Sender<Option<Arc<Outlet>>>,
    pub(crate) redial: Arc<Notify>,
    pub(crate) retries: Retries,
}

impl Call {
    /// How long to wait after so many failures.
    fn delay(&self, failures: u32) -> Duration {
        self.options.backoff.delay(failures, fastrand::f64())
    }

    async fn wait(&self, delay: Duration) {
        let _ = timeout(delay, self.redial.notified()).await;
    }
}

impl Drop for Call {
    /// Nothing is taken for a connection once nobody looks after it.
    fn drop(&mut self) {
        if let Some(outlet) = self.link.send_replace(None) {
            outlet.seal();
        }
    }
}

/// Dials over TCP or a unix socket until the gate stops.
pub(crate) async fn dial(gate: Arc<Gate>, call: Call) {
    let mut failures = 0;
    let stop = gate.stop.clone();
    loop {
        let reached = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            reached = reach(&call) => reached,
        };
        let delay = match reached {
            Ok((outer, guest)) => {
                let since = now();
                let vouched = attend(&gate, &call, outer, guest).await;
                failures = if vouched || since.elapsed() >= GOOD { 1 } else { failures + 1 };
                call.delay(failures)
            }
            Err(cause) => {
                failures += 1;
                if cause.is_refusal() {
                    gate.registry.counters.refuse(cause, &call.endpoint.to_string());
                }
                let delay = call.delay(failures);
                tell_retry(&gate, &call, (failures, delay, cause)).await;
                delay
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = call.wait(delay) => {}
        }
    }
}

/// Connects and shakes hands.
async fn reach(call: &Call) -> Result<(Stream, Guest), Cause> {
    let options = &call.options;
    let patience = options.limits.handshake;
    let connected = timeout(patience, connect(&call.endpoint)).await;
    let outer = match connected {
        Ok(connected) => connected?,
        Err(_) => return Err(Cause::ConnectFailed(io::ErrorKind::TimedOut)),
    };
    let identity = options.identity.as_ref().map(Identity::as_bytes);
    match timeout(patience, introduce(&outer, options.socket_kind, identity)).await {
        Ok(guest) => Ok((outer, guest?)),
        Err(_) => Err(Cause::HandshakeTimeout),
    }
}

async fn connect(endpoint: &Endpoint) -> Result<Stream, Cause> {
    let connected = match endpoint {
        Endpoint::Tcp { host, port } => {
            let found = lookup_host((Endpoint::resolvable(host), *port)).await;
            connect_tcp(found.map_err(|_| Cause::HostNotFound)?).await
        }
        Endpoint::Ipc(path) => UnixStream::connect(path).await.map(Stream::Unix),
        Endpoint::Mem(_) => Err(io::ErrorKind::Unsupported.into()),
    };
    connected.map_err(|error| Cause::ConnectFailed(error.kind()))
}

/// Connects to the first of a host's addresses that answers.
async fn connect_tcp(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<Stream> {
    let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_recv_buffer_size(KERNEL_BUFFER)?;
        socket.set_send_buffer_size(KERNEL_BUFFER)?;
        match socket.connect(address).await {
            Ok(stream) if is_itself(&stream) => {
                refused = io::ErrorKind::ConnectionRefused.into();
            }
            Ok(stream) => return Ok(Stream::tcp(stream)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A dial of a free port on this machine may meet itself.
fn is_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(here), Ok(there)) if here == there)
}

/// Lives through one connection. Says whether it was vouched for.
async fn attend(gate: &Gate, call: &Call, outer: Stream, guest: Guest) -> bool {
    let registry = &gate.registry;
    let known_as = registry.next_id();
    let (Ok(inner), Ok(place)) = (gate.pool.take().await, registry.enter(known_as, 0, None)) else {
        tracing::warn!(endpoint = %call.endpoint, "reached, and closed again: no private connection for it");
        return false;
    };
    let known = known(known_as, call, inner.name.number(), Some(guest.identity));
    let queue = Arc::<Queue>::default();
    let way = Way::Wire(Arc::clone(&queue));
    let asides = Arc::new(Asides::new(guest.minor, registry.limits.stall));
    let outlet = Outlet::new(known, way, registry.limits, &registry.total, Some(&asides));
    let Ok(claim) = registry.claim(&outlet.known.name, outlet.known.peer.id).await else {
        tracing::warn!(endpoint = %call.endpoint, "reached, and closed again: its name is taken");
        return false;
    };
    let known = Arc::clone(&outlet.known);
    let held = Some((claim, place));
    call.link.send_replace(Some(Arc::clone(&outlet)));
    let carried = Carried { outer, early: guest.early, asides, outlet, queue, held };
    // Whatever is missing is padded: up and down are in order as they share one connection.
    let (_, clean) = gate.carry(carried, inner, u64::MAX).await;
    call.link.send_replace(None);
    if let Some(clean) = clean {
        gate.pool.put_only(clean);
    }
    known.vouched.load(Ordering::Acquire)
}

fn known(id: PeerId, call: &Call, inner: usize, said: Option<Option<Identity>>) -> Arc<Known> {
    let peer = Peer {
        id,
        identity: said.flatten(),
        kind: crate::SocketKind::Router,
        port: 0,
        address: call.endpoint.to_string(),
        on_trial: false,
    };
    Known::new(peer, Identity::made(), inner)
}

/// Tells of a failed dial, unless so much is unread that there is no room for it.
async fn tell_retry(gate: &Gate, call: &Call, retry: (u32, Duration, Cause)) {
    let Ok(inner) = gate.pool.take().await else {
        return;
    };
    let mark = gate.wire.secret.message(Mark::Retry);
    call.retries.lock().unwrap_or_else(PoisonError::into_inner).push_back(retry);
    match inner.stream.try_write(&mark) {
        Ok(wrote) => {
            let rest = mark.get(wrote..).unwrap_or_default();
            if inner.stream.write_all(rest).await.is_ok() {
                gate.pool.put_only(inner);
            }
        }
        Err(_) => {
            call.retries.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
            gate.pool.put_only(inner);
        }
    }
}

/// Dials within the process until told to stop.
pub(crate) async fn dial_mem(
    registry: Arc<Registry>,
    mailbox: Arc<Mailbox>,
    stop: CancellationToken,
    call: Call,
    name: String,
) {
    let mut failures = 0;
    loop {
        let near = known(registry.next_id(), &call, 0, None);
        let total = &registry.total;
        let connected = |near| drop(call.link.send_replace(Some(near)));
        let entered = mem::enter(&name, &call.options, near, &mailbox, total, connected).await;
        let delay = match entered {
            Ok(visit) => {
                let since = now();
                registry.counters.accept();
                let near = visit.near();
                let stay = visit.stay();
                visit.last(&stop, overstays(stay.as_ref())).await;
                call.link.send_replace(None);
                let vouched = near.known.vouched.load(Ordering::Acquire);
                failures = if vouched || since.elapsed() >= GOOD { 1 } else { failures + 1 };
                call.delay(failures)
            }
            Err(cause) => {
                failures += 1;
                if cause.is_refusal() {
                    registry.counters.refuse(cause, &call.endpoint.to_string());
                }
                let delay = call.delay(failures);
                let mail = Mail::Retrying { attempt: failures, delay, cause };
                let _ = mailbox.post(mail, None);
                delay
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = call.wait(delay) => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the gate is the rim: it times connections")]
fn now() -> Instant {
    Instant::now()
}
