//! What a node says of itself: its status and its routing table.

use std::time::Duration;

use super::conn::Conn;
use super::{Brain, Now, Room};
use crate::dialect::Dialect;
use crate::route::route_lines;
use crate::wire::control::{ClientStatus, LinkStatus, NodeStatus, RouteLine};

impl Brain {
    /// What this node is and knows.
    #[must_use]
    pub fn status(&self, now: Now, room: &impl Room) -> NodeStatus {
        let table = &self.tables.table;
        let mut reachable: Vec<_> = table.iter().map(|(node, _)| node.clone()).collect();
        reachable.push(self.config.node.clone());
        reachable.sort();
        let links = self.links.iter().map(|(neighbour, link)| LinkStatus {
            neighbour: neighbour.clone(),
            cost: link.cost(),
            up: link.is_up(),
            dials: link.dials(),
            cut: link.cut,
            queued: link.outbox.len() as u64,
            trouble: room.trouble(neighbour).or_else(|| link.refusal()),
            impairment: link.line.impairment(),
        });
        let mut clients: Vec<_> = self
            .conns
            .values()
            .filter_map(|conn| match conn {
                Conn::Client(client) => Some(ClientStatus {
                    name: self.address(client),
                    dialect: client.dialect.map(|dialect| Dialect::name(dialect).to_owned()),
                    attached: Self::is_attached(client),
                    since: client.since(),
                }),
                Conn::Greeting(_)
                | Conn::Dialling(_)
                | Conn::Link(_)
                | Conn::Standby(_)
                | Conn::Refused => None,
            })
            .collect();
        clients.sort_by(|a, b| (&a.name, a.since).cmp(&(&b.name, b.since)));
        // Others forget who cannot be reached sooner or later.
        let attachments = self.tables.directory.digest_at(|node| table.reaches(node));
        let mut counters = self.counters.all();
        for (reason, count) in room.refusals() {
            *counters.entry(reason.to_owned()).or_default() += count;
        }
        NodeStatus {
            mesh: self.config.mesh.clone(),
            node: self.config.node.clone(),
            incarnation: self.own.incarnation,
            uptime_ms: u64::try_from(self.uptime(now).as_millis()).unwrap_or(u64::MAX),
            revision: table.revision().to_string(),
            attachments: format!("{attachments:016x}"),
            draining: self.drain.is_on(),
            pending: self.pending_floods() + self.uncompared() + u64::from(self.is_behind()),
            waiting: self.waiting(),
            kept: self.confirmed.len() as u64,
            namesakes: self.namesakes.names(now.since_start).cloned().collect(),
            reachable,
            links: links.collect(),
            clients,
            counters,
        }
    }

    /// How many messages wait here: for a link, for room on the way, or as errors for a way or for their sender to take them.
    pub(super) fn waiting(&self) -> u64 {
        let links: usize = self.links.values().map(|link| link.outbox.waiting()).sum();
        (links + self.blocked.len() + self.unsaid.messages() + self.wayless.len()) as u64
    }

    /// How many messages came to this node and neither left nor wait here: none, or it is a fault of the node.
    /// [`NodeStatus::counters`] has all the ways, and `docs/delivery.md` says what they mean.
    #[must_use]
    pub fn unaccounted(&self) -> i128 {
        self.counters.here() - i128::from(self.waiting())
    }

    /// How many floods neighbours have not acknowledged.
    #[must_use]
    pub fn pending_floods(&self) -> u64 {
        let sessions = self.links.values().filter_map(|link| link.session.as_ref());
        sessions.map(|it| it.floods_sent - it.floods_acknowledged + it.owed.len() as u64).sum()
    }

    /// How many links are up and count for nothing yet, as this end has not told what the other lacks.
    fn uncompared(&self) -> u64 {
        let sessions = self.links.values().filter_map(|link| link.session.as_ref());
        sessions.filter(|session| !session.compared.told).count() as u64
    }

    /// The routing table, line by line: nodes, then names, then static routes.
    #[must_use]
    pub fn route_lines(&self) -> Vec<RouteLine> {
        route_lines(&self.tables.table, &self.tables.directory, &self.tables.statics)
    }

    pub(super) fn uptime(&self, now: Now) -> Duration {
        now.since_start.saturating_sub(self.started.since_start)
    }
}
