//! The session dialect at a node: who has a session, and what becomes of what it sends.
//!
//! A session belongs to a connection and ends with it. Nothing of it leaves the node: another node's clients are
//! sent mesh messages, not these.

use hopline_core::Frames;

use super::conn::Conn;
use super::counters::Flow;
use super::{Brain, ConnId, Now, Room};
use crate::dialect::seconds;
use crate::dialect::session::{self, Data, Reply, Request, SessionError, Verb};
use crate::reason::Reason;

/// A client's session.
#[derive(Debug)]
pub(super) struct Session {
    /// The name that the client gave.
    name: String,
    /// How many texts it has sent.
    count: u64,
}

impl Brain {
    /// A message of a client that speaks the session dialect.
    pub(super) fn received_session(
        &mut self,
        now: Now,
        conn: ConnId,
        frames: &Frames,
        room: &impl Room,
    ) {
        let (reply, id) = match session::read(frames, self.config.settings.inflated) {
            Ok(request) => (self.session_reply(now, conn, &request), request.id),
            Err(refused) => (Err(refused.error), refused.id),
        };
        let reply = match reply {
            Ok(reply) => {
                self.counters.count(Flow::Accepted);
                self.counters.count(Flow::Answered);
                reply
            }
            Err(error) => {
                self.counters.add(Reason::Malformed.text());
                Reply::Error(error)
            }
        };
        self.say_session(now, conn, &reply, id, room);
    }

    fn session_reply(
        &mut self,
        now: Now,
        conn: ConnId,
        request: &Request<'_>,
    ) -> Result<Reply, SessionError> {
        match request.verb {
            Verb::Hello => {
                let name = session::hello_name(&request.payload)?;
                let Some(client) = self.client(conn) else {
                    return Err(SessionError::NotAuthenticated);
                };
                let is_new = client.session.replace(Session { name, count: 0 }).is_none();
                let session_id = client.name.as_str().to_owned();
                self.clients.sessions += usize::from(is_new);
                Ok(Reply::Welcome { session_id })
            }
            Verb::Data => self.session_data(now, conn, &request.payload),
            Verb::Ping => Ok(Reply::Pong { client_count: self.clients.sessions }),
            Verb::Bye => {
                let ended = self.client(conn).and_then(|client| client.session.take());
                self.clients.sessions -= usize::from(ended.is_some());
                Ok(Reply::ByeAck)
            }
        }
    }

    fn session_data(
        &mut self,
        now: Now,
        conn: ConnId,
        payload: &[u8],
    ) -> Result<Reply, SessionError> {
        let Some(Conn::Client(client)) = self.conns.get_mut(&conn) else {
            return Err(SessionError::NotAuthenticated);
        };
        let session = client.session.as_mut().ok_or(SessionError::NotAuthenticated)?;
        let text = std::str::from_utf8(payload)
            .map_err(|error| SessionError::Protocol(format!("payload: {error}")))?;
        session.count += 1;
        let data = Data {
            client: client.name.as_str(),
            name: &session.name,
            text,
            number: session.count,
            at: seconds(now.unix_nanos),
        };
        Ok(Reply::DataAck(self.config.data_handler.handle(&data)))
    }

    /// Replies to a message of the session dialect, which had this id.
    pub(super) fn say_session(
        &mut self,
        now: Now,
        conn: ConnId,
        reply: &Reply,
        reply_to: Option<&str>,
        room: &impl Room,
    ) {
        let id = self.next_id();
        let id = format!("{}-{}", id.incarnation, id.counter);
        self.tell_client(now, conn, reply.write(&id, seconds(now.unix_nanos), reply_to), room);
    }
}
