//! Prompts that have beginnings in common, and conversations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::{Distribution, Length};
use crate::units::{Seconds, TokenCount};

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
    /// The seed of lengths and order; absent: the run's, which texts always follow.
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

impl SharedPrefix {
    /// Lengths of what follows a prefix, however they are written.
    #[must_use]
    pub fn question(&self) -> Length {
        let older = self.question_distribution.clone().map(Length::Drawn);
        older.unwrap_or_else(|| self.question_len.clone())
    }

    /// Lengths of replies asked for, however they are written.
    #[must_use]
    pub fn output(&self) -> Length {
        let older = self.output_distribution.clone().map(Length::Drawn);
        older.unwrap_or_else(|| self.output_len.clone())
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

impl ConversationReplay {
    /// How many turns there are.
    #[must_use]
    pub fn turns(&self) -> Length {
        drawn(self.turns_per_conversation.as_ref(), 10)
    }

    /// Lengths of what a user says.
    #[must_use]
    pub fn input(&self) -> Length {
        drawn(self.input_tokens_per_turn.as_ref(), 512)
    }

    /// Lengths of the replies asked for.
    #[must_use]
    pub fn output(&self) -> Length {
        drawn(self.output_tokens_per_turn.as_ref(), 256)
    }
}

fn drawn(given: Option<&Distribution>, otherwise: TokenCount) -> Length {
    given.map_or(Length::Fixed(otherwise), |given| {
        Length::Drawn(given.clone())
    })
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
    /// At most so many turns a conversation. Default 10; with `conversation_replay`, which says it itself, no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_turns: Option<u32>,
}

impl Default for MultiTurn {
    fn default() -> Self {
        Self {
            think_time: Seconds::whole(0),
            think_time_type: None,
            max_turns: None,
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
