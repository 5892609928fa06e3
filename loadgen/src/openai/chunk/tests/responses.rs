//! The Responses API.

use serde_json::{Value, json};

use super::super::*;

/// Events as vLLM and OpenAI number them, with their names.
fn read(decoder: &mut ChunkDecoder, events: &[Value]) -> Vec<Result<Event, ChunkError>> {
    let numbered = events.iter().enumerate().map(|(number, event)| {
        let mut event = event.clone();
        event["sequence_number"] = number.into();
        let name = event["type"].as_str().unwrap().to_owned();
        decoder.event(Some(name.as_bytes()), event.to_string().as_bytes())
    });
    numbered.collect()
}

fn seen(events: &[Value]) -> Vec<(bool, bool)> {
    let events = read(&mut ChunkDecoder::new(Api::Responses), events);
    let seen = events.into_iter().map(|event| event.unwrap());
    seen.map(|event| (event.token, event.visible)).collect()
}

#[test]
fn text_reasoning_and_calls_are_token_events() {
    let no = (false, false);
    for (event, expected) in [
        (
            json!({"type": "response.created", "response": {"status": "in_progress", "output": [], "usage": null, "error": null}}),
            no,
        ),
        (
            json!({"type": "response.output_item.added", "item": {"type": "message", "content": []}}),
            no,
        ),
        (
            json!({"type": "response.output_text.delta", "delta": ""}),
            no,
        ),
        (
            json!({"type": "response.output_text.delta", "delta": "a"}),
            (true, true),
        ),
        (
            json!({"type": "response.refusal.delta", "delta": "no"}),
            (true, true),
        ),
        (
            json!({"type": "response.reasoning_text.delta", "delta": "hm"}),
            (true, false),
        ),
        (
            json!({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
            (true, false),
        ),
        (
            json!({"type": "response.output_item.added", "item": {"type": "function_call", "name": "f", "arguments": ""}}),
            (true, true),
        ),
        (
            json!({"type": "response.function_call_arguments.delta", "delta": "{"}),
            (true, true),
        ),
        // What is said again at the end of a part.
        (
            json!({"type": "response.output_text.done", "text": "a"}),
            no,
        ),
        (
            json!({"type": "response.output_item.done", "item": {"type": "function_call", "name": "f", "arguments": "{}"}}),
            no,
        ),
        // Of a kind that is not known.
        (
            json!({"type": "response.new_thing.delta", "delta": {"a": [1, {"b": null}]}}),
            no,
        ),
        (json!({"type": "response.audio.delta", "delta": "AAAA"}), no),
    ] {
        assert_eq!(seen(std::slice::from_ref(&event)), [expected], "{event}");
    }
}

#[test]
fn the_last_event_has_the_counts() {
    for (kind, status) in [
        ("response.completed", "completed"),
        ("response.incomplete", "incomplete"),
    ] {
        let mut decoder = ChunkDecoder::new(Api::Responses).keeping_text();
        let events = [
            json!({"type": "response.reasoning_text.delta", "delta": "hm"}),
            json!({"type": "response.output_text.delta", "delta": "a"}),
            json!({"type": "response.output_text.delta", "delta": " b\n"}),
        ];
        assert!(read(&mut decoder, &events).iter().all(Result::is_ok));
        assert!(!decoder.is_complete());
        let last = json!({"type": kind, "response": {"status": status, "error": null, "usage": {
            "input_tokens": 7, "input_tokens_details": {"cached_tokens": 3},
            "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 10}}});
        assert_eq!(read(&mut decoder, &[last]), [Ok(Event::default())]);
        assert!(decoder.is_done() && decoder.is_complete());
        let expected = Usage {
            prompt_tokens: Some(7),
            completion_tokens: Some(3),
            cached_tokens: Some(3),
            reasoning_tokens: Some(1),
        };
        assert_eq!(decoder.usage(), Some(expected));
        assert_eq!(decoder.take_text().as_deref(), Some("a b\n"));
    }
}

#[test]
fn what_fails_inside_a_good_status_is_the_servers() {
    let failed =
        json!({"status": "failed", "error": {"code": "server_error", "message": "out of memory"}});
    for event in [
        json!({"type": "response.failed", "response": failed}),
        json!({"type": "response.completed", "response": failed}),
        json!({"type": "error", "code": "server_error", "message": "out of memory"}),
    ] {
        let read = read(
            &mut ChunkDecoder::new(Api::Responses),
            std::slice::from_ref(&event),
        );
        let expected = ChunkError::Server("out of memory".to_owned());
        assert_eq!(read, [Err(expected)], "{event}");
    }
    let whole = ChunkDecoder::new(Api::Responses).whole(failed.to_string().as_bytes());
    assert_eq!(whole, Err(ChunkError::Server("out of memory".to_owned())));
}

#[test]
fn the_name_of_an_event_stands_in_for_its_type() {
    let mut decoder = ChunkDecoder::new(Api::Responses);
    let read = decoder.event(Some(b"response.output_text.delta"), b"{\"delta\":\"a\"}");
    assert!(read.unwrap().token);
    for data in ["{\"delta\":\"a\"}", "[1]", "{\"type\":"] {
        let read = ChunkDecoder::new(Api::Responses).event(None, data.as_bytes());
        assert!(matches!(read, Err(ChunkError::Protocol(_))), "{data}");
    }
}

#[test]
fn a_whole_reply_is_read_at_once() {
    let mut decoder = ChunkDecoder::new(Api::Responses).keeping_text();
    let body = json!({"object": "response", "status": "completed", "error": null, "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "content": null},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a b", "annotations": []}]},
        {"type": "function_call", "name": "f", "arguments": "{}"}],
        "usage": {"input_tokens": 1, "output_tokens": 5}});
    let event = decoder.whole(body.to_string().as_bytes()).unwrap();
    assert!(event.token && event.visible && decoder.is_complete());
    assert_eq!(decoder.usage().unwrap().completion_tokens, Some(5));
    assert_eq!(decoder.take_text().as_deref(), Some("a b"));
    let other = ChunkDecoder::new(Api::Responses).whole(br#"{"object":"list"}"#);
    assert!(matches!(other, Err(ChunkError::Protocol(_))));
}
