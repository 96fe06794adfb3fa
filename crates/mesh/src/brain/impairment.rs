//! What a link is made to suffer.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a link is made to suffer, as a test bench would have it.
///
/// Each end of a link impairs what it sends, so a round trip over a link of 20 ms takes 40 ms more.
/// All that travels on the link once it is up is held back by latency, jitter and rate, in order; only
/// routed messages are lost, each on its own, never what keeps the link and the routes going.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use hopline_mesh::brain::Impairment;
///
/// let satellite = Impairment {
///     latency: Some(Duration::from_millis(270)),
///     loss_ppm: Some(10_000),
///     ..Impairment::default()
/// };
/// assert_eq!(satellite.to_string(), "latency 270ms, loss 1%");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Impairment {
    /// How long everything is held back, one way; at most a [day](Impairment::LONGEST).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Duration>,
    /// By how much more or less at most, evenly spread. The order is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// How many of a million messages are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_ppm: Option<u32>,
    /// How many bytes pass in a second, one way: those of messages, with headers and paths. At least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// Which messages are lost, and how jitter falls: the same number gives the same on the same link.
    /// None is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Impairment {
    /// The longest latency and jitter. Longer ones count as this.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// Whether the link is left alone.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// This, with what `other` says where this says nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            latency: self.latency.or(other.latency),
            jitter: self.jitter.or(other.jitter),
            loss_ppm: self.loss_ppm.or(other.loss_ppm),
            bytes_per_second: self.bytes_per_second.or(other.bytes_per_second),
            seed: self.seed.or(other.seed),
        }
    }
}

impl fmt::Display for Impairment {
    /// `latency 20ms, loss 1%, rate 10MB/s`; nothing where the link is left alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |rate: u64| match rate {
            rate if rate > 0 && rate % 1_000_000 == 0 => format!("{}MB/s", rate / 1_000_000),
            rate if rate > 0 && rate % 1000 == 0 => format!("{}kB/s", rate / 1000),
            rate => format!("{rate}B/s"),
        };
        let all = [
            ("latency", self.latency.map(|time| format!("{time:?}"))),
            ("jitter", self.jitter.map(|time| format!("{time:?}"))),
            ("loss", self.loss_ppm.map(|ppm| format!("{}%", f64::from(ppm) / 10_000.0))),
            ("rate", self.bytes_per_second.map(rate)),
            ("seed", self.seed.map(|seed| seed.to_string())),
        ];
        let said = all.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value?)));
        f.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impairment_is_read_as_it_is_written() {
        let impairment = Impairment {
            latency: Some(Duration::from_millis(20)),
            loss_ppm: Some(2500),
            bytes_per_second: Some(10_000_000),
            ..Impairment::default()
        };
        assert_eq!(impairment.to_string(), "latency 20ms, loss 0.25%, rate 10MB/s");
        assert_eq!(Impairment::default().to_string(), "");
    }
}
