//! A prompt, whoever made it.

use bench_contract::TokenCount;

/// A prompt as it goes into a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Text.
    Text(String),
    /// Token ids, which the server takes as they are.
    TokenIds(Vec<u32>),
    /// What was said so far.
    Messages(Vec<Message>),
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What.
    pub content: String,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The operator.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A prompt and what the client knows of its length.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The prompt.
    pub prompt: Prompt,
    /// Its length as the client counts it; `None` where nothing can count it.
    pub tokens: Option<TokenCount>,
    /// More keys of this request's body, sent as they are.
    pub extra: Option<serde_json::Map<String, serde_json::Value>>,
}
