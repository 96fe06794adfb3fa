//! Messages for the node itself: questions, orders, probes, and the answers to its own questions.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::message::Message;
use super::{Brain, Now, Room, counters::Flow};
use crate::dialect::json;
use crate::name::{ClientName, LinkName, NodeName};
use crate::reason::Reason;
use crate::wire::control::{Answer, Request};
use crate::wire::{Flags, Kind, MessageId, Prefix, Tail};

/// What this node has asked another about names, by message.
#[derive(Debug, Default)]
pub(super) struct Asked {
    claims: BTreeMap<MessageId, AskedClaim>,
    /// Other nodes' questions about names here, whose holders have a moment to go.
    owed: Vec<OwedClaim>,
}

#[derive(Debug)]
struct AskedClaim {
    name: ClientName,
    holder: NodeName,
    until: Duration,
}

#[derive(Debug)]
struct OwedClaim {
    name: ClientName,
    to: String,
    correlation: MessageId,
    until: Duration,
}

impl Asked {
    /// Whether a question about a name is open.
    pub(super) fn has_asked(&self, name: &ClientName) -> bool {
        self.claims.values().any(|claim| claim.name == *name)
    }

    pub(super) fn due(&self) -> Option<Duration> {
        let claims = self.claims.values().map(|claim| claim.until);
        claims.chain(self.owed.iter().map(|claim| claim.until)).min()
    }
}

impl Brain {
    /// A message that is for this node.
    pub(super) fn answer(&mut self, now: Now, mut message: Message, room: &impl Room) {
        let receipt = match self.receipt(now, &mut message, Some(Duration::ZERO)) {
            Ok(receipt) => receipt,
            Err(seen) => return self.repeat(now, &message, seen, room),
        };
        // Before the answer, which may tell of the counts.
        if message.kind() != Kind::Probe {
            self.counters.count(Flow::Answered);
        }
        match message.kind() {
            Kind::Data => self.answer_data(now, &message, room),
            Kind::Probe => return self.answer_probe(now, &message, room),
            Kind::Control => self.answer_control(now, &message, room),
            Kind::Reply => self.answered(now, &message, room),
            Kind::Error => self.not_answered(now, &message, room),
            Kind::Ack => self.confirmation(now, &message, room),
            Kind::Credit => self.credit(now, &message, room),
            Kind::Hello | Kind::LinkState | Kind::LinkAck | Kind::Batch => {}
        }
        if let Some(receipt) = receipt {
            self.handed_over(now, receipt, room);
        }
    }

    /// Says what the node is, to whoever sends it anything. Another node is not answered, so that two
    /// nodes never talk for ever.
    fn answer_data(&mut self, now: Now, message: &Message, room: &impl Room) {
        let prefix = message.prefix();
        if message.is_from_node(self.name()) {
            return;
        }
        let fields = [
            ("node", json!(self.config.node.as_str())),
            ("mesh", json!(self.config.mesh)),
            ("uptime", json!(self.uptime(now).as_secs_f64())),
            ("revision", json!(self.tables.table.revision().to_string())),
        ];
        let tail = Tail::read(prefix.tail).unwrap_or_default();
        let request = match tail.content_type.as_deref() {
            Some(json::CONTENT_TYPE) => message.payload().first().map_or(&[][..], |frame| frame),
            Some(_) | None => &[],
        };
        let answer = json::node_answer(request, &fields);
        let content_type = Some(json::CONTENT_TYPE.to_owned());
        self.reply(now, &prefix, vec![answer.into()], content_type, room);
    }

    /// Tells where a probe came by. The answer's payload is the probe's whole path.
    pub(super) fn answer_probe(&mut self, now: Now, message: &Message, room: &impl Room) {
        let prefix = message.prefix();
        let path = message.path().stamped(&self.stamp(now, message), 0);
        self.counters.count(Flow::Answered);
        self.reply(now, &prefix, vec![path], None, room);
    }

    fn answer_control(&mut self, now: Now, message: &Message, room: &impl Room) {
        let prefix = message.prefix();
        let request = message.payload().first().map(|frame| Request::read(frame));
        let from_node = message.is_from_node(self.name());
        let answer = match request {
            Some(Ok(request))
                if request.is_order() && !from_node && !prefix.flags.has(Flags::OPERATOR) =>
            {
                self.counters.add(Reason::NotAllowed.text());
                refused(Reason::NotAllowed.text())
            }
            Some(Ok(Request::Status {})) => Answer::Status(Box::new(self.status(now, room))),
            Some(Ok(Request::Routes {})) => Answer::Routes(self.route_lines()),
            Some(Ok(Request::Locate { name })) => Answer::Located { nodes: self.locate(&name) },
            Some(Ok(Request::Explain { destination, path, from, client })) => {
                let from = (from.as_ref(), client.as_deref());
                Answer::Explained(Box::new(self.explain(&destination, &path, from)))
            }
            Some(Ok(Request::Graph {})) => self.graph(),
            Some(Ok(Request::BrokerClients {})) => {
                Answer::BrokerClients { clients: self.listed_here() }
            }
            Some(Ok(Request::Claim { name, takeover })) if from_node => {
                return self.claimed(now, &prefix, name, takeover, room);
            }
            Some(Ok(Request::Join { group })) => self.membership(now, message, &group, true),
            Some(Ok(Request::Leave { group })) => self.membership(now, message, &group, false),
            Some(Ok(Request::Claim { .. })) => refused(Reason::NotAllowed.text()),
            Some(Ok(Request::Cut { neighbour })) => {
                // The answer first: it may have to travel over the very link.
                self.reply(now, &prefix, vec![Answer::Done {}.write()], None, room);
                self.hand_over(now, room);
                return self.cut(now, &neighbour, room);
            }
            Some(Ok(Request::Heal { neighbour })) => {
                self.heal(&neighbour);
                Answer::Done {}
            }
            Some(Ok(Request::Impair { neighbour, impairment })) => {
                match self.impair(now, &neighbour, impairment) {
                    true => Answer::Done {},
                    false => refused(&format!("there is no link to `{neighbour}`")),
                }
            }
            Some(Ok(Request::Drain { draining })) => {
                self.drain(draining);
                Answer::Done {}
            }
            Some(Ok(Request::SetRoute { destination, next_hop })) => {
                self.route_ordered(&destination, next_hop.as_deref())
            }
            Some(Err(error)) => {
                self.counters.add(error.reason());
                refused(&error.to_string())
            }
            None => refused("the request has no payload"),
        };
        self.reply(now, &prefix, vec![answer.write()], None, room);
    }

    /// Somebody who may sets a static route, or takes it away.
    fn route_ordered(&mut self, destination: &str, next_hop: Option<&str>) -> Answer {
        if next_hop == Some(self.name().as_str()) {
            return refused("a static route cannot lead to the node itself");
        }
        match self.tables.set_route(destination, next_hop) {
            Ok(None) if next_hop.is_none() => {
                refused(&format!("there is no static route for `{destination}`"))
            }
            Ok(_) => Answer::Done {},
            Err(error) => refused(&error.to_string()),
        }
    }

    /// Answers a message in this node's name.
    fn reply(
        &mut self,
        now: Now,
        to: &Prefix<'_>,
        payload: Vec<Bytes>,
        content_type: Option<String>,
        room: &impl Room,
    ) {
        let correlation = Some(to.id);
        let tail = Tail { correlation, content_type, ..Tail::default() };
        let flags = if to.flags.has(Flags::TRACE) { Flags::TRACE } else { Flags::default() };
        self.originate(now, Kind::Reply, to.source, flags, &tail, payload, room);
    }

    #[expect(clippy::too_many_arguments, reason = "a message has that many parts")]
    pub(super) fn originate(
        &mut self,
        now: Now,
        kind: Kind,
        destination: &str,
        flags: Flags,
        tail: &Tail,
        payload: Vec<Bytes>,
        room: &impl Room,
    ) -> MessageId {
        let id = self.next_id();
        let prefix = Prefix {
            flags,
            hop_limit: self.config.settings.hop_limit,
            id,
            destination,
            source: self.config.node.as_str(),
            tail: &tail.write(),
            ..Prefix::new(kind)
        };
        let mut message = Message::new(&prefix, payload);
        message.arrived = now.unix_nanos;
        self.counters.count(Flow::Made);
        self.route(now, message, room);
        id
    }

    /// Asks another node whether its holder of a name is alive.
    pub(super) fn ask_claim(
        &mut self,
        now: Now,
        name: &ClientName,
        holder: &NodeName,
        until: Duration,
        room: &impl Room,
    ) {
        let takeover = self.config.settings.takeover && !self.clients.holds(name);
        let request = Request::Claim { name: name.as_str().to_owned(), takeover };
        let id = self.upcoming_id();
        // Noted before it is sent: the answer that there is no way may come at once.
        self.asked
            .claims
            .insert(id, AskedClaim { name: name.clone(), holder: holder.clone(), until });
        let (flags, tail) = (Flags::default(), Tail::default());
        self.originate(
            now,
            Kind::Control,
            holder.as_str(),
            flags,
            &tail,
            vec![request.write()],
            room,
        );
    }

    /// Another node asks whether the holder of a name here is alive.
    fn claimed(
        &mut self,
        now: Now,
        prefix: &Prefix<'_>,
        name: String,
        takeover: bool,
        room: &impl Room,
    ) {
        let holder = |brain: &Self| {
            brain.clients.attached().into_iter().find(|held| held.name.as_str() == name)
        };
        if let Some(held) = holder(self).filter(|_| takeover) {
            self.take_over(now, &held.name, room);
        }
        match holder(self) {
            None => {
                let answer = Answer::Claimed { name, held: false };
                self.reply(now, prefix, vec![answer.write()], None, room);
            }
            Some(held) => {
                let until = self.ask_holder(now, &held.name);
                self.asked.owed.push(OwedClaim {
                    name: held.name,
                    to: prefix.source.to_owned(),
                    correlation: prefix.id,
                    until,
                });
            }
        }
    }

    /// The holder of a name here is there, and has until `grace` to be gone all the same.
    pub(super) fn holder_stays(&mut self, name: &ClientName, grace: Duration) {
        for owed in self.asked.owed.iter_mut().filter(|owed| owed.name == *name) {
            owed.until = owed.until.min(grace);
        }
    }

    /// The holder of a name here has gone: whoever asked for it is told.
    pub(super) fn holder_gone(&mut self, now: Now, name: &ClientName, room: &impl Room) {
        let (gone, rest) = std::mem::take(&mut self.asked.owed)
            .into_iter()
            .partition(|claim: &OwedClaim| claim.name == *name);
        self.asked.owed = rest;
        self.tell_claimants(now, gone, false, room);
    }

    /// Questions about names whose time has passed.
    pub(super) fn expire_questions(&mut self, now: Now, room: &impl Room) {
        let (over, rest) = std::mem::take(&mut self.asked.owed)
            .into_iter()
            .partition(|claim: &OwedClaim| claim.until <= now.since_start);
        self.asked.owed = rest;
        self.tell_claimants(now, over, true, room);
        self.asked.claims.retain(|_, claim| claim.until > now.since_start);
    }

    fn tell_claimants(&mut self, now: Now, claims: Vec<OwedClaim>, held: bool, room: &impl Room) {
        for OwedClaim { name, to, correlation, .. } in claims {
            let answer = Answer::Claimed { name: name.as_str().to_owned(), held };
            let tail = Tail { correlation: Some(correlation), ..Tail::default() };
            let payload = vec![answer.write()];
            self.originate(now, Kind::Reply, &to, Flags::default(), &tail, payload, room);
        }
    }

    /// The answer to a question of this node's own.
    fn answered(&mut self, now: Now, message: &Message, room: &impl Room) {
        if self.is_listing(now, message, room) {
            return;
        }
        let Some(claim) = self.own_question(message) else {
            return;
        };
        match message.payload().first().map(|frame| Answer::read(frame)) {
            Some(Ok(Answer::Claimed { held: true, .. })) => {
                self.claim_lost(now, &claim.name, &claim.holder, room);
            }
            Some(Ok(
                Answer::Claimed { held: false, .. }
                | Answer::Status(_)
                | Answer::Routes(_)
                | Answer::Located { .. }
                | Answer::Explained(_)
                | Answer::Graph { .. }
                | Answer::BrokerClients { .. }
                | Answer::Done {}
                | Answer::Refused { .. },
            ))
            | Some(Err(_))
            | None => self.claim_won(now, &claim.name, room),
        }
    }

    /// A question of this node's own did not arrive: nobody there has the name.
    fn not_answered(&mut self, now: Now, message: &Message, room: &impl Room) {
        if self.is_listing(now, message, room) {
            return;
        }
        if let Some(claim) = self.own_question(message) {
            self.claim_won(now, &claim.name, room);
        }
    }

    /// The question of this node's own that a message answers. Its id can be guessed, so an answer counts only
    /// if it comes from the node that was asked, and an error if a node made it.
    fn own_question(&mut self, message: &Message) -> Option<AskedClaim> {
        let prefix = message.prefix();
        let id = Tail::read(prefix.tail).ok()?.correlation?;
        let asked = self.asked.claims.get(&id)?;
        let is_answer = prefix.kind == Kind::Error || prefix.source == asked.holder.as_str();
        if !is_answer || !message.is_from_node(self.name()) {
            self.counters.add("forged answer");
            return None;
        }
        self.asked.claims.remove(&id)
    }

    fn locate(&self, name: &str) -> Vec<NodeName> {
        if let Ok(node) = NodeName::parse(name)
            && self.tables.table.knows(name)
        {
            return vec![node];
        }
        self.tables.directory.holders(name).cloned().collect()
    }

    /// The nodes and links that the routes are made of.
    fn graph(&self) -> Answer {
        let graph = self.reported();
        let ends =
            |(link, cost): (&LinkName, u32)| (link.lesser().clone(), link.greater().clone(), cost);
        Answer::Graph {
            nodes: graph.nodes().cloned().collect(),
            links: graph.links().map(ends).collect(),
        }
    }
}

fn refused(reason: &str) -> Answer {
    Answer::Refused { reason: reason.to_owned() }
}
