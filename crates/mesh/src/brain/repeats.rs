//! Repeats: which confirmed messages have been handed to clients here, so that none is handed over twice.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::conn::Conn;
use super::message::Message;
use super::{Brain, ConnId, Now, Room, confirmed, counters::Flow, spread};
use crate::address::Address;
use crate::name::NodeName;
use crate::wire::{Class, Flags, Kind, MessageId, Tail};

/// How many ids of one sender are known,
const MOST_OF_SOURCE: usize = 64 * 1024;
/// and of all senders.
const MOST: usize = 1024 * 1024;
/// For how long an id is known after its sender has given up.
pub(super) const LINGER: Duration = Duration::from_secs(60);
/// How often senders are forgotten that have been quiet for long.
const SWEEP: Duration = Duration::from_secs(60);

/// What identifies a confirmed message that is handed to a client, to be given back once it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its sender, as its ingress wrote it.
    pub(super) source: String,
    pub(super) id: MessageId,
    /// The node where it entered.
    pub(super) ingress: NodeName,
}

/// What is known of a message that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It came for the first time.
    New,
    /// It was taken before, and has not gone out yet.
    UnderWay,
    /// It was handed over.
    HandedOver,
}

/// The confirmed messages that were handed to clients here.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// For asking only.
    sources: HashMap<String, Source>,
    known: usize,
    swept: Duration,
}

#[derive(Debug, Default)]
struct Source {
    /// Whether each has gone out.
    known: HashMap<MessageId, bool>,
    /// Oldest first, with when each is forgotten.
    order: VecDeque<(Duration, MessageId)>,
}

impl Source {
    /// Forgets the oldest while they are over, or too many.
    fn tidy(&mut self, now: Duration, most: usize) -> usize {
        let before = self.known.len();
        while let Some((until, id)) = self.order.front().copied()
            && (until <= now || self.order.len() > most)
        {
            self.order.pop_front();
            self.known.remove(&id);
        }
        before - self.known.len()
    }
}

impl Repeats {
    /// A message comes that is known until then. Notes it, and says what was known of it.
    pub(super) fn begin(
        &mut self,
        now: Duration,
        source: &str,
        id: MessageId,
        until: Duration,
    ) -> Seen {
        if now >= self.swept + SWEEP || self.known >= MOST {
            self.sweep(now);
        }
        if !self.sources.contains_key(source) {
            self.sources.insert(source.to_owned(), Source::default());
        }
        let Some(from) = self.sources.get_mut(source) else {
            return Seen::New;
        };
        match from.known.get(&id) {
            Some(true) => return Seen::HandedOver,
            Some(false) => return Seen::UnderWay,
            None => {}
        }
        from.known.insert(id, false);
        from.order.push_back((until, id));
        self.known += 1;
        self.known -= from.tidy(now, MOST_OF_SOURCE);
        Seen::New
    }

    /// A message was handed over.
    pub(super) fn handed_over(&mut self, source: &str, id: MessageId) {
        if let Some(from) = self.sources.get_mut(source)
            && let Some(handed_over) = from.known.get_mut(&id)
        {
            *handed_over = true;
        }
    }

    /// A message was not handed over after all.
    pub(super) fn forget(&mut self, source: &str, id: MessageId) {
        if let Some(from) = self.sources.get_mut(source)
            && from.known.remove(&id).is_some()
        {
            from.order.retain(|(_, other)| *other != id);
            self.known -= 1;
        }
    }

    /// Forgets what is over; where that leaves too much, of each sender the older half.
    fn sweep(&mut self, now: Duration) {
        self.swept = now;
        for halve in [false, true] {
            if halve && self.known < MOST {
                break;
            }
            for from in self.sources.values_mut() {
                let most = if halve { from.order.len() / 2 } else { MOST_OF_SOURCE };
                self.known -= from.tidy(now, most);
            }
            self.sources.retain(|_, from| !from.order.is_empty());
        }
    }
}

impl Brain {
    /// A confirmed message has come to its receiver's node: what to give back once the receiver has it, or what
    /// was known of the message already. No other message has a receipt.
    ///
    /// Since `alone`, if there is such a time, no other node can have been given it. If it was sent again, and that time and
    /// this run of the node began before it was sent first, its mark goes: it would be known here if it had arrived.
    pub(super) fn receipt(
        &mut self,
        now: Now,
        message: &mut Message,
        alone: Option<Duration>,
    ) -> Result<Option<Receipt>, Seen> {
        let prefix = message.prefix();
        let is_counted = matches!(prefix.kind, Kind::Data | Kind::Reply);
        if prefix.class != Class::Confirmed || !is_counted || spread::is_for_several(message) {
            return Ok(None);
        }
        // Each clock is its own: what matters is how long the sender waits, and one who waits no longer is given
        // a moment.
        let patience = confirmed::patience(now, message).unwrap_or_default() + LINGER;
        let until = now.since_start + patience;
        match self.repeats.begin(now.since_start, prefix.source, prefix.id, until) {
            Seen::New => {}
            seen @ (Seen::UnderWay | Seen::HandedOver) => return Err(seen),
        }
        let receipt = receipt(message, &self.config.node);
        let since = alone.map(|alone| alone.max(self.started.since_start));
        if since.is_some_and(|since| since + patience < now.since_start) {
            message.mark_resent(false);
        }
        Ok(Some(receipt))
    }

    /// Since when no other node can have handed over what goes where this message goes: since the client came, where it is
    /// called so. A service may have members elsewhere, and a registered name may have been elsewhere before.
    pub(super) fn alone_since(&self, message: &Message, conn: ConnId) -> Option<Duration> {
        let name = match Address::parse(message.prefix().destination) {
            Ok(Address::Name(name) | Address::At { name, .. }) => name,
            Ok(Address::Group(_) | Address::Everyone) | Err(_) => return None,
        };
        let Conn::Client(client) = self.conns.get(&conn)? else {
            return None;
        };
        let is_it = client.name.as_str() == name;
        let is_service = self.config.settings.services.contains_key(&client.name);
        (is_it && !is_service).then(|| client.came())
    }

    /// A message came once more: if it was handed over, its ingress is told again.
    pub(super) fn repeat(&mut self, now: Now, message: &Message, seen: Seen, room: &impl Room) {
        self.counters.count(Flow::Superseded);
        self.counters.add("repeat");
        if seen == Seen::HandedOver {
            self.acknowledge_end(now, receipt(message, &self.config.node), room);
        }
    }

    /// A message has gone out to its receiver.
    pub(super) fn handed_over(&mut self, now: Now, receipt: Receipt, room: &impl Room) {
        self.repeats.handed_over(&receipt.source, receipt.id);
        self.acknowledge_end(now, receipt, room);
    }

    fn acknowledge_end(&mut self, now: Now, receipt: Receipt, room: &impl Room) {
        let Receipt { source, id, ingress } = receipt;
        if ingress == self.config.node {
            return self.confirm(now, (source, id), ingress.as_str(), room);
        }
        let tail = Tail { correlation: Some(id), destination: Some(source), ..Tail::default() };
        self.originate(now, Kind::Ack, ingress.as_str(), Flags::default(), &tail, vec![], room);
    }
}

fn receipt(message: &Message, me: &NodeName) -> Receipt {
    let prefix = message.prefix();
    let entered = message.path().stamps().next().and_then(|stamp| stamp.node.parse().ok());
    let ingress = entered.unwrap_or_else(|| me.clone());
    Receipt { source: prefix.source.to_owned(), id: prefix.id, ingress }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn id(counter: u64) -> MessageId {
        MessageId { incarnation: 1, counter }
    }

    #[test]
    fn a_message_is_new_once_until_it_is_forgotten() {
        let mut repeats = Repeats::default();
        let at = Duration::from_secs;
        assert_eq!(repeats.begin(at(0), "a", id(1), at(90)), Seen::New);
        assert_eq!(repeats.begin(at(1), "a", id(1), at(90)), Seen::UnderWay);
        assert_eq!(repeats.begin(at(1), "b", id(1), at(90)), Seen::New);
        repeats.handed_over("a", id(1));
        assert_eq!(repeats.begin(at(2), "a", id(1), at(90)), Seen::HandedOver);
        repeats.forget("b", id(1));
        assert_eq!(repeats.begin(at(2), "b", id(1), at(90)), Seen::New);
        assert_eq!(repeats.begin(at(91), "a", id(1), at(181)), Seen::New);
    }

    #[test]
    fn of_one_sender_so_many_are_known_and_of_all_so_many() {
        let mut repeats = Repeats::default();
        let many = MOST_OF_SOURCE as u64;
        for n in 0..=many {
            repeats.begin(Duration::ZERO, "a", id(n), HOUR);
        }
        assert_eq!(repeats.begin(Duration::ZERO, "a", id(0), HOUR), Seen::New);
        assert_eq!(repeats.begin(Duration::ZERO, "a", id(many), HOUR), Seen::UnderWay);
        for source in 0..40 {
            for n in 0..many {
                repeats.begin(Duration::ZERO, &format!("s{source}"), id(n), HOUR);
                assert!(repeats.known <= MOST);
            }
        }
    }
}
