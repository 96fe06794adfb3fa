//! A link between two nodes.

use hopline_mesh::brain::Impairment;
use hopline_mesh::name::NodeName;
use serde::Serialize;

/// A link between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What the link adds to the cost of a way; where it is declared more than once, the greatest.
    pub cost: u32,
    /// The end that dials.
    pub dialer: NodeName,
    /// The ends that have the other as their upstream, the lesser name first; none for a link
    /// between equals.
    pub lower: Vec<NodeName>,
    /// What the link is made to suffer.
    #[serde(skip_serializing_if = "Impairment::is_none")]
    pub impairment: Impairment,
    /// Whether it starts down, until somebody heals it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}
