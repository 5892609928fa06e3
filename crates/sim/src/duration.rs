//! Durations as they are written on the command line.

use std::time::Duration;

/// Reads `20ms`, `1.5s`, `250us`, `10ns`, `2m`, `1h`, or a bare number of seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let split = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "" | "s" => 1e9,
        "ms" => 1e6,
        "us" | "µs" => 1e3,
        "ns" => 1.0,
        "m" => 60e9,
        "h" => 3600e9,
        other => {
            return Err(format!(
                "unknown unit {other:?}; use ns, us, ms, s, m or h, or a bare number of seconds"
            ));
        }
    };
    let value: f64 = number.parse().map_err(|_| {
        "not a duration; write for example 20ms, 1.5s, 250us, or a bare number of seconds"
            .to_owned()
    })?;
    let ns = (value * scale).round();
    // A century is more than any schedule needs, and keeps every sum of schedules inside 64 bits.
    if !(0.0..=3.2e18).contains(&ns) {
        return Err("longer than a century".to_owned());
    }
    Ok(Duration::from_nanos(ns as u64))
}

/// Whole nanoseconds of a duration, at most a century.
pub(crate) fn ns(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).map_or(3_200_000_000_000_000_000, |ns| {
        ns.min(3_200_000_000_000_000_000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, ns) in [
            ("20ms", 20_000_000),
            ("1.5s", 1_500_000_000),
            ("250us", 250_000),
            ("250µs", 250_000),
            ("7ns", 7),
            ("2", 2_000_000_000),
            ("0.005", 5_000_000),
            (".5s", 500_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn refusals() {
        for text in ["", "ms", "-1s", "1x", "1 2", "1e3s", "nan", "9999999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
