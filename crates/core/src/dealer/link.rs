//! One connection of a dealer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::outlet::Outlet;
use crate::{Frames, SendError};

/// One connection of a [`Dealer`](crate::Dealer): what is sent through it goes over this connection
/// or not at all, never over its successor.
#[derive(Clone, Debug)]
pub struct DealerLink {
    outlet: Arc<Outlet>,
}

impl DealerLink {
    pub(super) fn new(outlet: Arc<Outlet>) -> Self {
        Self { outlet }
    }

    /// Sends, or refuses at once. It never waits for the other side.
    ///
    /// # Errors
    /// [`SendError::Full`] at the high-water mark, [`SendError::Gone`] if the connection has ended,
    /// [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn try_send(&self, frames: Frames) -> Result<(), SendError> {
        self.outlet.offer(frames)
    }

    /// Sends, waiting for room while it is full.
    ///
    /// # Errors
    /// [`SendError::Gone`] if the connection has ended or ends meanwhile, [`SendError::BadMessage`] over
    /// the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn send(&self, frames: Frames) -> Result<(), SendError> {
        self.outlet.offer_when_free(frames).await
    }

    /// Sends whatever waits there, over the high-water mark if need be. It never waits for the other
    /// side. For what is small and bounded by other means, such as control messages.
    ///
    /// # Errors
    /// [`SendError::Gone`] if the connection has ended, [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn hand_over(&self, frames: Frames) -> Result<(), SendError> {
        self.outlet.press(frames)
    }

    /// Whether the connection is still there. It is not when [`DealerEvent::Down`](crate::DealerEvent::Down)
    /// tells its end.
    pub fn is_open(&self) -> bool {
        self.outlet.is_open()
    }

    /// Whether a small message would be taken now.
    pub fn has_room(&self) -> bool {
        self.outlet.has_room()
    }

    /// For how long no byte has come from the peer: see
    /// [`RouterSender::silent_for`](crate::RouterSender::silent_for).
    pub fn silent_for(&self) -> Option<Duration> {
        self.outlet.silent_for()
    }

    /// Says that the connection is a good one: when it ends, the dealer dials again as after one that has lasted,
    /// however short it was.
    pub fn vouch(&self) {
        self.outlet.known.vouched.store(true, Ordering::Release);
    }

    /// Closes the connection, with what is queued for it; the dealer dials again.
    pub fn close(&self) {
        self.outlet.hang_up.cancel();
    }
}
