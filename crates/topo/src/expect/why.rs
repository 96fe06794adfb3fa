//! Why a claim does not hold, in a few words.

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::Refusal;

use super::{Actual, Broken, cost_of};
use crate::offline::Offline;
use crate::topology::Expect;

/// Why `broken` is so, where there is more to say than what it says itself.
#[must_use]
pub fn why(mesh: &Offline, expect: &Expect, actual: &Actual, broken: &Broken) -> Option<String> {
    match broken {
        Broken::Path { expected, .. } => Some(other_way(mesh, expect, actual, expected)),
        Broken::DoesNotArrive { reason, path, .. } => undelivered(mesh, reason, path),
        Broken::Survives { reason, .. } => undelivered(mesh, reason, &[]),
        Broken::Arrives { .. }
        | Broken::Reason { .. }
        | Broken::Misses(_)
        | Broken::Passes(_)
        | Broken::Hops { .. }
        | Broken::Cost { .. } => None,
    }
}

fn undelivered(mesh: &Offline, reason: &str, path: &[NodeName]) -> Option<String> {
    if reason == Refusal::HopLimit.reason() {
        return Some(format!("a path holds {} nodes at most", mesh.hop_limit()));
    }
    let names: Vec<&str> = path.iter().map(NodeName::as_str).collect();
    (path.len() > 1).then(|| format!("it comes as far as {}", names.join(" -> ")))
}

/// Why the message does not go the way that is expected.
fn other_way(mesh: &Offline, expect: &Expect, actual: &Actual, expected: &[NodeName]) -> String {
    let ends = |path: &[NodeName]| (path.first().cloned(), path.last().cloned());
    if ends(expected).0 != ends(&actual.path).0 {
        let ingress = actual.path.first().map_or("no node", NodeName::as_str);
        return format!("the message enters the mesh at {ingress}");
    }
    if ends(expected).1 != ends(&actual.path).1 {
        let egress = actual.path.last().map_or("no node", NodeName::as_str);
        return format!("{} is at {egress}", expect.to);
    }
    let cost = match cost_of(mesh.graph(), expected, &expect.down) {
        Ok(cost) => cost,
        Err((a, b)) => {
            let link = LinkName::new(a.clone(), b.clone());
            let is_planned = link.is_ok_and(|link| mesh.has_link(&link));
            let what = if is_planned { "the link is down:" } else { "there is no link" };
            return format!("{what} {a}--{b}");
        }
    };
    let (hops, wanted) = (actual.path.len().saturating_sub(1), expected.len().saturating_sub(1));
    if cost > actual.cost {
        format!("the expected way costs {cost}, the other {}", actual.cost)
    } else if cost < actual.cost || wanted < hops {
        format!(
            "the expected way costs {cost}, the other {}, so a static route leads elsewhere",
            actual.cost
        )
    } else if wanted > hops {
        format!("both cost {cost}; the expected way takes {wanted} hops, the other {hops}")
    } else {
        format!("both cost {cost} and take {hops} hops; the tie-break decides")
    }
}
