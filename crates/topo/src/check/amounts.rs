//! Amounts with units: sizes, durations, rates.

use std::time::Duration;

/// The longest duration that a file may ask for.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

const SIZES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Units of rates, each with its bytes and the bits that it is divided by.
const RATES: &[(&str, u64, u64)] = &[
    ("B/s", 1, 1),
    ("kB/s", 1_000, 1),
    ("MB/s", 1_000_000, 1),
    ("GB/s", 1_000_000_000, 1),
    ("KiB/s", 1 << 10, 1),
    ("MiB/s", 1 << 20, 1),
    ("GiB/s", 1 << 30, 1),
    ("bit/s", 1, 8),
    ("kbit/s", 1_000, 8),
    ("Mbit/s", 1_000_000, 8),
    ("Gbit/s", 1_000_000_000, 8),
];

/// The bytes of `500B`, `64KiB`, `16MiB`, `1GiB`; else what was probably meant.
pub(super) fn size(text: &str) -> Result<u64, Option<String>> {
    let (number, unit) = split(text);
    let factor = SIZES.iter().find(|(name, _)| *name == unit);
    match (number.parse::<u64>(), factor) {
        (Ok(number), Some((_, factor))) => number.checked_mul(*factor).ok_or(None),
        (Ok(number), None) => {
            let meant = match unit.to_ascii_lowercase().as_str() {
                "" | "byte" | "bytes" | "b" => "B",
                "k" | "kb" | "kib" => "KiB",
                "m" | "mb" | "mib" => "MiB",
                "g" | "gb" | "gib" => "GiB",
                _ => return Err(None),
            };
            Err(Some(format!("{number}{meant}")))
        }
        _ => Err(None),
    }
}

/// The duration `500ms`, `5s`, `2m`; else what was probably meant.
pub(super) fn duration(text: &str) -> Result<Duration, Option<String>> {
    let (number, unit) = split(text);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        unit => {
            let meant = match unit.to_ascii_lowercase().as_str() {
                "" | "sec" | "secs" | "second" | "seconds" | "s" => "s",
                "ms" | "msec" | "millis" => "ms",
                "min" | "mins" | "minute" | "minutes" | "m" => "m",
                _ => return Err(None),
            };
            let is_number = number.parse::<f64>().is_ok();
            return Err(is_number.then(|| format!("{number}{meant}")));
        }
    };
    let number: f64 = number.parse().map_err(|_| None)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| None)
}

/// The bytes in a second of a rate as files write it, `10MB/s` or `1Mbit/s`.
///
/// # Errors
/// What was probably meant, where that can be told.
///
/// # Examples
/// ```
/// assert_eq!(hopline_topo::rate("1Mbit/s"), Ok(125_000));
/// assert_eq!(hopline_topo::rate("10Mbps"), Err(Some("10Mbit/s".to_owned())));
/// ```
pub fn rate(text: &str) -> Result<u64, Option<String>> {
    let (number, unit) = split(text);
    let known = RATES.iter().find(|(name, ..)| *name == unit);
    match (number.parse::<u64>(), known) {
        (Ok(number), Some((_, factor, bits))) => {
            number.checked_mul(*factor).map(|bytes| bytes / bits).ok_or(None)
        }
        (Ok(number), None) => {
            let unit = unit.to_ascii_lowercase().replace("bps", "bit/s").replace("ps", "/s");
            let unit = if unit.ends_with("/s") { unit } else { format!("{unit}/s") };
            let near = RATES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&unit));
            Err(near.map(|(name, ..)| format!("{number}{name}")))
        }
        _ => Err(None),
    }
}

/// The number that `text` begins with, and its unit.
fn split(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_of_two_to_the_ten() {
        for (text, bytes) in
            [("0B", 0), ("500B", 500), ("64KiB", 65_536), ("16MiB", 16 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for (text, meant) in [
            ("16MB", Some("16MiB")),
            ("16m", Some("16MiB")),
            ("500", Some("500B")),
            ("16TiB", None),
            ("MiB", None),
            ("", None),
            ("-1B", None),
            ("99999999999999999999B", None),
            ("18446744073709551615GiB", None),
        ] {
            assert_eq!(size(text), Err(meant.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for (text, meant) in [("5", Some("5s")), ("5sec", Some("5s")), ("5h", None), ("s", None)] {
            assert_eq!(duration(text), Err(meant.map(str::to_owned)), "{text}");
        }
        assert_eq!(duration(&format!("{}s", "9".repeat(400))), Err(None));
    }

    #[test]
    fn rates_are_in_bytes_or_bits() {
        assert_eq!(rate("10MB/s"), Ok(10_000_000));
        assert_eq!(rate("1Mbit/s"), Ok(125_000));
        assert_eq!(rate("1MiB/s"), Ok(1 << 20));
        for (text, meant) in [
            ("10MB", Some("10MB/s")),
            ("10Mbps", Some("10Mbit/s")),
            ("10mbit/s", Some("10Mbit/s")),
            ("10", None),
            ("fast", None),
        ] {
            assert_eq!(rate(text), Err(meant.map(str::to_owned)), "{text}");
        }
    }
}
