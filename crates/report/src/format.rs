//! Numbers as people read them.

use std::fmt;

use bench_contract::LatencyValue;

/// A latency in seconds, written with three to four significant digits in us, ms or s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latency(pub(crate) f64);

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        let text = if seconds == 0.0 {
            "0 ms".to_owned()
        } else if seconds < 0.000_999_5 {
            format!("{} us", significant(seconds * 1e6))
        } else if seconds < 0.999_5 {
            format!("{} ms", significant(seconds * 1e3))
        } else {
            format!("{} s", significant(seconds))
        };
        f.pad(&text)
    }
}

/// A latency as it is read; `> 300 s` where it was never reached.
pub(crate) fn latency_value(value: LatencyValue) -> String {
    match value {
        LatencyValue::Seconds(seconds) => Latency(seconds).to_string(),
        LatencyValue::Censored { censored_above } => format!("> {}", Latency(censored_above)),
    }
}

/// Three significant digits, four from 1000 on, and no fewer whole digits than there are.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    if size >= 99.95 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.995 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

/// Percentages nearer to 0 or to 100 are not told apart.
const LEAST_PERCENT: f64 = 0.0001;

/// A share as a percentage, for example `0.13 %`. It is rounded neither to 0 % nor to 100 % unless it is that: one failure in
/// a million is none of none.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    // How far it is from the nearer end.
    let distance = value.abs().min((100.0 - value).abs());
    if distance > 0.0 && distance < LEAST_PERCENT {
        return match value < 50.0 {
            true => format!("< {LEAST_PERCENT} %"),
            false => format!("> {} %", 100.0 - LEAST_PERCENT),
        };
    }
    let digits = if distance == 0.0 {
        0
    } else if distance < 0.01 {
        4
    } else if value < 9.995 || distance < 0.5 {
        2
    } else {
        1
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} %")
}

/// A whole number with thousands apart: `9,061`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate or amount: one decimal below 1000, none above, thousands apart.
pub(crate) fn amount(value: f64) -> String {
    if value >= 999.5 {
        count(value.round() as u64)
    } else {
        significant(value)
    }
}

/// How many there are of something, or on average: `0`, `85`, `39.4`.
pub(crate) fn level(value: f64) -> String {
    if value.fract() == 0.0 && value >= 0.0 {
        count(value as u64)
    } else {
        amount(value)
    }
}

/// A value with six significant digits, for files that people read too.
pub(crate) fn digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // Text knows decimal digits; a product with a power of ten would not be exact.
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_the_unit_that_suits_them() {
        for (seconds, text) in [
            (0.0, "0 ms"),
            (0.000_000_42, "0.420 us"),
            (0.000_11, "110 us"),
            (0.000_999_6, "1.00 ms"),
            (0.0213, "21.3 ms"),
            (0.2499, "250 ms"),
            (0.9996, "1.00 s"),
            (31.42, "31.4 s"),
            (300.0, "300 s"),
            (1234.5, "1234 s"),
        ] {
            assert_eq!(Latency(seconds).to_string(), text);
        }
    }

    #[test]
    fn six_digits_are_kept() {
        for (value, kept) in [
            (0.0, 0.0),
            (0.123_456_789, 0.123_457),
            (1_234_567.8, 1_234_570.0),
            (2e-9, 2e-9),
        ] {
            assert_eq!(digits(value), kept);
        }
    }

    #[test]
    fn shares_and_counts_read_well() {
        for (share, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.01, "1 %"),
            (0.0013, "0.13 %"),
            (0.99123, "99.1 %"),
            (0.000_027, "0.0027 %"),
            (0.9996, "99.96 %"),
            (0.99996, "99.996 %"),
            (0.999_999, "99.9999 %"),
            (1e-9, "< 0.0001 %"),
            (1.0 - 1e-9, "> 99.9999 %"),
            (0.5, "50 %"),
            (0.0999, "9.99 %"),
            (0.997, "99.7 %"),
            (0.9987, "99.87 %"),
        ] {
            assert_eq!(percent(share), text);
        }
        assert_eq!(
            ["7", "999", "1,000", "1,234,567"],
            [7, 999, 1000, 1_234_567].map(count)
        );
        assert_eq!([amount(15.1), amount(7680.4)], ["15.1", "7,680"]);
    }
}
