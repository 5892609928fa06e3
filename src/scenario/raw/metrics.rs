//! `benchmark.metrics`: the server's own metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server's own metrics, read from its `/metrics` while the load runs (engine loadgen).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metrics {
    /// Whether they are read.
    pub scrape: bool,
    /// Pages to read, each at every address that its host resolves to; [] = `/metrics` below `target.baseUrl`, at every address that
    /// requests go to.
    #[schemars(example = ["http://qwen3-vllm-pods.default:8000/metrics"])]
    pub urls: Vec<String>,
}
