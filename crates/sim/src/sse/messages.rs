//! Anthropic's Messages API. The content is a list of blocks: thinking, where there is any, and text.

use std::io::Write as _;

use serde_json::{Value, json};

use super::{Stream, push_text};

/// One of the blocks of the content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Thinking,
    Text,
}

impl Stream {
    pub(super) fn message_begins(&self, out: &mut Vec<u8>) {
        let mut message = self.message(&[]);
        message["usage"] = self.message_usage(0);
        self.json(
            out,
            "message_start",
            &json!({"type": "message_start", "message": message}),
        );
        self.json(out, "ping", &json!({"type": "ping"}));
    }

    pub(super) fn message_tokens(
        &self,
        out: &mut Vec<u8>,
        from: u32,
        count: u32,
        is_last: bool,
    ) -> u32 {
        let upto = from + count;
        let border = self.options.reasoning_tokens;
        let mut events = 0;
        if from < border {
            if from == 0 {
                self.block_begins(out, Block::Thinking);
            }
            self.block_delta(out, Block::Thinking, from, border.min(upto));
            events += 1;
            if upto >= border || is_last {
                self.block_ends(out, Block::Thinking);
            }
        }
        if upto > border {
            if from <= border {
                self.block_begins(out, Block::Text);
            }
            self.block_delta(out, Block::Text, from.max(border), upto);
            events += 1;
            if is_last {
                self.block_ends(out, Block::Text);
            }
        }
        events
    }

    pub(super) fn message_ends(&self, out: &mut Vec<u8>, n: u32, finish: &str, usage: bool) {
        let mut delta = json!({"type": "message_delta", "delta": {"stop_reason": stop_reason(finish), "stop_sequence": null}});
        if usage {
            delta["usage"] = self.message_usage(n);
        }
        self.json(out, "message_delta", &delta);
        self.json(out, "message_stop", &json!({"type": "message_stop"}));
    }

    /// The body of a reply that is not streamed.
    pub(super) fn whole_message(&self, n: u32, finish: &str, usage: bool) -> Value {
        let reasoning = self.reasoning(n);
        let mut content = Vec::new();
        if reasoning > 0 {
            content.push(json!({"type": "thinking", "thinking": self.text(0, reasoning), "signature": self.signature()}));
        }
        if n > reasoning {
            content.push(json!({"type": "text", "text": self.text(reasoning, n)}));
        }
        let mut message = self.message(&content);
        message["stop_reason"] = stop_reason(finish).into();
        if usage {
            message["usage"] = self.message_usage(n);
        }
        message
    }

    fn message(&self, content: &[Value]) -> Value {
        json!({
            "id": format!("msg_sim-{:012}", self.index), "type": "message", "role": "assistant", "model": self.model,
            "content": content, "stop_reason": null, "stop_sequence": null,
        })
    }

    /// What was read from the cache is not among the input tokens.
    fn message_usage(&self, n: u32) -> Value {
        let cached = self.options.cached_tokens.unwrap_or(0);
        let mut usage =
            json!({"input_tokens": self.options.prompt_tokens - cached, "output_tokens": n});
        if self.options.cached_tokens.is_some() {
            usage["cache_read_input_tokens"] = cached.into();
            usage["cache_creation_input_tokens"] = 0.into();
        }
        usage
    }

    fn signature(&self) -> String {
        format!("sim{:012}", self.index)
    }

    fn block_index(&self, block: Block) -> u32 {
        u32::from(block == Block::Text && self.options.reasoning_tokens > 0)
    }

    fn block_begins(&self, out: &mut Vec<u8>, block: Block) {
        let content = match block {
            Block::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Block::Text => json!({"type": "text", "text": ""}),
        };
        let index = self.block_index(block);
        self.json(
            out,
            "content_block_start",
            &json!({"type": "content_block_start", "index": index, "content_block": content}),
        );
    }

    /// Tokens of a block. Words need no escaping, so that there is nothing to serialise.
    fn block_delta(&self, out: &mut Vec<u8>, block: Block, from: u32, upto: u32) {
        let index = self.block_index(block);
        let (kind, key) = match block {
            Block::Thinking => ("thinking_delta", "thinking"),
            Block::Text => ("text_delta", "text"),
        };
        self.event(out, Some("content_block_delta"), |out| {
            // Writing to memory cannot fail.
            let _ = write!(
                out,
                "{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"{kind}\",\"{key}\":\""
            );
            push_text(out, self.index, from, upto);
            out.extend_from_slice(b"\"}}");
        });
    }

    fn block_ends(&self, out: &mut Vec<u8>, block: Block) {
        let index = self.block_index(block);
        if block == Block::Thinking {
            let delta = json!({"type": "signature_delta", "signature": self.signature()});
            self.json(
                out,
                "content_block_delta",
                &json!({"type": "content_block_delta", "index": index, "delta": delta}),
            );
        }
        self.json(
            out,
            "content_block_stop",
            &json!({"type": "content_block_stop", "index": index}),
        );
    }
}

fn stop_reason(finish: &str) -> &'static str {
    if finish == "stop" {
        "end_turn"
    } else {
        "max_tokens"
    }
}
