//! Units as types: a value that exists is in its interval.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a number is not a value of a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum UnitError {
    /// NaN or infinite where a finite number is needed.
    NotFinite,
    /// Below the least value of the unit.
    TooSmall {
        /// What the value has to be, for example `greater than 0`.
        must_be: &'static str,
    },
    /// Not a number with an optional unit `us`, `ms`, `s`, `m`, `h`.
    NotADuration(String),
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("must be a finite number"),
            Self::TooSmall { must_be } => write!(f, "must be {must_be}"),
            Self::NotADuration(text) => {
                write!(
                    f,
                    "`{text}` is not a duration: write seconds as a number, or a unit as in 250us, 20ms, 1.5s, 10m, 1h"
                )
            }
        }
    }
}

impl std::error::Error for UnitError {}

/// Serialises whole numbers without a fraction, so that `600.0` is written `600`.
pub(crate) fn serialize_number<S: Serializer>(
    value: f64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        serializer.serialize_i64(value as i64)
    } else {
        serializer.serialize_f64(value)
    }
}

/// A duration in seconds, finite and at least 0. Read from a number of seconds or from text such as `20ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0.0);

    /// A duration of `seconds`.
    ///
    /// # Errors
    /// When `seconds` is negative or not finite.
    pub fn new(seconds: f64) -> Result<Self, UnitError> {
        if !seconds.is_finite() {
            Err(UnitError::NotFinite)
        } else if seconds < 0.0 {
            Err(UnitError::TooSmall {
                must_be: "at least 0",
            })
        } else {
            Ok(Self(seconds))
        }
    }

    /// The duration of a whole number of seconds.
    #[must_use]
    pub const fn whole(seconds: u32) -> Self {
        Self(seconds as f64)
    }

    /// Seconds, in `[0, inf)`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Nanoseconds, rounded; saturates at `u64::MAX` (584 years).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "non-negative; `as` saturates"
    )]
    pub fn as_nanos(self) -> u64 {
        (self.0 * 1e9).round() as u64
    }

    /// The same as a [`std::time::Duration`].
    #[must_use]
    pub fn to_duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.as_nanos())
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 || self.0 >= 1.0 {
            write!(f, "{}s", self.0)
        } else {
            write!(f, "{}ms", (self.0 * 1e6).round() / 1e3)
        }
    }
}

impl std::str::FromStr for Seconds {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        parse_duration(text).and_then(Self::new)
    }
}

/// Reads `20ms`, `1.5s`, `250us`, `10m`, `1h`, or a bare number of seconds, as seconds.
///
/// # Errors
/// When the text is no number with one of these units.
pub fn parse_duration(text: &str) -> Result<f64, UnitError> {
    let trimmed = text.trim();
    let digits = trimmed
        .find(|c: char| c.is_ascii_alphabetic() || c == 'µ')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    // Dividing by 1000 is exact where multiplying by 0.001 is not: 1200ms is 1.2 s to the last bit.
    let (times, over): (f64, f64) = match unit {
        "" | "s" => (1.0, 1.0),
        "ms" => (1.0, 1e3),
        "us" | "µs" => (1.0, 1e6),
        "m" | "min" => (60.0, 1.0),
        "h" => (3600.0, 1.0),
        _ => return Err(UnitError::NotADuration(text.to_owned())),
    };
    let value: f64 = number
        .trim_end()
        .parse()
        .map_err(|_| UnitError::NotADuration(text.to_owned()))?;
    Ok(value * times / over)
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_number(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(NumberOrDuration)?;
        Self::new(value).map_err(D::Error::custom)
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: a number of seconds, or text with a unit (us, ms, s, m, h).",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": DURATION_PATTERN}
            ],
            "examples": [600, "20ms", "1.5s"]
        })
    }
}

/// What [`parse_duration`] takes, as a regular expression for schemas.
pub(crate) const DURATION_PATTERN: &str = r"^\s*[0-9]*\.?[0-9]+\s*(us|µs|ms|s|m|min|h)?\s*$";

/// Reads a number, or a duration with a unit as seconds.
pub(crate) struct NumberOrDuration;

impl Visitor<'_> for NumberOrDuration {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds, or a duration such as `20ms`")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53")]
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53")]
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
        parse_duration(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A rate of requests per second, finite and greater than 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct RequestsPerSecond(f64);

impl RequestsPerSecond {
    /// A rate of `rate` requests per second.
    ///
    /// # Errors
    /// When `rate` is zero, negative or not finite.
    pub fn new(rate: f64) -> Result<Self, UnitError> {
        if !rate.is_finite() {
            Err(UnitError::NotFinite)
        } else if rate <= 0.0 {
            Err(UnitError::TooSmall {
                must_be: "greater than 0",
            })
        } else {
            Ok(Self(rate))
        }
    }

    /// Requests per second, in `(0, inf)`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for RequestsPerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl Serialize for RequestsPerSecond {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_number(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for RequestsPerSecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for RequestsPerSecond {
    fn schema_name() -> Cow<'static, str> {
        "RequestsPerSecond".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Requests per second, greater than 0.",
            "type": "number", "exclusiveMinimum": 0, "examples": [15, 0.5]
        })
    }
}

/// A share or probability in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// The probability `p`.
    ///
    /// # Errors
    /// When `p` lies outside `[0, 1]` or is NaN.
    pub fn new(p: f64) -> Result<Self, UnitError> {
        if (0.0..=1.0).contains(&p) {
            Ok(Self(p))
        } else {
            Err(UnitError::TooSmall {
                must_be: "between 0 and 1",
            })
        }
    }

    /// The share, in `[0, 1]`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_number(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Probability {
    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "A share between 0 and 1.", "type": "number", "minimum": 0, "maximum": 1})
    }
}

/// A number of tokens.
pub type TokenCount = u32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, seconds) in [
            ("1200ms", 1.2),
            ("250us", 0.00025),
            ("1.5s", 1.5),
            ("10m", 600.0),
            ("1h", 3600.0),
            ("20", 20.0),
            (".5s", 0.5),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
        for text in ["", "ms", "1 day", "5 minutes", "1e", "--1s", "1,5s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn units_refuse_nonsense_also_when_read() {
        assert!(Seconds::new(-1.0).is_err());
        assert!(Seconds::new(f64::NAN).is_err());
        assert!(RequestsPerSecond::new(0.0).is_err());
        assert!(Probability::new(1.01).is_err());
        assert!(serde_json::from_str::<RequestsPerSecond>("0").is_err());
        assert!(serde_json::from_str::<Seconds>("\"-5s\"").is_err());
    }

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        let text = serde_json::to_string(&[Seconds::whole(600), Seconds(0.5)]).unwrap();
        assert_eq!(text, "[600,0.5]");
    }
}
