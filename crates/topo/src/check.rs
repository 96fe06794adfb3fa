//! From what is written to a topology without mistakes, or to all the mistakes.

mod addresses;
mod lints;
mod nodes;
mod routes;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::NodeName;

use crate::codes;
use crate::diagnostic::{self, Diagnostic, Severity, Span};
use crate::files::Files;
use crate::spec::{At, Spec};
use crate::suggest;
use crate::syntax::Broken;
use crate::topology::Topology;

use lints::Allow;
pub use lints::Allowed;

/// What comes of files without mistakes.
pub(crate) struct Checked {
    /// The topology.
    pub(crate) topology: Topology,
    /// What is odd, and what is worth knowing, in the files' order.
    pub(crate) found: Vec<Diagnostic>,
    /// What the files allow.
    pub(crate) allowed: Vec<Allowed>,
    /// How many links the longest best way takes, where that could be found out.
    pub(crate) diameter: Option<usize>,
}

/// Reads `files` as a topology; else gives all errors, with the lints that are sure, in their order.
pub(crate) fn check(files: &Files) -> Result<Checked, Vec<Diagnostic>> {
    let (tree, twice) = files.tree();
    let (spec, misread) = Spec::read(&tree, &files.broken);

    let mut checker = Checker::new(&spec, &files.broken);
    checker.problems.extend(files.problems.iter().cloned());
    checker.problems.extend(twice);
    checker.problems.extend(misread);
    let topology = checker.topology();
    let mut problems = checker.problems;

    let mut allow = Allow::read(&spec, &mut problems);
    if let Some(topology) = &topology {
        problems.extend(lints::of_links(&spec, topology));
    }
    let is_error = |d: &Diagnostic| d.severity == Severity::Error;
    match topology {
        Some(topology) if !problems.iter().any(is_error) => {
            let shape = lints::of_graph(&spec, &topology);
            let mut found = problems;
            found.extend(shape.found);
            allow.apply(&mut found);
            let allowed = allow.finish(&mut found, shape.diameter);
            diagnostic::sort(&mut found);
            Ok(Checked { topology, found, allowed, diameter: shape.diameter })
        }
        _ => {
            allow.apply(&mut problems);
            diagnostic::sort(&mut problems);
            Err(problems)
        }
    }
}

/// What the checks share.
struct Checker<'a> {
    spec: &'a Spec,
    broken: &'a Broken,
    /// Every node that the file declares; without a name where it breaks the rules for names.
    declared: BTreeMap<&'a str, Option<NodeName>>,
    problems: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn new(spec: &'a Spec, broken: &'a Broken) -> Self {
        let mut checker = Self { spec, broken, declared: BTreeMap::new(), problems: Vec::new() };
        for node in &spec.nodes {
            let name = checker.node_name("node", &node.name);
            checker.declared.insert(&node.name.value, name);
        }
        checker
    }

    /// The topology as far as it can be made out; without its mistaken parts.
    fn topology(&mut self) -> Option<Topology> {
        let mesh = &self.spec.mesh;
        let name = mesh.name.as_ref().and_then(|name| self.node_name("mesh", name));
        let hop_limit = self.hop_limit(mesh.hop_limit.as_ref());
        let key_file = self.filled("key_file", mesh.key_file.as_ref());
        let duplicate = self.duplicate(mesh.duplicate.as_ref());
        let dialects = self.dialects(mesh.dialects.as_ref());
        let nodes = self.nodes();
        let links = Topology::upstream_links(&nodes);
        let topology = Topology {
            // A mesh without a good name is an error already; the rest is checked under another.
            name: name.or_else(|| NodeName::parse("mesh").ok())?,
            hop_limit,
            key_file,
            open: mesh.open.as_ref().is_some_and(|open| open.value),
            duplicate,
            dialects: dialects.unwrap_or_else(|| hopline_mesh::dialect::Dialect::ALL.to_vec()),
            nodes,
            clients: self.clients(),
            routes: self.routes(),
            links,
            services: BTreeMap::new(),
            client_groups: BTreeMap::new(),
            expects: Vec::new(),
        };
        self.addresses(&topology);
        Some(topology)
    }

    /// The declared node that `at` names. None, and told, where there is none.
    fn known_node(&mut self, at: &At<String>) -> Option<NodeName> {
        if let Some(name) = self.declared.get(at.value.as_str()) {
            return name.clone();
        }
        if !self.broken.mentions(&at.value) {
            let help = suggest::did_you_mean(&at.value, self.declared.keys().copied());
            let declare = || match NodeName::parse(&at.value) {
                Ok(name) => format!("declare it with `[nodes.{name}]`"),
                Err(_) => "name one of the file's nodes".to_owned(),
            };
            let message = format!("unknown node {}", quoted(&at.value));
            let problem = Diagnostic::error(codes::UNKNOWN_NODE, message)
                .label(&at.span, "no node of the file has this name")
                .help(help.unwrap_or_else(declare));
            self.problems.push(problem);
        }
        None
    }

    /// The place where the node `name` is declared.
    fn place_of(&self, name: &str) -> Option<&'a Span> {
        let node = self.spec.nodes.iter().find(|n| n.name.value == name)?;
        Some(&node.name.span)
    }

    /// The clients and their nodes.
    fn clients(&mut self) -> BTreeMap<String, NodeName> {
        let mut clients = BTreeMap::new();
        for pair in &self.spec.clients {
            let good = self.client_name(&pair.key);
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

    /// The names of the clients that the file lists.
    fn client_names(&self) -> BTreeSet<&'a str> {
        let clients = self.spec.clients.iter();
        clients.map(|pair| pair.key.value.as_str()).collect()
    }
}

/// A text from a file in a message: in backquotes, and shortened where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.is_empty() {
        return "an empty text".to_owned();
    }
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('\u{2026}');
    }
    format!("`{}`", shown.escape_debug())
}
