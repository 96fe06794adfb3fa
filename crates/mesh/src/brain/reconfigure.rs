//! Change while the node runs: what is new is taken in, what is gone goes down gracefully, what stays is not touched.
//!
//! ```text
//!  a link that is taken out:   up --> retiring --------------------------------------> closed
//!                                     told to all; what waits is routed anew           once what was sent is
//!                                                                                      acknowledged, and nothing
//!                                                                                      comes; or after two seconds
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clients::Claim;
use super::conn::Conn;
use super::links::Link;
use super::{Brain, Config, ConnId, LinkConfig, Now, Output, Room, ServiceConfig, Window};
use crate::dialect::Dialect;
use crate::name::{ClientName, NodeName};
use crate::reason::Reason;
use crate::route::access::AccessRules;
use crate::route::{Refusal, StaticRoutes};

/// How long a link that is taken out may take to finish.
const RETIRES: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);
/// For so long nothing has come on it: nothing comes any more.
const QUIET: Duration = Duration::from_millis(50);

/// What of a node's configuration can change while it runs. All of it is said each time; see [`Config`] for what each
/// part means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The declared links.
    pub links: BTreeMap<NodeName, LinkConfig>,
    /// Static routes; those that were set by order are gone.
    pub statics: StaticRoutes,
    /// The services of the mesh. A client keeps the name that it has.
    pub services: BTreeMap<ClientName, ServiceConfig>,
    /// The groups that the topology has, with their members.
    pub groups: BTreeMap<String, BTreeSet<ClientName>>,
    /// Which clients may attach, and send to whom. The connection of one that may not be here is closed.
    pub access: AccessRules,
    /// Whether what no access rule allows is denied.
    pub closed: bool,
    /// Whether a second live claim to a client's name takes it over.
    pub takeover: bool,
    /// The dialects that raw clients may speak.
    pub dialects: Vec<Dialect>,
    /// The greatest number of nodes on a message's path.
    pub hop_limit: u8,
    /// What a neighbour may be sent without its acknowledgement.
    pub window: Window,
    /// What may be on its way from here to one other node, where it leaves the mesh.
    pub flow: Window,
    /// What may wait for a neighbour. What waits already stays.
    pub queue: Window,
    /// How many bytes of confirmed messages may be kept.
    pub kept: usize,
}

/// How far a link is that is taken out.
#[derive(Debug)]
pub(super) struct Retiring {
    until: Duration,
    pub(super) look: Duration,
}

impl Config {
    /// The part of this that can change while a node runs.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            links: self.links.clone(),
            statics: self.statics.clone(),
            services: self.services.clone(),
            groups: self.groups.clone(),
            access: self.access.clone(),
            closed: self.closed,
            takeover: self.takeover,
            dialects: self.dialects.clone(),
            hop_limit: self.hop_limit,
            window: self.window,
            flow: self.flow,
            queue: self.queue,
            kept: self.kept,
        }
    }
}

impl Brain {
    /// The node goes by this from now on.
    pub(super) fn reconfigure(&mut self, now: Now, settings: Settings, room: &impl Room) {
        let Settings { links, statics, services, groups, access, closed, .. } = settings;
        self.config.takeover = settings.takeover;
        self.config.dialects = settings.dialects;
        self.config.hop_limit = settings.hop_limit;
        (self.config.window, self.config.flow) = (settings.window, settings.flow);
        (self.config.queue, self.config.kept) = (settings.queue, settings.kept);
        self.confirmed.keep_at_most(settings.kept);
        for link in self.links.values_mut() {
            link.outbox.set_limits(settings.window, settings.queue);
        }
        self.tables.set_statics(statics);
        if self.config.services != services {
            self.tables.set_services(&services);
            self.config.services = services;
        }
        self.regroup(now, groups);
        if self.config.access != access || self.config.closed != closed {
            (self.config.access, self.config.closed) = (access, closed);
            self.close_misjudged(now, room);
        }
        self.relink(now, links, room);
        self.blocked.stirred = true;
    }

    /// Takes the declared links in: what is new, what is otherwise, what is gone.
    fn relink(&mut self, now: Now, links: BTreeMap<NodeName, LinkConfig>, room: &impl Room) {
        self.tables.links_changed();
        if self.config.links == links {
            return;
        }
        let before = std::mem::replace(&mut self.config.links, links.clone());
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
        link.retiring = None;
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
            if is_idle || retiring.until <= now.since_start {
                done.push(neighbour.clone());
            }
        }
        for neighbour in done {
            self.take_down(now, &neighbour, room);
            self.links.remove(&neighbour);
            if let Some(link) = self.config.links.get(&neighbour) {
                let link = Link::new(&self.config, &neighbour, *link);
                self.links.insert(neighbour, link);
            }
        }
    }

    /// Clients are members of the groups that name them now, and no more of those that did.
    fn regroup(&mut self, now: Now, groups: BTreeMap<String, BTreeSet<ClientName>>) {
        if self.config.groups == groups {
            return;
        }
        let before = std::mem::replace(&mut self.config.groups, groups);
        let here: Vec<(ClientName, ConnId)> =
            self.clients.names.iter().map(|(name, conn)| (name.clone(), *conn)).collect();
        for (name, conn) in here {
            for (group, members) in &before {
                let stays = self.config.groups.get(group).is_some_and(|it| it.contains(&name));
                if members.contains(&name) && !stays {
                    self.leave_group(conn, group);
                }
            }
            self.join_planned(now, conn, &name);
        }
    }

    /// Closes the clients that are here and may not be, and those that may and are not: they come again.
    fn close_misjudged(&mut self, now: Now, room: &impl Room) {
        let access = self.config.access();
        let is_misjudged = |(_, conn): &(&ConnId, &Conn)| {
            let Conn::Client(client) = conn else { return false };
            // Who has neither a name nor spoken may yet turn out to be a node.
            if client.operator || (client.anonymous && client.dialect.is_none()) {
                return false;
            }
            let denied = Reason::from(Refusal::AccessDenied);
            let was = !matches!(client.claim, Claim::Refused(reason) if reason == denied);
            was != access.attach(client.name.as_str()).allowed
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
