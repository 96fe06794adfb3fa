//! Links: one for each pair of nodes, however often it is declared.

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};

use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{At, Scalar, ScalarSpec};
use crate::topology::{Impairment, Link, Node};

/// A place where a link is declared.
#[derive(Debug)]
pub(crate) struct Declaration<'a> {
    /// Where the node that is dialled is named.
    pub(crate) place: &'a Span,
    /// Where the cost is written, or else the node.
    pub(crate) cost_place: &'a Span,
    /// What the link costs there.
    pub(crate) cost: u32,
    /// Whether it is an `upstream` of the dialler.
    pub(crate) is_upstream: bool,
    dialer: NodeName,
    impairment: Impairment,
    cut: bool,
}

/// The links of a file, each with all places where it is declared.
pub(crate) type Declarations<'a> = BTreeMap<LinkName, Vec<Declaration<'a>>>;

/// A link as it is written.
pub(super) struct Written<'a> {
    pub(super) dialer: &'a At<String>,
    pub(super) dialled: &'a At<String>,
    pub(super) cost: Option<&'a At<i64>>,
    pub(super) impairment: &'a [ScalarSpec],
    pub(super) is_upstream: bool,
}

impl<'a> Checker<'a> {
    /// Notes a link between two nodes; gives what it costs and the node that is dialled.
    pub(super) fn declare(&mut self, written: &Written<'a>) -> Option<(NodeName, u32)> {
        let at = written.dialled;
        let cost = self.cost(written.cost);
        let impairment = self.impairment(written.impairment);
        if at.value == written.dialer.value {
            let message = match written.is_upstream {
                true => format!("the node `{}` is its own upstream", at.value),
                false => format!("a link joins the node `{}` to itself", at.value),
            };
            let problem = Diagnostic::error(codes::SELF_LINK, message)
                .label(&at.span, "the same node")
                .label(&written.dialer.span, "declared here")
                .help("a link joins two different nodes: name another, or take this out");
            self.problems.push(problem);
            return None;
        }
        let dialled = self.known_node(at);
        // The node whose upstream this is has been looked at already.
        let dialer = match written.is_upstream {
            true => self.declared.get(written.dialer.value.as_str())?.name.clone(),
            false => self.known_node(written.dialer),
        };
        let (dialer, dialled) = (dialer?, dialled?);
        let link = LinkName::new(dialer.clone(), dialled.clone()).ok()?;
        let declaration = Declaration {
            place: &at.span,
            cost_place: written.cost.map_or(&at.span, |cost| &cost.span),
            cost,
            is_upstream: written.is_upstream,
            dialer,
            impairment,
            cut: is_cut(written.impairment),
        };
        self.declarations.entry(link).or_default().push(declaration);
        Some((dialled, cost))
    }

    /// The upstreams of a node; tells of one that is listed twice.
    pub(super) fn upstreams(&mut self, spec: &'a crate::spec::NodeSpec) -> BTreeMap<NodeName, u32> {
        let mut upstreams = BTreeMap::new();
        let mut listed: BTreeMap<&str, &Span> = BTreeMap::new();
        for upstream in spec.keys.upstream.iter().flatten() {
            let at = &upstream.node;
            if let Some(first) = listed.get(at.value.as_str()) {
                let (node, name) = (quoted(&at.value), &spec.name.value);
                let message = format!("{node} is listed twice as an upstream of `{name}`");
                let problem = Diagnostic::error(codes::DUPLICATE_UPSTREAM, message)
                    .label(&at.span, "listed again")
                    .label(first, "first listed here")
                    .help("there is one link between two nodes: take one of the two out");
                self.problems.push(problem);
                continue;
            }
            listed.insert(&at.value, &at.span);
            upstreams.extend(self.declare(&Written {
                dialer: &spec.name,
                dialled: at,
                cost: upstream.cost.as_ref(),
                impairment: &upstream.impairment,
                is_upstream: true,
            }));
        }
        upstreams
    }

    /// All links: those of `nodes` to their upstreams, and those of `[[links]]`.
    pub(super) fn links(&mut self, nodes: &BTreeMap<NodeName, Node>) -> BTreeMap<LinkName, Link> {
        for link in &self.spec.links {
            let [dialer, dialled] = link.ends.value.as_slice() else {
                continue;
            };
            let (cost, impairment) = (link.cost.as_ref(), link.impairment.as_slice());
            self.declare(&Written { dialer, dialled, cost, impairment, is_upstream: false });
        }
        let mut links = BTreeMap::new();
        for (name, declared) in &mut self.declarations {
            declared.sort_by_key(|declaration| declaration.place.start);
            // Of two that dial each other the lesser does; a declared upstream goes before `[[links]]`.
            let dialers = declared.iter().min_by_key(|d| (!d.is_upstream, &d.dialer));
            let Some(dialer) = dialers.map(|declaration| declaration.dialer.clone()) else {
                continue;
            };
            let ends = [name.lesser(), name.greater()];
            let is_lower = |end: &&&NodeName| {
                let other = name.other(end);
                let upstream = nodes.get(**end).map(|node| &node.upstream);
                other.is_some_and(|other| upstream.is_some_and(|up| up.contains_key(other)))
            };
            let link = Link {
                cost: declared.iter().map(|d| d.cost).max().unwrap_or(self.default_cost),
                dialer,
                lower: ends.iter().filter(is_lower).map(|end| (*end).clone()).collect(),
                impairment: declared
                    .iter()
                    .fold(Impairment::default(), |all, d| all.or(d.impairment)),
                cut: declared.iter().any(|d| d.cut),
            };
            links.insert(name.clone(), link);
        }
        links
    }
}

/// Whether a link is written to start down.
fn is_cut(written: &[ScalarSpec]) -> bool {
    written.iter().any(|spec| spec.key.value == "cut" && spec.value.value == Scalar::Whole(1))
}
