//! The groups that a client is a member of, also after its connection was lost.

use std::time::Duration;

use super::{Client, RequestError};
use crate::wire::control::Request;

impl Client {
    /// Becomes a member of a group: messages to `#group` are delivered to this client too. A client whose
    /// connection was lost joins again by itself.
    ///
    /// # Errors
    /// [`RequestError::Refused`] where the group's name is none (it is written as a node's is, without `#`);
    /// else as [`Client::request`].
    ///
    /// # Cancel safety
    /// The client may be a member or not if the future is dropped; joining twice is joining once.
    pub async fn join(&self, group: &str, patience: Duration) -> Result<(), RequestError> {
        self.ask_host(Request::Join { group: group.to_owned() }, patience).await?;
        self.shared.groups.insert(group.to_owned());
        Ok(())
    }

    /// Is a member of a group no more.
    ///
    /// # Errors
    /// As [`Client::join`].
    ///
    /// # Cancel safety
    /// The client may be a member or not if the future is dropped.
    pub async fn leave(&self, group: &str, patience: Duration) -> Result<(), RequestError> {
        self.shared.groups.remove(group);
        self.ask_host(Request::Leave { group: group.to_owned() }, patience).await
    }

    async fn ask_host(&self, request: Request, patience: Duration) -> Result<(), RequestError> {
        let mut standing = self.standing.clone();
        let hosted = standing.wait_for(|it| it.node().is_some());
        let node = match tokio::time::timeout(patience, hosted).await {
            Ok(Ok(standing)) => standing.node().cloned(),
            Ok(Err(_)) => None,
            Err(_) => return Err(RequestError::Timeout { after: patience }),
        };
        let node = node.ok_or(RequestError::Stopped)?;
        self.ask(node.as_str(), request, patience).await.map(drop)
    }
}
