//! How often the same is logged: what strangers can bring about must not fill a disk.

use std::collections::BTreeMap;
use std::time::Duration;

/// The same is logged once in so long.
const PAUSE: Duration = Duration::from_secs(1);

/// What was logged of each kind, and how much was not.
#[derive(Debug, Default)]
pub(super) struct Pace(BTreeMap<&'static str, (Duration, u64)>);

impl Pace {
    /// Whether one more of a kind is to be logged now, and how many were left out since the last.
    pub(super) fn due(&mut self, kind: &'static str, now: Duration) -> Option<u64> {
        let Some((last, left_out)) = self.0.get_mut(kind) else {
            self.0.insert(kind, (now, 0));
            return Some(0);
        };
        if now < *last + PAUSE {
            *left_out += 1;
            return None;
        }
        *last = now;
        Some(std::mem::take(left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_one_line_a_second_is_logged_with_what_was_left_out() {
        let mut pace = Pace::default();
        let at = Duration::from_millis;
        assert_eq!(pace.due("a", at(0)), Some(0));
        assert!((1..1000).all(|now| pace.due("a", at(now)).is_none()));
        assert_eq!(pace.due("b", at(5)), Some(0), "another kind has a line of its own");
        assert_eq!(pace.due("a", at(1000)), Some(999));
        assert_eq!(pace.due("a", at(2000)), Some(0));
    }
}
