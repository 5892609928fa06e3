//! A stage in the report: what was asked, what happened, how it was judged.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, Conversations, Counts, ErrorRate, Goodput, StageLoad, TokenGaps, Validity};
use crate::metric::Metric;
use crate::outcome::Outcome;
use crate::record::TokenSource;

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageReport {
    /// Its number, from 0.
    pub stage: u32,
    /// What was asked.
    pub load: StageLoad,
    /// The stage's own time zero, in seconds from the run's origin.
    pub origin_s: f64,
    /// From the stage's time zero to the end of its last request, drain included, in seconds.
    pub duration_s: f64,
    /// Requests of the plan per second of its duration; absent for a closed loop, which offers what the server takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_rate: Option<f64>,
    /// Requests sent per second, over the time that the plan's requests were due; of a closed loop, over the whole stage.
    pub achieved_rate: f64,
    /// Where the planned requests went.
    pub counts: Counts,
    /// What became of the requests that `load.cancel` drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelCounts>,
    /// Requests that failed; absent in reports of versions that did not write it, and where nothing was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<ErrorRate>,
    /// How the conversations went that its requests are turns of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversations: Option<Conversations>,
    /// Latencies; a metric that no request has is in `absent`.
    pub metrics: BTreeMap<Metric, MetricSummary>,
    /// Why a metric is not in `metrics`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<Metric, Absent>,
    /// Token gaps, counted, so that those of several reports can be added; absent without any, and where they are spread so
    /// wide that they would take too much room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_gaps: Option<TokenGaps>,
    /// Requests and tokens per second.
    pub throughput: Throughput,
    /// Lengths asked for, generated and counted by the server, over successful requests.
    pub lengths: Lengths,
    /// How many of the planned requests asked for each LoRA adapter, where load is split over adapters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adapters: BTreeMap<String, u64>,
    /// Requests that met every limit, where limits are set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodput: Option<Goodput>,
    /// Failures by kind, each with a sample message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorSample>,
    /// Whether the arrivals were what they are said to be.
    pub arrivals: ArrivalTest,
    /// How well the generator itself did.
    pub health: Health,
    /// Whether the stage says anything about the server.
    pub validity: Validity,
    /// The objectives, judged on this stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// The distribution of one latency, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSummary {
    /// How many samples: requests, or token gaps for `chunk_gap` and `itl`.
    pub count: u64,
    /// How many of them are `+inf`: requests that never got there.
    #[serde(default)]
    pub censored: u64,
    /// Mean over the samples that are finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation over the samples that are finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std_dev: Option<f64>,
    /// The least sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<LatencyValue>,
    /// Integrated autocorrelation time in order of schedule, at least 1; absent for pooled metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocorrelation_time: Option<f64>,
    /// Percentiles, ascending.
    pub percentiles: Vec<Percentile>,
    /// The whole distribution: entry k is the percentile `100 (1 - 10^(-k/10))` in seconds, from the least sample at k = 0 on,
    /// as long as one sample lies beyond it and it is not `+inf`. Six digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<f64>,
}

impl MetricSummary {
    /// The value of percentile `p`, if it was computed.
    #[must_use]
    pub fn at(&self, p: f64) -> Option<LatencyValue> {
        let mut percentiles = self.percentiles.iter();
        let found = percentiles.find(|entry| (entry.p - p).abs() < 1e-9)?;
        Some(found.value)
    }

    /// The same in seconds; `+inf` where it is censored.
    #[must_use]
    pub fn percentile(&self, p: f64) -> Option<f64> {
        self.at(p).map(LatencyValue::seconds)
    }
}

/// A latency in seconds, or what is known of one that is `+inf`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LatencyValue {
    /// Seconds.
    Seconds(f64),
    /// `+inf`: among requests that never got there.
    Censored {
        /// The time limit of a request, in seconds: within it they did not get there, whatever ended them.
        censored_above: f64,
    },
}

impl LatencyValue {
    /// `seconds`; where that is `+inf`, what is known of it.
    #[must_use]
    pub fn new(seconds: f64, censored_above: f64) -> Self {
        if seconds.is_finite() {
            Self::Seconds(seconds)
        } else {
            Self::Censored { censored_above }
        }
    }

    /// In seconds; `+inf` where it is censored.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.finite().unwrap_or(f64::INFINITY)
    }

    /// In seconds, where it is not censored.
    #[must_use]
    pub fn finite(self) -> Option<f64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Censored { .. } => None,
        }
    }
}

/// One percentile of a latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentile {
    /// Which, in `[0, 100]`.
    pub p: f64,
    /// Its value.
    pub value: LatencyValue,
    /// MLPerf's early-stopping bound: above the true percentile with a chance of 99 %, were the samples independent, which
    /// latencies under load are not. For comparison; absent for pooled metrics, and where the samples are too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<LatencyValue>,
    /// The 95 % interval of the value; absent for pooled metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// A 95 % interval by order statistics on the effective number of samples. A side that the samples cannot support is
/// absent, and `reason` says why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Upper end, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// Effective number of independent samples.
    pub n_eff: f64,
    /// Why a side is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a metric is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absent {
    /// In words.
    pub reason: String,
}

/// Requests and tokens per second, over the time from the first send to the end of the last request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Throughput {
    /// Seconds from the first send to the end of the last request.
    pub window_s: f64,
    /// Successful requests per second.
    pub requests_per_s: f64,
    /// Prompt tokens of successful requests per second.
    pub input_tokens_per_s: f64,
    /// Output tokens of successful requests per second.
    pub output_tokens_per_s: f64,
    /// The same while requests were due; absent in a stage that is shorter than three of its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<SteadyThroughput>,
}

/// Throughput from one median request after a stage's first planned instant to its last one: neither the time in which the
/// server fills nor the drain is in it. Tokens of a reply are taken to come evenly from its first to its last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SteadyThroughput {
    /// Where it begins, in seconds after the first planned instant: the median time from schedule to end.
    pub after_s: f64,
    /// How long it is, in seconds.
    pub window_s: f64,
    /// Successful requests per second that ended in it.
    pub requests_per_s: f64,
    /// Output tokens of successful requests per second that came in it.
    pub output_tokens_per_s: f64,
}

/// Lengths in tokens, over successful requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lengths {
    /// Prompt lengths of the plan.
    pub input_asked: LengthSummary,
    /// Prompt lengths as the client counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_generated: Option<LengthSummary>,
    /// Prompt lengths as the server counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_server: Option<LengthSummary>,
    /// Prompt tokens that the server had in its cache, over all requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cached: Option<u64>,
    /// Whether that is more than a twentieth of the prompts, and the workload did not ask for it: its prompts have no
    /// beginnings in common, and an earlier run has left its own in the cache.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached_unasked: bool,
    /// Reply lengths of the plan.
    pub output_asked: LengthSummary,
    /// Reply lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<LengthSummary>,
    /// How many of the output tokens were reasoning, over all requests of which the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Requests whose reply is not as long as asked for.
    pub output_mismatches: u64,
    /// Where reply lengths come from, with the number of requests each.
    pub token_sources: BTreeMap<TokenSource, u64>,
    /// Token events per output token, over all requests; 1 where each event brings one token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_token: Option<f64>,
}

/// Lengths, in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LengthSummary {
    /// Sum over requests.
    pub total: u64,
    /// Mean.
    pub mean: f64,
    /// Least.
    pub min: u32,
    /// Greatest.
    pub max: u32,
}

/// Requests that `load.cancel` drew. They are in no latency, in or out of their time, so that what was given up bends no
/// percentile; throughput, `goodput` and the other counts hold them, and given up as asked they are no errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelCounts {
    /// How many were drawn.
    pub drawn: u64,
    /// How many of them were given up when their time had come; the rest ended before.
    pub cancelled: u64,
}

/// One kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorSample {
    /// The outcome.
    pub outcome: Outcome,
    /// The HTTP status, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How many requests.
    pub count: u64,
    /// The message of the first.
    pub message: String,
}

/// Whether the arrivals were what they are said to be, by the instants at which requests were dispatched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalTest {
    /// Requests dispatched.
    pub count: u64,
    /// Coefficient of variation of the gaps: 0 for `constant`, 1 for `poisson`, 1 / sqrt(burstiness) for `gamma`. Where the
    /// rate changes, gaps are measured in requests that were due, here and below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_cv: Option<f64>,
    /// Kolmogorov-Smirnov distance of the gaps to the distribution asked for (`poisson` and `gamma`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks_distance: Option<f64>,
    /// The p-value of `ks_distance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks_p_value: Option<f64>,
    /// Variance over mean of the counts in windows of 1 s: 1 for `poisson`, near 0 for `constant`. Absent where the rate
    /// changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispersion_1s: Option<f64>,
    /// Correlation of each gap with the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag1: Option<f64>,
    /// What came of it.
    #[serde(default)]
    pub state: ArrivalState,
    /// The verdict in words.
    pub verdict: String,
}

/// What came of the test of arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalState {
    /// They were not tested: too few, a closed loop, a trace, or not all of them known.
    #[default]
    Untested,
    /// They were as asked for.
    AsAsked,
    /// They were not.
    Other,
}

/// How well the generator itself did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Health {
    /// CPU time of the whole process over the stage, in seconds.
    pub cpu_s: f64,
    /// Seconds that the cgroup's CPU limit held the process back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_s: Option<f64>,
    /// The most requests in flight at once.
    pub in_flight_max: u64,
    /// Connections that were opened.
    pub connections_opened: u64,
    /// Sockets that this machine could not give: no descriptors, ports or memory left.
    pub socket_errors: u64,
    /// How late event loops came to what was due, over all workers, from time zero to the end of the drain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_loop_lag: Option<EventLoopLag>,
    /// Each worker thread.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerHealth>,
}

/// How late an event loop comes to what is due: sampled every 50 ms, a stall counted once for each sample that it delays.
/// A reply that arrives in between is stamped that much late.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EventLoopLag {
    /// Samples.
    pub count: u64,
    /// Median, in seconds.
    pub p50_s: f64,
    /// 99th percentile, in seconds.
    pub p99_s: f64,
    /// The greatest, in seconds.
    pub max_s: f64,
}

/// One worker thread over a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WorkerHealth {
    /// Its CPU time, in seconds.
    pub cpu_s: f64,
    /// Its CPU time divided by the stage's, in `[0, 1]`.
    pub busy: f64,
    /// Seconds that it was ready to run and had no CPU, where the kernel says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_delay_s: Option<f64>,
}
