//! Errors that find no way to the sender: they wait for one.
//!
//! Where several links end at once, an error may be at a node from which nobody reaches the sender just then. Nobody else
//! would ever say what became of that message. The error is tried again whenever links or routes have changed, and each
//! second; that it has been somewhere before does not matter then. It is given up after a minute: by then a node that nobody
//! reaches is forgotten, and its clients are not known any more.

use std::collections::VecDeque;
use std::time::Duration;

use super::counters::Flow;
use super::forward::Way;
use super::message::Message;
use super::{Brain, Now, Room, Window};
use crate::reason::Reason;
use crate::route::Refusal;
use crate::wire::Kind;

/// How long an error waits. A neighbour that was away may be dialled again only some seconds after it is back.
const WAITS: Duration = Duration::from_secs(60);
/// So many may wait, also where queues are shorter: what is refused for want of room there comes back as errors.
const LEAST: usize = 1024;
/// How often it is tried again whatever happens.
const AGAIN: Duration = Duration::from_secs(1);

/// The errors that wait, in the order in which they are tried.
#[derive(Debug, Default)]
pub(super) struct Wayless {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// When they are tried again; of no account while there are none.
    again: Duration,
    /// There may be a way now.
    pub(super) stirred: bool,
}

#[derive(Debug)]
struct Waiting {
    error: Message,
    /// When it is given up: a minute after it waited here first, however often it was tried.
    until: Duration,
    /// Why it waits.
    reason: Reason,
}

impl Wayless {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.again)
    }

    /// As many as may wait for a neighbour may wait here, and no fewer than [`LEAST`] as long as their bytes may.
    fn has_room(&self, size: usize, queue: Window) -> bool {
        self.waiting.len() < queue.messages.max(LEAST) && self.bytes + size <= queue.bytes
    }

    fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.error.size();
        self.waiting.push_back(waiting);
    }

    fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.bytes -= waiting.error.size();
        Some(waiting)
    }
}

/// Whether what stands in the way may be gone soon.
fn may_pass(reason: Reason) -> bool {
    match reason {
        Reason::Refused(
            Refusal::Unreachable | Refusal::NextHopIsSource | Refusal::Loop | Refusal::QueueFull,
        ) => true,
        Reason::Refused(
            Refusal::BadAddress
            | Refusal::UnsupportedAddress
            | Refusal::HopLimit
            | Refusal::UnknownDestination
            | Refusal::AccessDenied,
        )
        | Reason::InDoubt
        | Reason::ReceiverSlow
        | Reason::ReceiverGone
        | Reason::Deadline
        | Reason::Repeated
        | Reason::NameInUse
        | Reason::NotOffered
        | Reason::TooLarge
        | Reason::NotAccepted
        | Reason::NotAllowed
        | Reason::Malformed
        | Reason::Leaving => false,
    }
}

impl Brain {
    /// A message that was refused waits for a way, if it is an error and there may soon be one; else it is given back.
    pub(super) fn wait_for_a_way(
        &mut self,
        now: Now,
        message: Message,
        reason: Reason,
    ) -> Result<(), Message> {
        let waits = message.kind() == Kind::Error
            && may_pass(reason)
            && !self.drain.has_left()
            && self.wayless.has_room(message.size(), self.config.settings.queue);
        if !waits {
            return Err(message);
        }
        if self.wayless.len() == 0 {
            self.wayless.again = now.since_start + AGAIN;
        }
        let mut error = message;
        let until = *error.given_up.get_or_insert(now.since_start + WAITS);
        self.wayless.push(Waiting { error, until, reason });
        Ok(())
    }

    /// Sends the errors that have found a way.
    pub(super) fn send_wayless(&mut self, now: Now, room: &impl Room) {
        if !std::mem::take(&mut self.wayless.stirred) {
            return;
        }
        for _ in 0..self.wayless.len() {
            let Some(mut waiting) = self.wayless.pop() else { return };
            let destination = waiting.error.prefix().destination.to_owned();
            let way = match self.way_to(&waiting.error, &destination) {
                Way::Refuse(Refusal::Loop | Refusal::NextHopIsSource) => {
                    waiting.error.set_out_anew(&self.config.node);
                    self.way_to(&waiting.error, &destination)
                }
                way @ (Way::Refuse(_) | Way::Node | Way::Client(_) | Way::Neighbour(..)) => way,
            };
            match way {
                Way::Refuse(refusal) if may_pass(refusal.into()) => self.wayless.push(waiting),
                way @ (Way::Refuse(_) | Way::Node | Way::Client(_) | Way::Neighbour(..)) => {
                    self.take_way(now, waiting.error, way, room);
                }
            }
        }
    }

    /// Gives up the errors that have waited long enough; all, where the node is about to end. The others are tried again.
    pub(super) fn tick_wayless(&mut self, now: Now) {
        let has_left = self.drain.has_left();
        if self.wayless.again > now.since_start && !has_left {
            return;
        }
        for _ in 0..self.wayless.len() {
            let Some(waiting) = self.wayless.pop() else { break };
            if waiting.until > now.since_start && !has_left {
                self.wayless.push(waiting);
                continue;
            }
            self.counters.add(waiting.reason.text());
            self.counters.count(Flow::Dropped);
        }
        self.wayless.again = now.since_start + AGAIN;
        self.wayless.stirred = self.wayless.len() > 0;
    }
}
