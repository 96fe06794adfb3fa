//! What of a node's configuration can change while it runs, and stands in one place whoever holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LinkConfig, ServiceConfig, Window};
use crate::dialect::Dialect;
use crate::dialect::session::MAX_INFLATED;
use crate::name::{ClientName, NodeName};
use crate::route::StaticRoutes;
use crate::route::access::AccessRules;

/// What a node goes by, at its start and whenever it is told anew. All of it is said each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The declared links. Default none; a node that knows the key may open one that is not declared here.
    pub links: BTreeMap<NodeName, LinkConfig>,
    /// The nodes that the topology declares. One that has not been met yet is unreachable; of any other nothing is known.
    /// Default none.
    pub known: BTreeSet<NodeName>,
    /// Static routes. Default none. Where a node is told anew, those that were set by order are gone.
    pub statics: StaticRoutes,
    /// The services of the mesh, which must be the same at all its nodes. Default none. A client keeps the name that
    /// it has.
    pub services: BTreeMap<ClientName, ServiceConfig>,
    /// The groups of clients that the topology has, by name, with their members, which must be the same at all nodes
    /// of the mesh. A client may join others besides. Default none.
    pub groups: BTreeMap<String, BTreeSet<ClientName>>,
    /// Which clients may attach, and send to whom, which must be the same at all nodes of the mesh. The connection of
    /// one that may not be here is closed. Default no rules: all may at a port of the machine, nobody at one beyond it.
    pub access: AccessRules,
    /// Whether what no access rule allows is denied at a port of the machine too, as it always is at one beyond it.
    /// Default no.
    pub closed: bool,
    /// Whether a second live claim to a client's name takes it over, the same at all nodes of a mesh; else it is
    /// refused. Default no.
    pub takeover: bool,
    /// The dialects that raw clients may speak. Default all.
    pub dialects: Vec<Dialect>,
    /// The greatest number of nodes on a message's path. Default 64.
    pub hop_limit: u8,
    /// What a neighbour may be sent without its acknowledgement. Default 1,000 messages, 1 MiB.
    pub window: Window,
    /// What may be on its way from this node to one other, where it leaves the mesh. Default 1,000 messages, 1 MiB.
    pub flow: Window,
    /// What may wait for a neighbour, and for a client. Default 20,000 messages, 16 MiB. What waits already stays.
    pub queue: Window,
    /// How many bytes of confirmed messages the node keeps whose end is not known. Default 64 MiB.
    pub kept: usize,
    /// To how many bytes a payload of the session dialect is inflated at the most. Default 16 MiB.
    pub inflated: usize,
    /// How soon a neighbour that says nothing is taken for gone; the same at all nodes of a mesh. Default: a sign of
    /// life each 250 ms, gone after 1 s without any.
    pub liveness: Liveness,
}

/// How soon a neighbour that says nothing is taken for gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Liveness {
    /// Each link carries a sign of life at least as often as this. Default 250 ms.
    pub hello: Duration,
    /// A link on which nothing came for so long is down; more than twice [`hello`](Self::hello). Default 1 s.
    pub silence: Duration,
    /// A node that has not been reached for so long is forgotten, and is known no more until it comes back. Default
    /// 60 s.
    pub forget: Duration,
}

impl Settings {
    /// The greatest number of nodes on a message's path where nothing else is said.
    pub const HOP_LIMIT: u8 = 64;

    /// How much is kept of confirmed messages where nothing else is said: 64 MiB.
    pub const KEPT: usize = 64 * 1024 * 1024;
}

impl Liveness {
    /// Whether it is what holds where nothing else is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            links: BTreeMap::new(),
            known: BTreeSet::new(),
            statics: StaticRoutes::new(),
            services: BTreeMap::new(),
            groups: BTreeMap::new(),
            access: AccessRules::default(),
            closed: false,
            takeover: false,
            dialects: Dialect::ALL.to_vec(),
            hop_limit: Self::HOP_LIMIT,
            window: Window::UNACKNOWLEDGED,
            flow: Window::UNACKNOWLEDGED,
            queue: Window::WAITING,
            kept: Self::KEPT,
            inflated: MAX_INFLATED,
            liveness: Liveness::default(),
        }
    }
}

impl Default for Liveness {
    fn default() -> Self {
        Self {
            hello: Duration::from_millis(250),
            silence: Duration::from_secs(1),
            forget: Duration::from_secs(60),
        }
    }
}
