//! Which nodes wait for the port of another when a plan is applied.

use std::collections::{BTreeMap, BTreeSet};

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;

use crate::plan::Plan;
use crate::topology::Bind;

/// The nodes of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changing<'a> {
    /// Those that are started.
    pub(super) new: &'a [NodeName],
    /// Those that leave.
    pub(super) gone: &'a [NodeName],
    /// Those that leave and are started again.
    pub(super) restart: &'a [NodeName],
}

/// The nodes that cannot start before others have left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Handover {
    /// New nodes that take the port of one that leaves.
    pub(super) waiting: BTreeSet<NodeName>,
    /// Nodes that are started again, and that take or give a port among each other or give it to a new one: all of
    /// them leave before any of them starts.
    pub(super) together: BTreeSet<NodeName>,
    /// Nodes that leave for good, and whose port another takes.
    pub(super) givers: BTreeSet<NodeName>,
}

impl Handover {
    /// Who waits for whom where the nodes of `plan` are to listen, while others are `listening` there.
    pub(super) fn new(
        plan: &Plan,
        listening: &BTreeMap<NodeName, Endpoint>,
        nodes: Changing<'_>,
    ) -> Self {
        let Changing { new, gone, restart } = nodes;
        let mut found = Self::default();
        for taker in new.iter().chain(restart) {
            let bind = plan.nodes.get(taker).map(|node| &node.bind);
            let Some(Bind::At(wanted)) = bind else { continue };
            let holds = |giver: &&NodeName| {
                *giver != taker && listening.get(*giver).is_some_and(|held| held.collides(wanted))
            };
            for giver in gone.iter().chain(restart).filter(holds) {
                let comes_back = restart.contains(giver);
                if comes_back {
                    found.together.insert(giver.clone());
                } else {
                    found.givers.insert(giver.clone());
                }
                match new.contains(taker) {
                    true => found.waiting.insert(taker.clone()),
                    // Whoever is removed has left before anybody is started again.
                    false => comes_back && found.together.insert(taker.clone()),
                };
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who waits, who leaves together, and who leaves a port to another, where nodes listened at these ports of this
    /// machine and are to at those.
    fn handover(old: &[(&str, u16)], new: &[(&str, Option<u16>)]) -> [Vec<String>; 3] {
        let mut text = "[mesh]\nname = 'm'\n".to_owned();
        for (node, port) in new {
            let bind = port.map_or("auto".to_owned(), |port| format!("tcp://127.0.0.1:{port}"));
            text.push_str(&format!("[nodes.{node}]\nbind = '{bind}'\n"));
        }
        let plan = Plan::new(&crate::parse("m.toml", &text).unwrap().topology);
        let node = |name: &str| NodeName::parse(name).unwrap();
        let endpoint = |port: u16| format!("tcp://127.0.0.1:{port}").parse().unwrap();
        let listening: BTreeMap<NodeName, Endpoint> =
            old.iter().map(|(name, port)| (node(name), endpoint(*port))).collect();
        let is_new = |name: &&NodeName| !listening.contains_key(*name);
        let moves = |name: &&NodeName| {
            let bind = Bind::At(listening[*name].clone());
            plan.nodes[*name].bind != bind
        };
        let started: Vec<_> = plan.nodes.keys().filter(is_new).cloned().collect();
        let stay = plan.nodes.keys().filter(|name| !is_new(name));
        let restart: Vec<_> = stay.filter(moves).cloned().collect();
        let is_gone = |name: &&NodeName| !plan.nodes.contains_key(*name);
        let gone: Vec<_> = listening.keys().filter(is_gone).cloned().collect();
        let changing = Changing { new: &started, gone: &gone, restart: &restart };
        let Handover { waiting, together, givers } = Handover::new(&plan, &listening, changing);
        [waiting, together, givers].map(|nodes| nodes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_new_node_waits_for_the_port_of_one_that_leaves() {
        let names = |nodes: &[&str]| nodes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let none = || names(&[]);
        let free = handover(&[("a", 1), ("b", 2)], &[("a", Some(1)), ("c", Some(3))]);
        assert_eq!(free, [none(), none(), none()]);
        let renamed = handover(&[("a", 1), ("b", 2)], &[("a", Some(1)), ("c", Some(2))]);
        assert_eq!(renamed, [names(&["c"]), none(), names(&["b"])]);
        let moved = handover(&[("a", 1)], &[("a", Some(3)), ("c", Some(1))]);
        assert_eq!(moved, [names(&["c"]), names(&["a"]), none()]);
        let any = handover(&[("a", 1)], &[("a", None), ("c", Some(1))]);
        assert_eq!(any, moved);
    }

    #[test]
    fn nodes_that_swap_ports_leave_together_and_one_that_takes_the_port_of_a_removed_one_does_not()
    {
        let swapped = handover(
            &[("a", 1), ("b", 2), ("d", 4)],
            &[("a", Some(2)), ("b", Some(1)), ("d", Some(5))],
        );
        assert_eq!(swapped, [vec![], vec!["a".to_owned(), "b".to_owned()], vec![]]);
        let inherited = handover(&[("a", 1), ("b", 2)], &[("a", Some(2))]);
        assert_eq!(inherited, [vec![], vec![], vec!["b".to_owned()]]);
    }
}
