//! Ports: listening, accepting, and taking in whoever passes the handshake.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, UnixListener, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::asides::Asides;
use super::handshake::{Guest, greet, refuse};
use super::stream::{KERNEL_BUFFER, Stream};
use super::zmtp;
use super::{Carried, Gate, LINGER, PAD_MAX, descriptors, overstays};
use crate::error::BeyondLoopback;
use crate::outlet::{Known, Outlet, Way};
use crate::queue::Queue;
use crate::registry::{Claim, Place};
use crate::{Cause, Endpoint, Identity, Peer, PeerId, SocketKind};

const BACKLOG: u32 = 1024;
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_MOST: Duration = Duration::from_secs(1);

/// One open port.
#[derive(Debug)]
pub(crate) struct Port {
    listener: Listener,
    endpoint: Endpoint,
    index: usize,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Ipc { listener: UnixListener, _file: SocketFile },
}

/// Opens a TCP port, at the first of the host's addresses that will have it. With `loopback_only`, all
/// of them must be loopback addresses.
pub(crate) async fn bind_tcp(
    host: &str,
    port: u16,
    index: usize,
    loopback_only: bool,
) -> io::Result<Port> {
    let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let addresses: Vec<_> = lookup_host((Endpoint::resolvable(host), port)).await?.collect();
    let is_beyond = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    if let Some(beyond) = addresses.iter().find(is_beyond).filter(|_| loopback_only) {
        return Err(BeyondLoopback { address: beyond.ip() }.into());
    }
    for address in addresses {
        match listen_tcp(address) {
            Ok(listener) => {
                let port = listener.local_addr()?.port();
                let endpoint = Endpoint::Tcp { host: host.to_owned(), port };
                return Ok(Port { listener: Listener::Tcp(listener), endpoint, index });
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(KERNEL_BUFFER)?;
    socket.set_send_buffer_size(KERNEL_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Opens a unix socket that only this user may use. A file that nobody answers on is replaced.
pub(crate) async fn bind_ipc(path: &Path, index: usize) -> io::Result<Port> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        match tokio::net::UnixStream::connect(path).await {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?;
            }
            Err(error) => return Err(error),
        }
    }
    let listener = UnixListener::bind(path)?;
    let file = SocketFile::of(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let endpoint = Endpoint::Ipc(path.to_owned());
    Ok(Port { listener: Listener::Ipc { listener, _file: file }, endpoint, index })
}

impl Port {
    /// Where it is, with its real number.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Accepts until the gate stops; then waits a while for those inside to leave.
    pub(crate) async fn serve(self, gate: Arc<Gate>) {
        let mut guests = JoinSet::new();
        let mut pause = PAUSE_FIRST;
        loop {
            tokio::select! {
                biased;
                () = gate.stop.cancelled() => break,
                Some(_) = guests.join_next() => {}
                accepted = self.accept() => match accepted {
                    Ok(caller) => {
                        pause = PAUSE_FIRST;
                        // Those that have left but whose private connection is not clean count too.
                        let is_crowd = guests.len() / 2 >= gate.registry.places.at_most(self.index);
                        match self.admit(&gate, caller.from, is_crowd) {
                            Ok((id, place)) => {
                                let gate = Arc::clone(&gate);
                                guests.spawn(receive(gate, caller, self.index, id, place));
                            }
                            Err(cause) => gate.registry.counters.refuse(cause, &caller.address),
                        }
                    }
                    Err(error) if concerns_one(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, endpoint = %self.endpoint, "cannot accept");
                        tokio::select! {
                            () = gate.stop.cancelled() => break,
                            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MOST),
                        }
                    }
                },
            }
        }
        drop(self);
        let _ = timeout(LINGER + LINGER / 2, async { while guests.join_next().await.is_some() {} })
            .await;
    }

    /// Finds a place for whoever has called.
    fn admit(
        &self,
        gate: &Gate,
        from: Option<IpAddr>,
        is_crowd: bool,
    ) -> Result<(PeerId, Place), Cause> {
        if is_crowd {
            return Err(Cause::TooManyConnections);
        }
        if !descriptors::suffice() {
            return Err(Cause::NoDescriptors);
        }
        let id = gate.registry.next_id();
        Ok((id, gate.registry.enter(id, self.index, from)?))
    }

    async fn accept(&self) -> io::Result<Caller> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                let address = from.to_string();
                Ok(Caller { stream: Stream::tcp(stream), from: Some(from.ip()), address })
            }
            Listener::Ipc { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let address = self.endpoint.to_string();
                Ok(Caller { stream: Stream::Unix(stream), from: None, address })
            }
        }
    }
}

/// Whoever called at a port.
struct Caller {
    stream: Stream,
    from: Option<IpAddr>,
    /// To be shown to people.
    address: String,
}

/// Whether an accept failed for what the one connection did, and not for lack of anything.
fn concerns_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// Takes in one connection: handshake, name, private connection, and its life.
async fn receive(gate: Arc<Gate>, caller: Caller, port: usize, id: PeerId, place: Place) {
    let registry = &gate.registry;
    let Caller { stream: outer, address, .. } = caller;
    let entering = timeout(registry.limits.handshake, enter(&gate, &outer, id));
    let entered = tokio::select! {
        biased;
        () = gate.stop.cancelled() => return,
        () = overstays(Some(place.stay())) => Err(Cause::TooManyConnections),
        entered = entering => entered.unwrap_or(Err(Cause::HandshakeTimeout)),
    };
    let (guest, name, claim) = match entered {
        Ok(entered) => entered,
        Err(cause) => {
            if cause.is_refusal() {
                registry.counters.refuse(cause, &address);
            }
            return;
        }
    };
    let Ok(inner) = gate.pool.take().await else {
        return registry.counters.refuse(Cause::Internal, &address);
    };
    let Guest { identity, kind, .. } = guest;
    let on_trial = place.came_on_trial();
    let peer = Peer { id, identity, kind, port, address, on_trial };
    let known = Known::new(peer, name, inner.name.number());
    let queue = Arc::<Queue>::default();
    let way = Way::Wire(Arc::clone(&queue));
    let asides = Arc::new(Asides::new(guest.minor, registry.limits.stall));
    asides.push(zmtp::ready_frame(SocketKind::Router.as_str()));
    let outlet = Outlet::new(known, way, registry.limits, &registry.total, Some(&asides));
    let held = Some((claim, place));
    let carried = Carried { outer, early: guest.early, asides, outlet, queue, held };
    if let (_, Some(clean)) = gate.carry(carried, inner, PAD_MAX).await {
        gate.put_back(clean).await;
    }
}

async fn enter(gate: &Gate, outer: &Stream, id: PeerId) -> Result<(Guest, Identity, Claim), Cause> {
    let guest = greet(outer, SocketKind::Router).await?;
    let name = guest.identity.clone().unwrap_or_else(Identity::made);
    let claim = gate
        .registry
        .claim(&name, id)
        .await
        .inspect_err(|cause| refuse(outer, guest.wants_reason, *cause))?;
    Ok((guest, name, claim))
}

/// A unix socket's file, removed when dropped unless somebody else's is there by then.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), inode: (found.dev(), found.ino()) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).map(|found| (found.dev(), found.ino()));
        if now.is_ok_and(|now| now == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
