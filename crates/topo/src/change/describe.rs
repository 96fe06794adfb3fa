//! What is said of each thing of a topology, property by property.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::NodeName;
use hopline_mesh::route::access::{AccessRules, Asked, Effect, NameSet};

use super::{Property, RulePlace};
use crate::topology::{Bind, DEFAULT_COST, Duplicate, Link, Node, Service, Topology};

pub(super) fn mesh(topology: &Topology) -> Vec<Property> {
    let duplicate = match topology.duplicate() {
        Duplicate::Refuse => "refuse",
        Duplicate::Takeover => "takeover",
    };
    vec![
        ("name", Some(topology.name().to_string())),
        ("hop limit", Some(topology.hop_limit().to_string())),
        ("key file", topology.key_file().map(str::to_owned)),
        ("open", Some(topology.open().to_string())),
        ("duplicate", Some(duplicate.to_owned())),
        ("dialects", dialects(topology.dialects())),
        ("hello", Some(format!("{:?}", topology.liveness().hello))),
        ("link silence", Some(format!("{:?}", topology.liveness().silence))),
    ]
}

pub(super) fn node(node: &Node) -> Vec<Property> {
    let bind = match node.bind() {
        Bind::At(endpoint) => endpoint.to_string(),
        Bind::Auto => "auto".to_owned(),
    };
    let upstream = |(name, cost): (&NodeName, &u32)| match *cost {
        DEFAULT_COST => name.to_string(),
        cost => format!("{name} (cost {cost})"),
    };
    let position = |at: crate::topology::Position| format!("{}, {}", at.x(), at.y());
    vec![
        ("bind", Some(bind)),
        ("address", node.address().map(ToString::to_string)),
        ("host", node.host().map(str::to_owned)),
        ("label", node.label().map(str::to_owned)),
        ("position", node.position().map(position)),
        ("upstream", joined(node.upstream().iter().map(upstream))),
        ("dialects", node.dialects().and_then(dialects)),
        ("limits", Some(node.limits().to_string()).filter(|text| !text.is_empty())),
    ]
}

pub(super) fn link(link: &Link) -> Vec<Property> {
    // Most links are dialled by their lower end, which need not be said.
    let lower = match link.lower.as_slice() {
        [] => Some("neither".to_owned()),
        [lower] if *lower == link.dialer => None,
        lower => joined(lower.iter().map(ToString::to_string)),
    };
    vec![
        ("cost", Some(link.cost.to_string())),
        ("dialled by", Some(link.dialer.to_string())),
        ("lower end", lower),
        ("cut", link.cut.then(|| "true".to_owned())),
        ("impairment", Some(link.impairment.to_string()).filter(|text| !text.is_empty())),
    ]
}

pub(super) fn client(node: &NodeName) -> Vec<Property> {
    vec![("at", Some(node.to_string()))]
}

pub(super) fn next_hop(hop: &str) -> Vec<Property> {
    vec![("next hop", Some(hop.to_owned()))]
}

pub(super) fn service(service: &Service) -> Vec<Property> {
    let at = joined(service.at.iter().map(ToString::to_string));
    vec![("at", at), ("policy", Some(service.policy.to_string()))]
}

pub(super) fn client_group(members: &BTreeSet<String>) -> Vec<Property> {
    vec![("members", joined(members.iter().cloned()))]
}

/// The access rules by their places, and what is said of each.
pub(super) fn rules(access: &AccessRules) -> BTreeMap<RulePlace, Vec<Property>> {
    let who = |effect: Effect, who: &NameSet| ("rule", Some(format!("{effect} {who}")));
    let attach = (1..).zip(&access.attach).map(|(number, rule)| {
        let at = rule.at.as_ref();
        let at = at.and_then(|at| joined(at.iter().map(ToString::to_string)));
        let said = vec![who(rule.effect, &rule.who), ("at", at)];
        (RulePlace { list: Asked::Attach, number }, said)
    });
    let send = (1..).zip(&access.send).map(|(number, rule)| {
        let to = Some(&rule.to).filter(|to| **to != NameSet::everybody());
        let said = vec![who(rule.effect, &rule.who), ("to", to.map(ToString::to_string))];
        (RulePlace { list: Asked::Send, number }, said)
    });
    attach.chain(send).collect()
}

fn dialects(dialects: &[Dialect]) -> Option<String> {
    joined(dialects.iter().map(|dialect| dialect.name().to_owned()))
}

fn joined(all: impl Iterator<Item = String>) -> Option<String> {
    Some(all.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}
