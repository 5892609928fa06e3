//! What reports hold so that pictures can be drawn from them later: series over time, and histograms of lengths.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happened over time: bins of equal width over all stages, at most 600, the warm-up left out. Every list has one entry
/// a bin, except that a count of which all entries would be 0 is left out. Counts add up to those of the stages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSeries {
    /// Start of the first bin, in seconds from the run's origin: a multiple of `width_s`. The first and the last bin may
    /// reach beyond the stages.
    pub start_s: u64,
    /// Width of a bin, in seconds: 1, and twice as much as often as it takes.
    pub width_s: u64,
    /// Requests that were due.
    pub scheduled: Vec<u64>,
    /// Requests that were due and never sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_sent: Vec<u64>,
    /// Requests that were sent, or tried to be.
    pub sent: Vec<u64>,
    /// Requests that succeeded, by the instant of their end.
    pub ok: Vec<u64>,
    /// Requests that were sent and did not succeed, by the instant of their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u64>,
    /// Requests that were given up as `load.cancel` asks for, by that instant; they are not in `failed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancelled: Vec<u64>,
    /// Mean number of requests in flight over the bin, from dispatch to end.
    pub in_flight: Vec<f64>,
    /// Output tokens that arrived, also those of requests that did not succeed. Where it is not known how many tokens a read
    /// brought, those of its request are spread over the reads by their events.
    pub output_tokens: Vec<u64>,
    /// Median of `ttft_scheduled` over the requests that were due in the bin; null without any, and where it is `+inf`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ttft_scheduled_p50: Vec<Option<f64>>,
    /// The same for the 95th percentile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ttft_scheduled_p95: Vec<Option<f64>>,
    /// Median of `chunk_gap` over the gaps that ended in the bin, within 3.2 % or 10 us; null without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunk_gap_p50: Vec<Option<f64>>,
    /// The same for the 99th percentile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunk_gap_p99: Vec<Option<f64>>,
}

/// Lengths in tokens over the successful requests of all stages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LengthHistograms {
    /// Prompts, as the server counts them; else as the client does; else as they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<LengthHistogram>,
    /// Replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<LengthHistogram>,
}

/// How many requests have which length: at most 40 bins of equal width.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LengthHistogram {
    /// The least length of the first bin.
    pub first: u32,
    /// How many lengths a bin holds: 1, 2 or 5 times a power of ten.
    pub width: u32,
    /// Requests in each bin.
    pub counts: Vec<u64>,
}
