//! The transport: a `zeromq` ROUTER that hears nobody but our own gate.
//!
//! This is the only file that names the crate. Its ROUTER listens on a unix socket in a directory
//! that only this user may enter; each private connection has an identity of 8 bytes, ours to
//! choose. A dealer's gate uses one too: what a DEALER says on the wire is what a ROUTER says
//! without the identity, and only the ROUTER can be sent through from many tasks at once.

use std::collections::VecDeque;
use std::fs;
use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use zeromq::{RouterRecvHalf, RouterSendHalf, RouterSocket, Socket, SocketRecv, SocketSend};

use crate::Frames;
use crate::endpoint::fits_a_socket;
use crate::gate::marks::{Mark, Secret};

/// The sending half, and what it takes to connect to it.
pub(crate) struct Wire {
    half: RouterSendHalf,
    pub(crate) secret: Secret,
    home: Home,
}

/// The receiving half.
pub(crate) struct WireInbox {
    half: RouterRecvHalf,
}

/// Opens a private ROUTER. Must be called within a Tokio runtime.
pub(crate) fn open(runtime_dir: Option<&Path>) -> io::Result<(Wire, WireInbox)> {
    let secret = Secret::random()?;
    let home = Home::make(runtime_dir)?;
    let listener = UnixListener::bind(home.socket())?;
    let mut socket = RouterSocket::new();
    let bound = pin!(socket.bind_listener(listener)).poll(&mut Context::from_waker(Waker::noop()));
    match bound {
        Poll::Ready(Ok(_)) => {}
        Poll::Ready(Err(error)) => return Err(io::Error::other(error)),
        Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
    }
    let (send, recv) = socket.split();
    Ok((Wire { half: send, secret, home }, WireInbox { half: recv }))
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

    /// Queues a message for a private connection.
    ///
    /// It never waits for the peer: the transport's own queue takes 100,000 messages, and the
    /// high-water marks hold far below.
    ///
    /// # Errors
    /// If the transport does not know the connection, or has lost it.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, nothing was queued.
    pub(crate) async fn send(&self, inner: &InnerName, frames: Frames) -> Result<(), Lost> {
        let mut message = VecDeque::with_capacity(frames.len() + 1);
        message.push_back(inner.0.clone());
        message.extend(frames);
        let message = message.try_into().map_err(|_| Lost)?;
        let mut half = self.half.clone();
        let mut sending = half.send(message);
        let sent = match poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await {
            Poll::Ready(sent) => sent,
            Poll::Pending => apart(sending).await,
        };
        sent.map_err(|_| Lost)
    }

    /// Queues a mark for a private connection.
    pub(crate) async fn send_mark(&self, inner: &InnerName, mark: Mark) -> Result<(), Lost> {
        self.send(inner, vec![self.secret.write(mark)]).await
    }
}

impl WireInbox {
    /// The next message and the private connection that it came by.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Frames)> {
        loop {
            let Poll::Ready(received) = pin!(self.half.recv()).poll(cx) else {
                return Poll::Pending;
            };
            let Ok(message) = received else {
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

/// Waits for the transport, with the thread and not as a task.
///
/// The transport, when it makes or loses a connection, lets an entry of its map go, which grants it to
/// whoever waits for it, and at once waits for that entry again without giving its thread back. A task
/// that is granted the entry is woken into the place of that very thread from which no other takes it
/// (tokio's LIFO slot), so neither would ever go on. A thread that waits by itself is simply woken. On a
/// runtime of one thread nobody else can hold the entry.
async fn apart<T>(waiting: impl Future<Output = T>) -> T {
    let runtime = Handle::current();
    match runtime.runtime_flavor() {
        RuntimeFlavor::CurrentThread => waiting.await,
        _ => block_in_place(|| runtime.block_on(waiting)),
    }
}

/// The transport has no such connection.
#[derive(Debug)]
pub(crate) struct Lost;

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
