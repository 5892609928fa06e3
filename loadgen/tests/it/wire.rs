//! Servers that behave as no simulator does.

use std::io::Write;
use std::net::TcpStream;

use bench_contract::{Outcome, Report};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::Bench;
use crate::server::{STREAM, serve};

fn run(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Report {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({
        "server": {"base_url": serve(answer)}, "load": {"stages": [{"rate": 20, "duration": 1}], "request_timeout": 2}
    }));
    let report = bench.run(&config, &[]).report();
    assert!(
        report.counts.is_conserved() && report.counts.planned == 20,
        "{:?}",
        report.counts
    );
    report
}

fn only(report: &Report, outcome: Outcome) -> String {
    assert_eq!(
        report.counts.outcomes.get(&outcome),
        Some(&20),
        "{:?} {:?}",
        report.counts,
        report.stages[0].errors
    );
    report.stages[0]
        .errors
        .first()
        .map(|error| error.message.clone())
        .unwrap_or_default()
}

#[test]
fn a_server_that_closes_without_a_word_is_a_reset() {
    only(&run(drop), Outcome::Reset);
}

#[test]
fn something_that_is_not_http_is_a_protocol_error() {
    let report = run(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
    });
    only(&report, Outcome::ProtocolError);
}

#[test]
fn a_redirect_is_an_http_error_that_names_its_target() {
    let report = run(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n");
    });
    assert!(only(&report, Outcome::HttpError).contains("http://elsewhere/"));
    assert_eq!(report.stages[0].errors[0].status, Some(307));
}

#[test]
fn a_stream_that_ends_with_its_connection_is_whole_only_after_done() {
    const EVENT: &str = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";
    let whole = run(|mut stream| {
        let _ = write!(stream, "{STREAM}\r\n{EVENT}{EVENT}data: [DONE]\n\n");
    });
    only(&whole, Outcome::Ok);
    let cut = run(|mut stream| {
        let _ = write!(stream, "{STREAM}\r\n{EVENT}{EVENT}");
    });
    only(&cut, Outcome::Truncated);
    let chunk = run(|mut stream| {
        let _ = write!(
            stream,
            "{STREAM}transfer-encoding: chunked\r\n\r\n{:x}\r\n{EVENT}\r\n",
            EVENT.len()
        );
    });
    only(&chunk, Outcome::Truncated);
}

#[test]
fn an_error_page_is_kept_in_the_message() {
    let report = run(|mut stream| {
        let body =
            r#"{"error":{"message":"context length exceeded","type":"invalid_request_error"}}"#;
        let _ = write!(
            stream,
            "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
    });
    assert!(only(&report, Outcome::HttpError).contains("context length exceeded"));
}

#[test]
fn a_server_that_never_answers_is_a_timeout() {
    let report = run(|stream| {
        std::thread::sleep(std::time::Duration::from_secs(10));
        drop(stream);
    });
    only(&report, Outcome::Timeout);
}

#[test]
fn after_done_it_does_not_matter_how_the_connection_ends() {
    const EVENTS: &str = "data: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: [DONE]\n\n";
    let head = format!(
        "{STREAM}transfer-encoding: chunked\r\n\r\n{:x}\r\n{EVENTS}\r\n",
        EVENTS.len()
    );
    let open = head.clone();
    let report = run(move |mut stream| {
        let _ = stream.write_all(open.as_bytes());
        std::thread::sleep(std::time::Duration::from_secs(5));
    });
    only(&report, Outcome::Ok);
    let report = run(move |mut stream| {
        let _ = stream.write_all(head.as_bytes());
    });
    only(&report, Outcome::Ok);
}

#[test]
fn an_error_instead_of_a_stream_is_the_servers_and_keeps_its_words() {
    let report = run(|mut stream| {
        let body = r#"{"object":"error","message":"out of memory"}"#;
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
    });
    assert_eq!(only(&report, Outcome::ServerErrorEvent), "out of memory");
}
