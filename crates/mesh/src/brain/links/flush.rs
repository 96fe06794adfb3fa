//! Whether anything is still on its way from a neighbour: it is asked to say so when all that waits has been sent.
//!
//! ```text
//!  this node                         neighbour
//!    flood: I leave; flush 1   -->     takes the flood in, so that no more is routed this way; marks what waits
//!                              <--     m m m m m       as windows and the link let it
//!                              <--     flushed 1       behind the last of them
//! ```
//!
//! A node that leaves, too, answers when those that stay have answered it, so that what comes from them has gone on.
//!
//! Silence says nothing: on a slow link a large message comes long after the one before it. The answer does, however
//! slow the link is, as a connection keeps the order of what is sent (as `PING` and `PONG` do for a client of NATS that
//! flushes, and `drain` for a receiver of AMQP 1.0, section 2.6.7).

use super::Link;
use crate::brain::{Brain, Output, local};
use crate::name::NodeName;
use crate::wire::Kind;
use crate::wire::hello::Hello;

/// Both directions of the question on one connection. Questions are numbered from 1.
#[derive(Debug, Default)]
pub(in crate::brain) struct Flush {
    /// How many questions this end has had; the last of them is put as soon as it may be.
    wanted: u64,
    /// The number of the last one that was put,
    put: u64,
    /// and of the last one that the neighbour has answered.
    answered: u64,
    /// The number of the neighbour's question, until it is answered.
    to_answer: Option<u64>,
    /// What is to have been sent before that is not marked yet.
    to_mark: bool,
    /// The neighbour has had a question: it leaves, or takes this link out.
    leaves: bool,
}

impl Flush {
    /// The neighbour is to be asked, as soon as it has been told all that it is to know before.
    pub(in crate::brain) fn want(&mut self) {
        self.wanted += 1;
    }

    /// The link is to stay after all.
    pub(in crate::brain) fn stays(&mut self) {
        self.leaves = false;
    }

    /// Whether the neighbour has answered all that it was to be asked: what was on its way then has come.
    pub(in crate::brain) fn is_answered(&self) -> bool {
        self.answered == self.wanted
    }
}

impl Brain {
    /// Has all neighbours asked whether anything waits for this node.
    pub(in crate::brain) fn want_flushes(&mut self) {
        for session in self.links.values_mut().filter_map(|link| link.session.as_mut()) {
            session.flush.want();
        }
    }

    /// How many neighbours have not said that all has been sent.
    pub(in crate::brain) fn unflushed(&self) -> u64 {
        let sessions = self.links.values().filter_map(|link| link.session.as_ref());
        sessions.filter(|session| !session.flush.is_answered()).count() as u64
    }

    /// A neighbour asks for all that waits for it here, by the routes that hold now.
    pub(in crate::brain) fn flush_asked(&mut self, neighbour: &NodeName, number: u64) {
        self.bring_table_up();
        if let Some(session) = self.session(neighbour) {
            let flush = &mut session.flush;
            (flush.to_answer, flush.to_mark, flush.leaves) = (Some(number), true, true);
        }
    }

    /// Marks what waits for neighbours that have asked. Where this node leaves, too, what is on its way to it comes before,
    /// and goes on to them: from those that stay, for of two that leave neither can wait for the other.
    fn mark_for_flushes(&mut self) {
        let mut sessions = self.links.values().filter_map(|link| link.session.as_ref());
        if !sessions.any(|session| session.flush.to_mark) {
            return;
        }
        let sessions = self.links.values().filter_map(|link| link.session.as_ref());
        let mut awaited = sessions.filter(|it| !it.flush.leaves && !it.flush.is_answered());
        if self.drain.is_retiring() && awaited.next().is_some() {
            return;
        }
        for link in self.links.values_mut() {
            if let Some(session) = link.session.as_mut()
                && std::mem::take(&mut session.flush.to_mark)
            {
                link.outbox.mark();
            }
        }
    }

    /// A neighbour has sent all that waited when it was asked.
    pub(in crate::brain) fn flush_answered(&mut self, neighbour: &NodeName, number: u64) {
        if let Some(session) = self.session(neighbour)
            && number <= session.flush.put
        {
            session.flush.answered = session.flush.answered.max(number);
        }
    }

    /// Puts the questions that may be put, behind what is said before them, and answers those that can be.
    pub(in crate::brain) fn say_flushes(&mut self) {
        self.mark_for_flushes();
        let Self { links, config, out, .. } = self;
        let say = |hello: &Hello| local(&config.node, Kind::Hello, hello.write());
        for link in links.values_mut() {
            if let Some(number) = link.take_question() {
                link.say(say(&Hello::Flush { number }), out);
            }
            if let Some(number) = link.take_answer() {
                link.say(say(&Hello::Flushed { number }), out);
            }
        }
    }
}

impl Link {
    /// The question that is to be put to the neighbour now.
    fn take_question(&mut self) -> Option<u64> {
        let session = self.session.as_mut()?;
        let flush = &mut session.flush;
        let is_due = flush.put < flush.wanted && session.owed.len() == 0;
        is_due.then(|| {
            flush.put = flush.wanted;
            flush.put
        })
    }

    /// The neighbour's question, if it can be answered now.
    fn take_answer(&mut self) -> Option<u64> {
        let is_due = self.outbox.marked() == 0;
        let session = self.session.as_mut().filter(|_| is_due)?;
        if session.flush.to_mark { None } else { session.flush.to_answer.take() }
    }

    fn say(&mut self, frames: hopline_core::Frames, out: &mut Vec<Output>) {
        if let Some(conn) = self.session.as_ref().map(|session| session.conn) {
            self.send(conn, frames, out);
        }
    }
}
