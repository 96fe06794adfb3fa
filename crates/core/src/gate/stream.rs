//! A connection's bytes, over TCP or a unix socket.
//!
//! One waits until a stream is ready and only then needs a buffer, so an idle connection holds none.

use std::io::{self, IoSlice};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};

/// The kernel's buffers on the ports of a gate: small, so that a peer's queue is ours to see.
pub(crate) const KERNEL_BUFFER: u32 = 256 * 1024;

const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// One connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Sends small messages at once, and notices in time that the other machine is gone.
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        let socket = SockRef::from(&stream);
        let keepalive =
            TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_EVERY);
        let set = stream.set_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&keepalive));
        if let Err(error) = set {
            tracing::debug!(%error, "cannot set options of a connection");
        }
        Self::Tcp(stream)
    }

    /// Waits until there is something to read, be it the end.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    /// Reads what is there; [`io::ErrorKind::WouldBlock`] if that is nothing.
    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(into),
            Self::Unix(stream) => stream.try_read(into),
        }
    }

    /// Writes what there is room for, waiting until that is something.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, nothing was written.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                done => return done,
            }
        }
    }

    /// Writes all of it. Not cancel-safe: a part may have been written.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let wrote = self.write(bytes).await?;
            bytes = bytes.get(wrote..).unwrap_or_default();
        }
        Ok(())
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Writes what there is room for, however little, where [`Stream::try_write`] waits until the system
    /// tells that there is much: a third of its buffer or more.
    pub(crate) fn write_a_little(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream).send(bytes),
            Self::Unix(stream) => SockRef::from(stream).send(bytes),
        }
    }

    /// Writes what there is room for of one and then of the other, waiting until that is something.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, nothing was written.
    pub(crate) async fn write_both(&self, front: &[u8], behind: &[u8]) -> io::Result<usize> {
        loop {
            match self.try_write_both(front, behind) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                done => return done,
            }
        }
    }

    pub(crate) fn try_write_both(&self, front: &[u8], behind: &[u8]) -> io::Result<usize> {
        if behind.is_empty() {
            return self.try_write(front);
        }
        let both = [IoSlice::new(front), IoSlice::new(behind)];
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(&both),
            Self::Unix(stream) => stream.try_write_vectored(&both),
        }
    }

    /// Throws away what is there to read.
    pub(crate) fn drain(&self) {
        while matches!(self.try_read(&mut [0; 4096]), Ok(1..)) {}
    }

    /// Waits for the end, throwing away all that comes before.
    pub(crate) async fn ended(&self) {
        while self.readable().await.is_ok() {
            match self.try_read(&mut [0; 4096]) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn end_writing(&self) -> io::Result<()> {
        let how = std::net::Shutdown::Write;
        match self {
            Self::Tcp(stream) => SockRef::from(stream).shutdown(how),
            Self::Unix(stream) => SockRef::from(stream).shutdown(how),
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            Self::Unix(stream) => stream.writable().await,
        }
    }
}
