//! Groups: which clients here are members of which. What other nodes are told is that there is one here.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Message;
use super::{Brain, ConnId, Now};
use crate::name::{ClientName, NodeName};
use crate::wire::control::Answer;

/// Why a group is not joined that is none.
const NO_GROUP: &str = "a group's name is written as a node's is";

/// Why a group is not joined from elsewhere.
const ELSEWHERE: &str = "groups are joined at the node that a client is attached at";

/// The members of groups at this node.
#[derive(Debug, Default)]
pub(super) struct Groups {
    members: BTreeMap<ClientName, BTreeSet<ConnId>>,
}

impl Groups {
    /// The members of a group here, in order.
    pub(super) fn of(&self, group: &str) -> impl Iterator<Item = ConnId> + use<'_> {
        let group = ClientName::group(group);
        self.members.get(&group).into_iter().flatten().copied()
    }
}

impl Brain {
    /// A client here becomes a member of a group, or is one no more.
    pub(super) fn membership(
        &mut self,
        now: Now,
        message: &Message,
        group: &str,
        joins: bool,
    ) -> Answer {
        let prefix = message.prefix();
        let name = prefix.source.rsplit_once('@').map_or(prefix.source, |(name, _)| name);
        let conn = self.clients.conn(name).filter(|_| message.path().is_empty());
        let Some(conn) = conn else {
            return Answer::Refused { reason: ELSEWHERE.to_owned() };
        };
        if !joins {
            self.leave_group(conn, group);
            return Answer::Done {};
        }
        match self.join(now, conn, group) {
            Ok(()) => Answer::Done {},
            Err(why) => Answer::Refused { reason: why.to_owned() },
        }
    }

    /// A client becomes a member of a group.
    pub(super) fn join(&mut self, now: Now, conn: ConnId, group: &str) -> Result<(), &'static str> {
        NodeName::parse(group).map_err(|_| NO_GROUP)?;
        let group = ClientName::group(group);
        let members = self.groups.members.entry(group.clone()).or_default();
        let is_first = members.is_empty();
        members.insert(conn);
        if is_first {
            self.clients.told.insert(group.clone(), now.unix_millis());
            self.originate_change(&group, Some(now.unix_millis()));
        }
        Ok(())
    }

    /// A client is a member no more.
    pub(super) fn leave_group(&mut self, conn: ConnId, group: &str) {
        self.leave_named(conn, &ClientName::group(group));
    }

    /// A client joins the groups that the topology says its name is in.
    pub(super) fn join_planned(&mut self, now: Now, conn: ConnId, name: &ClientName) {
        let groups =
            self.config.settings.groups.iter().filter(|(_, members)| members.contains(name));
        for group in groups.map(|(group, _)| group.clone()).collect::<Vec<_>>() {
            // The names of a checked topology are names.
            let _ = self.join(now, conn, &group);
        }
    }

    /// A client is a member of nothing any more.
    pub(super) fn leave_groups(&mut self, conn: ConnId) {
        let groups = self.groups.members.iter().filter(|(_, members)| members.contains(&conn));
        for group in groups.map(|(group, _)| group.clone()).collect::<Vec<_>>() {
            self.leave_named(conn, &group);
        }
    }

    fn leave_named(&mut self, conn: ConnId, group: &ClientName) {
        let Some(members) = self.groups.members.get_mut(group) else {
            return;
        };
        if members.remove(&conn) && members.is_empty() {
            self.groups.members.remove(group);
            self.clients.told.remove(group);
            self.originate_change(group, None);
        }
    }
}
