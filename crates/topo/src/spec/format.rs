//! The description of the format, as data: every table, its keys, and what each may hold.
//!
//! The reader takes its lists of known keys from here, `hopline schema` is made from it, and a test holds
//! the tables of docs/topology-files.md against it. A new key is a line here, a field of its spec, and an
//! arm where its table is read.

mod kinds;

use hopline_core::Limits;
use hopline_mesh::node::NodeConfig;

pub(crate) use kinds::{Key, Kind, Table};

/// What a key has for its default that must be there.
pub(crate) const REQUIRED: &str = "must be there";

const fn key(name: &'static str, kind: Kind, default: &'static str, means: &'static str) -> Key {
    Key { name, kind, default, means }
}

/// The least that nodes need among themselves.
const LEAST: Limits = NodeConfig::LEAST_LIMITS;

/// The greatest whole number where there is no other.
pub(crate) const ANY: u64 = i64::MAX as u64;
const COST: Kind = Kind::Whole(1, u32::MAX as u64);
const NO: &str = "none";
const BY_PORT: &str = "all may, and none at a port beyond the node's machine";
const USUAL: &str = "as it is by itself";

const DIALECTS: &[&str] = &["native", "json", "broker", "session"];

/// The file itself.
pub(crate) static FILE: Table = Table {
    title: "a topology file",
    means: "A mesh: its nodes, its links, and what is planned in it.",
    keys: &[&[
        key("include", Kind::TextOrTexts, NO, "files that are read as if they stood here"),
        key("mesh", Kind::Table(&MESH), REQUIRED, "what holds for the whole mesh"),
        key(
            "defaults",
            Kind::Table(&DEFAULTS),
            NO,
            "what every node and link has unless it says otherwise",
        ),
        key("groups", Kind::Named(&GROUP), NO, "what nodes can inherit"),
        key("nodes", Kind::Named(&NODE), NO, "the nodes by name"),
        key("trees", Kind::Tables(&TREE), NO, "hierarchies of nodes in short"),
        key("links", Kind::Tables(&LINK), NO, "links between any two nodes"),
        key("services", Kind::Named(&SERVICE), NO, "names that several nodes offer"),
        key("clients", Kind::Pairs, NO, "planned clients, each with its node"),
        key("client_groups", Kind::Lists, NO, "groups of planned clients"),
        key("routes", Kind::PairsOf, NO, "static routes, by node"),
        key("access", Kind::Table(&ACCESS), NO, "who may attach where, and send to whom"),
        key("lints", Kind::Table(&LINTS), NO, "what is meant though it looks odd"),
        key("expect", Kind::Tables(&EXPECT), NO, "what the routes must be like"),
    ]],
};

/// `[mesh]`.
pub(crate) static MESH: Table = Table {
    title: "`[mesh]`",
    means: "What holds for the whole mesh.",
    keys: &[&[
        key("name", Kind::Text, REQUIRED, "the mesh's name; nodes of different meshes never link"),
        key("hop_limit", Kind::Whole(1, 255), "64", "how many nodes a path may hold"),
        key("key_file", Kind::Text, "a key that `hopline up` makes", "a file with the mesh key"),
        key("open", Kind::Truth, "`false`", "whether nodes may listen beyond their own machine"),
        key(
            "duplicate",
            Kind::Word(&["refuse", "takeover"]),
            "`\"refuse\"`",
            "what a second live claim to a client's name comes to",
        ),
        key("dialects", Kind::Words(DIALECTS), "all four", "what raw clients may speak"),
        key("hello", Kind::Duration, "`250ms`", "how often each link carries a sign of life"),
        key(
            "link_silence",
            Kind::Duration,
            "`1s`",
            "how long nothing may come on a link before it is down; more than twice `hello`",
        ),
    ]],
};

/// What may be said of a node wherever nodes are described.
const NODE_KEYS: &[Key] = &[
    key(
        "groups",
        Kind::TextOrTexts,
        NO,
        "the groups it inherits from; the first that says something counts",
    ),
    key("bind", Kind::Bind, "`\"auto\"`", "where the node listens"),
    key("address", Kind::Endpoint, "what `bind` says", "what others dial, where that differs"),
    key("upstream", Kind::Upstreams, NO, "the nodes it dials"),
    key("dialects", Kind::Words(DIALECTS), "the mesh's", "what raw clients may speak at this node"),
    key("host", Kind::Text, NO, "the machine it runs on"),
    key("label", Kind::Text, "its name", "what people call it, in drawings and plans"),
    key(
        "position",
        Kind::Position,
        NO,
        "where it is drawn: x to the right and y upward, or longitude and latitude",
    ),
    key("limits", Kind::Table(&LIMITS), "those of every node", "what it takes on at most"),
];

/// What may be said of a link wherever links are described.
const LINK_KEYS: &[Key] = &[
    key("cost", COST, "that of `[defaults]`, else 10", "what the link adds to the cost of a way"),
    key("latency", Kind::Duration, NO, "how long each end holds back what it sends"),
    key("jitter", Kind::Duration, NO, "by how much more or less at most; the order is kept"),
    key("loss", Kind::Share, NO, "the share of messages that is lost, 0 to 1"),
    key("rate", Kind::Rate, NO, "how much passes in a second, each way, such as `10MB/s`"),
    key("seed", Kind::Whole(0, ANY), "0", "which messages are lost, and how jitter falls"),
    key(
        "cut",
        Kind::Truth,
        "`false`",
        "whether the link starts down, until `hopline impair --heal`",
    ),
];

/// `[defaults]`.
pub(crate) static DEFAULTS: Table = Table {
    title: "`[defaults]`",
    means: "What every node and link has that does not say otherwise.",
    keys: &[NODE_KEYS, &[key("cost", COST, "10", "the cost of every link that says none")]],
};

/// `[groups.NAME]`.
pub(crate) static GROUP: Table = Table {
    title: "`[groups.NAME]`",
    means: "What the nodes of a group inherit.",
    keys: &[NODE_KEYS],
};

/// `[nodes.NAME]`.
pub(crate) static NODE: Table = Table {
    title: "`[nodes.NAME]`",
    means: "A node, or with `count` as many as it says.",
    keys: &[
        NODE_KEYS,
        &[key(
            "count",
            Kind::Count,
            "one node",
            "makes it a template: `64` for n = 1 to 64, `\"5..8\"`, or counters such as `{ pod = 2, n = 3 }`",
        )],
    ],
};

/// An upstream as a table.
pub(crate) static UPSTREAM: Table = Table {
    title: "an upstream",
    means: "The link to an upstream.",
    keys: &[&[key("node", Kind::Name, REQUIRED, "the node that is dialled")], LINK_KEYS],
};

/// `[[links]]`.
pub(crate) static LINK: Table = Table {
    title: "`[[links]]`",
    means: "A link between two nodes of which neither is the other's upstream.",
    keys: &[&[key("ends", Kind::Ends, REQUIRED, "the two nodes; the first dials")], LINK_KEYS],
};

/// `[[trees]]`.
pub(crate) static TREE: Table = Table {
    title: "`[[trees]]`",
    means: "A hierarchy: a root and the levels below it.",
    keys: &[&[
        key("root", Kind::Name, REQUIRED, "the node at the top, which `[nodes]` may describe"),
        key("levels", Kind::Tables(&LEVEL), REQUIRED, "the levels from the top down"),
    ]],
};

/// A level of a tree.
pub(crate) static LEVEL: Table = Table {
    title: "a level of a tree",
    means: "The nodes of a level, each of which dials its parent.",
    keys: &[
        &[
            key(
                "names",
                Kind::Name,
                REQUIRED,
                "their names: `{n}` counts over the level, `{i}` below the parent, `{parent}` is its name",
            ),
            key(
                "fan_out",
                Kind::Whole(1, 100_000),
                REQUIRED,
                "how many there are below each node of the level above",
            ),
        ],
        NODE_KEYS,
        LINK_KEYS,
    ],
};

/// `[services.NAME]`.
pub(crate) static SERVICE: Table = Table {
    title: "`[services.NAME]`",
    means: "A name that clients at several nodes hold together.",
    keys: &[&[
        key("at", Kind::TextOrTexts, REQUIRED, "the nodes where it is offered"),
        key(
            "policy",
            Kind::Word(&["closest", "balanced"]),
            "`\"closest\"`",
            "which of them a message goes to",
        ),
    ]],
};

/// `[access]`.
pub(crate) static ACCESS: Table = Table {
    title: "`[access]`",
    means: "Who may attach where, and send to whom: of each list the first rule that matches counts.",
    keys: &[&[
        key("attach", Kind::Tables(&ATTACH), BY_PORT, "who may attach where"),
        key("send", Kind::Tables(&SEND), BY_PORT, "who may send to whom"),
    ]],
};

/// Who a rule of access is for.
const WHO: &[Key] = &[
    key(
        "allow",
        Kind::TextOrTexts,
        NO,
        "the clients that may: names, `prefix.*`, `hex:*`, or `*`; a rule has this or `deny`",
    ),
    key("deny", Kind::TextOrTexts, NO, "the clients that may not, written in the same way"),
];

/// `[[access.attach]]`.
pub(crate) static ATTACH: Table = Table {
    title: "`[[access.attach]]`",
    means: "Whether some clients may attach.",
    keys: &[WHO, &[key("at", Kind::TextOrTexts, "every node", "the nodes that it is about")]],
};

/// `[[access.send]]`.
pub(crate) static SEND: Table = Table {
    title: "`[[access.send]]`",
    means: "Whether some clients may send to some names.",
    keys: &[
        WHO,
        &[key(
            "to",
            Kind::TextOrTexts,
            "everybody",
            "the names that it is about, written as clients are: clients, services, nodes, destinations of static routes",
        )],
    ],
};

/// `[lints]`.
pub(crate) static LINTS: Table = Table {
    title: "`[lints]`",
    means: "What is meant though it looks odd.",
    keys: &[&[key(
        "allow",
        Kind::Reasons,
        NO,
        "codes of lints and notes, each with the reason why it is allowed",
    )]],
};

/// `limits` of a node.
pub(crate) static LIMITS: Table = Table {
    title: "`limits`",
    means: "What a node takes on at most.",
    keys: &[&[
        key("connections", Kind::Whole(1, ANY), USUAL, "connections at its port"),
        key(
            "per_address",
            Kind::Whole(1, ANY),
            USUAL,
            "connections from one address, loopback apart",
        ),
        key("handshake", Kind::Duration, USUAL, "how long a handshake may take"),
        key(
            "ping",
            Kind::Duration,
            USUAL,
            "how long a peer may be quiet before it is asked whether it is there",
        ),
        key("silence", Kind::Duration, USUAL, "how long a peer that was asked may say nothing"),
        key(
            "stall",
            Kind::Duration,
            USUAL,
            "how long a peer may take nothing of what waits for it",
        ),
        key("frame", Kind::Size(LEAST.frame as u64), USUAL, "bytes of a frame"),
        key("message", Kind::Size(LEAST.message as u64), USUAL, "bytes of a message"),
        key("frames", Kind::Whole(LEAST.frames as u64, ANY), USUAL, "frames of a message"),
        key(
            "queue_messages",
            Kind::Whole(1, ANY),
            USUAL,
            "messages that wait for one link or client",
        ),
        key("queue_bytes", Kind::Size(1), USUAL, "bytes that wait for one link or client"),
        key(
            "window_messages",
            Kind::Whole(1, ANY),
            USUAL,
            "messages sent over one link and not acknowledged",
        ),
        key("window_bytes", Kind::Size(1), USUAL, "bytes sent over one link and not acknowledged"),
        key(
            "flow_messages",
            Kind::Whole(1, ANY),
            USUAL,
            "messages on their way from this node to one other, where they leave the mesh",
        ),
        key("flow_bytes", Kind::Size(1), USUAL, "bytes on their way from this node to one other"),
        key("kept", Kind::Size(1), USUAL, "bytes of confirmed messages whose end is not known"),
        key(
            "inflated",
            Kind::Size(1),
            USUAL,
            "bytes of a payload of the session dialect when inflated",
        ),
        key(
            "unfinished",
            Kind::Size(LEAST.unfinished as u64),
            USUAL,
            "bytes of messages that all peers together have begun to send",
        ),
        key(
            "reserved",
            Kind::Whole(LEAST.reserved as u64, ANY),
            USUAL,
            "places for neighbours who have not proved the key, beyond those of `connections`",
        ),
    ]],
};

/// `[[expect]]`.
pub(crate) static EXPECT: Table = Table {
    title: "`[[expect]]`",
    means: "What the way of a message must be like; without any claim, it arrives.",
    keys: &[&[
        key("name", Kind::Text, NO, "what reports call it"),
        key("from", Kind::Text, REQUIRED, "the node or planned client that sends"),
        key(
            "to",
            Kind::Text,
            REQUIRED,
            "a node, planned client, service, `name@node`, or a name with a static route",
        ),
        key("path", Kind::Texts, NO, "exactly these nodes, from the first to the last"),
        key("via", Kind::TextOrTexts, NO, "passes all of these nodes and links"),
        key("avoids", Kind::TextOrTexts, NO, "passes none of these nodes and links"),
        key("max_hops", Kind::Whole(0, ANY), NO, "the most links"),
        key("max_cost", Kind::Whole(0, ANY), NO, "the most cost"),
        key("unreachable", Kind::Truth, "`false`", "the message must not arrive"),
        key("reason", Kind::Word(REASONS), NO, "why it must not arrive, beside `unreachable`"),
        key("after", Kind::Table(&AFTER), NO, "what has failed before"),
        key(
            "survives",
            Kind::Whole(1, crate::survive::MAX_DOWN as u64),
            NO,
            "with any so many links and nodes down besides, the message still arrives",
        ),
    ]],
};

/// Why a message may not arrive in a mesh that stands still.
pub(crate) const REASONS: &[&str] = &[
    "bad address",
    "unsupported address",
    "loop",
    "hop limit",
    "unknown destination",
    "unreachable",
    "next hop is source",
    "access denied",
];

/// `after` of an expectation.
pub(crate) static AFTER: Table = Table {
    title: "`after`",
    means: "What has failed before.",
    keys: &[&[key(
        "down",
        Kind::TextOrTexts,
        REQUIRED,
        "the nodes and links (`a--b`) that are down",
    )]],
};

#[cfg(test)]
mod tests;
