//! Planned clients that rules keep out, and rules that never say anything.

use hopline_mesh::name::NodeName;
use hopline_mesh::route::access::{AccessRules, By, Clearance};

use crate::check::quoted;
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::findings::Findings;
use crate::spec::{AccessSpec, Spec};
use crate::topology::Topology;

/// So many names of a list's rules are looked for in those before them; then it is left at that.
const COMPARED: usize = 1_000_000;

/// The lints of access rules.
pub(super) fn lints(spec: &Spec, topology: &Topology) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    let AccessRules { attach, send } = &topology.access;
    if attach.len() != spec.attach.len() || send.len() != spec.send.len() {
        // A rule with a mistake is missing: what would be told of the others may not be so.
        return Vec::new();
    }
    for pair in &spec.clients {
        let name = pair.key.value.as_str();
        if let Some(node) = topology.clients.get(name)
            && let Some(lint) = denied(spec, topology, ("client", name), node, &pair.key.span)
        {
            found.push(lint);
        }
    }
    for service in &spec.services {
        let name = service.name.value.as_str();
        let at = topology.services.get(name).map(|service| &service.at);
        let mut denied = at
            .into_iter()
            .flatten()
            .filter_map(|node| denied(spec, topology, ("service", name), node, &service.name.span));
        if let Some(lint) = denied.next() {
            found.push(lint);
        }
    }
    shadowed(&mut found, &spec.attach, |earlier, later| {
        let (Some(earlier), Some(later)) = (attach.get(earlier), attach.get(later)) else {
            return false;
        };
        let at = match (&earlier.at, &later.at) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(earlier), Some(later)) => earlier.is_superset(later),
        };
        at && earlier.who.covers(&later.who)
    });
    shadowed(&mut found, &spec.send, |earlier, later| {
        let (Some(earlier), Some(later)) = (send.get(earlier), send.get(later)) else {
            return false;
        };
        earlier.who.covers(&later.who) && earlier.to.covers(&later.to)
    });
    found.done()
}

/// That a client, or whoever offers a service, may not attach where it is planned.
fn denied(
    spec: &Spec,
    topology: &Topology,
    (what, name): (&str, &str),
    node: &NodeName,
    place: &Span,
) -> Option<Diagnostic> {
    let is_closed = topology.nodes.get(node)?.is_closed();
    let Clearance { allowed, by, .. } = topology.access.at(node, is_closed).attach(name);
    if allowed {
        return None;
    }
    let message = format!("the {what} {} may not attach at the node `{node}`", quoted(name));
    let lint = Diagnostic::warning(codes::CLIENT_DENIED, message);
    let rule = match by {
        Some(By::Attach(number, _)) => spec.attach.get(number - 1),
        Some(By::Send(..)) | None => None,
    };
    Some(match rule {
        Some(rule) => lint
            .label(place, "it will not be attached there")
            .label(&rule.place, "this rule keeps it out")
            .help("allow it by a rule before that one, or plan it at another node"),
        None => lint
            .label(place, "no rule lets it in, and the node listens beyond its machine")
            .help("allow it by an `[[access.attach]]`, or let the node listen at 127.0.0.1"),
    })
}

/// Tells of the rules that only match what one rule before them matches; `covers` says whether one does.
fn shadowed(found: &mut Findings, rules: &[AccessSpec], covers: impl Fn(usize, usize) -> bool) {
    let mut left = COMPARED;
    for (later, rule) in rules.iter().enumerate() {
        let lists = [&rule.allow, &rule.deny, &rule.at, &rule.to];
        let names: usize = lists.into_iter().flatten().map(|list| list.value.len()).sum();
        for (earlier, first) in rules.iter().take(later).enumerate() {
            left = match left.checked_sub(names) {
                Some(left) => left,
                None => return,
            };
            if covers(earlier, later) {
                let message = "an access rule that never counts";
                let lint = Diagnostic::warning(codes::SHADOWED_RULE, message)
                    .label(&rule.place, "all that it is for")
                    .label(&first.place, "is for this rule, which comes first")
                    .help("take it out, or write it before the other");
                found.push(lint);
                break;
            }
        }
    }
}
