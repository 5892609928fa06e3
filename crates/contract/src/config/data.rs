//! `data`: what the prompts are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prompts::{ConversationReplay, MultiTurn, SharedPrefix};
use crate::units::{TokenCount, serialize_number};

/// The ShareGPT file that is read where none is named, as inference-perf does it.
pub const SHAREGPT: &str =
    "hf://anon8231489123/ShareGPT_Vicuna_unfiltered/ShareGPT_V3_unfiltered_cleaned_split.json";

/// What the prompts are and how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Data {
    /// Where prompts come from.
    #[serde(rename = "type")]
    pub kind: DataType,
    /// A file or folder, for the types that read one: a path in the pod, `hf://owner/name/file` (a data set of the Hugging
    /// Face hub), or `s3://bucket/key` (also `gs://`, `az://`; ours).
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
    /// Made-up conversations of several turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_replay: Option<ConversationReplay>,
    /// Several turns a conversation, each of which carries the server's answers so far (ours). Without it, data sets of
    /// conversations are sent as single requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_turn: Option<MultiTurn>,
    /// Begin anew when a data set has fewer entries than the run has requests (ours). Default false: that is an error, since
    /// a prompt that comes twice is an answer from the prefix cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse: Option<bool>,
    /// Lengths from a trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceFile>,
    /// Whether each prompt starts with text drawn from the run id (ours). Default `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
}

impl Data {
    /// How conversations are held, where prompts are turns of one: each turn follows the reply to the one before.
    #[must_use]
    pub fn conversations(&self) -> Option<MultiTurn> {
        let is_asked = match self.kind {
            DataType::ConversationReplay => true,
            DataType::SharedPrefix => self
                .shared_prefix
                .as_ref()
                .is_some_and(|shared| shared.enable_multi_turn_chat),
            _ => false,
        };
        self.multi_turn
            .clone()
            .or_else(|| is_asked.then(MultiTurn::default))
    }

    /// At most so many turns a conversation has.
    #[must_use]
    pub fn most_turns(&self, how: &MultiTurn) -> u32 {
        let otherwise = if self.kind == DataType::ConversationReplay {
            1000
        } else {
            10
        };
        how.max_turns.unwrap_or(otherwise).clamp(1, 1000)
    }

    /// Whether prompts have beginnings in common on purpose, so that a server's prefix cache answers for a part of them.
    #[must_use]
    pub fn shares_prefixes(&self) -> bool {
        self.kind == DataType::SharedPrefix
            || self.conversations().is_some()
            || self.reuse == Some(true)
    }
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
    /// A file with one prompt, list of messages, or request of OpenAI's batch format a line (ours).
    Jsonl,
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
    /// Made-up conversations of several turns.
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
            Self::Jsonl => "jsonl",
            Self::CnnDailymail => "cnn_dailymail",
            Self::InfinityInstruct => "infinity_instruct",
            Self::BillsumConversations => "billsum_conversations",
            Self::OtelTraceReplay => "otel_trace_replay",
            Self::WekaTraceReplay => "weka_trace_replay",
            Self::ConversationReplay => "conversation_replay",
            Self::Visionarena => "visionarena",
        }
    }

    /// Whether prompts are read from `path`.
    #[must_use]
    pub fn reads_a_file(self) -> bool {
        matches!(self, Self::ShareGpt | Self::Jsonl)
    }

    /// Whether prompts are made from `input_distribution` and `output_distribution`.
    #[must_use]
    pub fn uses_distributions(self) -> bool {
        matches!(self, Self::Synthetic | Self::Random)
    }
}

/// A distribution of lengths in tokens, kept within `[min, max]`.
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
    /// What becomes of a length outside `[min, max]` (ours). Default `clamp`, as inference-perf does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<Truncate>,
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
            truncate: None,
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

/// What becomes of a drawn length outside `[min, max]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Truncate {
    /// It becomes `min` or `max`, where lengths pile up.
    #[default]
    Clamp,
    /// It is drawn again, so that lengths are those of the distribution between the two.
    Resample,
}

/// A length in tokens: always the same, or drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Length {
    /// Always this one.
    Fixed(TokenCount),
    /// Drawn for each.
    Drawn(Distribution),
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
    /// Mooncake's JSON lines: `timestamp` (ms), `input_length`, `output_length`, and `hash_ids`, which say which blocks of 512
    /// tokens prompts have in common (ours).
    Mooncake,
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
