//! What the gate itself says to a stranger between messages, and what it hears of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::zmtp;

const WAITING: usize = 16;

/// One stranger's asides: READY, PING, PONG. A stranger that floods us with PING gets only some.
#[derive(Debug)]
pub(crate) struct Asides {
    waiting: Mutex<VecDeque<Vec<u8>>>,
    pub(super) came: Notify,
    heard: Notify,
    answers_ping: bool,
}

impl Asides {
    /// Asides to a stranger of ZMTP 3.`minor`. Only from 3.1 on may it be asked with PING.
    pub(super) fn new(minor: u8) -> Self {
        let (came, heard) = (Notify::new(), Notify::new());
        Self { waiting: Mutex::default(), came, heard, answers_ping: minor >= 1 }
    }

    /// Asks whether the stranger is there, and waits for any sign of it. One that cannot be asked
    /// counts as there.
    pub(crate) async fn ask(&self, patience: Duration) -> bool {
        if !self.answers_ping {
            return true;
        }
        let mut heard = std::pin::pin!(self.heard.notified());
        heard.as_mut().enable();
        self.push(zmtp::ping_frame(b""));
        timeout(patience, heard).await.is_ok()
    }

    /// Something came from the stranger.
    pub(super) fn hear(&self) {
        self.heard.notify_waiters();
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
