//! A routing table as nodes tell it and plans show it.

use super::directory::Directory;
use super::static_routes::StaticRoutes;
use super::table::Table;
use crate::wire::control::RouteLine;

/// The routing table line by line: nodes, then names, then static routes.
///
/// The running node and the plan on paper call the same function, so they cannot differ.
#[must_use]
pub fn route_lines(table: &Table, directory: &Directory, statics: &StaticRoutes) -> Vec<RouteLine> {
    let line = |destination: &str, origin: &str| RouteLine {
        destination: destination.to_owned(),
        next_hop: None,
        cost: None,
        hops: None,
        origin: origin.to_owned(),
    };
    let mut lines = vec![line(table.me().as_str(), "here")];
    for (node, hop) in table.iter() {
        let fits = hop.hops < u32::from(table.hop_limit());
        let why = if fits { "computed" } else { "computed, over the hop limit" };
        lines.push(RouteLine {
            next_hop: Some(hop.neighbour.to_string()),
            cost: Some(hop.cost),
            hops: Some(hop.hops),
            ..line(node.as_str(), why)
        });
    }
    lines.extend(table.unreachable().map(|node| line(node.as_str(), "unreachable")));
    for (node, name) in directory.iter() {
        let hop = table.next_hop(node);
        lines.push(RouteLine {
            next_hop: hop.map(|hop| hop.neighbour.to_string()),
            cost: hop.map(|hop| hop.cost),
            hops: hop.map(|hop| hop.hops),
            ..line(name.as_str(), &format!("attached at {node}"))
        });
    }
    for (pattern, hop) in statics.iter() {
        let next_hop = Some(hop.to_string());
        lines.push(RouteLine { next_hop, ..line(&pattern.to_string(), "static") });
    }
    lines
}
