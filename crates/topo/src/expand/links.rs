//! `[[links]]`, and ranges wherever nodes are named.

use std::collections::HashSet;

use super::Expander;
use super::text::Scope;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::{AccessSpec, At, LinkSpec, RoutesSpec, ServiceSpec, Spec};

impl Expander<'_> {
    /// The links between two nodes each.
    pub(super) fn links(&mut self, spec: &Spec) -> Vec<LinkSpec> {
        let mut links = Vec::new();
        for link in &spec.links {
            let [first, second] = link.ends.value.as_slice() else {
                let count = link.ends.value.len();
                let message = format!("a link has two ends, not {count}");
                let problem = Diagnostic::error(codes::BAD_VALUE, message)
                    .label(&link.ends.span, "not two")
                    .help("write a `[[links]]` for each pair, or a range: `[\"hub\", \"site-{1..3}\"]`");
                self.problems.push(problem);
                continue;
            };
            let is_range = [first, second].iter().any(|end| end.value.contains('{'));
            let (firsts, seconds) = (self.names(first), self.names(second));
            let count = (firsts.len() as u64).saturating_mul(seconds.len() as u64);
            if count > self.link_room {
                self.link_room = 0;
                self.too_many_links(&link.ends.span);
                continue;
            }
            self.link_room -= count;
            // Every one with every one: not with itself, and each pair once.
            let mut pairs = HashSet::new();
            for (a, b) in firsts.iter().flat_map(|a| seconds.iter().map(move |b| (a, b))) {
                let pair =
                    if a.value < b.value { (&a.value, &b.value) } else { (&b.value, &a.value) };
                if is_range && (a.value == b.value || !pairs.insert(pair)) {
                    continue;
                }
                links.push(LinkSpec {
                    ends: At { value: vec![a.clone(), b.clone()], span: link.ends.span.clone() },
                    cost: link.cost.clone(),
                    impairment: link.impairment.clone(),
                });
            }
        }
        links
    }

    /// The services with every node by name.
    pub(super) fn services(&mut self, spec: &Spec) -> Vec<ServiceSpec> {
        let mut services = spec.services.clone();
        for service in &mut services {
            if let Some(at) = &mut service.at {
                at.value = at.value.iter().flat_map(|node| self.names(node)).collect();
            }
        }
        services
    }

    /// The routes of each node by name.
    pub(super) fn routes(&mut self, spec: &Spec) -> Vec<RoutesSpec> {
        let mut tables = Vec::new();
        for table in &spec.routes {
            for node in self.names(&table.node) {
                let count = table.routes.len() as u64;
                if count > self.link_room {
                    self.link_room = 0;
                    self.too_many_links(&table.node.span);
                    break;
                }
                self.link_room -= count;
                tables.push(RoutesSpec { node, routes: table.routes.clone() });
            }
        }
        tables
    }

    /// The rules of who may attach with every node by name.
    pub(super) fn attach_rules(&mut self, spec: &Spec) -> Vec<AccessSpec> {
        let mut rules = spec.attach.clone();
        for at in rules.iter_mut().filter_map(|rule| rule.at.as_mut()) {
            at.value = at.value.iter().flat_map(|node| self.names(node)).collect();
        }
        rules
    }

    fn names(&mut self, at: &At<String>) -> Vec<At<String>> {
        self.all(at, &Scope::default())
    }
}
