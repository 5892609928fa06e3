//! Responses, Messages, embeddings, the counting of tokens, and what is remembered of prompts.

use std::time::Duration;

use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::client::{Client, Reply, words};
use crate::truth::read;
use crate::{quick, start};

/// The named events of a stream, each a chunk of its own.
fn events(reply: &Reply) -> Vec<(String, Value)> {
    let event = |chunk: &Vec<u8>| {
        let text = String::from_utf8(chunk.clone()).unwrap();
        let (name, data) = text.split_once('\n').unwrap();
        let name = name.trim_end().strip_prefix("event: ").unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        let value: Value = serde_json::from_str(data.trim_end()).unwrap();
        assert_eq!(value["type"], name);
        (name.to_owned(), value)
    };
    reply.chunks.iter().map(event).collect()
}

/// All text that events of this name bring under `pointer`.
fn text(events: &[(String, Value)], name: &str, pointer: &str) -> String {
    let of = events.iter().filter(|(other, _)| other == name);
    of.filter_map(|(_, value)| value.pointer(pointer)?.as_str())
        .collect()
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

const RESPONSES: &str = r#"{"model":"x","input":"abcde","max_output_tokens":9,"stream":true}"#;
const MESSAGES: &str =
    r#"{"model":"x","messages":[{"role":"user","content":"abcde"}],"max_tokens":9,"stream":true}"#;

#[test]
fn a_streamed_response_is_a_list_of_items() {
    let sim = start(SimArgs {
        reasoning_tokens: 4,
        tokens_per_event: 3,
        ..quick()
    });
    let reply = Client::to(sim.addr()).post("/v1/responses", RESPONSES);
    let events = events(&reply);
    assert_eq!(
        names(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_part.added",
            "response.reasoning_text.delta",
            "response.reasoning_text.done",
            "response.reasoning_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.incomplete",
        ]
    );
    for (number, (_, event)) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let reasoning = text(&events, "response.reasoning_text.delta", "/delta");
    let said = text(&events, "response.output_text.delta", "/delta");
    assert_eq!((words(&reasoning), words(&said)), (4, 5));
    let last = &events.last().unwrap().1["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], reasoning);
    assert_eq!(last["output"][1]["content"][0]["text"], said);
    assert_eq!(
        last["usage"],
        json!({"input_tokens": 2, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 11})
    );
    // Three tokens to an event, and none across the border.
    assert_eq!((sim.stats().tokens, sim.stats().events), (9, 4));
}

#[test]
fn a_streamed_message_is_a_list_of_blocks() {
    let sim = start(SimArgs {
        reasoning_tokens: 4,
        ..quick()
    });
    let reply = Client::to(sim.addr()).post("/v1/messages", MESSAGES);
    let events = events(&reply);
    assert_eq!(
        names(&events),
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let thought = text(&events, "content_block_delta", "/delta/thinking");
    let said = text(&events, "content_block_delta", "/delta/text");
    assert_eq!((words(&thought), words(&said)), (4, 5));
    let end = &events[events.len() - 2].1;
    assert_eq!(end["delta"]["stop_reason"], "max_tokens");
    assert_eq!(end["usage"], json!({"input_tokens": 2, "output_tokens": 9}));
    assert_eq!((sim.stats().tokens, sim.stats().events), (9, 9));
}

#[test]
fn whole_replies() {
    let sim = start(SimArgs {
        reasoning_tokens: 2,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let whole = |body: &str| body.replace(",\"stream\":true", "");
    let response = c.post("/v1/responses", whole(RESPONSES)).json();
    assert_eq!(
        (&response["object"], &response["status"]),
        (&json!("response"), &json!("incomplete"))
    );
    assert_eq!(
        words(
            response["output"][0]["content"][0]["text"]
                .as_str()
                .unwrap()
        ),
        2
    );
    assert_eq!(
        words(
            response["output"][1]["content"][0]["text"]
                .as_str()
                .unwrap()
        ),
        7
    );
    let message = c.post("/v1/messages", whole(MESSAGES)).json();
    assert_eq!(
        (&message["type"], &message["stop_reason"]),
        (&json!("message"), &json!("max_tokens"))
    );
    assert_eq!(
        words(message["content"][0]["thinking"].as_str().unwrap()),
        2
    );
    assert_eq!(words(message["content"][1]["text"].as_str().unwrap()), 7);
    assert_eq!(
        c.post(
            "/v1/messages",
            r#"{"messages":[{"role":"user","content":"a"}]}"#
        )
        .status,
        400
    );
}

#[test]
fn an_embedding_takes_its_time_and_has_no_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let sim = start(SimArgs {
        truth: Some(log.clone()),
        ttft: Duration::from_millis(20),
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    for input in [r#""abcdefgh""#, "[1,2]"] {
        let body = c
            .post(
                "/v1/embeddings",
                format!(r#"{{"model":"m","input":{input}}}"#),
            )
            .json();
        assert_eq!(body["object"], "list");
        assert_eq!(body["data"][0]["embedding"].as_array().unwrap().len(), 32);
        assert_eq!(
            body["usage"],
            json!({"prompt_tokens": 2, "total_tokens": 2, "completion_tokens": 0})
        );
    }
    drop(c);
    assert_eq!(sim.stop().tokens, 0);
    let (_, lines) = read(&log);
    assert_eq!(lines.len(), 2);
    for line in lines {
        let at = |key: &str| line[key].as_u64().unwrap();
        assert_eq!(
            (&line["tokens"], &line["prompt_tokens"], &line["path"]),
            (&json!(0), &json!(2), &json!("/v1/embeddings"))
        );
        assert!(at("first_write_ns") - at("arrival_ns") >= 20_000_000);
    }
}

#[test]
fn faults_are_told_in_the_form_of_each_api() {
    let sim = start(SimArgs {
        fault_error_event: 1.0,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    for (path, body, name) in [
        ("/v1/responses", RESPONSES, "response.failed"),
        ("/v1/messages", MESSAGES, "error"),
    ] {
        let reply = c.post(path, body);
        assert_eq!((reply.status, reply.broken), (200, None));
        let (last, value) = events(&reply).pop().unwrap();
        assert_eq!(last, name);
        assert!(value.to_string().contains("the engine died"), "{value}");
        assert!(c.post(path, body.replace("true", "false")).json()["error"].is_object());
    }
    let cut = start(SimArgs {
        fault_truncate: 1.0,
        ..quick()
    });
    let mut c = Client::to(cut.addr());
    let reply = c.post("/v1/messages", MESSAGES);
    assert!(reply.broken.is_some());
    assert!(!reply.text().contains("message_stop"));
    let broken = start(SimArgs {
        fault_malformed: 1.0,
        ..quick()
    });
    let mut c = Client::to(broken.addr());
    let reply = c.post("/v1/responses", RESPONSES);
    let is_json = |chunk: &Vec<u8>| {
        let text = String::from_utf8_lossy(chunk).into_owned();
        let data = text.split_once("data: ").map(|(_, data)| data.to_owned());
        serde_json::from_str::<Value>(&data.unwrap()).is_ok()
    };
    assert_eq!(
        reply.chunks.iter().filter(|chunk| !is_json(chunk)).count(),
        1
    );
    let whole = c.post("/v1/embeddings", r#"{"input":"a"}"#);
    assert!(serde_json::from_slice::<Value>(&whole.body).is_err());
}

#[test]
fn tokens_are_counted_without_a_trace() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    let answer = c
        .post("/tokenize", r#"{"model":"m","prompt":"abcdefghi"}"#)
        .json();
    assert_eq!(
        (&answer["count"], answer["tokens"].as_array().unwrap().len()),
        (&json!(3), 3)
    );
    let answer = c
        .post(
            "/tokenize",
            r#"{"messages":[{"role":"user","content":"abcdefgh"}]}"#,
        )
        .json();
    assert_eq!(answer["count"], 2);
    assert_eq!(c.post("/tokenize", "{}").status, 400);
    assert_eq!(c.get("/tokenize").status, 405);
    assert_eq!(sim.stats().requests, 0);
}

#[test]
fn what_is_known_of_a_prompt_is_told_and_takes_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let sim = start(SimArgs {
        prefix_cache: true,
        truth: Some(log.clone()),
        ttft_per_prompt_token: Duration::from_millis(1),
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let ids: Vec<u32> = (0..100).collect();
    let ask = json!({"prompt": ids, "max_tokens": 2}).to_string();
    let cached = |c: &mut Client| {
        c.complete(&ask).json()["usage"]["prompt_tokens_details"]["cached_tokens"].clone()
    };
    assert_eq!((cached(&mut c), cached(&mut c)), (json!(0), json!(96)));
    let long = "abcdefgh".repeat(40);
    let chat = json!({"messages": [{"role": "user", "content": long}], "max_tokens": 2, "stream": true,
        "stream_options": {"include_usage": true}});
    c.chat(chat.to_string());
    let usage = c.chat(chat.to_string()).objects().pop().unwrap()["usage"].clone();
    assert_eq!(
        (
            &usage["prompt_tokens"],
            &usage["prompt_tokens_details"]["cached_tokens"]
        ),
        (&json!(80), &json!(64))
    );
    let message = json!({"messages": [{"role": "user", "content": long}], "max_tokens": 2});
    let usage = c.post("/v1/messages", message.to_string()).json()["usage"].clone();
    assert_eq!(
        (&usage["input_tokens"], &usage["cache_read_input_tokens"]),
        (&json!(16), &json!(64))
    );
    let input = json!({"input": long, "max_output_tokens": 2});
    let usage = c.post("/v1/responses", input.to_string()).json()["usage"].clone();
    assert_eq!(usage["input_tokens_details"]["cached_tokens"], 64);
    drop(c);
    sim.stop();
    let (_, mut lines) = read(&log);
    lines.sort_by_key(|line| line["index"].as_u64());
    let cached: Vec<_> = lines
        .iter()
        .map(|line| line["cached_tokens"].as_u64().unwrap())
        .collect();
    assert_eq!(cached, [0, 96, 0, 64, 64, 64]);
    // 100 tokens to compute take 100 ms at least.
    let first = &lines[0];
    let took = first["first_write_ns"].as_u64().unwrap() - first["arrival_ns"].as_u64().unwrap();
    assert!(took >= 100_000_000);
}
