//! Registered names: a name space of the whole mesh, in which the oldest live registration counts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Brain, ConnId, Now, Reply};
use crate::dialect::broker::MAX_NAME;
use crate::name::ClientName;

/// The registrations at this node.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of each name with their times in Unix milliseconds, oldest first.
    registered: BTreeMap<ClientName, BTreeSet<(u64, ConnId)>>,
}

impl Brain {
    /// A client is called so from now on, and by no other name.
    pub(super) fn register(&mut self, now: Now, conn: ConnId, name: String) -> Option<Reply> {
        let client = self.client(conn)?;
        let client_id = client.name.as_str().to_owned();
        let known = client.broker.as_mut()?.known.as_mut()?;
        if known.name.as_ref().is_none_or(|(before, _)| *before != name) {
            self.unregister(conn);
            let since = now.unix_millis();
            let key = ClientName::broker(&name);
            self.broker.names.registered.entry(key.clone()).or_default().insert((since, conn));
            if let Some(known) = self.client(conn)?.broker.as_mut()?.known.as_mut() {
                known.name = Some((name.clone(), since));
            }
            self.tell_oldest(&key);
        }
        Some(Reply::Registered { client_id, name })
    }

    /// A client has no name any more.
    pub(super) fn unregister(&mut self, conn: ConnId) {
        let known =
            |brain: &mut Self| brain.client(conn)?.broker.as_mut()?.known.as_mut()?.name.take();
        let Some((name, since)) = known(self) else {
            return;
        };
        let key = ClientName::broker(&name);
        if let Some(of_name) = self.broker.names.registered.get_mut(&key) {
            of_name.remove(&(since, conn));
            self.tell_oldest(&key);
        }
    }

    /// Who has a name here, and since when, has changed or may have: the oldest registration counts.
    fn tell_oldest(&mut self, key: &ClientName) {
        let oldest = self.broker.names.registered.get(key).and_then(BTreeSet::first).copied();
        let Some((since, conn)) = oldest else {
            self.broker.names.registered.remove(key);
            self.clients.names.remove(key);
            if self.clients.told.remove(key).is_some() {
                self.originate_change(key, None);
            }
            return;
        };
        self.clients.names.insert(key.clone(), conn);
        if self.clients.told.insert(key.clone(), since) != Some(since) {
            self.originate_change(key, Some(since));
            self.stir_seeking();
        }
    }

    /// The address of the client that has a name: of those at nodes that can be reached, or else of all, the oldest; of
    /// several the one at the node of lesser name.
    pub(super) fn broker_holder(&mut self, name: &str) -> Option<String> {
        if name.len() > MAX_NAME {
            return None;
        }
        self.holder_of(ClientName::broker(name).as_str())
    }

    fn holder_of(&mut self, key: &str) -> Option<String> {
        self.bring_table_up();
        self.refresh();
        let (me, table) = (&self.config.node, &self.tables.table);
        let holders = self.tables.directory.holders(key).filter_map(|node| {
            let key = self.tables.directory.named_at(key, node)?;
            let is_reached = node == me || table.reaches(node);
            Some((!is_reached, self.database.since(node, key)?, node))
        });
        holders.min().map(|(_, _, node)| format!("{key}@{node}"))
    }

    /// Where what was sent to this address of a registered name is to go by now, if that is elsewhere.
    pub(in super::super) fn moved(&mut self, before: &str) -> Option<String> {
        let (key, _) = before.rsplit_once('@')?;
        self.holder_of(key).filter(|now| now != before)
    }
}
