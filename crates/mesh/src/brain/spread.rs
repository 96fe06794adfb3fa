//! Messages to several: `#group` and `*`. Each copy says which nodes it is for, and is parted where ways part.
//!
//! ```text
//!  ingress: who has a member?      relay: which of them lie that way?     egress: one for each member here
//!    [a b c] --+-- [a b] --> ... --+-- [a] -->                              and says how many to the ingress
//!              +-- [c] ----> ...   +-- [b] -->
//! ```
//!
//! A node is in one copy only, so each member gets one, whatever the routes do meanwhile; what is sent again
//! (`confirmed`) is for nodes that have said nothing yet, and they drop repeats. The ingress adds up, and tells
//! the sender how many were reached and which nodes were not. A node that no way leads to any more is waited for a
//! little longer, lest a way come back, and then it is one that was not reached: it holds up nobody's answer.

mod gone;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::confirmed::{self, Key};
use super::conn::Conn;
use super::forward::Way;
use super::message::Message;
use super::repeats::Seen;
use super::{Brain, ConnId, Now, Output, Room, counters::Flow};
use crate::address::Address;
use crate::name::NodeName;
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::{Class, Flags, Kind, Prefix, Tail};

/// How long the sender of one that is `at_most_once` waits for the sum.
const PATIENCE: Duration = Duration::from_secs(2);
/// When one that is `confirmed` is sent again to those who have said nothing.
const AGAIN: Duration = Duration::from_secs(1);

/// The messages to several that entered here and whose sum is not known.
#[derive(Debug, Default)]
pub(super) struct Spreads {
    open: BTreeMap<Key, Spread>,
    bytes: usize,
}

#[derive(Debug)]
struct Spread {
    message: Message,
    /// The nodes that it is for, and which run of each it was sent to.
    runs: BTreeMap<NodeName, u64>,
    /// The nodes that have said nothing yet.
    waited_for: BTreeSet<NodeName>,
    /// Those that were not reached.
    missing: BTreeSet<NodeName>,
    /// How many clients have been reached.
    recipients: u32,
    /// When the sum is told, whoever is missing.
    until: Duration,
    /// When it is sent again.
    again: Option<Duration>,
    /// When the first of those that it waits for, and that no way leads to, is given up.
    gone: Option<Duration>,
}

impl Spread {
    fn due(&self) -> Duration {
        [self.again, self.gone].into_iter().flatten().fold(self.until, Duration::min)
    }

    /// Waits no longer for a node that has said nothing.
    fn give_up(&mut self, node: &NodeName) {
        if let Some(node) = self.waited_for.take(node) {
            self.missing.insert(node);
        }
    }
}

impl Spreads {
    /// How many sums are to be told.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether one more of this size may enter.
    pub(super) fn has_room(&self, size: usize, window: super::Window) -> bool {
        self.open.is_empty()
            || (self.open.len() < window.messages && self.bytes + size <= window.bytes)
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.open.values().map(Spread::due).min()
    }

    fn end(&mut self, key: &Key) -> Option<Spread> {
        let spread = self.open.remove(key)?;
        self.bytes -= spread.message.size();
        Some(spread)
    }
}

/// Whether a message is for several.
pub(super) fn is_for_several(message: &Message) -> bool {
    let prefix = message.prefix();
    let several = || Address::parse(prefix.destination);
    prefix.kind == Kind::Data && matches!(several(), Ok(Address::Group(_) | Address::Everyone))
}

impl Brain {
    /// A client's message to several enters the mesh.
    pub(super) fn spread(&mut self, now: Now, message: Message, room: &impl Room) {
        let prefix = message.prefix();
        let key = confirmed::key(&prefix);
        self.bring_table_up();
        let nodes = self.nodes_of(prefix.destination);
        let patience = match prefix.class {
            Class::AtMostOnce => Some(PATIENCE),
            Class::Confirmed => confirmed::patience(now, &message),
        };
        let refused = match patience {
            None => Some(Reason::Deadline),
            Some(_) if self.spreads.open.contains_key(&key) => Some(Reason::Repeated),
            Some(_) if nodes.is_empty() => Some(Refusal::UnknownDestination.into()),
            Some(_) => None,
        };
        if let Some(reason) = refused {
            return self.give_back(now, message, reason, room);
        }
        let again = (prefix.class == Class::Confirmed).then_some(now.since_start + AGAIN);
        let copy = message.for_nodes(&nodes);
        let runs = nodes.iter().map(|node| (node.clone(), self.run_of(node))).collect();
        self.spreads.bytes += message.size();
        self.spreads.open.insert(
            key.clone(),
            Spread {
                message,
                runs,
                waited_for: nodes.into_iter().collect(),
                missing: BTreeSet::new(),
                recipients: 0,
                until: now.since_start + patience.unwrap_or_default(),
                again,
                gone: None,
            },
        );
        self.part(now, copy, room);
        self.look_for_gone(&key);
        self.give_up_gone(now, &key);
        self.sum_up(now, &key, room);
    }

    /// The nodes with somebody whom an address of several means.
    fn nodes_of(&self, destination: &str) -> Vec<NodeName> {
        let table = &self.tables.table;
        if let Ok(Address::Everyone) = Address::parse(destination) {
            let reached = table.iter().map(|(node, _)| node);
            // Those with somebody that no way leads to are told as missing.
            let named = self.tables.directory.nodes();
            let all: BTreeSet<_> = reached.chain(named).chain([&self.config.node]).collect();
            return all.into_iter().cloned().collect();
        }
        self.tables.directory.holders(destination).cloned().collect()
    }

    /// Parts a copy where ways part, and hands over what is for clients here.
    pub(super) fn part(&mut self, now: Now, message: Message, room: &impl Room) {
        let nodes = match message.targets() {
            Ok(nodes) => nodes,
            Err(error) => {
                self.counters.add(error.reason());
                return self.counters.count(Flow::Dropped);
            }
        };
        let mut ways: BTreeMap<(NodeName, u32), Vec<NodeName>> = BTreeMap::new();
        let mut refused: BTreeMap<Refusal, Vec<NodeName>> = BTreeMap::new();
        let mut is_here = false;
        for node in nodes {
            match self.way_to(&message, node.as_str()) {
                Way::Node => is_here = true,
                Way::Neighbour(neighbour, revision) => {
                    ways.entry((neighbour, revision)).or_default().push(node);
                }
                Way::Refuse(refusal) => refused.entry(refusal).or_default().push(node),
                Way::Client(_) => {
                    refused.entry(Refusal::UnknownDestination).or_default().push(node)
                }
            }
        }
        let copies = ways.len() + refused.len() + usize::from(is_here);
        self.counters.add_to(Flow::Made, copies.saturating_sub(1) as u64);
        for ((neighbour, revision), nodes) in ways {
            let copy = message.for_nodes(&nodes);
            self.take_way(now, copy, Way::Neighbour(neighbour, revision), room);
        }
        for (refusal, nodes) in refused {
            self.refuse(now, message.for_nodes(&nodes), refusal.into(), room);
        }
        if is_here {
            self.hand_to_members(now, message, room);
        }
    }

    /// A copy has come to a node that it is for: one for each member here, and the ingress is told how many.
    fn hand_to_members(&mut self, now: Now, message: Message, room: &impl Room) {
        let prefix = message.prefix();
        let (source, id) = confirmed::key(&prefix);
        let entered = message.path().stamps().next().and_then(|stamp| stamp.node.parse().ok());
        let ingress: NodeName = entered.unwrap_or_else(|| self.config.node.clone());
        let mut seen = Seen::New;
        if prefix.class == Class::Confirmed {
            let patience = confirmed::patience(now, &message).unwrap_or_default();
            let until = now.since_start + patience + super::repeats::LINGER;
            seen = self.repeats.begin(now.since_start, &source, id, until);
            self.repeats.handed_over(&source, id);
        }
        let members = self.members(prefix.destination, &source, message.is_brokered());
        let mut recipients = u32::try_from(members.len()).unwrap_or(u32::MAX);
        if seen == Seen::New {
            self.counters.add_to(Flow::Made, members.len() as u64);
            for conn in members {
                let before = self.out.len();
                self.deliver(now, message.for_one(), conn, room);
                let is_it =
                    |it: &Output| matches!(it, Output::Deliver { conn: to, .. } if *to == conn);
                // Not one whose queue is full, or whom a rule denies it.
                let is_handed = self.out.iter().skip(before).any(is_it);
                recipients -= u32::from(!is_handed);
            }
        } else {
            self.counters.add("repeat");
        }
        self.counters.count(Flow::Answered);
        if ingress == self.config.node {
            let me = ingress;
            return self.reached(now, &(source, id), &me, recipients, room);
        }
        let tail = Tail {
            correlation: Some(id),
            destination: Some(source),
            recipients: Some(recipients),
            ..Tail::default()
        };
        self.originate(now, Kind::Ack, ingress.as_str(), Flags::default(), &tail, vec![], room);
    }

    /// The connections of those here whom an address of several means.
    fn members(&self, destination: &str, source: &str, is_brokered: bool) -> Vec<ConnId> {
        if is_brokered {
            return self.all_known(source);
        }
        match Address::parse(destination) {
            Ok(Address::Group(group)) => self.groups.of(group).collect(),
            Ok(Address::Everyone) => {
                let clients = self.conns.iter().filter(|(_, conn)| match conn {
                    Conn::Client(client) => {
                        // Whoever has not said anything is an operator's own connection, or may be a node yet.
                        let is_here = Self::is_attached(client)
                            && !(client.anonymous && (client.operator || client.dialect.is_none()));
                        is_here && self.address(client) != source
                    }
                    Conn::Greeting(_)
                    | Conn::Dialling(_)
                    | Conn::Link(_)
                    | Conn::Standby(_)
                    | Conn::Refused => false,
                });
                let mut members: Vec<_> = clients.map(|(conn, _)| *conn).collect();
                members.sort_unstable();
                members
            }
            Ok(Address::Name(_) | Address::At { .. }) | Err(_) => Vec::new(),
        }
    }

    /// The number of the run of a node that is known here.
    fn run_of(&self, node: &NodeName) -> u64 {
        match *node == self.config.node {
            true => self.config.incarnation,
            false => self.database.ages(node).0.unwrap_or_default().incarnation,
        }
    }

    /// A node says how many clients it has handed a message to. One that was started again meanwhile does not know what
    /// its last run has handed over: it is missing.
    pub(super) fn reached(
        &mut self,
        now: Now,
        key: &Key,
        node: &NodeName,
        recipients: u32,
        room: &impl Room,
    ) {
        let run = self.run_of(node);
        if let Some(spread) = self.spreads.open.get_mut(key)
            && (spread.waited_for.remove(node) || spread.missing.remove(node))
        {
            if spread.runs.get(node) == Some(&run) {
                spread.recipients = spread.recipients.saturating_add(recipients);
            } else {
                spread.missing.insert(node.clone());
            }
            self.sum_up(now, key, room);
        }
    }

    /// A copy for these nodes was refused on its way. Says whether it belongs to a message that entered here.
    pub(super) fn not_reached(
        &mut self,
        now: Now,
        key: &Key,
        nodes: &[NodeName],
        room: &impl Room,
    ) -> bool {
        let Some(spread) = self.spreads.open.get_mut(key) else {
            return false;
        };
        // One that is confirmed is sent again to those who have said nothing.
        if spread.again.is_none() {
            nodes.iter().for_each(|node| spread.give_up(node));
            self.sum_up(now, key, room);
        }
        true
    }

    /// Tells a message's sender how many it has reached, once that is known.
    fn sum_up(&mut self, now: Now, key: &Key, room: &impl Room) {
        if self.spreads.open.get(key).is_some_and(|spread| spread.waited_for.is_empty()) {
            self.tell_sum(now, key, room);
        }
    }

    fn tell_sum(&mut self, now: Now, key: &Key, room: &impl Room) {
        let Some(spread) = self.spreads.end(key) else {
            return;
        };
        self.blocked.stirred = true;
        let missing = spread.missing.into_iter().chain(spread.waited_for).collect();
        let tail = Tail {
            correlation: Some(key.1),
            node: Some(self.config.node.as_str().to_owned()),
            destination: Some(spread.message.prefix().destination.to_owned()),
            recipients: Some(spread.recipients),
            missing,
            ..Tail::default()
        };
        let prefix = Prefix {
            id: key.1,
            hop_limit: self.config.settings.hop_limit,
            destination: &key.0,
            source: self.config.node.as_str(),
            tail: &tail.write(),
            ..Prefix::new(Kind::Ack)
        };
        let mut told = Message::new(&prefix, []);
        told.arrived = now.unix_nanos;
        self.counters.count(Flow::Made);
        self.route(now, told, room);
    }

    /// Tells all sums, as far as they are known.
    pub(super) fn tell_all_sums(&mut self, now: Now, room: &impl Room) {
        for key in self.spreads.open.keys().cloned().collect::<Vec<_>>() {
            self.tell_sum(now, &key, room);
        }
    }

    /// Sends again what is confirmed, gives up who is gone, and tells the sums whose time has come.
    pub(super) fn tick_spreads(&mut self, now: Now, room: &impl Room) {
        let due = self.spreads.open.iter().filter(|(_, it)| it.due() <= now.since_start);
        for key in due.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.give_up_gone(now, &key);
            let Some(spread) = self.spreads.open.get_mut(&key) else {
                continue;
            };
            if spread.until <= now.since_start || spread.waited_for.is_empty() {
                self.tell_sum(now, &key, room);
                continue;
            }
            if spread.again.is_none_or(|again| again > now.since_start) {
                continue;
            }
            spread.again = Some(now.since_start + AGAIN);
            let nodes: Vec<_> = spread.waited_for.iter().cloned().collect();
            let mut copy = spread.message.for_nodes(&nodes);
            copy.mark_resent(true);
            self.counters.count(Flow::Made);
            self.part(now, copy, room);
        }
    }
}
