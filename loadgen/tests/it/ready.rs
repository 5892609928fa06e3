//! Waiting for the server before time zero: for what, for how long, and when not.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use bench_contract::RunStatus;
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran};
use crate::server::{EVENT, STREAM, listen, read_request};

/// A server that answers `GET` with the status that `of` gives for the path and the number of the question, an empty list of
/// models where it is 200, and everything else with a stream.
fn server(of: impl Fn(&str, u32) -> u16 + Send + Sync + 'static) -> SocketAddr {
    let questions = AtomicU32::new(0);
    listen(move |_, mut stream| {
        let request = read_request(&mut stream);
        let Some(path) = request.strip_prefix("GET ") else {
            let _ = write!(stream, "{STREAM}\r\n{EVENT}data: [DONE]\n\n");
            return;
        };
        let path = path.split(' ').next().unwrap();
        let status = of(path, questions.fetch_add(1, Ordering::Relaxed));
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-length: 11\r\n\r\n{{\"data\":[]}}"
        );
    })
}

fn run(address: SocketAddr, server: Value) -> Ran {
    let bench = Bench::new(SimArgs::default());
    let mut config = bench.config(json!({
        "load": {"stages": [{"rate": 20, "duration": 1}]},
        "server": {"base_url": format!("http://{address}"), "ready_timeout": "1500ms"}
    }));
    for (key, value) in server.as_object().unwrap() {
        config["server"][key] = value.clone();
    }
    let ran = bench.run(&config, &[]);
    if ran.code == Some(7) {
        let report = ran.report();
        assert_eq!(report.run.status, RunStatus::Partial);
        assert_eq!((report.counts.planned, report.counts.not_sent), (20, 20));
    }
    ran
}

/// How often it is said what is waited for.
fn said(ran: &Ran) -> usize {
    ran.stderr.matches("waiting for http://").count()
}

#[test]
fn a_key_that_is_refused_is_not_waited_for() {
    for status in [401, 403] {
        let ran = run(server(move |_, _| status), json!({"ready_timeout": 300})).expect(7);
        for words in [
            &format!("GET /v1/models answers {status}"),
            "OPENAI_API_KEY",
            "benchmark.target.apiKeySecret",
        ] {
            assert!(ran.stderr.contains(words), "no `{words}` in {}", ran.stderr);
        }
        assert_eq!(said(&ran), 0);
    }
}

#[test]
fn a_server_without_a_list_of_models_is_asked_for_its_health() {
    let of = |path: &str, _| if path == "/health" { 200 } else { 404 };
    let ran = run(server(of), json!({"model_name": "m"})).expect(0);
    assert_eq!(said(&ran), 0);
    let ran = run(server(of), json!({})).expect(7);
    assert!(
        ran.stderr.contains("set server.model_name"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_waited_for_is_said_now_and_then_and_again_at_the_end() {
    let of = |path: &str, _| if path == "/health" { 503 } else { 404 };
    let ran = run(server(of), json!({"model_name": "m"})).expect(7);
    assert_eq!(said(&ran), 1, "asked more often than said: {}", ran.stderr);
    let last = "was not ready within 1.5 s: GET /health answers 503";
    assert!(ran.stderr.contains(last), "{}", ran.stderr);
}

#[test]
fn a_server_that_comes_up_step_by_step_is_waited_for() {
    let of = |path: &str, question| match (question, path) {
        (0, _) => 502,
        (1, _) => 404,
        (2, _) => 503,
        (3, _) => 404,
        (_, "/health") => 200,
        (_, _) => 404,
    };
    let ran = run(server(of), json!({"model_name": "m", "ready_timeout": 60})).expect(0);
    assert!(
        ran.stderr.contains("GET /v1/models answers 502"),
        "{}",
        ran.stderr
    );
}
