//! Each fault, as a client sees it.

use std::io::ErrorKind;
use std::time::Duration;

use bench_sim::SimArgs;

use crate::client::{Client, words};
use crate::truth::read;
use crate::{quick, start};

const STREAM: &str = r#"{"prompt":"a","max_tokens":20,"stream":true}"#;
const WHOLE: &str = r#"{"prompt":"a","max_tokens":20}"#;

#[test]
fn status_500_and_429() {
    let sim = start(SimArgs {
        fault_500: 1.0,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(STREAM);
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["error"]["code"], 500);
    // The connection is still of use.
    assert_eq!(c.complete(WHOLE).status, 500);
    assert_eq!(sim.stats().faults.status_500, 2);

    let sim = start(SimArgs {
        fault_429: 1.0,
        ..quick()
    });
    let reply = Client::to(sim.addr()).complete(STREAM);
    assert_eq!(reply.status, 429);
    assert_eq!(reply.field("retry-after"), Some("1"));
    assert_eq!(sim.stats().faults.status_429, 1);
}

#[test]
fn reset() {
    let sim = start(SimArgs {
        fault_reset: 1.0,
        ..quick()
    });
    let reply = Client::to(sim.addr()).complete(STREAM);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.broken, Some(ErrorKind::ConnectionReset));
    assert!((1..20).contains(&words(&reply.streamed_text())));
    let mut c = Client::to(sim.addr());
    c.send_post("/v1/completions", WHOLE);
    assert_eq!(c.head().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(sim.stats().faults.reset, 2);
}

#[test]
fn truncate() {
    let sim = start(SimArgs {
        fault_truncate: 1.0,
        ..quick()
    });
    for body in [STREAM, WHOLE] {
        let reply = Client::to(sim.addr()).complete(body);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.broken, Some(ErrorKind::UnexpectedEof));
        assert!(!reply.text().contains("[DONE]"));
        assert!(!reply.text().contains("finish_reason\":\"length"));
    }
    // A reply of one token, too, breaks off after it.
    let reply = Client::to(sim.addr()).complete(r#"{"prompt":"a","max_tokens":1,"stream":true}"#);
    assert_eq!(words(&reply.streamed_text()), 1);
    assert_eq!(reply.broken, Some(ErrorKind::UnexpectedEof));
}

#[test]
fn malformed() {
    let sim = start(SimArgs {
        fault_malformed: 1.0,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(STREAM);
    assert_eq!(reply.broken, None);
    assert_eq!(reply.events().len(), 22);
    // All but the broken event and [DONE].
    assert_eq!(reply.objects().len(), 20);
    assert_eq!(words(&reply.streamed_text()), 20);
    let reply = c.complete(WHOLE);
    assert_eq!(reply.status, 200);
    assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_err());
    assert_eq!(sim.stats().faults.malformed, 2);
}

#[test]
fn error_event() {
    let sim = start(SimArgs {
        fault_error_event: 1.0,
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(STREAM);
    assert_eq!((reply.status, reply.broken), (200, None));
    let objects = reply.objects();
    assert_eq!(objects.last().unwrap()["error"]["code"], 500);
    assert_eq!(reply.events().last().unwrap(), "[DONE]");
    assert!((1..20).contains(&words(&reply.streamed_text())));
    let reply = c.complete(WHOLE);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["error"]["code"], 500);
}

#[test]
fn stall_goes_on_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let sim = start(SimArgs {
        fault_stall: 1.0,
        stall_for: Duration::from_millis(150),
        truth: Some(log.clone()),
        ..quick()
    });
    let mut c = Client::to(sim.addr());
    let reply = c.complete(STREAM);
    assert_eq!(reply.broken, None);
    assert_eq!(words(&reply.streamed_text()), 20);
    let whole = c.complete(WHOLE).json();
    assert_eq!(words(whole["choices"][0]["text"].as_str().unwrap()), 20);
    assert_eq!(sim.stop().faults.stall, 2);
    let (_, lines) = read(&log);
    let at = |line: usize, key: &str| lines[line][key].as_u64().unwrap();
    assert!(at(0, "last_write_ns") - at(0, "arrival_ns") >= 150_000_000);
    assert!(at(1, "first_write_ns") - at(1, "arrival_ns") >= 150_000_000);
    assert!(lines.iter().all(|line| line["fault"] == "stall"));
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let statuses = |seed| -> Vec<u16> {
        let sim = start(SimArgs {
            fault_500: 0.3,
            fault_429: 0.3,
            seed,
            ..quick()
        });
        let mut c = Client::to(sim.addr());
        let body = r#"{"prompt":"a","max_tokens":1}"#;
        let statuses = (0..60).map(|_| c.complete(body).status);
        statuses.collect()
    };
    assert_eq!(statuses(1), statuses(1));
    assert_ne!(statuses(1), statuses(2));
    for status in [200, 429, 500] {
        assert!(statuses(1).contains(&status));
    }
}
