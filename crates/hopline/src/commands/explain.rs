//! `hopline explain`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hopline::mesh::client::RequestError;
use hopline::mesh::name::NodeName;
use hopline::mesh::route::explain::{DecidedBy, Decision, Explanation, Inquiry, Step};
use hopline::mesh::route::{Graph, Refusal};
use hopline::mesh::wire::control::{Answer as Said, Request};
use hopline::topo::Offline;
use hopline::topo::launch::{ProcessState, Running};

use super::{Answer, patience};
use crate::attach::{attach, entrance, running, whereabouts};
use crate::deadline::Deadline;
use crate::names::one_destination;
use crate::trouble::Bad;
use crate::unreached::{Unreached, absent, with_document};
use crate::way::hops;
use crate::{output, why};

/// Show why a message goes the way it goes, in the running mesh
///
/// Each node on the way is asked how it decides now: by its control socket, or through the mesh where it is
/// not in the file. `hopline route --explain` says what the file alone makes of it.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The topology file of a running mesh
    file: PathBuf,
    /// A node or a client: the way starts at its node
    from: String,
    /// A node or a client
    to: String,
    /// How long it may take
    #[arg(long, default_value = "5s", value_parser = patience)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let outcome = self.explain().await;
        match self.json {
            true => with_document(outcome, Some(&self.from), &self.to),
            false => outcome,
        }
    }

    async fn explain(&self) -> anyhow::Result<Answer> {
        let deadline = Deadline::within(self.timeout);
        one_destination(&self.to)?;
        let running = running(&self.file)?;
        let node = whereabouts(&running, &self.from, deadline).await?;
        let explanation = self.asked(&running, &node, deadline).await?;
        for guest in explanation.path.iter().filter(|node| !is_planned(&running, node)) {
            output::message(&format!(
                "note: node `{guest}` is not in the file; it is asked through the mesh"
            ));
        }
        let reason = explanation.reason.as_deref().unwrap_or_default();
        if let Some(absent) = absent(&running, &self.to, reason) {
            output::message(&format!("note: {absent}"));
        }
        why::print(&explanation, self.json)
    }

    /// What the nodes say, one after the other.
    async fn asked(
        &self,
        running: &Running,
        node: &NodeName,
        deadline: Deadline,
    ) -> anyhow::Result<Explanation> {
        let mesh = Offline::new(&running.plan);
        let down = not_up(running);
        let (mut live, mut steps, mut silent) = (Graph::new([], []), Vec::new(), None);
        if !down.contains(node) {
            if let Said::Graph { nodes, links } =
                ask(running, node, Request::Graph {}, deadline).await?
            {
                live = Graph::of_ends(nodes, links);
            }
            let told = told(running, (&self.from, node), &self.to, deadline).await?;
            (steps, silent) = (told.steps, told.silent);
        }
        let ends = (self.from.as_str(), node);
        let mut explanation = mesh.explain_live(ends, &self.to, &live, &down, steps);
        if let Some(guest) = silent {
            explanation.reachable = false;
            explanation.decided_by = DecidedBy::Refused { by: "no answer".to_owned() };
            explanation.reason = Some(format!("{guest} is not in the file, and does not answer"));
            explanation.path.push(guest);
            explanation.hops = hops(explanation.path.len());
        }
        Ok(explanation)
    }
}

/// That the access rules do not let a message through from `from`, which is `node` or a client at it, as the
/// running nodes say. A probe of this program is an operator's, who may send to anybody.
pub(super) async fn denied(
    running: &Running,
    (from, node): (&str, &NodeName),
    to: &str,
    deadline: Deadline,
) -> anyhow::Result<Option<Unreached>> {
    if node.as_str() == from || !running.plan.has_access() {
        return Ok(None);
    }
    let steps = told(running, (from, node), to, deadline).await?.steps;
    let path: Vec<String> = steps.iter().map(|step| step.node.to_string()).collect();
    Ok(match steps.last().map(|step| &step.decision) {
        Some(Decision::Refuse { reason, .. }) if *reason == Refusal::AccessDenied.reason() => {
            Some(Unreached { reason: reason.clone(), node: path.last().cloned(), path })
        }
        Some(_) | None => None,
    })
}

/// What the nodes on a way say, and the one after them that has not answered.
struct Told {
    steps: Vec<Step>,
    /// Never one of the file: that such a node does not answer is an error.
    silent: Option<NodeName>,
}

/// What the running nodes say of a message from `from`, which is `node` or a client at it.
async fn told(
    running: &Running,
    (from, node): (&str, &NodeName),
    to: &str,
    deadline: Deadline,
) -> anyhow::Result<Told> {
    let client = (node.as_str() != from).then(|| from.to_owned());
    let mut inquiry = Inquiry::new(node.clone(), client);
    let mut silent = None;
    while let Some((next, request)) = inquiry.question(to) {
        match ask(running, &next, request, deadline).await {
            Ok(Said::Explained(step)) => inquiry.told(*step),
            Ok(_) => return Err(too_old(&next).into()),
            Err(_) if !is_planned(running, &next) => {
                silent = Some(next);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Told { steps: inquiry.into_steps(), silent })
}

fn is_planned(running: &Running, node: &NodeName) -> bool {
    running.plan.nodes.contains_key(node)
}

/// The planned nodes that are not up.
fn not_up(running: &Running) -> BTreeSet<NodeName> {
    let is_up = |node: &NodeName| {
        running.processes.get(node).is_some_and(|record| record.state == ProcessState::Up)
    };
    running.plan.nodes.keys().filter(|node| !is_up(node)).cloned().collect()
}

/// Asks a node by its own control socket, so that the answer does not depend on the way to it. One that is not in
/// the file has none here: it is asked through the mesh.
async fn ask(
    running: &Running,
    node: &NodeName,
    request: Request,
    deadline: Deadline,
) -> anyhow::Result<Said> {
    let entrance = match is_planned(running, node) {
        true => node.clone(),
        false => entrance(running, None, None)?,
    };
    let client = attach(running, &entrance, None, deadline.left()).await?;
    let said = client.ask(node.as_str(), request, deadline.left()).await;
    client.shutdown().await;
    said.map_err(|error| not_answered(node, error))
}

/// What is told where a node does not answer the question.
fn not_answered(node: &NodeName, error: RequestError) -> anyhow::Error {
    match error {
        RequestError::Refused { .. } => too_old(node).into(),
        RequestError::Timeout { .. } => Bad::new(format!("node `{node}` does not answer")).into(),
        error => error.into(),
    }
}

/// What becomes of the question at a node of a version that does not know it.
fn too_old(node: &NodeName) -> Bad {
    Bad::new(format!("node `{node}` cannot explain its routes: its version of hopline is too old"))
        .help(
            "restart it with this version, or ask the file: `hopline route FILE FROM TO --explain`",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_know_the_question_is_told_as_too_old() {
        // What an old node makes of it: a request that it cannot read, which it refuses.
        let unknown = b"\x81\xa7unknown\x80";
        let error = Request::read(unknown).unwrap_err();
        let refused = RequestError::Refused { reason: error.to_string() };
        let node = NodeName::parse("top").unwrap();
        let told = not_answered(&node, refused).to_string();
        assert!(told.contains("node `top` cannot explain its routes"), "{told}");
    }
}
