//! The bytes of a streamed reply: server-sent events, each a chunk of its own.

use serde_json::{Value, json};

use crate::reply::{self, Terms};
use crate::request::Kind;
use crate::tokens;

/// Writes the events of one stream. All of them share their front part, which is made once.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) index: u64,
    pub(crate) kind: Kind,
    /// The JSON object up to its choices.
    front: String,
    pub(crate) options: Options,
}

/// How the events look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) crlf: bool,
    pub(crate) terms: Terms,
    pub(crate) prompt_tokens: u32,
    /// Leading tokens that are reasoning (chat).
    pub(crate) reasoning_tokens: u32,
    /// A running usage in every event.
    pub(crate) continuous_usage: bool,
    pub(crate) token_ids: bool,
}

impl Stream {
    pub(crate) fn new(kind: Kind, index: u64, created: u64, model: &str, options: Options) -> Self {
        let (id, object) = match kind {
            Kind::Completion => ("cmpl", "text_completion"),
            Kind::Chat => ("chatcmpl", "chat.completion.chunk"),
        };
        let model = Value::from(model);
        Self {
            index,
            kind,
            front: format!(
                "{{\"id\":\"{id}-sim-{index:012}\",\"object\":\"{object}\",\"created\":{created},\"model\":{model},\"choices\":["
            ),
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

    /// Chat's first chunk, which carries the role and no text; nothing for completions.
    pub(crate) fn role(&self, out: &mut Vec<u8>) {
        if self.kind == Kind::Chat {
            self.event(out, |out| {
                out.extend_from_slice(self.front.as_bytes());
                out.extend_from_slice(b"{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}");
            });
        }
    }

    /// The event of `count` tokens from token `from` (0 is the first).
    pub(crate) fn tokens(&self, out: &mut Vec<u8>, from: u32, count: u32, finish: Option<&str>) {
        let upto = from + count;
        self.event(out, |out| {
            out.extend_from_slice(self.front.as_bytes());
            out.extend_from_slice(b"{\"index\":0,");
            match self.kind {
                Kind::Completion => {
                    out.extend_from_slice(b"\"text\":\"");
                    push_text(out, self.index, from, upto);
                    out.push(b'"');
                }
                Kind::Chat => {
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
                }
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
    pub(crate) fn usage(&self, out: &mut Vec<u8>, completion_tokens: u32) {
        self.event(out, |out| {
            out.extend_from_slice(self.front.as_bytes());
            out.push(b']');
            self.push_usage(out, completion_tokens);
            out.push(b'}');
        });
    }

    /// An event whose JSON breaks off.
    pub(crate) fn broken(&self, out: &mut Vec<u8>) {
        self.event(out, |out| {
            out.extend_from_slice(self.front.as_bytes());
            out.extend_from_slice(b"{\"index\":0,\"te");
        });
    }

    /// An error inside the stream.
    pub(crate) fn error(&self, out: &mut Vec<u8>) {
        let body = reply::error_body(500, "simulated fault: the engine died in mid-stream");
        self.event(out, |out| {
            out.extend_from_slice(body.to_string().as_bytes());
        });
    }

    /// `[DONE]` and the end of the body.
    pub(crate) fn done(&self, out: &mut Vec<u8>) {
        self.event(out, |out| out.extend_from_slice(b"[DONE]"));
        if self.options.terms.http11 {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    fn event(&self, out: &mut Vec<u8>, data: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        out.extend_from_slice(b"data: ");
        data(out);
        out.extend_from_slice(if self.options.crlf {
            b"\r\n\r\n"
        } else {
            b"\n\n"
        });
        if self.options.terms.http11 {
            chunk(out, start);
        }
    }

    fn push_usage(&self, out: &mut Vec<u8>, completion_tokens: u32) {
        let prompt = u64::from(self.options.prompt_tokens);
        let completion = u64::from(completion_tokens);
        out.extend_from_slice(b",\"usage\":{\"prompt_tokens\":");
        push_number(out, prompt);
        out.extend_from_slice(b",\"total_tokens\":");
        push_number(out, prompt + completion);
        out.extend_from_slice(b",\"completion_tokens\":");
        push_number(out, completion);
        out.push(b'}');
    }

    /// The body of a reply that is not streamed.
    pub(crate) fn whole(
        &self,
        created: u64,
        model: &str,
        n: u32,
        finish: &str,
        usage: bool,
    ) -> Value {
        let text = |from: u32, upto: u32| {
            let mut text = Vec::new();
            push_text(&mut text, self.index, from, upto);
            String::from_utf8_lossy(&text).into_owned()
        };
        let (id, object, mut choice) = match self.kind {
            Kind::Completion => (
                "cmpl",
                "text_completion",
                json!({"index": 0, "text": text(0, n)}),
            ),
            Kind::Chat => {
                let reasoning = self.options.reasoning_tokens.min(n);
                let mut message = json!({"role": "assistant", "content": text(reasoning, n)});
                if reasoning > 0 {
                    message["reasoning_content"] = text(0, reasoning).into();
                }
                (
                    "chatcmpl",
                    "chat.completion",
                    json!({"index": 0, "message": message}),
                )
            }
        };
        choice["logprobs"] = Value::Null;
        choice["finish_reason"] = finish.into();
        if self.options.token_ids {
            choice["token_ids"] = (0..n).map(|k| tokens::id(self.index, k)).collect();
        }
        let mut body = json!({
            "id": format!("{id}-sim-{:012}", self.index), "object": object,
            "created": created, "model": model, "choices": [choice],
        });
        if usage {
            let prompt = self.options.prompt_tokens;
            body["usage"] = json!({"prompt_tokens": prompt, "total_tokens": u64::from(prompt) + u64::from(n), "completion_tokens": n});
        }
        body
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
mod tests {
    use super::*;

    fn stream(kind: Kind, http11: bool, change: impl FnOnce(&mut Options)) -> Stream {
        let mut options = Options {
            crlf: false,
            terms: Terms {
                keep_alive: true,
                http11,
                head_only: false,
            },
            prompt_tokens: 5,
            reasoning_tokens: 0,
            continuous_usage: false,
            token_ids: false,
        };
        change(&mut options);
        Stream::new(kind, 3, 1_700_000_000, "a \"model\"", options)
    }

    fn data(bytes: &[u8]) -> Value {
        let text = std::str::from_utf8(bytes).unwrap();
        let text = text.strip_prefix("data: ").unwrap().trim_end();
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn chunks() {
        for len in [1usize, 15, 16, 255, 256, 4096, 70_000] {
            let mut out = b"before".to_vec();
            out.extend(std::iter::repeat_n(b'x', len));
            chunk(&mut out, 6);
            let expected = format!("before{len:x}\r\n{}\r\n", "x".repeat(len));
            assert_eq!(out, expected.as_bytes());
        }
    }

    #[test]
    fn completion_events() {
        let s = stream(Kind::Completion, false, |o| {
            o.continuous_usage = true;
            o.token_ids = true;
        });
        let mut out = Vec::new();
        s.tokens(&mut out, 2, 3, Some("length"));
        let v = data(&out);
        assert_eq!(v["model"], "a \"model\"");
        assert_eq!(v["choices"][0]["finish_reason"], "length");
        let text = v["choices"][0]["text"].as_str().unwrap();
        assert_eq!(text.split_whitespace().count(), 3);
        assert_eq!(v["choices"][0]["token_ids"].as_array().unwrap().len(), 3);
        assert_eq!(
            v["usage"],
            json!({"prompt_tokens": 5, "total_tokens": 10, "completion_tokens": 5})
        );
        out.clear();
        s.usage(&mut out, 7);
        assert_eq!(data(&out)["choices"], json!([]));
        assert_eq!(data(&out)["usage"]["completion_tokens"], 7);
    }

    #[test]
    fn reasoning_boundary() {
        let s = stream(Kind::Chat, false, |o| o.reasoning_tokens = 3);
        for (from, count, reasoning, content) in [(0, 2, 2, 0), (2, 2, 1, 1), (4, 2, 0, 2)] {
            let mut out = Vec::new();
            s.tokens(&mut out, from, count, None);
            let delta = data(&out)["choices"][0]["delta"].clone();
            let words = |key: &str| {
                delta
                    .get(key)
                    .map_or(0, |v| v.as_str().unwrap().split_whitespace().count())
            };
            assert_eq!(words("reasoning_content"), reasoning);
            assert_eq!(words("content"), content);
        }
    }

    #[test]
    fn whole_equals_the_stream() {
        let s = stream(Kind::Completion, false, |_| {});
        let mut text = String::new();
        for k in 0..20 {
            let mut out = Vec::new();
            s.tokens(&mut out, k, 1, None);
            text += data(&out)["choices"][0]["text"].as_str().unwrap();
        }
        let whole = s.whole(1, "m", 20, "length", true);
        assert_eq!(whole["choices"][0]["text"], text);
        assert_eq!(whole["usage"]["total_tokens"], 25);
    }

    #[test]
    fn crlf() {
        let s = stream(Kind::Completion, true, |o| o.crlf = true);
        let mut out = Vec::new();
        s.done(&mut out);
        assert_eq!(out, b"10\r\ndata: [DONE]\r\n\r\n\r\n0\r\n\r\n");
    }
}
