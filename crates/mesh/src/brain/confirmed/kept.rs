//! The confirmed messages that are kept, and when each is due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{AGAIN_AT_MOST, Key, doubled};
use crate::brain::message::Message;

/// When a message is sent again if nothing is heard; doubled each time, up to [`AGAIN_AT_MOST`].
const AGAIN: Duration = Duration::from_secs(1);

/// The confirmed messages that entered here and whose end is not known.
#[derive(Debug)]
pub(in crate::brain) struct Confirmed {
    pub(super) kept: BTreeMap<u64, Kept>,
    /// For asking only.
    pub(super) numbers: HashMap<Key, u64>,
    /// When each is due: to be sent again, or given up.
    pub(super) timers: BTreeSet<(Duration, u64)>,
    bytes: usize,
    most: usize,
    last: u64,
}

/// A confirmed message that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) message: Message,
    /// When its sender gives up.
    pub(super) until: Duration,
    /// When it is sent again.
    again: Duration,
    pub(super) tries: u32,
    /// How many copies of it went out and were not refused.
    pub(super) out: u32,
    /// A copy was refused that may have arrived before, as its link had died and another was gone by.
    pub(super) doubtful: bool,
    /// Its copy waits for room at the egress, and is neither late nor refused.
    pub(super) waits: bool,
    /// Until when a registered name that its node has no more may turn up at another.
    pub(super) sought: Option<Duration>,
}

impl Confirmed {
    /// Of a node that keeps at most so many bytes.
    pub(in crate::brain) fn new(most: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            numbers: HashMap::new(),
            timers: BTreeSet::new(),
            bytes: 0,
            most,
            last: 0,
        }
    }

    pub(in crate::brain) fn due(&self) -> Option<Duration> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// How many are kept.
    pub(in crate::brain) fn len(&self) -> usize {
        self.kept.len()
    }

    /// How many bytes may be kept from now on. What is kept stays.
    pub(in crate::brain) fn keep_at_most(&mut self, most: usize) {
        self.most = most;
    }

    pub(super) fn has_room(&self, size: usize) -> bool {
        self.kept.is_empty() || self.bytes.saturating_add(size) <= self.most
    }

    pub(super) fn keep(&mut self, key: Key, message: Message, until: Duration) {
        self.last += 1;
        self.bytes += message.size();
        self.numbers.insert(key, self.last);
        let kept = Kept {
            message,
            until,
            again: until,
            tries: 0,
            out: 0,
            doubtful: false,
            waits: true,
            sought: None,
        };
        self.kept.insert(self.last, kept);
        self.timers.insert((until, self.last));
    }

    /// Its end is known.
    pub(super) fn end(&mut self, key: &Key) -> Option<Message> {
        let number = self.numbers.remove(key)?;
        let kept = self.kept.remove(&number)?;
        self.timers.remove(&(kept.due(), number));
        self.bytes -= kept.message.size();
        Some(kept.message)
    }

    /// Has it sent again at this time, unless that is later than it would be.
    pub(super) fn hasten(&mut self, number: u64, again: Duration) {
        if let Some(kept) = self.kept.get_mut(&number).filter(|kept| !kept.waits) {
            self.timers.remove(&(kept.due(), number));
            kept.again = kept.again.min(again);
            self.timers.insert((kept.due(), number));
        }
    }

    /// It is not sent now, but then.
    pub(super) fn put_off(&mut self, number: u64, again: Duration) {
        if let Some(kept) = self.kept.get_mut(&number) {
            self.timers.remove(&(kept.due(), number));
            kept.again = again;
            self.timers.insert((kept.due(), number));
        }
    }

    /// It goes elsewhere from now on.
    pub(super) fn redirect(&mut self, number: u64, destination: &str) {
        if let Some(kept) = self.kept.get_mut(&number) {
            self.bytes -= kept.message.size();
            kept.message.redirect(destination);
            self.bytes += kept.message.size();
            kept.sought = None;
        }
    }

    /// A copy of it goes on its way now. Says whether it is still kept.
    pub(super) fn sent(&mut self, now: Duration, key: &Key) -> bool {
        let Some(number) = self.numbers.get(key).copied() else {
            return false;
        };
        if let Some(kept) = self.kept.get_mut(&number) {
            self.timers.remove(&(kept.due(), number));
            kept.again = now + doubled(AGAIN, kept.tries, AGAIN_AT_MOST);
            kept.tries += 1;
            kept.out += 1;
            kept.waits = false;
            self.timers.insert((kept.due(), number));
        }
        true
    }
}

impl Kept {
    /// Whether a copy of it may have arrived, as far as is known here.
    pub(super) fn may_have_arrived(&self) -> bool {
        self.out > 0 || self.doubtful
    }

    pub(super) fn due(&self) -> Duration {
        self.until.min(self.again)
    }
}
