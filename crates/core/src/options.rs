//! What a socket may be told: limits, high-water marks, redial. Every default is safe.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Identity, SocketKind};

const MIB: usize = 1024 * 1024;

/// What a stranger may make us hold, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The most bytes of a frame. Default 16 MiB.
    pub frame: usize,
    /// The most bytes of a message, all its frames together. Default 64 MiB.
    pub message: usize,
    /// The most frames of a message. Default 64.
    pub frames: usize,
    /// The most connections at a time at a port, those still shaking hands included; a port that was
    /// opened besides the first takes 64 however few these are. Default 5,000.
    pub connections: usize,
    /// How long a handshake may take as a whole. Default 5 s.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 16 * MIB,
            message: 64 * MIB,
            frames: 64,
            connections: 5_000,
            handshake: Duration::from_secs(5),
        }
    }
}

/// How much may wait for one peer before a send is refused.
///
/// An empty queue always takes one message, whatever its size up to the limits. While what waits
/// for all peers of the socket together is over `total`, only a sixteenth of `bytes` may wait for
/// each, so that many who do not read cost no more than a few. What left the queue may still wait in the
/// kernel's buffers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HighWater {
    /// Messages. Default 1,000.
    pub messages: usize,
    /// Bytes of their frames. Default 1 MiB.
    pub bytes: usize,
    /// Bytes of the frames for all peers together. Default 256 MiB.
    pub total: usize,
}

impl Default for HighWater {
    fn default() -> Self {
        Self { messages: 1_000, bytes: MIB, total: 256 * MIB }
    }
}

/// What happens to a second live connection that says the identity of a first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Duplicates {
    /// The newcomer is closed, cause `name in use`; the first is undisturbed.
    #[default]
    Refuse,
    /// Both are attached, under different [`PeerId`](crate::PeerId)s. What is sent by identity
    /// goes to the one that was there first.
    Admit,
}

/// How long a [`Dealer`](crate::Dealer) waits before it dials again.
///
/// The wait doubles with each failure from `first` up to `most`, and is then shortened by up to
/// the share `jitter` of itself, at random, so that many dealers do not dial in step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Backoff {
    /// The wait after the first failure. Default 50 ms.
    pub first: Duration,
    /// The longest wait. Default 5 s.
    pub most: Duration,
    /// From 0, no jitter, to 1, any wait from none to the whole. Default 0.25.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(50), most: Duration::from_secs(5), jitter: 0.25 }
    }
}

impl Backoff {
    /// The wait after failure number `attempt` (from 1); `chance` is from 0 to 1.
    pub(crate) fn delay(&self, attempt: u32, chance: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let whole = self.first.saturating_mul(1 << doublings).min(self.most);
        whole.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0))
    }
}

/// How a [`Router`](crate::Router) behaves.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RouterOptions {
    /// What strangers may make us hold.
    pub limits: Limits,
    /// What may wait for each peer.
    pub high_water: HighWater,
    /// Where the private socket's directory is made: a short path. Default `$XDG_RUNTIME_DIR`,
    /// else the system's directory for temporary files.
    pub runtime_dir: Option<PathBuf>,
    /// What happens when an identity is said twice.
    pub duplicates: Duplicates,
}

/// How a [`Dealer`](crate::Dealer) behaves.
#[derive(Clone, PartialEq, Debug)]
pub struct DealerOptions {
    /// What we say we are; none lets the other side make one.
    pub identity: Option<Identity>,
    /// What the other side may make us hold; `handshake` is also the time a dial may take.
    pub limits: Limits,
    /// What may wait for the other side.
    pub high_water: HighWater,
    /// How long to wait between dials.
    pub backoff: Backoff,
    /// As [`RouterOptions::runtime_dir`].
    pub runtime_dir: Option<PathBuf>,
    /// What our READY says we are. Default [`SocketKind::Dealer`].
    pub socket_kind: SocketKind,
}

impl Default for DealerOptions {
    fn default() -> Self {
        Self {
            identity: None,
            limits: Limits::default(),
            high_water: HighWater::default(),
            backoff: Backoff::default(),
            runtime_dir: None,
            socket_kind: SocketKind::Dealer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_most_and_jitter_only_shortens_it() {
        let backoff = Backoff { jitter: 0.5, ..Backoff::default() };
        assert_eq!(backoff.delay(1, 0.0), Duration::from_millis(50));
        assert_eq!(backoff.delay(2, 0.0), Duration::from_millis(100));
        assert_eq!(backoff.delay(u32::MAX, 0.0), Duration::from_secs(5));
        assert_eq!(backoff.delay(1, 1.0), Duration::from_millis(25));
    }
}
