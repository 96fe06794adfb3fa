//! What the gate itself says to a stranger between messages, and what it hears of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::life::Life;
use super::valve::Valve;
use super::zmtp;

const WAITING: usize = 16;
/// What a PING that asks by itself says, and its PONG with it.
const LIVE: &[u8] = b"live";

/// One stranger's asides: READY, PING, PONG. A stranger that floods us with PING gets only some.
#[derive(Debug)]
pub(crate) struct Asides {
    waiting: Mutex<VecDeque<Vec<u8>>>,
    pub(super) came: Notify,
    pub(super) life: Life,
    pub(crate) valve: Valve,
    answers_ping: bool,
}

impl Asides {
    /// Asides to a stranger of ZMTP 3.`minor`, which may take nothing of what waits for it for as long as
    /// `stall`. Only from 3.1 on may it be asked with PING.
    pub(super) fn new(minor: u8, stall: Duration) -> Self {
        let (came, life) = (Notify::new(), Life::new(stall));
        let valve = Valve::default();
        Self { waiting: Mutex::default(), came, life, valve, answers_ping: minor >= 1 }
    }

    /// Asks whether the stranger is there, and waits for any sign of it. One that cannot be asked
    /// counts as there.
    pub(crate) async fn ask(&self, patience: Duration) -> bool {
        if !self.answers_ping {
            return true;
        }
        let sign = self.life.sign(|| self.push(zmtp::ping_frame(b"")));
        timeout(patience, sign).await.is_ok()
    }

    /// For how long nothing has come from the stranger.
    pub(crate) fn silent_for(&self) -> Duration {
        self.life.silent_for()
    }

    /// How many bytes have been written to the stranger.
    pub(crate) fn written(&self) -> u64 {
        self.life.given()
    }

    /// Whether it may be asked with PING.
    pub(super) fn answers_ping(&self) -> bool {
        self.answers_ping
    }

    /// Asks whether the stranger is there; its answer is told to [`Asides::hear_pong`].
    pub(super) fn ask_for_life(&self) {
        self.push(zmtp::ping_frame(LIVE));
    }

    /// The stranger sent PING, and is to be answered.
    pub(super) fn hear_ping(&self, ttl: Duration, context: &[u8]) {
        self.life.promise(ttl);
        self.push(zmtp::pong_frame(context));
    }

    /// The stranger sent PONG.
    pub(super) fn hear_pong(&self, context: &[u8]) {
        if context == LIVE {
            self.life.answered();
        }
    }

    pub(super) fn push(&self, frame: Vec<u8>) {
        let mut waiting = self.lock();
        if waiting.len() < WAITING {
            waiting.push_back(frame);
            self.came.notify_one();
        }
    }

    pub(super) fn pop(&self) -> Option<Vec<u8>> {
        self.lock().pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
