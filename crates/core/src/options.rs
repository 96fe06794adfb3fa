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
    /// The most bytes of messages that are not whole yet, of all connections together; a message that
    /// comes in one piece of up to 64 KiB is none of them. Over it a peer is not read, until there is room or its message
    /// is the oldest, so that one can always be finished. Where some wait for as long as `stall`, those
    /// whose messages have been under way for as long are closed. Default 256 MiB.
    pub unfinished: usize,
    /// The most connections at a time at a port, those still shaking hands included; a port that was
    /// opened besides the first takes 64 however few these are. Default 5,000.
    pub connections: usize,
    /// The most connections at a time from one address, or from one IPv6 network of 64 bits, over all
    /// ports. This machine's loopback addresses, unix sockets and `mem://` have no such limit. Default 256.
    pub per_address: usize,
    /// Places at each port behind the last of `connections`, for newcomers on trial: one that
    /// [`RouterSender::keep`](crate::RouterSender::keep) is called for stays, and is from then on counted
    /// among no limit of connections; any other is closed after as long as `handshake`, or once it is the
    /// oldest of as many and one more comes. So a crowd that holds all places does not keep out who can
    /// prove itself. Default none.
    pub reserved: usize,
    /// How long a handshake may take as a whole. Default 5 s.
    pub handshake: Duration,
    /// A peer of ZMTP 3.1 that has said nothing for so long is asked with PING whether it is there. One
    /// of 3.0 cannot be asked; over TCP the system finds out within a few minutes. Default 30 s.
    pub ping: Duration,
    /// A peer that was asked and says nothing for so long is closed. It has more time where much may stand
    /// unread before the question: a second for each 4 KiB, for up to 1 MiB. Default 30 s.
    pub silence: Duration,
    /// A peer that takes nothing at all of what waits for it for so long is closed, with what waits. What
    /// it takes is seen when the system does: of a reader in a window of some 64 KiB. Default 60 s.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 16 * MIB,
            message: 64 * MIB,
            frames: 64,
            unfinished: 256 * MIB,
            connections: 5_000,
            per_address: 256,
            reserved: 0,
            handshake: Duration::from_secs(5),
            ping: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            stall: Duration::from_secs(60),
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
    /// The first is asked with PING whether it is there. If it is, the newcomer is closed, cause `name
    /// in use`, and the first is undisturbed; if nothing comes of it in 250 ms, it is closed, cause `peer
    /// silent`, and the newcomer has the identity. A peer of ZMTP 3.0, which knows no PING, and one of
    /// this process, are there as long as their connection is.
    #[default]
    Refuse,
    /// The newcomer has the identity, and the first is closed, cause `taken over`. Whoever can connect
    /// can take any identity; for where only friends can.
    Takeover,
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
    /// Whether TCP ports are opened on loopback addresses alone; any other is a [`BindError`](crate::BindError) that
    /// [is beyond loopback](crate::BindError::is_beyond_loopback). Default no.
    pub loopback_only: bool,
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

    /// Scenario 35: fifty dial somebody who is away for a minute. Each dials ever more rarely, and when that one is
    /// back they come one after the other, all within the longest wait.
    #[test]
    fn many_who_dial_in_vain_do_not_come_in_step_when_the_target_is_back() {
        const AWAY: Duration = Duration::from_secs(60);
        let backoff = Backoff::default();
        let mut back = Vec::new();
        for dialler in 1..=50_u32 {
            let (mut time, mut attempts) = (Duration::ZERO, 0);
            while time < AWAY {
                attempts += 1;
                let chance = (f64::from(dialler * 31 + attempts * 17) * 0.618_034).fract();
                time += backoff.delay(attempts, chance);
            }
            assert!((12..=24).contains(&attempts), "{attempts} dials in {AWAY:?}");
            back.push(time - AWAY);
        }
        back.sort_unstable();
        assert!(back.iter().all(|after| *after <= backoff.most));
        let span = Duration::from_millis(100);
        let at_once =
            |from: Duration| back.iter().filter(|it| (from..from + span).contains(*it)).count();
        let most = back.iter().map(|from| at_once(*from)).max().unwrap();
        assert!(most <= 8, "{most} of 50 come within {span:?}");
    }
}
