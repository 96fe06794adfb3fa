//! Who is attached: connections, names, and claims to a name that somebody else has.
//!
//! ```text
//!  opened -> name free?  -- yes ------------------------------> attached
//!                |no
//!            pending: its messages wait -- holder gone ---------> attached
//!                |holder alive
//!            in use: whatever it sends is refused -- holder gone -> attached
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_core::Frames;

use super::links::{Dialling, Greeting, Standby};
use super::{Brain, ConnId, Event, Now, Opened, Room};
use crate::dialect::Dialect;
use crate::name::{ClientName, NodeName};
use crate::route::NameMap;
use crate::wire::link_state::{Attachment, AttachmentKind};

/// How long a holder at this node has to go before a newcomer is refused.
const HOLDER_HERE: Duration = Duration::from_millis(250);
/// How long another node has to say whether its holder is alive.
const HOLDER_ELSEWHERE: Duration = Duration::from_secs(1);
/// How much of a pending client's messages waits.
const HELD_MESSAGES: usize = 64;
const HELD_BYTES: usize = 1024 * 1024;

/// What a connection is.
#[derive(Debug)]
pub(super) enum Conn {
    /// A client's, or a stranger's that has not said it is a node.
    Client(Client),
    /// A stranger that said it is a node.
    Greeting(Greeting),
    /// This node dialled it.
    Dialling(Dialling),
    /// The link to this neighbour.
    Link(NodeName),
    /// One more connection to a neighbour that has a link.
    Standby(Standby),
    /// A stranger that would be a node and was told no.
    Refused,
}

impl Conn {
    pub(super) fn neighbour(&self) -> Option<&NodeName> {
        match self {
            Self::Dialling(Dialling { neighbour, .. })
            | Self::Link(neighbour)
            | Self::Standby(Standby { neighbour, .. }) => Some(neighbour),
            Self::Client(_) | Self::Greeting(_) | Self::Refused => None,
        }
    }

    /// When something is due if nothing is heard.
    pub(super) fn due(&self) -> Option<Duration> {
        match self {
            Self::Greeting(greeting) => Some(greeting.until()),
            Self::Dialling(dialling) => Some(dialling.until()),
            Self::Client(_) | Self::Link(_) | Self::Standby(_) | Self::Refused => None,
        }
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
    claim: Claim,
    since: u64,
}

#[derive(Debug)]
enum Claim {
    Attached,
    Pending { held: Vec<Frames>, bytes: usize },
    InUse,
}

/// May this client's message be handled now?
#[derive(Debug)]
pub(super) enum Standing {
    /// Yes: it has its name.
    Attached,
    /// Not yet: the message has been put aside.
    Held,
    /// No: its name is in use.
    InUse,
}

/// The names at this node.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Who is reached by a name: attached clients, and anonymous ones under theirs.
    names: NameMap<ClientName, ConnId>,
    /// What the node tells the others: attached clients with the time they came.
    told: BTreeMap<ClientName, u64>,
    /// Who waits for a name, longest first.
    waiting: BTreeMap<ClientName, Vec<ConnId>>,
    /// When the first pending claim ends.
    pending: BTreeMap<ConnId, Duration>,
    /// Names attached here that a node of lesser name has too, as far as is known.
    disputed: BTreeSet<ClientName>,
}

impl Clients {
    /// The connection of the client that is reached here by this name.
    pub(super) fn conn(&self, name: &str) -> Option<ConnId> {
        self.names.get(name).copied()
    }

    /// The name as it is kept here, if it is here.
    pub(super) fn name(&self, name: &str) -> Option<&str> {
        self.names
            .get_key_value(name)
            .map(|(name, _)| name.as_str())
    }

    /// Whether a client is attached here by this name.
    pub(super) fn holds(&self, name: &ClientName) -> bool {
        self.told.contains_key(name)
    }

    /// All that are attached, as the other nodes are told.
    pub(super) fn attached(&self) -> Vec<Attachment> {
        let attachment = |(name, since): (&ClientName, &u64)| Attachment {
            name: name.clone(),
            kind: AttachmentKind::Client,
            since: *since,
        };
        self.told.iter().map(attachment).collect()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.pending.values().min().copied()
    }
}

impl Brain {
    pub(super) fn opened(&mut self, now: Now, conn: ConnId, opened: Opened, room: &impl Room) {
        match opened {
            Opened::Dialled { neighbour } => self.open_link(now, conn, neighbour),
            Opened::Accepted {
                identity,
                request,
                operator,
            } => {
                let identity = identity.filter(|identity| !identity.is_empty());
                let anonymous = identity.is_none();
                let name = match &identity {
                    Some(identity) => ClientName::from_identity(identity),
                    None => ClientName::hex(&self.entropy.nonce()[..16]),
                };
                let client = Client {
                    name: name.clone(),
                    anonymous,
                    request,
                    operator,
                    dialect: None,
                    claim: Claim::InUse,
                    since: now.unix_millis(),
                };
                self.conns.insert(conn, Conn::Client(client));
                if anonymous {
                    self.clients.names.insert(name, conn);
                    self.set_claim(conn, Claim::Attached);
                } else {
                    self.claim(now, conn, name, room);
                }
            }
        }
    }

    pub(super) fn closed(&mut self, now: Now, conn: ConnId, room: &impl Room) {
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
    /// that leads to nobody else.
    pub(super) fn address(&self, client: &Client) -> String {
        let (name, here) = (client.name.as_str(), &self.config.node);
        let is_node = name == here.as_str() || self.tables.table.knows(name);
        let leads_here = self.tables.directory.holder(name, &self.tables.table) == Some(here);
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
            return Standing::InUse;
        };
        match &mut client.claim {
            Claim::Attached => Standing::Attached,
            Claim::InUse => Standing::InUse,
            Claim::Pending { held, bytes } => {
                let size: usize = frames.iter().map(Bytes::len).sum();
                if held.len() >= HELD_MESSAGES || *bytes + size > HELD_BYTES {
                    return Standing::InUse;
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

    fn claim(&mut self, now: Now, conn: ConnId, name: ClientName, room: &impl Room) {
        let elsewhere = self.holder_elsewhere(&name);
        let until = match (&elsewhere, self.clients.holds(&name)) {
            (_, true) => now.since_start + HOLDER_HERE,
            (Some(_), false) => now.since_start + HOLDER_ELSEWHERE,
            (None, false) => return self.attach(now, conn, &name, room),
        };
        self.set_claim(
            conn,
            Claim::Pending {
                held: Vec::new(),
                bytes: 0,
            },
        );
        self.clients
            .waiting
            .entry(name.clone())
            .or_default()
            .push(conn);
        self.clients.pending.insert(conn, until);
        if let Some(holder) = elsewhere {
            self.ask_claim(now, &name, &holder, until, room);
        }
    }

    /// Another node that has the name, as far as is known, and can be reached.
    fn holder_elsewhere(&self, name: &ClientName) -> Option<NodeName> {
        let holders = self.tables.directory.holders(name.as_str());
        let table = &self.tables.table;
        holders
            .filter(|node| **node != self.config.node)
            .find(|node| table.reaches(node))
            .cloned()
    }

    fn attach(&mut self, now: Now, conn: ConnId, name: &ClientName, room: &impl Room) {
        self.stop_waiting(conn, name);
        self.clients.names.insert(name.clone(), conn);
        self.clients.told.insert(name.clone(), now.unix_millis());
        self.event(Event::Attached(name.clone()));
        self.clients.disputed.insert(name.clone());
        self.originate_change(name, Some(now));
        self.refresh();
        let held = match self.set_claim(conn, Claim::Attached) {
            Some(Claim::Pending { held, .. }) => held,
            Some(Claim::Attached | Claim::InUse) | None => Vec::new(),
        };
        for frames in held {
            self.received(now, conn, frames, room);
        }
    }

    /// The name of a client that has lost it, or has gone, is free.
    fn detach(&mut self, now: Now, name: &ClientName, room: &impl Room) {
        self.clients.names.remove(name);
        if self.clients.told.remove(name).is_none() {
            return;
        }
        self.event(Event::Detached(name.clone()));
        self.originate_change(name, None);
        self.refresh();
        self.holder_gone(now, name, room);
        let next = self
            .clients
            .waiting
            .get(name)
            .and_then(|waiting| waiting.first().copied());
        if let Some(next) = next
            && self.holder_elsewhere(name).is_none()
        {
            self.attach(now, next, name, room);
        }
    }

    /// The connection is no client's any more.
    pub(super) fn forget_client(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return;
        };
        let name = client.name.clone();
        self.conns.remove(&conn);
        self.stop_waiting(conn, &name);
        if self.clients.conn(name.as_str()) == Some(conn) {
            self.detach(now, &name, room);
        }
    }

    /// The holder of a name at another node is alive: whoever waits for the name here is refused,
    /// and whoever has it here loses it if the other node's name is the lesser.
    pub(super) fn claim_lost(
        &mut self,
        now: Now,
        name: &ClientName,
        holder: &NodeName,
        room: &impl Room,
    ) {
        if self.clients.holds(name) && *holder > self.config.node {
            return;
        }
        if self.clients.holds(name)
            && let Some(conn) = self.clients.conn(name.as_str())
        {
            self.clients
                .waiting
                .entry(name.clone())
                .or_default()
                .push(conn);
            self.refuse_name(now, conn, room);
            self.detach(now, name, room);
            return;
        }
        for conn in self.clients.waiting.get(name).cloned().unwrap_or_default() {
            self.refuse_name(now, conn, room);
        }
    }

    /// Nobody has the name at the node that was asked.
    pub(super) fn claim_won(&mut self, now: Now, name: &ClientName, room: &impl Room) {
        if self.clients.holds(name) {
            return;
        }
        let waiting = self.clients.waiting.get(name);
        if let Some(conn) = waiting.and_then(|waiting| waiting.first().copied()) {
            self.attach(now, conn, name, room);
        }
    }

    /// Claims whose time has passed: a holder here is alive, a node that does not answer has none.
    pub(super) fn expire_claims(&mut self, now: Now, room: &impl Room) {
        let over = self
            .clients
            .pending
            .iter()
            .filter(|(_, until)| **until <= now.since_start);
        for conn in over.map(|(conn, _)| *conn).collect::<Vec<_>>() {
            self.clients.pending.remove(&conn);
            let Some(client) = self.client(conn) else {
                continue;
            };
            let name = client.name.clone();
            if self.clients.holds(&name) {
                self.refuse_name(now, conn, room);
            } else {
                self.attach(now, conn, &name, room);
            }
        }
    }

    /// Names that somebody waits for and that nobody has any more are given out.
    pub(super) fn give_out_names(&mut self, now: Now, room: &impl Room) {
        let free =
            |name: &&ClientName| !self.clients.holds(name) && self.holder_elsewhere(name).is_none();
        let free: Vec<_> = self.clients.waiting.keys().filter(free).cloned().collect();
        for name in free {
            self.claim_won(now, &name, room);
        }
    }

    /// These names were said to be at another node.
    pub(super) fn contested(&mut self, origin: &NodeName, names: &[ClientName]) {
        if *origin > self.config.node {
            return;
        }
        for name in names {
            if self.clients.holds(name) {
                self.clients.disputed.insert(name.clone());
            }
        }
    }

    /// Of two holders of a name the one at the lesser node name stays, if it is alive: the other node
    /// asks, as soon as there is a way, and again until one of the two has let go.
    pub(super) fn settle_disputes(&mut self, now: Now, room: &impl Room) {
        let me = &self.config.node;
        let mut asks = Vec::new();
        let mut disputed = std::mem::take(&mut self.clients.disputed);
        disputed.retain(|name| {
            let mut lesser = self.tables.directory.holders(name.as_str());
            let mut lesser = lesser.by_ref().take_while(|node| *node < me).peekable();
            let is_open = lesser.peek().is_some() && self.clients.holds(name);
            if is_open
                && !self.asked.has_asked(name)
                && let Some(holder) = lesser.find(|node| self.tables.table.reaches(node))
            {
                asks.push((name.clone(), holder.clone()));
            }
            is_open
        });
        self.clients.disputed = disputed;
        for (name, holder) in asks {
            self.ask_claim(
                now,
                &name,
                &holder,
                now.since_start + HOLDER_ELSEWHERE,
                room,
            );
        }
    }

    fn refuse_name(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        self.clients.pending.remove(&conn);
        let held = match self.set_claim(conn, Claim::InUse) {
            Some(Claim::Pending { held, .. }) => held,
            Some(Claim::Attached) => Vec::new(),
            Some(Claim::InUse) | None => return,
        };
        if let Some(client) = self.client(conn) {
            let name = client.name.clone();
            self.event(Event::NameInUse(name));
        }
        for frames in held {
            self.received(now, conn, frames, room);
        }
    }

    fn set_claim(&mut self, conn: ConnId, claim: Claim) -> Option<Claim> {
        self.client(conn)
            .map(|client| std::mem::replace(&mut client.claim, claim))
    }

    fn stop_waiting(&mut self, conn: ConnId, name: &ClientName) {
        self.clients.pending.remove(&conn);
        if let Some(waiting) = self.clients.waiting.get_mut(name) {
            waiting.retain(|other| *other != conn);
            if waiting.is_empty() {
                self.clients.waiting.remove(name);
            }
        }
    }
}

impl Client {
    /// When the client came, in Unix milliseconds.
    pub(super) fn since(&self) -> u64 {
        self.since
    }
}
