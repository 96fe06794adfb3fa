//! What an expect claims and is not so.

use std::fmt;

use hopline_mesh::name::NodeName;
use hopline_mesh::route::Down;

use crate::topology::Step;

/// A claim of an expect that does not hold, beside what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The message does not arrive.
    DoesNotArrive {
        /// Why.
        reason: String,
        /// The node that says so; none where nobody is there to.
        node: Option<NodeName>,
        /// How far it comes.
        path: Vec<NodeName>,
    },
    /// It arrives, and must not.
    Arrives {
        /// Its way.
        path: Vec<NodeName>,
    },
    /// It does not arrive, for another reason than the one that is claimed.
    Reason {
        /// Why it does not.
        actual: String,
        /// Why it should not.
        expected: String,
    },
    /// It goes another way.
    Path {
        /// Its way.
        actual: Vec<NodeName>,
        /// The one that is claimed.
        expected: Vec<NodeName>,
    },
    /// It does not pass what it must.
    Misses(Step),
    /// It passes what it must avoid.
    Passes(Step),
    /// It takes too many links.
    Hops {
        /// How many.
        actual: usize,
        /// How many at most.
        most: usize,
    },
    /// It costs too much.
    Cost {
        /// How much.
        actual: u64,
        /// How much at most.
        most: u64,
    },
    /// It does not arrive when more fails.
    Survives {
        /// The smallest such failure: fewest parts, then fewest nodes, then by name.
        down: Vec<Down>,
        /// How many others of that size there are.
        others: usize,
        /// Why it does not arrive then.
        reason: String,
        /// The node that says so; none where nobody is there to.
        node: Option<NodeName>,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotArrive { reason, node, .. } => {
                write!(f, "does not arrive: {}", Said(reason, node.as_ref()))
            }
            Self::Arrives { .. } => f.write_str("arrives, and must not"),
            Self::Reason { actual, expected } => {
                write!(f, "does not arrive for the reason `{actual}`, not `{expected}`")
            }
            Self::Path { actual, expected } => {
                write!(f, "the way is {}, not {}", arrows(actual), arrows(expected))
            }
            Self::Misses(step) => write!(f, "does not pass {step}"),
            Self::Passes(step) => write!(f, "passes {step}, which it must avoid"),
            Self::Hops { actual: 1, most } => write!(f, "takes 1 hop, {most} at most"),
            Self::Hops { actual, most } => write!(f, "takes {actual} hops, {most} at most"),
            Self::Cost { actual, most } => write!(f, "costs {actual}, {most} at most"),
            Self::Survives { down, others, reason, node } => {
                let down: Vec<String> = down.iter().map(ToString::to_string).collect();
                let said = Said(reason, node.as_ref());
                write!(f, "does not arrive with {} down: {said}", down.join(" and "))?;
                match others {
                    0 => Ok(()),
                    1 => f.write_str("; nor in another case of as many failures"),
                    more => write!(f, "; nor in {more} other cases of as many failures"),
                }
            }
        }
    }
}

/// A reason, and who says so.
struct Said<'a>(&'a str, Option<&'a NodeName>);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        self.1.map_or(Ok(()), |node| write!(f, ", says {node}"))
    }
}

fn arrows(path: &[NodeName]) -> String {
    let names: Vec<&str> = path.iter().map(NodeName::as_str).collect();
    names.join(" -> ")
}
