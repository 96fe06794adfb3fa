//! Every case of a few failed links and nodes: does the mesh still hold together?

mod breaking;
mod cases;
mod detours;
mod pairs;
mod statics;

use std::collections::BTreeSet;

use hopline_mesh::name::NodeName;
use hopline_mesh::route::{Down, Graph};
use serde::Serialize;

pub(crate) use breaking::{Message, breaking};
pub(crate) use cases::Parts;

use crate::offline::Offline;
use crate::topology::Expect;
use pairs::Pairs;

/// The most links and nodes that are failed together.
pub const MAX_DOWN: usize = 3;

/// The most cases that are tried.
pub const MAX_CASES: u64 = 1_000_000;

/// What became of a mesh in all cases of some failed links and nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survival {
    /// How many links and nodes failed together at most.
    pub most: usize,
    /// The cases that were tried: all of one failure, then all of two, up to the first number at
    /// which one did not hold.
    pub cases: u64,
    /// The smallest case that did not hold; none where all held.
    pub breach: Option<Breach>,
}

/// The smallest failure that a mesh does not survive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// What failed: of the cases with the fewest failures, the one with the fewest nodes, and of those
    /// the first by name.
    #[serde(serialize_with = "crate::topology::texts")]
    pub down: Vec<Down>,
    /// How many cases of as many failures did not hold.
    pub failing: u64,
    /// How many cases of as many failures there are.
    pub of: u64,
    /// How many pairs of nodes do not reach each other any more, one way or both.
    pub pairs: usize,
    /// The first of them.
    pub example: Option<Lost>,
    /// The messages of expects that do not arrive any more.
    pub expects: Vec<Lost>,
}

/// A message that does not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Who sends it.
    pub from: String,
    /// Its address.
    pub to: String,
    /// Why it does not arrive.
    pub reason: String,
    /// The node that refuses it.
    pub node: Option<NodeName>,
}

/// That there are more cases than are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// More failures together than are tried.
    #[error("{0} failures together are too many: at most {MAX_DOWN} are tried")]
    Down(usize),
    /// More cases.
    #[error("{0} cases are too many: at most {MAX_CASES} are tried, so let fewer fail together")]
    Cases(u64),
}

/// Tries all cases of 1 to `most` failed links and nodes.
///
/// A case holds if every two nodes that are up in it, and reach each other while nothing has failed,
/// still do, and if the message of each of `expects` still arrives. An expect has no say where it says
/// `unreachable`, where its message does not arrive in the first place, or where the node at which the
/// message enters or leaves the mesh has itself failed. *Reaching* is by the mesh's own rules, hop
/// limit and static routes included: it is what [`Offline::route`] answers.
///
/// # Errors
/// [`TooMany`] where there are more cases than can be tried in a reasonable time.
///
/// # Examples
/// ```
/// use hopline_topo::{Offline, Plan, parse, survive::survive};
///
/// let loaded = parse("m.toml", "
/// [mesh]
/// name = 'm'
/// [nodes]
/// top = {}
/// east = { upstream = 'top' }
/// west = { upstream = 'top' }
/// ")?;
/// let survival = survive(&Offline::new(&Plan::new(&loaded.topology)), &[], 1)?;
/// let breach = survival.breach.expect("each link is the only one to its node");
/// assert_eq!(breach.down[0].to_string(), "east--top");
/// assert_eq!((survival.cases, breach.failing, breach.pairs), (5, 3, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn survive(mesh: &Offline, expects: &[Expect], most: usize) -> Result<Survival, TooMany> {
    let parts = Parts::new(mesh.graph());
    if most > MAX_DOWN {
        return Err(TooMany::Down(most));
    }
    let all = parts.number_up_to(most);
    if all > MAX_CASES {
        return Err(TooMany::Cases(all));
    }
    let messages = messages(mesh, expects);
    let pairs = Pairs::new(mesh, &parts);
    let mut cases = 0;
    for size in 1..=most {
        let mut failing = BTreeSet::new();
        for message in &messages {
            failing.extend(breaking(mesh, &parts, message, size)?);
        }
        let breaks = pairs.breaks(size);
        let (mut of, mut broken, mut first) = (0_u64, 0_u64, None);
        parts.each_case(size, |case| {
            let is_broken = breaks[of as usize] || failing.contains(case);
            of += 1;
            if is_broken {
                broken += 1;
                first.get_or_insert_with(|| case.to_vec());
            }
        });
        cases += of;
        if let Some(case) = first {
            let breach = breach(mesh, &parts, &pairs, &messages, &case);
            let breach = Breach { failing: broken, of, ..breach };
            return Ok(Survival { most, cases, breach: Some(breach) });
        }
    }
    Ok(Survival { most, cases, breach: None })
}

/// All cases of 1 to `most` failures in which nothing of `spared` fails, in the order in which
/// [`survive`] tries them; none where they are more than `limit`.
#[must_use]
pub fn cases_of(
    graph: &Graph,
    most: usize,
    spared: &[Down],
    limit: usize,
) -> Option<Vec<Vec<Down>>> {
    let parts = Parts::new(graph);
    if most > MAX_DOWN || parts.number_up_to(most) > MAX_CASES {
        return None;
    }
    let mut cases = Vec::new();
    for size in 1..=most {
        parts.each_case(size, |case| {
            let down: Vec<Down> = case.iter().map(|part| parts.down(*part)).collect();
            if cases.len() <= limit && !down.iter().any(|down| spared.contains(down)) {
                cases.push(down);
            }
        });
    }
    (cases.len() <= limit).then_some(cases)
}

/// The messages of `expects` that arrive while nothing has failed, each once.
fn messages(mesh: &Offline, expects: &[Expect]) -> Vec<Message> {
    let arrive = expects.iter().filter(|expect| !expect.unreachable);
    let ends: BTreeSet<(&str, &str)> =
        arrive.map(|expect| (expect.from.as_str(), expect.to.as_str())).collect();
    ends.into_iter().filter_map(|(from, to)| Message::new(mesh, from, to, &[])).collect()
}

/// What a case comes to; the numbers of cases are left to the caller.
fn breach(
    mesh: &Offline,
    parts: &Parts,
    pairs: &Pairs<'_>,
    messages: &[Message],
    case: &[u32],
) -> Breach {
    let down: Vec<Down> = case.iter().map(|part| parts.down(*part)).collect();
    let cut = pairs.cut(case);
    let both: BTreeSet<_> = cut.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
    let lost = |from: &str, to: &str| {
        let walk = mesh.route(from, to, &down)?;
        let (reason, node) = (walk.refusal()?.reason().to_owned(), walk.last().cloned());
        Some(Lost { from: from.to_owned(), to: to.to_owned(), reason, node })
    };
    let example = cut.first().and_then(|&(from, to)| {
        let name = |place: u32| parts.node(place).map(NodeName::as_str);
        lost(name(from)?, name(to)?)
    });
    let concerned = messages.iter().filter(|message| !message.ends_in(&down));
    let expects = concerned.filter_map(|message| lost(message.from(), message.to()));
    Breach { failing: 0, of: 0, pairs: both.len(), example, expects: expects.collect(), down }
}
