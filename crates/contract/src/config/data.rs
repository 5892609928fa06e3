//! `data`: what the prompts are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{TokenCount, serialize_number};

/// What the prompts are and how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Data {
    /// Where prompts come from.
    #[serde(rename = "type")]
    pub kind: DataType,
    /// A file or folder, for the types that read one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Text that synthetic prompts are cut from, instead of the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corpus_file_path: Option<String>,
    /// Lengths of prompts, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_distribution: Option<Distribution>,
    /// Lengths of replies asked for, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_distribution: Option<Distribution>,
    /// Groups of prompts that share a prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_prefix: Option<SharedPrefix>,
    /// Lengths from a trace: that of `load.trace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceFile>,
    /// Whether each prompt starts with text drawn from the run id (ours). Default `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
}

/// Where prompts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// A short fixed prompt with a number in it.
    #[default]
    Mock,
    /// English text of the asked length.
    Synthetic,
    /// Random tokens of the asked length.
    Random,
    /// Groups of prompts with a common prefix.
    SharedPrefix,
    /// Conversations in ShareGPT's format.
    #[serde(rename = "shareGPT")]
    ShareGpt,
    /// inference-perf's news summaries.
    CnnDailymail,
    /// inference-perf's instruction set.
    InfinityInstruct,
    /// inference-perf's bill summaries.
    BillsumConversations,
    /// inference-perf's recorded agent calls.
    OtelTraceReplay,
    /// inference-perf's recorded agent calls.
    WekaTraceReplay,
    /// inference-perf's made-up conversations.
    ConversationReplay,
    /// inference-perf's image chats.
    Visionarena,
}

impl DataType {
    /// The name in config and values.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Synthetic => "synthetic",
            Self::Random => "random",
            Self::SharedPrefix => "shared_prefix",
            Self::ShareGpt => "shareGPT",
            Self::CnnDailymail => "cnn_dailymail",
            Self::InfinityInstruct => "infinity_instruct",
            Self::BillsumConversations => "billsum_conversations",
            Self::OtelTraceReplay => "otel_trace_replay",
            Self::WekaTraceReplay => "weka_trace_replay",
            Self::ConversationReplay => "conversation_replay",
            Self::Visionarena => "visionarena",
        }
    }

    /// Whether prompts are made from `input_distribution` and `output_distribution`.
    #[must_use]
    pub fn uses_distributions(self) -> bool {
        matches!(self, Self::Synthetic | Self::Random)
    }
}

/// A distribution of lengths in tokens, clamped to `[min, max]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Distribution {
    /// The shape. Default `normal`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DistributionType>,
    /// Mean, in tokens. Default 512.
    #[serde(serialize_with = "serialize_number_ref")]
    #[schemars(range(min = 0))]
    pub mean: f64,
    /// Standard deviation, in tokens. Default 200, or 0 where `variance` is given.
    #[serde(
        alias = "std",
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize_option"
    )]
    #[schemars(range(min = 0))]
    pub std_dev: Option<f64>,
    /// The least length, in tokens. Default 10.
    pub min: TokenCount,
    /// The greatest length, in tokens. Default 1024.
    pub max: TokenCount,
    /// Variance, instead of `std_dev`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize_option"
    )]
    #[schemars(range(min = 0))]
    pub variance: Option<f64>,
    /// Shape of `skew_normal`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize_option"
    )]
    pub skew: Option<f64>,
    /// How many lengths inference-perf draws beforehand. Read and not needed: lengths are a function of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<u64>,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            kind: None,
            mean: 512.0,
            std_dev: None,
            min: 10,
            max: 1024,
            variance: None,
            skew: None,
            total_count: None,
        }
    }
}

impl Distribution {
    /// The standard deviation in tokens, with inference-perf's default of 200 where neither it nor the variance is given.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        match (self.std_dev, self.variance) {
            (None, Some(variance)) => variance.max(0.0).sqrt(),
            (given, _) => given.unwrap_or(200.0),
        }
    }
}

/// The shape of a [`Distribution`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DistributionType {
    /// Gaussian, clamped to `[min, max]`.
    #[default]
    Normal,
    /// Skewed Gaussian (Azzalini).
    SkewNormal,
    /// Log-normal above `min`.
    Lognormal,
    /// Uniform over `[min, max]`.
    Uniform,
    /// Poisson.
    Poisson,
    /// Always the mean.
    Fixed,
}

/// inference-perf's `data.shared_prefix`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SharedPrefix {
    /// How many different prefixes.
    #[serde(default = "ten", alias = "num_groups")]
    pub num_unique_system_prompts: u32,
    /// How many prompts a prefix has.
    #[serde(default = "ten", alias = "num_prompts_per_group")]
    pub num_users_per_system_prompt: u32,
    /// Everything else, kept as it was read.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

fn ten() -> u32 {
    10
}

/// A trace file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceFile {
    /// Path of the file.
    pub file: String,
    /// Its format.
    #[serde(default)]
    pub format: TraceFormat,
}

/// The format of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TraceFormat {
    /// The CSV of the Azure LLM inference traces of 2023 and 2024: TIMESTAMP, ContextTokens, GeneratedTokens.
    #[default]
    AzurePublicDataset,
}

/// Whether prompts differ between two runs of one seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Salt {
    /// Each prompt starts with text drawn from the run id, so that a run does not read the last one's prefix cache.
    #[default]
    Run,
    /// The same bytes in every run of one seed.
    None,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn serialize_number_ref<S: serde::Serializer>(
    value: &f64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_number(*value, serializer)
}

fn serialize_option<S: serde::Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(number) => serialize_number(*number, serializer),
        None => serializer.serialize_none(),
    }
}
