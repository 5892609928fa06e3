//! The load of a stage as it was asked for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::LoadType;

/// The load of a stage as it was asked for. What the load type has not is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageLoad {
    /// The arrival process.
    #[serde(rename = "type")]
    pub kind: LoadType,
    /// Requests per second; at the start, where there is an `end_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Requests per second at the end, where the rate changes linearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_rate: Option<f64>,
    /// `gamma`: shape of the distribution of gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burstiness: Option<f64>,
    /// `concurrent`: how many requests at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// `concurrent` and `trace_replay`: how many requests, where that is what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// `trace_replay`: how many times as fast as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speedup: Option<f64>,
    /// Whether what arrives are conversations: their later turns follow the replies, and are due as long as the stage lasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conversations: bool,
    /// Seconds during which requests are due; absent for a closed loop that ends with its last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Requests that the client gives up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelLoad>,
    /// The cap on requests in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
}

/// A share of requests that the client gives up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CancelLoad {
    /// The share, in `[0, 1)`.
    pub fraction: f64,
    /// How long after it was sent, in seconds.
    pub after_s: f64,
}

/// `poisson 15/s for 600 s`, `gamma 5 to 50/s for 600 s, burstiness 0.5`, `concurrent, 10 at once, 1000 requests`.
impl fmt::Display for StageLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        let of = if self.conversations {
            " conversations"
        } else {
            ""
        };
        match (self.rate, self.end_rate) {
            (Some(first), Some(last)) => write!(f, " {first} to {last}{of}/s")?,
            (Some(rate), None) => write!(f, " {rate}{of}/s")?,
            (None, _) => {}
        }
        if let Some(count) = self.concurrency {
            write!(f, ", {count}{of} at once")?;
        }
        if let Some(count) = self.requests {
            let separator = if self.concurrency.is_some() { "," } else { "" };
            let what = if self.conversations {
                "conversations"
            } else {
                "requests"
            };
            write!(f, "{separator} {count} {what}")?;
        }
        if let Some(seconds) = self.duration_s {
            // A trace is as long as it is; three digits are enough to know it by.
            write!(f, " for {} s", (seconds * 1e3).round() / 1e3)?;
        }
        if let Some(speedup) = self.speedup.filter(|&speedup| speedup != 1.0) {
            write!(f, ", {speedup} times as fast")?;
        }
        if let Some(burstiness) = self.burstiness {
            write!(f, ", burstiness {burstiness}")?;
        }
        if let Some(cancel) = self.cancel {
            let percent = (cancel.fraction * 1e4).round() / 1e2;
            write!(f, ", {percent} % given up after {} s", cancel.after_s)?;
        }
        if let Some(most) = self.max_in_flight {
            write!(f, ", at most {most} in flight")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_reads_as_people_say_it() {
        let rate = StageLoad {
            kind: LoadType::Poisson,
            rate: Some(15.0),
            duration_s: Some(600.0),
            ..StageLoad::default()
        };
        assert_eq!(rate.to_string(), "poisson 15/s for 600 s");
        let ramp = StageLoad {
            kind: LoadType::Gamma,
            end_rate: Some(0.5),
            burstiness: Some(0.25),
            cancel: Some(CancelLoad {
                fraction: 0.05,
                after_s: 2.0,
            }),
            max_in_flight: Some(100),
            ..rate.clone()
        };
        assert_eq!(
            ramp.to_string(),
            "gamma 15 to 0.5/s for 600 s, burstiness 0.25, 5 % given up after 2 s, at most 100 in flight"
        );
        let closed = StageLoad {
            kind: LoadType::Concurrent,
            concurrency: Some(10),
            requests: Some(1000),
            ..StageLoad::default()
        };
        assert_eq!(closed.to_string(), "concurrent, 10 at once, 1000 requests");
        let replay = StageLoad {
            kind: LoadType::TraceReplay,
            requests: Some(20),
            speedup: Some(10.0),
            duration_s: Some(1.23456),
            ..StageLoad::default()
        };
        assert_eq!(
            replay.to_string(),
            "trace_replay 20 requests for 1.235 s, 10 times as fast"
        );
    }
}
