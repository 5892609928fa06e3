//! The bytes of a request: head and body in one buffer, so that one write sends them.

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, Server, ServerType};
use serde_json::json;

use crate::plan::prompt::Prompt;

/// Everything of a request that is the same for all of them.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// The head up to and including `content-length: `.
    head: String,
    /// The body up to the prompt.
    before: String,
    /// The body between the prompt and the reply length.
    middle: String,
    /// The body after the reply length.
    after: String,
    chat: bool,
}

/// What a request is addressed to and authorised by.
pub struct Addressing<'a> {
    /// `host[:port]` for the `host` header.
    pub authority: &'a str,
    /// Path of the base URL, without a trailing slash.
    pub path: &'a str,
    /// The bearer key.
    pub api_key: Option<&'a str>,
}

impl RequestTemplate {
    /// The template for a config, asking for `model`.
    #[must_use]
    pub fn new(config: &Config, server: &Server, to: &Addressing<'_>, model: &str) -> Self {
        let chat = config.api.kind == ApiType::Chat;
        let route = if chat {
            "/v1/chat/completions"
        } else {
            "/v1/completions"
        };
        let accept = if config.api.streaming {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut head = head("POST", &format!("{}{route}", to.path), accept, to, config);
        head.push_str("content-type: application/json\r\ncontent-length: ");

        let (open, close) = if chat {
            ("\"messages\":[{\"role\":\"user\",\"content\":", "}]")
        } else {
            ("\"prompt\":", "")
        };
        let mut after = String::new();
        if server.kind != ServerType::Openai {
            after.push_str(&format!(",\"ignore_eos\":{}", server.ignore_eos));
        }
        after.push_str(&format!(",\"stream\":{}", config.api.streaming));
        if config.api.streaming {
            after.push_str(",\"stream_options\":{\"include_usage\":true}");
        }
        after.push('}');
        Self {
            head,
            before: format!("{{\"model\":{},{open}", json!(model)),
            middle: format!("{close},\"max_tokens\":"),
            after,
            chat,
        }
    }

    /// Head and body of one request, and how many of the bytes are body. `id` goes into `x-request-id`, by which logs of the
    /// server can be joined to ours.
    #[must_use]
    pub fn request(
        &self,
        id: &str,
        prompt: &Prompt,
        output_tokens: TokenCount,
    ) -> (Vec<u8>, usize) {
        let prompt = match prompt {
            Prompt::Text(text) => json!(text).to_string(),
            Prompt::Messages(messages) => {
                let contents = messages.iter().map(|message| message.content.as_str());
                json!(contents.collect::<Vec<_>>().join("\n")).to_string()
            }
            Prompt::TokenIds(ids) => {
                debug_assert!(!self.chat, "chats take text");
                let mut list = String::with_capacity(ids.len() * 6 + 2);
                let mut separator = '[';
                for id in ids {
                    list.push(separator);
                    list.push_str(itoa::Buffer::new().format(*id));
                    separator = ',';
                }
                list.push(']');
                list
            }
        };
        let mut number = itoa::Buffer::new();
        let output_tokens = number.format(output_tokens);
        let body = self.before.len()
            + prompt.len()
            + self.middle.len()
            + output_tokens.len()
            + self.after.len();
        let mut bytes = Vec::with_capacity(self.head.len() + id.len() + body + 48);
        for part in [
            &self.head,
            itoa::Buffer::new().format(body),
            "\r\nx-request-id: ",
            id,
            "\r\n\r\n",
            &self.before,
            &prompt,
            &self.middle,
            output_tokens,
            &self.after,
        ] {
            bytes.extend_from_slice(part.as_bytes());
        }
        (bytes, body)
    }
}

/// Request line and headers: ours, each of them replaced where the config has one of the same name, and the config's. What
/// describes the body can follow.
#[must_use]
pub fn head(
    method: &str,
    path: &str,
    accept: &str,
    to: &Addressing<'_>,
    config: &Config,
) -> String {
    let given = || config.api.headers.iter().flatten();
    let agent = concat!("loadgen/", env!("CARGO_PKG_VERSION"));
    let key = to.api_key.map(|key| format!("Bearer {key}"));
    let ours = [
        ("host", Some(to.authority)),
        ("user-agent", Some(agent)),
        ("accept", Some(accept)),
        ("accept-encoding", Some("identity")),
        ("authorization", key.as_deref()),
    ];
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in ours {
        let is_given = given().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if let (Some(value), false) = (value, is_given) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in given().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type")) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(json: serde_json::Value) -> RequestTemplate {
        let config: Config = serde_json::from_value(json).unwrap();
        let server = config.server.clone().unwrap();
        RequestTemplate::new(
            &config,
            &server,
            &Addressing {
                authority: "h:1",
                path: "",
                api_key: Some("k"),
            },
            "m\"x",
        )
    }

    fn body(bytes: &[u8], length: usize) -> serde_json::Value {
        serde_json::from_slice(&bytes[bytes.len() - length..]).unwrap()
    }

    #[test]
    fn a_completion_has_inference_perfs_keys() {
        let template = template(
            serde_json::json!({"api": {"streaming": true}, "server": {"base_url": "http://h:1"}}),
        );
        let (bytes, length) = template.request("id-1", &Prompt::TokenIds(vec![1, 22, 333]), 128);
        assert_eq!(
            body(&bytes, length),
            serde_json::json!({"model": "m\"x", "prompt": [1, 22, 333], "max_tokens": 128, "ignore_eos": true,
                "stream": true, "stream_options": {"include_usage": true}})
        );
        let head = String::from_utf8_lossy(&bytes[..bytes.len() - length]).into_owned();
        assert!(
            head.starts_with("POST /v1/completions HTTP/1.1\r\nhost: h:1\r\n"),
            "{head}"
        );
        assert!(
            head.contains("authorization: Bearer k\r\n")
                && head.contains(&format!("content-length: {length}\r\n"))
        );
        assert!(head.ends_with("x-request-id: id-1\r\n\r\n"));
    }

    #[test]
    fn a_chat_carries_a_message_and_openai_gets_no_extra_key() {
        let template = template(serde_json::json!({
            "api": {"type": "chat", "headers": {"Authorization": "Basic x", "Host": "gateway", "X-A": "1"}},
            "server": {"type": "openai", "base_url": "http://h:1"}
        }));
        let (bytes, length) = template.request("i", &Prompt::Text("say \"hi\"\n".to_owned()), 5);
        assert_eq!(
            body(&bytes, length),
            serde_json::json!({"model": "m\"x", "messages": [{"role": "user", "content": "say \"hi\"\n"}],
                "max_tokens": 5, "stream": false})
        );
        let head = String::from_utf8_lossy(&bytes).into_owned();
        assert!(head.contains("Authorization: Basic x") && !head.contains("Bearer"));
        assert!(
            head.contains("Host: gateway")
                && !head.contains("host: h:1")
                && head.contains("X-A: 1")
        );
    }
}
