//! Questions and orders to a node, and its answers.
//!
//! Questions are answered to anybody whose message reaches the node. Orders change the node and are
//! taken only with the mark `OPERATOR`, which the ingress sets on what comes through its control
//! socket and clears on everything else, or from another node.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::WireError;
use crate::brain::Impairment;
use crate::dialect::broker::Listed;
use crate::name::NodeName;
use crate::route::explain::Step;

/// What a node is asked or told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// What the node is and knows.
    Status {},
    /// The node's routing table.
    Routes {},
    /// Where a name is attached.
    Locate {
        /// The name.
        name: String,
    },
    /// What the node would decide about a message just now, and why.
    Explain {
        /// Where the message is to go.
        destination: String,
        /// The nodes that handled it so far, the one that is asked not among them.
        path: Vec<NodeName>,
        /// The neighbour that it came from; none where it begins here.
        from: Option<NodeName>,
        /// The client that sent it, whose access the rules decide; none where it is a node's, which may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<String>,
    },
    /// The nodes and links that the node's routes are made of.
    Graph {},
    /// The clients of the broker dialect at the node.
    BrokerClients {},
    /// Another node has a client with this name: is the one attached here still alive? From nodes
    /// only.
    Claim {
        /// The name.
        name: String,
        /// Whether the one attached here loses it in any case.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        takeover: bool,
    },
    /// A client becomes a member of a group. To the node that it is attached at only.
    Join {
        /// The group, without its `#`.
        group: String,
    },
    /// A client is a member of a group no more.
    Leave {
        /// The group, without its `#`.
        group: String,
    },
    /// Order: take the link to a neighbour down until it is healed.
    Cut {
        /// The neighbour.
        neighbour: NodeName,
    },
    /// Order: let the link to a neighbour come up again.
    Heal {
        /// The neighbour.
        neighbour: NodeName,
    },
    /// Order: make the link to a neighbour suffer this, on the way there, and nothing else.
    Impair {
        /// The neighbour.
        neighbour: NodeName,
        /// What it is to suffer; nothing leaves it alone.
        impairment: Impairment,
    },
    /// Order: have the others route round this node wherever there is another way, or not any more.
    Drain {
        /// Whether they are to.
        draining: bool,
    },
    /// Order: set the static route to a destination, or take it away, until the node ends.
    SetRoute {
        /// A name, or a prefix `region.*`.
        destination: String,
        /// A node, a client attached here, or `upstream`; none takes the route away.
        next_hop: Option<String>,
    },
}

impl Request {
    /// Whether this changes the node, and so needs an operator or a node behind it.
    #[must_use]
    pub fn is_order(&self) -> bool {
        match self {
            Self::Status {}
            | Self::Routes {}
            | Self::Locate { .. }
            | Self::Explain { .. }
            | Self::Graph {}
            | Self::BrokerClients {}
            | Self::Claim { .. }
            | Self::Join { .. }
            | Self::Leave { .. } => false,
            Self::Cut { .. }
            | Self::Heal { .. }
            | Self::Impair { .. }
            | Self::Drain { .. }
            | Self::SetRoute { .. } => true,
        }
    }
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What the node is and knows.
    Status(Box<NodeStatus>),
    /// The routing table.
    Routes(Vec<RouteLine>),
    /// Where a name is attached.
    Located {
        /// The nodes, sorted; empty where the name is nowhere.
        nodes: Vec<NodeName>,
    },
    /// What the node would decide.
    Explained(Box<Step>),
    /// The nodes and links that its routes are made of.
    Graph {
        /// The nodes, sorted.
        nodes: Vec<NodeName>,
        /// The links that are up: lesser end, greater end, cost; sorted.
        links: Vec<(NodeName, NodeName, u32)>,
    },
    /// The clients of the broker dialect, in the order in which they became known.
    BrokerClients {
        /// They.
        clients: Vec<Listed>,
    },
    /// Whether a claimed name is still held.
    Claimed {
        /// The name.
        name: String,
        /// Whether its holder is alive.
        held: bool,
    },
    /// The order was carried out.
    Done {},
    /// The order or question was refused.
    Refused {
        /// Why, in words.
        reason: String,
    },
}

/// What a node is and knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The mesh.
    pub mesh: String,
    /// The node.
    pub node: NodeName,
    /// The node's run.
    pub incarnation: u64,
    /// For how long it has run, in milliseconds.
    pub uptime_ms: u64,
    /// Digest of nodes, links and costs as this node knows them, in hexadecimal.
    pub revision: String,
    /// Digest of all attachments as this node knows them, in hexadecimal.
    pub attachments: String,
    /// Whether the others are to route round the node.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
    /// Floods that a neighbour has not acknowledged; one more for each link whose ends have not compared yet what they
    /// know; and one more where the routes are not yet those of all that this node has heard.
    pub pending: u64,
    /// Messages that wait here, for a link or for room on the way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waiting: u64,
    /// Confirmed messages that entered here and whose end is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept: u64,
    /// Names that two nodes have who run at the same time, as this one has seen: its own, and those of neighbours. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namesakes: Vec<NodeName>,
    /// The nodes that this one can reach, itself included, sorted.
    pub reachable: Vec<NodeName>,
    /// The node's links, declared or live, sorted by neighbour.
    pub links: Vec<LinkStatus>,
    /// The clients attached here, sorted by name.
    pub clients: Vec<ClientStatus>,
    /// Counts by name: messages in and out, and each reason for which one was not delivered.
    pub counters: BTreeMap<String, u64>,
}

/// One link of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// The neighbour.
    pub neighbour: NodeName,
    /// The cost on this side.
    pub cost: u32,
    /// Whether messages pass.
    pub up: bool,
    /// Whether this end dials.
    pub dials: bool,
    /// Whether an operator took it down.
    pub cut: bool,
    /// Messages that wait or are not acknowledged.
    pub queued: u64,
    /// Why the neighbour that this end dials cannot be reached, or refuses this node, in words; none where it
    /// was reached, or has not been tried for long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What this end makes the link suffer on the way to the neighbour.
    #[serde(default, skip_serializing_if = "Impairment::is_none")]
    pub impairment: Impairment,
}

/// One client of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientStatus {
    /// The address under which it is reached.
    pub name: String,
    /// What it speaks, or none where it has not spoken.
    pub dialect: Option<String>,
    /// Whether it has its name; a client whose name is in use does not.
    pub attached: bool,
    /// When it came, in Unix milliseconds.
    pub since: u64,
}

/// One line of a routing table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteLine {
    /// A node, a name, or a prefix `region.*`.
    pub destination: String,
    /// The neighbour that messages go to; none where they end here, or go nowhere.
    pub next_hop: Option<String>,
    /// The cost of the whole way; none where it is not computed.
    pub cost: Option<u64>,
    /// The hops of the whole way.
    pub hops: Option<u32>,
    /// Why: `here`, `computed` (and whether that is `over the hop limit`), `unreachable`, `attached at NODE`, `static`.
    pub origin: String,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Request {
    /// Reads a request's payload frame.
    ///
    /// # Errors
    /// [`WireError::Pack`] where the bytes are no request.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        rmp_serde::from_slice(bytes).map_err(|_| WireError::Pack("request"))
    }

    /// Writes a request's payload frame.
    #[must_use]
    pub fn write(&self) -> Bytes {
        rmp_serde::to_vec_named(self).map(Bytes::from).unwrap_or_default()
    }
}

impl Answer {
    /// Reads an answer's payload frame.
    ///
    /// # Errors
    /// [`WireError::Pack`] where the bytes are no answer.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        rmp_serde::from_slice(bytes).map_err(|_| WireError::Pack("answer"))
    }

    /// Writes an answer's payload frame.
    #[must_use]
    pub fn write(&self) -> Bytes {
        rmp_serde::to_vec_named(self).map(Bytes::from).unwrap_or_default()
    }
}
