//! A scenario as it is written: in part, where it changes a preset.

use bench_contract::config::{LoadType, Stage, SweepType};
use bench_contract::{Burstiness, Probability, RequestsPerSecond, Seconds, Slo, Speedup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::ScenarioData;

/// A scenario: what is sent and when. One that is no preset must be complete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// What it answers, in one sentence.
    pub description: Option<String>,
    /// What the prompts are.
    pub data: Option<ScenarioData>,
    /// When requests are sent.
    pub load: Option<ScenarioLoad>,
    /// Objectives of this scenario, in place of `benchmark.slo` (engine loadgen).
    pub slo: Option<Vec<Slo>>,
}

/// When requests are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScenarioLoad {
    /// The arrival process.
    #[serde(rename = "type")]
    pub kind: Option<ValuesLoadType>,
    /// The stages, in sequence.
    pub stages: Option<Vec<ValuesStage>>,
    /// Find the stages by searching for the saturation point (engine inference-perf).
    pub sweep: Option<ValuesSweep>,
    /// At most so many worker threads (loadgen: never more than the CPUs) or processes (inference-perf).
    #[schemars(range(min = 1))]
    pub num_workers: Option<u32>,
    /// Requests before the first stage, counted apart (engine loadgen).
    pub warmup: Option<ValuesWarmup>,
    /// `gamma`: how bursty arrivals are, as vLLM's `--burstiness`.
    pub burstiness: Option<Burstiness>,
    /// `trace_replay`: the trace that says when requests arrive and how long they are.
    pub trace: Option<ValuesTrace>,
    /// A share of requests that the client drops some time after sending them, as people do (engine loadgen).
    pub cancel: Option<ValuesCancel>,
    /// At most so many requests in flight; one that is due beyond it is not sent, and its stage is invalid (engine loadgen).
    #[schemars(range(min = 1))]
    pub max_in_flight: Option<u32>,
    /// LoRA adapters and their shares of the requests: each is asked for in place of the model (engine loadgen).
    pub lora_traffic_split: Option<Vec<ValuesLoraShare>>,
}

/// The arrival process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesLoadType {
    /// Equal gaps.
    Constant,
    /// Independent exponential gaps, as many users produce them.
    Poisson,
    /// Independent gamma gaps: burstier or more even than `poisson` (engine loadgen).
    Gamma,
    /// Closed loop: so many requests at once, each followed by the next as soon as it ends (engine loadgen).
    Concurrent,
    /// Arrivals and lengths of a trace (engine loadgen).
    TraceReplay,
}

impl From<ValuesLoadType> for LoadType {
    fn from(kind: ValuesLoadType) -> Self {
        match kind {
            ValuesLoadType::Constant => Self::Constant,
            ValuesLoadType::Poisson => Self::Poisson,
            ValuesLoadType::Gamma => Self::Gamma,
            ValuesLoadType::Concurrent => Self::Concurrent,
            ValuesLoadType::TraceReplay => Self::TraceReplay,
        }
    }
}

/// A rate held for a duration, or one that climbs or falls; of a closed loop, how many requests at once and in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ValuesStage {
    /// Requests per second. With `endRate`, those at the start.
    pub rate: Option<RequestsPerSecond>,
    /// Requests per second at the end of the stage: the rate changes linearly (engine loadgen), or in `steps`.
    pub end_rate: Option<RequestsPerSecond>,
    /// With `endRate`: so many stages of equal length instead of one, from `rate` to `endRate`.
    #[schemars(range(min = 2))]
    pub steps: Option<u32>,
    /// How long: seconds, or text with a unit. `concurrent` may have it instead of `numRequests`; without it, `trace_replay`
    /// replays the whole trace.
    pub duration: Option<Seconds>,
    /// `concurrent`: how many requests in all.
    #[schemars(range(min = 1))]
    pub num_requests: Option<u64>,
    /// `concurrent`: how many at once.
    #[schemars(range(min = 1))]
    pub concurrency_level: Option<u32>,
}

impl From<&ValuesStage> for Stage {
    fn from(stage: &ValuesStage) -> Self {
        Self {
            rate: stage.rate,
            end_rate: stage.end_rate,
            steps: stage.steps,
            duration: stage.duration,
            num_requests: stage.num_requests,
            concurrency_level: stage.concurrency_level,
        }
    }
}

/// A trace to replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesTrace {
    /// Path in the pod, where `volumes` and `volumeMounts` put it: the CSV of an Azure LLM inference trace, a trace of
    /// Mooncake's (JSON lines), or `requests.jsonl.zst` of an earlier run.
    pub file: String,
    /// How many times as fast as it was recorded. Default 1.
    pub speedup: Option<Speedup>,
}

/// A share of requests that the client drops some time after sending them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesCancel {
    /// The share of requests, in [0, 1).
    pub fraction: Probability,
    /// How long after it was sent such a request is dropped, if it has not ended by then.
    pub after: Seconds,
}

/// A LoRA adapter and its share of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesLoraShare {
    /// The adapter, as the server calls it.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its share, in [0, 1]; all of them add up to 1.
    #[schemars(range(min = 0, max = 1))]
    pub split: f64,
}

/// A search for the saturation point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesSweep {
    /// How the stages are spread below the saturation point.
    #[serde(rename = "type")]
    pub kind: SweepType,
    /// Requests of the probe. Default 2000.
    #[schemars(range(min = 1))]
    pub num_requests: Option<u64>,
    /// Time limit of the probe. Default 60 s.
    pub timeout: Option<Seconds>,
    /// How many stages. Default 5.
    #[schemars(range(min = 1))]
    pub num_stages: Option<u32>,
    /// How long a stage lasts. Default 180 s.
    pub stage_duration: Option<Seconds>,
    /// Which percentile of the probe's completion rates counts as saturation. Default 95.
    #[schemars(range(min = 0, max = 100))]
    pub saturation_percentile: Option<f64>,
}

/// Requests before the first stage, sent as the first stage would and counted apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesWarmup {
    /// How long.
    pub duration: Seconds,
}
