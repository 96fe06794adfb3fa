//! Sending from a dealer, from any task.

use std::sync::Arc;

use bytes::Bytes;

use super::link::DealerLink;
use crate::gate::Link;
use crate::outlet::Outlet;
use crate::registry::Registry;
use crate::{Frames, GateCounts, SendError};

/// Sends through a [`Dealer`](crate::Dealer). Cloned freely; clones send at the same time.
///
/// `Ok` from a send says that the message was taken, and no more: it waits in the connection's
/// queue, which is gone if the connection ends.
#[derive(Clone, Debug)]
pub struct DealerSender {
    link: Link,
    registry: Arc<Registry>,
}

impl DealerSender {
    pub(crate) fn new(link: Link, registry: Arc<Registry>) -> Self {
        Self { link, registry }
    }

    /// Sends over the present connection, or refuses at once. It never waits for the other side.
    ///
    /// # Errors
    /// [`SendError::NotConnected`] without a connection, [`SendError::Full`] at the high-water
    /// mark, [`SendError::BadMessage`] over the limits.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn try_send(&self, frames: Frames) -> Result<(), SendError> {
        let Some(outlet) = self.outlet() else {
            return Err(SendError::NotConnected { frames });
        };
        match outlet.offer(frames) {
            Err(SendError::Gone { frames }) => Err(SendError::NotConnected { frames }),
            done => done,
        }
    }

    /// Sends, waiting for a connection and for room.
    ///
    /// # Errors
    /// [`SendError::BadMessage`] over the limits; [`SendError::Gone`] once the dealer is no more.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    pub async fn send_multipart(&self, mut frames: Frames) -> Result<(), SendError> {
        if let Some(outlet) = self.outlet() {
            frames = match outlet.offer_when_free(frames).await {
                Err(SendError::Gone { frames }) => frames,
                done => return done,
            };
        }
        let mut changes = self.link.clone();
        loop {
            let outlet = changes.borrow_and_update().clone();
            if let Some(outlet) = outlet {
                frames = match outlet.offer_when_free(frames).await {
                    Err(SendError::Gone { frames }) => frames,
                    done => return done,
                };
            }
            if changes.changed().await.is_err() {
                return Err(SendError::Gone { frames });
            }
        }
    }

    /// Sends a message of one frame. As [`DealerSender::send_multipart`].
    ///
    /// # Errors
    /// As [`DealerSender::send_multipart`].
    ///
    /// # Cancel safety
    /// As [`DealerSender::send_multipart`].
    pub async fn send_msg(&self, frame: impl Into<Bytes>) -> Result<(), SendError> {
        self.send_multipart(vec![frame.into()]).await
    }

    /// Whether a small message would be taken now.
    pub fn has_room(&self) -> bool {
        self.outlet().is_some_and(|outlet| outlet.has_room())
    }

    /// What the gate has counted so far.
    pub fn counts(&self) -> GateCounts {
        self.registry.counters.read()
    }

    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.outlet().is_some_and(|outlet| outlet.is_open())
    }

    /// Closes the present connection, with what is queued for it; the dealer dials again.
    pub fn drop_link(&self) {
        if let Some(outlet) = self.outlet() {
            outlet.hang_up.cancel();
        }
    }

    /// The present connection, to send over it and no other.
    pub fn connection(&self) -> Option<DealerLink> {
        self.outlet().map(DealerLink::new)
    }

    fn outlet(&self) -> Option<Arc<Outlet>> {
        self.link.borrow().clone()
    }
}
