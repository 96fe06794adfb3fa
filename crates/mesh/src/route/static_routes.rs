//! Static routes: what an operator says about destinations, over what was computed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::address::MAX_ADDRESS;

/// The next hop that means the best live upstream.
const UPSTREAM: &str = "upstream";

/// Which destinations a static route is for: one name, or all names under a prefix.
///
/// `region.*` is for `region.a` and `region.a.b`, not for `region` itself. The order is the one
/// that routes are printed in; precedence is [`StaticRoutes`]'.
///
/// # Examples
/// ```
/// use hopline_mesh::route::Pattern;
///
/// let south: Pattern = "south.*".parse()?;
/// assert!(south.matches("south.1") && south.matches("south.1.a"));
/// assert!(!south.matches("south") && !south.matches("southern"));
/// assert!("*".parse::<Pattern>().is_err());
/// # Ok::<(), hopline_mesh::route::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// This name alone.
    Exact(String),
    /// Every name that begins with this text and a dot, and goes on.
    Prefix(String),
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is empty.
    #[error("a static route needs a destination")]
    Empty,
    /// The text has a mark that is no part of a name.
    #[error("a static route is for a name or a prefix `region.*`: it cannot hold {0:?} elsewhere")]
    Mark(char),
    /// The text has more bytes than an address may have.
    #[error("a destination has at most {MAX_ADDRESS} bytes, this one has {0}")]
    TooLong(usize),
}

impl Pattern {
    /// Whether the pattern is for `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name
                .strip_prefix(prefix.as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| !rest.is_empty()),
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;
    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (name, is_prefix) = match text.strip_suffix(".*") {
            Some(prefix) => (prefix, true),
            None => (text, false),
        };
        if name.is_empty() {
            return Err(PatternError::Empty);
        }
        if let Some(mark) = name.chars().find(|c| matches!(c, '@' | '#' | '*')) {
            return Err(PatternError::Mark(mark));
        }
        if text.len() > MAX_ADDRESS {
            return Err(PatternError::TooLong(text.len()));
        }
        Ok(if is_prefix { Self::Prefix(name.to_owned()) } else { Self::Exact(name.to_owned()) })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.pad(name),
            Self::Prefix(prefix) => write!(f, "{prefix}.*"),
        }
    }
}

/// Where a static route sends what matches it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// A node of this name, or else a client of this name attached here.
    ///
    /// A node means the computed way to it, be it a neighbour or not. Which of the two it is is
    /// settled when the route is used, for nodes and clients come and go.
    Name(String),
    /// The best live upstream: the one with the least link cost, then the lesser name.
    Upstream,
}

impl From<&str> for NextHop {
    fn from(text: &str) -> Self {
        if text == UPSTREAM { Self::Upstream } else { Self::Name(text.to_owned()) }
    }
}

impl FromStr for NextHop {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.pad(name),
            Self::Upstream => f.pad(UPSTREAM),
        }
    }
}

/// One node's static routes. They beat computed ones.
///
/// The route for a message is the first of these whose next hop is there:
///
/// 1. the exact one for its destination's name;
/// 2. the prefixes of that name, the longest first;
/// 3. the same two for the node that the name is at, if it is at one (`name@node` says which,
///    else the directory does).
///
/// A next hop is not there, and its route counts as absent, if it is a node that cannot be reached
/// or is this node itself, or a client that is not attached here, or `upstream` while none is up.
///
/// # Examples
/// ```
/// use hopline_mesh::route::{NextHop, StaticRoutes};
///
/// let mut routes = StaticRoutes::new();
/// routes.set("south.*".parse()?, NextHop::Upstream);
/// routes.set("south.1".parse()?, "west".into());
///
/// let written: Vec<_> = routes.iter().map(|(to, hop)| format!("{to} = {hop}")).collect();
/// assert_eq!(written, ["south.1 = west", "south.* = upstream"]);
/// # Ok::<(), hopline_mesh::route::PatternError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticRoutes(BTreeMap<Pattern, NextHop>);

impl StaticRoutes {
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends what matches `pattern` to `next_hop` from now on; gives back what was set before.
    pub fn set(&mut self, pattern: Pattern, next_hop: NextHop) -> Option<NextHop> {
        self.0.insert(pattern, next_hop)
    }

    /// Takes away the route for `pattern`; gives back what was set.
    pub fn unset(&mut self, pattern: &Pattern) -> Option<NextHop> {
        self.0.remove(pattern)
    }

    /// The next hop that is set for `pattern` itself.
    #[must_use]
    pub fn next_hop(&self, pattern: &Pattern) -> Option<&NextHop> {
        self.0.get(pattern)
    }

    /// All routes: exact ones first, each kind in the order of its text.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Pattern, &NextHop)> {
        self.0.iter()
    }

    /// The number of routes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no routes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Pattern, NextHop)> for StaticRoutes {
    fn from_iter<I: IntoIterator<Item = (Pattern, NextHop)>>(routes: I) -> Self {
        Self(routes.into_iter().collect())
    }
}
