mod anthropic;
mod embeddings;
mod responses;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn token(visible: bool) -> Event {
    Event {
        token: true,
        visible,
        tokens: 0,
    }
}

fn read(api: Api, events: &[serde_json::Value]) -> Vec<Event> {
    let mut decoder = ChunkDecoder::new(api);
    events
        .iter()
        .map(|event| decoder.event(None, event.to_string().as_bytes()).unwrap())
        .collect()
}

fn completion(text: &str) -> serde_json::Value {
    json!({"id": "c", "choices": [{"index": 0, "text": text, "finish_reason": null}]})
}

fn chat(delta: &serde_json::Value) -> serde_json::Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": null}], "usage": null})
}

#[test]
fn what_counts_as_a_token_event() {
    let nothing = Event::default();
    for (delta, expected) in [
        (json!({"role": "assistant", "content": ""}), nothing),
        (json!({"role": "assistant"}), nothing),
        (json!({"content": null}), nothing),
        (json!({"content": "a"}), token(true)),
        (json!({"content": "\"quoted\"\n"}), token(true)),
        (json!({"reasoning_content": "hm"}), token(false)),
        (json!({"reasoning": "hm", "content": null}), token(false)),
        (
            json!({"content": "", "reasoning_content": "hm"}),
            token(false),
        ),
        (
            json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}),
            token(true),
        ),
        (
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}),
            token(true),
        ),
        (json!({"tool_calls": []}), nothing),
    ] {
        assert_eq!(read(Api::Chat, &[chat(&delta)]), [expected], "{delta}");
    }
    for event in [
        json!({"choices": []}),
        json!({"choices": null, "usage": null}),
        json!({"choices": [{"delta": null}]}),
    ] {
        assert_eq!(
            read(Api::Chat, std::slice::from_ref(&event)),
            [nothing],
            "{event}"
        );
    }
    assert_eq!(
        read(Api::Completion, &[completion(""), completion("a")]),
        [nothing, token(true)]
    );
    assert_eq!(
        read(Api::Completion, &[json!({"choices": [{"text": null}]})]),
        [nothing]
    );
}

#[test]
fn the_usage_at_the_end_is_no_token_event() {
    let mut decoder = ChunkDecoder::new(Api::Completion);
    decoder
        .event(None, completion("a").to_string().as_bytes())
        .unwrap();
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 1}}});
    assert_eq!(
        decoder.event(None, usage.to_string().as_bytes()),
        Ok(Event::default())
    );
    let expected = Usage {
        prompt_tokens: Some(7),
        completion_tokens: Some(2),
        cached_tokens: Some(3),
        reasoning_tokens: Some(1),
    };
    assert_eq!(decoder.usage(), Some(expected));
    assert!(!decoder.is_complete());
    assert_eq!(decoder.event(None, b"[DONE]"), Ok(Event::default()));
    assert!(decoder.is_complete());
}

#[test]
fn usage_in_the_last_text_event_is_the_whole_and_not_that_event() {
    let mut last = completion("c");
    last["usage"] = json!({"completion_tokens": 3});
    assert_eq!(
        read(Api::Completion, &[completion("a"), completion("b"), last])[2],
        token(true)
    );
}

#[test]
fn a_running_count_says_how_many_tokens_an_event_brought() {
    let event = |text: &str, total: u32| {
        let mut event = completion(text);
        event["usage"] = json!({"completion_tokens": total});
        event
    };
    // A first token that is half a character has no text yet.
    let first = read(Api::Completion, &[event("", 1), event("é", 2)]);
    let first: Vec<_> = first
        .iter()
        .map(|event| (event.token, event.tokens))
        .collect();
    assert_eq!(first, [(true, 1), (true, 1)]);
    let tokens: Vec<_> = read(
        Api::Completion,
        &[event("ab", 2), event("", 3), event("", 3), event("cdef", 7)],
    )
    .into_iter()
    .map(|event| (event.token, event.tokens))
    .collect();
    assert_eq!(tokens, [(true, 2), (true, 1), (false, 0), (true, 4)]);
}

#[test]
fn a_count_that_does_not_run_along_makes_no_token_event() {
    for usage in [json!({"prompt_tokens": 5}), json!({"completion_tokens": 0})] {
        let mut first = completion("a");
        first["usage"] = usage.clone();
        let mut last = completion("");
        last["usage"] = json!({"completion_tokens": 9});
        assert_eq!(
            read(Api::Completion, &[first, last]),
            [token(true), Event::default()],
            "{usage}"
        );
    }
}

#[test]
fn an_empty_finish_reason_is_none() {
    let mut decoder = ChunkDecoder::new(Api::Completion);
    let event = json!({"choices": [{"text": "a", "finish_reason": ""}]}).to_string();
    decoder.event(None, event.as_bytes()).unwrap();
    assert!(!decoder.is_complete());
    let event = json!({"choices": [{"text": "a", "finish_reason": "length"}]}).to_string();
    decoder.event(None, event.as_bytes()).unwrap();
    assert!(decoder.is_complete());
}

#[test]
fn a_delta_beside_an_empty_message_is_read() {
    for event in [
        json!({"choices": [{"delta": {"content": "a"}, "message": null}]}),
        json!({"choices": [{"delta": null, "message": {"content": "a"}}]}),
    ] {
        assert_eq!(
            read(Api::Chat, std::slice::from_ref(&event)),
            [token(true)],
            "{event}"
        );
    }
}

#[test]
fn text_is_kept_where_it_is_wanted() {
    let events: Vec<String> = [
        json!({"role": "assistant", "content": ""}),
        json!({"reasoning_content": "hm", "reasoning": "hm", "content": null}),
        json!({"content": "a"}),
        json!({"content": "é"}),
        json!({"content": "\"\n"}),
        json!({"content": "b"}),
        json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]}),
    ]
    .iter()
    .map(|delta| chat(delta).to_string())
    .collect();
    let (mut keeping, mut plain) = (
        ChunkDecoder::new(Api::Chat).keeping_text(),
        ChunkDecoder::new(Api::Chat),
    );
    for event in &events {
        let data = event.as_bytes();
        assert_eq!(
            keeping.event(None, data),
            plain.event(None, data),
            "{event}"
        );
    }
    assert_eq!(keeping.take_text().as_deref(), Some("aé\"\nb"));
    assert_eq!(
        (keeping.take_text(), plain.take_text()),
        (Some(String::new()), None)
    );
    let mut whole = ChunkDecoder::new(Api::Completion).keeping_text();
    whole.whole(br#"{"choices": [{"text": "a b"}]}"#).unwrap();
    assert_eq!(whole.take_text().as_deref(), Some("a b"));
}

#[test]
fn returned_token_ids_count_too() {
    let event = json!({"choices": [{"text": "ab", "token_ids": [5, 6]}]});
    assert_eq!(read(Api::Completion, &[event])[0].tokens, 2);
}

#[test]
fn errors_inside_a_good_status_are_the_servers() {
    for event in [
        json!({"error": {"message": "out of memory", "type": "server_error", "code": 500}}),
        json!({"object": "error", "message": "out of memory", "code": 400}),
        json!({"error": "out of memory"}),
        json!({"message": "out of memory"}),
    ] {
        let error = ChunkDecoder::new(Api::Chat)
            .event(None, event.to_string().as_bytes())
            .unwrap_err();
        assert_eq!(
            error,
            ChunkError::Server("out of memory".to_owned()),
            "{event}"
        );
    }
    let named = ChunkDecoder::new(Api::Chat)
        .event(Some(b"error"), b"overloaded")
        .unwrap_err();
    assert_eq!(named, ChunkError::Server("overloaded".to_owned()));
    assert_eq!(
        read(Api::Chat, &[json!({"error": null, "choices": []})]),
        [Event::default()]
    );
}

#[test]
fn what_is_no_event_of_the_api_is_a_protocol_error() {
    for data in [
        "{\"choices\": [",
        "5",
        "null",
        "\"a\"",
        "[1]",
        "[]",
        "[null]",
        "",
        "{\"choices\": 5}",
        "\u{0}",
    ] {
        let error = ChunkDecoder::new(Api::Completion)
            .event(None, data.as_bytes())
            .unwrap_err();
        assert!(matches!(error, ChunkError::Protocol(_)), "{data}: {error}");
    }
}

#[test]
fn an_event_that_differs_in_its_text_alone_is_known_in_the_stream() {
    let mut decoder = ChunkDecoder::new(Api::Completion).keeping_text();
    let framed = |text: &str| format!("data: {}\n\n", completion(text));
    assert_eq!(decoder.known_event(framed("a").as_bytes()), None);
    assert_eq!(decoder.known_event(b""), None);
    let first = completion("a").to_string();
    assert_eq!(decoder.event(None, first.as_bytes()), Ok(token(true)));
    let known = decoder.known_event(framed(" bc").as_bytes());
    assert_eq!(known, Some(token(true)));
    assert_eq!(decoder.take_text().as_deref(), Some("a bc"));
    for other in [
        completion(" bc").to_string(),
        format!("data: {}\n", completion(" bc")),
        format!("data: {}\r\n\r\n", completion(" bc")),
        framed(" bc").repeat(2),
        framed(""),
    ] {
        assert_eq!(decoder.known_event(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_whole_reply_is_read_at_once() {
    let mut decoder = ChunkDecoder::new(Api::Chat);
    let body = json!({"choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 5}});
    assert_eq!(decoder.whole(body.to_string().as_bytes()), Ok(token(true)));
    assert_eq!(decoder.usage().unwrap().completion_tokens, Some(5));
    assert!(decoder.is_complete());
}

/// An event as servers write them, its parts drawn.
fn any_event() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just(String::new()),
        "[ -~]{1,6}",
        "[\u{20}-\u{7e}é한\"\\\\\n]{1,6}"
    ];
    (text, 0u32..3, any::<bool>(), any::<bool>()).prop_map(|(text, id, finished, ids)| {
        let mut event = json!({"id": format!("c-{id}"), "choices": [{"index": 0, "text": text, "finish_reason": null}]});
        if finished {
            event["choices"][0]["finish_reason"] = json!("stop");
        }
        if ids {
            event["choices"][0]["token_ids"] = json!([1]);
        }
        event.to_string()
    })
}

/// The inside of a JSON string, or what is none: raw bytes, halves of characters and of escapes, quotes.
fn any_middle() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => "[a-z ]{1,3}".prop_map(String::into_bytes),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => prop::sample::select(vec![
            "é", "한", "🦀", "\\n", "\\\"", "\\\\", "\\", "\\/", "\\u", "\\u0041", "\\u00", "\\uD83E", "\\uDD80", "\\udBff",
            "\\uD7ff", "\\uE000", "\\x", "\"", "\",\"finish_reason\":\"stop", "\n", "\u{7f}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn whatever_is_in_the_envelope_the_parser_agrees(
        middles in prop::collection::vec(any_middle(), 1..20),
        reasoning in any::<bool>(),
    ) {
        let name = if reasoning { "reasoning_content" } else { "content" };
        let [before, after] = [
            format!("{{\"choices\":[{{\"delta\":{{\"{name}\":\""),
            "\"},\"finish_reason\":null}]}".to_owned(),
        ];
        let event = |middle: &[u8]| [before.as_bytes(), middle, after.as_bytes()].concat();
        for keeping in [false, true] {
            let new = || {
                let decoder = ChunkDecoder::new(Api::Chat);
                if keeping { decoder.keeping_text() } else { decoder }
            };
            let mut decoder = new();
            prop_assert_eq!(decoder.event(None, &event(b"first")), Ok(token(!reasoning)));
            let _ = decoder.take_text();
            for middle in &middles {
                let (data, mut fresh) = (event(middle), new());
                prop_assert_eq!(decoder.event(None, &data), fresh.event(None, &data), "{:?}", String::from_utf8_lossy(&data));
                prop_assert_eq!(decoder.take_text(), fresh.take_text());
                // The same as it is in a stream.
                let framed = [b"data: ", data.as_slice(), b"\n\n"].concat();
                if let Some(found) = decoder.known_event(&framed) {
                    prop_assert_eq!(Ok(found), new().event(None, &data));
                    let _ = decoder.take_text();
                }
            }
        }
    }

    #[test]
    fn the_short_way_and_the_parser_agree(events in proptest::collection::vec(any_event(), 1..30)) {
        let mut decoder = ChunkDecoder::new(Api::Completion);
        let mut finished = false;
        for event in &events {
            // A decoder that has seen nothing has no envelope to compare with.
            let mut fresh = ChunkDecoder::new(Api::Completion);
            let expected = fresh.event(None, event.as_bytes());
            finished |= fresh.is_complete();
            prop_assert_eq!(decoder.event(None, event.as_bytes()), expected, "{}", event);
            prop_assert_eq!(decoder.is_complete(), finished);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(events in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..6)) {
        let mut decoder = ChunkDecoder::new(Api::Chat);
        let _ = decoder.event(None, chat(&json!({"content": "a"})).to_string().as_bytes());
        for event in events {
            let _ = decoder.event(None, &event);
        }
    }
}
