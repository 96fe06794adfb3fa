//! What a broker says: events, and the payload of its replies.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What comes to a client of a broker without having been asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum BrokerEvent {
    /// Somebody has written to this client.
    Direct(Note),
    /// Somebody has written to everybody.
    Broadcast(Note),
    /// Any other object: a message of the json dialect that somebody in the mesh has sent to this client, which has
    /// `route_path` and `original_sender`, or something that answers nothing.
    Other(Map<String, Value>),
}

/// What somebody has written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Note {
    /// The name that its sender had registered; `unknown` if none.
    pub from: String,
    /// Any JSON.
    #[serde(default)]
    pub content: Value,
    /// When the broker passed it on, in Unix seconds of its clock.
    pub timestamp: f64,
}

/// Who is known to a broker.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ClientList {
    /// The clients that have said something, the asking one included.
    pub clients: Vec<ListedClient>,
    /// How many they are.
    pub total: u64,
    /// Nodes of the mesh that did not say in time who is there.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// One of a broker's clients.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ListedClient {
    /// Its name; `unnamed` if it has registered none.
    pub name: String,
    /// When it became known, in Unix seconds of the broker's clock.
    pub connected_since: f64,
    /// When it said something last, in Unix seconds of the broker's clock.
    pub last_activity: f64,
    /// How many objects it has sent.
    pub message_count: u64,
}

/// A broker's answer to `ping`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BrokerPong {
    /// The broker's clock, in Unix seconds.
    pub timestamp: f64,
    /// What it has counted.
    pub stats: BrokerStats,
}

/// What a broker has counted since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct BrokerStats {
    /// Messages that came, this ping included.
    pub received: u64,
    /// Messages that went out, this pong not included.
    pub sent: u64,
    /// Messages that were answered with an error.
    pub errors: u64,
}
