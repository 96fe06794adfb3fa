//! Claims to a name: who gets it, who waits, who is refused.
//!
//! ```text
//!  opened -> name free?  -- yes ------------------------------> attached
//!                |no: its holder is asked whether it is there
//!            pending: its messages wait -- holder gone, or ------> attached
//!                |holder alive              does not answer: closed
//!            in use: whatever it sends is refused -- holder gone -> attached
//! ```
//!
//! Where the mesh lets names be taken over, the newcomer is attached at once, and the holder is where the
//! refused one would be.
//!
//! The name of a service is free at each node that offers it, whoever has it at the others, and at no
//! other node is it to be had.

use std::time::Duration;

use super::clients::Claim;
use super::conn::Conn;
use super::{ASK_PATIENCE, Brain, ConnId, Event, Now, Output, Room};
use crate::name::{ClientName, NodeName};
use crate::reason::Reason;

/// How much later than that the answer may be known.
const ANSWER_KNOWN: Duration = Duration::from_millis(150);
/// The counter of holders that were closed for not answering; core has the same reason.
const PEER_SILENT: &str = "peer silent";
/// How long another node has to say whether its holder is alive.
const HOLDER_ELSEWHERE: Duration = Duration::from_secs(1);

impl Brain {
    /// A client says a name.
    pub(super) fn claim(&mut self, now: Now, conn: ConnId, name: ClientName, room: &impl Room) {
        if !self.is_offered_here(&name) {
            self.set_claim(conn, Claim::Refused(Reason::NotOffered));
            return self.event(Event::NotOffered(name));
        }
        self.take_over(now, &name, room);
        self.bring_table_up();
        let elsewhere = self.holder_elsewhere(&name);
        let until = match (&elsewhere, self.clients.holds(&name)) {
            (_, true) => self.ask_holder(now, &name),
            (Some(_), false) => now.since_start + HOLDER_ELSEWHERE,
            (None, false) => return self.attach(now, conn, &name, room),
        };
        self.set_claim(conn, Claim::Pending { held: Vec::new(), bytes: 0 });
        self.clients.waiting.entry(name.clone()).or_default().push(conn);
        self.clients.pending.insert(conn, until);
        if let Some(holder) = elsewhere {
            self.ask_claim(now, &name, &holder, until, room);
        }
    }

    /// Whether a name may be had at this node: that of a service may only where it is offered.
    pub(super) fn is_offered_here(&self, name: &ClientName) -> bool {
        let service = self.config.settings.services.get(name);
        service.is_none_or(|service| service.at.contains(&self.config.node))
    }

    /// Has the holder of a name at this node asked whether it is there. Says until when that is known.
    pub(super) fn ask_holder(&mut self, now: Now, name: &ClientName) -> Duration {
        let until = now.since_start + ASK_PATIENCE + ANSWER_KNOWN;
        if let Some(holder) = self.clients.conn(name.as_str()) {
            let asked = self.clients.asked.get(&holder);
            if asked.is_none_or(|until| *until <= now.since_start) {
                self.clients.asked.insert(holder, until);
                self.out.push(Output::Ask(holder));
            }
        }
        until
    }

    /// The holder of a name has shown that it is there, or has not: then its connection is closed, and the
    /// name is free.
    pub(super) fn holder_answered(
        &mut self,
        now: Now,
        conn: ConnId,
        alive: bool,
        room: &impl Room,
    ) {
        let Some(until) = self.clients.asked.remove(&conn) else {
            return;
        };
        let Some(client) = self.client(conn) else {
            return;
        };
        let name = client.name.clone();
        if alive {
            // One that has closed its connection, or is about to, has until then to be gone.
            let grace = until.saturating_sub(ANSWER_KNOWN);
            let waiting = self.clients.waiting.get(&name).map(Vec::as_slice).unwrap_or_default();
            for waiting in waiting {
                if let Some(pending) = self.clients.pending.get_mut(waiting) {
                    *pending = (*pending).min(grace);
                }
            }
            return self.holder_stays(&name, grace);
        }
        self.counters.add(PEER_SILENT);
        self.event(Event::HolderSilent(name));
        self.out.push(Output::Close(conn));
        self.closed(now, conn, room);
    }

    /// A claim, here or at another node, takes over a name that is held here, if this mesh lets it.
    pub(super) fn take_over(&mut self, now: Now, name: &ClientName, room: &impl Room) {
        if self.config.settings.takeover {
            self.lose(now, name, room);
        }
    }

    /// Whoever has the name at this node loses it, and is told so from now on. Says whether anybody had it.
    fn lose(&mut self, now: Now, name: &ClientName, room: &impl Room) -> bool {
        let holder = self.clients.conn(name.as_str()).filter(|_| self.clients.holds(name));
        if let Some(conn) = holder {
            self.clients.waiting.entry(name.clone()).or_default().push(conn);
            self.refuse_name(now, conn, room);
            self.detach(now, name, room);
        }
        holder.is_some()
    }

    /// Another node that has the name, as far as is known, and can be reached. None has the name of a
    /// service for itself.
    fn holder_elsewhere(&self, name: &ClientName) -> Option<NodeName> {
        if self.config.settings.services.contains_key(name) {
            return None;
        }
        let holders = self.tables.directory.holders(name.as_str());
        let table = &self.tables.table;
        holders.filter(|node| **node != self.config.node).find(|node| table.reaches(node)).cloned()
    }

    fn attach(&mut self, now: Now, conn: ConnId, name: &ClientName, room: &impl Room) {
        self.stop_waiting(conn, name);
        self.clients.names.insert(name.clone(), conn);
        self.clients.told.insert(name.clone(), now.unix_millis());
        self.event(Event::Attached(name.clone()));
        self.join_planned(now, conn, name);
        if !self.config.settings.services.contains_key(name) {
            self.clients.disputed.insert(name.clone());
        }
        self.originate_change(name, Some(now.unix_millis()));
        self.refresh();
        let held = match self.set_claim(conn, Claim::Attached) {
            Some(Claim::Pending { held, .. }) => held,
            Some(Claim::Attached | Claim::Refused(_)) | None => Vec::new(),
        };
        for frames in held {
            self.received(now, conn, frames, room);
        }
    }

    /// The name of a client that has lost it, or has gone, is free.
    fn detach(&mut self, now: Now, name: &ClientName, room: &impl Room) {
        if let Some(conn) = self.clients.names.remove(name) {
            self.leave_broker(conn);
            self.leave_groups(conn);
        }
        if self.clients.told.remove(name).is_none() {
            return;
        }
        self.event(Event::Detached(name.clone()));
        self.originate_change(name, None);
        self.refresh();
        self.holder_gone(now, name, room);
        if !self.config.settings.takeover && self.holder_elsewhere(name).is_none() {
            self.claim_won(now, name, room);
        }
    }

    /// The connection is no client's any more.
    pub(super) fn forget_client(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        let Some(Conn::Client(client)) = self.conns.get(&conn) else {
            return;
        };
        let name = client.name.clone();
        let has_session = client.session.is_some();
        self.leave_broker(conn);
        self.clients.sessions -= usize::from(has_session);
        self.conns.remove(&conn);
        self.clients.asked.remove(&conn);
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
        if self.lose(now, name, room) {
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
        let waiting = self.clients.waiting.get(name).map(Vec::as_slice).unwrap_or_default();
        // Of those who have just come the last has taken over from the others.
        let is_new = |conn: &&ConnId| {
            self.config.settings.takeover && self.clients.pending.contains_key(conn)
        };
        if let Some(conn) = waiting.iter().rfind(is_new).or(waiting.first()).copied() {
            self.attach(now, conn, name, room);
        }
    }

    /// Claims whose time has passed: a holder here is alive, a node that does not answer has none.
    pub(super) fn expire_claims(&mut self, now: Now, room: &impl Room) {
        let over = self.clients.pending.iter().filter(|(_, until)| **until <= now.since_start);
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
        // A name that is being taken over is free for as long as the news travels.
        let pause = if self.config.settings.takeover { HOLDER_ELSEWHERE } else { Duration::ZERO };
        let before = std::mem::take(&mut self.clients.free);
        for name in free {
            let due = before.get(&name).copied().unwrap_or(now.since_start + pause);
            if due <= now.since_start {
                self.claim_won(now, &name, room);
            } else {
                self.clients.free.insert(name, due);
            }
        }
    }

    /// These names were said to be at another node.
    pub(super) fn contested(&mut self, origin: &NodeName, names: &[ClientName]) {
        if *origin > self.config.node {
            return;
        }
        for name in names {
            let is_shared = name.is_group()
                || name.is_broker()
                || self.config.settings.services.contains_key(name);
            if self.clients.holds(name) && !is_shared {
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
            self.ask_claim(now, &name, &holder, now.since_start + HOLDER_ELSEWHERE, room);
        }
    }

    fn refuse_name(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        self.clients.pending.remove(&conn);
        let held = match self.set_claim(conn, Claim::Refused(Reason::NameInUse)) {
            Some(Claim::Pending { held, .. }) => held,
            Some(Claim::Attached) => Vec::new(),
            Some(Claim::Refused(_)) | None => return,
        };
        if let Some(client) = self.client(conn) {
            let name = client.name.clone();
            self.event(Event::NameInUse(name));
        }
        for frames in held {
            self.received(now, conn, frames, room);
        }
    }

    pub(super) fn set_claim(&mut self, conn: ConnId, claim: Claim) -> Option<Claim> {
        self.client(conn).map(|client| std::mem::replace(&mut client.claim, claim))
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
