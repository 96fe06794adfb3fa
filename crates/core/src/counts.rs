//! Counters: nothing is refused without being counted under its reason.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;

use crate::Cause;

/// What a socket's gate has counted since it was made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GateCounts {
    /// Connections refused or cut off, and messages thrown away, by [`Cause::reason`].
    pub refused: BTreeMap<&'static str, u64>,
    /// Connections that passed the handshake.
    pub accepted: u64,
    /// Connections open now, those still shaking hands included.
    pub open: u64,
    /// Private connections behind the gate, in use or waiting to be used again.
    pub inner_connections: u64,
}

/// The counters behind [`GateCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    refused: DashMap<&'static str, Refused>,
    accepted: AtomicU64,
    open: AtomicU64,
    inner: AtomicU64,
}

#[derive(Debug, Default)]
struct Refused {
    count: u64,
    told: Option<Instant>,
}

impl Counters {
    /// Counts a refusal, and logs it at most once a second for each reason.
    pub(crate) fn refuse(&self, cause: Cause, address: &str) {
        let mut entry = self.refused.entry(cause.reason()).or_default();
        entry.count += 1;
        let now = now();
        let due = entry.told.is_none_or(|told| now - told >= Duration::from_secs(1));
        if due {
            entry.told = Some(now);
            let count = entry.count;
            drop(entry);
            tracing::warn!(reason = cause.reason(), address, count, "connection refused");
        }
    }

    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn enter(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn inner_made(&self) {
        self.inner.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn inner_gone(&self) {
        self.inner.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> GateCounts {
        GateCounts {
            refused: self.refused.iter().map(|entry| (*entry.key(), entry.count)).collect(),
            accepted: self.accepted.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            inner_connections: self.inner.load(Ordering::Relaxed),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the gate is the rim: it limits what it logs")]
fn now() -> Instant {
    Instant::now()
}
