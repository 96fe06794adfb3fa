//! One connection of a dealer.

use std::sync::Arc;
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

    /// Whether a small message would be taken now.
    pub fn has_room(&self) -> bool {
        self.outlet.has_room()
    }

    /// For how long no byte has come from the peer: see
    /// [`RouterSender::silent_for`](crate::RouterSender::silent_for).
    pub fn silent_for(&self) -> Option<Duration> {
        self.outlet.silent_for()
    }

    /// Closes the connection, with what is queued for it; the dealer dials again.
    pub fn close(&self) {
        self.outlet.hang_up.cancel();
    }
}
