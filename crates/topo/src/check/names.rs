//! Names of what the file declares: nodes, clients, links.

use std::collections::BTreeMap;

use hopline_mesh::name::NodeName;

use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::At;
use crate::suggest;

impl<'a> Checker<'a> {
    /// The declared node that `at` names. None, and told, where there is none.
    pub(super) fn known_node(&mut self, at: &At<String>) -> Option<NodeName> {
        if let Some(declared) = self.declared.get(at.value.as_str()) {
            return declared.name.clone();
        }
        if !self.may_be(&at.value) {
            let declare = || match NodeName::parse(&at.value) {
                Ok(name) => format!("declare it with `[nodes.{name}]`"),
                Err(_) => "name one of the file's nodes".to_owned(),
            };
            let help = self.nearest_node(&at.value).unwrap_or_else(declare);
            let message = format!("unknown node {}", quoted(&at.value));
            let problem = Diagnostic::error(codes::UNKNOWN_NODE, message)
                .label(&at.span, "no node of the file has this name")
                .help(help);
            self.problems.push(problem);
        }
        None
    }

    /// The nodes of a list, each named once. Tells of those that are unknown or named twice.
    pub(super) fn known_nodes(&mut self, key: &str, list: &'a [At<String>]) -> Vec<NodeName> {
        self.once(key, list);
        list.iter().filter_map(|at| self.known_node(at)).collect()
    }

    /// Tells of what is listed twice.
    pub(super) fn once(&mut self, key: &str, list: &'a [At<String>]) {
        let mut seen: BTreeMap<&str, &Span> = BTreeMap::new();
        for at in list {
            let Some(first) = seen.get(at.value.as_str()) else {
                seen.insert(&at.value, &at.span);
                continue;
            };
            let message = format!("`{key}` lists {} twice", quoted(&at.value));
            let problem = Diagnostic::error(codes::BAD_VALUE, message)
                .label(&at.span, "listed again")
                .label(first, "first listed here")
                .help("take one of the two out");
            self.problems.push(problem);
        }
    }

    /// Whether a node, client or service `name` may be declared where the file could not be understood.
    pub(super) fn may_be(&self, name: &str) -> bool {
        let doubtful = self.doubtful.iter().any(|start| name.starts_with(start.as_str()));
        doubtful || !self.spec.misread.is_empty() || self.broken.mentions(name)
    }

    /// "did you mean ...?" where a node has a name that is near enough.
    pub(super) fn nearest_node(&mut self, name: &str) -> Option<String> {
        self.suggestions = self.suggestions.checked_sub(1)?;
        suggest::did_you_mean(name, self.declared.keys().copied())
    }

    /// "did you mean ...?" where anything has a name that is near enough to which a message can be sent.
    pub(super) fn nearest_name(&mut self, name: &str, more: &[&'a str]) -> Option<String> {
        self.suggestions = self.suggestions.checked_sub(1)?;
        let nodes = self.declared.keys().chain(&self.clients).copied();
        suggest::did_you_mean(name, nodes.chain(more.iter().copied()))
    }

    /// The place where the node `name` is declared.
    pub(super) fn place_of(&self, name: &str) -> Option<&'a Span> {
        self.declared.get(name).map(|declared| &declared.spec.name.span)
    }

    /// The clients and their nodes.
    pub(super) fn planned_clients(&mut self) -> BTreeMap<String, NodeName> {
        let mut clients = BTreeMap::new();
        for pair in &self.spec.clients {
            let good = self.client_name("client", &pair.key);
            if let Some(node) = self.place_of(&pair.key.value) {
                let name = &pair.key.value;
                let problem =
                    Diagnostic::error(codes::DUPLICATE_NAME, format!("`{name}` is a node already"))
                        .label(&pair.key.span, "the client would never get a message")
                        .label(node, "the node, which its name leads to")
                        .help("give the client another name");
                self.problems.push(problem);
            }
            let node = pair.value.as_ref().and_then(|at| self.known_node(at));
            if let (true, Some(node)) = (good, node) {
                clients.insert(pair.key.value.clone(), node);
            }
        }
        clients
    }
}
