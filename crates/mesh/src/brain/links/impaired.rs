//! The delay line of a link: what an impaired link holds back, and what it loses.
//!
//! ```text
//!  routed -- loses? --> outbox -- takes_more? --> |                                  | let_go
//!               |                                 | transmitter -- latency, jitter --> ...... --> socket
//!               v          floods, acks --------> |   (rate)                         | when due
//!            counted
//! ```
//!
//! A message that is lost is lost before it gets its number on the link, so the link itself stays whole.
//! While the transmitter is busy, messages wait in the outbox, which is bounded; what is in the line is
//! sent and not acknowledged, so at most a window of messages is there. All chance is drawn from the
//! seed, the names of the ends and a count: the same again in every run.

use std::collections::VecDeque;
use std::time::Duration;

use hopline_core::Frames;

use super::Link;
use crate::brain::{Brain, ConnId, Impairment, Now, Output};
use crate::name::NodeName;

/// The counter of messages that an impaired link lost.
pub(in crate::brain) const LOST: &str = "lost by impairment";
/// How much work the transmitter is given ahead, so that it does not idle until a clock that is read every
/// millisecond wakes the node.
const AHEAD: Duration = Duration::from_millis(10);
/// All parts of a share.
const MILLION: u64 = 1_000_000;

/// What one end of a link does to all that it sends.
#[derive(Debug)]
pub(in crate::brain) struct Line {
    impairment: Impairment,
    losses: Draws,
    jitters: Draws,
    /// Who sends to whom.
    direction: u64,
    /// When the transmitter has sent all that it was given.
    free: Duration,
    /// When the last one is due.
    last: Duration,
    /// When the transmitter takes more of what waits in the outbox; none if nothing waits for it.
    wake: Option<Duration>,
    /// Given to the line since the time was last known.
    entered: Vec<Frames>,
    held: VecDeque<Held>,
}

#[derive(Debug)]
struct Held {
    due: Duration,
    frames: Frames,
}

impl Line {
    pub(in crate::brain) fn new(from: &NodeName, to: &NodeName, impairment: Impairment) -> Self {
        let direction = direction(from, to);
        let mut line = Self {
            impairment: Impairment::default(),
            losses: Draws::default(),
            jitters: Draws::default(),
            direction,
            free: Duration::ZERO,
            last: Duration::ZERO,
            wake: None,
            entered: Vec::new(),
            held: VecDeque::new(),
        };
        line.impair(Duration::ZERO, impairment);
        line
    }

    pub(in crate::brain) fn impairment(&self) -> Impairment {
        self.impairment
    }

    /// The link is made to suffer this from now on, and nothing else. What is held back comes no later
    /// than if it had entered now.
    pub(in crate::brain) fn impair(&mut self, now: Duration, impairment: Impairment) {
        self.settle(now);
        let bounded = |time: Option<Duration>| time.map(|time| time.min(Impairment::LONGEST));
        let (latency, jitter) = (bounded(impairment.latency), bounded(impairment.jitter));
        self.impairment = Impairment { latency, jitter, ..impairment };
        let seed = impairment.seed.unwrap_or_default() ^ self.direction;
        (self.losses, self.jitters) = (Draws::new(seed), Draws::new(!seed));
        (self.free, self.last) = (now, now);
        for Held { due, frames } in std::mem::take(&mut self.held) {
            self.hold(now, frames, due);
        }
    }

    /// Whether the next message is lost.
    pub(in crate::brain) fn loses(&mut self) -> bool {
        let parts = self.impairment.loss_ppm;
        parts.is_some_and(|parts| self.losses.below(MILLION) < u64::from(parts))
    }

    /// Whether the transmitter takes more messages now.
    pub(in crate::brain) fn takes_more(&mut self, now: Duration) -> bool {
        self.settle(now);
        self.impairment.bytes_per_second.is_none() || self.free <= now.saturating_add(AHEAD)
    }

    /// How many bytes may travel together, at most `most`: a slow link takes one message at a time.
    pub(in crate::brain) fn together(&self, most: usize) -> usize {
        let Some(rate) = self.impairment.bytes_per_second else {
            return most;
        };
        let ahead = u128::from(rate) * AHEAD.as_nanos() / 1_000_000_000;
        usize::try_from(ahead).map_or(most, |ahead| ahead.min(most))
    }

    /// Notes whether messages wait for the transmitter.
    pub(in crate::brain) fn waited_for(&mut self, now: Duration, is_waited_for: bool) {
        let is_busy = !self.takes_more(now);
        self.wake = (is_busy && is_waited_for).then(|| self.free.saturating_sub(AHEAD));
    }

    /// When something is due.
    pub(in crate::brain) fn due(&self) -> Option<Duration> {
        self.held.front().map(|held| held.due).into_iter().chain(self.wake).min()
    }

    /// The connection is gone, and all that was in the line.
    pub(in crate::brain) fn fail(&mut self) {
        self.entered.clear();
        self.held.clear();
        (self.free, self.last, self.wake) = (Duration::ZERO, Duration::ZERO, None);
    }

    /// Whether what is sent goes out at once.
    pub(in crate::brain) fn is_clear(&self) -> bool {
        let Impairment { latency, jitter, loss_ppm: _, bytes_per_second, seed: _ } =
            self.impairment;
        let holds_back = latency.is_some() || jitter.is_some() || bytes_per_second.is_some();
        !holds_back && self.is_empty()
    }

    /// Whether nothing is held back.
    pub(in crate::brain) fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.held.is_empty()
    }

    /// What was given to the line enters it now.
    fn settle(&mut self, now: Duration) {
        for frames in std::mem::take(&mut self.entered) {
            self.hold(now, frames, Duration::MAX);
        }
    }

    /// Holds a message until it is due, at the latest until `latest`.
    fn hold(&mut self, now: Duration, frames: Frames, latest: Duration) {
        let size: usize = frames.iter().map(bytes::Bytes::len).sum();
        let free = self.free.max(now).saturating_add(self.transmission(size));
        self.free = free;
        let Impairment { latency, jitter, .. } = self.impairment;
        let (latency, jitter) = (latency.unwrap_or_default(), jitter.unwrap_or_default());
        let spread = u64::try_from(jitter.as_nanos()).unwrap_or(u64::MAX).saturating_mul(2);
        let extra = match spread {
            0 => 0,
            spread => self.jitters.below(spread.saturating_add(1)),
        };
        let late = latency.saturating_add(Duration::from_nanos(extra)).saturating_sub(jitter);
        let due = free.saturating_add(late).max(self.last).min(latest);
        self.last = due;
        self.held.push_back(Held { due, frames });
    }

    /// How long so many bytes take.
    fn transmission(&self, size: usize) -> Duration {
        let Some(rate) = self.impairment.bytes_per_second else {
            return Duration::ZERO;
        };
        let nanos = (size as u128) * 1_000_000_000 / u128::from(rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn let_go(&mut self, now: Duration) -> Option<Frames> {
        let is_due = self.held.front().is_some_and(|held| held.due <= now);
        if !is_due {
            return None;
        }
        self.held.pop_front().map(|held| held.frames)
    }
}

impl Link {
    /// Sends on the link's connection: at once, or through the line.
    pub(in crate::brain) fn send(&mut self, conn: ConnId, frames: Frames, out: &mut Vec<Output>) {
        match self.line.is_clear() {
            true => out.push(Output::Send { conn, frames }),
            false => self.line.entered.push(frames),
        }
    }

    /// Sends what is due.
    fn let_go(&mut self, now: Duration, out: &mut Vec<Output>) {
        let Some(session) = &self.session else {
            return;
        };
        self.line.settle(now);
        while let Some(frames) = self.line.let_go(now) {
            out.push(Output::Send { conn: session.conn, frames });
        }
    }
}

impl Brain {
    /// Makes the link to a neighbour suffer this and nothing else. Says whether there is such a link.
    pub(in crate::brain) fn impair(
        &mut self,
        now: Now,
        neighbour: &NodeName,
        impairment: Impairment,
    ) -> bool {
        let link = self.links.get_mut(neighbour);
        link.map(|link| link.line.impair(now.since_start, impairment)).is_some()
    }

    /// Sends what impaired links have held back long enough.
    pub(in crate::brain) fn let_go(&mut self, now: Now) {
        for link in self.links.values_mut() {
            link.let_go(now.since_start, &mut self.out);
        }
    }
}

/// Numbers by chance, the same for the same seed: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone, Copy, Default)]
struct Draws(u64);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to less than `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = u128::from(z ^ (z >> 31));
        u64::try_from((drawn * u128::from(end)) >> 64).unwrap_or_default()
    }
}

/// A number for who sends to whom, the same in every run: FNV-1a.
fn direction(from: &NodeName, to: &NodeName) -> u64 {
    let bytes = from.as_str().bytes().chain(*b"--").chain(to.as_str().bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
