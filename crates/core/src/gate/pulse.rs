//! Whether a peer is there, judged by its signs of life. No I/O, no clock.
//!
//! ```text
//!   heard --- `ping` without a word ---> asked --- `silence` more without a word ---> silent
//!     ^                                    |
//!     +------------ any byte --------------+
//! ```
//!
//! What a peer reads slowly may stand before the question, so a question waits longer the more the peer
//! may still have to read, and is not counted at all while we wait for the peer to take something (that
//! has a limit of its own) or do not listen to it ourselves.

use std::time::Duration;

use crate::Limits;

/// The slowest that an honest peer reads, in bytes a second.
const SLOWEST: u64 = 4 * 1024;
/// The most that waits unread in the kernels' buffers, as far as it is counted.
const UNREAD_MOST: u64 = 1024 * 1024;
/// As good as for ever.
const EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is known of a peer. Times are since the connection began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Signs {
    /// When something came last.
    pub(super) heard: Duration,
    /// When it last took something that had waited for it.
    pub(super) took: Duration,
    /// Whether we wait for it to say something.
    pub(super) listening: bool,
    /// Whether something waits for it that it does not take.
    pub(super) blocked: bool,
    /// How many bytes it may not have read yet.
    pub(super) unread: u64,
    /// How often it said that it would say something at the least.
    pub(super) ttl: Option<Duration>,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Look again after this long.
    Wait(Duration),
    /// Ask whether it is there.
    Ask,
    /// It is not there.
    Silent,
}

/// The judge of one peer.
#[derive(Debug)]
pub(super) struct Pulse {
    ping: Duration,
    silence: Duration,
    answers_ping: bool,
    /// When it was asked and has not been heard since.
    asked: Option<Duration>,
}

impl Pulse {
    pub(super) fn new(limits: &Limits, answers_ping: bool) -> Self {
        Self { ping: limits.ping, silence: limits.silence, answers_ping, asked: None }
    }

    /// What is to be done now.
    pub(super) fn judge(&mut self, now: Duration, signs: &Signs) -> Verdict {
        if !signs.listening {
            self.asked = None;
            let again = signs.ttl.map_or(self.ping, |ttl| ttl.min(self.ping));
            return wait(again, Duration::ZERO);
        }
        let promised = signs.ttl.map(|ttl| signs.heard.saturating_add(ttl));
        if promised.is_some_and(|promised| now >= promised) {
            return Verdict::Silent;
        }
        let due = self.due(now, signs);
        match (due, self.asked) {
            (Some(due), None) if now >= due => {
                self.asked = Some(now);
                Verdict::Ask
            }
            (Some(due), Some(_)) if now >= due => Verdict::Silent,
            (due, asked) => {
                // Once it has answered, the next question is due before this one would have been over.
                let again = asked.map(|_| now.saturating_add(self.ping));
                let first = due.into_iter().chain(promised).chain(again).min();
                wait(first.unwrap_or(Duration::MAX), now)
            }
        }
    }

    /// When it is to be asked, or is silent if it was asked; never for a peer that knows no PING.
    fn due(&mut self, now: Duration, signs: &Signs) -> Option<Duration> {
        if !self.answers_ping {
            return None;
        }
        self.asked = self.asked.filter(|asked| signs.heard < *asked);
        let Some(asked) = self.asked else {
            return Some(signs.heard.saturating_add(self.ping));
        };
        if signs.blocked {
            return Some(now.saturating_add(self.silence).max(now + Duration::from_millis(1)));
        }
        let reads = Duration::from_secs(signs.unread.min(UNREAD_MOST) / SLOWEST);
        Some(asked.max(signs.took).saturating_add(self.silence).saturating_add(reads))
    }
}

fn wait(until: Duration, now: Duration) -> Verdict {
    let least = Duration::from_millis(1);
    Verdict::Wait(until.saturating_sub(now).clamp(least, EVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn pulse(answers_ping: bool) -> Pulse {
        let limits = Limits { ping: secs(30), silence: secs(20), ..Limits::default() };
        Pulse::new(&limits, answers_ping)
    }

    fn signs() -> Signs {
        Signs { listening: true, ..Signs::default() }
    }

    #[test]
    fn a_peer_is_asked_once_it_is_quiet_and_is_silent_some_time_after() {
        let mut pulse = pulse(true);
        assert_eq!(pulse.judge(secs(1), &signs()), Verdict::Wait(secs(29)));
        assert_eq!(pulse.judge(secs(30), &signs()), Verdict::Ask);
        assert_eq!(pulse.judge(secs(31), &signs()), Verdict::Wait(secs(19)));
        assert_eq!(pulse.judge(secs(50), &signs()), Verdict::Silent);
    }

    #[test]
    fn any_word_is_an_answer_and_an_idle_peer_that_answers_stays_for_ever() {
        let mut pulse = pulse(true);
        let mut signs = signs();
        for round in 0..1_000 {
            let now = secs(31 * round);
            signs.heard = now;
            assert_eq!(pulse.judge(now, &signs), Verdict::Wait(secs(30)));
            assert_eq!(pulse.judge(now + secs(30), &signs), Verdict::Ask);
        }
    }

    #[test]
    fn a_peer_that_knows_no_ping_is_never_silent() {
        assert_eq!(pulse(false).judge(secs(1_000_000), &signs()), Verdict::Wait(EVER));
    }

    #[test]
    fn what_a_peer_promised_it_keeps() {
        for answers_ping in [true, false] {
            let mut pulse = pulse(answers_ping);
            let signs = Signs { heard: secs(10), ttl: Some(secs(5)), ..signs() };
            assert_eq!(pulse.judge(secs(12), &signs), Verdict::Wait(secs(3)));
            assert_eq!(pulse.judge(secs(15), &signs), Verdict::Silent);
        }
    }

    /// Scenario 52.
    #[test]
    fn a_peer_has_time_to_read_what_stands_before_the_question() {
        let mut pulse = pulse(true);
        let slow = Signs { unread: 400 * 1024, ..signs() };
        assert_eq!(pulse.judge(secs(30), &slow), Verdict::Ask);
        assert_eq!(pulse.judge(secs(50), &slow), Verdict::Wait(secs(30)));
        assert_eq!(pulse.judge(secs(149), &slow), Verdict::Wait(secs(1)));
        let blocked = Signs { blocked: true, ..slow };
        assert_eq!(pulse.judge(secs(1_000), &blocked), Verdict::Wait(secs(20)));
        let took = Signs { took: secs(1_000), ..slow };
        assert_eq!(pulse.judge(secs(1_119), &took), Verdict::Wait(secs(1)));
        assert_eq!(pulse.judge(secs(1_120), &took), Verdict::Silent);
        let most = Signs { took: secs(2_000), unread: u64::MAX, ..signs() };
        assert_eq!(pulse.judge(secs(2_000 + 275), &most), Verdict::Wait(secs(1)));
    }

    #[test]
    fn who_does_not_listen_does_not_judge() {
        let mut pulse = pulse(true);
        assert_eq!(pulse.judge(secs(30), &signs()), Verdict::Ask);
        let deaf = Signs { listening: false, ttl: Some(secs(5)), ..signs() };
        assert_eq!(pulse.judge(secs(90), &deaf), Verdict::Wait(secs(5)));
        assert_eq!(pulse.judge(secs(90), &signs()), Verdict::Ask, "asked anew");
    }

    #[test]
    fn no_limits_make_it_spin_or_overflow() {
        for (ping, silence) in [(Duration::MAX, Duration::MAX), (Duration::ZERO, Duration::ZERO)] {
            let limits = Limits { ping, silence, ..Limits::default() };
            let mut pulse = Pulse::new(&limits, true);
            for signs in [signs(), Signs { blocked: true, ..signs() }, Signs::default()] {
                for now in [Duration::ZERO, secs(1), secs(1_000_000)] {
                    if let Verdict::Wait(time) = pulse.judge(now, &signs) {
                        assert!(time >= Duration::from_millis(1) && time <= EVER);
                    }
                }
            }
        }
    }
}
