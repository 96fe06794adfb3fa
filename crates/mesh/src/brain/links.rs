//! Links: one for each neighbour, whichever of the two dialled, and what travels on it.
//!
//! ```text
//!                  +-- proof does not hold, other mesh, cut --> refused: asks again later
//!  opened -> hello +
//!                  +-- proof holds --> link  -- closed --> down: what waited is routed anew,
//!                         |                                what was not acknowledged is in doubt
//!                         +-- the pair has a better connection --> standby: asks again when it ends
//! ```

mod beats;
mod compare;
mod flush;
mod handshake;
mod impaired;
mod owed;
mod session;

use std::time::Duration;

pub(super) use handshake::{Dialling, Greeting, Standby, length};
pub(super) use impaired::LOST;
pub(super) use owed::{Names, News, Owed};
pub(super) use session::{Link, Session};

use super::conn::Conn;
use super::message::Message;
use super::outbox::{Fallen, Taken};
use super::{Brain, ConnId, Event, LinkConfig, Now, Output, Room, counters::Flow, local};
use crate::name::{MAX_NAME, NodeName};
use crate::reason::Reason;
use crate::wire::hello::{Hello, Run};
use crate::wire::link_state::LinkAck;
use crate::wire::{Class, Kind, Prefix, Stamp, Times, batch};

/// Messages of up to this many bytes travel together where several wait.
const SMALL: usize = 4 * 1024;

impl Brain {
    /// A connection has become the link to `neighbour`, unless the pair has another that stays. Says
    /// whether it has.
    ///
    /// Of two connections that the same end dialled the later stays. Of two that cross, the one that
    /// the lesser name dialled stays; and the listener takes no second one, so that a link that is up
    /// is not disturbed.
    fn link_up(
        &mut self,
        now: Now,
        conn: ConnId,
        neighbour: &NodeName,
        we_dialled: bool,
        run: Run,
        room: &impl Room,
    ) -> bool {
        let we_are_lesser = self.config.node < *neighbour;
        let old = self.session(neighbour);
        match old.map(|session| (session.conn, session.we_dialled)) {
            Some((_, dialled)) if dialled != we_dialled && !(we_dialled && we_are_lesser) => {
                return false;
            }
            Some((old, _)) => {
                self.conns.remove(&old);
                self.out.push(Output::Close(old));
                self.link_down(now, neighbour, room);
            }
            None if !we_dialled && we_are_lesser && self.is_dialling(neighbour) => return false,
            None => {}
        }
        let digest = self.database.digest();
        let stranger = LinkConfig::accepting(LinkConfig::DEFAULT_COST);
        let config = &self.config;
        let link = self
            .links
            .entry(neighbour.clone())
            .or_insert_with(|| Link::new(config, neighbour, stranger));
        link.refused = None;
        if link.silent.take().is_some() {
            // What was in its hands goes on now, and errors may come of it.
            self.drain.told(now);
        }
        let (window, time) = (config.settings.window, now.since_start);
        let mut session = Session::new(conn, we_dialled, run, window, time, digest);
        if self.drain.is_retiring() || link.retiring.is_some() {
            session.flush.want();
        }
        link.session = Some(session);
        self.namesakes.forget(&self.config.node);
        self.conns.insert(conn, Conn::Link(neighbour.clone()));
        true
    }

    /// What both ends know is compared; then the link is announced.
    fn link_ready(&mut self, neighbour: &NodeName) {
        if let Some(link) = self.links.get_mut(neighbour)
            && link.meet()
            && link.session.as_ref().is_some_and(|session| session.we_dialled)
        {
            self.out.push(Output::Vouch(neighbour.clone()));
        }
        self.event(Event::LinkUp(neighbour.clone()));
        self.wayless.stirred = true;
        self.compare_with(neighbour);
    }

    /// The link to `neighbour` has lost its connection.
    pub(super) fn link_down(&mut self, now: Now, neighbour: &NodeName, room: &impl Room) {
        let Some(link) = self.links.get_mut(neighbour) else {
            return;
        };
        if link.session.take().is_none() {
            return;
        }
        let Fallen { in_doubt, unsent } = link.outbox.fail();
        link.line.fail();
        self.namesakes.forget(neighbour);
        self.forget_stranger(neighbour);
        self.event(Event::LinkDown(neighbour.clone()));
        self.originate_adjacency();
        self.turn_to_alternates();
        self.refresh();
        self.counters.add_to(Flow::Recalled, in_doubt.len() as u64);
        for message in in_doubt {
            self.in_doubt(now, message, room);
        }
        for message in unsent {
            self.route(now, message, room);
        }
    }

    /// A neighbour that is not declared is forgotten with its link, unless an operator has cut it.
    fn forget_stranger(&mut self, neighbour: &NodeName) {
        let is_idle = |link: &Link| !link.is_up() && !link.cut;
        if !self.config.settings.links.contains_key(neighbour)
            && self.links.get(neighbour).is_some_and(is_idle)
        {
            // One that this end dials was declared, and is not any more.
            if self.links.remove(neighbour).is_some_and(|link| link.dials()) {
                self.out.push(Output::Hang(neighbour.clone()));
            }
        }
    }

    /// A message was sent and the link died: one that is `at_most_once` nobody may send again, one that is
    /// `confirmed` takes another way, and so does an error.
    fn in_doubt(&mut self, now: Now, mut message: Message, room: &impl Room) {
        match message.prefix().class {
            // Of an error nobody could be told; said twice it does no harm.
            Class::AtMostOnce if message.kind() == Kind::Error => self.route(now, message, room),
            Class::AtMostOnce => self.refuse(now, message, Reason::InDoubt, room),
            Class::Confirmed => {
                message.mark_resent(true);
                self.route(now, message, room);
            }
        }
    }

    /// Frames on a link.
    pub(super) fn received_on_link(
        &mut self,
        now: Now,
        conn: ConnId,
        neighbour: NodeName,
        frames: hopline_core::Frames,
        room: &impl Room,
    ) {
        if let Some(session) = self.session(&neighbour) {
            session.heard = now.since_start;
        }
        let kind = match frames.first().map(|header| Prefix::read(header)) {
            Some(Ok(prefix)) => prefix.kind,
            Some(Err(error)) => return self.misbehaved(now, conn, error.reason(), room),
            None => return self.misbehaved(now, conn, "malformed message", room),
        };
        let payload = frames.get(2).cloned().unwrap_or_default();
        match kind {
            Kind::LinkState => self.flooded(now, &neighbour, conn, &payload, room),
            Kind::LinkAck => match LinkAck::read(&payload) {
                Ok(ack) => self.acknowledged(&neighbour, &ack),
                Err(error) => self.misbehaved(now, conn, error.reason(), room),
            },
            Kind::Batch => {
                for message in batch::read(payload) {
                    match message {
                        Ok(frames) => self.received_message(now, conn, &neighbour, frames, room),
                        Err(error) => return self.misbehaved(now, conn, error.reason(), room),
                    }
                    if !self.conns.contains_key(&conn) {
                        return;
                    }
                }
            }
            Kind::Hello => match Hello::read(&payload) {
                Ok(Hello::Alive { sent, digest }) => {
                    self.heard_alive(now, conn, &neighbour, sent, digest, room);
                }
                Ok(Hello::Flush { number }) => self.flush_asked(&neighbour, number),
                Ok(Hello::Flushed { number }) => self.flush_answered(&neighbour, number),
                Ok(_) | Err(_) => self.misbehaved(now, conn, "unexpected hello", room),
            },
            Kind::Data
            | Kind::Reply
            | Kind::Error
            | Kind::Ack
            | Kind::Probe
            | Kind::Control
            | Kind::Credit => self.received_message(now, conn, &neighbour, frames, room),
        }
    }

    fn received_message(
        &mut self,
        now: Now,
        conn: ConnId,
        neighbour: &NodeName,
        frames: hopline_core::Frames,
        room: &impl Room,
    ) {
        let mut message = match Message::read(frames) {
            Ok(message) if message.kind().is_routed() && !message.path().is_empty() => message,
            Ok(_) => return self.misbehaved(now, conn, "malformed message", room),
            Err(error) => return self.misbehaved(now, conn, error.reason(), room),
        };
        message.ingress = Some(neighbour.clone());
        message.arrived = now.unix_nanos;
        let (sequence, size) = (message.path().sequence(), message.size());
        match self.session(neighbour) {
            Some(session) if session.conn == conn && sequence == session.received + 1 => {
                session.took(size, now.since_start);
            }
            Some(_) | None => return self.misbehaved(now, conn, "link sequence", room),
        }
        self.drain.came(now);
        self.counters.count(Flow::Received);
        self.route(now, message, room);
    }

    /// Hands over what waits, as far as windows and queues let it go. Small messages that wait
    /// together travel together.
    pub(super) fn hand_over(&mut self, now: Now, room: &impl Room) {
        let revision = self.tables.table.revision().short();
        let node = &self.config.node;
        for link in self.links.values_mut() {
            let Some(conn) = link.session.as_ref().map(|session| session.conn) else {
                continue;
            };
            while link.line.takes_more(now.since_start)
                && room.has_room(conn)
                && let Some(taken) = link.outbox.take(SMALL, link.line.together(batch::MAX_BYTES))
            {
                self.counters.add_to(Flow::Forwarded, taken.count as u64);
                let frames = pack(node, revision, now, taken);
                link.send(conn, frames, &mut self.out);
            }
            link.line.waited_for(now.since_start, link.outbox.waiting() > 0);
        }
    }

    /// Acknowledges what neighbours sent, where enough of it has come or it has waited long enough.
    pub(super) fn acknowledge(&mut self, now: Now) {
        let due = |session: &&mut Session| session.ack_is_due(now.since_start);
        let due = self.links.iter_mut().filter_map(|(neighbour, link)| {
            let session = link.session.as_mut().filter(due)?;
            Some((neighbour.clone(), session.ack()))
        });
        for (neighbour, ack) in due.collect::<Vec<_>>() {
            self.send_ack(&neighbour, &ack);
        }
    }

    /// A neighbour, or somebody who would be one, broke the rules: its connection is closed.
    pub(super) fn misbehaved(
        &mut self,
        now: Now,
        conn: ConnId,
        reason: &'static str,
        room: &impl Room,
    ) {
        self.counters.add(reason);
        let neighbour = match self.conns.get(&conn) {
            Some(conn) => conn.neighbour().cloned(),
            None => None,
        };
        self.event(Event::LinkRefused { neighbour, reason });
        self.out.push(Output::Close(conn));
        self.closed(now, conn, room);
    }

    /// Takes the link to a neighbour down until it is healed.
    pub(super) fn cut(&mut self, now: Now, neighbour: &NodeName, room: &impl Room) {
        let Some(link) = self.links.get_mut(neighbour) else {
            return;
        };
        link.cut = true;
        self.take_down(now, neighbour, room);
    }

    /// Closes whatever connections there are to a neighbour, and has it dialled no more.
    pub(super) fn take_down(&mut self, now: Now, neighbour: &NodeName, room: &impl Room) {
        let Some(link) = self.links.get_mut(neighbour) else {
            return;
        };
        // What has come is acknowledged, so that it is in doubt to nobody.
        let ack = link.session.as_mut().map(|it| (it.conn, it.ack()));
        let dials = link.dials();
        if let Some((conn, ack)) = ack {
            // Past what is held back, which goes with the link.
            let frames = local(&self.config.node, Kind::LinkAck, ack.write());
            self.send(conn, frames);
        }
        if dials {
            // Before it is closed: who hangs up lets go out what was handed over.
            self.out.push(Output::Hang(neighbour.clone()));
        }
        let mut conns: Vec<_> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.neighbour() == Some(neighbour))
            .map(|(conn, _)| *conn)
            .collect();
        conns.sort_unstable();
        for conn in conns {
            self.out.push(Output::Close(conn));
            self.closed(now, conn, room);
        }
    }

    /// Lets the link to a neighbour come up again.
    pub(super) fn heal(&mut self, neighbour: &NodeName) {
        let Some(link) = self.links.get_mut(neighbour) else {
            return;
        };
        if std::mem::take(&mut link.cut) && link.dials() {
            self.out.push(Output::Dial(neighbour.clone()));
        }
        self.forget_stranger(neighbour);
    }

    /// This node's stamp for a message.
    pub(super) fn stamp<'a>(&'a self, now: Now, message: &'a Message) -> Stamp<'a> {
        stamp(&self.config.node, self.tables.table.revision().short(), now, message)
    }
}

/// Messages on their way to a neighbour: one as it is, several as a batch.
fn pack(node: &NodeName, revision: u32, now: Now, taken: Taken<'_>) -> hopline_core::Frames {
    let Taken { first, count, bytes, mut messages } = taken;
    if count == 1
        && let Some(message) = messages.next()
    {
        let stamp = stamp(node, message.sent_by.unwrap_or(revision), now, message);
        return message.frames(message.path().stamped(&stamp, first));
    }
    let mut batch = batch::Writer::new(bytes + count * (2 * MAX_NAME + 64));
    for (number, message) in (first..).zip(messages) {
        let stamp = stamp(node, message.sent_by.unwrap_or(revision), now, message);
        batch.push(message.as_frames(), &message.path(), &stamp, number);
    }
    let prefix = Prefix { source: node.as_str(), ..Prefix::new(Kind::Batch) };
    vec![prefix.write(), bytes::Bytes::new(), batch.finish()]
}

fn stamp<'a>(node: &'a NodeName, revision: u32, now: Now, message: &'a Message) -> Stamp<'a> {
    let traced = message.is_traced();
    let times = Times { arrived: message.arrived, left: now.unix_nanos };
    Stamp {
        node: node.as_str(),
        ingress: message.ingress.as_ref().map_or("", NodeName::as_str),
        revision,
        times: traced.then_some(times),
    }
}

/// How long a hello may take.
const HELLO: Duration = Duration::from_secs(5);
