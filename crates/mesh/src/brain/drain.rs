//! Leaving without loss: others route round the node, what is on its way is finished, then it says good-bye.
//!
//! ```text
//!  serving <--> draining   its links cost as much as can be, so that others pass by it only where there is no
//!                  |       other way; its own clients notice nothing
//!               retire
//!                  v       goes on when                                     or at the latest after
//!               around     that is acknowledged, and nobody passes by           a third of the time
//!               finishing  its clients have heard that, and all that they      two thirds
//!                          sent has left the mesh
//!               good-bye   that is acknowledged, and nothing waits or comes     all of it
//!                  v
//!                left
//! ```
//!
//! From `finishing` on, what its clients send is refused, and they are told. In `good-bye` the node still takes in
//! what was on its way to it, and hands it on by the routes that it had before. Stub routers of OSPF do the first half:
//! RFC 6987.

use std::time::Duration;

use super::{Brain, Now, Output, Room};
use crate::reason::Reason;
use crate::wire::MessageId;

/// What a link of a draining node costs: more than any way that anybody would declare, and still a way where there is
/// no other (RFC 6987, section 2: `MaxLinkMetric`).
const LAST_RESORT: u32 = u32::MAX;
/// For so long nothing has come by: nothing comes any more.
const QUIET: Duration = Duration::from_millis(50);

/// Whether the node is on its way out, and how far.
#[derive(Debug, Default)]
pub(super) struct Drain {
    /// Others are to route round it.
    draining: bool,
    retiring: Option<Retiring>,
    /// When a message of others was last handed on.
    passed: Option<Duration>,
    /// When a message last came from a neighbour.
    came: Option<Duration>,
    /// When a client here last sent one.
    sent: Option<Duration>,
}

#[derive(Debug)]
struct Retiring {
    phase: Phase,
    started: Duration,
    within: Duration,
    /// When it was last looked how far it is.
    looked: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Around,
    /// With the marks behind all that is on its way from here.
    Finishing(Vec<MessageId>),
    GoodBye,
    Left,
}

impl Drain {
    /// A message came from a neighbour, and goes on to another.
    pub(super) fn passed(&mut self, now: Now) {
        self.passed = Some(now.since_start);
    }

    /// A message came from a neighbour.
    pub(super) fn came(&mut self, now: Now) {
        self.came = Some(now.since_start);
    }

    /// A client here sent a message.
    pub(super) fn sent(&mut self, now: Now) {
        self.sent = Some(now.since_start);
    }

    /// What is told of a link's cost.
    pub(super) fn cost(&self, cost: u32) -> u32 {
        if self.draining { LAST_RESORT } else { cost }
    }

    /// Whether others are to route round the node.
    pub(super) fn is_on(&self) -> bool {
        self.draining
    }

    /// Whether what clients send is refused.
    pub(super) fn refuses(&self) -> bool {
        self.retiring.as_ref().is_some_and(|retiring| retiring.phase != Phase::Around)
    }

    /// When it is to be looked again how far it is.
    pub(super) fn due(&self) -> Option<Duration> {
        let retiring = self.retiring.as_ref()?;
        let quiet = match retiring.phase {
            Phase::Around => self.passed,
            Phase::GoodBye => self.came,
            Phase::Finishing(_) => self.sent,
            Phase::Left => return None,
        };
        let quiet = quiet.map(|last| last + QUIET);
        let ahead = quiet.into_iter().chain([retiring.over()]);
        ahead.filter(|due| *due > retiring.looked).min()
    }

    fn is_quiet(last: Option<Duration>, now: Now) -> bool {
        last.is_none_or(|last| last + QUIET <= now.since_start)
    }
}

impl Retiring {
    /// When the phase ends at the latest.
    fn over(&self) -> Duration {
        let thirds = match self.phase {
            Phase::Around => 1,
            Phase::Finishing(_) => 2,
            Phase::GoodBye | Phase::Left => 3,
        };
        self.started + self.within * thirds / 3
    }
}

impl Brain {
    /// Has others route round this node, or not any more. A node that retires goes on with that.
    pub(super) fn drain(&mut self, draining: bool) {
        if self.drain.draining == draining || self.drain.retiring.is_some() {
            return;
        }
        self.drain.draining = draining;
        self.originate_adjacency();
    }

    /// The node is to leave within this time, see the head of this file.
    pub(super) fn retire(&mut self, now: Now, within: Duration) {
        if self.drain.retiring.is_some() {
            return;
        }
        self.drain(true);
        let (started, looked) = (now.since_start, now.since_start);
        let retiring = Retiring { phase: Phase::Around, started, within, looked };
        self.drain.retiring = Some(retiring);
    }

    /// Whether a node that was to retire has: nothing is lost if it ends now.
    #[must_use]
    pub fn has_left(&self) -> bool {
        let retiring = self.drain.retiring.as_ref();
        retiring.is_some_and(|retiring| retiring.phase == Phase::Left) && self.holds_nothing()
    }

    /// Whether the node retires.
    #[must_use]
    pub fn is_retiring(&self) -> bool {
        self.drain.retiring.is_some()
    }

    /// Goes on to the next phase where the present one is done, or its time is over.
    pub(super) fn retire_further(&mut self, now: Now, room: &impl Room) {
        while let Some(retiring) = &mut self.drain.retiring {
            retiring.looked = now.since_start;
            let is_over = retiring.over() <= now.since_start;
            let phase = retiring.phase.clone();
            let next = match phase {
                Phase::Left => return,
                _ if !is_over && !self.is_done(&phase, now) => return,
                Phase::Around => Phase::Finishing(self.ask_all_for_credit(now, room)),
                Phase::Finishing(_) => {
                    self.give_back_blocked(now, Reason::Leaving, room);
                    self.give_back_confirmed(now, Reason::Leaving, room);
                    self.tell_all_sums(now, room);
                    self.leave();
                    Phase::GoodBye
                }
                Phase::GoodBye => {
                    self.give_up_links(now, room);
                    Phase::Left
                }
            };
            if let Some(retiring) = &mut self.drain.retiring {
                retiring.phase = next;
            }
        }
    }

    fn is_done(&self, phase: &Phase, now: Now) -> bool {
        match phase {
            Phase::Around => self.pending_floods() == 0 && Drain::is_quiet(self.drain.passed, now),
            Phase::Finishing(marks) => {
                Drain::is_quiet(self.drain.sent, now)
                    && self.blocked.is_empty()
                    && self.confirmed.len() == 0
                    && self.spreads.is_empty()
                    && !marks.iter().any(|mark| self.flows.has_mark(*mark))
            }
            Phase::GoodBye => {
                self.pending_floods() == 0
                    && self.holds_nothing()
                    && Drain::is_quiet(self.drain.came, now)
            }
            Phase::Left => true,
        }
    }

    /// Whether nothing waits for a link, or is not acknowledged on one.
    fn holds_nothing(&self) -> bool {
        self.links.values().all(|link| link.outbox.len() == 0)
    }

    /// Closes links on which something still waits: it takes another way, or goes back to its sender.
    fn give_up_links(&mut self, now: Now, room: &impl Room) {
        let stuck = self.links.values().filter(|link| link.outbox.len() > 0);
        let conns = stuck.filter_map(|link| Some(link.session.as_ref()?.conn));
        for conn in conns.collect::<Vec<_>>() {
            self.out.push(Output::Close(conn));
            self.closed(now, conn, room);
        }
    }
}
