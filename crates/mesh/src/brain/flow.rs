//! End-to-end flow: how much of what entered here may be on its way to one egress.
//!
//! ```text
//!  ingress                                           egress
//!    m m m m [credit?] m m m m [credit?]  - - - ->     hands over or refuses each as it comes,
//!                      <- - - - [credit]               and answers the mark when it has come to it
//! ```
//!
//! Marks travel among the messages, and messages keep their order, so whatever was sent before a mark that is
//! answered has left the mesh. The egress remembers nothing; a mark that is lost is sent again when the window is
//! full, and makes good what was lost with it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::Message;
use super::{Brain, Now, Room, Window};
use crate::name::NodeName;
use crate::wire::{Flags, Kind, MessageId, Tail};

/// A mark goes out with every such part of a window.
const PART: usize = 4;
/// No more marks than this are remembered of an egress that answers none: what stood before the first counts with the next.
const MARKS: usize = 64;
/// For so long errors may come of what was on its way to a node that cannot be reached any more.
const ERRORS_COME: Duration = Duration::from_secs(30);
/// When another mark is sent if the last one is not answered and somebody waits.
const AGAIN: Duration = Duration::from_millis(500);
/// The same after the routes have changed: the last one may have been lost, and there is another way.
const ROUTES_CHANGED: Duration = Duration::from_millis(10);

/// What is on its way to each egress.
#[derive(Debug, Default)]
pub(super) struct Flows {
    to: BTreeMap<NodeName, Flow>,
    /// When something was last on its way to a node that could not be reached any more.
    lost_some: Option<Duration>,
}

#[derive(Debug, Default)]
struct Flow {
    /// All that is on its way.
    total: Amount,
    /// What of it was sent since the last mark.
    since: Amount,
    marks: VecDeque<Mark>,
    /// When the last mark was sent.
    asked: Duration,
}

#[derive(Debug)]
struct Mark {
    id: MessageId,
    /// What was sent between the mark before and this one.
    sent: Amount,
}

#[derive(Debug, Clone, Copy, Default)]
struct Amount {
    messages: usize,
    bytes: usize,
}

impl Amount {
    fn add(&mut self, size: usize) {
        self.messages += 1;
        self.bytes += size;
    }

    fn take(&mut self, other: Self) {
        self.messages = self.messages.saturating_sub(other.messages);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

impl Flows {
    /// Whether a message of this size may go to `egress` now. Nothing on its way takes one of any size.
    pub(super) fn has_room(&self, egress: &NodeName, size: usize, window: Window) -> bool {
        self.to.get(egress).is_none_or(|flow| {
            let Amount { messages, bytes } = flow.total;
            messages == 0 || (messages < window.messages && bytes + size <= window.bytes)
        })
    }

    /// A message goes to `egress`. Says whether a mark is due behind it.
    fn sent(&mut self, egress: &NodeName, size: usize, window: Window) -> bool {
        if !self.to.contains_key(egress) {
            self.to.insert(egress.clone(), Flow::default());
        }
        let Some(flow) = self.to.get_mut(egress) else {
            return false;
        };
        flow.total.add(size);
        flow.since.add(size);
        flow.since.messages >= (window.messages / PART).max(1)
            || flow.since.bytes >= (window.bytes / PART).max(1)
    }

    /// A mark is sent to `egress`.
    fn marked(&mut self, egress: &NodeName, id: MessageId, now: Duration) {
        if let Some(flow) = self.to.get_mut(egress) {
            let sent = std::mem::take(&mut flow.since);
            flow.marks.push_back(Mark { id, sent });
            if flow.marks.len() > MARKS
                && let (Some(first), Some(next)) = (flow.marks.pop_front(), flow.marks.front_mut())
            {
                next.sent.messages += first.sent.messages;
                next.sent.bytes += first.sent.bytes;
            }
            flow.asked = now;
        }
    }

    /// `egress` has come to a mark. Says whether that makes room.
    fn answered(&mut self, egress: &str, id: MessageId) -> bool {
        let Some(flow) = self.to.get_mut(egress) else {
            return false;
        };
        if !flow.marks.iter().any(|mark| mark.id == id) {
            return false;
        }
        while let Some(mark) = flow.marks.pop_front() {
            flow.total.take(mark.sent);
            if mark.id == id {
                break;
            }
        }
        if flow.total.messages == 0 {
            self.to.remove(egress);
        }
        true
    }

    /// Whether a mark is not answered.
    pub(super) fn has_mark(&self, id: MessageId) -> bool {
        self.to.values().any(|flow| flow.marks.iter().any(|mark| mark.id == id))
    }

    /// What is on its way to nodes that cannot be reached any more comes to its end elsewhere.
    pub(super) fn retain(&mut self, now: Duration, reaches: impl Fn(&NodeName) -> bool) {
        let before = self.to.len();
        self.to.retain(|egress, _| reaches(egress));
        if self.to.len() < before {
            self.lost_some = Some(now);
        }
    }

    /// Whether errors may be on their way of what was sent to nodes that cannot be reached any more.
    pub(super) fn has_lost_some(&self, now: Duration) -> bool {
        self.lost_some.is_some_and(|lost| now < lost + ERRORS_COME)
    }

    /// The routes have changed, and what was on its way may be lost: who waits asks again soon.
    pub(super) fn hasten(&mut self, now: Duration) {
        let asked = (now + ROUTES_CHANGED).saturating_sub(AGAIN);
        for flow in self.to.values_mut() {
            flow.asked = flow.asked.min(asked);
        }
    }

    /// The egresses that owe an answer for so long that they are to be asked again.
    fn overdue(&self, now: Duration) -> Vec<NodeName> {
        let overdue = self.to.iter().filter(|(_, flow)| flow.asked + AGAIN <= now);
        overdue.map(|(egress, _)| egress.clone()).collect()
    }

    /// When that is so of the first one.
    pub(super) fn due(&self) -> Option<Duration> {
        self.to.values().map(|flow| flow.asked + AGAIN).min()
    }
}

impl Brain {
    /// A message that entered here goes to `egress`.
    pub(super) fn count_flow(
        &mut self,
        now: Now,
        egress: &NodeName,
        size: usize,
        room: &impl Room,
    ) {
        if self.flows.sent(egress, size, self.config.settings.flow) {
            self.ask_for_credit(now, egress, room);
        }
    }

    /// Somebody waits for room: those that have not answered are asked once more.
    pub(super) fn ask_again_for_credit(&mut self, now: Now, room: &impl Room) {
        for egress in self.flows.overdue(now.since_start) {
            self.ask_for_credit(now, &egress, room);
        }
    }

    /// Asks every egress that has not said where it is, and gives back the marks.
    pub(super) fn ask_all_for_credit(&mut self, now: Now, room: &impl Room) -> Vec<MessageId> {
        let egresses: Vec<NodeName> = self.flows.to.keys().cloned().collect();
        let ask = |egress| self.ask_for_credit(now, egress, room);
        egresses.iter().map(ask).collect()
    }

    fn ask_for_credit(&mut self, now: Now, egress: &NodeName, room: &impl Room) -> MessageId {
        let id = MessageId { incarnation: self.config.incarnation, counter: self.last_id + 1 };
        // Noted before it is sent: the answer may come at once.
        self.flows.marked(egress, id, now.since_start);
        let (flags, tail) = (Flags::default(), Tail::default());
        self.originate(now, Kind::Credit, egress.as_str(), flags, &tail, vec![], room)
    }

    /// A mark has come, or the answer to one of this node's.
    pub(super) fn credit(&mut self, now: Now, message: &Message, room: &impl Room) {
        let prefix = message.prefix();
        if !message.is_from_node(self.name()) {
            return;
        }
        let tail = Tail::read(prefix.tail).unwrap_or_default();
        match tail.correlation {
            Some(id) => self.blocked.stirred |= self.flows.answered(prefix.source, id),
            None => {
                let tail = Tail { correlation: Some(prefix.id), ..Tail::default() };
                let flags = Flags::default();
                self.originate(now, Kind::Credit, prefix.source, flags, &tail, vec![], room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { messages: 8, bytes: 1_000 };

    fn id(counter: u64) -> MessageId {
        MessageId { incarnation: 1, counter }
    }

    #[test]
    fn a_full_window_opens_as_far_as_marks_are_answered() {
        let (mut flows, east) = (Flows::default(), NodeName::parse("east").unwrap());
        let mut marks = 0;
        for _ in 0..8 {
            assert!(flows.has_room(&east, 10, WINDOW));
            if flows.sent(&east, 10, WINDOW) {
                marks += 1;
                flows.marked(&east, id(marks), Duration::ZERO);
            }
        }
        assert!(!flows.has_room(&east, 10, WINDOW));
        assert_eq!(marks, 4);
        assert!(!flows.answered("east", id(9)), "that was never asked");
        assert!(flows.answered("east", id(2)), "the first is answered with it");
        assert!(!flows.answered("east", id(1)));
        assert_eq!(flows.to[&east].total.messages, 4);
        assert!(flows.answered("east", id(4)));
        assert!(flows.to.is_empty());
    }

    #[test]
    fn an_egress_that_answers_nothing_is_not_remembered_without_end() {
        let (mut flows, east) = (Flows::default(), NodeName::parse("east").unwrap());
        for number in 1..=1_000 {
            flows.sent(&east, 1, WINDOW);
            flows.marked(&east, id(number), Duration::ZERO);
        }
        assert_eq!(flows.to[&east].marks.len(), MARKS);
        assert!(!flows.answered("east", id(1)), "it is forgotten");
        assert!(flows.answered("east", id(999)));
        assert_eq!(flows.to[&east].total.messages, 1);
        assert!(flows.answered("east", id(1_000)) && flows.to.is_empty());
    }

    #[test]
    fn one_message_of_any_size_goes_and_is_marked_at_once() {
        let (mut flows, east) = (Flows::default(), NodeName::parse("east").unwrap());
        assert!(flows.has_room(&east, 5_000, WINDOW));
        assert!(flows.sent(&east, 5_000, WINDOW));
        assert!(!flows.has_room(&east, 1, WINDOW));
    }
}
