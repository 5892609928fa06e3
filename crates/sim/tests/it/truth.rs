//! The truth log: a line for each request, whatever became of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use bench_sim::{Sim, SimArgs};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::client::Client;
use crate::{quick, start, until};

/// The header and the lines.
pub(crate) fn read(path: &Path) -> (Value, Vec<Value>) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    let mut lines = text.lines().map(|l| serde_json::from_str(l).unwrap());
    (lines.next().unwrap(), lines.collect())
}

#[test]
fn a_line_for_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let sim = start(SimArgs {
        truth: Some(log.clone()),
        fault_500: 0.1,
        fault_429: 0.1,
        fault_reset: 0.1,
        fault_stall: 0.1,
        stall_for: Duration::from_millis(2),
        fault_malformed: 0.1,
        fault_truncate: 0.1,
        fault_error_event: 0.1,
        ..quick()
    });
    let mut sent = 0;
    for n in 0..120 {
        let mut c = Client::to(sim.addr());
        let stream = n % 3 != 0;
        c.send_post(
            "/v1/completions",
            format!(r#"{{"prompt":[1,2,3],"max_tokens":10,"stream":{stream}}}"#),
        );
        sent += 1;
        if let Ok(mut reply) = c.head() {
            let _ = c.body(&mut reply);
        }
    }
    let mut c = Client::to(sim.addr());
    c.complete("{");
    c.post("/v1/nothing", "");
    c.get("/health");
    c.send(
        "POST /v1/completions HTTP/1.1\r\nx-request-id: a \"b\"\r\ncontent-length: 100\r\n\r\nhalf",
    );
    until("all heads have been read", || {
        sim.stats().connections_open == 1
    });
    // Half a request, then gone.
    drop(c);
    sent += 3;
    until("its end is seen", || sim.stats().connections_open == 0);
    let stats = sim.stop();
    let (header, mut lines) = read(&log);
    assert_eq!(header["v"], 1);
    assert!(header["unix_origin_ns"].as_u64().unwrap() > 1_600_000_000_000_000_000);
    assert!(header["mono_origin_ns"].is_u64());

    assert_eq!(stats.requests, sent);
    assert_eq!(lines.len() as u64, sent);
    lines.sort_by_key(|l| l["index"].as_u64());
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["index"], index);
        assert_eq!(line["v"], 1);
        let at = |key: &str| line[key].as_u64();
        assert!(at("first_byte_ns") <= at("arrival_ns"));
        assert!(at("arrival_ns") <= at("end_ns"));
        if line["first_write_ns"].is_u64() {
            assert!(at("arrival_ns") <= at("first_write_ns"));
            assert!(at("first_write_ns") <= at("last_write_ns"));
            assert!(at("last_write_ns") <= at("end_ns"));
        }
        if line["fault"].is_null() && line["status"] == 200 {
            assert_eq!(line["tokens"], 10);
            assert_eq!(line["prompt_tokens"], 3);
            let events = if line["stream"] == true { 10 } else { 0 };
            assert_eq!(line["events"], events);
        }
    }
    let faults = lines.iter().filter(|l| l["fault"].is_string());
    assert_eq!(faults.count() as u64, stats.faults.total());
    let tokens: u64 = lines.iter().map(|l| l["tokens"].as_u64().unwrap()).sum();
    assert_eq!(tokens, stats.tokens);
    for name in [
        "500",
        "429",
        "reset",
        "stall",
        "malformed",
        "truncate",
        "error_event",
    ] {
        assert!(lines.iter().any(|l| l["fault"] == name), "{name}");
    }
    assert_eq!(lines[120]["status"], 400);
    assert_eq!(lines[121]["status"], 404);
    assert_eq!(lines[121]["path"], "/v1/nothing");
    let half = &lines[122];
    assert_eq!(half["x_request_id"], "a \"b\"");
    assert_eq!(half["client_closed"], true);
    assert!(half["status"].is_null());
}

#[test]
fn clients_that_leave_and_servers_that_stop() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth.jsonl");
    let sim = start(SimArgs {
        truth: Some(log.clone()),
        itl: Duration::from_millis(20),
        ..quick()
    });
    let body = r#"{"prompt":"a","max_tokens":100000,"stream":true}"#;
    let mut leaves = Client::to(sim.addr());
    leaves.send_post("/v1/completions", body);
    leaves.head().unwrap();
    leaves.chunk().unwrap();
    drop(leaves);
    until("its end is seen", || sim.stats().client_closed == 1);
    let mut stays = Client::to(sim.addr());
    stays.send_post("/v1/completions", body);
    stays.head().unwrap();
    // Written within the second, while the server runs.
    until("the line is there", || read(&log).1.len() == 1);
    sim.stop();
    let (_, lines) = read(&log);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["client_closed"], &lines[0]["fault"]),
        (&true.into(), &Value::Null)
    );
    assert_eq!(lines[1]["client_closed"], false);
    assert_eq!(lines[1]["fault"], "shutdown");
    assert!(lines.iter().all(|l| l["tokens"].as_u64().unwrap() >= 1));
}

#[test]
fn a_log_that_cannot_be_written() {
    // At the start: opening /dev/full works, writing the header does not.
    let error = Sim::start(SimArgs {
        truth: Some("/dev/full".into()),
        ..quick()
    });
    assert!(error.unwrap_err().to_string().contains("/dev/full"));

    // In mid-run: a pipe whose reader goes away after the header.
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut header = String::new();
            let file = std::fs::File::open(pipe).unwrap();
            BufReader::new(file).read_line(&mut header).unwrap();
            header
        }
    });
    let sim = start(SimArgs {
        truth: Some(pipe),
        ..quick()
    });
    assert!(reader.join().unwrap().contains("unix_origin_ns"));
    let mut c = Client::to(sim.addr());
    let body = r#"{"prompt":"a","max_tokens":1}"#;
    assert_eq!(c.complete(body).status, 200);
    until("the failure is seen", || sim.stats().truth_failed);
    assert_eq!(c.complete(body).status, 200);
    assert_eq!(sim.stop().requests, 2);
}
