//! A name that several nodes offer.

use std::collections::BTreeSet;

use hopline_mesh::name::NodeName;
use hopline_mesh::route::Policy;
use serde::{Deserialize, Serialize};

/// A name that clients at several nodes hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The nodes where it is offered.
    pub at: BTreeSet<NodeName>,
    /// Which of them a message goes to.
    pub policy: Policy,
}
