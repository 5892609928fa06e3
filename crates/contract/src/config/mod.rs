//! `config.yml`: inference-perf's schema (0.2.0 to 0.7) with our own keys beside it.
//!
//! Keys are `snake_case` as inference-perf's. Own keys are optional and are left out when they are not set, so that a
//! config for inference-perf holds nothing that it would refuse.

mod api;
mod check;
mod check_api;
mod check_data;
mod check_load;
mod check_stages;
mod data;
mod engine;
mod header_limits;
mod load;
mod metrics;
mod problem;
mod prompts;
mod server;
mod storage;

pub use api::{Api, ApiType, Connections, ResponseFormat, ResponseFormatType, Timeouts};
pub use data::{
    Data, DataType, Distribution, DistributionType, Length, SHAREGPT, Salt, TraceFile, TraceFormat,
    Truncate,
};
pub use header_limits::SloUnit;
pub use load::{Cancel, Load, LoadType, LoraShare, ReplayTrace, Stage, Sweep, SweepType, Warmup};
pub use problem::{ConfigProblem, KeyPath, Piece, Severity, Spot, Step, Text};
pub use prompts::{ConversationReplay, MultiTurn, SharedPrefix, ThinkTime};
pub use server::{Dns, Secret, Server, ServerType, Tokenizer};
pub use storage::{AddressingStyle, AzureStorage, CloudStorage, IfExists, LocalStorage, Storage};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::slo::{Limit, Slo};
use crate::units::Seconds;

/// A run: what to send, when, where to, and what is judged at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// The API of the server and how it is spoken.
    pub api: Api,
    /// What the prompts are.
    pub data: Data,
    /// When requests are sent.
    pub load: Load,
    /// The server under test. Required to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// The tokenizer that prompts are made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<Tokenizer>,
    /// Where reports go. `null` turns every target off; absent means a local folder.
    #[serde(skip_serializing_if = "is_default")]
    pub storage: Option<Storage>,
    /// What the reports hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportOptions>,
    /// The server's own metrics while the load runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsOptions>,
    /// inference-perf's circuit breakers. Refused when not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breakers: Option<Vec<serde_json::Value>>,
    /// Service level objectives, judged for each stage (ours).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slo: Vec<Slo>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api: Api::default(),
            data: Data::default(),
            load: Load::default(),
            server: None,
            tokenizer: None,
            storage: Some(Storage::default()),
            report: None,
            metrics: None,
            circuit_breakers: None,
            slo: Vec::new(),
        }
    }
}

impl Config {
    /// Limits that a single request must meet to count as good, in seconds: inference-perf's `report.goodput.constraints`, and
    /// over them the limits that requests carry in their headers. Empty where none is set. Names that are no metric of a request
    /// are left to [`Config::check`].
    #[must_use]
    pub fn goodput_limits(&self) -> Vec<(Metric, f64)> {
        let named = self.goodput_constraints().into_iter().flatten();
        let named =
            named.filter_map(|(name, limit)| Some((check::goodput_metric(name)?, limit.get())));
        let mut limits: BTreeMap<Metric, f64> = named.collect();
        let carried = self.api.header_limits().filter(|_| self.api.streaming);
        limits.extend(carried.filter_map(|carried| Some((carried.metric, carried.limit?))));
        limits.into_iter().collect()
    }

    fn goodput_constraints(&self) -> Option<&BTreeMap<String, Limit>> {
        Some(&self.report.as_ref()?.goodput.as_ref()?.constraints)
    }

    /// What the reports hold, defaults filled in.
    #[must_use]
    pub fn request_lifecycle(&self) -> RequestLifecycle {
        self.report
            .as_ref()
            .and_then(|report| report.request_lifecycle.clone())
            .unwrap_or_default()
    }
}

fn is_default(storage: &Option<Storage>) -> bool {
    storage.as_ref() == Some(&Storage::default())
}

/// The server's own metrics, read from its `/metrics` while the load runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MetricsOptions {
    /// Whether they are read (ours). Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape: Option<bool>,
    /// Pages to read, `http://host:port/metrics`, each at every address that its host resolves to (ours). Empty: `/metrics` below
    /// `server.base_url`, where the API is spoken to. The server's key goes to its own host alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Time between two reads, at least 100 ms (ours). Default 1 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Seconds>,
    /// inference-perf's client. Read and not used.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// inference-perf's Prometheus client. Read and not used: the server is asked itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<serde_json::Value>,
}

impl MetricsOptions {
    /// Whether the server's metrics are read.
    #[must_use]
    pub fn scrape(&self) -> bool {
        self.scrape.unwrap_or(true)
    }

    /// Time between two reads.
    #[must_use]
    pub fn interval(&self) -> Seconds {
        self.interval.unwrap_or(Seconds::whole(1))
    }
}

/// Reports: which, and how requests are judged one by one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReportOptions {
    /// The reports on requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_lifecycle: Option<RequestLifecycle>,
    /// Limits that a single request must meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goodput: Option<GoodputOptions>,
    /// inference-perf's Prometheus report. Read and not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<serde_json::Value>,
    /// inference-perf's session report. Read and not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_lifecycle: Option<serde_json::Value>,
}

/// inference-perf's `report.request_lifecycle`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequestLifecycle {
    /// Write `summary_lifecycle_metrics.json`.
    pub summary: bool,
    /// Write `stage_<N>_lifecycle_metrics.json`.
    pub per_stage: bool,
    /// Write `per_request_lifecycle_metrics.json`, and the reads in `requests.jsonl.zst`.
    pub per_request: bool,
    /// Reports per LoRA adapter. Read and not used.
    pub per_adapter: bool,
    /// Reports per LoRA adapter and stage. Read and not used.
    pub per_adapter_stage: bool,
    /// Percentiles of the reports, each in `[0, 100]`.
    pub percentiles: Vec<f64>,
    /// Count output tokens by the server's usage. Always so here.
    pub use_server_output_tokens: bool,
    /// How many distinct messages a kind of error keeps.
    pub max_error_messages: u32,
}

impl Default for RequestLifecycle {
    fn default() -> Self {
        Self {
            summary: true,
            per_stage: true,
            per_request: false,
            per_adapter: true,
            per_adapter_stage: false,
            percentiles: vec![
                0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9,
            ],
            use_server_output_tokens: false,
            max_error_messages: 100,
        }
    }
}

/// inference-perf's `report.goodput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GoodputOptions {
    /// The most that a request may take: `ttft`, `tpot`, `itl` (its mean), `ntpot`, `e2e` (or inference-perf's
    /// `request_latency`), and their `_scheduled` forms; seconds, or a duration with a unit.
    pub constraints: BTreeMap<String, Limit>,
}

#[cfg(test)]
mod tests;
