//! Services, and groups of clients.

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::route::Policy;

use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{At, ServiceSpec};
use crate::suggest;
use crate::topology::Service;

impl<'a> Checker<'a> {
    /// The services and the nodes where they are offered.
    pub(super) fn offered_services(&mut self) -> BTreeMap<String, Service> {
        let mut services = BTreeMap::new();
        for spec in &self.spec.services {
            let good = self.client_name("service", &spec.name);
            self.service_is_nobody(spec);
            let policy = self.policy(spec.policy.as_ref());
            let Some(at) = &spec.at else {
                continue;
            };
            if at.value.is_empty() {
                let message = format!("the service `{}` is offered nowhere", spec.name.value);
                let problem = Diagnostic::error(codes::EMPTY_SERVICE, message)
                    .label(&at.span, "no node is named")
                    .help("name the nodes where it is offered, or take the service out");
                self.problems.push(problem);
            }
            let at: BTreeSet<_> = self.known_nodes("at", &at.value).into_iter().collect();
            if good && !at.is_empty() {
                services.insert(spec.name.value.clone(), Service { at, policy });
            }
        }
        services
    }

    /// A service has a name that is neither a node's nor a client's.
    fn service_is_nobody(&mut self, spec: &ServiceSpec) {
        let name = spec.name.value.as_str();
        let client = || self.spec.clients.iter().find(|pair| pair.key.value == name);
        let (what, place): (&str, &Span) = match self.place_of(name) {
            Some(place) => ("node", place),
            None if self.clients.contains(name) => match client() {
                Some(pair) => ("client", &pair.key.span),
                None => return,
            },
            None => return,
        };
        let message = format!("`{name}` is a {what} already");
        let problem = Diagnostic::error(codes::DUPLICATE_NAME, message)
            .label(&spec.name.span, "the service would never get a message")
            .label(place, format!("the {what}, which its name leads to"))
            .help("give the service another name");
        self.problems.push(problem);
    }

    fn policy(&mut self, at: Option<&At<String>>) -> Policy {
        let all = [Policy::Closest, Policy::Balanced];
        let Some(at) = at else {
            return Policy::default();
        };
        match all.into_iter().find(|policy| policy.as_str() == at.value) {
            Some(policy) => policy,
            None => {
                self.none_of("policy", at, &all.map(Policy::as_str));
                Policy::default()
            }
        }
    }

    /// The groups of clients and their members.
    pub(super) fn client_groups(&mut self) -> BTreeMap<String, BTreeSet<String>> {
        let mut groups = BTreeMap::new();
        for spec in &self.spec.client_groups {
            let good = self.client_name("group", &spec.key);
            let Some(members) = &spec.value else {
                continue;
            };
            if members.value.is_empty() {
                let message = format!("the group `{}` has no members", spec.key.value);
                let problem = Diagnostic::error(codes::BAD_VALUE, message)
                    .label(&members.span, "nobody is listed")
                    .help("list clients of `[clients]`, or take the group out");
                self.problems.push(problem);
            }
            self.once(&spec.key.value, &members.value);
            let known = members.value.iter().filter(|member| self.known_client(member));
            let known: BTreeSet<String> = known.map(|member| member.value.clone()).collect();
            if good {
                groups.insert(spec.key.value.clone(), known);
            }
        }
        groups
    }

    /// Whether `at` is a client that the file lists; told where it is none.
    fn known_client(&mut self, at: &'a At<String>) -> bool {
        let name = at.value.as_str();
        if self.clients.contains(name) || self.may_be(name) {
            return self.clients.contains(name);
        }
        let help = match self.suggestions.checked_sub(1) {
            Some(left) => {
                self.suggestions = left;
                suggest::did_you_mean(name, self.clients.iter().copied())
            }
            None => None,
        };
        let message = format!("unknown client {}", quoted(name));
        let problem = Diagnostic::error(codes::UNKNOWN_CLIENT, message)
            .label(&at.span, "`[clients]` does not list it")
            .help(help.unwrap_or_else(|| "list it in `[clients]` with its node".to_owned()));
        self.problems.push(problem);
        false
    }
}
