//! Private connections to the transport's ROUTER, used for one stranger after another.
//!
//! The transport keeps something of every connection it ever had, for ever. So a private connection
//! that is clean again, with nothing of its last stranger in it either way, goes to a pool. Two kinds
//! do not: one over which a large frame went, as the transport keeps a buffer as large with it, and
//! one too many, as it costs two file descriptors.
//!
//! They are made one at a time, and closed in turn: see [`crate::transport::Turns`].

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;

use super::handshake;
use super::stream::Stream;
use crate::registry::Registry;
use crate::transport::{InnerName, Wire};
use crate::{Cause, SocketKind};

/// The most that are kept while nobody uses them.
const KEPT: usize = 64;
/// The largest frame, in bytes, after which a connection is kept.
const FRAME_MAX: u64 = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// A private connection, counted while it lasts.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) name: InnerName,
    pub(crate) stream: Stream,
    registry: Arc<Registry>,
    /// The bytes of the largest frame that went over it to the transport.
    largest_frame: u64,
}

impl Inner {
    /// The same, after it has carried a frame of so many bytes to the transport.
    pub(crate) fn used_for(mut self, frame: u64) -> Self {
        self.largest_frame = self.largest_frame.max(frame);
        self
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.registry.counters.inner_gone();
    }
}

/// Clean private connections, and how to make more.
#[derive(Debug)]
pub(crate) struct Pool {
    wire: Arc<Wire>,
    registry: Arc<Registry>,
    clean: Mutex<Vec<Inner>>,
    next: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(wire: Arc<Wire>, registry: Arc<Registry>) -> Self {
        Self { wire, registry, clean: Mutex::default(), next: AtomicUsize::new(0) }
    }

    /// A clean private connection.
    pub(crate) async fn take(&self) -> Result<Inner, Cause> {
        let clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match clean {
            Some(inner) => Ok(inner),
            None => match tokio::time::timeout(PATIENCE, self.make()).await {
                Ok(made) => made,
                Err(_) => Err(Cause::Internal),
            },
        }
    }

    /// Takes back a connection that is clean, to be used again. One that costs much meanwhile comes back, to be closed.
    #[must_use]
    pub(crate) fn put(&self, inner: Inner) -> Option<Inner> {
        let mut clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.largest_frame <= FRAME_MAX && clean.len() < KEPT {
            clean.push(inner);
            return None;
        }
        Some(inner)
    }

    /// Takes back the one connection of a dealer, whatever it costs: downs and ups are in order as
    /// they share it.
    pub(crate) fn put_only(&self, inner: Inner) {
        self.clean.lock().unwrap_or_else(PoisonError::into_inner).push(inner);
    }

    async fn make(&self) -> Result<Inner, Cause> {
        let mut arrivals = self.wire.arrivals.lock().await;
        arrivals.forget();
        let _making = self.wire.turns.make().await;
        let connected = UnixStream::connect(self.wire.path()).await;
        let stream = Stream::Unix(connected.map_err(|error| {
            tracing::error!(%error, "cannot reach the private socket");
            Cause::Internal
        })?);
        let name = InnerName::new(self.next.fetch_add(1, Ordering::Relaxed));
        self.registry.counters.inner_made();
        let inner = Inner { name, stream, registry: Arc::clone(&self.registry), largest_frame: 0 };
        let kind = SocketKind::Dealer;
        handshake::introduce(&inner.stream, kind, Some(inner.name.as_bytes())).await?;
        arrivals.wait_for(&inner.name).await;
        Ok(inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use futures::FutureExt;
    use futures::stream::{FuturesUnordered, StreamExt};
    use futures::task::noop_waker;

    use super::*;
    use crate::{Duplicates, HighWater, Limits, transport};

    #[tokio::test]
    async fn they_are_made_one_at_a_time() {
        let registry =
            Registry::new(Limits::default(), HighWater::default(), Duplicates::default());
        let (wire, _inbox) = transport::open(None).expect("a private socket");
        let wire = Arc::new(wire);
        let pool = Pool::new(Arc::clone(&wire), Arc::clone(&registry));
        let begun = || registry.counters.read().inner_connections;

        let mut all: FuturesUnordered<_> = (0..8).map(|_| pool.take()).collect();
        let mut made = Vec::new();
        while made.len() < 8 {
            let waker = noop_waker();
            let done = all.poll_next_unpin(&mut Context::from_waker(&waker));
            if let Poll::Ready(Some(one)) = done {
                made.push(one.expect("a private connection"));
            }
            assert!(
                begun() <= made.len() as u64 + 1,
                "{} were begun, {} are made",
                begun(),
                made.len()
            );
            tokio::task::yield_now().await;
        }
        assert_eq!((made.len(), begun()), (8, 8));
        for _ in 0..100 {
            tokio::task::yield_now().await;
            let told = wire.arrivals.lock().await.next().now_or_never();
            assert!(told.is_none(), "the transport was not done with the last: {told:?}");
        }
    }
}
