//! Whether running nodes have what was planned, and agree with each other.

use std::collections::BTreeMap;

pub use hopline_mesh::agreement::{Lack, disagreement};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::{LinkStatus, NodeStatus};

use crate::plan::Plan;

/// What keeps the nodes of `plan` from agreeing: as [`disagreement`] says, of the nodes of the plan alone. A node that
/// came with the mesh key and is not planned is not asked, so nothing is expected of it.
#[must_use]
pub fn disagreement_of(plan: &Plan, statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<Lack> {
    let mut planned = statuses.clone();
    planned.retain(|node, _| plan.nodes.contains_key(node));
    for status in planned.values_mut() {
        status.reachable.retain(|node| plan.nodes.contains_key(node));
    }
    disagreement(&planned)
}

/// What of `plan` the nodes lack most: the first one's answer, else a link that is not up at both ends,
/// first of all one that is known not to come up.
#[must_use]
pub fn missing(plan: &Plan, statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<Lack> {
    if let Some(silent) = plan.nodes.keys().find(|name| !statuses.contains_key(*name)) {
        return Some(Lack::Silent(silent.clone()));
    }
    let down = links_down(plan, statuses);
    let troubled = down.iter().find(|lack| matches!(lack, Lack::LinkDown { trouble: Some(_), .. }));
    troubled.or(down.first()).cloned()
}

/// The ends of planned links that are not up, of the nodes that have answered.
fn links_down(plan: &Plan, statuses: &BTreeMap<NodeName, NodeStatus>) -> Vec<Lack> {
    let ends = plan.nodes.values().filter_map(|node| Some((node, statuses.get(&node.name)?)));
    let ends = ends.flat_map(|(node, status)| {
        let neighbours = node.dials.iter().chain(&node.accepts);
        neighbours.map(move |dial| (node, status, dial))
    });
    let down = ends.filter_map(|(node, status, dial)| {
        let neighbour = &dial.node;
        let link = link_to(status, neighbour);
        let is_meant = dial.cut && link.is_none_or(|link| link.cut);
        if is_meant || link.is_some_and(|link| link.up) {
            return None;
        }
        let trouble = link.and_then(|link| link.trouble.clone());
        Some(Lack::LinkDown { node: node.name.clone(), neighbour: neighbour.clone(), trouble })
    });
    down.collect()
}

/// The first thing that keeps the mesh of `plan` from being converged; none where it is: all nodes answer, all
/// planned links are up that nobody has cut, and there is no [disagreement](disagreement_of) between the nodes.
#[must_use]
pub fn unconverged(plan: &Plan, statuses: &BTreeMap<NodeName, NodeStatus>) -> Option<Lack> {
    let is_cut = |from: &NodeName, to: &NodeName| {
        let link = statuses.get(from).and_then(|status| link_to(status, to));
        link.is_some_and(|link| link.cut)
    };
    let mut plan = plan.clone();
    for node in plan.nodes.values_mut() {
        let name = node.name.clone();
        let stays = |to: &NodeName| !is_cut(&name, to) && !is_cut(to, &name);
        node.dials.retain(|dial| stays(&dial.node));
        node.accepts.retain(|dial| stays(&dial.node));
    }
    missing(&plan, statuses).or_else(|| disagreement_of(&plan, statuses))
}

fn link_to<'a>(status: &'a NodeStatus, neighbour: &NodeName) -> Option<&'a LinkStatus> {
    status.links.iter().find(|link| link.neighbour == *neighbour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hopline_mesh::brain::Impairment;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    fn plan() -> Plan {
        let text = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = ['top']\n";
        Plan::new(&crate::parse("m.toml", text).unwrap().topology)
    }

    fn status(name: &str, revision: &str, reachable: &[&str], up: &[&str]) -> NodeStatus {
        let link = |neighbour: &&str| LinkStatus {
            neighbour: node(neighbour),
            cost: 10,
            up: true,
            dials: false,
            cut: false,
            queued: 0,
            trouble: None,
            impairment: Impairment::default(),
        };
        NodeStatus {
            mesh: "m".to_owned(),
            node: node(name),
            incarnation: 1,
            uptime_ms: 0,
            revision: revision.to_owned(),
            attachments: "0".to_owned(),
            draining: false,
            pending: 0,
            waiting: 0,
            kept: 0,
            namesakes: Vec::new(),
            reachable: reachable.iter().map(|name| node(name)).collect(),
            links: up.iter().map(link).collect(),
            clients: Vec::new(),
            counters: BTreeMap::new(),
        }
    }

    fn all(statuses: Vec<NodeStatus>) -> BTreeMap<NodeName, NodeStatus> {
        let named = |status: NodeStatus| (status.node.clone(), status);
        statuses.into_iter().map(named).collect()
    }

    #[test]
    fn a_mesh_is_whole_once_each_planned_link_is_up_at_both_ends() {
        let both = ["east", "top"];
        let east = || status("east", "a", &both, &["top"]);
        assert_eq!(missing(&plan(), &all(vec![east()])), Some(Lack::Silent(node("top"))));
        let statuses = all(vec![east(), status("top", "a", &both, &[])]);
        let down = Lack::LinkDown { node: node("top"), neighbour: node("east"), trouble: None };
        assert_eq!(missing(&plan(), &statuses), Some(down));
        let statuses = all(vec![east(), status("top", "a", &both, &["east"])]);
        assert_eq!(missing(&plan(), &statuses), None);
    }

    #[test]
    fn a_link_that_is_known_not_to_come_up_is_what_lacks_most() {
        let mut west = status("west", "a", &["west"], &[]);
        west.links = status("west", "a", &[], &["top"]).links;
        for link in &mut west.links {
            (link.up, link.trouble) = (false, Some("host `x` not found".to_owned()));
        }
        let text = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.west]\nupstream = ['top']\n";
        let plan = Plan::new(&crate::parse("m.toml", text).unwrap().topology);
        let lack = missing(&plan, &all(vec![status("top", "a", &["top"], &[]), west])).unwrap();
        assert_eq!(lack.to_string(), "`west` has no link to `top` (host `x` not found)");
    }

    #[test]
    fn of_a_node_that_is_not_planned_no_answer_is_expected() {
        let all_three = ["east", "guest", "top"];
        let east = status("east", "a", &all_three, &["top"]);
        let top = |revision| status("top", revision, &all_three, &["east", "guest"]);
        let statuses = all(vec![east.clone(), top("a")]);
        assert_eq!(unconverged(&plan(), &statuses), None);
        let statuses = all(vec![east, top("b")]);
        let differ = Lack::Revision(node("east"), node("top"));
        assert_eq!(unconverged(&plan(), &statuses), Some(differ));
    }

    #[test]
    fn only_nodes_that_reach_each_other_have_to_agree() {
        let apart =
            all(vec![status("east", "a", &["east"], &[]), status("top", "b", &["top"], &[])]);
        assert_eq!(disagreement(&apart), None);
        let both = ["east", "top"];
        let differ = all(vec![status("east", "a", &both, &[]), status("top", "b", &both, &[])]);
        assert_eq!(disagreement(&differ), Some(Lack::Revision(node("east"), node("top"))));
        let mut late = all(vec![status("east", "a", &both, &[]), status("top", "a", &both, &[])]);
        assert_eq!(disagreement(&late), None);
        for status in late.values_mut() {
            status.pending = u64::from(status.node.as_str() == "top");
        }
        assert_eq!(disagreement(&late), Some(Lack::Unacknowledged(node("top"))));
    }
}
