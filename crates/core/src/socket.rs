//! What routers and dealers have in common, and how to serve one with a handler.

use std::future::Future;

use crate::{Frames, Identity, SendError};

/// A socket: what it receives has the form of what it sends.
///
/// A [`Router`](crate::Router)'s messages say who sent them, or who is to have them; a
/// [`Dealer`](crate::Dealer) has only one other side, and its messages are the frames alone.
pub trait Socket: Sized + Send {
    /// A message: `(Identity, Frames)` or `Frames`.
    type Message: Send;
    /// A message of one frame: `(Identity, Bytes)` or `Bytes`.
    type Single: Send;

    /// Waits for the next message.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is lost if it is dropped before it is done.
    fn recv(&mut self) -> impl Future<Output = Self::Message> + Send;

    /// Sends a message, waiting for room.
    ///
    /// # Errors
    /// [`SendError`] with the frames, if the message cannot be taken.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, the message was not sent, and is lost.
    fn send_multipart(
        &self,
        message: Self::Message,
    ) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Sends a message of one frame, waiting for room.
    ///
    /// # Errors
    /// As [`Socket::send_multipart`].
    ///
    /// # Cancel safety
    /// As [`Socket::send_multipart`].
    fn send_msg(&self, message: Self::Single)
    -> impl Future<Output = Result<(), SendError>> + Send;

    /// Gives each message to the handler, one after another, until `shutdown` is done. A message
    /// that the handler has begun with is finished.
    ///
    /// # Cancel safety
    /// If it is dropped, so is what the handler was doing with its last message.
    fn serve<H: Serves<Self>>(
        &mut self,
        handler: &mut H,
        shutdown: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = ()> + Send {
        async move {
            let mut shutdown = std::pin::pin!(shutdown);
            loop {
                let message = tokio::select! {
                    biased;
                    () = &mut shutdown => return,
                    message = self.recv() => message,
                };
                handler.handle(message).await;
            }
        }
    }
}

/// What a router gives its messages to.
pub trait RouterHandler: Send {
    /// Takes one message. Answers are sent with a [`RouterSender`](crate::RouterSender) of its own.
    fn got_message(&mut self, sender: Identity, frames: Frames) -> impl Future<Output = ()> + Send;
}

/// What a dealer gives its messages to.
pub trait DealerHandler: Send {
    /// Takes one message. Answers are sent with a [`DealerSender`](crate::DealerSender) of its own.
    fn got_message(&mut self, frames: Frames) -> impl Future<Output = ()> + Send;
}

/// A handler for sockets of type `S`: a [`RouterHandler`] or a [`DealerHandler`], by whichever of
/// them it is.
pub trait Serves<S: Socket>: Send {
    /// Takes one message.
    fn handle(&mut self, message: S::Message) -> impl Future<Output = ()> + Send;
}
