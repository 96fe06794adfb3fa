//! Who is attached: connections, and names at this node.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_core::Frames;

use super::broker::BrokerClient;
use super::conn::Conn;
use super::sessions::Session;
use super::tables::Tables;
use super::{Brain, ConnId, Event, Now, Opened, Room};
use crate::dialect::Dialect;
use crate::name::ClientName;
use crate::reason::Reason;
use crate::route::{NameMap, Refusal};
use crate::wire::MessageId;
use crate::wire::link_state::{Attachment, AttachmentKind};

/// How much of a pending client's messages waits.
const HELD_MESSAGES: usize = 64;
const HELD_BYTES: usize = 1024 * 1024;

/// What kind of name a name is.
pub(super) fn kind(name: &ClientName) -> AttachmentKind {
    if name.is_group() {
        AttachmentKind::Group
    } else if name.is_broker() {
        AttachmentKind::Broker
    } else {
        AttachmentKind::Client
    }
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: ClientName,
    pub(super) anonymous: bool,
    pub(super) request: bool,
    pub(super) operator: bool,
    /// What it speaks; none while it has not spoken.
    pub(super) dialect: Option<Dialect>,
    /// Its session, if it speaks that dialect and has one.
    pub(super) session: Option<Session>,
    /// What it is in the broker dialect, if it has spoken that.
    pub(super) broker: Option<Box<BrokerClient>>,
    pub(super) claim: Claim,
    since: u64,
    /// When it came, since the node's clock started.
    came: Duration,
    /// It may not attach, and nobody was told yet.
    unsaid: bool,
    /// Its connection is not read for now.
    pub(super) paused: bool,
}

/// How a client stands with its name.
#[derive(Debug)]
pub(super) enum Claim {
    Attached,
    Pending {
        held: Vec<Frames>,
        bytes: usize,
    },
    /// It does not get the name, for this reason.
    Refused(Reason),
}

/// May this client's message be handled now?
#[derive(Debug)]
pub(super) enum Standing {
    /// Yes: it has its name.
    Attached,
    /// Not yet: the message has been put aside.
    Held,
    /// No: it does not get its name, for this reason.
    Refused(Reason),
}

/// The names at this node.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Who is reached by a name: attached clients, and anonymous ones under theirs.
    pub(super) names: NameMap<ClientName, ConnId>,
    /// What the node tells the others: attached clients with the time they came.
    pub(super) told: BTreeMap<ClientName, u64>,
    /// Who waits for a name, longest first.
    pub(super) waiting: BTreeMap<ClientName, Vec<ConnId>>,
    /// When the first pending claim ends.
    pub(super) pending: BTreeMap<ConnId, Duration>,
    /// Names attached here that a node of lesser name has too, as far as is known.
    pub(super) disputed: BTreeSet<ClientName>,
    /// Holders of names that are being asked whether they are there, and until when an answer is waited
    /// for.
    pub(super) asked: BTreeMap<ConnId, Duration>,
    /// Names that somebody waits for and nobody has, and when they are given out.
    pub(super) free: BTreeMap<ClientName, Duration>,
    /// How many of the session dialect have a session.
    pub(super) sessions: usize,
}

impl Clients {
    /// The connection of the client that is reached here by this name.
    pub(super) fn conn(&self, name: &str) -> Option<ConnId> {
        self.names.get(name).copied()
    }

    /// The name as it is kept here, if it is here.
    pub(super) fn name(&self, name: &str) -> Option<&str> {
        self.names.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// Whether a client is attached here by this name.
    pub(super) fn holds(&self, name: &ClientName) -> bool {
        self.told.contains_key(name)
    }

    /// All that are attached, as the other nodes are told.
    pub(super) fn attached(&self) -> Vec<Attachment> {
        let attachment = |(name, since): (&ClientName, &u64)| Attachment {
            name: name.clone(),
            kind: kind(name),
            since: *since,
        };
        self.told.iter().map(attachment).collect()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.pending.values().chain(self.free.values()).min().copied()
    }
}

impl Brain {
    pub(super) fn opened(&mut self, now: Now, conn: ConnId, opened: Opened, room: &impl Room) {
        match opened {
            Opened::Dialled { neighbour } => self.open_link(now, conn, neighbour),
            Opened::Accepted { identity, request, operator } => {
                let identity = identity.filter(|identity| !identity.is_empty());
                let anonymous = identity.is_none();
                let name = match &identity {
                    Some(identity) => ClientName::from_identity(identity),
                    None => ClientName::hex(&self.entropy.nonce()[..16]),
                };
                let denied = !operator && !self.config.access().attach(name.as_str()).allowed;
                let client = Client {
                    name: name.clone(),
                    anonymous,
                    request,
                    operator,
                    dialect: None,
                    session: None,
                    broker: None,
                    claim: Claim::Refused(Reason::NameInUse),
                    since: now.unix_millis(),
                    came: now.since_start,
                    // A stranger without a name may yet turn out to be a node.
                    unsaid: denied && anonymous,
                    paused: false,
                };
                self.conns.insert(conn, Conn::Client(client));
                if denied {
                    self.set_claim(conn, Claim::Refused(Refusal::AccessDenied.into()));
                    if !anonymous {
                        self.event(Event::AccessDenied(name));
                    }
                } else if anonymous {
                    self.clients.names.insert(name, conn);
                    self.set_claim(conn, Claim::Attached);
                } else {
                    self.claim(now, conn, name, room);
                }
            }
        }
    }

    pub(super) fn closed(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        self.blocked.ended(conn);
        self.drain.client_gone(conn);
        self.leave_unsaid(now, conn, room);
        if matches!(self.conns.get(&conn), Some(Conn::Client(_))) {
            return self.forget_client(now, conn, room);
        }
        if let Some(Conn::Link(neighbour)) = self.conns.remove(&conn) {
            self.link_down(now, &neighbour, room);
            self.ask_again(now, &neighbour);
        }
    }

    /// The client of this connection, if it is a client's.
    pub(super) fn client(&mut self, conn: ConnId) -> Option<&mut Client> {
        match self.conns.get_mut(&conn) {
            Some(Conn::Client(client)) => Some(client),
            Some(
                Conn::Greeting(_)
                | Conn::Dialling(_)
                | Conn::Link(_)
                | Conn::Standby(_)
                | Conn::Refused,
            )
            | None => None,
        }
    }

    /// The address by which the client of a connection is reached from anywhere: its bare name, if
    /// that leads to nobody else. The name of a service leads to whoever the policy says.
    pub(super) fn address(&self, client: &Client) -> String {
        let (name, here) = (client.name.as_str(), &self.config.node);
        let is_node = name == here.as_str() || self.tables.table.knows(name);
        let Tables { directory, table, .. } = &self.tables;
        let leads_here = directory.policy(name).is_none()
            && directory.holder(name, table, MessageId::default()) == Some(here);
        let bare = !client.anonymous && !is_node && leads_here;
        if bare {
            client.name.as_str().to_owned()
        } else {
            format!("{}@{}", client.name, self.config.node)
        }
    }

    /// Whether a client's message may be handled; if it has to wait, it is taken.
    pub(super) fn standing(&mut self, conn: ConnId, frames: &mut Frames) -> Standing {
        let Some(client) = self.client(conn) else {
            return Standing::Refused(Reason::NameInUse);
        };
        match &mut client.claim {
            Claim::Attached => Standing::Attached,
            Claim::Refused(reason) => {
                let reason = *reason;
                if std::mem::take(&mut client.unsaid) {
                    let name = client.name.clone();
                    self.event(Event::AccessDenied(name));
                }
                Standing::Refused(reason)
            }
            Claim::Pending { held, bytes } => {
                let size: usize = frames.iter().map(Bytes::len).sum();
                if held.len() >= HELD_MESSAGES || *bytes + size > HELD_BYTES {
                    return Standing::Refused(Reason::NameInUse);
                }
                *bytes += size;
                held.push(std::mem::take(frames));
                Standing::Held
            }
        }
    }

    /// Whether the client of a connection has its name.
    pub(super) fn is_attached(client: &Client) -> bool {
        matches!(client.claim, Claim::Attached)
    }
}

impl Client {
    /// When the client came, in Unix milliseconds.
    pub(super) fn since(&self) -> u64 {
        self.since
    }

    /// When the client came, by the clock that does not jump.
    pub(super) fn came(&self) -> Duration {
        self.came
    }
}
