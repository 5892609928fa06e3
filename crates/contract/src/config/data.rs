//! `data`: what the prompts are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Seconds, TokenCount, serialize_number};

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

/// Groups of prompts with a common prefix: system prompts, each with its users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SharedPrefix {
    /// How many different prefixes. Default 10.
    #[serde(alias = "num_unique_system_prompts")]
    #[schemars(range(min = 1))]
    pub num_groups: u32,
    /// How many prompts a prefix has. Default 10. A run of more requests sends them again.
    #[serde(alias = "num_users_per_system_prompt")]
    #[schemars(range(min = 1))]
    pub num_prompts_per_group: u32,
    /// Length of a prefix, in tokens. Default 100.
    pub system_prompt_len: Length,
    /// Length of what follows it, in tokens. Default 50.
    pub question_len: Length,
    /// Length of replies asked for, in tokens. Default 50.
    pub output_len: Length,
    /// The seed of the prompts; absent: the run's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The older way to write `question_len`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question_distribution: Option<Distribution>,
    /// The older way to write `output_len`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_distribution: Option<Distribution>,
    /// Conversations instead of single prompts: `data.multi_turn` with its defaults, where that is not given.
    #[serde(skip_serializing_if = "is_false")]
    pub enable_multi_turn_chat: bool,
    /// inference-perf's pictures, sound and films. Refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multimodal: Option<serde_json::Value>,
}

impl Default for SharedPrefix {
    fn default() -> Self {
        Self {
            num_groups: 10,
            num_prompts_per_group: 10,
            system_prompt_len: Length::Fixed(100),
            question_len: Length::Fixed(50),
            output_len: Length::Fixed(50),
            seed: None,
            question_distribution: None,
            output_distribution: None,
            enable_multi_turn_chat: false,
            multimodal: None,
        }
    }
}

/// Made-up conversations: a system prompt that all share, one that each has for itself, and turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConversationReplay {
    /// inference-perf's seed of the conversations. Read and not used: the run's is.
    pub seed: u64,
    /// How many different conversations. Default 200. A run of more conversations holds them again.
    #[schemars(range(min = 1))]
    pub num_conversations: u32,
    /// Length of the system prompt that all share, in tokens; 0 = none. Default 8359.
    pub shared_system_prompt_len: TokenCount,
    /// Length of what each conversation adds to it, in tokens. Absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_system_prompt_len: Option<Distribution>,
    /// Turns a conversation. Absent: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns_per_conversation: Option<Distribution>,
    /// Length of what a user says in a turn, in tokens. Absent: 512.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens_per_turn: Option<Distribution>,
    /// Length of the replies asked for, in tokens. Absent: 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_per_turn: Option<Distribution>,
    /// Seconds from the end of a reply to the next turn. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_latency_sec: Option<Distribution>,
    /// The longest conversation, in tokens, replies included: a turn that would go beyond it is not begun. Default 225000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_model_len: Option<u64>,
}

impl Default for ConversationReplay {
    fn default() -> Self {
        Self {
            seed: 42,
            num_conversations: 200,
            shared_system_prompt_len: 8359,
            dynamic_system_prompt_len: None,
            turns_per_conversation: None,
            input_tokens_per_turn: None,
            output_tokens_per_turn: None,
            tool_call_latency_sec: None,
            max_model_len: None,
        }
    }
}

/// Conversations whose turns follow each other as people take them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MultiTurn {
    /// The mean time from the end of a reply to the next turn of its conversation. Default 0.
    pub think_time: Seconds,
    /// How think times are drawn. Default `exponential`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think_time_type: Option<ThinkTime>,
    /// At most so many turns a conversation. Default 10.
    #[schemars(range(min = 1, max = 1000))]
    pub max_turns: u32,
}

impl Default for MultiTurn {
    fn default() -> Self {
        Self {
            think_time: Seconds::whole(0),
            think_time_type: None,
            max_turns: 10,
        }
    }
}

/// How think times are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThinkTime {
    /// Independent and exponential.
    #[default]
    Exponential,
    /// Always the mean.
    Fixed,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
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
