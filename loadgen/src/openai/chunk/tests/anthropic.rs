//! Anthropic's Messages API.

use serde_json::{Value, json};

use super::super::*;

fn read(decoder: &mut ChunkDecoder, event: &Value) -> Result<Event, ChunkError> {
    let name = event["type"].as_str().unwrap();
    decoder.event(Some(name.as_bytes()), event.to_string().as_bytes())
}

fn delta(delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": 0, "delta": delta})
}

#[test]
fn text_thinking_and_calls_are_token_events() {
    let no = (false, false);
    for (event, expected) in [
        (json!({"type": "ping"}), no),
        (
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            no,
        ),
        (
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}}),
            (true, true),
        ),
        (
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}),
            (true, true),
        ),
        (json!({"type": "content_block_stop", "index": 0}), no),
        (delta(&json!({"type": "text_delta", "text": ""})), no),
        (
            delta(&json!({"type": "text_delta", "text": "a"})),
            (true, true),
        ),
        (
            delta(&json!({"type": "thinking_delta", "thinking": "hm"})),
            (true, false),
        ),
        (
            delta(&json!({"type": "input_json_delta", "partial_json": "{"})),
            (true, true),
        ),
        (
            delta(&json!({"type": "signature_delta", "signature": "abc"})),
            no,
        ),
        (json!({"type": "brand_new", "delta": {"text": 5}}), no),
    ] {
        let seen = read(&mut ChunkDecoder::new(Api::AnthropicMessages), &event).unwrap();
        assert_eq!((seen.token, seen.visible), expected, "{event}");
    }
}

#[test]
fn a_prompt_is_what_was_read_written_and_the_rest() {
    let start = |usage: Value| json!({"type": "message_start", "message": {"type": "message", "content": [], "usage": usage}});
    let end = |usage: Value| json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage});
    for (first, last, prompt, cached) in [
        (
            json!({"input_tokens": 5, "cache_read_input_tokens": 16, "cache_creation_input_tokens": 4, "output_tokens": 1}),
            json!({"output_tokens": 3}),
            25,
            Some(16),
        ),
        (
            json!({"input_tokens": 5, "output_tokens": 0}),
            json!({"input_tokens": 5, "output_tokens": 3}),
            5,
            None,
        ),
        (
            json!({"input_tokens": 0, "output_tokens": 0}),
            json!({"input_tokens": 9, "cache_read_input_tokens": null, "output_tokens": 3}),
            9,
            None,
        ),
    ] {
        let mut decoder = ChunkDecoder::new(Api::AnthropicMessages);
        read(&mut decoder, &start(first)).unwrap();
        assert_eq!(decoder.usage().unwrap().completion_tokens, None);
        read(
            &mut decoder,
            &delta(&json!({"type": "text_delta", "text": "a"})),
        )
        .unwrap();
        assert!(!decoder.is_complete());
        // The counts at the end are no token.
        assert_eq!(read(&mut decoder, &end(last)), Ok(Event::default()));
        assert!(decoder.is_complete() && !decoder.is_done());
        assert_eq!(
            read(&mut decoder, &json!({"type": "message_stop"})),
            Ok(Event::default())
        );
        assert!(decoder.is_done());
        let usage = decoder.usage().unwrap();
        assert_eq!(
            (
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.completion_tokens
            ),
            (Some(prompt), cached, Some(3))
        );
    }
}

#[test]
fn events_that_differ_in_their_text_alone_are_known_in_the_stream() {
    let framed =
        |delta_: &Value| format!("event: content_block_delta\ndata: {}\n\n", delta(delta_));
    let text = |text: &str| json!({"type": "text_delta", "text": text});
    let mut decoder = ChunkDecoder::new(Api::AnthropicMessages).keeping_text();
    assert_eq!(decoder.known_event(framed(&text("a")).as_bytes()), None);
    let first = read(&mut decoder, &delta(&text("a"))).unwrap();
    assert_eq!(
        decoder.known_event(framed(&text(" bc")).as_bytes()),
        Some(first)
    );
    assert_eq!(read(&mut decoder, &delta(&text(" d"))), Ok(first));
    for other in [
        format!("data: {}\n\n", delta(&text(" bc"))),
        format!(
            "event: content_block_start\ndata: {}\n\n",
            delta(&text(" bc"))
        ),
        framed(&json!({"type": "thinking_delta", "thinking": "hm"})),
    ] {
        assert_eq!(decoder.known_event(other.as_bytes()), None, "{other}");
    }
    // The same bytes under another name are not that event.
    let stop = decoder.event(Some(b"ping"), delta(&text("x")).to_string().as_bytes());
    assert_eq!(stop, Ok(first), "the type in the data wins");
    assert_eq!(decoder.take_text().as_deref(), Some("a bc dx"));
}

#[test]
fn what_fails_inside_a_good_status_is_the_servers() {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}});
    let expected = Err(ChunkError::Server("overloaded".to_owned()));
    assert_eq!(
        read(&mut ChunkDecoder::new(Api::AnthropicMessages), &error),
        expected
    );
    let unnamed =
        ChunkDecoder::new(Api::AnthropicMessages).event(None, error.to_string().as_bytes());
    assert_eq!(unnamed, expected);
    let whole = ChunkDecoder::new(Api::AnthropicMessages).whole(error.to_string().as_bytes());
    assert_eq!(whole, expected);
}

#[test]
fn a_whole_reply_is_read_at_once() {
    let mut decoder = ChunkDecoder::new(Api::AnthropicMessages).keeping_text();
    let body = json!({"type": "message", "role": "assistant", "stop_reason": "tool_use", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "a b"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}],
        "usage": {"input_tokens": 2, "cache_read_input_tokens": 16, "output_tokens": 5}});
    let event = decoder.whole(body.to_string().as_bytes()).unwrap();
    assert!(event.token && event.visible && decoder.is_complete());
    let usage = decoder.usage().unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens),
        (Some(18), Some(5))
    );
    assert_eq!(decoder.take_text().as_deref(), Some("a b"));
    let other = ChunkDecoder::new(Api::AnthropicMessages).whole(br#"{"object":"list"}"#);
    assert!(matches!(other, Err(ChunkError::Protocol(_))));
}
