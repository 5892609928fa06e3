//! `report.json`: what was asked, what happened, and the verdict.
//!
//! Readers ignore keys that they do not know. Latencies are in seconds. A value that is missing is absent, with the reason
//! beside it; it is never 0.

mod conversations;
mod gaps;
mod judged;
mod judgement;
mod load;
mod series;
mod server;
mod shares;
mod stage;

pub use conversations::Conversations;
pub use gaps::{GapCounts, TokenGaps};
pub use judged::{NotBegun, Place};
pub use judgement::{Check, CheckVerdict, Validity, ValidityState, Verdict};
pub use load::{CancelLoad, StageLoad};
pub use series::{LengthHistogram, LengthHistograms, TimeSeries};
pub use server::{Gauge, MetricsKind, MetricsSource, ServerMetrics, ServerSeries, ServerStage};
pub use shares::{ErrorRate, Goodput, ShareInterval};
pub use stage::{
    Absent, ArrivalState, ArrivalTest, CancelCounts, ErrorSample, EventLoopLag, Health, Interval,
    LatencyValue, LengthSummary, Lengths, MetricSummary, Percentile, StageReport, SteadyThroughput,
    Throughput, WorkerHealth,
};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

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
    /// Stages that did not begin, in sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_begun: Vec<NotBegun>,
    /// The objectives of the whole run (`stages: whole`), judged on the requests of all stages together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What happened over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<TimeSeries>,
    /// How long prompts and replies were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_histograms: Option<LengthHistograms>,
    /// What the server said of itself meanwhile; absent where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_metrics: Option<ServerMetrics>,
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
    /// Which part of the plan it sent, where several processes share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// What it was merged from, where it is not of one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// Whether it was made to stop before its end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// What failed beside the measurement: files, uploads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// Planned requests that are in no other figure, because the run was killed before they left a record, or a shard is missing;
    /// of a missing shard, at least so many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unrecorded: u64,
    /// Wall time of the origin of all instants, RFC 3339 in UTC.
    pub origin: String,
    /// The same in nanoseconds since the Unix epoch.
    pub origin_unix_ns: u64,
    /// From the origin to the end of the last request, in seconds.
    pub duration_s: f64,
    /// How far the wall clock was set while the run went on, in seconds, forward above 0; absent below a tenth. No latency knows of it,
    /// but the times of the server's log do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_clock_step_s: Option<f64>,
    /// The seed of arrivals, lengths and prompts.
    pub seed: u64,
    /// How prompts were made, and what counts as a token of theirs.
    pub prompts: String,
    /// What the run took of the machine that generated the load.
    #[serde(default)]
    pub usage: ProcessUsage,
}

/// One of several processes that send one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Its number, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// What a report was merged from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// How they belong together.
    pub kind: MergeKind,
    /// Each of them: the host of a shard, the run id of a repeat.
    pub of: Vec<String>,
    /// The numbers of the shards of the plan that were not there: the requests of the stages are a part of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u32>,
    /// What makes figures of them together doubtful, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// How reports belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeKind {
    /// Each sent its part of one plan, all at the same time.
    Shards,
    /// Each sent a plan of its own by the same config, one after the other.
    Repeats,
}

/// What the process took of its machine, from its start to the writing of the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProcessUsage {
    /// CPU time of all threads, in seconds.
    pub cpu_s: f64,
    /// The most memory that was resident at once, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_max_bytes: Option<u64>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every planned request has ended by itself.
    Complete,
    /// A signal or a limit ended it early.
    Partial,
    /// It goes on, or was killed: this report holds what was known when a stage last began or ended, and no figures. The
    /// records beside it hold more.
    Unfinished,
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
    /// The API, as `api.type` names it.
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
        let mut ended = self.outcomes.values();
        let ended = ended.try_fold(0_u64, |sum, count| sum.checked_add(*count));
        self.not_sent.checked_add(self.sent) == Some(self.planned) && ended == Some(self.sent)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
