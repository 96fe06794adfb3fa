//! What each node of a mesh is to do: the form in which a topology is stored and handed out.

use std::collections::{BTreeMap, BTreeSet};

use hopline_core::Endpoint;
use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::NodeName;
use hopline_mesh::route::access::AccessRules;
use serde::{Deserialize, Serialize};

use crate::topology::{Bind, Duplicate, Impairment, Liveness, NodeLimits, Service, Topology};

/// The plans of all nodes of a mesh. Its JSON is what is stored as the applied plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The mesh's name.
    pub mesh: NodeName,
    /// How many nodes a path may hold.
    pub hop_limit: u8,
    /// The file that holds the mesh key, as written in the topology.
    pub key_file: Option<String>,
    /// Whether nodes may listen beyond their own machine.
    pub open: bool,
    /// The names that clients at several nodes hold together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Service>,
    /// The groups of clients and their members.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub client_groups: BTreeMap<String, BTreeSet<String>>,
    /// Which clients may attach where, and send to whom.
    #[serde(default, skip_serializing_if = "AccessRules::is_empty")]
    pub access: AccessRules,
    /// The nodes by name.
    pub nodes: BTreeMap<NodeName, NodePlan>,
}

/// All that one node has to know of the topology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlan {
    /// The node's name.
    pub name: NodeName,
    /// Where it listens.
    pub bind: Bind,
    /// What others dial, where it is not what the node listens at.
    pub address: Option<Endpoint>,
    /// The machine it runs on.
    pub host: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it takes on at most.
    #[serde(default, skip_serializing_if = "NodeLimits::is_default")]
    pub limits: NodeLimits,
    /// The links it dials.
    pub dials: Vec<Dial>,
    /// The links on which it is dialled.
    pub accepts: Vec<Dial>,
    /// Its declared upstreams, whoever dials, with the costs of the links.
    pub upstreams: Vec<(NodeName, u32)>,
    /// Its static routes: destination or prefix, and next hop.
    pub routes: BTreeMap<String, String>,
    /// What raw clients may speak here.
    pub dialects: Vec<Dialect>,
    /// How many nodes a path may hold.
    pub hop_limit: u8,
    /// What a second claim to a client's name comes to.
    pub duplicate: Duplicate,
    /// How often its links carry a sign of life, and how long they may be without one.
    #[serde(default, skip_serializing_if = "Liveness::is_default")]
    pub liveness: Liveness,
    /// The clients planned here.
    pub clients: BTreeSet<String>,
    /// Whether clients here may do only what an access rule allows, because the node listens beyond its
    /// machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// One link as an end of it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// The node at the other end.
    pub node: NodeName,
    /// The link's cost.
    pub cost: u32,
    /// What the link is made to suffer.
    #[serde(default, skip_serializing_if = "Impairment::is_none")]
    pub impairment: Impairment,
    /// Whether the link starts down, until somebody heals it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl Plan {
    /// The plan of `topology`.
    #[must_use]
    pub fn new(topology: &Topology) -> Self {
        let mut nodes: BTreeMap<NodeName, NodePlan> = topology
            .nodes()
            .keys()
            .map(|name| (name.clone(), NodePlan::new(topology, name)))
            .collect();
        for (name, link) in topology.links() {
            for end in [name.lesser(), name.greater()] {
                let (Some(plan), Some(other)) = (nodes.get_mut(end), name.other(end)) else {
                    continue;
                };
                let impairment = link.impairment;
                let cut = link.cut;
                let dial = Dial { node: other.clone(), cost: link.cost, impairment, cut };
                if link.lower.contains(end) {
                    plan.upstreams.push((other.clone(), link.cost));
                }
                match link.dialer == *end {
                    true => plan.dials.push(dial),
                    false => plan.accepts.push(dial),
                }
            }
        }
        Self {
            mesh: topology.name().clone(),
            hop_limit: topology.hop_limit(),
            key_file: topology.key_file().map(str::to_owned),
            open: topology.open(),
            services: topology.services().clone(),
            client_groups: topology.client_groups().clone(),
            access: topology.access().clone(),
            nodes,
        }
    }
}

impl Plan {
    /// Whether a client may attach under `name` at `node`.
    #[must_use]
    pub fn may_attach(&self, name: &str, node: &NodeName) -> bool {
        let is_closed = self.nodes.get(node).is_some_and(|node| node.closed);
        self.access.at(node, is_closed).attach(name).allowed
    }

    /// Whether there may be clients that may not do everything.
    #[must_use]
    pub fn has_access(&self) -> bool {
        !self.access.is_empty() || self.nodes.values().any(|node| node.closed)
    }
}

impl NodePlan {
    /// The plan of the node `name` without its links.
    fn new(topology: &Topology, name: &NodeName) -> Self {
        let node = &topology.nodes()[name];
        let here = topology.clients().iter().filter(|(_, at)| *at == name);
        Self {
            name: name.clone(),
            bind: node.bind().clone(),
            address: node.address().cloned(),
            host: node.host().map(str::to_owned),
            label: node.label().map(str::to_owned),
            limits: *node.limits(),
            dials: Vec::new(),
            accepts: Vec::new(),
            upstreams: Vec::new(),
            routes: topology.routes().get(name).cloned().unwrap_or_default(),
            dialects: node.dialects().unwrap_or(topology.dialects()).to_vec(),
            hop_limit: topology.hop_limit(),
            duplicate: topology.duplicate(),
            liveness: topology.liveness(),
            clients: here.map(|(client, _)| client.clone()).collect(),
            closed: node.is_closed(),
        }
    }

    /// What others dial, as far as it is known before the mesh starts: not where a free port is to be found.
    #[must_use]
    pub fn dial_address(&self) -> Option<&Endpoint> {
        let bound = match &self.bind {
            Bind::At(endpoint) => Some(endpoint).filter(|endpoint| endpoint.is_definite()),
            Bind::Auto => None,
        };
        self.address.as_ref().or(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        let text = format!("[mesh]\nname = \"m\"\n{text}");
        Plan::new(&crate::parse("m.toml", &text).unwrap().topology)
    }

    fn dial(node: &str, cost: u32) -> Dial {
        let node = NodeName::parse(node).unwrap();
        Dial { node, cost, impairment: Impairment::default(), cut: false }
    }

    #[test]
    fn the_end_that_declares_a_link_dials_it() {
        let plan = plan("[nodes.z]\nupstream = \"a\"\n[nodes.a]\n");
        assert_eq!(plan.nodes["z"].dials, [dial("a", 10)]);
        assert_eq!(plan.nodes["z"].accepts, []);
        assert_eq!(plan.nodes["a"].accepts, [dial("z", 10)]);
        assert_eq!(plan.nodes["a"].upstreams, []);
    }

    #[test]
    fn of_two_that_declare_a_link_the_lesser_dials_at_the_greater_cost() {
        let plan = plan(
            "[nodes.z]\nupstream = [{ node = \"a\", cost = 7 }]\n\
             [nodes.a]\nupstream = [{ node = \"z\", cost = 3 }]\n",
        );
        assert_eq!(plan.nodes["a"].dials, [dial("z", 7)]);
        assert_eq!(plan.nodes["a"].accepts, []);
        assert_eq!(plan.nodes["z"].accepts, [dial("a", 7)]);
        let a = NodeName::parse("a").unwrap();
        let z = NodeName::parse("z").unwrap();
        assert_eq!(plan.nodes["a"].upstreams, [(z, 7)]);
        assert_eq!(plan.nodes["z"].upstreams, [(a, 7)]);
    }

    #[test]
    fn a_nodes_own_dialects_stand_in_for_those_of_the_mesh() {
        let plan = plan(
            "dialects = [\"json\"]\n[nodes.a]\n[nodes.b]\nupstream = \"a\"\ndialects = [\"native\"]\n",
        );
        assert_eq!(plan.nodes["a"].dialects, [Dialect::Json]);
        assert_eq!(plan.nodes["b"].dialects, [Dialect::Native]);
    }

    #[test]
    fn what_others_dial_is_the_address_else_a_definite_bind() {
        let plan = plan(
            "open = true\n\
             [nodes.a]\nbind = \"tcp://*:1\"\naddress = \"tcp://a.example:1\"\n\
             [nodes.b]\nbind = \"tcp://127.0.0.1:2\"\n\
             [nodes.c]\n",
        );
        let at = |node: &str| plan.nodes[node].dial_address().map(ToString::to_string);
        assert_eq!(at("a").as_deref(), Some("tcp://a.example:1"));
        assert_eq!(at("b").as_deref(), Some("tcp://127.0.0.1:2"));
        assert_eq!(at("c"), None);
    }
}
