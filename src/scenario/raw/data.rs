//! What the prompts of a scenario are, as it is written.

use bench_contract::config::{DataType, DistributionType, Salt, ThinkTime, Truncate};
use bench_contract::{Seconds, TokenCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// What `shareGPT` and `jsonl` read: a file or folder in the pod, `hf://owner/name/file` (a data set of the Hugging Face
    /// hub), or `s3://bucket/key` (also `gs://`, `az://`).
    pub path: Option<String>,
    /// Text in the pod that `synthetic` prompts are cut from, in place of the built-in one (engine loadgen).
    pub corpus_file_path: Option<String>,
    /// Groups of prompts that share a prefix.
    pub shared_prefix: Option<ValuesSharedPrefix>,
    /// Made-up conversations of several turns (engine loadgen).
    pub conversation_replay: Option<ValuesConversations>,
    /// Hold conversations: each turn carries the server's answers so far. Without it, data sets of conversations are sent as
    /// single requests (engine loadgen).
    pub multi_turn: Option<ValuesMultiTurn>,
    /// Begin anew when a data set has fewer entries than the run has requests, which is an error else (engine loadgen).
    pub reuse: Option<bool>,
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
    /// Conversations in ShareGPT's format.
    #[serde(rename = "shareGPT")]
    ShareGpt,
    /// A file with one prompt, list of messages, or request of OpenAI's batch format a line (engine loadgen).
    Jsonl,
    /// Groups of prompts that share a prefix.
    SharedPrefix,
    /// Made-up conversations of several turns (engine loadgen).
    ConversationReplay,
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
            ValuesDataType::Jsonl => Self::Jsonl,
            ValuesDataType::SharedPrefix => Self::SharedPrefix,
            ValuesDataType::ConversationReplay => Self::ConversationReplay,
            ValuesDataType::CnnDailymail => Self::CnnDailymail,
            ValuesDataType::InfinityInstruct => Self::InfinityInstruct,
            ValuesDataType::BillsumConversations => Self::BillsumConversations,
        }
    }
}

/// A distribution of lengths in tokens, kept within `min..max`.
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
    /// Shape of `skew_normal`; 0 = not skewed.
    pub skew: Option<f64>,
    /// What becomes of a length outside `min..max` (engine loadgen). Default `clamp`.
    pub truncate: Option<Truncate>,
}

/// A length in tokens: always the same, or drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ValuesLength {
    /// Always this one.
    Fixed(TokenCount),
    /// Drawn for each.
    Drawn(ValuesDistribution),
}

/// Groups of prompts with a common prefix: system prompts, each with its users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ValuesSharedPrefix {
    /// How many different prefixes. Default 10.
    #[schemars(range(min = 1))]
    pub num_groups: Option<u32>,
    /// How many prompts a prefix has. Default 10.
    #[schemars(range(min = 1))]
    pub num_prompts_per_group: Option<u32>,
    /// Length of a prefix, in tokens. Default 100.
    pub system_prompt_len: Option<ValuesLength>,
    /// Length of what follows it, in tokens. Default 50.
    pub question_len: Option<ValuesLength>,
    /// Length of replies asked for, in tokens. Default 50.
    pub output_len: Option<ValuesLength>,
}

/// Made-up conversations of several turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ValuesConversations {
    /// How many different conversations. Default 200.
    #[schemars(range(min = 1))]
    pub num_conversations: Option<u32>,
    /// Length of the system prompt that all share, in tokens; 0 = none. Default 8359.
    pub shared_system_prompt_len: Option<TokenCount>,
    /// Length of what each conversation adds to it, in tokens.
    pub dynamic_system_prompt_len: Option<ValuesDistribution>,
    /// Turns a conversation. Default 10.
    pub turns_per_conversation: Option<ValuesDistribution>,
    /// Length of what a user says in a turn, in tokens. Default 512.
    pub input_tokens_per_turn: Option<ValuesDistribution>,
    /// Length of the replies asked for, in tokens. Default 256.
    pub output_tokens_per_turn: Option<ValuesDistribution>,
    /// The longest conversation, in tokens, replies included. Default 225000.
    #[schemars(range(min = 1))]
    pub max_model_len: Option<u64>,
}

/// Conversations whose turns follow each other as people take them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ValuesMultiTurn {
    /// The mean time from the end of a reply to the next turn: seconds, or text with a unit. Default 0.
    pub think_time: Option<Seconds>,
    /// How think times are drawn. Default `exponential`.
    pub think_time_type: Option<ThinkTime>,
    /// At most so many turns a conversation. Default 10; with `conversation_replay`, which says it itself, no limit.
    #[schemars(range(min = 1, max = 1000))]
    pub max_turns: Option<u32>,
}

/// The shape of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesDistributionType {
    /// Gaussian.
    Normal,
    /// Skewed Gaussian (Azzalini).
    SkewNormal,
    /// Log-normal above `min`.
    Lognormal,
    /// Uniform over `min..max`.
    Uniform,
    /// Poisson.
    Poisson,
    /// Always the mean.
    Fixed,
}

impl From<ValuesDistributionType> for DistributionType {
    fn from(kind: ValuesDistributionType) -> Self {
        match kind {
            ValuesDistributionType::Normal => Self::Normal,
            ValuesDistributionType::SkewNormal => Self::SkewNormal,
            ValuesDistributionType::Poisson => Self::Poisson,
            ValuesDistributionType::Lognormal => Self::Lognormal,
            ValuesDistributionType::Uniform => Self::Uniform,
            ValuesDistributionType::Fixed => Self::Fixed,
        }
    }
}
