//! Static routes: good destinations, known next hops.

use std::collections::BTreeMap;

use hopline_mesh::name::{HEX_PREFIX, NodeName};

use super::values::no_name;
use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::At;
use crate::topology::UPSTREAM;

impl<'a> Checker<'a> {
    /// The routes of each node that has any.
    pub(super) fn routes(&mut self) -> BTreeMap<NodeName, BTreeMap<String, String>> {
        let mut tables: BTreeMap<NodeName, BTreeMap<String, String>> = BTreeMap::new();
        let mut written: BTreeMap<(&str, &str), &Span> = BTreeMap::new();
        for table in &self.spec.routes {
            let node = self.known_node(&table.node);
            for pair in &table.routes {
                let good = self.destination(&pair.key);
                let Some(next) = &pair.value else {
                    continue;
                };
                // A node may have a table of its own and be one of a range.
                let route = (table.node.value.as_str(), pair.key.value.as_str());
                if let Some(first) = written.insert(route, &pair.key.span) {
                    self.routed_twice(route, &pair.key.span, first);
                    continue;
                }
                if self.next_hop(&table.node.value, next)
                    && good
                    && let Some(node) = &node
                {
                    let routes = tables.entry(node.clone()).or_default();
                    routes.insert(pair.key.value.clone(), next.value.clone());
                }
            }
        }
        tables
    }

    fn routed_twice(&mut self, (node, to): (&str, &str), again: &Span, first: &Span) {
        let message = format!("the node `{node}` has two routes for {}", quoted(to));
        let problem = Diagnostic::error(codes::DUPLICATE_KEY, message)
            .label(again, "written again")
            .label(first, "first written here")
            .help("take one of the two out");
        self.problems.push(problem);
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
        if next == UPSTREAM || self.declared.contains_key(next) {
            return true;
        }
        if self.clients.contains(next) {
            return self.is_client_here(node, at);
        }
        if !self.may_be(next) {
            let help = self.nearest_name(next, &[UPSTREAM]);
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

    /// Whether a planned client, to which a route of `node` leads, is there.
    fn is_client_here(&mut self, node: &str, at: &At<String>) -> bool {
        let client = at.value.as_str();
        let planned = self.spec.clients.iter().find(|pair| pair.key.value == client);
        let elsewhere = planned.and_then(|pair| pair.value.as_ref()).filter(|it| it.value != node);
        let Some(elsewhere) = elsewhere else {
            return true;
        };
        let there = &elsewhere.value;
        let message = format!("the client `{client}` is not at `{node}`");
        let problem = Diagnostic::error(codes::UNKNOWN_NEXT_HOP, message)
            .label(&at.span, "a client that is a next hop is at the node itself")
            .label(&elsewhere.span, "it is there")
            .help(format!("write `{there}`, and give that node a route to `{client}`"));
        self.problems.push(problem);
        false
    }
}
