//! The bytes of a reply: server-sent events, each a chunk of its own, or a JSON body. Each API has a file.

mod choices;
mod messages;
mod responses;

use std::cell::Cell;

use serde_json::{Value, json};

use crate::reply::{self, Terms};
use crate::request::Kind;
use crate::tokens;

/// What an error in mid-stream says.
const DIED: &str = "simulated fault: the engine died in mid-stream";

/// Writes one reply.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) index: u64,
    pub(crate) kind: Kind,
    created: u64,
    model: String,
    /// What all events of completions and chats begin with, up to the choices.
    front: String,
    /// The number of the next event, where events have numbers.
    number: Cell<u32>,
    pub(crate) options: Options,
}

/// How the events look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) crlf: bool,
    pub(crate) terms: Terms,
    pub(crate) prompt_tokens: u32,
    /// How many of those were known already, where that is told.
    pub(crate) cached_tokens: Option<u32>,
    /// Leading tokens that are reasoning, where the API has such.
    pub(crate) reasoning_tokens: u32,
    /// A running usage in every event.
    pub(crate) continuous_usage: bool,
    pub(crate) token_ids: bool,
}

impl Stream {
    pub(crate) fn new(kind: Kind, index: u64, created: u64, model: &str, options: Options) -> Self {
        Self {
            index,
            kind,
            created,
            model: model.to_owned(),
            front: choices::front(kind, index, created, model),
            number: Cell::new(0),
            options,
        }
    }

    /// The response head.
    pub(crate) fn head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n",
        );
        if self.options.terms.http11 {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        out.extend_from_slice(reply::connection_field(self.options.terms).as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    /// The events before the first token.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Chat => self.chat_begins(out),
            Kind::Responses => self.response_begins(out),
            Kind::Messages => self.message_begins(out),
            Kind::Completion | Kind::Embeddings => {}
        }
    }

    /// The events of `count` tokens from token `from` (0 is the first); returns how many of them hold tokens.
    pub(crate) fn tokens(
        &self,
        out: &mut Vec<u8>,
        from: u32,
        count: u32,
        finish: Option<&str>,
    ) -> u32 {
        match self.kind {
            Kind::Responses => self.response_tokens(out, from, count, finish.is_some()),
            Kind::Messages => self.message_tokens(out, from, count, finish.is_some()),
            Kind::Completion | Kind::Chat | Kind::Embeddings => {
                self.choice(out, from, count, finish);
                1
            }
        }
    }

    /// What follows the last token, up to the end of the body.
    pub(crate) fn finale(&self, out: &mut Vec<u8>, n: u32, finish: &str, usage: bool) {
        match self.kind {
            Kind::Responses => self.response_ends(out, n, finish, usage),
            Kind::Messages => self.message_ends(out, n, finish, usage),
            Kind::Completion | Kind::Chat | Kind::Embeddings => {
                if usage {
                    self.usage(out, n);
                }
                self.event(out, None, |out| out.extend_from_slice(b"[DONE]"));
            }
        }
        self.end(out);
    }

    /// An event whose JSON breaks off.
    pub(crate) fn broken(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Responses => self.event(out, Some("response.output_text.delta"), |out| {
                out.extend_from_slice(b"{\"type\":\"response.output_te");
            }),
            Kind::Messages => self.event(out, Some("content_block_delta"), |out| {
                out.extend_from_slice(b"{\"type\":\"content_blo");
            }),
            Kind::Completion | Kind::Chat | Kind::Embeddings => self.event(out, None, |out| {
                out.extend_from_slice(self.front.as_bytes());
                out.extend_from_slice(b"{\"index\":0,\"te");
            }),
        }
    }

    /// An error inside the stream, and the end of the body.
    pub(crate) fn error(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Responses => self.response_fails(out, DIED),
            Kind::Messages => self.json(
                out,
                "error",
                &json!({"type": "error", "error": {"type": "api_error", "message": DIED}}),
            ),
            Kind::Completion | Kind::Chat | Kind::Embeddings => {
                let body = reply::error_body(500, DIED).to_string();
                self.event(out, None, |out| out.extend_from_slice(body.as_bytes()));
                self.event(out, None, |out| out.extend_from_slice(b"[DONE]"));
            }
        }
        self.end(out);
    }

    /// The body of a reply that is not streamed.
    pub(crate) fn whole(&self, n: u32, finish: &str, usage: bool) -> Value {
        match self.kind {
            Kind::Completion | Kind::Chat => self.whole_choice(n, finish, usage),
            Kind::Responses => self.whole_response(n, finish, usage),
            Kind::Messages => self.whole_message(n, finish, usage),
            Kind::Embeddings => self.embedding(usage),
        }
    }

    fn embedding(&self, usage: bool) -> Value {
        // The numbers say nothing; their length is that of an embedding of 32 dimensions.
        let vector: Vec<f64> = (0..32)
            .map(|k| f64::from(tokens::id(self.index, k)) / 1e4 - 0.1)
            .collect();
        let mut body = json!({
            "id": format!("embd-sim-{:012}", self.index), "object": "list", "created": self.created, "model": self.model,
            "data": [{"index": 0, "object": "embedding", "embedding": vector}],
        });
        if usage {
            let prompt = self.options.prompt_tokens;
            body["usage"] =
                json!({"prompt_tokens": prompt, "total_tokens": prompt, "completion_tokens": 0});
        }
        body
    }

    /// How many of the first `n` tokens are reasoning.
    fn reasoning(&self, n: u32) -> u32 {
        self.options.reasoning_tokens.min(n)
    }

    /// Tokens `from..upto` as text.
    fn text(&self, from: u32, upto: u32) -> String {
        let mut text = Vec::new();
        push_text(&mut text, self.index, from, upto);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn end(&self, out: &mut Vec<u8>) {
        if self.options.terms.http11 {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    /// An event of this name with a JSON object.
    fn json(&self, out: &mut Vec<u8>, name: &str, value: &Value) {
        let text = value.to_string();
        self.event(out, Some(name), |out| {
            out.extend_from_slice(text.as_bytes());
        });
    }

    fn event(&self, out: &mut Vec<u8>, name: Option<&str>, data: impl FnOnce(&mut Vec<u8>)) {
        let line_end: &[u8] = if self.options.crlf { b"\r\n" } else { b"\n" };
        let start = out.len();
        if let Some(name) = name {
            for part in [b"event: ", name.as_bytes(), line_end] {
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(b"data: ");
        data(out);
        out.extend_from_slice(line_end);
        out.extend_from_slice(line_end);
        if self.options.terms.http11 {
            chunk(out, start);
        }
    }
}

fn push_text(out: &mut Vec<u8>, index: u64, from: u32, upto: u32) {
    for k in from..upto {
        out.extend_from_slice(tokens::text(index, k).as_bytes());
    }
}

fn push_number(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Makes what follows `start` one chunk: its size in front, a line end behind.
fn chunk(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4).max(1) as usize;
    let front = digits + 2;
    out.resize(out.len() + front, 0);
    out.copy_within(start..start + len, start + front);
    for (at, byte) in out[start..start + digits].iter_mut().enumerate() {
        let nibble = (len >> (4 * (digits - 1 - at))) & 15;
        *byte = b"0123456789abcdef"[nibble];
    }
    out[start + digits] = b'\r';
    out[start + digits + 1] = b'\n';
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
