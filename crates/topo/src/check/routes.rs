//! Static routes: good destinations, known next hops.

use std::collections::BTreeMap;

use hopline_mesh::name::{HEX_PREFIX, NodeName};

use super::values::no_name;
use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::At;
use crate::suggest;
use crate::topology::UPSTREAM;

impl Checker<'_> {
    /// The routes of each node that has any.
    pub(super) fn routes(&mut self) -> BTreeMap<NodeName, BTreeMap<String, String>> {
        let mut tables = BTreeMap::new();
        for table in &self.spec.routes {
            let node = self.known_node(&table.node);
            let mut routes = BTreeMap::new();
            for pair in &table.routes {
                let good = self.destination(&pair.key);
                let Some(next) = &pair.value else {
                    continue;
                };
                if self.next_hop(&table.node.value, next) && good {
                    routes.insert(pair.key.value.clone(), next.value.clone());
                }
            }
            if let (Some(node), false) = (node, routes.is_empty()) {
                tables.insert(node, routes);
            }
        }
        tables
    }

    /// Whether this is a name or a prefix such as `region.*`.
    fn destination(&mut self, at: &At<String>) -> bool {
        let name = at.value.strip_suffix(".*").unwrap_or(&at.value);
        let is_hex = name.strip_prefix(HEX_PREFIX).is_some_and(|digits| {
            digits.len() % 2 == 0 && digits.bytes().all(|b| b.is_ascii_hexdigit())
        });
        let Some(why) = no_name(name).filter(|_| !is_hex) else {
            return true;
        };
        let message = format!("{} is no destination of a route", quoted(&at.value));
        let problem = Diagnostic::error(codes::BAD_ROUTE, message).label(&at.span, why).help(
            match name.trim_end_matches(['*', '.']) {
                prefix if name.ends_with('*') && no_name(prefix).is_none() => {
                    format!("did you mean `{prefix}.*`, all names under `{prefix}`?")
                }
                _ => "write a name, or all names under one as `region.*`".to_owned(),
            },
        );
        self.problems.push(problem);
        false
    }

    /// Whether `node` could hand a message on to this.
    fn next_hop(&mut self, node: &str, at: &At<String>) -> bool {
        let next = at.value.as_str();
        if next == node {
            let message = format!("a route of the node `{node}` leads to itself");
            let problem = Diagnostic::error(codes::SELF_ROUTE, message)
                .label(&at.span, "the same node")
                .help("name another node, a client, or `upstream`");
            self.problems.push(problem);
            return false;
        }
        let clients = self.client_names();
        if next == UPSTREAM || self.declared.contains_key(next) || clients.contains(next) {
            return true;
        }
        if !self.broken.mentions(next) {
            let known = self.declared.keys().copied().chain(clients);
            let help = suggest::did_you_mean(next, known.chain([UPSTREAM]));
            let message = format!("unknown next hop {}", quoted(next));
            let problem = Diagnostic::error(codes::UNKNOWN_NEXT_HOP, message)
                .label(&at.span, "neither a node nor a client of the file")
                .help(help.unwrap_or_else(|| {
                    "a next hop is a node, a client listed in `[clients]`, or `upstream`".to_owned()
                }));
            self.problems.push(problem);
        }
        false
    }
}
