//! What a node is started with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use hopline_core::{Endpoint, Limits};

use crate::brain::{LinkConfig, Liveness, ServiceConfig, Settings, Window};
use crate::dialect::Dialect;
use crate::name::{ClientName, NodeName};
use crate::route::StaticRoutes;
use crate::route::access::AccessRules;
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
    /// The greatest number of nodes on a message's path. Default 64.
    pub hop_limit: u8,
    /// The declared links. Default none; whoever knows the key may open one all the same.
    pub links: BTreeMap<NodeName, LinkConfig>,
    /// Static routes. Default none.
    pub statics: StaticRoutes,
    /// The services of the mesh, which must be the same at all its nodes. Default none.
    pub services: BTreeMap<ClientName, ServiceConfig>,
    /// The groups of clients that the topology has, by name, with their members, which must be the same at all nodes
    /// of the mesh. A client may join others besides. Default none.
    pub groups: BTreeMap<String, BTreeSet<ClientName>>,
    /// Which clients may attach, and send to whom, which must be the same at all nodes of the mesh.
    /// Default no rules: all may at a port of the machine, nobody at one beyond it.
    pub access: AccessRules,
    /// Whether what no access rule allows is denied at a port of the machine too, as it always is at one
    /// beyond it. Default no.
    pub closed: bool,
    /// Whether a second live claim to a client's name takes it over, the same at all nodes of a mesh;
    /// else it is refused. Default no.
    pub takeover: bool,
    /// The dialects that raw clients may speak. Default all.
    pub dialects: Vec<Dialect>,
    /// What strangers may make the node hold, and neighbours too: what is over the limits ends a
    /// connection, so those of a link should be the same at both ends, and not less than
    /// [`LEAST_LIMITS`](NodeConfig::LEAST_LIMITS). Neighbours are counted among no limit of connections
    /// once they have proved the key; the node reserves at least 32 places for them to do so.
    pub limits: Limits,
    /// What a neighbour may be sent without its acknowledgement. Default 1,000 messages, 1 MiB.
    pub window: Window,
    /// What may be on its way from this node to one other, where it leaves the mesh. Default 1,000 messages, 1 MiB.
    pub flow: Window,
    /// What may wait for a neighbour, and for a client. Default 20,000 messages, 16 MiB.
    pub queue: Window,
    /// How many bytes of confirmed messages the node keeps whose end is not known. Default 64 MiB.
    pub kept: usize,
    /// How soon a neighbour that says nothing is taken for gone; the same at all nodes of a mesh. Default: a sign of
    /// life each 250 ms, gone after 1 s without any.
    pub liveness: Liveness,
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
        reserved: 0,
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
            hop_limit: 64,
            links: BTreeMap::new(),
            statics: StaticRoutes::new(),
            services: BTreeMap::new(),
            groups: BTreeMap::new(),
            access: AccessRules::default(),
            closed: false,
            takeover: false,
            dialects: Dialect::ALL.to_vec(),
            limits: Limits::default(),
            window: Window::UNACKNOWLEDGED,
            flow: Window::UNACKNOWLEDGED,
            queue: Window::WAITING,
            kept: crate::brain::Config::KEPT,
            liveness: Liveness::default(),
            runtime_dir: None,
            incarnation: None,
        }
    }

    /// Whether clients at the node's port may do only what an access rule allows.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed || !self.bind.is_local()
    }

    /// The part of this that can change while the node runs; see [`RoutingNode::reconfigure`](super::RoutingNode::reconfigure).
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            links: self.links.clone(),
            statics: self.statics.clone(),
            services: self.services.clone(),
            groups: self.groups.clone(),
            access: self.access.clone(),
            closed: self.is_closed(),
            takeover: self.takeover,
            dialects: self.dialects.clone(),
            hop_limit: self.hop_limit,
            window: self.window,
            flow: self.flow,
            queue: self.queue,
            kept: self.kept,
        }
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
        self.links.insert(neighbour, link);
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
            assert!(NodeConfig { closed: true, ..at(local) }.is_closed(), "{local}");
        }
    }
}
