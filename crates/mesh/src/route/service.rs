//! Names that clients at several nodes hold together.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of the nodes that offer a service a message goes to.
///
/// Each node on the way chooses anew, by the same rule, and comes to the same.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The one at the least cost; of several, the one with the lesser name.
    #[default]
    Closest,
    /// Each message to another, by its id.
    Balanced,
}

impl Policy {
    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closest => "closest",
            Self::Balanced => "balanced",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
