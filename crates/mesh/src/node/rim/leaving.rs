//! A node that was told to end: how long it may take, and which clients it waits for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hopline_core::PeerId;

use super::{Rim, Socket};
use crate::brain::{Command, Input};
use crate::node::clock::Clock;

/// How long the node may take to leave, while anything moves, and clients to take what they were handed,
const LEAVES: Duration = Duration::from_secs(60);
/// how often it is looked whether each of them has taken part of it,
const LOOK: Duration = Duration::from_secs(2);
/// and when it ends whatever is left: what then goes back to its senders has so long to get away.
pub(in crate::node) const ENDS: Duration = Duration::from_secs(61);

/// How far a client has come: the first delivery that has not gone out to it, and the bytes that have.
type Progress = (u64, u64);

/// A node that was told to end, and when what is over.
pub(super) struct Leaving {
    hands_over: Instant,
    ends: Instant,
    /// When it is looked next how far clients have come that were handed something.
    look: Instant,
    /// How far they had come when it was looked last.
    seen: BTreeMap<PeerId, Progress>,
}

impl Leaving {
    fn begin(now: Duration, clock: &Clock, seen: BTreeMap<PeerId, Progress>) -> Self {
        Self {
            hands_over: clock.at(now + LEAVES),
            ends: clock.at(now + ENDS),
            look: clock.at(now + LOOK),
            seen,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.look.min(self.ends)
    }

    /// The clients that have taken nothing since it was looked last.
    fn idle(&mut self, now: BTreeMap<PeerId, Progress>) -> Vec<PeerId> {
        let idle = now.iter().filter(|(peer, progress)| self.seen.get(peer) == Some(progress));
        let idle = idle.map(|(peer, _)| *peer).collect();
        self.seen = now;
        idle
    }
}

impl Rim {
    /// The node is told to end.
    pub(super) async fn leave(&mut self) -> Leaving {
        let leaving = Leaving::begin(self.clock.now().since_start, &self.clock, self.progress());
        self.take(Input::Command(Command::Retire { within: LEAVES })).await;
        leaving
    }

    /// Whether the node may end. Clients that do not take what they were handed are closed before, so that it
    /// goes back to its senders.
    pub(super) fn has_left(&mut self, leaving: &mut Leaving) -> bool {
        if self.clock.has_passed(leaving.look) {
            let is_over = self.clock.has_passed(leaving.hands_over);
            let again = self.clock.at(self.clock.now().since_start + LOOK);
            leaving.look = if is_over { leaving.ends } else { again.min(leaving.hands_over) };
            let progress = self.progress();
            let late =
                if is_over { progress.into_keys().collect() } else { leaving.idle(progress) };
            for peer in late {
                self.sockets.router.close(peer);
            }
        }
        let is_done = self.brain.has_left() && self.deliveries.is_empty();
        is_done || self.clock.has_passed(leaving.ends)
    }

    /// How far the clients have come that have not taken all that they were handed, or are to be told.
    fn progress(&self) -> BTreeMap<PeerId, Progress> {
        let untold = self.brain.untold().filter_map(Socket::peer).map(|peer| (peer, 0));
        let next = untold.chain(self.deliveries.next());
        next.map(|(peer, next)| (peer, (next, self.sockets.router.written(peer)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_idle_that_has_come_no_further() {
        let [slow, idle, late] = [1, 2, 3].map(PeerId::from_number);
        let seen = BTreeMap::from([(slow, (1, 10)), (idle, (1, 10))]);
        let mut leaving = Leaving::begin(Duration::ZERO, &Clock::start(), seen);
        let now = BTreeMap::from([(slow, (1, 20)), (idle, (1, 10)), (late, (7, 0))]);
        assert_eq!(leaving.idle(now), [idle], "part of a message is something");
        assert_eq!(leaving.idle(BTreeMap::from([(slow, (2, 20)), (late, (7, 0))])), [late]);
        assert_eq!(leaving.idle(BTreeMap::new()), []);
        assert_eq!(leaving.idle(BTreeMap::from([(slow, (2, 20))])), [], "it was done in between");
    }
}
