//! Namesakes: two nodes of one name that run at the same time, which is a mistake of whoever started them.
//!
//! A neighbour of both keeps the link that it has: another run of the same name is refused for as long as the first is
//! heard. That decides too for one that was started again while its last run's connection still seems open: it is let in
//! once that has ended, or has been silent for too long.
//!
//! Where no node is a neighbour of both, each hears what the other says in its name. It says its own again as what is
//! newer, at once the first time, as whoever was started again with a clock that ran ahead before; then after pauses that
//! grow, so that two of one name cost the mesh little.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Brain, Event};
use crate::name::NodeName;
use crate::wire::hello::Run;
use crate::wire::link_state::Age;

/// Why a link is refused.
pub(super) const NODE_NAME_IN_USE: &str = "node name in use";

/// The pause after the first time that this node spoke against another of its name; it doubles up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(10);
/// For so long it is told of a name that two nodes had. Longer than two are silent of each other.
const REMEMBERED: Duration = Duration::from_secs(120);

/// Which names two nodes have, and how often this node has spoken against another of its own.
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    seen: BTreeMap<NodeName, Seen>,
    jumps: Jumps,
}

/// Since when and when last two nodes of a name were seen, and whether that is certain.
#[derive(Debug)]
struct Seen {
    first: Duration,
    last: Duration,
    certain: bool,
}

#[derive(Debug, Default)]
struct Jumps {
    count: u32,
    /// Not before then.
    next: Duration,
    /// What was heard, and has not been spoken against yet.
    over: Option<Age>,
}

impl Namesakes {
    /// When this node speaks against another of its name.
    pub(super) fn due(&self) -> Option<Duration> {
        self.jumps.over.map(|_| self.jumps.next)
    }

    /// The names that two nodes have.
    pub(super) fn names(&self, now: Duration) -> impl Iterator<Item = &NodeName> {
        let is_told = move |seen: &Seen| seen.certain && now < seen.last + REMEMBERED;
        self.seen.iter().filter(move |(_, seen)| is_told(seen)).map(|(name, _)| name)
    }

    /// Whether another of this name has been refused while the first is heard.
    pub(super) fn has(&self, name: &NodeName) -> bool {
        self.seen.contains_key(name)
    }

    /// There is one of this name at most.
    pub(super) fn forget(&mut self, name: &NodeName) {
        self.seen.remove(name);
    }
}

impl Brain {
    /// Whether a neighbour's name is that of another run, which is heard.
    pub(super) fn is_in_use(&self, neighbour: &NodeName, run: Run) -> bool {
        let session = self.links.get(neighbour).and_then(|link| link.session.as_ref());
        session.is_some_and(|session| session.run != run)
    }

    /// Another of this name was refused. Two there are if the first is still heard when one that is not there any more
    /// would be silent for too long.
    pub(super) fn saw_namesake(&mut self, now: Duration, name: &NodeName) {
        let silence = self.config.settings.liveness.silence;
        self.see_namesake(now, name, |first| now > first + silence);
    }

    fn see_namesake(
        &mut self,
        now: Duration,
        name: &NodeName,
        is_certain: impl Fn(Duration) -> bool,
    ) {
        let new = || Seen { first: now, last: now, certain: false };
        let seen = self.namesakes.seen.entry(name.clone()).or_insert_with(new);
        if seen.last + REMEMBERED < now {
            *seen = new();
        }
        seen.last = now;
        if !seen.certain && is_certain(seen.first) {
            seen.certain = true;
            self.event(Event::Namesake(name.clone()));
        }
    }

    /// Word of this node that it has not said: from an earlier run, from a clock that was ahead, or from another node of
    /// its name. One that says good-bye says nothing more, and is spoken against at once.
    pub(super) fn heard_of_myself(&mut self, now: Duration, age: Age, leaving: bool) {
        if age <= self.own.age() || self.own.leaving {
            return;
        }
        let jumps = &mut self.namesakes.jumps;
        if jumps.next + LAST_PAUSE < now {
            *jumps = Jumps::default();
        }
        jumps.over = jumps.over.max(Some(age));
        if leaving {
            jumps.next = now;
        }
        if jumps.count > 0 {
            // All that earlier runs have said was jumped over before.
            let me = self.config.node.clone();
            self.see_namesake(now, &me, |_| true);
        }
        self.jump(now);
    }

    /// Says what this node says of itself as what is newer, where that is due.
    pub(super) fn jump(&mut self, now: Duration) {
        let jumps = &mut self.namesakes.jumps;
        if now < jumps.next {
            return;
        }
        let Some(age) = jumps.over.take().filter(|age| *age > self.own.age()) else {
            return;
        };
        let pause = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(jumps.count));
        jumps.next = now + pause.min(LAST_PAUSE);
        jumps.count += 1;
        self.own.jump_over(age);
        self.originate_adjacency();
        self.originate_attachments();
    }
}
