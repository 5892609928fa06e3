//! Limits that a request carries in its headers, for a server that schedules by them; inference-perf judges by them too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use crate::metric::Metric;
use crate::slo::Limit;

/// The unit of limits in headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SloUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    #[default]
    Ms,
    /// Microseconds.
    Us,
}

impl SloUnit {
    fn as_str(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::Ms => "ms",
            Self::Us => "us",
        }
    }

    /// How many of it are a second.
    fn per_second(self) -> f64 {
        match self {
            Self::S => 1.0,
            Self::Ms => 1e3,
            Self::Us => 1e6,
        }
    }
}

/// A header that limits a metric of each request.
pub(super) struct HeaderLimit<'a> {
    pub(super) metric: Metric,
    /// The header as it is written in `api.headers`.
    pub(super) header: &'a str,
    /// In seconds; none where its value is no number.
    pub(super) limit: Option<f64>,
}

impl Api {
    /// The names of the headers that hold limits, as they are written in `headers`: such headers are no secrets.
    pub fn limit_headers(&self) -> impl Iterator<Item = &str> {
        self.header_limits().map(|limit| limit.header)
    }

    /// The limits in `headers`. The value `default` leaves the limit to the server, and is none.
    pub(super) fn header_limits(&self) -> impl Iterator<Item = HeaderLimit<'_>> {
        let unit = self.slo_unit.unwrap_or_default();
        let named = [
            (Metric::Ttft, &self.slo_ttft_header),
            (Metric::Tpot, &self.slo_tpot_header),
        ];
        named.into_iter().flat_map(move |(metric, given)| {
            let name = given
                .clone()
                .unwrap_or_else(|| format!("x-slo-{}-{}", metric.as_str(), unit.as_str()));
            let headers = self.headers.iter().flatten();
            headers
                .filter(move |(header, value)| {
                    header.eq_ignore_ascii_case(&name) && value.trim() != "default"
                })
                .map(move |(header, value)| HeaderLimit {
                    metric,
                    header,
                    limit: value
                        .trim()
                        .parse()
                        .ok()
                        .and_then(|value: f64| Limit::new(value / unit.per_second()))
                        .map(Limit::get),
                })
        })
    }
}
