//! Why a neighbour cannot be reached, and when that is worth a line.

use std::time::Duration;

use hopline_core::{Cause, Endpoint};

/// A neighbour that is only starting, or is started again, is back before so many dials have failed.
const PATIENT: u32 = 5;
/// A trouble that stays is told again after so long.
const AGAIN: Duration = Duration::from_secs(60);

/// What keeps one neighbour from being reached.
#[derive(Debug)]
pub(super) struct Trouble {
    endpoint: Endpoint,
    cause: Option<Cause>,
    told: Option<(Cause, Duration)>,
}

impl Trouble {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, cause: None, told: None }
    }

    /// The neighbour was reached.
    pub(super) fn over(&mut self) {
        self.cause = None;
    }

    /// So many dials in a row have failed, the last for this cause. Says whether somebody is to be told: of
    /// another cause at once, of the same now and then.
    pub(super) fn failed(&mut self, attempt: u32, cause: Cause, now: Duration) -> bool {
        // That nobody answers yet may be the start; no time makes a host known, or a peer another.
        if matches!(cause, Cause::ConnectFailed(_)) && attempt < PATIENT {
            return false;
        }
        self.cause = Some(cause);
        let told = self.told.filter(|(before, at)| *before == cause && now < *at + AGAIN);
        if told.is_none() {
            self.told = Some((cause, now));
        }
        told.is_none()
    }

    /// The trouble in words, if there is one.
    pub(super) fn text(&self) -> Option<String> {
        let endpoint = &self.endpoint;
        Some(match (self.cause?, endpoint) {
            (Cause::HostNotFound, Endpoint::Tcp { host, .. }) => {
                format!("{endpoint}: host `{host}` not found")
            }
            (cause, _) => format!("{endpoint}: {cause}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    fn trouble() -> Trouble {
        Trouble::new("tcp://nowhere:5".parse().unwrap())
    }

    #[test]
    fn a_host_that_is_not_found_is_told_at_once_and_then_once_a_minute() {
        let (mut trouble, at) = (trouble(), Duration::from_secs);
        let told: Vec<u64> = (0..=120)
            .filter(|second| trouble.failed(*second as u32 + 1, Cause::HostNotFound, at(*second)))
            .collect();
        assert_eq!(told, [0, 60, 120]);
        assert_eq!(trouble.text().as_deref(), Some("tcp://nowhere:5: host `nowhere` not found"));
        trouble.over();
        assert_eq!(trouble.text(), None);
    }

    #[test]
    fn a_neighbour_that_is_starting_is_no_trouble() {
        let (mut trouble, refused) =
            (trouble(), Cause::ConnectFailed(ErrorKind::ConnectionRefused));
        for attempt in 1..PATIENT {
            assert!(!trouble.failed(attempt, refused, Duration::ZERO));
            assert_eq!(trouble.text(), None);
        }
        assert!(trouble.failed(PATIENT, refused, Duration::ZERO));
        assert!(!trouble.failed(PATIENT + 1, refused, Duration::ZERO));
        assert!(trouble.failed(PATIENT + 2, Cause::HostNotFound, Duration::ZERO));
        let shown = trouble.text().unwrap();
        assert!(shown.contains("not found"), "{shown}");
    }
}
