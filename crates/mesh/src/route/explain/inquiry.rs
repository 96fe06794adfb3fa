//! Which running node to ask next.

use super::step::Step;
use crate::name::NodeName;
use crate::wire::control::Request;

/// The way of a message through a running mesh, as its nodes tell it one after the other.
///
/// It ends whatever they say: a node that is asked a second time refuses, and so does one that the
/// hop limit does not let go on.
#[derive(Debug, Clone)]
pub struct Inquiry {
    client: Option<String>,
    next: Option<NodeName>,
    path: Vec<NodeName>,
    steps: Vec<Step>,
}

impl Inquiry {
    /// One that begins at `node`: about a message from this client there, or from the node itself.
    #[must_use]
    pub fn new(node: NodeName, client: Option<String>) -> Self {
        Self { client, next: Some(node), path: Vec::new(), steps: Vec::new() }
    }

    /// The node to ask now about a message for `destination`, and the question; none where the message
    /// has come to its end.
    #[must_use]
    pub fn question(&self, destination: &str) -> Option<(NodeName, Request)> {
        let (destination, path) = (destination.to_owned(), self.path.clone());
        let from = path.last().cloned();
        let client = self.client.clone();
        Some((self.next.clone()?, Request::Explain { destination, path, from, client }))
    }

    /// Notes what the node said.
    pub fn told(&mut self, step: Step) {
        self.path.push(step.node.clone());
        let is_endless = self.path.len() > usize::from(u8::MAX);
        self.next = step.neighbour().filter(|_| !is_endless).cloned();
        self.steps.push(step);
    }

    /// What the nodes said, in order.
    #[must_use]
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}
