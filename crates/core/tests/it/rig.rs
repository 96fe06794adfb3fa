//! What the tests have in common: endpoints, deadlines, and events that are waited for.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hopline_core::{
    Dealer, DealerEvent, DealerOptions, Endpoint, Frames, Identity, Peer, PeerId, Router,
    RouterEvent, RouterOptions,
};
use tempfile::TempDir;

/// A transport to run a test over.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Via {
    Tcp,
    Ipc,
    Mem,
}

/// A router on a fresh endpoint. Its files are in a directory that only the test knows.
pub(crate) struct Rig {
    pub(crate) router: Router,
    pub(crate) endpoint: Endpoint,
    pub(crate) dir: TempDir,
}

impl Rig {
    pub(crate) async fn new(via: Via) -> Self {
        Self::with(via, RouterOptions::default()).await
    }

    pub(crate) async fn with(via: Via, mut options: RouterOptions) -> Self {
        let dir = tempfile::Builder::new().prefix("hl").tempdir().expect("a directory");
        options.runtime_dir = Some(dir.path().to_owned());
        let router = soon(Router::bind(&fresh(via, &dir), options)).await.expect("bind");
        let endpoint = router.endpoints().remove(0);
        Self { router, endpoint, dir }
    }

    pub(crate) fn dealer(&self) -> Dealer {
        self.dealer_with(DealerOptions::default())
    }

    pub(crate) fn called(&self, name: &str) -> Dealer {
        let identity = Some(Identity::try_from(name).expect("an identity"));
        self.dealer_with(DealerOptions { identity, ..DealerOptions::default() })
    }

    pub(crate) fn dealer_with(&self, mut options: DealerOptions) -> Dealer {
        options.runtime_dir = Some(self.dir.path().to_owned());
        Dealer::connect(&self.endpoint, options).expect("connect")
    }

    pub(crate) async fn attached(&mut self) -> Peer {
        match soon(self.router.recv_event()).await {
            RouterEvent::Attached(peer) => peer,
            other => panic!("not attached: {other:?}"),
        }
    }

    pub(crate) async fn message(&mut self) -> (PeerId, Frames) {
        match soon(self.router.recv_event()).await {
            RouterEvent::Message(from, frames) => (from, frames),
            other => panic!("no message: {other:?}"),
        }
    }

    pub(crate) async fn detached(&mut self) -> (PeerId, hopline_core::Cause) {
        let (peer, cause, _) = self.ended().await;
        (peer, cause)
    }

    /// As [`Rig::detached`], and how many messages had gone out.
    pub(crate) async fn ended(&mut self) -> (PeerId, hopline_core::Cause, u64) {
        match soon(self.router.recv_event()).await {
            RouterEvent::Detached { peer, cause, passed } => (peer, cause, passed),
            other => panic!("not detached: {other:?}"),
        }
    }

    /// One comes and one goes, told in any order.
    pub(crate) async fn attached_and_detached(
        &mut self,
    ) -> (PeerId, (PeerId, hopline_core::Cause)) {
        let (mut attached, mut ended) = (None, None);
        loop {
            match soon(self.router.recv_event()).await {
                RouterEvent::Attached(peer) => attached = Some(peer.id),
                RouterEvent::Detached { peer, cause, .. } => ended = Some((peer, cause)),
                RouterEvent::Message(..) => panic!("nobody has said anything"),
            }
            if let (Some(attached), Some(ended)) = (attached, ended) {
                return (attached, ended);
            }
        }
    }

    /// What is left of the router's and the dealers' files.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(self.dir.path()).expect("the directory").count()
    }
}

/// A fresh endpoint.
pub(crate) fn fresh(via: Via, dir: &TempDir) -> Endpoint {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    match via {
        Via::Tcp => "tcp://127.0.0.1:0".parse().expect("an endpoint"),
        Via::Ipc => Endpoint::Ipc(dir.path().join(format!("port{next}"))),
        Via::Mem => Endpoint::Mem(format!("{}-{next}", dir.path().display())),
    }
}

/// Waits for what must come within a deadline.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what).await.expect("it comes in time")
}

/// The next event of a dealer that is no failed dial.
pub(crate) async fn settled(dealer: &mut Dealer) -> DealerEvent {
    loop {
        match soon(dealer.recv_event()).await {
            DealerEvent::Retrying { .. } => {}
            event => return event,
        }
    }
}

pub(crate) fn frames(parts: &[&[u8]]) -> Frames {
    parts.iter().map(|part| Bytes::copy_from_slice(part)).collect()
}

#[expect(clippy::disallowed_methods, reason = "the test measures how long something takes")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
