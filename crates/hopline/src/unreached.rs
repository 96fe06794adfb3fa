//! Why something in a running mesh is not reached, and how that is told.

use hopline::mesh::client::{Failure, RequestError};
use hopline::mesh::reason::Reason;
use hopline::mesh::route::Refusal;
use hopline::topo::Plan;
use hopline::topo::launch::Running;
use serde::Serialize;

use crate::commands::Answer;
use crate::output;
use crate::trouble::Bad;
use crate::way::arrows;

/// The reason where nobody says one.
const NO_ANSWER: &str = "no answer in time";

/// Why something is not reached, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreached {
    /// Why.
    pub(crate) reason: String,
    /// The node that says so; none where no answer came.
    pub(crate) node: Option<String>,
    /// How far it came.
    pub(crate) path: Vec<String>,
}

impl Unreached {
    /// That no answer came in time.
    pub(crate) fn no_answer() -> Self {
        Self { reason: NO_ANSWER.to_owned(), node: None, path: Vec::new() }
    }
}

impl From<Failure> for Unreached {
    fn from(failure: Failure) -> Self {
        let path = failure.path.into_iter().map(|step| step.node).collect();
        Self { reason: failure.reason, node: Some(failure.node), path }
    }
}

/// Why something was not answered; what is not the mesh's answer is an error.
pub(crate) fn unreached(error: RequestError) -> anyhow::Result<Unreached> {
    match error {
        RequestError::Failed(failure) => Ok((*failure).into()),
        RequestError::Timeout { .. } => Ok(Unreached::no_answer()),
        RequestError::Refused { .. } => Err(Bad::new(error.to_string()).into()),
        RequestError::Send(_) | RequestError::Malformed | RequestError::Stopped => {
            Err(error.into())
        }
    }
}

/// That a client is planned, or a service offered, and nobody is there, where that is what `reason` may come of.
pub(crate) fn absent(running: &Running, to: &str, reason: &str) -> Option<String> {
    if reason != Refusal::UnknownDestination.reason() {
        return None;
    }
    if let Some(service) = running.plan.services.get(to) {
        let at: Vec<String> = service.at.iter().map(|node| format!("`{node}`")).collect();
        let at = at.join(", ");
        return Some(format!("`{to}` is offered at {at}, and nobody is attached under it now"));
    }
    let mut nodes = running.plan.nodes.values();
    let planned = nodes.find(|node| node.clients.contains(to))?;
    kept_out(&running.plan, to)
        .or_else(|| Some(format!("`{to}` is planned at `{}`, and not attached now", planned.name)))
}

/// That a client is planned at a node where the access rules do not let it attach.
pub(crate) fn kept_out(plan: &Plan, name: &str) -> Option<String> {
    let node = plan.nodes.values().find(|node| node.clients.contains(name))?;
    let is_kept_out = !plan.may_attach(name, &node.name);
    is_kept_out.then(|| format!("`{name}` is planned at `{}`, and may not attach there", node.name))
}

/// It as a message: what, where, and how far it came.
pub(crate) fn not_reached(running: &Running, to: &str, unreached: &Unreached) -> String {
    let Unreached { reason, node, path } = unreached;
    let open = [Reason::Deadline.text(), Reason::InDoubt.text()];
    let is_known = node.is_some() && !open.contains(&reason.as_str());
    let mut text = match is_known {
        true => format!("`{to}` is not reached: {reason}"),
        false => format!("it is not known whether `{to}` was reached: {reason}"),
    };
    if let Some(node) = node {
        text.push_str(&format!(", says node `{node}`"));
    }
    if path.len() > 1 {
        text.push_str(&format!("\n  it came as far as {}", arrows(path)));
    }
    if let Some(absent) = absent(running, to, reason) {
        text.push_str(&format!("\n  note: {absent}"));
    }
    text
}

/// That the mesh could not even be asked. Its JSON keys are part of the interface.
#[derive(Serialize)]
struct NotAsked<'a> {
    from: Option<&'a str>,
    to: &'a str,
    reachable: bool,
    path: [&'a str; 0],
    hops: usize,
    reason: String,
}

/// Prints a document also where there is none yet because the mesh could not be asked: who reads JSON finds
/// one whenever the answer is no.
pub(crate) fn with_document(
    outcome: anyhow::Result<Answer>,
    from: Option<&str>,
    to: &str,
) -> anyhow::Result<Answer> {
    if let Err(error) = &outcome
        && let Some(bad) = error.downcast_ref::<Bad>()
    {
        let reason = bad.to_string();
        output::json(&NotAsked { from, to, reachable: false, path: [], hops: 0, reason })?;
    }
    outcome
}
