//! Who is there, in the whole mesh: every node is asked, for a second at most.
//!
//! There is one question at a time. Who asks while it is open waits for the next, so that however many ask, a node
//! answers it one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::replies::Asked;
use super::{Brain, Conn, ConnId, Flow, Message, MessageId, Now, Reply, Room, ended};
use crate::dialect::broker::{Listed, client_list};
use crate::name::NodeName;
use crate::wire::control::{Answer, Request};
use crate::wire::{Flags, Kind, Tail};

/// How long nodes have to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A question to all nodes.
#[derive(Debug)]
pub(super) struct Round {
    /// Those that have not answered.
    asked: BTreeMap<MessageId, NodeName>,
    /// There are more to ask.
    is_asking: bool,
    /// What the others have said.
    said: Vec<(NodeName, Vec<Listed>)>,
    /// Those that cannot be asked, or did not answer.
    missing: Vec<NodeName>,
    until: Duration,
    /// Who is told.
    waiting: Vec<(ConnId, MessageId)>,
    /// Who has asked since.
    later: Vec<(ConnId, MessageId)>,
}

impl Round {
    /// When it ends, whoever has not answered.
    pub(super) fn until(&self) -> Duration {
        self.until
    }
}

impl Brain {
    /// The clients of this dialect here, in the order in which they became known.
    pub(in super::super) fn listed_here(&self) -> Vec<Listed> {
        let listed = |(conn, it): (&ConnId, &Conn)| {
            let Conn::Client(client) = it else { return None };
            let known = client.broker.as_ref()?.known.as_ref()?;
            let name = known.name.as_ref().map(|(name, _)| name.clone());
            let listed =
                Listed { name, since: known.since, active: known.active, count: known.count };
            Some((known.since, *conn, listed))
        };
        let mut listed: Vec<_> = self.conns.iter().filter_map(listed).collect();
        listed.sort_by_key(|(since, conn, _)| (*since, *conn));
        listed.into_iter().map(|(_, _, listed)| listed).collect()
    }

    /// A client asks who is there in the whole mesh.
    pub(super) fn list_all(&mut self, now: Now, conn: ConnId, room: &impl Room) {
        let id = self.next_id();
        if !self.await_outcome(now, conn, id, Asked::List, room) {
            return;
        }
        self.counters.count(Flow::Accepted);
        self.counters.count(Flow::Answered);
        match &mut self.broker.listing {
            Some(round) => round.later.push((conn, id)),
            None => self.ask_who_is_there(now, vec![(conn, id)], room),
        }
    }

    fn ask_who_is_there(&mut self, now: Now, waiting: Vec<(ConnId, MessageId)>, room: &impl Room) {
        self.bring_table_up();
        let table = &self.tables.table;
        let nodes: Vec<NodeName> = table.iter().map(|(node, _)| node.clone()).collect();
        let missing = table.unreachable().cloned().collect();
        let until = now.since_start + PATIENCE;
        self.broker.listing = Some(Round {
            asked: BTreeMap::new(),
            is_asking: true,
            said: Vec::new(),
            missing,
            until,
            waiting,
            later: Vec::new(),
        });
        for node in nodes {
            // Noted before it is asked: the answer that there is no way may come at once.
            let id = self.upcoming_id();
            if let Some(round) = &mut self.broker.listing {
                round.asked.insert(id, node.clone());
            }
            let (flags, tail) = (Flags::default(), Tail::default());
            let payload = vec![Request::BrokerClients {}.write()];
            self.originate(now, Kind::Control, node.as_str(), flags, &tail, payload, room);
        }
        if let Some(round) = &mut self.broker.listing {
            round.is_asking = false;
        }
        self.end_listing_if_known(now, room);
    }

    /// Takes a node's answer, or that there is none, if it was asked who is there.
    pub(in super::super) fn is_listing(
        &mut self,
        now: Now,
        message: &Message,
        room: &impl Room,
    ) -> bool {
        let (Some(id), Some(round)) = (ended(message), &mut self.broker.listing) else {
            return false;
        };
        let Some(node) = round.asked.get(&id) else {
            return false;
        };
        let prefix = message.prefix();
        let is_answer = prefix.kind == Kind::Error || prefix.source == node.as_str();
        if !is_answer || !message.is_from_node(&self.config.node) {
            self.counters.add("forged answer");
            return true;
        }
        let node = node.clone();
        round.asked.remove(&id);
        let answer = (prefix.kind == Kind::Reply).then(|| message.payload().first());
        match answer.flatten().map(|frame| Answer::read(frame)) {
            Some(Ok(Answer::BrokerClients { clients })) => round.said.push((node, clients)),
            _ => round.missing.push(node),
        }
        self.end_listing_if_known(now, room);
        true
    }

    /// Who has not answered by now is missing.
    pub(in super::super) fn tick_listing(&mut self, now: Now, room: &impl Room) {
        if let Some(round) = &mut self.broker.listing
            && round.until <= now.since_start
        {
            round.missing.extend(std::mem::take(&mut round.asked).into_values());
            self.end_listing_if_known(now, room);
        }
    }

    fn end_listing_if_known(&mut self, now: Now, room: &impl Room) {
        let Some(round) = self.broker.listing.take_if(|it| it.asked.is_empty() && !it.is_asking)
        else {
            return;
        };
        let Round { mut said, mut missing, waiting, later, .. } = round;
        said.push((self.config.node.clone(), self.listed_here()));
        let mut all: Vec<(&NodeName, &Listed)> = said
            .iter()
            .flat_map(|(node, listed)| listed.iter().map(move |it| (node, it)))
            .collect();
        // Stable: of one node in the order in which it says them.
        all.sort_by_key(|(node, listed)| (listed.since, *node));
        missing.sort();
        let text = client_list(all.into_iter().map(|(_, listed)| listed), &missing);
        for (conn, id) in waiting {
            self.settle_reply(now, conn, id, Reply::List(text.clone()), room);
        }
        if !later.is_empty() {
            self.ask_who_is_there(now, later, room);
        }
    }
}
