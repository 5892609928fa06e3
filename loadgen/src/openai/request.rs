//! The bytes of a request: head and body in one buffer, so that one write sends them.

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, Server};
use serde_json::{Map, Value, json};

use super::dialect::{Dialect, response_format};
use super::head::{Addressing, head};
use crate::plan::prompt::{Message, Prompt, Role};

/// Keys that decide how long a reply may be: a least length of ours beside another one's would contradict them.
const LENGTH_KEYS: [&str; 4] = [
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "ignore_eos",
];

/// Everything of a request that is the same for all of them.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// The head up to and including `content-length: `.
    head: String,
    api: ApiType,
    /// The model, as JSON.
    model: String,
    /// The body's keys, in order.
    keys: Vec<Key>,
}

/// A key of a body.
#[derive(Clone, Debug)]
struct Key {
    name: String,
    value: Content,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    /// The same JSON in all requests.
    Fixed(String),
    /// The model, or the adapter in its place.
    Model,
    /// The prompt.
    Prompt,
    /// What the operator says, where an API has a place of its own for that; left out where he says nothing.
    System,
    /// The reply's length.
    Length,
    /// The same as the least that the reply may have.
    LeastLength,
}

/// What differs from request to request.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The value of `x-request-id`, by which logs of the server can be joined to ours.
    pub id: &'a str,
    /// The prompt.
    pub prompt: &'a Prompt,
    /// More keys of the body, sent as they are; one of ours is replaced.
    pub extra: Option<&'a Map<String, Value>>,
    /// The adapter to ask for in place of the model.
    pub adapter: Option<&'a str>,
    /// The reply's length, in tokens.
    pub output_tokens: TokenCount,
}

impl RequestTemplate {
    /// The template for a config, asking for `model`.
    #[must_use]
    pub fn new(config: &Config, server: &Server, to: &Addressing<'_>, model: &str) -> Self {
        let api = config.api.kind;
        let accept = if config.api.streaming {
            "text/event-stream"
        } else {
            "application/json"
        };
        let path = format!("{}{}", to.path, api.route());
        let mut head = head("POST", &path, accept, to, config);
        head.push_str("content-type: application/json\r\ncontent-length: ");
        let keys = keys(config, server);
        Self {
            head,
            api,
            model: json!(model).to_string(),
            keys,
        }
    }

    /// Head and body of one request, and how many of the bytes are body.
    #[must_use]
    pub fn request(&self, ask: &Ask<'_>) -> (Vec<u8>, usize) {
        let body = self.body(ask);
        let mut bytes = Vec::with_capacity(self.head.len() + ask.id.len() + body.len() + 48);
        for part in [
            &self.head,
            itoa::Buffer::new().format(body.len()),
            "\r\nx-request-id: ",
            ask.id,
            "\r\n\r\n",
            &body,
        ] {
            bytes.extend_from_slice(part.as_bytes());
        }
        (bytes, body.len())
    }

    fn body(&self, ask: &Ask<'_>) -> String {
        let extra = |name: &str| ask.extra.and_then(|extra| extra.get(name));
        let mut body = Body(String::with_capacity(256));
        for Key { name, value } in &self.keys {
            if let Some(given) = extra(name) {
                body.key(name).push_str(&given.to_string());
                continue;
            }
            let mut number = itoa::Buffer::new();
            match value {
                Content::Fixed(json) => body.key(name).push_str(json),
                Content::Model => match ask.adapter {
                    Some(adapter) => body.key(name).push_str(&json!(adapter).to_string()),
                    None => body.key(name).push_str(&self.model),
                },
                Content::Prompt => prompt(self.api, ask.prompt, body.key(name)),
                Content::System => {
                    if let Some(said) = system(ask.prompt) {
                        body.key(name).push_str(&json!(said).to_string());
                    }
                }
                Content::Length => body.key(name).push_str(number.format(ask.output_tokens)),
                Content::LeastLength => {
                    if LENGTH_KEYS.iter().all(|key| extra(key).is_none()) {
                        body.key(name).push_str(number.format(ask.output_tokens));
                    }
                }
            }
        }
        let is_new = |name: &str| self.keys.iter().all(|key| key.name != name);
        for (name, given) in ask.extra.into_iter().flatten() {
            if is_new(name) {
                body.key(name).push_str(&given.to_string());
            }
        }
        body.0.push('}');
        body.0
    }
}

/// A JSON object in the making.
struct Body(String);

impl Body {
    /// Begins a key, whose value is to be appended.
    fn key(&mut self, name: &str) -> &mut String {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&json!(name).to_string());
        self.0.push(':');
        &mut self.0
    }
}

/// The keys of a body, in inference-perf's order; ours follow.
fn keys(config: &Config, server: &Server) -> Vec<Key> {
    let api = config.api.kind;
    let dialect = Dialect::of(server.kind, api);
    let fixed = |value: Value| Content::Fixed(value.to_string());
    let prompt = match api {
        ApiType::Completion => "prompt",
        ApiType::Chat | ApiType::AnthropicMessages => "messages",
        ApiType::Responses | ApiType::Embeddings => "input",
    };
    let mut keys = vec![("model", Content::Model), (prompt, Content::Prompt)];
    keys.extend(dialect.length.map(|name| (name, Content::Length)));
    if dialect.ignore_eos {
        keys.push(("ignore_eos", fixed(server.ignore_eos.into())));
    }
    if dialect.stream {
        keys.push(("stream", fixed(config.api.streaming.into())));
    }
    if dialect.stream_options && config.api.streaming {
        keys.push(("stream_options", fixed(json!({"include_usage": true}))));
    }
    if api == ApiType::AnthropicMessages {
        keys.push(("system", Content::System));
    }
    let format = config.api.response_format.as_ref();
    let format = format.and_then(|format| response_format(server.kind, api, format));
    keys.extend(format.map(|(name, value)| (name, fixed(value))));
    if dialect.min_tokens && server.ignore_eos {
        // The end of a text is not the only thing that ends a reply: so are strings to stop at.
        keys.push(("min_tokens", Content::LeastLength));
    }
    let mut keys: Vec<Key> = keys
        .into_iter()
        .map(|(name, value)| Key {
            name: name.to_owned(),
            value,
        })
        .collect();
    let extra = config.api.extra_body.iter().flatten();
    if extra
        .clone()
        .any(|(name, _)| LENGTH_KEYS.contains(&name.as_str()))
    {
        keys.retain(|key| key.value != Content::LeastLength);
    }
    for (name, value) in extra {
        let value = Content::Fixed(value.to_string());
        match keys.iter_mut().find(|key| key.name == *name) {
            Some(key) => key.value = value,
            None => keys.push(Key {
                name: name.clone(),
                value,
            }),
        }
    }
    keys
}

/// Appends a prompt in the form of its API.
fn prompt(api: ApiType, prompt: &Prompt, body: &mut String) {
    let user = |text: &str| json!([{"role": Role::User.as_str(), "content": text}]);
    let message =
        |message: &Message| json!({"role": message.role.as_str(), "content": message.content});
    let json = match (api, prompt) {
        (ApiType::Chat | ApiType::AnthropicMessages, Prompt::Text(text)) => user(text),
        (ApiType::Chat | ApiType::Responses, Prompt::Messages(messages)) => {
            messages.iter().map(message).collect()
        }
        (ApiType::AnthropicMessages, Prompt::Messages(messages)) => {
            let said = messages.iter().filter(|one| one.role != Role::System);
            said.map(message).collect()
        }
        (ApiType::Completion | ApiType::Embeddings, Prompt::Messages(messages)) => {
            let contents = messages.iter().map(|message| message.content.as_str());
            json!(contents.collect::<Vec<_>>().join("\n"))
        }
        (ApiType::Completion | ApiType::Responses | ApiType::Embeddings, Prompt::Text(text)) => {
            json!(text)
        }
        (_, Prompt::TokenIds(ids)) => {
            debug_assert!(
                matches!(api, ApiType::Completion | ApiType::Embeddings),
                "the other APIs take text"
            );
            let mut separator = '[';
            body.reserve(ids.len() * 6 + 2);
            for id in ids {
                body.push(separator);
                body.push_str(itoa::Buffer::new().format(*id));
                separator = ',';
            }
            body.push_str(if ids.is_empty() { "[]" } else { "]" });
            return;
        }
    };
    body.push_str(&json.to_string());
}

/// What the operator says in a conversation.
fn system(prompt: &Prompt) -> Option<String> {
    let Prompt::Messages(messages) = prompt else {
        return None;
    };
    let said = messages.iter().filter(|one| one.role == Role::System);
    let said: Vec<&str> = said.map(|message| message.content.as_str()).collect();
    (!said.is_empty()).then(|| said.join("\n\n"))
}

#[cfg(test)]
mod tests;
