//! The stable code of each kind of mistake and of each lint.
//!
//! Codes are part of the interface: tools filter by them, so a code is never renamed or reused.

macro_rules! codes {
    ($list:ident, $about:literal: $($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $code;)*
        #[doc = $about]
        pub const $list: &[&str] = &[$($code),*];
    };
}

codes! { ERRORS, "The codes of all errors, in alphabetical order.":
    /// `bind = "auto"` beside an `address`: what others dial is not known before the start.
    AUTO_WITH_ADDRESS = "auto-with-address";
    /// A link's cost is not a whole number from 1 on.
    BAD_COST = "bad-cost";
    /// A text that should be `tcp://HOST:PORT`, `ipc://PATH` or `mem://NAME` is not.
    BAD_ENDPOINT = "bad-endpoint";
    /// A hop limit is not a number from 1 to 255.
    BAD_HOP_LIMIT = "bad-hop-limit";
    /// A name breaks the rules for names.
    BAD_NAME = "bad-name";
    /// A route's destination is neither a name nor a prefix such as `region.*`.
    BAD_ROUTE = "bad-route";
    /// A value is none of those allowed.
    BAD_VALUE = "bad-value";
    /// Two nodes listen at, or are dialled at, the same place.
    DUPLICATE_ADDRESS = "duplicate-address";
    /// A key or table stands in the file twice.
    DUPLICATE_KEY = "duplicate-key";
    /// Two nodes or clients have the same name.
    DUPLICATE_NAME = "duplicate-name";
    /// A node lists the same upstream twice.
    DUPLICATE_UPSTREAM = "duplicate-upstream";
    /// The file is too large to be a topology.
    FILE_TOO_LARGE = "file-too-large";
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
    /// A node dials one whose address cannot be known on the dialler's machine.
    UNKNOWN_ADDRESS = "unknown-address";
    /// A key or table that no topology file has.
    UNKNOWN_KEY = "unknown-key";
    /// A route's next hop is no node, no client, and not `upstream`.
    UNKNOWN_NEXT_HOP = "unknown-next-hop";
    /// A node is named that the file does not declare.
    UNKNOWN_NODE = "unknown-node";
    /// The file cannot be read.
    UNREADABLE_FILE = "unreadable-file";
    /// A value is of the wrong type, such as a number where a text belongs.
    WRONG_TYPE = "wrong-type";
}

codes! { LINTS, "The codes of all lints, in alphabetical order.":
    /// The two ends of a link give it different costs; the greater counts.
    COSTS_DIFFER = "costs-differ";
    /// The best way between two nodes is longer than the hop limit allows.
    HOP_LIMIT_BELOW_DIAMETER = "hop-limit-below-diameter";
    /// Two nodes are each other's upstream, which is one link.
    LINK_DECLARED_TWICE = "link-declared-twice";
    /// A route leads to `upstream` at a node that has none.
    NO_UPSTREAM = "no-upstream";
    /// Nodes that no link joins to the rest of the mesh.
    UNREACHABLE_NODE = "unreachable-node";
}
