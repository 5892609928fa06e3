//! Completions and chats.

use serde_json::{Value, json};

use super::{Stream, push_number, push_text};
use crate::request::Kind;
use crate::tokens;

/// What all events begin with, up to the choices.
pub(super) fn front(kind: Kind, index: u64, created: u64, model: &str) -> String {
    let (id, object) = match kind {
        Kind::Completion => ("cmpl", "text_completion"),
        Kind::Chat => ("chatcmpl", "chat.completion.chunk"),
        Kind::Responses | Kind::Messages | Kind::Embeddings => return String::new(),
    };
    let model = Value::from(model);
    format!(
        "{{\"id\":\"{id}-sim-{index:012}\",\"object\":\"{object}\",\"created\":{created},\"model\":{model},\"choices\":["
    )
}

impl Stream {
    /// Chat's first chunk, which carries the role and no text.
    pub(super) fn chat_begins(&self, out: &mut Vec<u8>) {
        self.event(out, None, |out| {
            out.extend_from_slice(self.front.as_bytes());
            out.extend_from_slice(b"{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}");
        });
    }

    /// The event of `count` tokens from token `from`.
    pub(super) fn choice(&self, out: &mut Vec<u8>, from: u32, count: u32, finish: Option<&str>) {
        let upto = from + count;
        self.event(out, None, |out| {
            out.extend_from_slice(self.front.as_bytes());
            out.extend_from_slice(b"{\"index\":0,");
            if self.kind == Kind::Chat {
                let reasoning = self.options.reasoning_tokens.clamp(from, upto);
                out.extend_from_slice(b"\"delta\":{");
                if reasoning > from {
                    out.extend_from_slice(b"\"reasoning_content\":\"");
                    push_text(out, self.index, from, reasoning);
                    out.extend_from_slice(if upto > reasoning { b"\"," } else { b"\"" });
                }
                if upto > reasoning {
                    out.extend_from_slice(b"\"content\":\"");
                    push_text(out, self.index, reasoning, upto);
                    out.push(b'"');
                }
                out.push(b'}');
            } else {
                out.extend_from_slice(b"\"text\":\"");
                push_text(out, self.index, from, upto);
                out.push(b'"');
            }
            out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
            match finish {
                None => out.extend_from_slice(b"null"),
                Some(finish) => {
                    out.push(b'"');
                    out.extend_from_slice(finish.as_bytes());
                    out.push(b'"');
                }
            }
            if self.options.token_ids {
                out.extend_from_slice(b",\"token_ids\":[");
                for k in from..upto {
                    if k > from {
                        out.push(b',');
                    }
                    push_number(out, u64::from(tokens::id(self.index, k)));
                }
                out.push(b']');
            }
            out.extend_from_slice(b"}]");
            if self.options.continuous_usage {
                self.push_usage(out, upto);
            }
            out.push(b'}');
        });
    }

    /// The usage chunk: no choices.
    pub(super) fn usage(&self, out: &mut Vec<u8>, completion_tokens: u32) {
        self.event(out, None, |out| {
            out.extend_from_slice(self.front.as_bytes());
            out.push(b']');
            self.push_usage(out, completion_tokens);
            out.push(b'}');
        });
    }

    fn push_usage(&self, out: &mut Vec<u8>, completion_tokens: u32) {
        out.extend_from_slice(b",\"usage\":");
        let usage = self.counts(completion_tokens).to_string();
        out.extend_from_slice(usage.as_bytes());
    }

    /// Usage, with the details that there are.
    fn counts(&self, n: u32) -> Value {
        let prompt = self.options.prompt_tokens;
        let mut usage = json!({"prompt_tokens": prompt, "total_tokens": u64::from(prompt) + u64::from(n), "completion_tokens": n});
        if let Some(cached) = self.options.cached_tokens {
            usage["prompt_tokens_details"] = json!({"cached_tokens": cached});
        }
        let reasoning = self.reasoning(n);
        if self.kind == Kind::Chat && reasoning > 0 {
            usage["completion_tokens_details"] = json!({"reasoning_tokens": reasoning});
        }
        usage
    }

    /// The body of a reply that is not streamed.
    pub(super) fn whole_choice(&self, n: u32, finish: &str, usage: bool) -> Value {
        let (id, object, mut choice) = if self.kind == Kind::Completion {
            (
                "cmpl",
                "text_completion",
                json!({"index": 0, "text": self.text(0, n)}),
            )
        } else {
            let reasoning = self.reasoning(n);
            let mut message = json!({"role": "assistant", "content": self.text(reasoning, n)});
            if reasoning > 0 {
                message["reasoning_content"] = self.text(0, reasoning).into();
            }
            (
                "chatcmpl",
                "chat.completion",
                json!({"index": 0, "message": message}),
            )
        };
        choice["logprobs"] = Value::Null;
        choice["finish_reason"] = finish.into();
        if self.options.token_ids {
            choice["token_ids"] = (0..n).map(|k| tokens::id(self.index, k)).collect();
        }
        let mut body = json!({
            "id": format!("{id}-sim-{:012}", self.index), "object": object,
            "created": self.created, "model": self.model, "choices": [choice],
        });
        if usage {
            body["usage"] = self.counts(n);
        }
        body
    }
}
