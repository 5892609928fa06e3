//! The queue: order and counts.

use std::time::Duration;

use bench_sim::SimArgs;

use crate::client::{Client, words};
use crate::truth::read;
use crate::{quick, start, until};

#[test]
fn first_come_first_served() {
    for workers in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("truth.jsonl");
        let sim = start(SimArgs {
            capacity: 1,
            workers,
            ttft_per_prompt_token: Duration::from_millis(10),
            truth: Some(log.clone()),
            ..quick()
        });
        // The first one holds the place for an hour, unless it goes away.
        let hour = format!(r#"{{"prompt":"{}","stream":true}}"#, "x".repeat(1_440_000));
        let mut first = Client::to(sim.addr());
        first.send_post("/v1/completions", hour);
        until("it is served", || sim.stats().running == 1);
        let body = r#"{"prompt":"a","max_tokens":3,"stream":true}"#;
        let mut clients: Vec<_> = (0..4).map(|_| Client::to(sim.addr())).collect();
        for (n, c) in clients.iter_mut().enumerate() {
            c.send_post("/v1/completions", body);
            until("the request waits", || sim.stats().waiting == n as u64 + 1);
        }
        assert_eq!(sim.stats().running, 1);
        let page = Client::to(sim.addr()).get("/metrics").text();
        for line in [
            r#"vllm:num_requests_running{engine="0",model_name="m"} 1.0"#,
            r#"vllm:num_requests_waiting{engine="0",model_name="m"} 4.0"#,
            r#"vllm:kv_cache_usage_perc{engine="0",model_name="m"} 1.0"#,
        ] {
            assert!(page.lines().any(|l| l == line), "{line}\n{page}");
        }
        drop(first);
        for c in &mut clients {
            assert_eq!(words(&c.reply().streamed_text()), 3);
        }
        sim.stop();
        let (_, mut lines) = read(&log);
        assert_eq!(lines.len(), 5);
        lines.sort_by_key(|l| l["index"].as_u64());
        for pair in lines[1..].windows(2) {
            // The next one starts when this one has had its last token, and not before.
            let last = pair[0]["last_write_ns"].as_u64().unwrap();
            let start =
                pair[1]["arrival_ns"].as_u64().unwrap() + pair[1]["queue_ns"].as_u64().unwrap();
            assert!(start >= last, "{pair:?}");
            assert!(pair[1]["first_write_ns"].as_u64().unwrap() >= start + 11_000_000);
        }
        assert_eq!(lines[0]["queue_ns"], 0);
        assert!(lines[0]["first_write_ns"].is_null());
    }
}

#[test]
fn who_leaves_the_queue_frees_nothing_and_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let sim = start(SimArgs {
        capacity: 1,
        ttft: Duration::from_secs(3600),
        truth: Some(log.clone()),
        ..quick()
    });
    let body = r#"{"prompt":"a","max_tokens":3,"stream":true}"#;
    let mut clients = Vec::new();
    for n in 1..=4 {
        let mut c = Client::to(sim.addr());
        c.send_post("/v1/completions", body);
        clients.push(c);
        until("the request has arrived", || sim.stats().requests == n);
    }
    drop(clients.remove(2));
    until("it has left", || sim.stats().waiting == 2);
    assert_eq!(sim.stats().running, 1);
    // The one being served goes: the next moves up.
    drop(clients.remove(0));
    until("the next moves up", || sim.stats().waiting == 1);
    assert_eq!(sim.stats().running, 1);
    drop(clients);
    until("all have gone", || {
        let stats = sim.stats();
        stats.waiting + stats.running == 0
    });
    let stats = sim.stop();
    assert_eq!(
        (stats.requests, stats.client_closed, stats.tokens),
        (4, 4, 0)
    );
    let (_, lines) = read(&log);
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|l| l["client_closed"] == true));
    assert!(lines.iter().all(|l| l["first_write_ns"].is_null()));
}
