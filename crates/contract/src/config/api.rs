//! `api`: which API, and how it is spoken.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SloUnit;
use crate::units::Seconds;

/// The API of the server and how it is spoken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Api {
    /// Which API.
    #[serde(rename = "type")]
    pub kind: ApiType,
    /// Ask for a stream of server-sent events. Without it there is no TTFT, TPOT or ITL.
    pub streaming: bool,
    /// Headers of every request. Secrets belong in the environment (`OPENAI_API_KEY`), not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// The unit of the limits that requests carry in their headers. Default ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo_unit: Option<SloUnit>,
    /// The header, one of `headers`, that limits the TTFT of each request. Default `x-slo-ttft-<unit>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo_ttft_header: Option<String>,
    /// The header, one of `headers`, that limits the TPOT of each request. Default `x-slo-tpot-<unit>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo_tpot_header: Option<String>,
    /// Whether connections are kept (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// Time limits of one request (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// The form that replies must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// More keys of every request body, sent as they are; one of ours is replaced (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_body: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The request and reply format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiType {
    /// `POST /v1/completions`.
    #[default]
    Completion,
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/messages` (Anthropic).
    AnthropicMessages,
    /// `POST /v1/responses` (ours).
    Responses,
    /// `POST /v1/embeddings`: a prompt goes in, a vector comes out, and nothing is streamed (ours).
    Embeddings,
}

impl ApiType {
    /// Whether a prompt is a list of messages.
    #[must_use]
    pub fn takes_messages(self) -> bool {
        match self {
            Self::Completion | Self::Embeddings => false,
            Self::Chat | Self::AnthropicMessages | Self::Responses => true,
        }
    }

    /// The path of the API, below the base URL.
    #[must_use]
    pub fn route(self) -> &'static str {
        match self {
            Self::Completion => "/v1/completions",
            Self::Chat => "/v1/chat/completions",
            Self::AnthropicMessages => "/v1/messages",
            Self::Responses => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
        }
    }

    /// The name in config and values.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Chat => "chat",
            Self::AnthropicMessages => "anthropic_messages",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
        }
    }
}

/// Whether a request may use a connection that an earlier one has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// Idle connections are used again.
    #[default]
    Reuse,
    /// Every request opens its own, so that a Service spreads requests and not connections.
    Fresh,
}

/// Time limits of one request; one that passes is the outcome `timeout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Timeouts {
    /// For making a connection. Default 30 s.
    pub connect: Seconds,
    /// From the send to the first byte of the reply. Default: only `total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Seconds>,
    /// Between two reads of a reply. Default: only `total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Seconds>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Seconds::whole(30),
            first_byte: None,
            idle: None,
        }
    }
}

/// inference-perf's `api.response_format`: structured output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResponseFormat {
    /// What is asked for.
    #[serde(rename = "type")]
    pub kind: ResponseFormatType,
    /// The schema's name. Default `structured_output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The JSON Schema that replies must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What kind of structured output is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormatType {
    /// JSON that matches a schema.
    #[default]
    JsonSchema,
    /// Any JSON object.
    JsonObject,
}
