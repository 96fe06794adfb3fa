//! The signs of life of one stranger, written where its bytes pass and read by whoever watches it.
//!
//! Hearing and sending cost a clock or a counter a read or write, however many messages are in it, and
//! no timer; one timer a connection looks at them now and then.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::asides::Asides;
use super::pulse::{Pulse, Signs, Verdict};
use super::stream::Stream;
use crate::{Cause, Limits};

/// How often it is tried whether a stranger has taken a little, where the system tells only of a lot.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// The signs of life of one stranger.
#[derive(Debug)]
pub(crate) struct Life {
    start: Instant,
    stall: Duration,
    heard: AtomicU64,
    took: AtomicU64,
    listening: AtomicBool,
    blocked: AtomicBool,
    /// Bytes written to it; of those, bytes that it has read for certain, and those written when it was
    /// asked last.
    given: AtomicU64,
    read: AtomicU64,
    asked_at: AtomicU64,
    ttl: AtomicU64,
    ttl_changed: Notify,
    asking: AtomicUsize,
    sign: Notify,
}

impl Life {
    /// Of a stranger that may take nothing of what waits for it for so long.
    pub(super) fn new(stall: Duration) -> Self {
        Self {
            start: now(),
            stall,
            heard: AtomicU64::new(0),
            took: AtomicU64::new(0),
            listening: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            given: AtomicU64::new(0),
            read: AtomicU64::new(0),
            asked_at: AtomicU64::new(0),
            ttl: AtomicU64::new(0),
            ttl_changed: Notify::new(),
            asking: AtomicUsize::new(0),
            sign: Notify::new(),
        }
    }

    /// From now on what the stranger says would be heard.
    pub(super) fn listen(&self) {
        self.listening.store(true, Ordering::Release);
    }

    /// Something came from the stranger.
    pub(super) fn hear(&self) {
        self.listening.store(false, Ordering::Release);
        self.heard.store(self.micros(), Ordering::Release);
        self.show();
    }

    /// For how long nothing has come from the stranger, although it was listened to; none at all while what came
    /// is being handed on.
    pub(super) fn silent_for(&self) -> Duration {
        if !self.listening.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let heard = self.heard.load(Ordering::Acquire);
        Duration::from_micros(self.micros().saturating_sub(heard))
    }

    /// How many bytes have been written to it.
    pub(super) fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// The stranger says that it will say something at least as often as this; zero takes it back.
    pub(super) fn promise(&self, ttl: Duration) {
        let ttl = micros(ttl);
        if self.ttl.swap(ttl, Ordering::AcqRel) != ttl {
            self.ttl_changed.notify_one();
        }
    }

    /// The stranger has answered the last question: it has read all that stood before it.
    pub(super) fn answered(&self) {
        self.read.store(self.asked_at.load(Ordering::Acquire), Ordering::Release);
    }

    /// Writes what there is room for of one and then of the other, waiting until that is something.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] without a number of the system's if the stranger takes nothing for as
    /// long as it may.
    pub(super) async fn write(
        &self,
        to: &Stream,
        front: &[u8],
        behind: &[u8],
    ) -> io::Result<usize> {
        let wrote = match to.try_write_both(front, behind) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.blocked.store(true, Ordering::Release);
                let wrote = timeout(self.stall, self.write_when_free(to, front, behind)).await;
                self.blocked.store(false, Ordering::Release);
                let wrote = wrote.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
                self.took.store(self.micros(), Ordering::Release);
                self.show();
                wrote?
            }
            wrote => wrote?,
        };
        if wrote == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.given.fetch_add(wrote as u64, Ordering::Relaxed);
        Ok(wrote)
    }

    async fn write_when_free(&self, to: &Stream, front: &[u8], behind: &[u8]) -> io::Result<usize> {
        let step = TRY_EVERY.min(self.stall / 4).max(Duration::from_millis(1));
        loop {
            match timeout(step, to.write_both(front, behind)).await {
                Ok(wrote) => return wrote,
                Err(_) => {
                    let little = if front.is_empty() { behind } else { front };
                    match to.write_a_little(little) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        wrote => return wrote,
                    }
                }
            }
        }
    }

    /// Waits for any sign of life, after `ask` has asked for one.
    pub(super) async fn sign(&self, ask: impl FnOnce()) {
        let _asking = Asking::new(&self.asking);
        let mut sign = std::pin::pin!(self.sign.notified());
        sign.as_mut().enable();
        ask();
        sign.await;
    }

    fn show(&self) {
        if self.asking.load(Ordering::SeqCst) > 0 {
            self.sign.notify_waiters();
        }
    }

    fn signs(&self) -> Signs {
        let at = |time: &AtomicU64| Duration::from_micros(time.load(Ordering::Acquire));
        let read = self.read.load(Ordering::Acquire);
        Signs {
            heard: at(&self.heard),
            took: at(&self.took),
            listening: self.listening.load(Ordering::Acquire),
            blocked: self.blocked.load(Ordering::Acquire),
            unread: self.given.load(Ordering::Acquire).saturating_sub(read),
            ttl: Some(at(&self.ttl)).filter(|ttl| !ttl.is_zero()),
        }
    }

    fn micros(&self) -> u64 {
        micros(self.start.elapsed())
    }
}

/// Waits until a stranger is silent for too long, asking it meanwhile.
///
/// # Cancel safety
/// Cancel-safe: it may have asked, and that is all.
pub(super) async fn watch(asides: &Asides, limits: &Limits) -> Cause {
    let life = &asides.life;
    let mut pulse = Pulse::new(limits, asides.answers_ping());
    loop {
        match pulse.judge(Duration::from_micros(life.micros()), &life.signs()) {
            Verdict::Silent => return Cause::PeerSilent,
            Verdict::Ask => {
                life.asked_at.store(life.given.load(Ordering::Acquire), Ordering::Release);
                asides.ask_for_life();
            }
            Verdict::Wait(time) => tokio::select! {
                biased;
                () = life.ttl_changed.notified() => {}
                () = sleep(time) => {}
            },
        }
    }
}

struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "the gate is the rim: it times connections")]
fn now() -> Instant {
    Instant::now()
}
