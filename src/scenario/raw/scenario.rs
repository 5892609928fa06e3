//! A scenario as it is written: in part, where it changes a preset.

use bench_contract::config::{DataType, DistributionType, LoadType, Salt, SweepType};
use bench_contract::{RequestsPerSecond, Seconds, Slo, TokenCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What the prompts are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScenarioData {
    /// Where prompts come from.
    #[serde(rename = "type")]
    pub kind: Option<ValuesDataType>,
    /// Lengths of prompts, in tokens.
    pub input: Option<ValuesDistribution>,
    /// Lengths of replies asked for, in tokens.
    pub output: Option<ValuesDistribution>,
    /// A file or folder in the pod, for the types that read one.
    pub path: Option<String>,
    /// Whether each prompt starts with text drawn from the run id (engine loadgen). Default `run`.
    pub salt: Option<Salt>,
}

/// Where prompts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesDataType {
    /// A short fixed prompt with a number in it.
    Mock,
    /// English text of the asked length.
    Synthetic,
    /// Random tokens of the asked length.
    Random,
    /// Conversations in ShareGPT's format (engine inference-perf).
    #[serde(rename = "shareGPT")]
    ShareGpt,
    /// News to summarise (engine inference-perf).
    CnnDailymail,
    /// Instructions (engine inference-perf).
    InfinityInstruct,
    /// Bills to summarise (engine inference-perf).
    BillsumConversations,
}

impl From<ValuesDataType> for DataType {
    fn from(kind: ValuesDataType) -> Self {
        match kind {
            ValuesDataType::Mock => Self::Mock,
            ValuesDataType::Synthetic => Self::Synthetic,
            ValuesDataType::Random => Self::Random,
            ValuesDataType::ShareGpt => Self::ShareGpt,
            ValuesDataType::CnnDailymail => Self::CnnDailymail,
            ValuesDataType::InfinityInstruct => Self::InfinityInstruct,
            ValuesDataType::BillsumConversations => Self::BillsumConversations,
        }
    }
}

/// A distribution of lengths in tokens, clamped to `min..max`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ValuesDistribution {
    /// The shape. Default `normal`; another one needs engine loadgen.
    #[serde(rename = "type")]
    pub kind: Option<ValuesDistributionType>,
    /// Mean, in tokens.
    #[schemars(range(min = 0))]
    pub mean: Option<f64>,
    /// Standard deviation, in tokens; 0 = always the mean.
    #[schemars(range(min = 0))]
    pub std_dev: Option<f64>,
    /// The least length, in tokens.
    pub min: Option<TokenCount>,
    /// The greatest length, in tokens.
    pub max: Option<TokenCount>,
}

/// The shape of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesDistributionType {
    /// Gaussian.
    Normal,
    /// Log-normal above `min`.
    Lognormal,
    /// Uniform over `min..max`.
    Uniform,
    /// Always the mean.
    Fixed,
}

impl From<ValuesDistributionType> for DistributionType {
    fn from(kind: ValuesDistributionType) -> Self {
        match kind {
            ValuesDistributionType::Normal => Self::Normal,
            ValuesDistributionType::Lognormal => Self::Lognormal,
            ValuesDistributionType::Uniform => Self::Uniform,
            ValuesDistributionType::Fixed => Self::Fixed,
        }
    }
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
}

/// The arrival process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesLoadType {
    /// Equal gaps.
    Constant,
    /// Independent exponential gaps, as many users produce them.
    Poisson,
}

impl From<ValuesLoadType> for LoadType {
    fn from(kind: ValuesLoadType) -> Self {
        match kind {
            ValuesLoadType::Constant => Self::Constant,
            ValuesLoadType::Poisson => Self::Poisson,
        }
    }
}

/// A rate held for a duration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesStage {
    /// Requests per second.
    pub rate: RequestsPerSecond,
    /// How long: seconds, or text with a unit.
    pub duration: Seconds,
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
