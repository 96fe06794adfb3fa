//! How long something may take, all that it needs included.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than anybody waits, and still a time that clocks know.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Until when something has to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// Now, and `time` later.
    pub(crate) fn within(time: Duration) -> Self {
        Self(Instant::now() + time.min(LONGEST))
    }

    /// When that is.
    pub(crate) fn at(self) -> Instant {
        self.0
    }

    /// The time that is left.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// `300 ms`, `1.5 s`.
pub(crate) fn in_words(time: Duration) -> String {
    match time < Duration::from_secs(1) {
        true => format!("{} ms", time.as_millis()),
        false => format!("{} s", time.as_secs_f64()),
    }
}
