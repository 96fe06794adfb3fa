//! How long to wait before a node that ended is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
const WELL: Duration = Duration::from_secs(10);

/// The waits between the starts of one node: 100 ms, doubled each time up to 5 s, and from the beginning
/// again once it has lived for 10 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// Before the first end.
    #[must_use]
    pub fn new() -> Self {
        Self { next: FIRST }
    }

    /// How long to wait now that the node has ended, having lived for `lived`.
    pub fn after(&mut self, lived: Duration) -> Duration {
        if lived >= WELL {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds_and_a_good_life_resets_them() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> =
            (0..8).map(|_| backoff.after(Duration::from_secs(1)).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.after(Duration::from_secs(10)), FIRST);
        assert_eq!(backoff.after(Duration::ZERO), FIRST * 2);
    }
}
