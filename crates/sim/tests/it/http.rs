//! HTTP: routes, errors, keep-alive, limits.

use std::time::Duration;

use bench_sim::{Sim, SimArgs};

use crate::client::{Client, words};
use crate::{quick, start, until};

const ONE: &str = r#"{"prompt":"a","max_tokens":1}"#;

#[test]
fn routes() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    assert_eq!(c.get("/health").status, 200);
    let models = c.get("/v1/models").json();
    assert_eq!(models["data"][0]["id"], "m");
    assert_eq!(c.get("/v1/models?x=1").status, 200);
    let missing = c.get("/v1/nothing");
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["error"]["type"], "NotFoundError");
    let wrong = c.get("/v1/completions");
    assert_eq!((wrong.status, wrong.field("allow")), (405, Some("POST")));
    assert_eq!(wrong.json()["error"]["code"], 405);
    assert_eq!(c.post("/health", "").status, 405);
    assert_eq!(c.post("/v1/audio/speech", "{}").status, 404);
    c.send("HEAD /health HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\n\r\n");
    assert_eq!(c.head().unwrap().status, 200);
    assert_eq!(c.reply().status, 200);
    let stats = sim.stats();
    assert_eq!((stats.requests, stats.connections_open), (2, 1));
}

#[test]
fn metrics_count() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    for _ in 0..3 {
        c.complete(r#"{"prompt":[1,2,3,4],"max_tokens":5,"stream":true}"#);
    }
    let page = c.get("/metrics").text();
    for line in [
        r#"vllm:num_requests_running{engine="0",model_name="m"} 0.0"#,
        r#"vllm:num_requests_waiting{engine="0",model_name="m"} 0.0"#,
        r#"vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.0"#,
        r#"vllm:prefix_cache_queries_total{engine="0",model_name="m"} 12.0"#,
        r#"vllm:prefix_cache_hits_total{engine="0",model_name="m"} 0.0"#,
        r#"vllm:num_preemptions_total{engine="0",model_name="m"} 0.0"#,
        r#"vllm:prompt_tokens_total{engine="0",model_name="m"} 12.0"#,
        r#"vllm:generation_tokens_total{engine="0",model_name="m"} 15.0"#,
        r#"vllm:request_success_total{engine="0",model_name="m",finished_reason="length"} 3.0"#,
        r#"vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 3.0"#,
        r#"vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="m",le="+Inf"} 3.0"#,
    ] {
        assert!(page.lines().any(|l| l == line), "{line}\n{page}");
    }
}

#[test]
fn keep_alive_and_close() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    for n in [1, 5, 3] {
        for stream in [true, false] {
            let body = format!(r#"{{"prompt":"a","max_tokens":{n},"stream":{stream}}}"#);
            assert_eq!(c.complete(body).status, 200);
        }
    }
    assert_eq!(sim.stats().connections, 1);
    c.send(format!(
        "POST /v1/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ONE}",
        ONE.len()
    ));
    let reply = c.reply();
    assert_eq!(reply.field("connection"), Some("close"));
    assert!(c.ended());
}

#[test]
fn requests_in_a_row_without_waiting() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    for n in 1..=4 {
        let body = format!(r#"{{"prompt":"a","max_tokens":{n},"stream":true}}"#);
        c.send_post("/v1/completions", body);
    }
    c.send("GET /health HTTP/1.1\r\n\r\n".repeat(50));
    for n in 1..=4 {
        assert_eq!(words(&c.reply().streamed_text()), n);
    }
    for _ in 0..50 {
        assert_eq!(c.reply().status, 200);
    }
}

#[test]
fn http_1_0_stream_ends_with_the_connection() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    let body = r#"{"prompt":"a","max_tokens":4,"stream":true}"#;
    c.send(format!(
        "POST /v1/completions HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    let reply = c.reply();
    assert_eq!(reply.field("transfer-encoding"), None);
    assert!(reply.text().starts_with("data: {"));
    assert!(reply.text().ends_with("data: [DONE]\n\n"));
}

#[test]
fn request_in_small_pieces_and_chunked() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    let text = format!(
        "POST /v1/completions HTTP/1.1\r\nx-request-id: r\r\ncontent-length: {}\r\n\r\n{ONE}",
        ONE.len()
    );
    for byte in text.as_bytes() {
        c.send([*byte]);
    }
    assert_eq!(c.reply().status, 200);
    let (a, b) = ONE.split_at(10);
    c.send("POST /v1/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(c.head().unwrap().status, 100);
    c.send(format!("{:x}\r\n{a}\r\n", a.len()));
    c.send(format!("{:x}\r\n{b}\r\n0\r\n\r\n", b.len()));
    assert_eq!(c.reply().status, 200);
}

#[test]
fn bad_bodies_keep_the_connection() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    for body in ["", "{", "[1]", r#"{"prompt":"a","max_tokens":0}"#, "{}"] {
        let reply = c.complete(body);
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(reply.json()["error"]["type"], "BadRequestError");
    }
    assert_eq!(c.complete(ONE).status, 200);
}

#[test]
fn unknown_models() {
    let body = r#"{"model":"other","prompt":"a","max_tokens":1}"#;
    let sim = start(quick());
    assert_eq!(Client::to(sim.addr()).complete(body).status, 200);
    let sim = start(SimArgs {
        strict_model: true,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(body);
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("`other` does not exist"));
    assert_eq!(c.complete(body.replace("other", "m")).status, 200);
}

#[test]
fn too_large() {
    let sim = start(quick());
    let mut c = Client::to(sim.addr());
    c.send(format!(
        "POST /v1/completions HTTP/1.1\r\ncontent-length: {}\r\n\r\nbegin",
        (64 << 20) + 1
    ));
    assert_eq!(c.reply().status, 413);
    assert!(c.ended());
    let mut c = Client::to(sim.addr());
    c.send("POST /v1/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4000001\r\n");
    assert_eq!(c.reply().status, 413);
    let mut c = Client::to(sim.addr());
    c.send(format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(65 << 10)));
    assert_eq!(c.reply().status, 431);
    let mut c = Client::to(sim.addr());
    c.send("\x16\x03\x01\x02\x00\x01\x00\x01");
    assert_eq!(c.reply().status, 400);
    // A body of 4 MiB is well.
    let mut c = Client::to(sim.addr());
    let body = format!(r#"{{"prompt":"{}","max_tokens":1}}"#, "x".repeat(4 << 20));
    assert_eq!(c.complete(body).json()["usage"]["prompt_tokens"], 1 << 20);
}

#[test]
fn starting_up() {
    let sim = start(SimArgs {
        startup_delay: Duration::from_secs(3600),
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    for path in ["/health", "/v1/models"] {
        assert_eq!(c.get(path).status, 503);
    }
    assert_eq!(c.complete(ONE).status, 503);
    assert_eq!(c.get("/metrics").status, 200);
}

#[test]
fn connections_are_dealt_out_to_workers() {
    let sim = start(SimArgs {
        workers: 3,
        capacity: 2,
        accept_delay: Duration::from_millis(5),
        ..quick()
    });
    let mut clients: Vec<_> = (0..9).map(|_| Client::to(sim.addr())).collect();
    for c in &mut clients {
        c.send_post(
            "/v1/completions",
            r#"{"prompt":"a","max_tokens":50,"stream":true}"#,
        );
    }
    for c in &mut clients {
        assert_eq!(words(&c.reply().streamed_text()), 50);
    }
    drop(clients);
    until("all are closed", || sim.stats().connections_open == 0);
    let stats = sim.stop();
    assert_eq!((stats.requests, stats.tokens), (9, 450));
    assert_eq!((stats.running, stats.waiting), (0, 0));
}

#[test]
fn starting_says_what_is_wrong() {
    let sim = start(quick());
    let error = Sim::start(SimArgs {
        listen: sim.addr().to_string(),
        ..quick()
    })
    .unwrap_err()
    .to_string();
    assert!(error.contains("another process listens there"), "{error}");
    for (args, what) in [
        (
            SimArgs {
                listen: "nonsense".to_owned(),
                ..quick()
            },
            "HOST:PORT",
        ),
        (
            SimArgs {
                truth: Some("/nonexistent/truth".into()),
                ..quick()
            },
            "--truth",
        ),
        (
            SimArgs {
                address_file: Some("/nonexistent/address".into()),
                ..quick()
            },
            "--address-file",
        ),
        (
            SimArgs {
                fault_500: 0.8,
                fault_stall: 0.8,
                ..quick()
            },
            "at most one fault",
        ),
    ] {
        let error = Sim::start(args).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn address_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("address");
    let sim = start(SimArgs {
        address_file: Some(path.clone()),
        ..quick()
    });
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.trim(), sim.addr().to_string());
}

#[test]
fn stopping_frees_the_port() {
    let sim = start(quick());
    let addr = sim.addr();
    let mut c = Client::to(addr);
    assert_eq!(c.get("/health").status, 200);
    sim.stop();
    assert!(std::net::TcpStream::connect(addr).is_err());
    start(SimArgs {
        listen: addr.to_string(),
        ..quick()
    });
}
