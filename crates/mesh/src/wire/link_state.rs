//! What nodes tell each other of nodes, links and attachments.
//!
//! Each node originates two records, its [`Adjacency`] and its [`Attachments`]; each has a sequence
//! that counts within the node's incarnation, and the newer one replaces the older. They are flooded:
//! a node hands on what was new to it, to every neighbour but the one that it came from. A link
//! counts only while both of its ends report it.
//!
//! When a link comes up, its ends compare first, so that two that know the same say next to nothing:
//!
//! ```text
//!  greater name                               lesser name
//!    digest of all it knows         ->
//!                                   <-          summary: the age of each thing known   (where the digests differ)
//!    what the lesser lacks, and
//!    a summary of what it lacks     ->
//!                                   <-          what the greater lacks
//! ```

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::WireError;
use crate::name::{ClientName, NodeName};

/// What one neighbour tells another: records, numbered so that they can be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flood {
    /// This flood's number on this link, 1 for the first.
    pub number: u64,
    /// The records, in no order that matters.
    pub records: Vec<Record>,
}

/// One piece of link state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A node and its live links.
    Adjacency(Adjacency),
    /// The names present at a node.
    Attachments(Attachments),
    /// Asks the neighbour for all it knows of a node.
    Request(NodeName),
    /// A digest of all that the sender knew when the link came up: where the neighbour knew other things, it sends
    /// its [`Summary`].
    Digest(u64),
    /// How old what the sender knows is. The neighbour tells what is newer, and asks for what is older.
    Summary(Summary),
}

/// How old what a node knows is, as in the database descriptions of OSPF (RFC 2328, section 7.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whether it has all that the sender knows: then the neighbour tells what is not in it too, and asks for what it
    /// lacks itself.
    pub whole: bool,
    /// A node each, sorted by name.
    pub known: Vec<Held>,
}

/// How old what is known of one node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Held {
    /// The node.
    pub origin: NodeName,
    /// The age of its [`Adjacency`]; that of nothing is 0.
    pub links: Age,
    /// The age of its [`Attachments`].
    pub names: Age,
}

/// Name, incarnation and sequence of the links, of the names. A summary has one for each node of the mesh, so it is
/// written without the names of its parts.
type Row = (NodeName, u64, u64, u64, u64);

impl From<Row> for Held {
    fn from((origin, links, link_sequence, names, name_sequence): Row) -> Self {
        let age = |incarnation, sequence| Age { incarnation, sequence };
        Self { origin, links: age(links, link_sequence), names: age(names, name_sequence) }
    }
}

impl From<Held> for Row {
    fn from(Held { origin, links, names }: Held) -> Self {
        (origin, links.incarnation, links.sequence, names.incarnation, names.sequence)
    }
}

/// How new a record is: a later incarnation is newer, then a later sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Age {
    /// The originator's run: at least Unix milliseconds at its start, and more than any before.
    pub incarnation: u64,
    /// A count within that run, 1 for the first.
    pub sequence: u64,
}

impl Age {
    /// No incarnation and no sequence comes as far as 2^48: as Unix milliseconds that is the year 10889. A higher one
    /// is not believed, or whoever made it up could silence a node for good.
    pub const END: u64 = 1 << 48;

    /// Whether an honest node can have come so far.
    #[must_use]
    pub fn is_credible(self) -> bool {
        self.incarnation < Self::END && self.sequence < Self::END
    }
}

/// A node and its live links, as the node itself sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjacency {
    /// The node.
    pub origin: NodeName,
    /// How new this is.
    pub age: Age,
    /// Its neighbours over live links, sorted by name.
    pub links: Vec<Adjacent>,
    /// The node says good-bye: forget it and its attachments.
    #[serde(default)]
    pub leaving: bool,
}

/// One live link of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjacent {
    /// The neighbour.
    pub node: NodeName,
    /// The cost, as the originator has it; where the two ends differ the greater counts.
    pub cost: u32,
}

/// The names present at a node: all of them, or what changed since an earlier sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachments {
    /// The node.
    pub origin: NodeName,
    /// How new this is; counted apart from the adjacency's.
    pub age: Age,
    /// The sequence that this is a change to, or none where it is the whole.
    pub since: Option<u64>,
    /// Names that are there (whole) or have come (change), sorted.
    pub added: Vec<Attachment>,
    /// Names that have gone, sorted.
    #[serde(default)]
    pub removed: Vec<ClientName>,
}

/// A name present at a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    /// The name.
    pub name: ClientName,
    /// What kind of name it is.
    #[serde(default)]
    pub kind: AttachmentKind,
    /// When it came, in Unix milliseconds by its node's clock.
    pub since: u64,
}

/// What kind of name is present.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A client, under its identity.
    #[default]
    Client,
    /// A service that several nodes may offer.
    Service,
    /// A group with a member here.
    Group,
    /// A name registered in the broker dialect: a name space of its own.
    Broker,
}

impl Record {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        const EACH: usize = 64;
        match self {
            Self::Adjacency(adjacency) => EACH * (2 + adjacency.links.len()),
            Self::Attachments(names) => EACH * (2 + 2 * names.added.len() + names.removed.len()),
            Self::Request(_) | Self::Digest(_) => EACH,
            Self::Summary(summary) => EACH * (1 + summary.known.len()),
        }
    }
}

impl Flood {
    /// Reads a flood's payload frame.
    ///
    /// # Errors
    /// [`WireError::Pack`] where the bytes are no flood.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        rmp_serde::from_slice(bytes).map_err(|_| WireError::Pack("link state"))
    }

    /// Writes a flood's payload frame.
    #[must_use]
    pub fn write(&self) -> Bytes {
        rmp_serde::to_vec_named(self).map(Bytes::from).unwrap_or_default()
    }
}

/// How far a link's messages and floods have come, from their receiver; and how much more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinkAck {
    /// The number of the last message received; all before it were received too.
    pub messages: u64,
    /// The number of the last flood received.
    pub floods: u64,
    /// How many messages beyond `messages` the receiver will take.
    pub window: u32,
    /// How many bytes beyond `messages` the receiver will take.
    pub window_bytes: u64,
}

impl LinkAck {
    /// Reads an acknowledgement's payload frame.
    ///
    /// # Errors
    /// [`WireError::Pack`] where the bytes are none.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        rmp_serde::from_slice(bytes).map_err(|_| WireError::Pack("link ack"))
    }

    /// Writes an acknowledgement's payload frame.
    #[must_use]
    pub fn write(&self) -> Bytes {
        rmp_serde::to_vec_named(self).map(Bytes::from).unwrap_or_default()
    }
}
