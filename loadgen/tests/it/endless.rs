//! Replies that never end, in every part that can: each is an outcome, and takes bounded memory.

use std::io::Write;
use std::net::TcpStream;

use bench_contract::{Outcome, Report};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::{Bench, by_shell};
use crate::server::{EVENT, STREAM, serve};

/// Four requests, one after the other, in as much memory as one reply may take and the program needs.
fn run(head: String, rest: &'static str) -> Report {
    let bench = Bench::new(SimArgs::default());
    let url = serve(move |mut stream: TcpStream| {
        let block = rest.repeat(64 * 1024 / rest.len());
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(block.as_bytes());
        }
    });
    let config = bench.config(json!({
        "api": {"streaming": !rest.starts_with("whole")},
        "load": {"stages": [{"rate": 2, "duration": 2}], "request_timeout": 0.4, "num_workers": 1},
        "server": {"base_url": url}
    }));
    // 64 MiB of a body, doubled as it grows, beside what threads and libraries map.
    let limited = by_shell("export MALLOC_ARENA_MAX=1; ulimit -v 600000; exec \"$@\"");
    let report = bench.run_by(limited, &config, &[]).report();
    assert!(report.counts.is_conserved() && report.counts.planned == 4);
    report
}

#[track_caller]
fn only(report: &Report, outcome: Outcome, says: &str) {
    let errors = &report.stages[0].errors;
    assert_eq!(report.counts.outcomes.get(&outcome), Some(&4), "{errors:?}");
    assert!(errors[0].message.contains(says), "{errors:?}");
}

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn a_head_that_never_ends() {
    let report = run("HTTP/1.1 200 OK\r\nx: ".to_owned(), "y");
    only(&report, Outcome::ProtocolError, "larger than 64 KiB");
    let report = run("HTTP/1.1 200 OK\r\n".to_owned(), "x: y\r\n");
    only(&report, Outcome::ProtocolError, "more than 100 headers");
    let report = run(String::new(), "HTTP/1.1 103 Early Hints\r\n\r\n");
    only(&report, Outcome::Timeout, "not ended within 0.4 s");
}

#[test]
fn a_chunk_line_that_never_ends() {
    let report = run(format!("{CHUNKED}5;"), "y");
    only(&report, Outcome::ProtocolError, "within 8 KiB");
}

#[test]
fn an_event_that_never_ends() {
    let report = run(format!("{STREAM}\r\ndata: "), "y");
    only(&report, Outcome::ProtocolError, "event");
}

#[test]
fn a_stream_that_never_ends() {
    let report = run(format!("{STREAM}\r\n"), EVENT);
    only(&report, Outcome::Timeout, "not ended within 0.4 s");
    let report = run(format!("{STREAM}\r\n"), ": a comment\n\n");
    only(&report, Outcome::Timeout, "not ended within 0.4 s");
}

#[test]
fn an_error_page_that_never_ends() {
    let report = run("HTTP/1.1 500 No\r\n\r\n".to_owned(), "no");
    only(&report, Outcome::Timeout, "not ended within 0.4 s");
    assert_eq!(report.stages[0].errors[0].status, Some(500));
}

#[test]
fn a_body_that_never_ends() {
    let report = run(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{".to_owned(),
        "whole ",
    );
    // Whichever limit is met first.
    let counted = |outcome| report.counts.outcomes.get(&outcome).copied().unwrap_or(0);
    assert_eq!(
        counted(Outcome::ProtocolError) + counted(Outcome::Timeout),
        4
    );
}
