//! `mem://`: sockets of one process, without bytes, files or tasks of their own.
//!
//! The same names, limits, high-water marks and events as over the wire.

use std::future::Future;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use dashmap::{DashMap, Entry};
use tokio_util::sync::CancellationToken;

use crate::mailbox::{Mailbox, Unread};
use crate::outlet::{Known, Outlet, Way};
use crate::registry::{Claim, Place, Registry, Stay};
use crate::room::Total;
use crate::{Cause, DealerOptions, Identity, Limits, Peer};

static LISTENERS: LazyLock<DashMap<String, Arc<Listener>>> = LazyLock::new(DashMap::new);

/// Who listens under a name.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) registry: Arc<Registry>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) stop: CancellationToken,
    /// The index of the port.
    pub(crate) port: usize,
}

/// A name that is listened under until this is dropped.
#[derive(Debug)]
pub(crate) struct MemPort(String);

impl Drop for MemPort {
    fn drop(&mut self) {
        LISTENERS.remove(&self.0);
    }
}

/// Listens under a name.
pub(crate) fn listen(name: &str, listener: Listener) -> io::Result<MemPort> {
    match LISTENERS.entry(name.to_owned()) {
        Entry::Occupied(_) => Err(io::ErrorKind::AddrInUse.into()),
        Entry::Vacant(free) => {
            free.insert(Arc::new(listener));
            Ok(MemPort(name.to_owned()))
        }
    }
}

/// Connects to whoever listens under a name, and has `connected` know the way there. Both sides hear of it: neither before
/// it can send, and before whatever the other sends.
pub(crate) async fn enter(
    name: &str,
    options: &DealerOptions,
    near: Arc<Known>,
    near_mailbox: &Arc<Mailbox>,
    near_total: &Arc<Total>,
    connected: impl FnOnce(Arc<Outlet>),
) -> Result<Visit, Cause> {
    let listener = LISTENERS.get(name).map(|listener| Arc::clone(&listener));
    let listener = listener.ok_or(Cause::ConnectFailed(io::ErrorKind::ConnectionRefused))?;
    let registry = &listener.registry;
    let address = near.peer.address.clone();
    let refuse = |cause: &Cause| registry.counters.refuse(*cause, &address);
    let id = registry.next_id();
    let place = registry.enter(id, listener.port, None).inspect_err(refuse)?;
    let said = options.identity.clone();
    if said.as_ref().is_some_and(Identity::is_made) {
        return Err(Cause::BadIdentity).inspect_err(refuse);
    }
    let called = said.clone().unwrap_or_else(Identity::made);
    let claim = registry.claim(&called, id).await.inspect_err(refuse)?;

    let kind = options.socket_kind;
    let (port, on_trial) = (listener.port, place.came_on_trial());
    let peer = Peer { id, identity: said, kind, port, address, on_trial };
    let far = Known::new(peer, called, 0);
    let limits = lesser(options.limits, registry.limits);
    let to_near = Way::Mem(Arc::clone(near_mailbox), Arc::clone(&near));
    let to_far = Way::Mem(Arc::clone(&listener.mailbox), Arc::clone(&far));
    let visit = Visit {
        far: Outlet::within(Arc::clone(&far), to_near, limits, &registry.total, &listener.mailbox),
        near: Outlet::within(Arc::clone(&near), to_far, limits, near_total, near_mailbox),
        near_mailbox: Arc::clone(near_mailbox),
        held: Some((claim, place)),
        causes: (Cause::ClosedHere, Cause::Closed),
        listener,
    };
    let connect = || {
        visit.listener.registry.admit(&visit.far);
        connected(visit.near());
    };
    Mailbox::introduce((&visit.listener.mailbox, far), (near_mailbox, near), connect);
    Ok(visit)
}

fn lesser(one: Limits, other: Limits) -> Limits {
    Limits {
        frame: one.frame.min(other.frame),
        message: one.message.min(other.message),
        frames: one.frames.min(other.frames),
        ..one
    }
}

/// One connection, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    /// From the listener to the dealer.
    far: Arc<Outlet>,
    /// From the dealer to the listener.
    near: Arc<Outlet>,
    near_mailbox: Arc<Mailbox>,
    listener: Arc<Listener>,
    held: Option<(Claim, Place)>,
    /// Why it ended, for the dealer and for the listener.
    causes: (Cause, Cause),
}

impl Visit {
    pub(crate) fn near(&self) -> Arc<Outlet> {
        Arc::clone(&self.near)
    }

    /// How long the listener lets it stay.
    pub(crate) fn stay(&self) -> Option<Stay> {
        self.held.as_ref().map(|(_, place)| place.stay().clone())
    }

    /// Waits until one side ends it, or it overstays.
    pub(crate) async fn last(
        mut self,
        stop: &CancellationToken,
        overstays: impl Future<Output = ()>,
    ) {
        self.causes = tokio::select! {
            biased;
            () = stop.cancelled() => (Cause::ClosedHere, Cause::Closed),
            () = self.near.hang_up.cancelled() => (Cause::ClosedHere, Cause::Closed),
            () = self.far.hang_up.cancelled() => (Cause::Closed, self.far.why()),
            () = self.listener.stop.cancelled() => (Cause::Closed, Cause::ClosedHere),
            () = overstays => (Cause::Closed, Cause::TooManyConnections),
        };
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let (near, far) = self.causes;
        self.held.take();
        self.near.seal();
        self.listener.registry.dismiss(&self.far);
        self.listener.registry.forget(self.far.known.peer.id);
        // What a router took is handed over when it shuts down, and dies with a connection else.
        let unread =
            if self.listener.stop.is_cancelled() { Unread::Kept } else { Unread::ThrownAway };
        self.near_mailbox.end(&self.near.known, near, unread);
        // Nothing is taken out any more, so the count is final.
        let passed = self.near.known.heard.load(Ordering::Acquire);
        self.far.known.passed.store(passed, Ordering::Release);
        if far.is_refusal() {
            self.listener.registry.counters.refuse(far, &self.far.known.peer.address);
        }
        self.listener.mailbox.end(&self.far.known, far, Unread::Kept);
    }
}
