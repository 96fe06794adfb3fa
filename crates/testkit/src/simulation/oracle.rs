//! What is left of the mesh, and whether the nodes' tables are those of the pure computation on it.

use std::collections::HashMap;

use hopline_mesh::brain::{Event, LinkConfig, Output};
use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Graph, StaticRoutes, Table, TableInput};

use super::Simulation;
use super::node::SimNode;

impl Simulation {
    /// The nodes that run and are not frozen, and the links that can be up: one end dials, neither has cut it,
    /// and nothing vanishes between the two. Each link costs what the greater of its ends says.
    #[must_use]
    pub fn left(&self) -> Graph {
        let alive = self.nodes.iter().filter(|(_, node)| is_alive(node));
        let links = alive.clone().flat_map(|(name, node)| {
            let neighbours = node.config.settings.links.keys();
            neighbours.filter_map(move |neighbour| self.link_left(name, neighbour))
        });
        Graph::new(alive.map(|(name, _)| name.clone()), links)
    }

    fn link_left(&self, name: &NodeName, neighbour: &NodeName) -> Option<(LinkName, u32)> {
        let link = LinkName::new(name.clone(), neighbour.clone()).ok()?;
        let ends = [(name, neighbour), (neighbour, name)];
        let dials = ends.iter().any(|(from, to)| {
            self.nodes[*from].config.settings.links.get(*to).is_some_and(|link| link.dials)
        });
        let mut cost = 0;
        for (from, to) in ends {
            let node = self.nodes.get(from).filter(|node| is_alive(node))?;
            let brain = node.brain.as_ref()?;
            if brain.is_cut(to) || self.swallows(from, to) {
                return None;
            }
            let declared = node.config.settings.links.get(to);
            cost = cost.max(declared.map_or(LinkConfig::DEFAULT_COST, |link| link.cost));
        }
        dials.then_some((link, cost))
    }

    /// Whether every node has the table that the pure computation makes of [`Simulation::left`]: the same
    /// nodes, each with the same next hop, cost and hops; and whether all that reach each other have the same
    /// revision. To be asked once the mesh is quiet.
    ///
    /// # Panics
    /// Where it is not so; the message says at which node, and what differs.
    pub fn assert_tables_equal_pure(&self) {
        let left = self.left();
        let tables =
            self.nodes.iter().filter_map(|(name, node)| Some((name, node.brain.as_ref()?.table())));
        let revisions: HashMap<_, _> =
            tables.map(|(name, table)| (name, table.revision())).collect();
        for (name, node) in self.nodes.iter().filter(|(_, node)| is_alive(node)) {
            let Some(table) = node.brain.as_ref().map(|brain| brain.table()) else {
                continue;
            };
            let pure = Table::build(&TableInput {
                me: name,
                graph: &left,
                upstreams: &[],
                statics: &StaticRoutes::new(),
                hop_limit: node.config.settings.hop_limit,
            });
            if !pure.iter().eq(table.iter()) {
                let differing = |(a, b): &(_, _)| a != b;
                let first = pure.iter().zip(table.iter()).find(differing);
                panic!(
                    "at {:?} {name} does not have the table of what is left: {} nodes are reached, {} can be; \
                     the first that differs (pure, its own): {first:?}; {left:?}",
                    self.now,
                    table.iter().count(),
                    pure.iter().count(),
                );
            }
            for (other, _) in pure.iter() {
                assert_eq!(
                    revisions.get(other),
                    Some(&table.revision()),
                    "at {:?} {name} and {other} reach each other and have two revisions",
                    self.now
                );
            }
        }
    }

    /// From now on looks at every new table: whoever follows the tables of nodes of the same revision comes to
    /// no node twice. A loop ends the test.
    pub fn watch_for_loops(&mut self) {
        self.watch = Watch::Steps;
    }

    /// Looks at a node's new table, if there is one among what came of its input.
    pub(super) fn look_at_table(&mut self, name: &NodeName, outputs: &[Output]) {
        let is_new = |output: &Output| matches!(output, Output::Event(Event::Routes { .. }));
        if self.watch == Watch::Off || !outputs.iter().any(is_new) {
            return;
        }
        if self.watch == Watch::Steps && !self.all_steps_lead_nearer(name) {
            self.watch = Watch::Ways;
        }
        if self.watch == Watch::Ways {
            self.walk_in_no_circle(name);
        }
    }

    /// Whether each step that a node's table takes to a node of the same revision, and each that such a node takes to it,
    /// leads to where the rest of the way costs less. Where that has been so at every table, there is no circle.
    fn all_steps_lead_nearer(&self, name: &NodeName) -> bool {
        let Some((node, table)) = self.nodes.get(name).zip(self.table(name)) else {
            return true;
        };
        let declared = &node.config.settings.links;
        let others = self.nodes.iter().filter(|(other, node)| {
            declared.contains_key(*other) || node.config.settings.links.contains_key(name)
        });
        let tables = others.filter_map(|(other, node)| Some((other, node.brain.as_ref()?.table())));
        let mut same = tables.filter(|(_, other)| other.revision() == table.revision());
        same.all(|(other, theirs)| {
            leads_nearer(table, other, theirs) && leads_nearer(theirs, name, table)
        })
    }

    /// Follows the tables of this node's revision from it to all that it reaches.
    ///
    /// # Panics
    /// Where one of these ways comes back to it.
    fn walk_in_no_circle(&self, name: &NodeName) {
        let Some(table) = self.table(name) else {
            return;
        };
        for (destination, _) in table.iter() {
            // A loop that was not there before leads through this node.
            let mut passed = vec![name];
            while let Some(next) = self.next_of(passed.last().copied(), destination, table) {
                passed.push(next);
                assert!(
                    next != name,
                    "at {:?} nodes of revision {} send what is for {destination} in a circle: {passed:?}",
                    self.now,
                    table.revision(),
                );
                if passed.len() > self.nodes.len() {
                    // A circle that this node only leads to was told when it came to be.
                    break;
                }
            }
        }
    }

    /// The next hop for `destination` at a node that has the revision of `table`.
    fn next_of<'a>(
        &'a self,
        at: Option<&NodeName>,
        destination: &NodeName,
        table: &Table,
    ) -> Option<&'a NodeName> {
        let at = self.table(at?).filter(|at| at.revision() == table.revision())?;
        at.next_hop(destination).map(|hop| &hop.neighbour)
    }

    fn table(&self, name: &NodeName) -> Option<&Table> {
        let brain = self.nodes.get(name)?.brain.as_ref()?;
        Some(brain.table())
    }
}

/// How a simulation looks for circles in tables of one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    Off,
    /// At single steps, which is quick, and enough as long as each leads nearer.
    Steps,
    /// At whole ways, from the first step on that did not.
    Ways,
}

/// Whether what `table` sends to `next` has less to go from there, as `theirs`, the table of `next`, says.
fn leads_nearer(table: &Table, next: &NodeName, theirs: &Table) -> bool {
    let mut theirs = theirs.iter().peekable();
    let mut sent = table.iter().filter(|(to, hop)| hop.neighbour == *next && *to != next);
    sent.all(|(to, hop)| {
        while theirs.next_if(|(other, _)| *other < to).is_some() {}
        theirs.peek().is_some_and(|(other, rest)| *other == to && rest.cost < hop.cost)
    })
}

fn is_alive(node: &SimNode) -> bool {
    node.brain.is_some() && !node.frozen
}

#[cfg(test)]
mod tests {
    use super::super::node_name;
    use super::*;

    /// The table of a node in a ring of four, as long as it takes one of the links for a long one.
    fn table(me: &str, long: &str) -> Table {
        let cost = |link| if link == long { 100 } else { 10 };
        let links = ["a--b", "b--c", "c--d", "a--d"]
            .map(|link| (LinkName::parse(link).unwrap(), cost(link)));
        Table::build(&TableInput {
            me: &node_name(me),
            graph: &Graph::new([], links),
            upstreams: &[],
            statics: &StaticRoutes::new(),
            hop_limit: 64,
        })
    }

    #[test]
    fn tables_of_one_graph_lead_nearer_and_tables_that_lead_in_a_circle_do_not() {
        let (a, b) = (node_name("a"), node_name("b"));
        let leads_nearer = |at_a: &Table, at_b: &Table| {
            leads_nearer(at_a, &b, at_b) && leads_nearer(at_b, &a, at_a)
        };
        for long in ["a--b", "a--d"] {
            assert!(leads_nearer(&table("a", long), &table("b", long)));
        }
        // What is for `d`, and for `c`, each sends to the other.
        assert!(!leads_nearer(&table("a", "a--d"), &table("b", "b--c")));
    }
}
