//! Access rules at work: where a message enters, and where a static route hands it to somebody else.

use super::conn::Conn;
use super::message::Message;
use super::{Brain, ConnId, Now, Room, broker, spread};
use crate::name::NodeName;
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::{Class, Flags, Kind};

impl Brain {
    /// A message of a client here, on its way into the mesh.
    ///
    /// All that a client sends of itself is asked about, replies too. Whoever came in by the control
    /// socket may send to anybody.
    pub(super) fn enter(&mut self, now: Now, conn: ConnId, message: Message, room: &impl Room) {
        let is_free = self.config.settings.access.send.is_empty() && !self.config.settings.closed;
        if !is_free
            && let Some(Conn::Client(client)) = self.conns.get(&conn)
            && !client.operator
        {
            let destination = message.prefix().destination;
            if !self.config.access().send(client.name.as_str(), destination).allowed {
                return self.give_back(now, message, Refusal::AccessDenied.into(), room);
            }
        }
        if !message.is_brokered() && broker::is_registered(message.prefix().destination) {
            return self.give_back(now, message, Refusal::UnknownDestination.into(), room);
        }
        self.client_sent(now, conn);
        if self.drain.refuses() && message.kind() == Kind::Data {
            return self.give_back(now, message, Reason::Leaving, room);
        }
        match message.prefix().class {
            Class::AtMostOnce => self.let_in(now, conn, message, room),
            Class::Confirmed if spread::is_for_several(&message) => {
                self.let_in(now, conn, message, room);
            }
            Class::Confirmed => self.keep(now, conn, message, room),
        }
    }

    /// Whether a rule denies that a message is handed to the client of a connection, which it was not
    /// sent to by its name.
    pub(super) fn is_denied(&self, message: &Message, conn: ConnId) -> bool {
        if self.config.settings.access.send.is_empty() {
            return false;
        }
        let (Some(sender), Some(Conn::Client(receiver))) =
            (sent_by(message, &self.config.node), self.conns.get(&conn))
        else {
            return false;
        };
        let destination = message.prefix().destination;
        let said = self.config.access().hand(sender, destination, receiver.name.as_str());
        said.is_some_and(|said| !said.allowed)
    }
}

/// The client that sent a message, if rules are for it: what nodes say, errors among it, is not asked
/// about, nor is what came in by a control socket.
fn sent_by<'m>(message: &'m Message, me: &NodeName) -> Option<&'m str> {
    let prefix = message.prefix();
    match prefix.kind {
        Kind::Data | Kind::Reply | Kind::Probe | Kind::Control => {}
        Kind::Error
        | Kind::Ack
        | Kind::Hello
        | Kind::LinkState
        | Kind::LinkAck
        | Kind::Batch
        | Kind::Credit => {
            return None;
        }
    }
    if prefix.flags.has(Flags::OPERATOR) || message.is_from_node(me) {
        return None;
    }
    Some(prefix.source.rsplit_once('@').map_or(prefix.source, |(name, _)| name))
}
