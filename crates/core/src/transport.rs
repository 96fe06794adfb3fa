//! The transport: a `zeromq` ROUTER that hears nobody but our own gate.
//!
//! This is the only file that names the crate. Its ROUTER listens on a unix socket in a directory
//! that only this user may enter; each private connection has an identity of 8 bytes, ours to
//! choose. A dealer's gate uses one too, to hear what comes by one connection after another. It
//! reads messages, fairly from all of them. Nothing is sent through it: its queues are counted in
//! messages by the hundred thousand, and it does not tell what became of them.

mod turns;

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use tokio::sync::Mutex;
use zeromq::{RouterSocket, Socket, SocketEvent, SocketRecv};

pub(crate) use self::turns::Turns;
use crate::Frames;
use crate::endpoint::fits_a_socket;
use crate::gate::marks::Secret;

/// What it takes to be heard.
pub(crate) struct Wire {
    pub(crate) secret: Secret,
    home: Home,
    /// Whoever makes a private connection holds this until the transport has it.
    pub(crate) arrivals: Mutex<Arrivals>,
    pub(crate) turns: Arc<Turns>,
}

/// The private connections that the transport has let in, as it tells of them.
pub(crate) struct Arrivals(mpsc::Receiver<SocketEvent>);

/// Who hears.
pub(crate) struct WireInbox {
    socket: RouterSocket,
    turns: Arc<Turns>,
}

/// Opens a private ROUTER. Must be called within a Tokio runtime.
pub(crate) fn open(runtime_dir: Option<&Path>) -> io::Result<(Wire, WireInbox)> {
    let secret = Secret::random()?;
    let home = Home::make(runtime_dir)?;
    let listener = UnixListener::bind(home.socket())?;
    let mut socket = RouterSocket::new();
    let arrivals = Mutex::new(Arrivals(socket.monitor()));
    let bound = pin!(socket.bind_listener(listener)).poll(&mut Context::from_waker(Waker::noop()));
    match bound {
        Poll::Ready(Ok(_)) => {}
        Poll::Ready(Err(error)) => return Err(io::Error::other(error)),
        Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
    }
    let turns = Arc::<Turns>::default();
    let wire = Wire { secret, home, arrivals, turns: Arc::clone(&turns) };
    Ok((wire, WireInbox { socket, turns }))
}

impl Wire {
    /// Where the private ROUTER listens.
    pub(crate) fn path(&self) -> PathBuf {
        self.home.socket()
    }

    /// Lets nobody connect any more, and removes the socket and its directory.
    pub(crate) fn close(&self) {
        self.home.remove();
    }
}

impl Arrivals {
    /// Lets go of what was told before, so that there is room for more.
    pub(crate) fn forget(&mut self) {
        while self.next().now_or_never().flatten().is_some() {}
    }

    /// Waits until the transport has this private connection, and is done with all that it does then.
    ///
    /// # Cancel safety
    /// Cancel-safe: the transport goes on with it.
    pub(crate) async fn wait_for(&mut self, name: &InnerName) {
        while self.next().await.is_some_and(|came| came != name.0) {}
    }

    /// The next that the transport has let in; none once the transport is gone.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let SocketEvent::Accepted(_, identity) = self.0.next().await? {
                return Some(identity.into());
            }
        }
    }
}

impl WireInbox {
    /// The next message and the private connection that it came by.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Frames)> {
        loop {
            let socket = &mut self.socket;
            let received = self.turns.look(cx, |cx| pin!(socket.recv()).poll(cx));
            let Poll::Ready(received) = received else {
                return Poll::Pending;
            };
            let Ok(message) = received else {
                // Nobody else would wake whoever waits.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            let mut frames = message.into_vecdeque();
            let inner = frames.pop_front().and_then(|identity| number_of(&identity));
            if let Some(inner) = inner
                && !frames.is_empty()
            {
                return Poll::Ready((inner, frames.into()));
            }
        }
    }
}

/// The identity of a private connection: its number, in 8 bytes of which the first is not zero.
#[derive(Clone, Debug)]
pub(crate) struct InnerName(Bytes);

impl InnerName {
    pub(crate) fn new(number: usize) -> Self {
        Self(Bytes::copy_from_slice(&(number as u64 | MADE_HERE).to_be_bytes()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn number(&self) -> usize {
        number_of(&self.0).unwrap_or_default()
    }
}

const MADE_HERE: u64 = 1 << 63;

fn number_of(identity: &[u8]) -> Option<usize> {
    let number = u64::from_be_bytes(identity.try_into().ok()?) & !MADE_HERE;
    usize::try_from(number).ok()
}

/// The private directory; removed with what is in it when dropped.
#[derive(Debug)]
struct Home(PathBuf);

impl Home {
    fn make(runtime_dir: Option<&Path>) -> io::Result<Self> {
        if let Some(dir) = runtime_dir {
            return Self::make_in(dir);
        }
        let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let in_session = session.filter(|dir| dir.is_absolute()).map(|dir| Self::make_in(&dir));
        match in_session {
            Some(Ok(home)) => Ok(home),
            _ => Self::make_in(&std::env::temp_dir()),
        }
    }

    fn make_in(dir: &Path) -> io::Result<Self> {
        let mut unique = [0; 6];
        getrandom::fill(&mut unique).map_err(io::Error::other)?;
        let name: String = unique.iter().map(|byte| format!("{byte:02x}")).collect();
        let home = Self(dir.join(format!("hopline-{name}")));
        fits_a_socket(&home.socket())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        fs::DirBuilder::new().mode(0o700).create(&home.0)?;
        Ok(home)
    }

    fn remove(&self) {
        let _ = fs::remove_dir_all(&self.0);
    }

    fn socket(&self) -> PathBuf {
        self.0.join("router")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.remove();
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("home", &self.home).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WireInbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WireInbox")
    }
}
