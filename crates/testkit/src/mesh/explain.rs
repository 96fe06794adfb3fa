//! Why a message goes the way it goes, as the running nodes say and as the file does.

use std::collections::BTreeSet;

use hopline_mesh::client::{Client, ClientOptions, RequestError};
use hopline_mesh::name::NodeName;
use hopline_mesh::route::explain::{Explanation, Inquiry};
use hopline_mesh::route::{Down, Graph, Refusal};
use hopline_mesh::wire::control::{Answer, Request};
use hopline_topo::Offline;

use super::{Mesh, MeshError, PATIENCE};

impl Mesh {
    /// Why a message from a node or a planned client goes the way it goes just now, by what each node
    /// on that way says.
    ///
    /// # Errors
    /// [`MeshError`] where there is no such sender, or a node does not answer.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn explain(&self, from: &str, to: &str) -> Result<Explanation, MeshError> {
        let node = self.place(from)?;
        let running: BTreeSet<_> = self.statuses().await?.into_keys().collect();
        let down: BTreeSet<_> =
            self.plan.nodes.keys().filter(|node| !running.contains(*node)).cloned().collect();
        let client = self.is_planned(from).then(|| from.to_owned());
        let mut inquiry = Inquiry::new(node.clone(), client);
        let mut live = Graph::new([], []);
        if !down.contains(&node) {
            if let Answer::Graph { nodes, links } = self.ask(&node, Request::Graph {}).await? {
                live = Graph::of_ends(nodes, links);
            }
            while let Some((next, request)) = inquiry.question(to) {
                match self.ask(&next, request).await? {
                    Answer::Explained(step) => inquiry.told(*step),
                    _ => return Err(RequestError::Malformed.into()),
                }
            }
        }
        let (mesh, steps) = (Offline::new(&self.plan), inquiry.into_steps());
        Ok(mesh.explain_live((from, &node), to, &live, &down, steps))
    }

    /// The same by the file alone, while what was [cut](Mesh::cut) is down.
    ///
    /// # Errors
    /// [`MeshError::NotPlanned`] where there is no such sender.
    pub fn explain_offline(&self, from: &str, to: &str) -> Result<Explanation, MeshError> {
        let down: Vec<Down> = self.cut_links().into_iter().map(Down::Link).collect();
        let explanation = Offline::new(&self.plan).explain(from, to, &down);
        explanation.ok_or_else(|| MeshError::NotPlanned { name: from.to_owned() })
    }

    /// Asks the nodes whether the access rules let a planned client's message through.
    pub(super) async fn let_through(&self, from: &str, to: &str) -> Result<(), MeshError> {
        if !self.is_planned(from) || !self.plan.has_access() {
            return Ok(());
        }
        let mut explanation = self.explain(from, to).await?;
        let (Some(reason), Some(node)) = (explanation.reason, explanation.node) else {
            return Ok(());
        };
        if reason != Refusal::AccessDenied.reason() {
            return Ok(());
        }
        let said = explanation.steps.pop().and_then(|step| step.access);
        Err(MeshError::Denied { node, reason, rule: said.and_then(|said| said.rule) })
    }

    async fn ask(&self, node: &NodeName, request: Request) -> Result<Answer, MeshError> {
        let options = ClientOptions::anonymous().timeout(PATIENCE);
        let client = Client::connect(&self.control(node.as_str())?, options).await?;
        let answer = client.ask(node.as_str(), request, PATIENCE).await;
        client.shutdown().await;
        Ok(answer?)
    }
}
