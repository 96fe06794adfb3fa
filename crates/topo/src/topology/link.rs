//! A link between two nodes, and what it is made to suffer.

use std::time::Duration;

use hopline_mesh::name::NodeName;
use serde::{Deserialize, Serialize};

/// A link between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What the link adds to the cost of a way; where it is declared more than once, the greatest.
    pub cost: u32,
    /// The end that dials.
    pub dialer: NodeName,
    /// The ends that have the other as their upstream, the lesser name first; none for a link
    /// between equals.
    pub lower: Vec<NodeName>,
    /// What the link is made to suffer.
    #[serde(skip_serializing_if = "Impairment::is_none")]
    pub impairment: Impairment,
}

/// What a link is made to suffer, as a test bench would have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Impairment {
    /// How long each message is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Duration>,
    /// By how much more or less at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// How many of a million messages are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_ppm: Option<u32>,
    /// How many bytes pass in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

impl Impairment {
    /// Whether the link is left alone.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// This, with what `other` says where this says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            latency: self.latency.or(other.latency),
            jitter: self.jitter.or(other.jitter),
            loss_ppm: self.loss_ppm.or(other.loss_ppm),
            bytes_per_second: self.bytes_per_second.or(other.bytes_per_second),
        }
    }
}
