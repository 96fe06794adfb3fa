//! Links that are declared twice, and routes that lead nowhere.

use hopline_mesh::name::LinkName;

use super::super::{Declaration, Declarations};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::spec::Spec;
use crate::topology::{Link, Topology, UPSTREAM};

/// The lints of single links and routes; `declared` tells where each link is declared.
pub(super) fn lints(
    spec: &Spec,
    topology: &Topology,
    declared: &Declarations<'_>,
) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    for (name, declared) in declared {
        if let ([first, second, ..], Some(link)) = (declared.as_slice(), topology.links.get(name)) {
            declared_twice(&mut found, name, link, declared, (first, second));
        }
    }
    for table in &spec.routes {
        let node = topology.nodes.get(table.node.value.as_str());
        if !node.is_some_and(|node| node.upstream.is_empty()) {
            continue;
        }
        let nexts = table.routes.iter().filter_map(|pair| pair.value.as_ref());
        for next in nexts.filter(|next| next.value == UPSTREAM) {
            let message = format!("the node `{}` has no upstream", table.node.value);
            let lint = Diagnostic::warning(codes::NO_UPSTREAM, message)
                .label(&next.span, "so this route leads nowhere")
                .help("name a node as the next hop, or give the node an `upstream`");
            found.push(lint);
        }
    }
    found.done()
}

fn declared_twice(
    found: &mut Findings,
    name: &LinkName,
    link: &Link,
    declared: &[Declaration<'_>],
    (first, second): (&Declaration<'_>, &Declaration<'_>),
) {
    let (a, b, dialer) = (name.lesser(), name.greater(), &link.dialer);
    let message = match first.is_upstream && second.is_upstream {
        true => format!("the nodes `{a}` and `{b}` are each other's upstream"),
        false => format!("the link between `{a}` and `{b}` is declared twice"),
    };
    let help = format!("they are joined by one link, which `{dialer}` dials; declare it once");
    found.push(
        Diagnostic::warning(codes::LINK_DECLARED_TWICE, message)
            .label(second.place, "declared again")
            .label(first.place, "first declared here")
            .help(help),
    );
    if let Some(other) = declared.iter().find(|other| other.cost != first.cost) {
        let message = format!("the link `{name}` is given different costs");
        let lint = Diagnostic::warning(codes::COSTS_DIFFER, message)
            .label(other.cost_place, format!("cost {} here", other.cost))
            .label(first.cost_place, format!("cost {} here", first.cost))
            .help(format!("the greatest counts: the link costs {}", link.cost));
        found.push(lint);
    }
}
