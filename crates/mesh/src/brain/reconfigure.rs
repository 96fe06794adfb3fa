//! Change while the node runs: what is new is taken in, what is gone goes down gracefully, what stays is not touched.
//!
//! ```text
//!  a link that is taken out:   up --> retiring --------------------------------------> closed
//!                                     told to all; what waits is routed anew           once what was sent is
//!                                                                                      acknowledged, and what the
//!                                                                                      other end had sent has come;
//!                                                                                      or after ten seconds
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clients::Claim;
use super::conn::Conn;
use super::links::Link;
use super::{Brain, ConnId, LinkConfig, Now, Output, Room, Settings};
use crate::name::{ClientName, NodeName};
use crate::reason::Reason;
use crate::route::Refusal;

/// How long a link that is taken out may take to finish.
const RETIRES: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);
/// For so long nothing has come on it since the other end had nothing left: nothing comes any more.
const QUIET: Duration = Duration::from_millis(50);

/// How far a link is that is taken out.
#[derive(Debug)]
pub(super) struct Retiring {
    until: Duration,
    pub(super) look: Duration,
}

impl Brain {
    /// The node goes by this from now on.
    pub(super) fn reconfigure(&mut self, now: Now, settings: Settings, room: &impl Room) {
        let Settings {
            links,
            known,
            statics,
            services,
            groups,
            access,
            closed,
            takeover,
            dialects,
            hop_limit,
            window,
            flow,
            queue,
            kept,
            inflated,
            liveness,
        } = settings;
        let mine = &mut self.config.settings;
        (mine.takeover, mine.dialects, mine.hop_limit) = (takeover, dialects, hop_limit);
        mine.inflated = inflated;
        (mine.window, mine.flow, mine.queue) = (window, flow, queue);
        (mine.kept, mine.liveness, mine.known) = (kept, liveness, known);
        self.confirmed.keep_at_most(kept);
        for link in self.links.values_mut() {
            link.outbox.set_limits(window, queue);
        }
        self.tables.set_statics(statics);
        let mine = &mut self.config.settings;
        let judged = mine.services != services || mine.access != access || mine.closed != closed;
        (mine.access, mine.closed) = (access, closed);
        if mine.services != services {
            self.tables.set_services(&services);
            mine.services = services;
        }
        self.regroup(now, groups);
        if judged {
            self.close_misjudged(now, room);
        }
        self.relink(now, links, room);
        self.blocked.stirred = true;
    }

    /// Takes the declared links in: what is new, what is otherwise, what is gone.
    fn relink(&mut self, now: Now, links: BTreeMap<NodeName, LinkConfig>, room: &impl Room) {
        self.tables.links_changed();
        if self.config.settings.links == links {
            return;
        }
        let before = std::mem::replace(&mut self.config.settings.links, links.clone());
        let gone = before.keys().filter(|neighbour| !links.contains_key(*neighbour));
        let mut retired: Vec<NodeName> = gone.cloned().collect();
        for (neighbour, link) in links {
            match before.get(&neighbour) {
                Some(old) if *old == link => {}
                // The other end dials from now on, so this connection has to end.
                Some(old) if old.dials && !link.dials => retired.push(neighbour),
                old => self.change_link(now, &neighbour, old, link, room),
            }
        }
        for neighbour in &retired {
            if let Some(link) = self.links.get_mut(neighbour) {
                let now = now.since_start;
                link.retiring = Some(Retiring { until: now + RETIRES, look: now });
                if let Some(session) = &mut link.session {
                    session.flush.want();
                }
            }
        }
        self.originate_adjacency();
        self.refresh();
        for neighbour in retired {
            let link = self.links.get_mut(&neighbour);
            for message in link.map(|link| link.outbox.recall()).unwrap_or_default() {
                self.route(now, message, room);
            }
        }
        self.finish_links(now, room);
    }

    /// A link is declared, as it was not or not before.
    fn change_link(
        &mut self,
        now: Now,
        neighbour: &NodeName,
        old: Option<&LinkConfig>,
        new: LinkConfig,
        room: &impl Room,
    ) {
        let config = &self.config;
        let link = self
            .links
            .entry(neighbour.clone())
            .or_insert_with(|| Link::new(config, neighbour, new));
        let dialled = link.set_config(new) && old.is_some();
        if link.retiring.take().is_some()
            && let Some(session) = &mut link.session
        {
            session.flush.stays();
        }
        if old.is_none_or(|old| old.impairment != new.impairment) {
            link.line.impair(now.since_start, new.impairment);
        }
        match (old.is_some_and(|old| old.cut), new.cut) {
            (false, true) => return self.cut(now, neighbour, room),
            (true, false) => return self.heal(neighbour),
            (false, false) | (true, true) => {}
        }
        if new.dials && !dialled && !self.is_cut(neighbour) {
            self.out.push(Output::Dial(neighbour.clone()));
        }
    }

    /// Closes retiring links that are done, or have had their time.
    pub(super) fn finish_links(&mut self, now: Now, room: &impl Room) {
        let mut done = Vec::new();
        for (neighbour, link) in &mut self.links {
            let is_idle = link.is_idle(now.since_start, QUIET);
            let Some(retiring) = &mut link.retiring else { continue };
            retiring.look = now.since_start + LOOK;
            // The other end is told at about the same time, and is given some to take it in.
            let is_idle = is_idle && retiring.until <= now.since_start + RETIRES - QUIET;
            if is_idle || retiring.until <= now.since_start {
                done.push(neighbour.clone());
            }
        }
        for neighbour in done {
            self.take_down(now, &neighbour, room);
            self.links.remove(&neighbour);
            if let Some(link) = self.config.settings.links.get(&neighbour) {
                let link = Link::new(&self.config, &neighbour, *link);
                self.links.insert(neighbour, link);
            }
        }
    }

    /// Clients are members of the groups that name them now, and no more of those that did.
    fn regroup(&mut self, now: Now, groups: BTreeMap<String, BTreeSet<ClientName>>) {
        if self.config.settings.groups == groups {
            return;
        }
        let before = std::mem::replace(&mut self.config.settings.groups, groups);
        let here: Vec<(ClientName, ConnId)> =
            self.clients.names.iter().map(|(name, conn)| (name.clone(), *conn)).collect();
        for (name, conn) in here {
            for (group, members) in &before {
                let stays =
                    self.config.settings.groups.get(group).is_some_and(|it| it.contains(&name));
                if members.contains(&name) && !stays {
                    self.leave_group(conn, group);
                }
            }
            self.join_planned(now, conn, &name);
        }
    }

    /// Closes the clients that are here and may not be, and those that may and are not: they come again.
    fn close_misjudged(&mut self, now: Now, room: &impl Room) {
        let denied = Reason::from(Refusal::AccessDenied);
        let is_misjudged = |(_, conn): &(&ConnId, &Conn)| {
            let Conn::Client(client) = conn else { return false };
            // Who has neither a name nor spoken may yet turn out to be a node.
            if client.anonymous && client.dialect.is_none() {
                return false;
            }
            let was_refused = match client.claim {
                Claim::Refused(reason) => [Reason::NotOffered, denied].contains(&reason),
                Claim::Attached | Claim::Pending { .. } => false,
            };
            let may_attach = || self.config.access().attach(client.name.as_str()).allowed;
            let is_denied = !client.operator && !may_attach();
            was_refused != (is_denied || !self.is_offered_here(&client.name))
        };
        let misjudged = self.conns.iter().filter(is_misjudged);
        let mut misjudged: Vec<ConnId> = misjudged.map(|(conn, _)| *conn).collect();
        misjudged.sort_unstable();
        for conn in misjudged {
            self.out.push(Output::Close(conn));
            self.closed(now, conn, room);
        }
    }
}
