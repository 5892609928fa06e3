//! Which keys a server takes on an API. One table, so that no other place asks who the server is.

use bench_contract::config::{ApiType, ResponseFormat, ResponseFormatType, ServerType};
use serde_json::{Value, json};

/// The keys of a request body that not every server takes on every API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// What the most tokens of a reply are called; `None` where replies have none.
    pub length: Option<&'static str>,
    /// Whether it takes `ignore_eos`.
    pub ignore_eos: bool,
    /// Whether it takes `min_tokens`.
    pub min_tokens: bool,
    /// Whether it takes `stream`.
    pub stream: bool,
    /// Whether it takes `stream_options`.
    pub stream_options: bool,
}

impl Dialect {
    /// What `server` takes on `api`.
    ///
    /// vLLM and SGLang have keys of their own on the two APIs that they began with; of the others only vLLM's Responses knows
    /// `ignore_eos`. TGI's router has neither key on any route, and `stream_options` on chats alone. `openai` stands for whoever
    /// refuses keys that are not in the API's own reference, which calls the length of a chat `max_completion_tokens`.
    #[must_use]
    pub fn of(server: ServerType, api: ApiType) -> Self {
        use ServerType::{Mock, Openai, Sglang, Tgi, Vllm};
        let length = match (api, server) {
            (ApiType::Completion | ApiType::AnthropicMessages, _)
            | (ApiType::Chat, Vllm | Sglang | Tgi | Mock) => Some("max_tokens"),
            (ApiType::Chat, Openai) => Some("max_completion_tokens"),
            (ApiType::Responses, _) => Some("max_output_tokens"),
            (ApiType::Embeddings, _) => None,
        };
        let (ignore_eos, min_tokens) = match (api, server) {
            (ApiType::Completion | ApiType::Chat, Vllm | Sglang | Mock) => (true, true),
            (ApiType::Responses, Vllm | Mock) => (true, false),
            _ => (false, false),
        };
        let stream_options = match (api, server) {
            (ApiType::Completion, Vllm | Sglang | Openai | Mock) | (ApiType::Chat, _) => true,
            (ApiType::Completion, Tgi) => false,
            (ApiType::Responses | ApiType::AnthropicMessages | ApiType::Embeddings, _) => false,
        };
        Self {
            length,
            ignore_eos,
            min_tokens,
            stream: api != ApiType::Embeddings,
            stream_options,
        }
    }
}

/// The key by which structured output is asked for, and its value, in the form that the server has for it. `None` where there
/// is none; a config that asks for it there is refused.
#[must_use]
pub fn response_format(
    server: ServerType,
    api: ApiType,
    format: &ResponseFormat,
) -> Option<(&'static str, Value)> {
    let schema = || json!(format.json_schema);
    let name = format.name.as_deref().unwrap_or("structured_output");
    let is_schema = format.kind == ResponseFormatType::JsonSchema;
    match api {
        // TGI calls any JSON by a schema `json_object`, and puts the schema beside it.
        ApiType::Completion | ApiType::Chat if server == ServerType::Tgi => {
            let value = if is_schema {
                schema()
            } else {
                json!({"type": "object"})
            };
            Some((
                "response_format",
                json!({"type": "json_object", "value": value}),
            ))
        }
        ApiType::Completion | ApiType::Chat if is_schema => Some((
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema()}}),
        )),
        ApiType::Completion | ApiType::Chat => {
            Some(("response_format", json!({"type": "json_object"})))
        }
        ApiType::Responses if is_schema => Some((
            "text",
            json!({"format": {"type": "json_schema", "name": name, "schema": schema()}}),
        )),
        ApiType::Responses => Some(("text", json!({"format": {"type": "json_object"}}))),
        ApiType::AnthropicMessages if is_schema => Some((
            "output_config",
            json!({"format": {"type": "json_schema", "schema": schema()}}),
        )),
        ApiType::AnthropicMessages | ApiType::Embeddings => None,
    }
}
