//! Service level objectives as data.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metric::SloMetric;
use crate::units::{DURATION_PATTERN, NumberOrDuration, serialize_number};

/// One objective, judged for each stage: `{metric: ttft_scheduled, percentile: 99, max: 1200ms}`.
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
}

impl Slo {
    /// What is wrong with this objective, with the remedy; `None` when it can be judged.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let name = self.metric.as_str();
        if self.metric.latency().is_some() {
            return match (self.percentile, self.max, self.min) {
                (_, _, Some(_)) => {
                    Some(format!("`{name}` is a latency and takes `max`, not `min`"))
                }
                (_, None, None) => {
                    Some(format!("`{name}` needs a limit, for example `max: 1200ms`"))
                }
                (None, ..) => Some(format!(
                    "`{name}` needs a percentile, for example `percentile: 99`"
                )),
                (_, Some(limit), _) if limit.get() == 0.0 => {
                    Some(format!("no request can have a `{name}` of 0 s"))
                }
                (Some(p), ..) if !(p > 0.0 && p < 100.0) => {
                    Some(format!("percentile {p} is not between 0 and 100"))
                }
                _ => None,
            };
        }
        if self.percentile.is_some() {
            return Some(format!(
                "`{name}` is one number a stage and has no percentile"
            ));
        }
        let is_share = self.metric != SloMetric::Throughput;
        let (limit, other, example) = match self.metric {
            SloMetric::ErrorRate => (self.max, self.min, "max: 0.01"),
            SloMetric::Throughput => (self.min, self.max, "min: 1000"),
            _ => (self.min, self.max, "min: 0.99"),
        };
        match (limit, other) {
            (Some(limit), None) if is_share && limit.get() > 1.0 => Some(format!(
                "`{name}` is a share between 0 and 1, and {limit} is above 1"
            )),
            (Some(_), None) => None,
            _ => Some(format!(
                "`{name}` takes `{}`, for example `{example}`",
                &example[..3]
            )),
        }
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
        for (text, part) in [
            (r#"{"metric":"ttft","max":1}"#, "needs a percentile"),
            (r#"{"metric":"ttft","percentile":99}"#, "needs a limit"),
            (
                r#"{"metric":"ttft","percentile":99,"min":1}"#,
                "takes `max`",
            ),
            (
                r#"{"metric":"ttft","percentile":100,"max":1}"#,
                "not between",
            ),
            (r#"{"metric":"error_rate","min":0.9}"#, "takes `max`"),
            (r#"{"metric":"error_rate","max":5}"#, "share"),
            (r#"{"metric":"goodput","max":0.9}"#, "takes `min`"),
            (
                r#"{"metric":"goodput","min":0.9,"percentile":5}"#,
                "no percentile",
            ),
            (r#"{"metric":"throughput"}"#, "takes `min`"),
        ] {
            let problem = slo(text).problem().unwrap_or_default();
            assert!(problem.contains(part), "{text}: {problem}");
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
