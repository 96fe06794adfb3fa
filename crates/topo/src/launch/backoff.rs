//! How long to wait before a node that ended is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
const WELL: Duration = Duration::from_secs(2);

/// The waits between the starts of one node, which begin with 100 ms and grow up to 5 s.
///
/// A node that ends before it listens will hardly do better the next time: the wait doubles. One that has listened
/// may have been killed by somebody else: the wait grows by a tenth, so that only one that goes on ending is slowed
/// down. One that has listened and lived for 2 s begins anew.
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

    /// How long to wait now that the node has ended, having lived for `lived`, and listened or not.
    pub fn after(&mut self, lived: Duration, listened: bool) -> Duration {
        if listened && lived >= WELL {
            self.next = FIRST;
        }
        let wait = self.next;
        let next = if listened { wait + wait / 10 } else { wait * 2 };
        self.next = next.min(LONGEST);
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
    fn waits_of_a_node_that_does_not_come_up_double_up_to_five_seconds_and_a_good_life_resets_them()
    {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> =
            (0..8).map(|_| backoff.after(Duration::from_secs(1), false).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.after(Duration::from_secs(60), false), LONGEST, "it never listened");
        assert_eq!(backoff.after(WELL, true), FIRST);
        assert_eq!(backoff.after(Duration::ZERO, false), FIRST + FIRST / 10);
        assert_eq!(backoff.after(WELL, true), FIRST);
    }

    #[test]
    fn a_node_that_is_killed_comes_back_soon_and_one_that_goes_on_ending_is_slowed_down_too() {
        let mut backoff = Backoff::new();
        let mut after = || backoff.after(Duration::from_millis(300), true);
        let twenty: Duration = (0..20).map(|_| after()).sum();
        assert!(twenty < Duration::from_secs(6), "{twenty:?}");
        assert_eq!((0..40).map(|_| after()).last(), Some(LONGEST));
    }
}
