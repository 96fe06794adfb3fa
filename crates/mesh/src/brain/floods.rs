//! Link state on its way: what this node originates, and what it hands on.

use super::database::Installed;
use super::links::Session;
use super::{Brain, ConnId, Now, Room, clients, local};
use crate::name::{ClientName, NodeName};
use crate::wire::Kind;
use crate::wire::link_state::{
    Adjacency, Adjacent, Age, Attachment, Attachments, Flood, LinkAck, Record,
};

/// How many floods may go to a neighbour unacknowledged before it is left to catch up with one
/// whole answer.
const MOST_PENDING: u64 = 256;

/// The sequences of this node's own records.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) incarnation: u64,
    adjacency: u64,
    attachments: u64,
    /// The node has said good-bye, and says nothing else any more.
    pub(super) leaving: bool,
}

impl Own {
    pub(super) fn new(incarnation: u64) -> Self {
        Self { incarnation, adjacency: 0, attachments: 0, leaving: false }
    }
}

impl Brain {
    /// Says anew which links are up, to all neighbours.
    pub(super) fn originate_adjacency(&mut self) {
        self.own.adjacency += 1;
        let leaving = self.own.leaving;
        let up = self.links.iter().filter(|(_, link)| link.is_announced() && !leaving);
        let links = up.map(|(node, link)| Adjacent {
            node: node.clone(),
            cost: self.drain.cost(link.cost()),
        });
        let record = Record::Adjacency(Adjacency {
            origin: self.config.node.clone(),
            age: Age { incarnation: self.own.incarnation, sequence: self.own.adjacency },
            links: links.collect(),
            leaving,
        });
        self.database.install(&record);
        self.tables.links_changed();
        self.flood(&[record], None);
    }

    /// Says good-bye to all neighbours.
    pub(super) fn leave(&mut self) {
        self.own.leaving = true;
        self.originate_adjacency();
        self.tables.names_changed(&self.config.node);
    }

    /// Says all names attached here, to all neighbours.
    pub(super) fn originate_attachments(&mut self) {
        self.own.attachments += 1;
        let record = Record::Attachments(Attachments {
            origin: self.config.node.clone(),
            age: Age { incarnation: self.own.incarnation, sequence: self.own.attachments },
            since: None,
            added: self.clients.attached(),
            removed: Vec::new(),
        });
        self.say_attachments(record);
    }

    /// Says that a name has come or gone here, to all neighbours.
    pub(super) fn originate_change(&mut self, name: &ClientName, came: Option<Now>) {
        let since = self.own.attachments;
        self.own.attachments += 1;
        let attachment = |now: Now| Attachment {
            name: name.clone(),
            kind: clients::kind(name),
            since: now.unix_millis(),
        };
        let record = Record::Attachments(Attachments {
            origin: self.config.node.clone(),
            age: Age { incarnation: self.own.incarnation, sequence: self.own.attachments },
            since: Some(since),
            added: came.map(attachment).into_iter().collect(),
            removed: if came.is_some() { Vec::new() } else { vec![name.clone()] },
        });
        self.say_attachments(record);
    }

    fn say_attachments(&mut self, record: Record) {
        self.database.install(&record);
        self.tables.names_changed(&self.config.node);
        self.flood(&[record], None);
    }

    /// Tells a neighbour whose link just came up all that is known.
    pub(super) fn synchronise(&mut self, neighbour: &NodeName) {
        let records = self.database.everything();
        self.tell(neighbour, &records);
    }

    /// Takes a neighbour's flood in and hands on what was new.
    pub(super) fn flooded(
        &mut self,
        now: Now,
        from: &NodeName,
        conn: ConnId,
        payload: &[u8],
        room: &impl Room,
    ) {
        let Ok(flood) = Flood::read(payload) else {
            return self.misbehaved(now, conn, "malformed message", room);
        };
        if let Some(session) = self.session(from) {
            session.floods_received = flood.number;
            let ack = session.ack();
            self.send_ack(from, &ack);
        }
        let mut news = Vec::new();
        for record in flood.records {
            match &record {
                Record::Request(origin) => {
                    let records = self.database.of(origin);
                    self.tell(from, &records);
                    continue;
                }
                Record::Adjacency(Adjacency { origin, age, .. })
                | Record::Attachments(Attachments { origin, age, .. }) => {
                    if *origin == self.config.node {
                        self.heard_of_myself(*age);
                        continue;
                    }
                }
            }
            match self.database.install(&record) {
                Installed::Old => continue,
                Installed::Gap => {
                    if let Record::Attachments(Attachments { origin, .. }) = &record {
                        self.tell(from, &[Record::Request(origin.clone())]);
                    }
                    continue;
                }
                Installed::Links => {
                    self.tables.links_changed();
                    self.tables.all_names_changed();
                }
                Installed::Names(came) => {
                    if let Record::Attachments(Attachments { origin, .. }) = &record {
                        self.tables.names_changed(origin);
                        self.contested(origin, &came);
                    }
                }
            }
            news.push(record);
        }
        if !news.is_empty() {
            self.flood(&news, Some(from));
        }
    }

    /// Word of this node from an earlier run, or from a clock that was ahead: jump over it.
    fn heard_of_myself(&mut self, age: Age) {
        let own = self.own.adjacency.max(self.own.attachments);
        if age <= (Age { incarnation: self.own.incarnation, sequence: own }) {
            return;
        }
        self.own.incarnation = age.incarnation.saturating_add(1);
        self.originate_adjacency();
        self.originate_attachments();
    }

    fn flood(&mut self, records: &[Record], but: Option<&NodeName>) {
        let up = self.links.iter().filter(|(node, link)| link.is_up() && Some(*node) != but);
        let neighbours: Vec<_> = up.map(|(node, _)| node.clone()).collect();
        for neighbour in neighbours {
            self.tell(&neighbour, records);
        }
    }

    fn tell(&mut self, neighbour: &NodeName, records: &[Record]) {
        let Some(link) = self.links.get_mut(neighbour) else {
            return;
        };
        let Some(session) = link.session.as_mut() else {
            return;
        };
        let is_full = session.floods_sent - session.floods_acknowledged >= MOST_PENDING;
        // What is left out is made good by telling everything later; a question would be lost.
        if is_full && !matches!(records, [Record::Request(_)]) {
            session.behind = true;
            return;
        }
        session.floods_sent += 1;
        let (conn, number) = (session.conn, session.floods_sent);
        let flood = Flood { number, records: records.to_vec() };
        let frames = local(&self.config.node, Kind::LinkState, flood.write());
        link.send(conn, frames, &mut self.out);
    }

    /// Takes a neighbour's acknowledgement in.
    pub(super) fn acknowledged(&mut self, from: &NodeName, ack: &LinkAck) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        link.outbox.acknowledge(ack.messages);
        let Some(session) = link.session.as_mut() else {
            return;
        };
        session.floods_acknowledged =
            session.floods_acknowledged.max(ack.floods.min(session.floods_sent));
        if session.behind && session.floods_acknowledged == session.floods_sent {
            session.behind = false;
            self.synchronise(from);
        }
    }

    pub(super) fn send_ack(&mut self, to: &NodeName, ack: &LinkAck) {
        let frames = local(&self.config.node, Kind::LinkAck, ack.write());
        if let Some(link) = self.links.get_mut(to)
            && let Some(conn) = link.session.as_ref().map(|session| session.conn)
        {
            link.send(conn, frames, &mut self.out);
        }
    }

    pub(super) fn session(&mut self, neighbour: &NodeName) -> Option<&mut Session> {
        self.links.get_mut(neighbour)?.session.as_mut()
    }
}
