//! What the server says of itself, read from its `/metrics` while the load ran.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server's own metrics from the run's origin to the end of the last stage. What no address says is absent, never 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerMetrics {
    /// Whose names were found; absent where nothing could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<MetricsKind>,
    /// Time between two reads, in seconds.
    pub interval_s: f64,
    /// Where it was read.
    pub sources: Vec<MetricsSource>,
    /// What could not be read, and what is in doubt because of it, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Over time, in the bins of the report's `series`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<ServerSeries>,
    /// Over each stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<ServerStage>,
}

impl ServerMetrics {
    /// What is known of a stage.
    #[must_use]
    pub fn stage(&self, number: u32) -> Option<&ServerStage> {
        self.stages.iter().find(|stage| stage.stage == number)
    }
}

/// Whose names metrics have.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MetricsKind {
    /// `vllm:…`.
    Vllm,
    /// `sglang:…`.
    Sglang,
    /// `tgi_…`.
    Tgi,
}

impl MetricsKind {
    /// What the server is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::Tgi => "TGI",
        }
    }
}

/// One address that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MetricsSource {
    /// The page, without credentials.
    pub url: String,
    /// The socket address that it was read from; absent where the name did not resolve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Reads that succeeded.
    pub reads: u64,
    /// Reads that failed.
    pub failed: u64,
    /// Processes that answered there, where they can be told apart: more than one after a restart, or behind a balancer.
    pub instances: u64,
}

/// Over time: each list has one entry for each bin of the report's `series`, or is left out where nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerSeries {
    /// Start of the first bin, in seconds from the run's origin.
    pub start_s: u64,
    /// Width of a bin, in seconds.
    pub width_s: u64,
    /// Requests in the running batch, summed over all servers; a mean over the bin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<Option<f64>>,
    /// Requests that wait in the server for a place in the batch, summed over all servers; a mean over the bin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Option<f64>>,
    /// Share of the KV cache in use, in `[0, 1]`; a mean over all servers and the bin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kv_usage: Vec<Option<f64>>,
    /// The same of the fullest server; a mean over the bin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kv_usage_max: Vec<Option<f64>>,
    /// Prompt tokens that were found in the prefix cache, divided by those that were looked up, in the bin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefix_hit_rate: Vec<Option<f64>>,
    /// Running requests that were put back for want of KV cache, in the bin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preemptions: Vec<Option<f64>>,
    /// Output tokens by the server's own count, in the bin. SGLang and TGI count them when a request ends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generation_tokens: Vec<Option<f64>>,
}

/// Over one stage, drain included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerStage {
    /// The stage's number.
    pub stage: u32,
    /// Requests in the running batch, summed over all servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Gauge>,
    /// Requests that wait in the server for a place in the batch, summed over all servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Gauge>,
    /// Share of the KV cache in use, in `[0, 1]`: its mean over all servers, and the greatest of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_usage: Option<Gauge>,
    /// Running requests that were put back for want of KV cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u64>,
    /// Prompt tokens that were found in the prefix cache, divided by those that were looked up. Of a server that counts neither,
    /// the mean of the rate that it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_hit_rate: Option<f64>,
    /// Prompt tokens by the server's own count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Output tokens by the server's own count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_tokens: Option<u64>,
    /// The same per second of the time from the first send to the end of the last request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_tokens_per_s: Option<f64>,
    /// Output tokens that came to the client, those of requests that failed included.
    pub client_tokens: u64,
    /// Whether the counters were read when the stage had just begun and when it had just ended, so that both counts are of the
    /// same requests.
    pub is_covered: bool,
    /// What differs between the server's count of tokens and the client's, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// A value that goes up and down, over a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gauge {
    /// Its mean over time.
    pub mean: f64,
    /// Its greatest value at a read.
    pub max: f64,
}
