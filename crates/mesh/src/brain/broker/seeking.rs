//! Messages to a name that nobody is known to have: the news of it may be on its way.
//!
//! A client that is told that it is registered tells others, who may be quicker at their nodes than the nodes' own word.

use std::time::Duration;

use bytes::Bytes;

use super::{Brain, BrokerError, ConnId, MessageId, Now, Refusal, Reply, Room};

/// How long the news may take.
pub(in super::super) const NEWS: Duration = Duration::from_millis(250);
/// How many messages of one client wait for news.
const EACH: usize = 100;
/// How many of all clients do.
const MOST: usize = 1_000;
/// How many bytes they have together.
const MOST_BYTES: usize = 1024 * 1024;

/// The messages that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Seeking {
    waiting: Vec<Sought>,
    bytes: usize,
    /// There is news.
    stirred: bool,
}

#[derive(Debug)]
struct Sought {
    conn: ConnId,
    id: MessageId,
    target: String,
    payload: Bytes,
    until: Duration,
}

impl Seeking {
    pub(super) fn due(&self) -> Option<Duration> {
        self.waiting.first().map(|sought| sought.until)
    }

    fn take(&mut self, is_meant: impl FnMut(&mut Sought) -> bool) -> Vec<Sought> {
        let taken: Vec<_> = self.waiting.extract_if(.., is_meant).collect();
        self.bytes -= taken.iter().map(|sought| sought.payload.len()).sum::<usize>();
        taken
    }
}

impl Brain {
    /// A message goes to the client of a name, as soon as it is known who that is.
    pub(super) fn send_or_seek(
        &mut self,
        now: Now,
        conn: ConnId,
        id: MessageId,
        target: String,
        payload: Bytes,
        room: &impl Room,
    ) {
        if let Some(destination) = self.broker_holder(&target) {
            return self.send_brokered(now, conn, id, &destination, payload, room);
        }
        let seeking = &self.broker.seeking;
        let own = seeking.waiting.iter().filter(|sought| sought.conn == conn).count();
        let fits = own < EACH
            && seeking.waiting.len() < MOST
            && seeking.bytes + payload.len() <= MOST_BYTES;
        // No news comes to who is alone.
        if !fits || self.tables.table.iter().next().is_none() {
            return self.not_found(now, conn, id, target, room);
        }
        let until = now.since_start + NEWS;
        self.broker.seeking.bytes += payload.len();
        self.broker.seeking.waiting.push(Sought { conn, id, target, payload, until });
    }

    /// Another node has said who is attached there.
    pub(in super::super) fn stir_seeking(&mut self) {
        self.broker.seeking.stirred = true;
    }

    /// Sends what was waiting for names that are known by now.
    pub(in super::super) fn send_found(&mut self, now: Now, room: &impl Room) {
        if !std::mem::take(&mut self.broker.seeking.stirred) {
            return;
        }
        let mut seeking = std::mem::take(&mut self.broker.seeking);
        let found = seeking.take(|sought| self.broker_holder(&sought.target).is_some());
        self.broker.seeking = seeking;
        for Sought { conn, id, target, payload, .. } in found {
            self.send_or_seek(now, conn, id, target, payload, room);
        }
    }

    /// Gives up what has waited long enough.
    pub(in super::super) fn tick_seeking(&mut self, now: Now, room: &impl Room) {
        for Sought { conn, id, target, .. } in
            self.broker.seeking.take(|sought| sought.until <= now.since_start)
        {
            self.not_found(now, conn, id, target, room);
        }
    }

    /// Nobody waits for what a client that has gone was sending.
    pub(super) fn stop_seeking(&mut self, conn: ConnId) {
        self.broker.seeking.take(|sought| sought.conn == conn);
    }

    fn not_found(
        &mut self,
        now: Now,
        conn: ConnId,
        id: MessageId,
        target: String,
        room: &impl Room,
    ) {
        self.counters.add(Refusal::UnknownDestination.reason());
        let error = Reply::Error(BrokerError::NoTarget(target));
        self.settle_reply(now, conn, id, error, room);
    }
}
