//! What a verdict rests on.

use super::decide::Verdict;
use super::static_routes::Pattern;
use super::table::Hop;
use crate::name::NodeName;

/// A verdict with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling<'t> {
    /// What becomes of the message.
    pub verdict: Verdict<'t>,
    /// Why.
    pub basis: Basis<'t>,
}

/// What a verdict rests on: how the next hop was found, as far as the question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis<'t> {
    /// The destination is here.
    Here,
    /// An error goes back the way that the failed message came.
    Retrace,
    /// A static route of this node.
    Static {
        /// The route's key.
        route: Matched<'t>,
        /// The node that the destination is or is at, if there is one: the computed way to it is
        /// what the route overrides.
        at: Option<&'t NodeName>,
    },
    /// The computed way.
    Computed {
        /// The node that the destination is or is at.
        to: &'t NodeName,
        /// The way to it.
        hop: &'t Hop,
    },
    /// The loop-free alternate, as the link of the computed way's next hop is down.
    Alternate {
        /// The node that the destination is or is at.
        to: &'t NodeName,
        /// The way to it that cannot be taken.
        hop: &'t Hop,
    },
    /// No next hop was found, or none was looked for.
    Nothing {
        /// The node that the destination is or is at, if there is one.
        at: Option<&'t NodeName>,
    },
}

/// The key of a static route that matched, borrowed from the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched<'t> {
    /// The route for this name alone.
    Exact(&'t str),
    /// The route for all names under this prefix.
    Prefix(&'t str),
}

impl Matched<'_> {
    /// The key as it was written.
    #[must_use]
    pub fn pattern(self) -> Pattern {
        match self {
            Self::Exact(name) => Pattern::Exact(name.to_owned()),
            Self::Prefix(prefix) => Pattern::Prefix(prefix.to_owned()),
        }
    }
}
