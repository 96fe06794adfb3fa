//! The clients of a node that leaves: they are told that nothing is taken any more, and it is waited for that they run.
//!
//! ```text
//!  finishing --> told, and asked ----> answers ------> heard ----> all heard, and quiet: on to the next phase
//!                  ^    |    ^            |              |
//!                  |    |no answer        |              |
//!                  |    +----+            |              |
//!                  +------ a message came of it <--------+
//! ```
//!
//! A client whose machine stands still, or whose last messages are on the wire, would lose them if the node closed its
//! connection: they would be neither taken nor refused. So the node asks, below the messages, for any sign of it, and
//! again whenever it has sent something. One that does not run is waited for as long as anything else that does not
//! move. Of a peer of ZMTP 3.0, which cannot be asked, only silence tells that no more comes.
//!
//! The lame duck mode of NATS tells its clients, too; RFC 9113, section 6.8 (GOAWAY) has the same of HTTP/2.

use std::collections::BTreeMap;

use super::{Brain, ConnId, Drain, Now, Output};
use crate::brain::conn::Conn;
use crate::dialect::Dialect;
use crate::wire::hello::Hello;

impl Brain {
    /// Tells the clients here that the node leaves, those whose dialect has a word for that, and asks all. Operators are
    /// served to the end.
    pub(super) fn dismiss_clients(&mut self) {
        let conns = self.conns.iter().filter_map(|(conn, it)| match it {
            Conn::Client(client) if !client.operator => {
                Some((*conn, client.dialect == Some(Dialect::Native)))
            }
            Conn::Client(_)
            | Conn::Greeting(_)
            | Conn::Dialling(_)
            | Conn::Link(_)
            | Conn::Standby(_)
            | Conn::Refused => None,
        });
        // In an order that is the same each time.
        for (conn, is_native) in conns.collect::<BTreeMap<_, _>>() {
            // A full queue takes one word more.
            if is_native {
                self.say(conn, &Hello::Leaving {});
            }
            self.ask_whether_heard(conn);
        }
    }

    /// A client has sent a message into the mesh: more may be behind it.
    pub(in crate::brain) fn client_sent(&mut self, now: Now, conn: ConnId) {
        self.drain.sent = Some(now.since_start);
        let is_operator = self.client(conn).is_none_or(|client| client.operator);
        if self.drain.is_finishing() && !is_operator {
            self.ask_whether_heard(conn);
        }
    }

    /// A client that was asked has answered, or has not within its time. Says whether it was asked for this: the answer
    /// to somebody else's question is another one.
    pub(in crate::brain) fn client_answered(
        &mut self,
        now: Now,
        conn: ConnId,
        alive: bool,
    ) -> bool {
        if !self.drain.unheard.remove(&conn) {
            return false;
        }
        if alive {
            // What it had sent before may not have been looked at.
            self.drain.sent = Some(now.since_start);
        } else if self.drain.is_finishing() && self.client(conn).is_some() {
            self.ask_whether_heard(conn);
        }
        true
    }

    /// Asks a client, unless it is being asked.
    fn ask_whether_heard(&mut self, conn: ConnId) {
        if self.drain.unheard.insert(conn) {
            self.out.push(Output::Ask(conn));
        }
    }
}

impl Drain {
    /// A client's connection has ended.
    pub(in crate::brain) fn client_gone(&mut self, conn: ConnId) {
        self.unheard.remove(&conn);
    }
}
