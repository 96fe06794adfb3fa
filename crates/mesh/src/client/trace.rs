//! Asking for the way of a message.

use std::time::Duration;

use bytes::Bytes;

use super::{Client, Outgoing, RequestError, Trace};
use crate::wire::{Kind, MessageId, Path};

impl Client {
    /// Asks for the way to an address: a probe goes there, and what handled it is told.
    ///
    /// # Errors
    /// [`RequestError::Failed`] with the path up to the node that knew no further.
    ///
    /// # Cancel safety
    /// As [`Client::request`].
    pub async fn trace(&self, to: &str, patience: Duration) -> Result<Trace, RequestError> {
        self.probe(to, None, patience).await
    }

    /// As [`Client::trace`], for a message of this client's: of a balanced service, the way to the member that this
    /// one is for. It is the way as it is now, which may have changed since.
    ///
    /// # Errors
    /// As [`Client::trace`].
    ///
    /// # Cancel safety
    /// As [`Client::request`].
    pub async fn trace_message(
        &self,
        to: &str,
        message: MessageId,
        patience: Duration,
    ) -> Result<Trace, RequestError> {
        self.probe(to, Some(message), patience).await
    }

    async fn probe(
        &self,
        to: &str,
        correlation: Option<MessageId>,
        patience: Duration,
    ) -> Result<Trace, RequestError> {
        let probe = Outgoing { trace: true, correlation, ..Outgoing::new(to, Bytes::new()) };
        let answer = self.exchange(Kind::Probe, probe, patience).await?;
        let path = answer.payload.first().and_then(|frame| Path::read(frame).ok());
        let path = path.ok_or(RequestError::Malformed)?;
        let back = answer.path;
        Ok(Trace { to: to.to_owned(), path: path.stamps().map(Into::into).collect(), back })
    }
}
