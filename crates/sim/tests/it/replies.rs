//! What replies look like, and when at the earliest they come.

use std::time::Duration;

use bench_sim::SimArgs;
use serde_json::json;

use crate::client::{Client, words};
use crate::{quick, start, until};

#[test]
fn streamed_completion() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    let reply = c.complete(
        r#"{"model":"x","prompt":"abcdefgh","max_tokens":7,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}"#,
    );
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.field("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    let objects = reply.objects();
    assert_eq!(reply.events().len(), 9);
    assert_eq!(reply.events()[8], "[DONE]");
    assert_eq!(words(&reply.streamed_text()), 7);
    for (k, object) in objects[..7].iter().enumerate() {
        assert_eq!(object["object"], "text_completion");
        assert_eq!(object["model"], "x");
        let finish = if k == 6 { json!("length") } else { json!(null) };
        assert_eq!(object["choices"][0]["finish_reason"], finish);
        assert!(object.get("usage").is_none());
    }
    assert_eq!(objects[7]["choices"], json!([]));
    assert_eq!(
        objects[7]["usage"],
        json!({"prompt_tokens": 2, "total_tokens": 9, "completion_tokens": 7})
    );
}

#[test]
fn usage_only_when_asked_for_and_allowed() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    let reply = c.complete(r#"{"prompt":"a","max_tokens":2,"stream":true}"#);
    assert_eq!(reply.events().len(), 3);
    let off = start(SimArgs {
        usage: false,
        ..quick()
    });
    let mut c = Client::to(off.addr());
    let asked = r#"{"prompt":"a","max_tokens":2,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#;
    let reply = c.complete(asked);
    assert_eq!(reply.events().len(), 3);
    assert!(!reply.text().contains("usage"));
    let reply = c.complete(r#"{"prompt":"a","max_tokens":2}"#);
    assert!(reply.json().get("usage").is_none());
}

#[test]
fn running_usage_and_token_ids() {
    let sim = start(SimArgs {
        tokens_per_event: 3,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(
        r#"{"prompt":"a","max_tokens":8,"stream":true,"return_token_ids":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#,
    );
    let objects = reply.objects();
    let running: Vec<_> = objects
        .iter()
        .map(|o| o["usage"]["completion_tokens"].as_u64().unwrap())
        .collect();
    assert_eq!(running, [3, 6, 8, 8]);
    let ids = |o: &serde_json::Value| o["choices"][0]["token_ids"].as_array().map(Vec::len);
    let ids: Vec<_> = objects.iter().map(ids).collect();
    assert_eq!(ids, [Some(3), Some(3), Some(2), None]);
}

#[test]
fn streamed_chat_begins_with_the_role() {
    let sim = start(SimArgs {
        reasoning_tokens: 4,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.chat(
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10,"stream":true,"stream_options":{"include_usage":true}}"#,
    );
    let objects = reply.objects();
    assert_eq!(objects.len(), 12);
    assert_eq!(
        objects[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": ""})
    );
    assert_eq!(objects[0]["object"], "chat.completion.chunk");
    assert_eq!(words(&reply.all_of("reasoning_content")), 4);
    assert_eq!(words(&reply.streamed_text()), 6);
    assert_eq!(objects[11]["usage"]["completion_tokens"], 10);
}

#[test]
fn replies_that_are_not_streamed() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    let reply = c.complete(r#"{"prompt":"abcde","max_tokens":9}"#);
    assert_eq!(reply.field("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(body["object"], "text_completion");
    assert_eq!(words(body["choices"][0]["text"].as_str().unwrap()), 9);
    assert_eq!(
        body["usage"],
        json!({"prompt_tokens": 2, "total_tokens": 11, "completion_tokens": 9})
    );
    let body = c
        .chat(r#"{"messages":[{"role":"user","content":"hi"}],"max_completion_tokens":3}"#)
        .json();
    let message = &body["choices"][0]["message"];
    assert_eq!(message["role"], "assistant");
    assert_eq!(words(message["content"].as_str().unwrap()), 3);
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    assert_eq!(sim.stats().tokens, 12);
}

#[test]
fn prompts_of_token_ids_and_arrays() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    for (prompt, tokens) in [
        ("[11,22,33,44,55]", 5),
        (r#"["abcdefgh","second"]"#, 2),
        ("[[1,2,3]]", 3),
    ] {
        let reply = c.complete(format!(r#"{{"prompt":{prompt},"max_tokens":1}}"#));
        assert_eq!(reply.json()["usage"]["prompt_tokens"], tokens, "{prompt}");
    }
}

#[test]
fn events_and_writes_hold_several_tokens() {
    let sim = start(SimArgs {
        tokens_per_event: 4,
        events_per_write: 3,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(r#"{"prompt":"a","max_tokens":30,"stream":true}"#);
    let counts: Vec<_> = reply
        .objects()
        .iter()
        .map(|o| words(o["choices"][0]["text"].as_str().unwrap()))
        .collect();
    assert_eq!(counts, [4, 4, 4, 4, 4, 4, 4, 2]);
    let stats = sim.stats();
    assert_eq!((stats.tokens, stats.events), (30, 8));
    // Eight events, three in a write.
    assert_eq!(stats.lateness.count, 3);
}

#[test]
fn crlf_events() {
    let sim = start(SimArgs {
        crlf: true,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(r#"{"prompt":"a","max_tokens":3,"stream":true}"#);
    assert!(
        reply
            .chunks
            .iter()
            .all(|chunk| chunk.ends_with(b"\r\n\r\n"))
    );
    assert_eq!(words(&reply.streamed_text()), 3);
}

#[test]
fn early_headers_come_before_the_first_token() {
    let sim = start(SimArgs {
        early_headers: true,
        ttft: Duration::from_secs(3600),
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    c.send_post(
        "/v1/chat/completions",
        r#"{"messages":[{"role":"user","content":"hi"}],"stream":true}"#,
    );
    assert_eq!(c.head().unwrap().status, 200);
    assert!(
        String::from_utf8(c.chunk().unwrap())
            .unwrap()
            .contains("assistant")
    );
    assert_eq!(sim.stats().tokens, 0);
}

#[test]
fn never_earlier_than_scheduled() {
    let sim = start(SimArgs {
        ttft: Duration::from_millis(20),
        ttft_per_prompt_token: Duration::from_millis(1),
        itl: Duration::from_millis(2),
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    for stream in [true, false] {
        let ids: Vec<String> = (0..10).map(|id| id.to_string()).collect();
        let before = std::fs::read_to_string("/proc/uptime").unwrap();
        let reply = c.complete(format!(
            r#"{{"prompt":[{}],"max_tokens":21,"stream":{stream}}}"#,
            ids.join(",")
        ));
        let after = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds = |text: &str| -> f64 { text.split(' ').next().unwrap().parse().unwrap() };
        assert_eq!(reply.status, 200);
        // 20 + 10 + 20 * 2 ms; the file counts hundredths.
        assert!(seconds(&after) - seconds(&before) >= 0.055);
    }
}

#[test]
fn replies_end_early_without_ignore_eos() {
    let args = SimArgs {
        eos_mean: 5.0,
        seed: 9,
        ..quick()
    };
    let lengths = |args: SimArgs| -> Vec<u64> {
        let sim = start(args);
        let mut c = Client::to(sim.addr());
        let ask = |_| {
            let body = c.complete(r#"{"prompt":"a","max_tokens":40}"#).json();
            let n = body["usage"]["completion_tokens"].as_u64().unwrap();
            let reason = if n < 40 { "stop" } else { "length" };
            assert_eq!(body["choices"][0]["finish_reason"], reason);
            n
        };
        let lengths = (0..30).map(ask).collect();
        let kept = c
            .complete(r#"{"prompt":"a","max_tokens":40,"ignore_eos":true}"#)
            .json();
        assert_eq!(kept["usage"]["completion_tokens"], 40);
        lengths
    };
    let first = lengths(args.clone());
    assert_eq!(first, lengths(args));
    assert!(first.iter().any(|n| *n < 40));
    assert!(first.iter().all(|n| (1..=40).contains(n)));
}

#[test]
fn a_client_that_does_not_read_loses_nothing() {
    let sim = start(SimArgs {
        ttft: Duration::ZERO,
        itl: Duration::ZERO,
        events_per_write: 64,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    c.send_post(
        "/v1/completions",
        r#"{"prompt":"a","max_tokens":60000,"stream":true}"#,
    );
    let mut last = 0;
    // Until the server holds back.
    until("the server holds back", || {
        let now = sim.stats().tokens;
        let same = now == last && now > 0;
        last = now;
        same
    });
    let mut other = Client::to(sim.addr());
    assert_eq!(other.get("/health").status, 200);
    let reply = c.reply();
    assert_eq!(reply.broken, None);
    assert_eq!(words(&reply.streamed_text()), 60_000);
    assert_eq!(reply.events().len(), 60_001);
    assert_eq!(c.get("/health").status, 200);
}
