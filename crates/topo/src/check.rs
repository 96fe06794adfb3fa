//! From what is written to a topology without mistakes, or to all the mistakes.
//!
//! Each file below `check` holds the rules of one part of the format, as methods of [`Checker`].

mod access;
mod addresses;
mod amounts;
mod expects;
mod limits;
mod links;
mod lints;
mod liveness;
mod names;
mod nodes;
mod routes;
mod services;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::NodeName;

use crate::codes;
use crate::diagnostic::{self, Diagnostic, Severity, Source};
use crate::expand::expand;
use crate::files::Files;
use crate::findings::Findings;
use crate::spec::{NodeSpec, Spec};
use crate::syntax::Broken;
use crate::topology::{DEFAULT_COST, Topology};
pub use amounts::rate;
pub(crate) use links::{Declaration, Declarations};
use lints::Allow;
pub use lints::Allowed;
pub(crate) use values::{cleaned, quoted};

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
    let (spec, misread) = Spec::read(&tree);
    let mut problems = files.problems.clone();
    problems.extend(twice);
    problems.extend(misread);

    let mut expanded = expand(&spec, &files.broken);
    required(&spec, &files.broken, &mut expanded.problems);
    problems.extend(expanded.problems.done());
    let spec = &expanded.spec;

    let mut checker = Checker::new(&files.source, spec, &files.broken, &expanded.doubtful);
    let topology = checker.topology();
    let declared = std::mem::take(&mut checker.declarations);
    problems.extend(checker.problems.done());

    let mut allow = Allow::read(spec, &mut problems);
    if let Some(topology) = &topology {
        problems.extend(lints::of_links(spec, topology, &declared));
        problems.extend(lints::of_access(spec, topology));
    }
    let is_error = |d: &Diagnostic| d.severity == Severity::Error;
    match topology {
        Some(topology) if !problems.iter().any(is_error) => {
            let shape = lints::of_graph(spec, &topology, &declared);
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

/// Tells what every file must have and this one has not.
fn required(spec: &Spec, broken: &Broken, problems: &mut Findings) {
    let missing = |key: &str, place: &str, example: &str| {
        Diagnostic::error(codes::MISSING_KEY, format!("{place} has no `{key}`"))
            .label(spec.mesh.at.as_ref().unwrap_or(&(0..0)), format!("`{key}` is missing"))
            .help(format!("add `{example}`"))
    };
    // Where nothing could be read, nothing is known to be missing.
    if *spec == Spec::default() && !broken.is_empty() {
        return;
    }
    if spec.mesh.at.is_none() && !broken.mentions("mesh") {
        problems.push(missing("[mesh]", "the file", "[mesh]` with a `name = \"...\""));
    } else if spec.mesh.at.is_some() && !spec.mesh.named && !broken.mentions("name") {
        problems.push(missing("name", "`[mesh]`", "name = \"...\""));
    }
    let none = spec.nodes.is_empty() && spec.trees.is_empty();
    if none && !broken.mentions("nodes") && !broken.mentions("trees") && spec.misread.is_empty() {
        let place = spec.nodes_at.as_ref().or(spec.mesh.at.as_ref());
        let problem = Diagnostic::error(codes::NO_NODES, "the mesh has no nodes")
            .label(place.unwrap_or(&(0..0)), "no node is declared")
            .help("declare one: `[nodes.NAME]`");
        problems.push(problem);
    }
}

/// What the checks share.
struct Checker<'a> {
    source: &'a Source,
    spec: &'a Spec,
    broken: &'a Broken,
    /// What the names of nodes begin with that could not be made.
    doubtful: &'a [String],
    /// Every node that the file declares.
    declared: BTreeMap<&'a str, Declared<'a>>,
    /// The names of the clients that the file lists.
    clients: BTreeSet<&'a str>,
    /// The names of the services that the file lists.
    services: BTreeSet<&'a str>,
    /// The cost of a link that says none.
    default_cost: u32,
    /// Where each link is declared.
    declarations: Declarations<'a>,
    /// For so many unknown names the nearest known one is yet looked for.
    suggestions: usize,
    problems: Findings,
}

/// A node that the file declares.
struct Declared<'a> {
    spec: &'a NodeSpec,
    /// None where it breaks the rules for names.
    name: Option<NodeName>,
}

impl<'a> Checker<'a> {
    fn new(source: &'a Source, spec: &'a Spec, broken: &'a Broken, doubtful: &'a [String]) -> Self {
        let mut checker = Self {
            source,
            spec,
            broken,
            doubtful,
            declared: BTreeMap::new(),
            clients: spec.clients.iter().map(|pair| pair.key.value.as_str()).collect(),
            services: spec.services.iter().map(|service| service.name.value.as_str()).collect(),
            default_cost: DEFAULT_COST,
            declarations: BTreeMap::new(),
            suggestions: 100,
            problems: Findings::default(),
        };
        for node in &spec.nodes {
            if let Some(first) = checker.declared.get(node.name.value.as_str()) {
                let first = &first.spec.name.span;
                checker.declared_again(node, first);
                continue;
            }
            let name = checker.node_name("node", &node.name);
            checker.declared.insert(&node.name.value, Declared { spec: node, name });
        }
        checker
    }

    fn declared_again(&mut self, node: &NodeSpec, first: &diagnostic::Span) {
        let message = format!("the node `{}` is declared twice", node.name.value);
        let problem = Diagnostic::error(codes::DUPLICATE_NAME, message)
            .label(&node.name.span, "a node of this name is made here")
            .label(first, "and here")
            .help("give one of them another name, or make the two one");
        self.problems.push(problem);
    }

    /// The topology as far as it can be made out; without its mistaken parts.
    fn topology(&mut self) -> Option<Topology> {
        let mesh = &self.spec.mesh;
        let name = mesh.name.as_ref().and_then(|name| self.node_name("mesh", name));
        let hop_limit = self.hop_limit(mesh.hop_limit.as_ref());
        let key_file = self.filled("key_file", mesh.key_file.as_ref());
        let duplicate = self.duplicate(mesh.duplicate.as_ref());
        let dialects = self.dialects(mesh.dialects.as_ref());
        let liveness = self.liveness(&mesh.liveness);
        self.default_cost = self.cost(self.spec.defaults.cost.as_ref());
        let nodes = self.nodes();
        let links = self.links(&nodes);
        let mut topology = Topology {
            // A mesh without a good name is an error already; the rest is checked under another.
            name: name.or_else(|| NodeName::parse("mesh").ok())?,
            hop_limit,
            key_file,
            open: mesh.open.as_ref().is_some_and(|open| open.value),
            duplicate,
            dialects: dialects.unwrap_or_else(|| hopline_mesh::dialect::Dialect::ALL.to_vec()),
            liveness,
            nodes,
            clients: self.planned_clients(),
            routes: self.routes(),
            links,
            services: self.offered_services(),
            client_groups: self.client_groups(),
            access: self.access(),
            expects: Vec::new(),
        };
        self.addresses(&topology);
        topology.expects = self.expects(&topology);
        Some(topology)
    }
}
