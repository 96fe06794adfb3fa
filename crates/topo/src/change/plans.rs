//! What differs between the plan that runs and the one that is to.

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};

use super::{Change, Moves, Property, describe, differences};
use crate::plan::{Dial, NodePlan, Plan};
use crate::topology::{Bind, Duplicate};

/// A link of a plan: the end that dials, the link as that end sees it, and its lower ends.
struct Linked<'a> {
    dialer: &'a NodeName,
    dial: &'a Dial,
    lower: Vec<&'a NodeName>,
}

impl Change {
    /// What differs between two plans, with at most `most` of the routes that move; all are counted. What a plan does
    /// not hold, positions among it, changes nothing that runs.
    #[must_use]
    pub fn between_plans(old: &Plan, new: &Plan, most: usize) -> Self {
        let empty = BTreeMap::new();
        let routes = |plan: &'_ Plan, node: &NodeName| {
            plan.nodes.get(node).map_or_else(|| empty.clone(), |node| node.routes.clone())
        };
        let mut statics = BTreeMap::new();
        for node in old.nodes.keys().chain(new.nodes.keys()) {
            let hop = |hop: &String| describe::next_hop(hop);
            let differences = differences(&routes(old, node), &routes(new, node), hop);
            if !differences.is_empty() {
                statics.insert(node.clone(), differences);
            }
        }
        let (old_rules, new_rules) = (describe::rules(&old.access), describe::rules(&new.access));
        Self {
            mesh: super::altered(&mesh(old), &mesh(new)),
            nodes: differences(&old.nodes, &new.nodes, node),
            links: differences(&links(old), &links(new), link),
            clients: differences(&clients(old), &clients(new), describe::client),
            statics,
            services: differences(&old.services, &new.services, describe::service),
            client_groups: differences(
                &old.client_groups,
                &new.client_groups,
                describe::client_group,
            ),
            access: differences(&old_rules, &new_rules, Vec::clone),
            routes: Moves::between(old, new, most),
        }
    }
}

fn mesh(plan: &Plan) -> Vec<Property> {
    // It is the same at all nodes.
    let liveness = plan.nodes.values().next().map(|node| node.liveness);
    vec![
        ("name", Some(plan.mesh.to_string())),
        ("hop limit", Some(plan.hop_limit.to_string())),
        ("key file", plan.key_file.clone()),
        ("open", Some(plan.open.to_string())),
        ("hello", liveness.map(|it| format!("{:?}", it.hello))),
        ("link silence", liveness.map(|it| format!("{:?}", it.silence))),
    ]
}

fn node(node: &NodePlan) -> Vec<Property> {
    let bind = match &node.bind {
        Bind::At(endpoint) => endpoint.to_string(),
        Bind::Auto => "auto".to_owned(),
    };
    let dialects: Vec<&str> = node.dialects.iter().map(|dialect| dialect.name()).collect();
    let takeover = node.duplicate == Duplicate::Takeover;
    vec![
        ("bind", Some(bind)),
        ("address", node.address.as_ref().map(ToString::to_string)),
        ("host", node.host.clone()),
        ("label", node.label.clone()),
        ("dialects", Some(dialects.join(", "))),
        ("duplicate", takeover.then(|| "takeover".to_owned())),
        ("limits", Some(node.limits.to_string()).filter(|text| !text.is_empty())),
    ]
}

fn links(plan: &Plan) -> BTreeMap<LinkName, Linked<'_>> {
    let has_above = |node: &NodeName, other: &NodeName| {
        let node = plan.nodes.get(node);
        node.is_some_and(|node| node.upstreams.iter().any(|(above, _)| above == other))
    };
    let mut links = BTreeMap::new();
    for (dialer, node) in &plan.nodes {
        for dial in &node.dials {
            let lower = [(dialer, &dial.node), (&dial.node, dialer)];
            let lower = lower.into_iter().filter(|(node, other)| has_above(node, other));
            let lower = lower.map(|(node, _)| node).collect();
            if let Ok(name) = LinkName::new(dialer.clone(), dial.node.clone()) {
                links.insert(name, Linked { dialer, dial, lower });
            }
        }
    }
    links
}

fn link(link: &Linked<'_>) -> Vec<Property> {
    let Linked { dialer, dial, lower } = link;
    let lower = match lower.as_slice() {
        [] => Some("neither".to_owned()),
        [lower] if lower == dialer => None,
        lower => Some(lower.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    vec![
        ("cost", Some(dial.cost.to_string())),
        ("dialled by", Some(dialer.to_string())),
        ("lower end", lower),
        ("cut", dial.cut.then(|| "true".to_owned())),
        ("impairment", Some(dial.impairment.to_string()).filter(|text| !text.is_empty())),
    ]
}

fn clients(plan: &Plan) -> BTreeMap<String, NodeName> {
    let nodes = plan.nodes.values();
    let at = |node: &NodePlan| {
        let name = node.name.clone();
        node.clients.clone().into_iter().map(move |client| (client, name.clone()))
    };
    nodes.flat_map(at).collect()
}
