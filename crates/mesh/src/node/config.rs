//! What a node is started with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hopline_core::{Endpoint, Limits};

use crate::brain::{LinkConfig, Settings};
use crate::dialect::session::{DataHandler, Echo};
use crate::name::NodeName;
use crate::wire::hello::MeshKey;

/// The configuration of a [`RoutingNode`](super::RoutingNode).
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The mesh's name.
    pub mesh: String,
    /// This node's name.
    pub node: NodeName,
    /// The port for clients and neighbours.
    pub bind: Endpoint,
    /// Whether the port may be one that other machines reach. The port takes in whoever comes: who knows
    /// the key is a node, and anybody else a client. Default no.
    pub open: bool,
    /// The control socket: whoever comes in by it may give orders, so it must be where only its
    /// owner reaches it. Default none.
    pub control: Option<Endpoint>,
    /// The key that makes a peer a node.
    pub key: MeshKey,
    /// What it goes by until it is told otherwise.
    pub settings: Settings,
    /// What becomes of the texts that clients of the session dialect send. Default [`Echo`]: their beginning comes back.
    pub data_handler: Arc<dyn DataHandler>,
    /// What strangers may make the node hold, and neighbours too: what is over the limits ends a
    /// connection, so those of a link should be the same at both ends, and not less than
    /// [`LEAST_LIMITS`](NodeConfig::LEAST_LIMITS). Neighbours are counted among no limit of connections
    /// once they have proved the key; the node reserves at least 32 places for them to do so.
    pub limits: Limits,
    /// Where private sockets are made: a short path. Default `$XDG_RUNTIME_DIR`, else the system's
    /// directory for temporary files.
    pub runtime_dir: Option<PathBuf>,
    /// This run's number, more than that of any run before. Default Unix milliseconds.
    pub incarnation: Option<u64>,
}

impl NodeConfig {
    /// The least limits with which a node can take part in a mesh.
    ///
    /// A neighbour may put 64 KiB of the smallest messages into one batch, each with a stamp of its own
    /// and the lengths of its frames, and tells what it knows of the mesh in one frame, which in a large
    /// mesh takes more than this; an error on its way to a REQ client has at least five frames.
    pub const LEAST_LIMITS: Limits = Limits {
        frame: 512 * 1024,
        message: 1024 * 1024,
        frames: 8,
        unfinished: 1024 * 1024,
        connections: 1,
        per_address: 1,
        reserved: 32,
        handshake: Duration::from_millis(10),
        ping: Duration::from_millis(10),
        silence: Duration::from_millis(10),
        stall: Duration::from_millis(10),
    };

    /// A node with nothing but a name, a port and a key.
    #[must_use]
    pub fn new(mesh: impl Into<String>, node: NodeName, bind: Endpoint, key: MeshKey) -> Self {
        Self {
            mesh: mesh.into(),
            node,
            bind,
            open: false,
            control: None,
            key,
            settings: Settings::default(),
            data_handler: Arc::new(Echo),
            limits: Limits::default(),
            runtime_dir: None,
            incarnation: None,
        }
    }

    /// Whether clients at the node's port may do only what an access rule allows.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.settings.closed || !self.bind.is_local()
    }

    /// The same with a link to a neighbour that this node dials and that is its upstream.
    #[must_use]
    pub fn upstream(self, neighbour: NodeName, cost: u32) -> Self {
        self.link(neighbour, LinkConfig::dialling(cost))
    }

    /// The same with a link to a neighbour that dials this node.
    #[must_use]
    pub fn downstream(self, neighbour: NodeName, cost: u32) -> Self {
        self.link(neighbour, LinkConfig::accepting(cost))
    }

    /// The same with a link.
    #[must_use]
    pub fn link(mut self, neighbour: NodeName, link: LinkConfig) -> Self {
        self.settings.links.insert(neighbour, link);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_62_a_port_beyond_the_machine_is_closed_whatever_the_configuration_leaves_out() {
        let at = |bind: &str| {
            let (node, key) = (NodeName::parse("east").unwrap(), MeshKey::new([1; 32]));
            NodeConfig::new("m", node, bind.parse().unwrap(), key)
        };
        for beyond in ["tcp://*:5555", "tcp://0.0.0.0:0", "tcp://192.0.2.7:1", "tcp://[::]:1"] {
            assert!(at(beyond).is_closed(), "{beyond}");
        }
        for local in ["tcp://127.0.0.1:5555", "tcp://[::1]:1", "ipc:///tmp/x", "mem://x"] {
            assert!(!at(local).is_closed(), "{local}");
            let settings = Settings { closed: true, ..Settings::default() };
            assert!(NodeConfig { settings, ..at(local) }.is_closed(), "{local}");
        }
    }
}
