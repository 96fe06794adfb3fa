//! What a file expects of its routes, held against the routes that there are.

mod claim;
mod why;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Down, Graph};
use serde::Serialize;

pub use claim::Broken;
pub use why::why;

use crate::offline::Offline;
use crate::survive::{Message, Parts, TooMany, breaking};
use crate::topology::{Expect, Step};

/// What became of a message that an expect is about: foretold, or traced through a mesh that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actual {
    /// The nodes that handled it; as far as it came where it did not arrive.
    pub path: Vec<NodeName>,
    /// The sum of the costs of the links between them.
    pub cost: u64,
    /// Why it did not arrive; none where it did.
    pub reason: Option<String>,
    /// The node that said so; none where nobody was there to.
    pub node: Option<NodeName>,
}

/// What an expect came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the message.
    pub actual: Actual,
    /// The claims that do not hold; none where all do.
    pub broken: Vec<Broken>,
}

impl Outcome {
    /// Whether all that is claimed is so.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }
}

/// Holds `expect` against the mesh that is planned.
///
/// All planned clients count as attached. Where a file says `survives`, all cases of further failures
/// are tried, the smallest first.
///
/// # Errors
/// [`TooMany`] where more would have to be tried than can be.
///
/// # Examples
/// ```
/// use hopline_topo::{Expect, Offline, Plan, expect::hold, parse};
///
/// let loaded = parse("m.toml", "
/// [mesh]
/// name = 'm'
/// [nodes]
/// top = {}
/// east = { upstream = 'top' }
/// west = { upstream = 'top' }
/// ")?;
/// let mesh = Offline::new(&Plan::new(&loaded.topology));
/// let expect = Expect { max_cost: Some(15), ..Expect::arrival("east", "west") };
/// let outcome = hold(&mesh, &expect)?;
/// assert_eq!(outcome.broken[0].to_string(), "costs 20, 15 at most");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hold(mesh: &Offline, expect: &Expect) -> Result<Outcome, TooMany> {
    let actual = foretold(mesh, expect, &expect.down);
    let mut broken = judge(expect, &actual);
    if expect.survives > 0 && !expect.unreachable && actual.reason.is_none() {
        broken.extend(fatal(mesh, expect)?);
    }
    Ok(Outcome { actual, broken })
}

/// The claims of `expect` that `actual` breaks. What it says of further failures is not looked at.
#[must_use]
pub fn judge(expect: &Expect, actual: &Actual) -> Vec<Broken> {
    if let Some(reason) = &actual.reason {
        return match (&expect.reason, expect.unreachable) {
            (_, false) => vec![Broken::DoesNotArrive {
                reason: reason.clone(),
                node: actual.node.clone(),
                path: actual.path.clone(),
            }],
            (Some(wanted), true) if wanted != reason => {
                vec![Broken::Reason { actual: reason.clone(), expected: wanted.clone() }]
            }
            (_, true) => Vec::new(),
        };
    }
    if expect.unreachable {
        return vec![Broken::Arrives { path: actual.path.clone() }];
    }
    let mut broken = Vec::new();
    if let Some(path) = expect.path.as_ref().filter(|path| **path != actual.path) {
        broken.push(Broken::Path { actual: actual.path.clone(), expected: path.clone() });
    }
    let missed = expect.via.iter().filter(|step| !passes(&actual.path, step));
    broken.extend(missed.cloned().map(Broken::Misses));
    let passed = expect.avoids.iter().filter(|step| passes(&actual.path, step));
    broken.extend(passed.cloned().map(Broken::Passes));
    let hops = actual.path.len().saturating_sub(1);
    let most = expect.max_hops.filter(|most| hops > *most);
    broken.extend(most.map(|most| Broken::Hops { actual: hops, most }));
    let most = expect.max_cost.filter(|most| actual.cost > *most);
    broken.extend(most.map(|most| Broken::Cost { actual: actual.cost, most }));
    broken
}

/// What would become of the message of `expect` while `down` has failed.
#[must_use]
pub fn foretold(mesh: &Offline, expect: &Expect, down: &[Down]) -> Actual {
    let nowhere =
        |reason: String| Actual { path: Vec::new(), cost: 0, reason: Some(reason), node: None };
    let ingress = mesh.node_of(&expect.from);
    if let Some(ingress) = ingress.filter(|node| down.contains(&Down::Node(node.clone()))) {
        // Nobody is there to take the message.
        return nowhere(format!("{ingress} is down"));
    }
    let Some(walk) = mesh.route(&expect.from, &expect.to, down) else {
        return nowhere("unknown sender".to_owned());
    };
    let reason = walk.refusal().map(|refusal| refusal.reason().to_owned());
    let node = reason.as_ref().and(walk.last().cloned());
    Actual { path: walk.path, cost: walk.cost, reason, node }
}

/// What `path` costs while `down` has failed, as a way that somebody may have expected; else the first
/// two nodes on it that share no link then.
///
/// # Errors
/// Those two nodes.
pub fn cost_of(
    graph: &Graph,
    path: &[NodeName],
    down: &[Down],
) -> Result<u64, (NodeName, NodeName)> {
    let left = graph.without(down);
    let mut links = path.windows(2).filter_map(|ends| match ends {
        [a, b] => Some((a, b)),
        _ => None,
    });
    links.try_fold(0, |sum, (a, b)| {
        let link = LinkName::new(a.clone(), b.clone()).ok();
        let cost = link.and_then(|link| left.cost(&link)).ok_or((a.clone(), b.clone()));
        Ok(sum + u64::from(cost?))
    })
}

/// The smallest case of further failures in which the message does not arrive.
fn fatal(mesh: &Offline, expect: &Expect) -> Result<Option<Broken>, TooMany> {
    let Some(message) = Message::new(mesh, &expect.from, &expect.to, &expect.down) else {
        return Ok(None);
    };
    let parts = Parts::new(mesh.graph());
    for size in 1..=expect.survives {
        let found = breaking(mesh, &parts, &message, size)?;
        let Some(case) = found.iter().min_by_key(|case| parts.rank(case)) else {
            continue;
        };
        let down: Vec<Down> = case.iter().map(|part| parts.down(*part)).collect();
        let all: Vec<Down> = expect.down.iter().chain(&down).cloned().collect();
        let actual = foretold(mesh, expect, &all);
        let broken = Broken::Survives {
            down,
            others: found.len() - 1,
            reason: actual.reason.unwrap_or_default(),
            node: actual.node,
        };
        return Ok(Some(broken));
    }
    Ok(None)
}

fn passes(path: &[NodeName], step: &Step) -> bool {
    match step {
        Step::Node(node) => path.contains(node),
        Step::Link(link) => path.windows(2).any(|ends| match ends {
            [a, b] => link.other(a) == Some(b),
            _ => false,
        }),
    }
}
