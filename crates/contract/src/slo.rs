//! Service level objectives as data.

mod stages;

pub use stages::SloStages;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metric::SloMetric;
use crate::units::{DURATION_PATTERN, NumberOrDuration, serialize_number};

/// One objective, judged on each stage unless `stages` says otherwise: `{metric: ttft_scheduled, percentile: 99, max: 1200ms}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// What is limited.
    pub metric: SloMetric,
    /// For a latency: which percentile must keep the limit, in `(0, 100)`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "option_number"
    )]
    #[schemars(range(min = 0, max = 100))]
    pub percentile: Option<f64>,
    /// The most that is allowed: a duration for a latency, a share for `error_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Limit>,
    /// The least that is allowed: a share for `goodput`, tokens per second for `throughput`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Limit>,
    /// Which stages it is judged on: `each` by itself (default), all as a `whole`, or those with the numbers of a list.
    #[serde(default, skip_serializing_if = "SloStages::is_each")]
    pub stages: SloStages,
}

impl Slo {
    /// What is wrong with this objective; `None` when it can be judged.
    #[must_use]
    pub fn problem(&self) -> Option<SloProblem> {
        let name = self.metric.as_str();
        let found = |key, is_key, message: String, help: &str| {
            Some(SloProblem {
                key,
                is_key,
                message,
                help: help.to_owned(),
            })
        };
        let wrong = |key, message, help: &str| found(Some(key), false, message, help);
        let surplus = |key, message, help: &str| found(Some(key), true, message, help);
        let missing = |message, help: &str| found(None, false, message, help);
        if self.metric.latency().is_some() {
            return match (self.percentile, self.max, self.min) {
                (_, _, Some(_)) => surplus(
                    "min",
                    format!("`{name}` is a latency and takes `max`, not `min`"),
                    "for example `max: 1200ms`",
                ),
                (_, None, None) => missing(
                    format!("`{name}` needs a limit"),
                    "add one, for example `max: 1200ms`",
                ),
                (None, ..) => missing(
                    format!("`{name}` needs a percentile"),
                    "add one, for example `percentile: 99`",
                ),
                (_, Some(limit), _) if limit.get() == 0.0 => wrong(
                    "max",
                    format!("no request can have a `{name}` of 0 s"),
                    "for example `max: 1200ms`",
                ),
                (Some(p), ..) if !(p > 0.0 && p < 100.0) => wrong(
                    "percentile",
                    format!("percentile {p} is not between 0 and 100"),
                    "for example `percentile: 99`",
                ),
                _ => None,
            };
        }
        if self.percentile.is_some() {
            return surplus(
                "percentile",
                format!("`{name}` is one number a stage and has no percentile"),
                "remove it",
            );
        }
        let is_share = self.metric != SloMetric::Throughput;
        let (key, limit, other, example) = match self.metric {
            SloMetric::ErrorRate => ("max", self.max, self.min.map(|_| "min"), "max: 0.01"),
            SloMetric::Throughput => ("min", self.min, self.max.map(|_| "max"), "min: 1000"),
            _ => ("min", self.min, self.max.map(|_| "max"), "min: 0.99"),
        };
        match (limit, other) {
            (Some(limit), None) if is_share && limit.get() > 1.0 => wrong(
                key,
                format!("`{name}` is a share between 0 and 1, and {limit} is above 1"),
                &format!("for example `{example}`"),
            ),
            (Some(_), None) => None,
            (_, other) => found(
                other,
                true,
                format!("`{name}` takes `{key}`"),
                &format!("for example `{example}`"),
            ),
        }
    }

    /// Whether `other` limits the same in the same way, on whichever stages.
    #[must_use]
    pub fn limits_the_same(&self, other: &Self) -> bool {
        (self.metric, self.percentile, self.max, self.min)
            == (other.metric, other.percentile, other.max, other.min)
    }

    /// The objective as people say it, for example `p99 ttft_scheduled <= 1.2s`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = String::new();
        if let Some(p) = self.percentile {
            text.push_str(&format!("p{p} "));
        }
        text.push_str(self.metric.as_str());
        let unit = if self.metric.latency().is_some() {
            "s"
        } else {
            ""
        };
        if let Some(max) = self.max {
            text.push_str(&format!(" <= {max}{unit}"));
        }
        if let Some(min) = self.min {
            text.push_str(&format!(" >= {min}{unit}"));
        }
        text
    }
}

/// Why an objective cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloProblem {
    /// The key that is wrong; none where one is missing.
    pub key: Option<&'static str>,
    /// Whether the key itself does not belong there, and not only its value.
    pub is_key: bool,
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub help: String,
}

impl fmt::Display for SloProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.help)
    }
}

fn option_number<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(number) => serialize_number(*number, serializer),
        None => serializer.serialize_none(),
    }
}

/// A limit: a plain number, or a duration with a unit, which is read as seconds. Finite and at least 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Limit(f64);

impl Limit {
    /// The limit `value`; `None` when negative or not finite.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }

    /// The number; seconds where the limited metric is a latency.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_number(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(NumberOrDuration)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("a limit must be at least 0"))
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A limit: a number (seconds for a latency), or a duration with a unit (us, ms, s, m, h).",
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}],
            "examples": ["1200ms", 0.01]
        })
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn slo(text: &str) -> Slo {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_can_be_judged_has_no_problem() {
        for text in [
            r#"{"metric":"ttft_scheduled","percentile":99,"max":"1200ms"}"#,
            r#"{"metric":"error_rate","max":0.01}"#,
            r#"{"metric":"goodput","min":0.99}"#,
            r#"{"metric":"throughput","min":1000}"#,
        ] {
            assert_eq!(slo(text).problem(), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_judged_says_why() {
        for (text, key, part) in [
            (r#"{"metric":"ttft","max":1}"#, "", "needs a percentile"),
            (r#"{"metric":"ttft","percentile":99}"#, "", "needs a limit"),
            (
                r#"{"metric":"ttft","percentile":99,"min":1}"#,
                "min",
                "takes `max`",
            ),
            (
                r#"{"metric":"ttft","percentile":99,"max":0}"#,
                "max",
                "of 0 s",
            ),
            (
                r#"{"metric":"ttft","percentile":100,"max":1}"#,
                "percentile",
                "not between",
            ),
            (r#"{"metric":"error_rate","min":0.9}"#, "min", "takes `max`"),
            (r#"{"metric":"error_rate","max":5}"#, "max", "share"),
            (r#"{"metric":"goodput","max":0.9}"#, "max", "takes `min`"),
            (
                r#"{"metric":"goodput","min":0.9,"percentile":5}"#,
                "percentile",
                "no percentile",
            ),
            (r#"{"metric":"throughput"}"#, "", "takes `min`"),
        ] {
            let problem = slo(text).problem().unwrap();
            assert_eq!(problem.key.unwrap_or_default(), key, "{text}");
            assert!(problem.message.contains(part), "{text}: {problem}");
            assert!(!problem.help.is_empty(), "{text}");
        }
    }

    #[test]
    fn describes_itself() {
        assert_eq!(
            slo(r#"{"metric":"ttft","percentile":99,"max":"1200ms"}"#).describe(),
            "p99 ttft <= 1.2s"
        );
    }
}
