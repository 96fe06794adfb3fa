//! The only clock of the crate.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::brain::Now;

/// Counts from the node's start, and reads the machine's calendar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(instant())
    }

    pub(crate) fn now(self) -> Now {
        let unix = calendar().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            since_start: instant().saturating_duration_since(self.0),
            unix_nanos: u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// The moment at this distance from the start.
    pub(crate) fn at(self, since_start: Duration) -> Instant {
        self.0 + since_start
    }

    pub(crate) fn has_passed(self, moment: Instant) -> bool {
        instant() >= moment
    }
}

/// Waits for a moment; for ever where there is none.
pub(crate) async fn reach(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "the rim reads the clock")]
fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the rim reads the calendar")]
fn calendar() -> SystemTime {
    SystemTime::now()
}
