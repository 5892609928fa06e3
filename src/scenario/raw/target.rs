//! The server under test, and how it is spoken to.

use std::collections::BTreeMap;

use bench_contract::Seconds;
use bench_contract::config::{
    ApiType, Connections, Dns, ResponseFormat, ResponseFormatType, ServerType,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The kind of server. It decides which request keys are sent.
    pub server_type: ValuesServerType,
    /// The model, as the server calls it.
    #[schemars(length(min = 1), example = &"qwen3-8b")]
    pub model_name: String,
    /// Where the API is, without `/v1`.
    #[schemars(length(min = 1), example = &"http://qwen3-vllm.default:8000")]
    pub base_url: String,
    /// The tokenizer that prompts are made with: a Hugging Face id, a path in the pod, or "" for none.
    #[schemars(example = &"Qwen/Qwen3-8B")]
    pub tokenizer_path: String,
    /// Ask the server to generate exactly as many tokens as asked for.
    pub ignore_eos: bool,
    /// How long to wait for the server before time zero (engine loadgen).
    pub ready_timeout: Seconds,
    /// Headers of every request. Secrets belong into `apiKeySecret`.
    pub headers: BTreeMap<String, String>,
    /// The Secret that holds the server's key; it becomes `OPENAI_API_KEY` (engine loadgen).
    pub api_key_secret: SecretKey,
    /// The Secret that holds a Hugging Face token; it becomes `HF_TOKEN`.
    pub hf_token_secret: SecretKey,
    /// How TLS is spoken where `baseUrl` is https:// (engine loadgen).
    pub tls: Tls,
    /// When the host of `baseUrl` is resolved; either way new connections go to all its addresses in turn (engine loadgen).
    pub dns: ValuesDns,
}

/// The folder in which the pod finds the certificates of `tls.caSecret`.
pub const CA_FOLDER: &str = "/etc/benchctl/ca";

/// Their file in it, whatever the Secret calls it.
pub const CA_FILE: &str = "ca.crt";

impl Target {
    /// Where the pod finds the certificates of `tls.caSecret`, if there are any.
    #[must_use]
    pub fn ca_file(&self) -> Option<String> {
        (!self.tls.ca_secret.name.is_empty()).then(|| format!("{CA_FOLDER}/{CA_FILE}"))
    }
}

/// How TLS is spoken to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// The Secret that holds the certificates (PEM) of the authorities that may have signed the server's; both "" = those of
    /// the image, else the public ones.
    pub ca_secret: SecretKey,
    /// Take any certificate of the server. Anybody in between can read the key and the prompts.
    pub insecure_skip_verify: bool,
}

/// When the host of `baseUrl` is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValuesDns {
    /// Before time zero.
    Once,
    /// Anew for each connection.
    PerConnection,
}

impl From<ValuesDns> for Dns {
    fn from(dns: ValuesDns) -> Self {
        match dns {
            ValuesDns::Once => Self::Once,
            ValuesDns::PerConnection => Self::PerConnection,
        }
    }
}

/// The kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValuesServerType {
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// Text Generation Inference.
    Tgi,
    /// Anything that speaks OpenAI's API and refuses keys that are not in it (engine loadgen).
    Openai,
}

impl From<ValuesServerType> for ServerType {
    fn from(kind: ValuesServerType) -> Self {
        match kind {
            ValuesServerType::Vllm => Self::Vllm,
            ValuesServerType::Sglang => Self::Sglang,
            ValuesServerType::Tgi => Self::Tgi,
            ValuesServerType::Openai => Self::Openai,
        }
    }
}

/// One key of a Secret; both "" = none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKey {
    /// Name of the Secret, in the Job's namespace.
    pub name: String,
    /// Its key.
    pub key: String,
}

/// The API of the server and how it is spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesApi {
    /// Which API.
    #[serde(rename = "type")]
    pub kind: ValuesApiType,
    /// Ask for a stream of server-sent events. Without it there is no TTFT, TPOT or ITL.
    pub streaming: bool,
    /// Whether a request may use a connection that an earlier one has left (engine loadgen).
    pub connections: Connections,
    /// More keys of every request body, sent as they are; one of loadgen's own is replaced (engine loadgen).
    #[schemars(example = &serde_json::json!({"temperature": 0}))]
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// The form that replies must have (engine loadgen).
    pub response_format: ValuesResponseFormat,
}

/// Structured output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValuesResponseFormat {
    /// What is asked for.
    #[serde(rename = "type")]
    pub kind: ValuesResponseFormatType,
    /// The schema's name; "" is `structured_output`.
    pub name: String,
    /// The JSON Schema that replies must match, for `json_schema`.
    pub json_schema: serde_json::Map<String, serde_json::Value>,
}

/// What kind of structured output is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesResponseFormatType {
    /// None: replies are as the model gives them.
    None,
    /// JSON that matches a schema.
    JsonSchema,
    /// Any JSON object.
    JsonObject,
}

impl From<&ValuesResponseFormat> for Option<ResponseFormat> {
    fn from(format: &ValuesResponseFormat) -> Self {
        let kind = match format.kind {
            ValuesResponseFormatType::None => return None,
            ValuesResponseFormatType::JsonSchema => ResponseFormatType::JsonSchema,
            ValuesResponseFormatType::JsonObject => ResponseFormatType::JsonObject,
        };
        Some(ResponseFormat {
            kind,
            name: (!format.name.is_empty()).then(|| format.name.clone()),
            json_schema: (!format.json_schema.is_empty()).then(|| format.json_schema.clone()),
        })
    }
}

/// Which API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValuesApiType {
    /// `POST /v1/completions`.
    Completion,
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/responses` (engine loadgen).
    Responses,
    /// `POST /v1/messages`, Anthropic's (engine loadgen).
    AnthropicMessages,
    /// `POST /v1/embeddings`: nothing is generated, and nothing streamed (engine loadgen).
    Embeddings,
}

impl From<ValuesApiType> for ApiType {
    fn from(kind: ValuesApiType) -> Self {
        match kind {
            ValuesApiType::Completion => Self::Completion,
            ValuesApiType::Chat => Self::Chat,
            ValuesApiType::Responses => Self::Responses,
            ValuesApiType::AnthropicMessages => Self::AnthropicMessages,
            ValuesApiType::Embeddings => Self::Embeddings,
        }
    }
}

/// What is installed at start (engine inference-perf).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dependencies {
    /// pip packages.
    #[schemars(example = ["sentencepiece==0.2.0", "protobuf==5.29.2"])]
    pub packages: Vec<String>,
}
