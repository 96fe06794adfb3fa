//! What a connection is to a node.

use std::time::Duration;

use super::clients::Client;
use super::links::{Dialling, Greeting, Standby};
use crate::name::NodeName;

/// What a connection is.
#[derive(Debug)]
pub(super) enum Conn {
    /// A client's, or a stranger's that has not said it is a node.
    Client(Client),
    /// A stranger that said it is a node.
    Greeting(Greeting),
    /// This node dialled it.
    Dialling(Dialling),
    /// The link to this neighbour.
    Link(NodeName),
    /// One more connection to a neighbour that has a link.
    Standby(Standby),
    /// A stranger that would be a node and was told no.
    Refused,
}

impl Conn {
    pub(super) fn neighbour(&self) -> Option<&NodeName> {
        match self {
            Self::Dialling(Dialling { neighbour, .. })
            | Self::Link(neighbour)
            | Self::Standby(Standby { neighbour, .. }) => Some(neighbour),
            Self::Client(_) | Self::Greeting(_) | Self::Refused => None,
        }
    }

    /// When something is due if nothing is heard.
    pub(super) fn due(&self) -> Option<Duration> {
        match self {
            Self::Greeting(greeting) => Some(greeting.until()),
            Self::Dialling(dialling) => Some(dialling.until()),
            Self::Client(_) | Self::Link(_) | Self::Standby(_) | Self::Refused => None,
        }
    }
}
