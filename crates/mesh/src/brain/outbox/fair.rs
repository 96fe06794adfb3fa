//! What waits for a neighbour, in lanes that take turns: one for each node where messages entered the mesh.
//!
//! ```text
//!  entered at east   [ m m m m m m m ]  --\
//!  entered at west   [ m ]              ---> deficit round robin --> the link
//!  entered here      [ m m ]            --/
//! ```
//!
//! Turns are counted in bytes (deficit round robin: Shreedhar and Varghese, 1995), so that large messages get no
//! more of a link than small ones. A full queue has room for a lane that has less than its share; the last of the
//! longest lane makes way for it (longest queue drop: Suter, Lakshman, Stiliadis and Choudhury, 1999). Within a
//! lane the order is kept, and so it is for each sender.

use std::collections::{BTreeMap, VecDeque};

use super::Window;
use crate::brain::message::Message;

/// How many bytes a lane may send when its turn comes.
const QUANTUM: usize = 64 * 1024;

/// Whose messages wait together: a number made of the name of the node where they entered. Two nodes whose
/// numbers are equal share a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::brain) struct Lane(u64);

impl Lane {
    /// Messages that enter the mesh at this node, and those that it makes itself.
    pub(in crate::brain) const HERE: Self = Self(0);

    /// Messages that entered the mesh at this node, by name.
    pub(in crate::brain) fn of(ingress: &str) -> Self {
        // FNV-1a.
        let number = ingress.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(number)
    }
}

/// Messages that wait, lane by lane.
#[derive(Debug, Default)]
pub(in crate::brain) struct Fair {
    lanes: BTreeMap<Lane, Waiting>,
    /// The lanes that have something, the one whose turn it is first.
    turns: VecDeque<Lane>,
    messages: usize,
    bytes: usize,
    /// How many of them waited already when it was marked.
    marked: usize,
}

#[derive(Debug)]
struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
    /// So many of the first ones waited already when it was marked.
    marked: usize,
    /// How many bytes it may still send before the next one's turn.
    deficit: usize,
}

impl Fair {
    pub(super) fn len(&self) -> usize {
        self.messages
    }

    /// How many wait in one lane.
    pub(super) fn len_of(&self, lane: Lane) -> usize {
        self.lanes.get(&lane).map_or(0, |waiting| waiting.messages.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Marks all that waits.
    pub(super) fn mark(&mut self) {
        for waiting in self.lanes.values_mut() {
            waiting.marked = waiting.messages.len();
        }
        self.marked = self.messages;
    }

    /// How many messages wait that are marked.
    pub(super) fn marked(&self) -> usize {
        self.marked
    }

    /// Whether a message of this size fits in: an empty queue takes any, and a lane that has less than its
    /// share of a full one takes the place of others.
    pub(super) fn has_room(&self, size: usize, lane: Lane, most: Window) -> bool {
        if self.is_empty() || (self.messages < most.messages && self.bytes + size <= most.bytes) {
            return true;
        }
        let (has, lanes) = match self.lanes.get(&lane) {
            Some(waiting) => ((waiting.messages.len(), waiting.bytes), self.turns.len()),
            None => ((0, 0), self.turns.len() + 1),
        };
        lanes > 1 && has.0 < most.messages / lanes && has.1 + size <= most.bytes / lanes
    }

    /// Puts a message behind those of its lane. Gives back those that had to make way for it.
    pub(super) fn push(&mut self, message: Message, most: Window) -> Vec<Message> {
        let lane = message.lane();
        let size = message.size();
        let (mut evicted, mut freed) = (Vec::new(), 0);
        // No more makes way than this takes: errors may wait where there is room for nothing else.
        while self.messages > 0
            && (self.messages >= most.messages || self.bytes + size > most.bytes)
            && (evicted.is_empty() || freed < size)
            && let Some(last) = self.evict(lane)
        {
            freed += last.size();
            evicted.push(last);
        }
        let turns = &mut self.turns;
        let waiting = self.lanes.entry(lane).or_insert_with(|| {
            turns.push_back(lane);
            Waiting { messages: VecDeque::new(), bytes: 0, marked: 0, deficit: QUANTUM }
        });
        waiting.messages.push_back(message);
        waiting.bytes += size;
        self.messages += 1;
        self.bytes += size;
        evicted
    }

    /// The next message to go.
    pub(super) fn peek(&mut self) -> Option<&Message> {
        let lane = self.settle()?;
        self.lanes.get(&lane)?.messages.front()
    }

    /// Takes the next message.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let lane = self.settle()?;
        let waiting = self.lanes.get_mut(&lane)?;
        let message = waiting.messages.pop_front()?;
        let size = message.size();
        waiting.bytes -= size;
        waiting.deficit = waiting.deficit.saturating_sub(size);
        if waiting.marked > 0 {
            waiting.marked -= 1;
            self.marked -= 1;
        }
        self.messages -= 1;
        self.bytes -= size;
        if waiting.messages.is_empty() {
            self.lanes.remove(&lane);
            self.turns.pop_front();
        }
        Some(message)
    }

    /// All that waits, in the order in which it would have gone.
    pub(super) fn drain(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    /// The lane whose turn it is, once that is one that may send its first message.
    fn settle(&mut self) -> Option<Lane> {
        loop {
            let lane = *self.turns.front()?;
            let alone = self.turns.len() == 1;
            let waiting = self.lanes.get_mut(&lane)?;
            let next = waiting.messages.front()?.size();
            if alone {
                waiting.deficit = waiting.deficit.max(next);
            }
            if next <= waiting.deficit {
                return Some(lane);
            }
            self.turns.rotate_left(1);
            if let Some(next) = self.turns.front().and_then(|lane| self.lanes.get_mut(lane)) {
                next.deficit = next.deficit.saturating_add(QUANTUM);
            }
        }
    }

    /// Takes out the last message of the longest lane, unless that is `but`.
    fn evict(&mut self, but: Lane) -> Option<Message> {
        let length = |lane: &&Lane| self.lanes.get(lane).map_or(0, |waiting| waiting.bytes);
        let longest = *self.turns.iter().max_by_key(length)?;
        if longest == but {
            return None;
        }
        let waiting = self.lanes.get_mut(&longest)?;
        let message = waiting.messages.pop_back()?;
        waiting.bytes -= message.size();
        if waiting.marked > waiting.messages.len() {
            waiting.marked -= 1;
            self.marked -= 1;
        }
        self.messages -= 1;
        self.bytes -= message.size();
        if waiting.messages.is_empty() {
            self.lanes.remove(&longest);
            self.turns.retain(|lane| *lane != longest);
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Kind, Path, Prefix, Stamp};
    use bytes::Bytes;
    use proptest::prelude::*;

    const MOST: Window = Window { messages: 100, bytes: 1 << 20 };

    /// A message with a payload of `size` bytes that entered at `ingress`, numbered in its payload.
    fn from(ingress: &str, size: usize, number: u8) -> Message {
        let payload = Bytes::from(vec![number; size.max(1)]);
        let mut message = Message::new(&Prefix::new(Kind::Data), [payload]);
        if !ingress.is_empty() {
            let stamp = Stamp { node: ingress, ingress: "", revision: 0, times: None };
            let path = Path::read(&[]).unwrap().stamped(&stamp, 1);
            message = Message::read(message.into_frames(path)).unwrap();
        }
        message
    }

    fn number(message: &Message) -> u8 {
        message.payload()[0][0]
    }

    #[test]
    fn a_loud_lane_does_not_keep_a_quiet_one_waiting() {
        let mut fair = Fair::default();
        for _ in 0..50 {
            assert!(
                fair.push(from("loud", 60_000, 1), Window { messages: 100, bytes: 8 << 20 })
                    .is_empty()
            );
        }
        fair.push(from("quiet", 100, 2), MOST);
        let first: Vec<u8> = (0..4).filter_map(|_| fair.pop()).map(|it| number(&it)).collect();
        assert!(first.contains(&2), "{first:?}");
    }

    #[test]
    fn the_longest_lane_makes_way_for_one_that_has_less_than_its_share() {
        let most = Window { messages: 10, bytes: 1 << 20 };
        let mut fair = Fair::default();
        for n in 0..10 {
            fair.push(from("loud", 10, n), most);
        }
        assert!(!fair.has_room(10, Lane::of("loud"), most));
        let mut evicted = Vec::new();
        for n in 0..5 {
            assert!(fair.has_room(10, Lane::of("quiet"), most), "{n}");
            evicted.extend(fair.push(from("quiet", 10, n), most));
        }
        assert!(!fair.has_room(10, Lane::of("quiet"), most), "half of it is its share");
        assert_eq!(evicted.iter().map(number).collect::<Vec<_>>(), [9, 8, 7, 6, 5]);
        assert_eq!(fair.len(), 10);
    }

    #[test]
    fn what_is_marked_goes_out_or_makes_way_and_what_comes_later_is_not() {
        let most = Window { messages: 10, bytes: 1 << 20 };
        let mut fair = Fair::default();
        for n in 0..10 {
            fair.push(from("loud", 10, n), most);
        }
        fair.mark();
        assert_eq!(fair.marked(), 10);
        for n in 0..5 {
            fair.push(from("quiet", 10, n), most);
        }
        assert_eq!(fair.marked(), 5, "five have made way");
        let mut out = 0;
        while fair.marked() > 0 {
            out += usize::from(number(&fair.pop().unwrap()) < 10);
            fair.push(from("loud", 10, 99), most);
        }
        assert!((5..=10).contains(&out), "{out}");
        fair.mark();
        assert_eq!((fair.marked(), fair.drain().len(), fair.marked()), (10, 10, 0));
    }

    proptest! {
        #[test]
        fn each_lane_keeps_its_order_and_nothing_is_lost(
            steps in prop::collection::vec((0usize..4, 1usize..200_000, any::<bool>()), 1..200),
        ) {
            let most = Window { messages: 40, bytes: 1 << 20 };
            let names = ["", "a", "b", "c"];
            let (mut fair, mut pushed, mut out) = (Fair::default(), [0u8; 4], 0usize);
            let mut seen: [Vec<u8>; 4] = std::array::from_fn(|_| Vec::new());
            let lane = |message: &Message| names.iter().position(|name| {
                let lane = if name.is_empty() { Lane::HERE } else { Lane::of(name) };
                lane == message.lane()
            }).unwrap();
            let mut total = 0usize;
            for (at, size, push) in steps {
                let name = if names[at].is_empty() { Lane::HERE } else { Lane::of(names[at]) };
                let message = from(names[at], size, pushed[at]);
                if push && fair.has_room(message.size(), name, most) {
                    out += fair.push(message, most).len();
                    pushed[at] += 1;
                    total += 1;
                } else if let Some(message) = fair.pop() {
                    seen[lane(&message)].push(number(&message));
                    out += 1;
                }
                prop_assert_eq!(fair.len(), total - out);
                prop_assert!(fair.len() <= most.messages);
            }
            for message in fair.drain() {
                seen[lane(&message)].push(number(&message));
                out += 1;
            }
            prop_assert_eq!(out, total);
            for lane in seen {
                prop_assert!(lane.is_sorted(), "{:?}", lane);
            }
        }
    }
}
