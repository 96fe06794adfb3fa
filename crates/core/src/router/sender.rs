//! Sending from a router, from any task.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::registry::Registry;
use crate::{Cause, Frames, GateCounts, HighWater, Identity, PeerId, SendError};

/// Sends through a [`Router`](crate::Router). Cloned freely; clones send at the same time.
///
/// `Ok` from a send says that the message was taken, and no more: it waits in the peer's queue,
/// which is gone if the connection ends.
#[derive(Clone, Debug)]
pub struct RouterSender {
    registry: Arc<Registry>,
}

impl RouterSender {
    pub(crate) fn new(registry: &Arc<Registry>) -> Self {
        Self { registry: Arc::clone(registry) }
    }

    /// Sends to a connection, or refuses at once. It never waits for the peer.
    ///
    /// # Errors
    /// [`SendError::Full`] at the peer's high-water mark, [`SendError::Gone`] if the connection has
    /// ended, [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn try_send_to(&self, peer: PeerId, frames: Frames) -> Result<(), SendError> {
        match self.registry.outlet(peer) {
            Some(outlet) => outlet.offer(frames),
            None => Err(SendError::Gone { frames }),
        }
    }

    /// Sends to a connection whatever waits there, over its high-water mark if need be. It never
    /// waits for the peer. For what is small and bounded by other means, such as control messages.
    ///
    /// # Errors
    /// [`SendError::Gone`] if the connection has ended, [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn hand_over(&self, peer: PeerId, frames: Frames) -> Result<(), SendError> {
        match self.registry.outlet(peer) {
            Some(outlet) => outlet.press(frames),
            None => Err(SendError::Gone { frames }),
        }
    }

    /// Sends to a connection, waiting for room while it is full.
    ///
    /// # Errors
    /// [`SendError::Gone`] if the connection has ended or ends meanwhile,
    /// [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn send_to(&self, peer: PeerId, frames: Frames) -> Result<(), SendError> {
        match self.registry.outlet(peer) {
            Some(outlet) => outlet.offer_when_free(frames).await,
            None => Err(SendError::Gone { frames }),
        }
    }

    /// Sends to whoever has this identity, waiting for room while it is full. With
    /// [`Duplicates::Admit`](crate::Duplicates::Admit) that is the connection that said it first.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`] at once if nobody has it; else as [`RouterSender::send_to`].
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn send_multipart(&self, to: &Identity, frames: Frames) -> Result<(), SendError> {
        match self.registry.called(to) {
            Some(outlet) => outlet.offer_when_free(frames).await,
            None => Err(SendError::UnknownPeer { identity: to.clone(), frames }),
        }
    }

    /// Sends a message of one frame to whoever has this identity.
    ///
    /// # Errors
    /// As [`RouterSender::send_multipart`].
    ///
    /// # Cancel safety
    /// As [`RouterSender::send_multipart`].
    pub async fn send_msg(&self, to: &Identity, frame: impl Into<Bytes>) -> Result<(), SendError> {
        self.send_multipart(to, vec![frame.into()]).await
    }

    /// Whether the connection is still there. It is not for a moment before [`Detached`](crate::RouterEvent::Detached) tells
    /// its end.
    pub fn is_open(&self, peer: PeerId) -> bool {
        self.registry.outlet(peer).is_some_and(|outlet| outlet.is_open())
    }

    /// Whether a small message to this connection would be taken now.
    pub fn has_room(&self, peer: PeerId) -> bool {
        self.registry.outlet(peer).is_some_and(|outlet| outlet.has_room())
    }

    /// How many of the messages that were taken for a connection have gone out to its socket whole; 0
    /// for one that has ended, whose [`Detached`](crate::RouterEvent::Detached) says it.
    pub fn passed(&self, peer: PeerId) -> u64 {
        self.registry.outlet(peer).map_or(0, |outlet| outlet.passed())
    }

    /// Sets other high-water marks, also for the peers that are connected. What waits already stays.
    pub fn set_high_water(&self, mark: HighWater) {
        self.registry.total.set(mark);
    }

    /// How many bytes have been written to a connection, parts of messages among them; 0 for one that has ended, and
    /// for a peer of this process, which is handed whole messages.
    pub fn written(&self, peer: PeerId) -> u64 {
        self.registry.outlet(peer).map_or(0, |outlet| outlet.written())
    }

    /// What the gate has counted so far.
    pub fn counts(&self) -> GateCounts {
        self.registry.counters.read()
    }

    /// Whether the peer is there: asks it with PING, and waits up to `patience` for any sign of it.
    ///
    /// A peer of ZMTP 3.0, which knows no PING, and one of this process, are there as long as their
    /// connection is. One that neither reads nor sends for so long counts as gone; its connection
    /// is left as it is.
    ///
    /// # Cancel safety
    /// Cancel-safe: it may have asked, and that is all.
    pub async fn is_alive(&self, peer: PeerId, patience: Duration) -> bool {
        match self.registry.outlet(peer) {
            Some(outlet) => outlet.answers(patience).await,
            None => false,
        }
    }

    /// For how long no byte has come from the peer: bytes of a message that is not whole count, and while the gate
    /// waits for room to hand on what has come it is no time at all. None of one that is gone, or of this process.
    pub fn silent_for(&self, peer: PeerId) -> Option<Duration> {
        self.registry.outlet(peer)?.silent_for()
    }

    /// Has a connection not be read, so that the peer's messages wait with the peer, or read again. Of what it has
    /// sent some still comes: what fills the buffers on the way. While it is paused its end is not noticed.
    pub fn pause(&self, peer: PeerId, paused: bool) {
        if let Some(outlet) = self.registry.outlet(peer) {
            outlet.pause(paused);
        }
    }

    /// Lets a connection stay that came when the port was full, and counts it among no limit of
    /// connections from now on: see [`Limits::reserved`](crate::Limits::reserved). For a peer that has
    /// proved to be one of those that places are reserved for.
    pub fn keep(&self, peer: PeerId) {
        self.registry.places.keep(peer);
    }

    /// Sets another limit of connections at a port: see [`Limits::connections`](crate::Limits::connections).
    /// Where more are open than that, the newest are closed, cause
    /// [`TooManyConnections`](crate::Cause::TooManyConnections); how many is said. Those that are kept are none
    /// of them.
    pub fn set_connections(&self, connections: usize) -> usize {
        self.registry.places.set_connections(connections)
    }

    /// Closes a connection, with what is queued for it. Its end is told as any other, with cause
    /// [`ClosedHere`](crate::Cause::ClosedHere), or
    /// [`TooManyConnections`](crate::Cause::TooManyConnections) if it was on trial.
    pub fn close(&self, peer: PeerId) {
        if let Some(outlet) = self.registry.outlet(peer) {
            match self.registry.places.is_on_trial(peer) {
                true => outlet.hang_up_for(Cause::TooManyConnections),
                false => outlet.hang_up.cancel(),
            }
        }
    }
}
