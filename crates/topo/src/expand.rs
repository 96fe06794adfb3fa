//! From what is written in short to what it stands for: templates, trees and ranges are made, and every
//! node has what it inherits.
//!
//! ```text
//! counters   what `count` goes through
//! expr       sums within braces
//! text       texts with braces
//! groups     who inherits what from whom
//! nodes      nodes, templates, trees
//! links      links, and ranges wherever nodes are named
//! ```
//!
//! All is counted before it is made. What is made stands where it was written: a mistake in a template is
//! told at the template's own text.

mod counters;
mod expr;
mod groups;
mod links;
mod nodes;
mod text;

use std::collections::HashSet;

use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::findings::Findings;
use crate::spec::{At, Spec};
use crate::syntax::Broken;
use text::{Misfit, Scope};

/// The most nodes of a mesh.
pub const MAX_NODES: u64 = 100_000;

/// The most links of a mesh, and of places where services and routes are.
pub const MAX_LINKS: u64 = 1_000_000;

/// The longest text that nodes inherit or that is a template, in bytes.
const MAX_TEXT: usize = 1_024;

/// What a file comes to.
pub(crate) struct Expanded {
    /// The file without anything in short.
    pub(crate) spec: Spec,
    /// What is wrong with the short forms.
    pub(crate) problems: Findings,
    /// What the names begin with that could not be made.
    pub(crate) doubtful: Vec<String>,
}

/// Makes what stands in short in `spec`; `broken` is what of the file is not in it.
pub(crate) fn expand(spec: &Spec, broken: &Broken) -> Expanded {
    let mut expander = Expander {
        broken,
        misread: !spec.misread.is_empty(),
        problems: Findings::default(),
        doubtful: Vec::new(),
        node_room: MAX_NODES,
        link_room: MAX_LINKS,
        made: Vec::new(),
        used: HashSet::new(),
    };
    let groups = expander.groups(spec);
    expander.nodes(spec, &groups);
    expander.trees(spec, &groups);
    expander.unused(spec);
    let links = expander.links(spec);
    let services = expander.services(spec);
    let routes = expander.routes(spec);
    let attach = expander.attach_rules(spec);
    let flat = Spec {
        mesh: spec.mesh.clone(),
        defaults: spec.defaults.clone(),
        misread: spec.misread.clone(),
        nodes_at: spec.nodes_at.clone(),
        nodes: expander.made,
        links,
        services,
        clients: spec.clients.clone(),
        client_groups: spec.client_groups.clone(),
        routes,
        attach,
        send: spec.send.clone(),
        expects: spec.expects.clone(),
        allow: spec.allow.clone(),
        ..Spec::default()
    };
    Expanded { spec: flat, problems: expander.problems, doubtful: expander.doubtful }
}

struct Expander<'a> {
    broken: &'a Broken,
    /// Whether a table of the file is none, and so may have declared any group.
    misread: bool,
    problems: Findings,
    doubtful: Vec<String>,
    /// How many nodes may yet be made.
    node_room: u64,
    /// How many links may yet be made.
    link_room: u64,
    made: Vec<crate::spec::NodeSpec>,
    /// The groups that something inherits from.
    used: HashSet<String>,
}

impl Expander<'_> {
    /// The text that `at` makes. None, and told, where it makes none.
    fn one(&mut self, at: &At<String>, scope: &Scope<'_>) -> Option<At<String>> {
        if self.is_too_long(at) {
            return None;
        }
        match text::one(&at.value, scope) {
            Ok(value) => Some(At { value, span: at.span.clone() }),
            Err(misfit) => {
                self.misfit(at, &misfit);
                None
            }
        }
    }

    /// Whether a text is too long to be made many times, which is told.
    fn is_too_long(&mut self, at: &At<String>) -> bool {
        let is_long = at.value.len() > MAX_TEXT;
        if is_long {
            let message = format!("a text of {} bytes, where braces may stand", at.value.len());
            let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
                .label(&at.span, format!("more than {MAX_TEXT} bytes"))
                .help("write a shorter one");
            self.problems.push(problem);
        }
        is_long
    }

    /// All names that `at` makes. None, and told, where it makes none or too many.
    fn all(&mut self, at: &At<String>, scope: &Scope<'_>) -> Vec<At<String>> {
        if self.is_too_long(at) {
            return Vec::new();
        }
        match text::all(&at.value, scope, &mut self.link_room) {
            Ok(Some(names)) => {
                let names = names.into_iter();
                names.map(|value| At { value, span: at.span.clone() }).collect()
            }
            Ok(None) => {
                self.too_many_links(&at.span);
                Vec::new()
            }
            Err(misfit) => {
                self.misfit(at, &misfit);
                Vec::new()
            }
        }
    }

    fn misfit(&mut self, at: &At<String>, misfit: &Misfit) {
        let part = at.value.get(misfit.part.clone()).unwrap_or_default();
        let shown = match part.len() {
            2.. => part,
            _ => &at.value,
        };
        let message = format!("{} stands for nothing", crate::check::quoted(shown));
        let problem = Diagnostic::error(codes::BAD_TEMPLATE, message)
            .label(&at.part(misfit.part.clone()), misfit.trouble.what.clone())
            .help(misfit.trouble.help.clone());
        self.problems.push(problem);
    }

    /// Whether there is room for `count` nodes, which are told at `place` where there is none. Those that
    /// are not made have names that begin as `names` does.
    fn take_nodes(&mut self, count: u64, place: &Span, names: &str) -> bool {
        if count <= self.node_room {
            self.node_room -= count;
            return true;
        }
        let limit = match MAX_NODES - self.node_room {
            0 => format!("a mesh has at most {MAX_NODES} nodes"),
            before => {
                format!("a mesh has at most {MAX_NODES} nodes, and there are {before} already")
            }
        };
        let message = format!("this makes {} nodes", number(count));
        let problem = Diagnostic::error(codes::TOO_MANY_NODES, message)
            .label(place, limit)
            .help("count to a smaller number");
        self.problems.push(problem);
        self.doubt(names);
        false
    }

    fn too_many_links(&mut self, place: &Span) {
        if !self.problems.has(codes::TOO_MANY_LINKS) {
            let message = format!("the file comes to more than {MAX_LINKS} links");
            let problem = Diagnostic::error(codes::TOO_MANY_LINKS, message)
                .label(place, "more than that from here on")
                .help("take shorter ranges, or fewer nodes");
            self.problems.push(problem);
        }
    }

    /// Notes that nodes whose names begin as `names` does could not be made.
    fn doubt(&mut self, names: &str) {
        let sure = names.split('{').next().unwrap_or_default();
        self.doubtful.push(sure.to_owned());
    }
}

/// A count in a message; one that no number here can hold is "far too many".
fn number(count: u64) -> String {
    match count {
        u64::MAX => "far too many".to_owned(),
        count => count.to_string(),
    }
}
