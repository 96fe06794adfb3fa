//! From a node's plan to a running node.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use hopline_core::{Endpoint, Limits};
use hopline_mesh::brain::{LinkConfig, ServiceConfig, Settings, Window};
use hopline_mesh::dialect::session::MAX_INFLATED;
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::node::{NodeConfig, RoutingNode, StartError};
use hopline_mesh::route::access::AccessRules;
use hopline_mesh::route::{NextHop, Pattern, StaticRoutes};
use hopline_mesh::wire::hello::MeshKey;

use super::error::Failure;
use super::words::Setup;
use crate::plan::{Dial, NodePlan, Plan};
use crate::topology::{Bind, Duplicate, NodeLimits, Service};

/// Starts a node at its endpoint; where any port will do, at the one that it had the last time, if that
/// is free.
pub(super) async fn start(setup: &Setup) -> Result<RoutingNode, Failure> {
    let any = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let (first, second) = match &setup.share.plan.bind {
        Bind::At(endpoint) => (endpoint.clone(), None),
        Bind::Auto => match setup.previous.clone() {
            Some(previous) => (previous, Some(any)),
            None => (any, None),
        },
    };
    match (start_at(setup, first).await, second) {
        (Err(_), Some(second)) => start_at(setup, second).await,
        (started, _) => started,
    }
}

async fn start_at(setup: &Setup, bind: Endpoint) -> Result<RoutingNode, Failure> {
    let control = Endpoint::Ipc(setup.control.clone());
    let key = MeshKey::new(setup.key);
    let config = NodeConfig {
        open: setup.share.open,
        control: Some(control),
        runtime_dir: Some(setup.runtime_dir.clone()),
        incarnation: Some(setup.incarnation),
        ..node_config(&setup.mesh, setup.share.rules(), &setup.share.plan, bind, key)
    };
    RoutingNode::start(config).await.map_err(failure)
}

/// What the file says of the whole mesh, the same at all nodes.
#[derive(Debug, Clone)]
pub struct MeshRules<'a> {
    /// All nodes of the mesh.
    pub nodes: BTreeSet<NodeName>,
    /// The services of the mesh.
    pub services: &'a BTreeMap<String, Service>,
    /// The groups of clients and their members.
    pub client_groups: &'a BTreeMap<String, BTreeSet<String>>,
    /// Which clients may attach where, and send to whom.
    pub access: &'a AccessRules,
}

impl<'a> From<&'a Plan> for MeshRules<'a> {
    fn from(plan: &'a Plan) -> Self {
        let Plan { services, client_groups, access, .. } = plan;
        Self { nodes: plan.nodes.keys().cloned().collect(), services, client_groups, access }
    }
}

/// The configuration of a node by its plan, in a mesh that has these rules, listening at `bind`, without a control socket, and not open.
#[must_use]
pub fn node_config(
    mesh: &NodeName,
    MeshRules { nodes, services, client_groups, access }: MeshRules<'_>,
    plan: &NodePlan,
    bind: Endpoint,
    key: MeshKey,
) -> NodeConfig {
    let upstreams: BTreeSet<&NodeName> = plan.upstreams.iter().map(|(node, _)| node).collect();
    let link = |dial: &Dial, dials: bool| {
        let upstream = upstreams.contains(&dial.node);
        let Dial { cost, impairment, cut, .. } = *dial;
        (dial.node.clone(), LinkConfig { cost, dials, upstream, impairment, cut })
    };
    let dialled = plan.dials.iter().map(|dial| link(dial, true));
    let accepted = plan.accepts.iter().map(|dial| link(dial, false));
    // A plan comes from a checked topology, whose routes all have a pattern.
    let statics: StaticRoutes = plan
        .routes
        .iter()
        .filter_map(|(to, hop)| Some((to.parse::<Pattern>().ok()?, NextHop::from(hop.as_str()))))
        .collect();
    let services = services.iter().map(|(name, service)| {
        let Service { at, policy } = service.clone();
        (ClientName::from_identity(name.as_bytes()), ServiceConfig { at, policy })
    });
    let name = |name: &String| ClientName::from_identity(name.as_bytes());
    let groups = client_groups
        .iter()
        .map(|(group, members)| (group.clone(), members.iter().map(name).collect()));
    let settings = Settings {
        hop_limit: plan.hop_limit,
        links: dialled.chain(accepted).collect(),
        known: nodes,
        statics,
        services: services.collect(),
        groups: groups.collect(),
        access: access.clone(),
        closed: plan.closed,
        takeover: plan.duplicate == Duplicate::Takeover,
        dialects: plan.dialects.clone(),
        queue: queue(&plan.limits),
        window: window(&plan.limits),
        flow: flow(&plan.limits),
        kept: plan.limits.kept.unwrap_or(Settings::KEPT),
        inflated: plan.limits.inflated.unwrap_or(MAX_INFLATED),
        liveness: plan.liveness,
    };
    NodeConfig {
        settings,
        limits: limits(plan),
        ..NodeConfig::new(mesh.as_str(), plan.name.clone(), bind, key)
    }
}

/// A plan of a checked file has no less than a node needs; one from elsewhere comes to that.
fn limits(plan: &NodePlan) -> Limits {
    let planned = &plan.limits;
    let (default, least) = (Limits::default(), NodeConfig::LEAST_LIMITS);
    Limits {
        frame: planned.frame.unwrap_or(default.frame).max(least.frame),
        message: planned.message.unwrap_or(default.message).max(least.message),
        frames: planned.frames.unwrap_or(default.frames).max(least.frames),
        unfinished: planned.unfinished.unwrap_or(default.unfinished).max(least.unfinished),
        connections: planned.connections.unwrap_or(default.connections).max(least.connections),
        per_address: planned.per_address.unwrap_or(default.per_address).max(least.per_address),
        reserved: planned.reserved.unwrap_or(default.reserved).max(least.reserved),
        handshake: planned.handshake.unwrap_or(default.handshake).max(least.handshake),
        ping: planned.ping.unwrap_or(default.ping).max(least.ping),
        silence: planned.silence.unwrap_or(default.silence).max(least.silence),
        stall: planned.stall.unwrap_or(default.stall).max(least.stall),
    }
}

fn queue(planned: &NodeLimits) -> Window {
    Window {
        messages: planned.queue_messages.unwrap_or(Window::WAITING.messages),
        bytes: planned.queue_bytes.unwrap_or(Window::WAITING.bytes),
    }
}

fn window(planned: &NodeLimits) -> Window {
    Window {
        messages: planned.window_messages.unwrap_or(Window::UNACKNOWLEDGED.messages),
        bytes: planned.window_bytes.unwrap_or(Window::UNACKNOWLEDGED.bytes),
    }
}

fn flow(planned: &NodeLimits) -> Window {
    Window {
        messages: planned.flow_messages.unwrap_or(Window::UNACKNOWLEDGED.messages),
        bytes: planned.flow_bytes.unwrap_or(Window::UNACKNOWLEDGED.bytes),
    }
}

/// Why a node did not start, in the words of files.
pub(super) fn failure(error: StartError) -> Failure {
    match error {
        StartError::Bind(bind) if bind.source.kind() == ErrorKind::AddrInUse => {
            Failure::AddressTaken { endpoint: bind.endpoint }
        }
        StartError::Bind(bind) => Failure::Other { reason: format!("{bind}: {}", bind.source) },
        error @ (StartError::NotOpen { .. } | StartError::Random) => {
            Failure::Other { reason: error.to_string() }
        }
    }
}
