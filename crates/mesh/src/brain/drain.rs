//! Leaving without loss: others route round the node, what is on its way is finished, then it says good-bye.
//!
//! ```text
//!  serving <--> draining   its links cost as much as can be, so that others pass by it only where there is no
//!                  |       other way; its own clients notice nothing
//!               retire
//!                  v       goes on when                                     or at the latest after
//!               around     neighbours know that, all that they had for it      a third of the time
//!                          before has come, and nobody sends by the old
//!                          routes any more
//!               finishing  its clients have heard that, and all that they      two thirds
//!                          sent has left the mesh, or this node at least
//!               hearing    neighbours had nothing left for it after that,      five sixths
//!                          and nothing comes back any more
//!               good-bye   neighbours know that, all that they had for it      all of it
//!                          has come, and all of it has gone on
//!                  v
//!                left
//! ```
//!
//! From `finishing` on, what its clients send is refused, and they are told (`drain/farewell.rs`). In `good-bye` the node
//! still takes in what was on its way to it, and hands it on by the routes that it had before. Neighbours are asked whether anything
//! is still to come (`links/flush.rs`): silence would not tell. Each phase is over, too, when nothing has moved for a while:
//! `finishing` waits for nodes that are farther away, and may do so in vain. A neighbour that has just become silent may
//! stand still, with messages of clients here in its hands: it is waited for a while, too, to tell what becomes of them. So the time that a node is given can be long:
//! only links that are slow, and full, take it. Stub routers of OSPF do the first half: RFC 6987.

mod farewell;

use std::collections::BTreeSet;
use std::time::Duration;

use super::links::Link;
use super::{Brain, ConnId, Now, Output, Room};
use crate::reason::Reason;
use crate::wire::MessageId;

/// What a link of a draining node costs: more than any way that anybody would declare, and still a way where there is
/// no other (RFC 6987, section 2: `MaxLinkMetric`).
const LAST_RESORT: u32 = u32::MAX;
/// A client that has sent nothing for so long has heard that nothing is taken any more. And where neighbours have nothing
/// left, and nothing has come for so long, no node farther away has either.
const QUIET: Duration = Duration::from_millis(50);
/// For so long no message has passed that was sent before its sender knew that the node drains: no more come, also from
/// nodes farther away, behind slow links. And no error has come for a client here.
const STALE: Duration = Duration::from_millis(500);
/// What has not moved for so long while the node finishes does not move any more.
const STUCK: Duration = Duration::from_secs(2);
/// The same where only neighbours are waited for, and for what clients here sent while the messages of others still move: a
/// large message takes a slow link so long. A neighbour that says nothing at all has been found out by then.
const STILL: Duration = Duration::from_secs(10);

/// Whether the node is on its way out, and how far.
#[derive(Debug, Default)]
pub(super) struct Drain {
    /// Others are to route round it.
    draining: bool,
    retiring: Option<Retiring>,
    /// When a message last passed that somebody had sent by other routes than there are now.
    stale: Option<Duration>,
    /// When a message last came from a neighbour.
    came: Option<Duration>,
    /// When a client here last sent one, or was seen to run.
    sent: Option<Duration>,
    /// The clients here that may not have heard that the node leaves: they are being asked.
    unheard: BTreeSet<ConnId>,
    /// When an error last came for a client here, or was about to.
    told: Option<Duration>,
}

#[derive(Debug)]
struct Retiring {
    phase: Phase,
    started: Duration,
    within: Duration,
    /// When it was last looked how far it is.
    looked: Duration,
    /// How far it was when something moved last, and when that was.
    progress: Progress,
    moved: Duration,
    /// The same of what clients here sent alone.
    own_moved: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Around,
    /// With the marks behind all that is on its way from here.
    Finishing(Vec<MessageId>),
    Hearing,
    GoodBye,
    Left,
}

/// How far a node that retires is. Where something moves, it is another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    /// How many floods and questions neighbours have not answered,
    unanswered: u64,
    /// how many messages wait here or have not come to their end,
    kept: usize,
    /// how many marks of this phase have not come to theirs,
    marks: usize,
    /// how many messages that entered here wait for links,
    unsent: usize,
    /// how many messages links hold,
    held: usize,
    /// how many have gone over links in all, either way,
    passed: u64,
    /// and until when a neighbour that has become silent is waited for.
    missed: Option<Duration>,
}

impl Progress {
    /// How much is left of what clients here sent.
    fn own(&self) -> (usize, usize, usize) {
        (self.kept, self.marks, self.unsent)
    }
}

impl Drain {
    /// A message goes on to a neighbour that somebody had sent by other routes than there are now.
    pub(super) fn passed_stale(&mut self, now: Now) {
        self.stale = Some(now.since_start);
    }

    /// A message came from a neighbour.
    pub(super) fn came(&mut self, now: Now) {
        self.came = Some(now.since_start);
    }

    /// An error came for a client here.
    pub(super) fn told(&mut self, now: Now) {
        self.told = Some(now.since_start);
    }

    /// What is told of a link's cost.
    pub(super) fn cost(&self, cost: u32) -> u32 {
        if self.draining { LAST_RESORT } else { cost }
    }

    /// Whether others are to route round the node.
    pub(super) fn is_on(&self) -> bool {
        self.draining
    }

    /// Whether the node is to leave, or has left.
    pub(super) fn is_retiring(&self) -> bool {
        self.retiring.is_some()
    }

    /// Whether the node has left.
    pub(super) fn has_left(&self) -> bool {
        matches!(&self.retiring, Some(Retiring { phase: Phase::Left, .. }))
    }

    /// Whether it matters where what clients here sent has come to.
    pub(super) fn is_finishing(&self) -> bool {
        matches!(&self.retiring, Some(Retiring { phase: Phase::Finishing(_), .. }))
    }

    /// Whether what clients send is refused.
    pub(super) fn refuses(&self) -> bool {
        self.retiring.as_ref().is_some_and(|retiring| retiring.phase != Phase::Around)
    }

    /// When it is to be looked again how far it is.
    pub(super) fn due(&self) -> Option<Duration> {
        let retiring = self.retiring.as_ref()?;
        let quiet = match retiring.phase {
            Phase::Around => self.stale.map(|last| last + STALE),
            Phase::Finishing(_) => self.sent.map(|last| last + QUIET),
            Phase::Hearing => self.told.map(|last| last + STALE),
            Phase::GoodBye => self.came.map(|last| last + QUIET),
            Phase::Left => return None,
        };
        let ahead = quiet.into_iter().chain(retiring.progress.missed);
        let ahead = ahead.chain([retiring.over(), retiring.stuck()]);
        ahead.filter(|due| *due > retiring.looked).min()
    }

    fn is_over(last: Option<Duration>, quiet: Duration, now: Now) -> bool {
        last.is_none_or(|last| last + quiet <= now.since_start)
    }
}

impl Retiring {
    /// When the phase ends at the latest.
    fn over(&self) -> Duration {
        let sixths = match self.phase {
            Phase::Around => 2,
            Phase::Finishing(_) => 4,
            Phase::Hearing => 5,
            Phase::GoodBye | Phase::Left => 6,
        };
        self.started + self.within * sixths / 6
    }

    /// When the phase ends if nothing moves until then.
    fn stuck(&self) -> Duration {
        let stuck = match self.phase {
            Phase::Finishing(_) => {
                let stuck = self.moved + STUCK;
                match self.progress.own() {
                    (0, 0, 0) => stuck.min(self.own_moved + STUCK),
                    (_, 0, 0) => stuck.min(self.own_moved + STILL),
                    // It may be behind those of others, here and farther away.
                    _ => stuck.min(self.own_moved + 2 * STILL),
                }
            }
            Phase::Around | Phase::Hearing | Phase::GoodBye | Phase::Left => self.moved + STILL,
        };
        stuck.max(self.progress.missed.unwrap_or_default())
    }

    /// It is looked how far the node is. Says whether the phase has had its time.
    fn look(&mut self, now: Duration, progress: Progress) -> bool {
        self.looked = now;
        if self.progress.own() != progress.own() {
            self.own_moved = now;
        }
        if self.progress != progress {
            (self.progress, self.moved) = (progress, now);
        }
        now >= self.over().min(self.stuck())
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
        self.want_flushes();
        let started = now.since_start;
        self.drain.retiring = Some(Retiring {
            phase: Phase::Around,
            started,
            within,
            looked: started,
            progress: Progress::default(),
            moved: started,
            own_moved: started,
        });
    }

    /// Whether a node that was to retire has: nothing is lost if it ends now.
    #[must_use]
    pub fn has_left(&self) -> bool {
        let has_handed_on = |link: &Link| link.outbox.len() == 0 && link.has_said_all();
        self.drain.has_left() && self.unsaid.is_empty() && self.links.values().all(has_handed_on)
    }

    /// The clients for which words wait, because they do not read.
    pub fn untold(&self) -> impl Iterator<Item = ConnId> {
        self.unsaid.conns()
    }

    /// Whether the node retires.
    #[must_use]
    pub fn is_retiring(&self) -> bool {
        self.drain.is_retiring()
    }

    /// Goes on to the next phase where the present one is done, or has had its time.
    pub(super) fn retire_further(&mut self, now: Now, room: &impl Room) {
        while let Some(phase) = self.phase() {
            let progress = self.progress(&phase, now);
            let is_done = self.is_done(&phase, &progress, now);
            let retiring = self.drain.retiring.as_mut();
            let is_over = retiring.is_some_and(|it| it.look(now.since_start, progress));
            let next = match phase {
                Phase::Left => return,
                _ if !is_over && !is_done => return,
                Phase::Around => {
                    self.dismiss_clients();
                    Phase::Finishing(self.ask_all_for_credit(now, room))
                }
                Phase::Finishing(_) => {
                    self.want_flushes();
                    if !is_done || self.flows.has_lost_some(now.since_start) {
                        // The first error may be on its way.
                        self.drain.told(now);
                    }
                    Phase::Hearing
                }
                Phase::Hearing => {
                    self.give_back_blocked(now, Reason::Leaving, room);
                    self.give_back_confirmed(now, room);
                    self.tell_all_sums(now, room);
                    self.leave();
                    self.want_flushes();
                    Phase::GoodBye
                }
                Phase::GoodBye => {
                    self.give_up_links(now, room);
                    Phase::Left
                }
            };
            if let Some(retiring) = &mut self.drain.retiring {
                retiring.phase = next;
                (retiring.moved, retiring.own_moved) = (now.since_start, now.since_start);
            }
        }
    }

    fn phase(&self) -> Option<Phase> {
        self.drain.retiring.as_ref().map(|retiring| retiring.phase.clone())
    }

    fn progress(&self, phase: &Phase, now: Now) -> Progress {
        let marks = match phase {
            Phase::Finishing(marks) => marks.as_slice(),
            Phase::Around | Phase::Hearing | Phase::GoodBye | Phase::Left => &[],
        };
        let links = self.links.values();
        let passed = |link: &Link| link.outbox.acknowledged() + link.received();
        Progress {
            unanswered: self.pending_floods() + self.unflushed(),
            kept: self.blocked.len()
                + self.confirmed.len()
                + self.spreads.len()
                + self.wayless.len(),
            marks: marks.iter().filter(|mark| self.flows.has_mark(**mark)).count(),
            unsent: links.clone().map(|link| link.outbox.waiting_here()).sum(),
            held: links.clone().map(|link| link.outbox.len()).sum(),
            passed: links.map(passed).fold(0, u64::wrapping_add),
            missed: self.missed(now).filter(|_| !matches!(phase, Phase::Around | Phase::GoodBye)),
        }
    }

    /// Until when neighbours are waited for that have become silent: messages that entered here may be in their hands.
    fn missed(&self, now: Now) -> Option<Duration> {
        let silent = self.links.values().filter_map(|link| link.silent).max()?;
        Some(silent + STILL).filter(|until| now.since_start < *until)
    }

    fn is_done(&self, phase: &Phase, progress: &Progress, now: Now) -> bool {
        let Progress { unanswered, kept, marks, unsent, held, passed: _, missed } = *progress;
        match phase {
            Phase::Around => unanswered == 0 && Drain::is_over(self.drain.stale, STALE, now),
            Phase::Finishing(_) => {
                let have_heard = self.drain.unheard.is_empty();
                let is_quiet = have_heard && Drain::is_over(self.drain.sent, QUIET, now);
                kept == 0 && marks == 0 && unsent == 0 && missed.is_none() && is_quiet
            }
            Phase::Hearing => {
                let is_quiet = Drain::is_over(self.drain.told, STALE, now);
                unanswered == 0 && missed.is_none() && is_quiet
            }
            Phase::GoodBye => {
                unanswered == 0 && held == 0 && Drain::is_over(self.drain.came, QUIET, now)
            }
            Phase::Left => true,
        }
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
