//! Link state on its way: what this node originates, and what it hands on.
//!
//! What a neighbour may not know is noted by origin, and told as it is when the neighbour has acknowledged enough of what
//! it was told before. So a change goes out at once, and a storm of them costs each link a few floods a round trip. What a
//! neighbour has said itself it is not told (RFC 2328, section 13.3).

use super::database::{Database, Installed};
use super::links::{Owed, Session};
use super::{Brain, ConnId, Now, Room, clients, local};
use crate::name::{ClientName, NodeName};
use crate::wire::Kind;
use crate::wire::link_state::{
    Adjacency, Adjacent, Age, Attachment, Attachments, Flood, LinkAck, Record,
};

/// How many floods may be on their way to a neighbour. With one, who comes and speaks at once could be answered
/// before it is known; with many, a storm would not be held together.
const UNDER_WAY: u64 = 16;
/// No more is put into one flood once it has about so many bytes.
const FLOOD: usize = 128 * 1024;

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

    /// The age of what was said last.
    pub(super) fn age(&self) -> Age {
        let sequence = self.adjacency.max(self.attachments);
        Age { incarnation: self.incarnation, sequence }
    }

    /// What is said from now on is newer than something of this age.
    pub(super) fn jump_over(&mut self, age: Age) {
        if age.incarnation + 1 < Age::END {
            self.incarnation = age.incarnation + 1;
        } else {
            let sequence = self.age().sequence.max(age.sequence);
            (self.incarnation, self.adjacency, self.attachments) =
                (age.incarnation, sequence, sequence);
        }
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
        let me = self.config.node.clone();
        self.owe(None, |owed| owed.links(&me));
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
        self.say_attachments(&record, None);
    }

    /// Says that a name has come here at this time, in Unix milliseconds, or has gone, to all neighbours.
    pub(super) fn originate_change(&mut self, name: &ClientName, came: Option<u64>) {
        let since = self.own.attachments;
        self.own.attachments += 1;
        let attachment =
            |since| Attachment { name: name.clone(), kind: clients::kind(name), since };
        let record = Record::Attachments(Attachments {
            origin: self.config.node.clone(),
            age: Age { incarnation: self.own.incarnation, sequence: self.own.attachments },
            since: Some(since),
            added: came.map(attachment).into_iter().collect(),
            removed: if came.is_some() { Vec::new() } else { vec![name.clone()] },
        });
        let then = Age { incarnation: self.own.incarnation, sequence: since };
        self.say_attachments(&record, Some(then));
    }

    fn say_attachments(&mut self, record: &Record, since: Option<Age>) {
        self.database.install(record);
        let me = self.config.node.clone();
        self.tables.names_changed(&me);
        self.owe(None, |owed| owed.names(&me, since));
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
        match self.session(from) {
            // What comes again is old, and does no harm.
            Some(session) if flood.number <= session.floods_received + 1 => {
                session.floods_received = session.floods_received.max(flood.number);
                let ack = session.ack();
                self.send_ack(from, &ack);
            }
            Some(_) | None => return self.misbehaved(now, conn, "link sequence", room),
        }
        for record in flood.records {
            self.told(now, from, &record);
        }
    }

    /// A neighbour tells, or asks, something.
    fn told(&mut self, now: Now, from: &NodeName, record: &Record) {
        let (origin, age) = match record {
            Record::Digest(digest) => return self.compare_start(from, *digest),
            Record::Summary(theirs) => return self.compare_all(now, from, theirs),
            Record::Request(origin) => {
                if let Some(session) = self.session(from) {
                    session.owed.all(origin);
                }
                return;
            }
            Record::Adjacency(Adjacency { origin, age, .. })
            | Record::Attachments(Attachments { origin, age, .. }) => (origin, *age),
        };
        if !age.is_credible() {
            return self.counters.add("age out of range");
        }
        if *origin == self.config.node {
            let leaving = matches!(record, Record::Adjacency(it) if it.leaving);
            return self.heard_of_myself(now.since_start, age, leaving);
        }
        let (links, names) = self.database.ages(origin);
        match (self.database.install(record), record) {
            (Installed::Old, Record::Adjacency(_)) => {
                // It has the same, or is behind.
                self.owe_one(from, |owed| match links == Some(age) {
                    true => owed.knows_links(origin),
                    false => owed.links(origin),
                });
            }
            (Installed::Old, _) => self.owe_one(from, |owed| match names == Some(age) {
                true => owed.knows_names(origin),
                false => owed.all(origin),
            }),
            (Installed::Gap, _) => self.owe_one(from, |owed| owed.ask(origin)),
            (installed @ (Installed::Links | Installed::Again), _) => {
                if installed == Installed::Links {
                    self.tables.links_changed();
                }
                if let (Record::Adjacency(adjacency), Some(link)) =
                    (record, self.links.get_mut(origin))
                {
                    link.hear_farewell(adjacency.leaving);
                }
                self.tables.names_changed(origin);
                self.owe_one(from, |owed| owed.knows_links(origin));
                self.owe(Some(from), |owed| owed.links(origin));
            }
            (Installed::Names(came), _) => {
                self.tables.names_changed(origin);
                self.contested(origin, &came);
                self.stir_seeking();
                self.owe_one(from, |owed| owed.knows_names(origin));
                self.owe(Some(from), |owed| owed.names(origin, names));
            }
        }
    }

    /// Notes something for all neighbours but one.
    fn owe(&mut self, but: Option<&NodeName>, mut note: impl FnMut(&mut Owed)) {
        let others = self.links.iter_mut().filter(|(node, _)| Some(*node) != but);
        for session in others.filter_map(|(_, link)| link.session.as_mut()) {
            note(&mut session.owed);
        }
    }

    fn owe_one(&mut self, neighbour: &NodeName, note: impl FnOnce(&mut Owed)) {
        if let Some(session) = self.session(neighbour) {
            note(&mut session.owed);
        }
    }

    /// Tells each neighbour what it may not know, if it has acknowledged enough of what it was told before. Good-bye
    /// waits for nothing.
    pub(super) fn send_floods(&mut self, now: Now) {
        let Self { links, database, config, own, out, .. } = self;
        for link in links.values_mut() {
            while let Some(session) = link.session.as_mut()
                && let under_way = session.floods_sent - session.floods_acknowledged
                && (under_way < UNDER_WAY || own.leaving)
                && let records = next_flood(session, database, now)
                && !records.is_empty()
            {
                session.floods_sent += 1;
                let (conn, number) = (session.conn, session.floods_sent);
                let flood = Flood { number, records };
                let frames = local(&config.node, Kind::LinkState, flood.write());
                link.send(conn, frames, out);
            }
        }
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

/// What the next flood to a neighbour says. What it may not know comes last, so that an answer is never late.
fn next_flood(session: &mut Session, database: &Database, now: Now) -> Vec<Record> {
    let owed = &mut session.owed;
    let mut records: Vec<_> = owed.take_digest().map(Record::Digest).into_iter().collect();
    if owed.take_summary() {
        records.push(Record::Summary(database.summary(now.since_start)));
    }
    if let Some(questions) = owed.take_questions() {
        records.push(Record::Summary(database.held(questions)));
    }
    let mut size = 0;
    while size < FLOOD
        && let Some((origin, news)) = owed.pop()
    {
        let told = database.news(&origin, news);
        size += told.iter().map(Record::size).sum::<usize>();
        records.extend(told);
    }
    records
}
