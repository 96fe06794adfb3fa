//! Who is connected to one socket, by connection and by name, over all its ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::{DashMap, Entry};

use crate::counts::Counters;
use crate::outlet::{Known, Outlet};
use crate::room::Total;
use crate::{Cause, Duplicates, HighWater, Identity, Limits, PeerId};

/// The fewest connections that a port beyond the first may have.
const FURTHER: usize = 64;

/// The peers of one socket.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) limits: Limits,
    /// What waits for all peers, against the high-water marks.
    pub(crate) total: Arc<Total>,
    pub(crate) counters: Counters,
    duplicates: Duplicates,
    next: AtomicU64,
    /// How many connections each port has.
    open: DashMap<usize, usize>,
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
            open: DashMap::new(),
            outlets: DashMap::new(),
            known: DashMap::new(),
            names: DashMap::new(),
        })
    }

    pub(crate) fn next_id(&self) -> PeerId {
        PeerId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// How many connections a port may have: the first as many as its owner said, each further one no
    /// fewer than a few, so that it can be used however low that is.
    pub(crate) fn places(&self, port: usize) -> usize {
        match port {
            0 => self.limits.connections,
            _ => self.limits.connections.max(FURTHER),
        }
    }

    /// Takes a place among the open connections of a port.
    pub(crate) fn enter(self: &Arc<Self>, address: &str, port: usize) -> Result<Place, Cause> {
        let mut open = self.open.entry(port).or_default();
        if *open < self.places(port) {
            *open += 1;
            self.counters.enter();
            return Ok(Place { registry: Arc::clone(self), port });
        }
        drop(open);
        self.counters.refuse(Cause::TooManyConnections, address);
        Err(Cause::TooManyConnections)
    }

    /// Takes a name for a connection.
    pub(crate) fn claim(self: &Arc<Self>, name: &Identity, id: PeerId) -> Result<Claim, Cause> {
        let mut holders = self.names.entry(name.clone()).or_default();
        if self.duplicates == Duplicates::Refuse && !holders.is_empty() {
            return Err(Cause::NameInUse);
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
    registry: Arc<Registry>,
    port: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut open) = self.registry.open.get_mut(&self.port) {
            *open = open.saturating_sub(1);
        }
        self.registry.counters.leave();
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
