//! `report.json`: what was asked, what happened, and the verdict.
//!
//! Readers ignore keys that they do not know. Latencies are in seconds. A value that is missing is absent, with the reason
//! beside it; it is never 0.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::outcome::Outcome;
use crate::record::TokenSource;
use crate::slo::Slo;

/// The report of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this layout.
    pub schema_version: u32,
    /// Version of the metric definitions.
    pub definitions_version: u32,
    /// How percentiles of request metrics are computed.
    pub percentile_method: String,
    /// What made the report.
    pub tool: Tool,
    /// The run.
    pub run: RunInfo,
    /// The machine that generated the load.
    pub environment: Environment,
    /// Who was tested.
    pub target: Target,
    /// The verdict over all stages.
    pub verdict: Verdict,
    /// The requests of all stages together.
    pub counts: Counts,
    /// The requests of the warm-up, in no other figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Counts>,
    /// The stages, in sequence.
    pub stages: Vec<StageReport>,
    /// The config that ran, defaults left out, secrets redacted.
    pub config: serde_json::Value,
}

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// When and under which name a run took place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The run id.
    pub id: String,
    /// How it ended.
    pub status: RunStatus,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_because: Vec<String>,
    /// Wall time of the origin of all instants, RFC 3339 in UTC.
    pub origin: String,
    /// The same in nanoseconds since the Unix epoch.
    pub origin_unix_ns: u64,
    /// From the origin to the end of the last request, in seconds.
    pub duration_s: f64,
    /// The seed of arrivals, lengths and prompts.
    pub seed: u64,
    /// How prompts were made, and what counts as a token of theirs.
    pub prompts: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every planned request has ended by itself.
    Complete,
    /// A signal or a limit ended it early.
    Partial,
}

/// The machine that generated the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Environment {
    /// Host name; the pod's name in Kubernetes.
    pub host: String,
    /// Kernel name and release.
    pub kernel: String,
    /// CPUs that the process may use.
    pub cpus: u32,
    /// Worker threads.
    pub workers: u32,
    /// Where the clock comes from.
    pub clock: String,
}

/// Who was tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its address.
    pub base_url: String,
    /// The model that was asked for.
    pub model: String,
    /// The kind of server.
    pub server_type: String,
    /// `completion` or `chat`.
    pub api: String,
    /// Whether replies were streamed.
    pub streaming: bool,
    /// The socket addresses that were connected to.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// Where the planned requests went: `planned = not_sent + sent`, `sent` = the sum over `outcomes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Requests of the plan.
    pub planned: u64,
    /// Never sent.
    pub not_sent: u64,
    /// Handed to a socket, or tried to be.
    pub sent: u64,
    /// How those that were sent ended; outcomes that did not happen are left out.
    pub outcomes: BTreeMap<Outcome, u64>,
}

impl Counts {
    /// Counts one planned request that ended as `outcome`.
    pub fn add(&mut self, outcome: Outcome) {
        self.planned += 1;
        if outcome.is_sent() {
            self.sent += 1;
            *self.outcomes.entry(outcome).or_default() += 1;
        } else {
            self.not_sent += 1;
        }
    }

    /// Adds the requests of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.planned += other.planned;
        self.not_sent += other.not_sent;
        self.sent += other.sent;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += count;
        }
    }

    /// Requests that succeeded.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.outcomes.get(&Outcome::Ok).copied().unwrap_or(0)
    }

    /// Requests that did not succeed, those not sent included.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.planned - self.ok()
    }

    /// Whether every planned request is accounted for once.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.planned == self.not_sent + self.sent
            && self.sent == self.outcomes.values().sum::<u64>()
    }
}

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
    /// Requests of the plan per second of its duration.
    pub offered_rate: f64,
    /// Requests sent per second, over the time that the plan's requests were due.
    pub achieved_rate: f64,
    /// Where the planned requests went.
    pub counts: Counts,
    /// Latencies; a metric that no request has is in `absent`.
    pub metrics: BTreeMap<Metric, MetricSummary>,
    /// Why a metric is not in `metrics`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<Metric, Absent>,
    /// Requests and tokens per second.
    pub throughput: Throughput,
    /// Lengths asked for, generated and counted by the server, over successful requests.
    pub lengths: Lengths,
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

/// The load of a stage as it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageLoad {
    /// The arrival process: `constant` or `poisson`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Requests per second.
    pub rate: f64,
    /// Seconds.
    pub duration_s: f64,
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
    /// The greatest sample; absent when it is `+inf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Integrated autocorrelation time in order of schedule, at least 1; absent for pooled metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocorrelation_time: Option<f64>,
    /// Percentiles, ascending.
    pub percentiles: Vec<Percentile>,
}

impl MetricSummary {
    /// The value of percentile `p`, if it was computed; `+inf` where it is censored.
    #[must_use]
    pub fn percentile(&self, p: f64) -> Option<f64> {
        let found = self
            .percentiles
            .iter()
            .find(|entry| (entry.p - p).abs() < 1e-9)?;
        Some(found.value.unwrap_or(f64::INFINITY))
    }
}

/// One percentile of a latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentile {
    /// Which, in `[0, 100]`.
    pub p: f64,
    /// Its value in seconds; absent when it is `+inf`, which the censored requests make it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
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
    /// Reply lengths of the plan.
    pub output_asked: LengthSummary,
    /// Reply lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<LengthSummary>,
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

/// Requests that succeeded and met every limit, divided by requests offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Goodput {
    /// Requests that were good.
    pub good: u64,
    /// Requests offered: those cancelled and not sent included.
    pub offered: u64,
    /// Their quotient.
    pub ratio: f64,
    /// Good requests per second.
    pub good_per_s: f64,
    /// For each limit, the share of offered requests that met it.
    pub attainment: BTreeMap<String, f64>,
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
    /// Coefficient of variation of the gaps: 0 for `constant`, 1 for `poisson`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_cv: Option<f64>,
    /// Kolmogorov-Smirnov distance of the gaps to the exponential of the asked rate, and its p-value (`poisson` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks_distance: Option<f64>,
    /// The p-value of `ks_distance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks_p_value: Option<f64>,
    /// Variance over mean of the counts in windows of 1 s: 1 for `poisson`, near 0 for `constant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispersion_1s: Option<f64>,
    /// Correlation of each gap with the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag1: Option<f64>,
    /// The verdict in words.
    pub verdict: String,
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
}

/// Whether a stage says anything about the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validity {
    /// The state.
    pub state: ValidityState,
    /// Why, where it is not `valid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// Whether the generator kept its schedule.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ValidityState {
    /// It did.
    Valid,
    /// It did, with signs of strain.
    Suspect,
    /// It did not: the figures are those of the generator.
    Invalid,
}

/// The verdict over all stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The result of the objectives; absent when none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<CheckVerdict>,
    /// The worst validity of a stage.
    pub validity: ValidityState,
    /// The exit code of the run, in `0..=8`.
    pub exit_code: u8,
    /// Every statement that applies, the one that decided first.
    pub reasons: Vec<String>,
}

/// One objective, judged on one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The objective.
    pub slo: Slo,
    /// The result.
    pub verdict: CheckVerdict,
    /// What was observed: the percentile (seconds), the share, or the rate; absent when it is `+inf` or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// How many requests it was judged on.
    pub count: u64,
    /// Effective number of independent samples.
    pub n_eff: f64,
    /// For a percentile, the share of offered requests above the limit, with its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_above: Option<f64>,
    /// Lower end of that interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_lower: Option<f64>,
    /// Upper end of that interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_upper: Option<f64>,
    /// The result in words.
    pub reason: String,
}

/// How an objective was decided.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// Met.
    Pass,
    /// Too few samples to decide.
    Inconclusive,
    /// Not met.
    Fail,
    /// The stage says nothing about the server.
    Invalid,
}
