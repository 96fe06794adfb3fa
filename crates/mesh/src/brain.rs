//! A node without I/O: what comes in, and what is to be done about it.
//!
//! ```text
//!                     +------------------------- Brain -------------------------+
//!  opened, received,  |  clients   who is attached, in which dialect            |  send, close,
//!  closed, command -> |  links     hello, outboxes, acknowledgements            | -> dial, event
//!  and the time       |  database  link state -> table, directory -> decide     |
//!                     +---------------------------------------------------------+
//! ```
//!
//! The brain has no sockets, no tasks, no clock and no randomness of its own: `now` is an argument,
//! nonces come from a seed. The same inputs give the same outputs, so a thousand brains run in one
//! test. [`crate::node`] is the loop that gives it sockets.

mod access;
mod answers;
mod blocked;
mod broker;
mod claims;
mod clients;
mod config;
mod confirmed;
mod conn;
mod counters;
mod database;
mod delivery;
mod drain;
mod entropy;
mod errors;
mod floods;
mod flow;
mod forward;
mod groups;
mod held;
mod impairment;
mod ingress;
mod io;
mod links;
mod message;
mod namesakes;
mod outbox;
mod raw;
mod reconfigure;
mod repeats;
mod sessions;
mod settings;
mod spread;
mod status;
mod tables;
mod unsaid;
mod wayless;

use std::collections::{BTreeMap, HashMap};

pub use config::{Config, LinkConfig, ServiceConfig};
pub use impairment::Impairment;
pub use io::{ASK_PATIENCE, Command, ConnId, Event, Input, Now, Opened, Original, Output, Room};
pub use outbox::Window;
pub use repeats::Receipt;
pub use settings::{Liveness, Settings};

use blocked::Blocked;
use broker::Broker;
use clients::Clients;
use confirmed::Confirmed;
use conn::Conn;
use counters::Counters;
use database::Database;
use drain::Drain;
use entropy::Entropy;
use floods::Own;
use flow::Flows;
use groups::Groups;
use links::Link;
use namesakes::Namesakes;
use repeats::Repeats;
use spread::Spreads;
use tables::Tables;
use unsaid::Unsaid;
use wayless::Wayless;

use crate::name::NodeName;
use crate::route::Table;
use crate::wire::{Kind, MessageId, Prefix};

/// A node without I/O.
#[derive(Debug)]
pub struct Brain {
    config: Config,
    started: Now,
    entropy: Entropy,
    counters: Counters,
    conns: HashMap<ConnId, Conn>,
    clients: Clients,
    links: BTreeMap<NodeName, Link>,
    database: Database,
    own: Own,
    namesakes: Namesakes,
    tables: Tables,
    asked: answers::Asked,
    blocked: Blocked,
    flows: Flows,
    confirmed: Confirmed,
    repeats: Repeats,
    drain: Drain,
    groups: Groups,
    spreads: Spreads,
    unsaid: Unsaid,
    wayless: Wayless,
    broker: Broker,
    last_id: u64,
    /// When the last input came.
    awake: std::time::Duration,
    out: Vec<Output>,
}

impl Brain {
    /// A node of this configuration that starts now, knowing nobody.
    #[must_use]
    pub fn new(config: Config, now: Now) -> Self {
        let links = config
            .settings
            .links
            .iter()
            .map(|(neighbour, link)| (neighbour.clone(), Link::new(&config, neighbour, *link)))
            .collect();
        let mut brain = Self {
            entropy: Entropy::new(config.seed),
            own: Own::new(config.incarnation),
            namesakes: Namesakes::default(),
            tables: Tables::new(&config),
            started: now,
            counters: Counters::default(),
            conns: HashMap::new(),
            clients: Clients::default(),
            links,
            database: Database::default(),
            asked: answers::Asked::default(),
            blocked: Blocked::default(),
            flows: Flows::default(),
            confirmed: Confirmed::new(config.settings.kept),
            repeats: Repeats::default(),
            drain: Drain::default(),
            groups: Groups::default(),
            spreads: Spreads::default(),
            unsaid: Unsaid::default(),
            wayless: Wayless::default(),
            broker: Broker::default(),
            last_id: 0,
            awake: now.since_start,
            out: Vec::new(),
            config,
        };
        brain.originate_adjacency();
        brain.originate_attachments();
        brain.refresh();
        brain
    }

    /// Takes one input in. What is to be done about it is added to `out`.
    ///
    /// `room` tells of the queues behind the outputs as they are now.
    pub fn handle(&mut self, now: Now, input: Input, room: &impl Room, out: &mut Vec<Output>) {
        let before = self.tables.table.revision();
        self.wake(now.since_start);
        // More may come back of what was sent with it, and belongs before what waits.
        let is_back = matches!(input, Input::Undelivered { .. });
        match input {
            Input::Opened(conn, opened) => self.opened(now, conn, opened, room),
            Input::Received(conn, frames) => self.received(now, conn, frames, room),
            Input::Closed(conn) => self.closed(now, conn, room),
            Input::Answered { conn, alive } => {
                if !self.client_answered(now, conn, alive) {
                    self.holder_answered(now, conn, alive, room);
                }
            }
            Input::Undelivered { frames, original, reason } => {
                self.undelivered(now, frames, original, reason, room);
            }
            Input::HandedOver(receipt) => self.handed_over(now, receipt, room),
            Input::Command(command) => self.command(now, command, room),
            Input::Tick => self.tick(now, room),
        }
        self.refresh();
        self.give_out_names(now, room);
        self.settle_disputes(now, room);
        self.refresh();
        if self.tables.table.revision() != before {
            self.hasten_confirmed(now);
            self.respread(now);
            self.flows.retain(now.since_start, |egress| self.tables.table.reaches(egress));
            self.flows.hasten(now.since_start);
            if self.drain.is_finishing() {
                // A mark may be lost, and this node waits for what it says.
                self.ask_all_for_credit(now, room);
            }
            self.blocked.stirred = true;
            self.wayless.stirred = true;
        }
        self.send_wayless(now, room);
        self.let_in_blocked(now, room);
        self.send_found(now, room);
        if !is_back {
            self.say_unsaid(now, room);
        }
        self.retire_further(now, room);
        out.append(&mut self.out);
    }

    /// Hands over what waits for the neighbours, as far as windows and queues let it go, and
    /// acknowledges what came. To be called once after each burst of inputs.
    pub fn flush(&mut self, now: Now, room: &impl Room, out: &mut Vec<Output>) {
        self.send_floods(now);
        self.hand_over(now, room);
        self.say_flushes();
        self.acknowledge(now);
        self.let_go(now);
        out.append(&mut self.out);
    }

    /// When [`Input::Tick`] is due next, on the scale of [`Now::since_start`]; none if nothing
    /// waits for time to pass.
    #[must_use]
    pub fn next_tick(&self) -> Option<std::time::Duration> {
        let forgotten = self.forgotten_due();
        self.work_due().into_iter().chain(self.beat_due()).chain(forgotten).min()
    }

    /// When something is due that does not come again and again.
    fn work_due(&self) -> Option<std::time::Duration> {
        let links = self.links.values().filter_map(Link::due);
        let conns = self.conns.values().filter_map(Conn::due);
        let others = self.clients.due().into_iter().chain(self.asked.due());
        let others = others.chain(self.confirmed.due()).chain(self.blocked.due());
        let others =
            others.chain(self.spreads.due()).chain(self.drain.due()).chain(self.unsaid.due());
        let others = others.chain(self.wayless.due());
        let others = others.chain(self.broker.due()).chain(self.namesakes.due());
        let credit = self.flows.due().filter(|_| !self.blocked.is_empty());
        links.chain(conns).chain(others).chain(credit).chain(self.table_due()).min()
    }

    /// Whether nothing waits for time to pass but what comes again and again as long as the node lives.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.work_due().is_none()
    }

    /// Whether the link to a neighbour is taken down: then it is not dialled.
    #[must_use]
    pub fn is_cut(&self, neighbour: &NodeName) -> bool {
        self.links.get(neighbour).is_some_and(|link| link.cut)
    }

    /// This node's name.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.config.node
    }

    /// The routing table as it is now. Link state that has just come may not be in it yet.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.tables.table
    }

    fn tick(&mut self, now: Now, room: &impl Room) {
        self.acknowledge(now);
        self.tick_beats(now, room);
        self.forget_lost(now);
        self.tables.earlier.forget(now.since_start);
        self.expire_claims(now, room);
        self.expire_questions(now, room);
        self.expire_hellos(now, room);
        self.finish_links(now, room);
        self.tick_confirmed(now, room);
        self.tick_blocked(now, room);
        self.tick_spreads(now, room);
        self.tick_wayless(now);
        self.tick_listing(now, room);
        self.tick_seeking(now, room);
        self.jump(now.since_start);
    }

    fn command(&mut self, now: Now, command: Command, room: &impl Room) {
        match command {
            Command::SetRoute { destination, next_hop } => {
                // One that is no pattern changes nothing: whoever orders has been told before.
                let _ = self.tables.set_route(&destination, next_hop.as_deref());
            }
            Command::Cut(neighbour) => self.cut(now, &neighbour, room),
            Command::Heal(neighbour) => self.heal(&neighbour),
            Command::Impair(neighbour, impairment) => {
                self.impair(now, &neighbour, impairment);
            }
            Command::Leave => self.leave(),
            Command::Reconfigure(settings) => self.reconfigure(now, *settings, room),
            Command::Drain(draining) => self.drain(draining),
            Command::Retire { within } => self.retire(now, within),
        }
    }

    /// The id that this node's next message will have.
    fn upcoming_id(&self) -> MessageId {
        MessageId { incarnation: self.config.incarnation, counter: self.last_id + 1 }
    }

    fn next_id(&mut self) -> MessageId {
        let id = self.upcoming_id();
        self.last_id = id.counter;
        id
    }

    fn send(&mut self, conn: ConnId, frames: hopline_core::Frames) {
        self.out.push(Output::Send { conn, frames });
    }

    fn event(&mut self, event: Event) {
        self.out.push(Output::Event(event));
    }
}

/// A message of `node` to a neighbour or a client of its own: one frame of prefix, an empty path and one
/// payload frame.
fn local(node: &NodeName, kind: Kind, payload: bytes::Bytes) -> hopline_core::Frames {
    let prefix = Prefix { source: node.as_str(), ..Prefix::new(kind) };
    vec![prefix.write(), bytes::Bytes::new(), payload]
}
