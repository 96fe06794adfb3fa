//! Limits of nodes, what links are made to suffer, and positions.

use std::time::Duration;

use hopline_mesh::node::NodeConfig;

use super::amounts::{self, LONGEST};
use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::format::{self, Kind};
use crate::spec::{At, NodeKeys, Scalar, ScalarSpec};
use crate::topology::{Impairment, NodeLimits, Position};

/// How far from nought a position may be.
const FARTHEST: f64 = 1e9;

/// The least that a limit can be: what nodes need between themselves, and one of everything else.
fn least(key: &str) -> usize {
    let needed = NodeConfig::LEAST_LIMITS;
    match key {
        "frame" => needed.frame,
        "message" => needed.message,
        "frames" => needed.frames,
        "unfinished" => needed.unfinished,
        "reserved" => needed.reserved,
        _ => 1,
    }
}

impl Checker<'_> {
    /// The limits of a node.
    pub(super) fn limits(&mut self, written: &[ScalarSpec]) -> NodeLimits {
        let mut limits = NodeLimits::default();
        for ScalarSpec { key, value } in written {
            let is_duration = format::LIMITS
                .key(&key.value)
                .is_some_and(|key| matches!(key.kind, Kind::Duration));
            if is_duration {
                let needed = NodeConfig::LEAST_LIMITS;
                let (slot, least) = match key.value.as_str() {
                    "handshake" => (&mut limits.handshake, needed.handshake),
                    "ping" => (&mut limits.ping, needed.ping),
                    "silence" => (&mut limits.silence, needed.silence),
                    "stall" => (&mut limits.stall, needed.stall),
                    _ => continue,
                };
                let time = self.duration(codes::BAD_LIMIT, key, value);
                *slot = time.filter(|time| {
                    let shown = format!("`{}ms`", least.as_millis());
                    self.at_least(key, value, *time >= least, &shown)
                });
                continue;
            }
            let count = self.amount(key, value);
            let slot = match key.value.as_str() {
                "connections" => &mut limits.connections,
                "per_address" => &mut limits.per_address,
                "frame" => &mut limits.frame,
                "message" => &mut limits.message,
                "frames" => &mut limits.frames,
                "queue_messages" => &mut limits.queue_messages,
                "queue_bytes" => &mut limits.queue_bytes,
                "window_messages" => &mut limits.window_messages,
                "window_bytes" => &mut limits.window_bytes,
                "flow_messages" => &mut limits.flow_messages,
                "flow_bytes" => &mut limits.flow_bytes,
                "kept" => &mut limits.kept,
                "inflated" => &mut limits.inflated,
                "unfinished" => &mut limits.unfinished,
                "reserved" => &mut limits.reserved,
                _ => continue,
            };
            *slot = count;
        }
        limits
    }

    /// A number of things or bytes, from 1 on.
    fn amount(&mut self, key: &At<String>, at: &At<Scalar>) -> Option<usize> {
        let amount = match &at.value {
            Scalar::Whole(number) => usize::try_from(*number).ok(),
            Scalar::Text(text) => match amounts::size(text) {
                Ok(bytes) => usize::try_from(bytes).ok(),
                Err(meant) => {
                    let units = "a size is such as `500B`, `64KiB`, `16MiB` or `1GiB`";
                    self.no_amount(codes::BAD_LIMIT, "size", text, at, meant, units);
                    return None;
                }
            },
            Scalar::Fraction(_) => None,
        };
        let least = least(&key.value);
        let amount = amount.filter(|amount| *amount >= least);
        let shown = match least {
            1 => "1".to_owned(),
            least if least % 1024 == 0 => format!("`{}KiB`", least / 1024),
            least => least.to_string(),
        };
        self.at_least(key, at, amount.is_some(), &shown).then_some(amount).flatten()
    }

    fn at_least(&mut self, key: &At<String>, at: &At<Scalar>, is_good: bool, least: &str) -> bool {
        if !is_good {
            let message = format!("the limit `{}` must be at least {least}", key.value);
            let problem = Diagnostic::error(codes::BAD_LIMIT, message)
                .label(&at.span, "the node could not do its own work with that")
                .help(format!("write {least} or more, or leave `{}` out", key.value));
            self.problems.push(problem);
        }
        is_good
    }

    /// What a link is made to suffer.
    pub(super) fn impairment(&mut self, written: &[ScalarSpec]) -> Impairment {
        let mut impairment = Impairment::default();
        for ScalarSpec { key, value } in written {
            match key.value.as_str() {
                "latency" => {
                    impairment.latency = self.duration(codes::BAD_IMPAIRMENT, key, value);
                }
                "jitter" => impairment.jitter = self.duration(codes::BAD_IMPAIRMENT, key, value),
                "loss" => impairment.loss_ppm = self.loss(value),
                "rate" => impairment.bytes_per_second = self.rate(value),
                "seed" => impairment.seed = self.seed(value),
                _ => {}
            }
        }
        impairment
    }

    fn loss(&mut self, at: &At<Scalar>) -> Option<u32> {
        let share = match &at.value {
            Scalar::Whole(0) => 0.0,
            Scalar::Whole(1) => 1.0,
            Scalar::Fraction(text) => text.parse::<f64>().unwrap_or(f64::NAN),
            Scalar::Whole(_) | Scalar::Text(_) => f64::NAN,
        };
        if (0.0..=1.0).contains(&share) {
            return Some((share * 1e6).round() as u32);
        }
        let problem = Diagnostic::error(codes::BAD_IMPAIRMENT, "a loss is a share from 0 to 1")
            .label(&at.span, "not within 0 and 1")
            .help("write `0.01` where one message of a hundred is lost");
        self.problems.push(problem);
        None
    }

    fn seed(&mut self, at: &At<Scalar>) -> Option<u64> {
        let Scalar::Whole(number) = at.value else {
            return None;
        };
        if number < 0 {
            let problem = Diagnostic::error(codes::BAD_IMPAIRMENT, "a seed is no less than 0")
                .label(&at.span, "less than 0")
                .help("write any whole number from 0 on");
            self.problems.push(problem);
        }
        u64::try_from(number).ok()
    }

    fn rate(&mut self, at: &At<Scalar>) -> Option<u64> {
        let Scalar::Text(text) = &at.value else {
            return None;
        };
        match amounts::rate(text) {
            Ok(0) => {
                let problem = Diagnostic::error(codes::BAD_IMPAIRMENT, "a rate of nothing")
                    .label(&at.span, "less than a byte in a second")
                    .help("for a link that is down, leave it out; `hopline impair --cut` cuts a running one");
                self.problems.push(problem);
                None
            }
            Ok(rate) => Some(rate),
            Err(meant) => {
                let units = "a rate is such as `64kB/s`, `10MB/s` or `1Mbit/s`";
                self.no_amount(codes::BAD_IMPAIRMENT, "rate", text, at, meant, units);
                None
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        code: &'static str,
        key: &At<String>,
        at: &At<Scalar>,
    ) -> Option<Duration> {
        let Scalar::Text(text) = &at.value else {
            return None;
        };
        match amounts::duration(text) {
            Ok(duration) if duration <= LONGEST => Some(duration),
            Ok(_) => {
                let message = format!("`{}` is at most a day", key.value);
                let problem = Diagnostic::error(code, message)
                    .label(&at.span, "longer than `1440m`")
                    .help("write a shorter time");
                self.problems.push(problem);
                None
            }
            Err(meant) => {
                let units = "a duration is such as `500ms`, `5s` or `2m`";
                self.no_amount(code, "duration", text, at, meant, units);
                None
            }
        }
    }

    fn no_amount(
        &mut self,
        code: &'static str,
        what: &str,
        text: &str,
        at: &At<Scalar>,
        meant: Option<String>,
        units: &str,
    ) {
        let meant = meant.map(|meant| format!("did you mean `{meant}`?"));
        let problem = Diagnostic::error(code, format!("{} is no {what}", quoted(text)))
            .label(&at.span, "not understood")
            .help(meant.unwrap_or_else(|| units.to_owned()));
        self.problems.push(problem);
    }

    /// Where a node is drawn.
    pub(super) fn position(&mut self, keys: &NodeKeys) -> Option<Position> {
        let at = keys.position.as_ref()?;
        let number = |at: &At<Scalar>| match &at.value {
            Scalar::Whole(number) => Some(*number as f64),
            Scalar::Fraction(text) => text.parse::<f64>().ok(),
            Scalar::Text(_) => None,
        };
        let within = |at: &At<Scalar>| number(at).filter(|number| number.abs() <= FARTHEST);
        let (place, message) = match at.value.as_slice() {
            [x, y] => match (within(x), within(y)) {
                (Some(x), Some(y)) => {
                    let millionths = |number: f64| (number * 1e6).round() as i64;
                    return Some(Position { x: millionths(x), y: millionths(y) });
                }
                (None, _) => (&x.span, "a position is far out of any drawing"),
                (_, None) => (&y.span, "a position is far out of any drawing"),
            },
            _ => (&at.span, "a position is two numbers"),
        };
        let problem = Diagnostic::error(codes::BAD_POSITION, message)
            .label(place, "not a place to draw at")
            .help("write `[x, y]`, x to the right and y upward; on maps longitude and latitude");
        self.problems.push(problem);
        None
    }
}
