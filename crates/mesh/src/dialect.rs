//! What a client speaks at a node's port.

pub mod broker;
pub mod json;
mod object;
pub mod session;
mod settle;
mod text;

pub(crate) use object::Object;
pub use object::ObjectError;
pub(crate) use settle::{Settled, form, settle};
pub(crate) use text::seconds;

use serde::{Deserialize, Serialize};

/// A dialect that a node's port may speak.
///
/// All four have names in topology files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Hopline's own envelope, in several frames.
    Native,
    /// One frame, a JSON object with `destination`.
    Json,
    /// One frame, a JSON object with `type`.
    Broker,
    /// Two frames, a JSON header with `version` and a payload.
    Session,
}

impl Dialect {
    /// All dialects, in the order of their names' first mention in the documents.
    pub const ALL: [Self; 4] = [Self::Native, Self::Json, Self::Broker, Self::Session];

    /// The dialect's name, as files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Json => "json",
            Self::Broker => "broker",
            Self::Session => "session",
        }
    }

    /// The dialect of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}
