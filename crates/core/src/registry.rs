//! Who is connected to one socket, by connection and by name, over all its ports.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::{DashMap, Entry};
use tokio_util::sync::CancellationToken;

use crate::counts::Counters;
use crate::outlet::{Known, Outlet};
use crate::places::{Entry as Way, Places};
use crate::room::Total;
use crate::{Cause, Duplicates, HighWater, Identity, Limits, PeerId};

/// How long whoever holds a name has to show that it is there, when another says the name.
const HOLDER: Duration = Duration::from_millis(250);

/// The peers of one socket.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) limits: Limits,
    /// What waits for all peers, against the high-water marks.
    pub(crate) total: Arc<Total>,
    pub(crate) counters: Counters,
    duplicates: Duplicates,
    next: AtomicU64,
    pub(crate) places: Places,
    /// Connections that can be sent to.
    outlets: DashMap<PeerId, Arc<Outlet>>,
    /// Connections whose end has not been told yet.
    known: DashMap<PeerId, Arc<Known>>,
    /// Who says a name, oldest first.
    names: DashMap<Identity, Vec<PeerId>>,
}

impl Registry {
    pub(crate) fn new(limits: Limits, high_water: HighWater, duplicates: Duplicates) -> Arc<Self> {
        Arc::new(Self {
            limits,
            total: Total::new(high_water),
            duplicates,
            counters: Counters::default(),
            next: AtomicU64::new(1),
            places: Places::new(limits),
            outlets: DashMap::new(),
            known: DashMap::new(),
            names: DashMap::new(),
        })
    }

    pub(crate) fn next_id(&self) -> PeerId {
        PeerId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes a place among the open connections of a port, for one from this address; none is an address
    /// of this machine.
    pub(crate) fn enter(
        self: &Arc<Self>,
        id: PeerId,
        port: usize,
        from: Option<IpAddr>,
    ) -> Result<Place, Cause> {
        let Way { on_trial, leaves } = self.places.enter(id, port, from)?;
        self.counters.enter();
        Ok(Place { stay: Stay { registry: Arc::clone(self), id, on_trial, leaves } })
    }

    /// Takes a name for a connection, from whoever holds it if that one is not there any more.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the name is not taken.
    pub(crate) async fn claim(
        self: &Arc<Self>,
        name: &Identity,
        id: PeerId,
    ) -> Result<Claim, Cause> {
        loop {
            let holder = match self.claim_from(name, None, id) {
                Ok(claim) => return Ok(claim),
                Err(holder) => holder,
            };
            // One that is not to be sent to yet has only just come.
            let outlet = self.outlet(holder).ok_or(Cause::NameInUse)?;
            let cause = match self.duplicates {
                Duplicates::Takeover => Cause::TakenOver,
                Duplicates::Refuse | Duplicates::Admit => {
                    if outlet.answers(HOLDER).await {
                        return Err(Cause::NameInUse);
                    }
                    Cause::PeerSilent
                }
            };
            // Another may have been faster.
            if let Ok(claim) = self.claim_from(name, Some(holder), id) {
                outlet.hang_up_for(cause);
                return Ok(claim);
            }
        }
    }

    /// Takes a name for a connection if nobody has it, or it may be shared, or `holder` has it and loses
    /// it; else says who has it.
    fn claim_from(
        self: &Arc<Self>,
        name: &Identity,
        holder: Option<PeerId>,
        id: PeerId,
    ) -> Result<Claim, PeerId> {
        let mut holders = self.names.entry(name.clone()).or_default();
        holders.retain(|held| Some(*held) != holder);
        if let Some(held) = holders.first().filter(|_| self.duplicates != Duplicates::Admit) {
            return Err(*held);
        }
        holders.push(id);
        drop(holders);
        Ok(Claim { registry: Arc::clone(self), name: name.clone(), id })
    }

    /// From now on the peer can be sent to, and its end will be told.
    pub(crate) fn admit(&self, outlet: &Arc<Outlet>) {
        let id = outlet.known.peer.id;
        self.counters.accept();
        self.known.insert(id, Arc::clone(&outlet.known));
        self.outlets.insert(id, Arc::clone(outlet));
    }

    /// From now on the peer cannot be sent to.
    pub(crate) fn dismiss(&self, outlet: &Outlet) {
        outlet.seal();
        self.outlets.remove(&outlet.known.peer.id);
    }

    /// From now on nobody can be sent to.
    pub(crate) fn close(&self) {
        self.outlets.retain(|_, outlet| {
            outlet.seal();
            false
        });
    }

    pub(crate) fn outlet(&self, id: PeerId) -> Option<Arc<Outlet>> {
        self.outlets.get(&id).map(|outlet| Arc::clone(&outlet))
    }

    /// The oldest live connection that says this name.
    pub(crate) fn called(&self, name: &Identity) -> Option<Arc<Outlet>> {
        let holders = self.names.get(name)?;
        holders.iter().find_map(|id| self.outlet(*id))
    }

    pub(crate) fn known(&self, id: PeerId) -> Option<Arc<Known>> {
        self.known.get(&id).map(|known| Arc::clone(&known))
    }

    pub(crate) fn forget(&self, id: PeerId) {
        self.known.remove(&id);
    }
}

/// A place among the open connections of a port, left when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    stay: Stay,
}

impl Place {
    /// How long the connection may stay.
    pub(crate) fn stay(&self) -> &Stay {
        &self.stay
    }

    /// Whether the connection came when there was no room.
    pub(crate) fn came_on_trial(&self) -> bool {
        self.stay.on_trial
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stay.registry.places.leave(self.stay.id);
        self.stay.registry.counters.leave();
    }
}

/// How long a connection may stay: while there is room for it, or on trial until it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    registry: Arc<Registry>,
    id: PeerId,
    on_trial: bool,
    /// Cancelled when its place is another's, or nobody's any more.
    leaves: CancellationToken,
}

impl Stay {
    /// How long a connection that came on trial has to be kept.
    pub(crate) fn trial(&self) -> Option<Duration> {
        self.on_trial.then_some(self.registry.limits.handshake)
    }

    /// Whether the connection is still on trial.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.registry.places.is_on_trial(self.id)
    }

    /// Waits until its place is another's, or nobody's any more.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn is_over(&self) {
        self.leaves.cancelled().await;
    }
}

/// A name held by a connection, free again when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    registry: Arc<Registry>,
    name: Identity,
    id: PeerId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Entry::Occupied(mut holders) = self.registry.names.entry(self.name.clone()) {
            holders.get_mut().retain(|id| *id != self.id);
            if holders.get().is_empty() {
                holders.remove();
            }
        }
    }
}
