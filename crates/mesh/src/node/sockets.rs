//! The sending halves of a node's connections.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use hopline_core::{DealerLink, Frames, PeerId, RouterSender, SendError};

use super::dialler::Dialler;
use crate::brain::{ConnId, Room};
use crate::name::NodeName;

/// The sending halves of all connections.
pub(super) struct Sockets {
    pub(super) router: RouterSender,
    pub(super) diallers: BTreeMap<u64, Dialler>,
    /// Dialled connections by number; accepted ones have their own form, see [`Socket`].
    pub(super) dialled: HashMap<ConnId, u64>,
}

/// Which socket a connection belongs to: accepted ones have even numbers, dialled ones odd.
pub(super) enum Socket<'a> {
    Accepted(PeerId),
    Dialled(Option<&'a DealerLink>),
}

impl Socket<'_> {
    pub(super) fn accepted(peer: PeerId) -> ConnId {
        ConnId(peer.number() * 2)
    }

    /// The peer of an accepted connection.
    pub(super) fn peer(conn: ConnId) -> Option<PeerId> {
        conn.0.is_multiple_of(2).then(|| PeerId::from_number(conn.0 / 2))
    }

    pub(super) fn dialled(number: u64) -> ConnId {
        ConnId(number * 2 + 1)
    }
}

impl Sockets {
    fn socket(&self, conn: ConnId) -> Socket<'_> {
        if conn.0.is_multiple_of(2) {
            return Socket::Accepted(PeerId::from_number(conn.0 / 2));
        }
        let number = self.dialled.get(&conn);
        let dialler = number.and_then(|number| self.diallers.get(number));
        Socket::Dialled(dialler.and_then(|dialler| dialler.link.as_ref()))
    }

    /// Sends whatever waits there, and says whether it was taken. A connection that has gone is heard of
    /// in its own time.
    pub(super) async fn hand_over(&self, conn: ConnId, frames: Frames) -> bool {
        let sent = match self.socket(conn) {
            Socket::Accepted(peer) => self.router.hand_over(peer, frames).await,
            Socket::Dialled(Some(dealer)) => dealer.hand_over(frames).await,
            Socket::Dialled(None) => return false,
        };
        sent.is_ok()
    }

    pub(super) async fn try_send(&self, conn: ConnId, frames: Frames) -> Result<(), SendError> {
        match self.socket(conn) {
            Socket::Accepted(peer) => self.router.try_send_to(peer, frames).await,
            Socket::Dialled(Some(dealer)) => dealer.try_send(frames).await,
            Socket::Dialled(None) => Err(SendError::Gone { frames }),
        }
    }

    /// Lets a connection stay however many clients there are.
    pub(super) fn keep(&self, conn: ConnId) {
        if let Some(peer) = Socket::peer(conn) {
            self.router.keep(peer);
        }
    }

    /// Has a client not be read for now, or read again.
    pub(super) fn pause(&self, conn: ConnId, paused: bool) {
        if let Some(peer) = Socket::peer(conn) {
            self.router.pause(peer, paused);
        }
    }

    pub(super) fn close(&mut self, conn: ConnId) {
        match self.socket(conn) {
            Socket::Accepted(peer) => self.router.close(peer),
            Socket::Dialled(Some(dealer)) => dealer.close(),
            Socket::Dialled(None) => {}
        }
        // What still comes from it is not looked at.
        if let Some(number) = self.dialled.remove(&conn)
            && let Some(dialler) = self.diallers.get_mut(&number)
        {
            dialler.conn = None;
        }
    }

    /// The one that dials a neighbour, if any does.
    pub(super) fn dialler(&self, neighbour: &NodeName) -> Option<&Dialler> {
        self.diallers.values().find(|dialler| dialler.neighbour == *neighbour)
    }

    /// The link to a neighbour is up with a new run of it: should its connection end soon, that is no failure, and the
    /// neighbour is dialled again after the first pause.
    pub(super) fn vouch(&self, neighbour: &NodeName) {
        if let Some(link) = self.dialler(neighbour).and_then(|dialler| dialler.link.as_ref()) {
            link.vouch();
        }
    }

    /// Whether there is a connection to a neighbour that this node dials.
    pub(super) fn has_reached(&self, neighbour: &NodeName) -> bool {
        self.dialler(neighbour).is_some_and(|dialler| dialler.conn.is_some())
    }

    /// Stops dialling a neighbour. A connection to it is closed once what was handed over has gone out, and given back: of
    /// its end nobody else tells.
    pub(super) fn hang(&mut self, neighbour: &NodeName) -> Option<ConnId> {
        let mut dialled = self.diallers.iter();
        let (number, _) = dialled.find(|(_, dialler)| dialler.neighbour == *neighbour)?;
        let number = *number;
        let conn = self.diallers.remove(&number)?.conn?;
        self.dialled.remove(&conn);
        Some(conn)
    }
}

impl Room for Sockets {
    fn has_room(&self, conn: ConnId) -> bool {
        match self.socket(conn) {
            Socket::Accepted(peer) => self.router.has_room(peer),
            Socket::Dialled(dealer) => dealer.is_some_and(DealerLink::has_room),
        }
    }

    fn has_ended(&self, conn: ConnId) -> bool {
        match self.socket(conn) {
            Socket::Accepted(peer) => !self.router.is_open(peer),
            Socket::Dialled(dealer) => !dealer.is_some_and(DealerLink::is_open),
        }
    }

    fn silent_for(&self, conn: ConnId) -> Option<Duration> {
        match self.socket(conn) {
            Socket::Accepted(peer) => self.router.silent_for(peer),
            Socket::Dialled(dealer) => dealer?.silent_for(),
        }
    }

    fn trouble(&self, neighbour: &NodeName) -> Option<String> {
        self.dialler(neighbour)?.trouble.text()
    }

    fn refusals(&self) -> BTreeMap<&'static str, u64> {
        let mut refusals = self.router.counts().refused;
        for dialler in self.diallers.values() {
            for (reason, count) in dialler.sender.counts().refused {
                *refusals.entry(reason).or_default() += count;
            }
        }
        refusals
    }
}
