//! A node as the file declares it.

use std::collections::BTreeMap;
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::NodeName;
use serde::{Deserialize, Serialize};

/// A node as the file declares it, with what it inherits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub(crate) bind: Bind,
    pub(crate) address: Option<Endpoint>,
    pub(crate) upstream: BTreeMap<NodeName, u32>,
    pub(crate) dialects: Option<Vec<Dialect>>,
    pub(crate) host: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) position: Option<Position>,
    pub(crate) limits: NodeLimits,
}

/// Where a node listens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    /// At this endpoint.
    At(Endpoint),
    /// At a free loopback port, found when the mesh starts.
    #[default]
    Auto,
}

/// Where a node is drawn: `x` to the right and `y` upward; on a map, longitude and latitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// In millionths.
    pub(crate) x: i64,
    /// In millionths.
    pub(crate) y: i64,
}

impl Position {
    /// How far to the right.
    #[must_use]
    pub fn x(self) -> f64 {
        self.x as f64 / 1e6
    }

    /// How far up.
    #[must_use]
    pub fn y(self) -> f64 {
        self.y as f64 / 1e6
    }
}

/// What a node takes on at most; what is none is as it is by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeLimits {
    /// Connections at its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
    /// Connections from one address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_address: Option<usize>,
    /// How long a handshake may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Duration>,
    /// How long a peer may be quiet before it is asked whether it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<Duration>,
    /// How long a peer that was asked may say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Duration>,
    /// How long a peer may take nothing of what waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<Duration>,
    /// Bytes of a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<usize>,
    /// Bytes of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<usize>,
    /// Frames of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<usize>,
    /// Messages that wait for one link or client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_messages: Option<usize>,
    /// Bytes that wait for one link or client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_bytes: Option<usize>,
    /// Messages sent over one link and not acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_messages: Option<usize>,
    /// Bytes sent over one link and not acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_bytes: Option<usize>,
    /// Messages on their way from the node to one other, where they leave the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_messages: Option<usize>,
    /// Bytes on their way from the node to one other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_bytes: Option<usize>,
    /// Bytes of confirmed messages whose end is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<usize>,
    /// Bytes of a payload of the session dialect when inflated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inflated: Option<usize>,
    /// Bytes of messages that all peers together have begun to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<usize>,
    /// Places for neighbours who have not proved the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<usize>,
}

impl NodeLimits {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Node {
    /// Where the node listens.
    #[must_use]
    pub fn bind(&self) -> &Bind {
        &self.bind
    }

    /// Whether others than programs of its machine can dial where it listens. Of clients there, only those
    /// may do anything that an access rule allows.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.bind {
            Bind::At(endpoint) => !endpoint.is_local(),
            Bind::Auto => false,
        }
    }

    /// What others dial, where it is not what the node listens at.
    #[must_use]
    pub fn address(&self) -> Option<&Endpoint> {
        self.address.as_ref()
    }

    /// The node's upstreams and the cost it declares for the link to each.
    #[must_use]
    pub fn upstream(&self) -> &BTreeMap<NodeName, u32> {
        &self.upstream
    }

    /// What raw clients may speak here, where it is not what they may speak in the whole mesh.
    #[must_use]
    pub fn dialects(&self) -> Option<&[Dialect]> {
        self.dialects.as_deref()
    }

    /// The machine the node runs on.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Where it is drawn.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// What it takes on at most.
    #[must_use]
    pub fn limits(&self) -> &NodeLimits {
        &self.limits
    }
}
