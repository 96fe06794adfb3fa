//! What `decide` looks things up in: the routing table, rebuilt whole when link state changes, and
//! the directory of attachments.

use super::database::Database;
use std::collections::BTreeMap;

use super::{Brain, Config, Event, ServiceConfig};
use crate::name::{ClientName, NodeName};
use crate::route::{
    Directory, Graph, NextHop, Pattern, PatternError, StaticRoutes, Table, TableInput,
};

/// The table, the directory, and whether they are behind the database.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) table: Table,
    pub(super) directory: Directory,
    pub(super) statics: StaticRoutes,
    links_changed: bool,
    names_changed: Vec<NodeName>,
    all_names_changed: bool,
}

impl Tables {
    pub(super) fn new(config: &Config) -> Self {
        let graph = Graph::new([config.node.clone()], []);
        let statics = config.statics.clone();
        let services = config.services.iter().map(|(name, service)| (name.clone(), service.policy));
        let table = Table::build(&TableInput {
            me: &config.node,
            graph: &graph,
            upstreams: &[],
            statics: &statics,
            hop_limit: config.hop_limit,
        });
        Self {
            table,
            directory: Directory::with_services(services),
            statics,
            links_changed: true,
            names_changed: Vec::new(),
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
            self.names_changed.push(node.clone());
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
        self.all_names_changed = true;
    }

    fn refresh_names(&mut self, database: &Database) {
        if std::mem::take(&mut self.all_names_changed) {
            self.names_changed = database.nodes().cloned().collect();
            let gone = self.directory.iter().map(|(node, _)| node.clone());
            self.names_changed.extend(gone.collect::<std::collections::BTreeSet<_>>());
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
    /// Brings the table and the directory up to what the database says.
    pub(super) fn refresh(&mut self) {
        if self.own.leaving {
            // What still comes goes on by the routes that were there before.
            return;
        }
        self.tables.refresh_names(&self.database);
        if !std::mem::take(&mut self.tables.links_changed) {
            return;
        }
        let graph = Graph::new(self.database.nodes().cloned(), self.database.links());
        let upstreams: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.is_upstream() && link.is_announced())
            .map(|(neighbour, link)| (neighbour.clone(), link.cost()))
            .collect();
        let before = self.tables.table.revision();
        self.tables.table = Table::build(&TableInput {
            me: &self.config.node,
            graph: &graph,
            upstreams: &upstreams,
            statics: &self.tables.statics,
            hop_limit: self.config.hop_limit,
        });
        let revision = self.tables.table.revision();
        if revision != before {
            self.event(Event::Routes { revision });
        }
    }
}
