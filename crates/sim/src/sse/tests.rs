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
        cached_tokens: None,
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
    let whole = s.whole(20, "length", true);
    assert_eq!(whole["choices"][0]["text"], text);
    assert_eq!(whole["usage"]["total_tokens"], 25);
}

#[test]
fn crlf() {
    let s = stream(Kind::Completion, true, |o| o.crlf = true);
    let mut out = Vec::new();
    s.finale(&mut out, 1, "stop", false);
    assert_eq!(out, b"10\r\ndata: [DONE]\r\n\r\n\r\n0\r\n\r\n");
}
