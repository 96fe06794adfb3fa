//! The stable code of each kind of mistake and of each lint.
//!
//! Each has a page that [`explain`] gives. Codes are part of the interface: tools filter by them, so a code is never renamed or reused.

mod pages;

pub use pages::{Page, explain};

macro_rules! codes {
    ($list:ident, $summaries:ident, $about:literal:
        $(#[doc = $doc:literal] $name:ident = $code:literal;)*
    ) => {
        $(#[doc = $doc] pub const $name: &str = $code;)*
        #[doc = $about]
        pub const $list: &[&str] = &[$($code),*];
        const $summaries: &[(&str, &str)] = &[$(($code, $doc)),*];
    };
}

/// What a code says in one line; none where there is no such code.
#[must_use]
pub fn summary(code: &str) -> Option<&'static str> {
    let all = [ERROR_SUMMARIES, LINT_SUMMARIES, NOTE_SUMMARIES].into_iter().flatten();
    all.into_iter().find(|(known, _)| *known == code).map(|(_, summary)| summary.trim())
}

codes! { ERRORS, ERROR_SUMMARIES, "The codes of all errors, in alphabetical order.":
    /// `bind = "auto"` beside an `address`: what others dial is not known before the start.
    AUTO_WITH_ADDRESS = "auto-with-address";
    /// An access rule does not say one thing, or speaks of names that cannot be.
    BAD_ACCESS = "bad-access";
    /// A link's cost is not a whole number from 1 on.
    BAD_COST = "bad-cost";
    /// A text that should be `tcp://HOST:PORT`, `ipc://PATH` or `mem://NAME` is not.
    BAD_ENDPOINT = "bad-endpoint";
    /// What a file expects of a route cannot be, whatever the routes are.
    BAD_EXPECT = "bad-expect";
    /// A hop limit is not a number from 1 to 255.
    BAD_HOP_LIMIT = "bad-hop-limit";
    /// What a link is made to suffer is not within bounds, or not written as it should be.
    BAD_IMPAIRMENT = "bad-impairment";
    /// A limit of a node is not within bounds, or not written as it should be.
    BAD_LIMIT = "bad-limit";
    /// `link_silence` is not more than twice `hello`, or one of them is no such time.
    BAD_LIVENESS = "bad-liveness";
    /// A name breaks the rules for names.
    BAD_NAME = "bad-name";
    /// A position is not two numbers.
    BAD_POSITION = "bad-position";
    /// A route's destination is neither a name nor a prefix such as `region.*`.
    BAD_ROUTE = "bad-route";
    /// Braces, a count or a fan-out that make no good texts or nodes.
    BAD_TEMPLATE = "bad-template";
    /// A value is none of those allowed.
    BAD_VALUE = "bad-value";
    /// Two nodes listen at, or are dialled at, the same place.
    DUPLICATE_ADDRESS = "duplicate-address";
    /// A file is included twice.
    DUPLICATE_INCLUDE = "duplicate-include";
    /// A key or table stands in the file, or in two of its files, twice.
    DUPLICATE_KEY = "duplicate-key";
    /// Two nodes or clients have the same name.
    DUPLICATE_NAME = "duplicate-name";
    /// A node lists the same upstream twice.
    DUPLICATE_UPSTREAM = "duplicate-upstream";
    /// A service is offered nowhere.
    EMPTY_SERVICE = "empty-service";
    /// The file, or all files together, are too large to be a topology.
    FILE_TOO_LARGE = "file-too-large";
    /// A group inherits from itself, perhaps by way of others.
    GROUP_CYCLE = "group-cycle";
    /// Files include each other in a circle.
    INCLUDE_CYCLE = "include-cycle";
    /// A node listens where nobody can dial it, and says no `address`.
    MISSING_ADDRESS = "missing-address";
    /// A key that must be there is not.
    MISSING_KEY = "missing-key";
    /// The mesh has no nodes.
    NO_NODES = "no-nodes";
    /// A node listens beyond its own machine in a mesh that is not `open`.
    NOT_OPEN = "not-open";
    /// The file is not UTF-8 text.
    NOT_UTF8 = "not-utf8";
    /// A node links to itself.
    SELF_LINK = "self-link";
    /// A node is its own next hop.
    SELF_ROUTE = "self-route";
    /// The file is not TOML.
    SYNTAX = "syntax";
    /// The mesh is written in too many files.
    TOO_MANY_FILES = "too-many-files";
    /// The file comes to more links than a mesh can have.
    TOO_MANY_LINKS = "too-many-links";
    /// The file comes to more nodes than a mesh can have.
    TOO_MANY_NODES = "too-many-nodes";
    /// A node dials one whose address cannot be known on the dialler's machine.
    UNKNOWN_ADDRESS = "unknown-address";
    /// A client is named that the file does not list.
    UNKNOWN_CLIENT = "unknown-client";
    /// A group is named that the file does not declare.
    UNKNOWN_GROUP = "unknown-group";
    /// A key or table that no topology file has.
    UNKNOWN_KEY = "unknown-key";
    /// A link is named that joins no two nodes of the file.
    UNKNOWN_LINK = "unknown-link";
    /// `[lints.allow]` names a code that no lint and no note has.
    UNKNOWN_LINT = "unknown-lint";
    /// A route's next hop is no node, no client of its node, and not `upstream`.
    UNKNOWN_NEXT_HOP = "unknown-next-hop";
    /// A node is named that the file does not declare.
    UNKNOWN_NODE = "unknown-node";
    /// The file cannot be read.
    UNREADABLE_FILE = "unreadable-file";
    /// A value is of the wrong type, such as a number where a text belongs.
    WRONG_TYPE = "wrong-type";
}

codes! { LINTS, LINT_SUMMARIES, "The codes of all lints, in alphabetical order.":
    /// A planned client, or a service, may not attach at its node.
    CLIENT_DENIED = "client-denied";
    /// The two ends of a link give it different costs; the greater counts.
    COSTS_DIFFER = "costs-differ";
    /// The best way between two nodes is longer than the hop limit allows.
    HOP_LIMIT_BELOW_DIAMETER = "hop-limit-below-diameter";
    /// Two nodes are each other's upstream, which is one link.
    LINK_DECLARED_TWICE = "link-declared-twice";
    /// `[lints.allow]` allows something that is not found.
    NEEDLESS_ALLOW = "needless-allow";
    /// A route leads to `upstream` at a node that has none.
    NO_UPSTREAM = "no-upstream";
    /// An access rule that never counts, because one before it is for all that it is for.
    SHADOWED_RULE = "shadowed-rule";
    /// Nodes that no link joins to the rest of the mesh.
    UNREACHABLE_NODE = "unreachable-node";
    /// Nothing inherits from a group.
    UNUSED_GROUP = "unused-group";
}

codes! { NOTES, NOTE_SUMMARIES, "The codes of all notes, in alphabetical order.":
    /// A link that all ways between two parts of the mesh take.
    BRIDGE = "bridge";
    /// A node that all ways between parts of the mesh lead through.
    CUT_NODE = "cut-node";
}
