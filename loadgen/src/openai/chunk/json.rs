//! The JSON of a completion or a chat, as far as it is read.

use std::borrow::Cow;
use std::fmt;

use bench_contract::TokenCount;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(default, borrow)]
    pub(super) choices: Option<Choices<'a>>,
    #[serde(default)]
    pub(super) usage: Option<UsageJson>,
    #[serde(default)]
    pub(super) error: Option<serde_json::Value>,
    #[serde(default, borrow)]
    pub(super) object: Option<Text<'a>>,
    #[serde(default)]
    pub(super) message: Option<serde_json::Value>,
}

/// The choices of an event, of which the first is read: one is asked for.
pub(super) struct Choices<'a> {
    pub(super) first: Option<Choice<'a>>,
    /// Whether there are others.
    pub(super) more: bool,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default, borrow)]
    pub(super) text: Option<Text<'a>>,
    /// Of a stream.
    #[serde(default, borrow)]
    pub(super) delta: Option<Delta<'a>>,
    /// Of a reply that is no stream. No alias of `delta`: servers send one beside a null of the other. Boxed, for events of
    /// streams do without.
    #[serde(default, borrow)]
    pub(super) message: Option<Box<Delta<'a>>>,
    #[serde(default, borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
    #[serde(default)]
    pub(super) token_ids: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(default, borrow)]
    pub(super) content: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) reasoning_content: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) reasoning: Option<Text<'a>>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
pub(super) struct ToolCall {
    #[serde(default)]
    pub(super) function: Option<Function>,
}

#[derive(Deserialize)]
pub(super) struct Function {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) arguments: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct UsageJson {
    #[serde(default)]
    pub(super) prompt_tokens: Option<TokenCount>,
    #[serde(default)]
    pub(super) completion_tokens: Option<TokenCount>,
    #[serde(default)]
    pub(super) prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    pub(super) completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
pub(super) struct PromptDetails {
    #[serde(default)]
    pub(super) cached_tokens: Option<TokenCount>,
}

#[derive(Deserialize)]
pub(super) struct CompletionDetails {
    #[serde(default)]
    pub(super) reasoning_tokens: Option<TokenCount>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    /// In place of a list on the heap, which would be a good part of what an event costs.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;

        impl<'de> Visitor<'de> for First {
            type Value = Choices<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of choices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element()?;
                let mut more = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Choices { first, more })
            }
        }

        deserializer.deserialize_seq(First)
    }
}

impl ToolCall {
    /// Whether it has text: a name, or a part of the arguments.
    pub(super) fn says_something(&self) -> bool {
        let some = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        self.function
            .as_ref()
            .is_some_and(|function| some(&function.name) || some(&function.arguments))
    }
}

impl<'a> Choice<'a> {
    /// What is said: the delta of a stream, or the message of a reply that is none.
    pub(super) fn said(&self) -> Option<&Delta<'a>> {
        self.delta.as_ref().or(self.message.as_deref())
    }

    /// Whether it says why it finished. Some servers send an empty reason until then.
    pub(super) fn is_finished(&self) -> bool {
        let reason = self.finish_reason.as_ref();
        reason.is_some_and(|reason| !reason.0.is_empty())
    }

    /// Its visible text: neither reasoning nor calls of tools.
    pub(super) fn visible(&self, is_completion: bool) -> &str {
        let text = if is_completion {
            self.text.as_ref()
        } else {
            self.said().and_then(|said| said.content.as_ref())
        };
        text.map_or("", |text| &text.0)
    }
}
