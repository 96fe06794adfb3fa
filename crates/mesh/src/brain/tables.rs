//! What `decide` looks things up in: the routing table, rebuilt whole when link state changes, and
//! the directory of attachments.
//!
//! A table that was just made is not made anew at once, so that a storm of link state costs a few tables and not one for
//! each flood: the next is made no earlier than [`NODE`] for each node later. Until then the table is *behind*. What it
//! says is good enough to forward by; what it refuses is asked again after it has been brought up.
//!
//! Where nothing has changed by then, the table's alternates are worked out. When a link of this node ends, what went over
//! it goes to them at once, and the next table waits as long again: the others, who have been told, have theirs by then
//! (RFC 8333, local convergence delay).

mod earlier;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use earlier::Earlier;

use super::database::Database;
use super::{Brain, Config, Event, Now, ServiceConfig};
use crate::name::{ClientName, NodeName};
use crate::route::{
    Directory, Graph, NextHop, Pattern, PatternError, StaticRoutes, Table, TableInput,
};

/// A table is not made anew for this long, for each node in it: about five times what making it takes.
const NODE: Duration = Duration::from_micros(10);

/// The table, the directory, and whether they are behind the database.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) table: Table,
    pub(super) earlier: Earlier,
    pub(super) directory: Directory,
    pub(super) statics: StaticRoutes,
    links_changed: bool,
    /// What the table was made of, until its alternates are worked out.
    graph: Option<Graph>,
    /// Before this the table is not made anew, unless it would refuse something.
    rests_until: Duration,
    names_changed: BTreeSet<NodeName>,
    all_names_changed: bool,
}

impl Tables {
    pub(super) fn new(config: &Config) -> Self {
        let graph = Graph::new([config.node.clone()], []);
        let statics = config.settings.statics.clone();
        let services =
            config.settings.services.iter().map(|(name, service)| (name.clone(), service.policy));
        let table = Table::build(&TableInput {
            me: &config.node,
            graph: &graph,
            upstreams: &[],
            statics: &statics,
            hop_limit: config.settings.hop_limit,
        });
        Self {
            table,
            earlier: Earlier::default(),
            directory: Directory::with_services(services),
            statics,
            links_changed: true,
            graph: None,
            rests_until: Duration::ZERO,
            names_changed: BTreeSet::new(),
            all_names_changed: true,
        }
    }

    /// Notes that links, or which of them are up, have changed.
    pub(super) fn links_changed(&mut self) {
        self.links_changed = true;
    }

    /// Notes that the attachments at a node have changed.
    pub(super) fn names_changed(&mut self, node: &NodeName) {
        if !self.names_changed.contains(node) {
            self.names_changed.insert(node.clone());
        }
    }

    /// Notes that attachments may have changed at any node.
    pub(super) fn all_names_changed(&mut self) {
        self.all_names_changed = true;
    }

    /// Sets a static route, or takes it away; gives back what was set before.
    pub(super) fn set_route(
        &mut self,
        destination: &str,
        next_hop: Option<&str>,
    ) -> Result<Option<NextHop>, PatternError> {
        let pattern: Pattern = destination.parse()?;
        self.links_changed = true;
        Ok(match next_hop {
            Some(hop) => self.statics.set(pattern, NextHop::from(hop)),
            None => self.statics.unset(&pattern),
        })
    }

    /// Replaces all static routes.
    pub(super) fn set_statics(&mut self, statics: StaticRoutes) {
        self.links_changed |= self.statics != statics;
        self.statics = statics;
    }

    /// Replaces what is known of services; who is attached where is taken from the database again.
    pub(super) fn set_services(&mut self, services: &BTreeMap<ClientName, ServiceConfig>) {
        let policies = services.iter().map(|(name, service)| (name.clone(), service.policy));
        self.directory = Directory::with_services(policies);
        self.all_names_changed();
    }

    fn refresh_names(&mut self, database: &Database) {
        if std::mem::take(&mut self.all_names_changed) {
            self.names_changed = database.nodes().cloned().collect();
            let gone = self.directory.iter().map(|(node, _)| node.clone());
            self.names_changed.extend(gone);
        }
        for node in std::mem::take(&mut self.names_changed) {
            // Only what differs: a name costs a digest to add or to take away.
            let is_left = |name: &&ClientName| !database.has_name(&node, name);
            let left = self.directory.names_at(&node).filter(is_left);
            for name in left.cloned().collect::<Vec<_>>() {
                self.directory.remove(&name, &node);
            }
            for name in database.names(&node) {
                if self.directory.named_at(name.as_str(), &node).is_none() {
                    self.directory.add(name.clone(), node.clone());
                }
            }
        }
    }
}

impl Brain {
    /// Brings the directory up to what the database says, and the table too where that is due.
    pub(super) fn refresh(&mut self) {
        if self.own.leaving {
            // What still comes goes on by the routes that were there before.
            return;
        }
        self.tables.refresh_names(&self.database);
        if self.table_due().is_some_and(|due| due <= self.awake) {
            if self.is_behind() {
                self.make_table();
            } else if let Some(graph) = self.tables.graph.take() {
                self.tables.table.work_out_alternates(&graph);
            }
        }
    }

    /// A link of this node has ended. What went over it goes to alternates where there are any, and the next table is not
    /// waited for.
    pub(super) fn turn_to_alternates(&mut self) {
        let is_finishing = self.links.values().any(|link| link.retiring.is_some());
        if self.own.leaving || self.drain.is_on() || is_finishing {
            // A link that finishes is up and takes nothing new, nor does any of a node that leaves.
            self.tables.table.forget_alternates();
            self.bring_table_up();
        } else if self.tables.table.has_alternates() {
            let rests_until = self.awake + self.table_rest();
            self.tables.rests_until = self.tables.rests_until.max(rests_until);
        }
    }

    fn table_rest(&self) -> Duration {
        NODE * u32::try_from(self.tables.table.known_nodes()).unwrap_or(u32::MAX)
    }

    /// Whether the database says more of links than the table knows.
    pub(super) fn is_behind(&self) -> bool {
        self.tables.links_changed && !self.own.leaving
    }

    /// When the table is made anew, or its alternates are worked out.
    pub(super) fn table_due(&self) -> Option<Duration> {
        let is_due = self.is_behind() || (self.tables.graph.is_some() && !self.own.leaving);
        is_due.then_some(self.tables.rests_until)
    }

    /// Brings the table up before somebody is told that a name or a node is not there.
    pub(super) fn bring_table_up(&mut self) {
        if self.is_behind() {
            self.make_table();
        }
    }

    /// The nodes and links that routes are made of, as the database has them.
    pub(super) fn reported(&self) -> Graph {
        let declared = &self.config.settings.known;
        Graph::of_reports(self.database.reports(declared), &self.tables.table)
    }

    fn make_table(&mut self) {
        self.tables.links_changed = false;
        let graph = self.reported();
        let upstreams: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.is_upstream() && link.is_announced())
            .map(|(neighbour, link)| (neighbour.clone(), link.cost()))
            .collect();
        let table = Table::build(&TableInput {
            me: &self.config.node,
            graph: &graph,
            upstreams: &upstreams,
            statics: &self.tables.statics,
            hop_limit: self.config.settings.hop_limit,
        });
        let (revision, before) = (table.revision(), self.tables.table.revision());
        let last = std::mem::replace(&mut self.tables.table, table);
        let table = &self.tables.table;
        self.tables.earlier.keep(self.awake, last, table);
        self.database.reach(self.awake, |node| table.reaches(node));
        self.tables.graph = Some(graph);
        self.tables.rests_until = self.awake + self.table_rest();
        if revision != before {
            self.event(Event::Routes { revision });
        }
    }

    /// When a node is forgotten next that is not reached any more.
    pub(super) fn forgotten_due(&self) -> Option<Duration> {
        self.database.lost().map(|since| since + self.config.settings.liveness.forget)
    }

    /// Forgets the nodes that have not been reached for long, with all that they said.
    pub(super) fn forget_lost(&mut self, now: Now) {
        let then = now.since_start.checked_sub(self.config.settings.liveness.forget);
        if then.is_some_and(|then| self.database.forget(then)) {
            self.tables.links_changed();
            self.tables.all_names_changed();
        }
    }
}
