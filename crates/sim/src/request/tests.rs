use super::*;

fn completion(body: &str) -> Result<Ask, String> {
    parse(Kind::Completion, body.as_bytes(), 4.0)
}

#[test]
fn prompts() {
    for (prompt, tokens) in [
        (r#""abcdefgh""#, 2),
        (r#""abcdefghi""#, 3),
        (r#""""#, 1),
        (r#"["abcdefgh", "ignored"]"#, 2),
        ("[1,2,3,4,5]", 5),
        ("[[1,2,3],[4]]", 3),
        (r#""aéèü""#, 1),
    ] {
        let ask = completion(&format!(r#"{{"prompt": {prompt}}}"#)).unwrap();
        assert_eq!(ask.prompt_tokens, tokens, "{prompt}");
        assert_eq!(ask.max_tokens, 16);
    }
}

#[test]
fn chat() {
    let body = r#"{"model":"m","messages":[{"role":"system","content":"abcd"},
        {"role":"user","content":[{"type":"text","text":"efgh"},{"type":"image_url","image_url":{"url":"data:xxxxxxxx"}}]},
        {"role":"assistant","content":null}],
        "max_tokens":9,"max_completion_tokens":7,"stream":true,"ignore_eos":true,
        "stream_options":{"include_usage":true},"temperature":0.5}"#;
    let ask = parse(Kind::Chat, body.as_bytes(), 4.0).unwrap();
    assert_eq!(ask.prompt_tokens, 2);
    assert_eq!(ask.max_tokens, 7);
    assert_eq!(ask.model.as_deref(), Some("m"));
    assert!(ask.stream && ask.ignore_eos && ask.include_usage && !ask.continuous_usage);
}

#[test]
fn responses_messages_and_embeddings() {
    let read = |kind, body: &str| parse(kind, body.as_bytes(), 4.0).unwrap();
    let text = read(
        Kind::Responses,
        r#"{"input":"abcdefgh","max_output_tokens":7,"instructions":"efgh"}"#,
    );
    assert_eq!((text.prompt_tokens, text.max_tokens), (3, 7));
    let items = read(
        Kind::Responses,
        r#"{"input":[{"role":"user","content":"abcd"},{"role":"assistant","content":[{"type":"output_text","text":"efgh"}]},
            {"type":"function_call_output","output":"x"}],"stream":true}"#,
    );
    assert_eq!((items.prompt_tokens, items.max_tokens), (2, 128));
    assert!(items.stream && items.include_usage);
    let message = read(
        Kind::Messages,
        r#"{"system":[{"type":"text","text":"abcd"}],"messages":[{"role":"user","content":"efgh"}],"max_tokens":3}"#,
    );
    assert_eq!((message.prompt_tokens, message.max_tokens), (2, 3));
    for input in [r#""abcdefgh""#, "[1,2]", "[[1,2],[3]]"] {
        let body = format!(r#"{{"input":{input},"stream":true}}"#);
        let ask = read(Kind::Embeddings, &body);
        assert_eq!(
            (ask.prompt_tokens, ask.max_tokens, ask.min_tokens),
            (2, 0, 0)
        );
        assert!(!ask.stream);
    }
    for (kind, body) in [
        (Kind::Responses, r#"{"prompt":"a"}"#),
        (Kind::Responses, r#"{"input":[1,2]}"#),
        (
            Kind::Messages,
            r#"{"messages":[{"role":"user","content":"a"}]}"#,
        ),
        (Kind::Embeddings, r#"{"input":[{"content":"a"}]}"#),
        (Kind::Completion, r#"{"prompt":[{"content":"a"}]}"#),
    ] {
        assert!(parse(kind, body.as_bytes(), 4.0).is_err(), "{body}");
    }
}

#[test]
fn refusals() {
    for (body, why) in [
        ("", "not valid"),
        ("{", "not valid"),
        ("[]", "not valid"),
        ("{}", "prompt is missing"),
        (r#"{"prompt":7}"#, "prompt must be"),
        (r#"{"prompt":[]}"#, "empty"),
        (r#"{"prompt":[1,"a"]}"#, "not valid"),
        (r#"{"prompt":"a","max_tokens":0}"#, "from 1"),
        (r#"{"prompt":"a","max_tokens":-4}"#, "from 1"),
        (r#"{"prompt":"a","max_tokens":"4"}"#, "not valid"),
        (r#"{"prompt":"a","n":2}"#, "n must be 1"),
    ] {
        let error = completion(body).unwrap_err();
        assert!(error.contains(why), "{body}: {error}");
    }
    let error = parse(Kind::Chat, br#"{"messages":[]}"#, 4.0).unwrap_err();
    assert!(error.contains("empty"), "{error}");
}
