//! Servers that behave as no simulator does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bench_contract::{Outcome, Report};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::Bench;
use crate::server::{EVENT, STREAM, serve};

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
fn a_redirect_is_not_followed_and_names_its_target() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/", elsewhere.local_addr().unwrap());
    let location = target.clone();
    let report = run(move |mut stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        );
    });
    assert!(only(&report, Outcome::HttpError).contains(&target));
    assert_eq!(report.stages[0].errors[0].status, Some(307));
    elsewhere.set_nonblocking(true).unwrap();
    let nobody = elsewhere.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_asks_for_patience_gets_each_request_once() {
    let count = Arc::new(AtomicU32::new(0));
    let seen = count.clone();
    let report = run(move |mut stream| {
        seen.fetch_add(1, Ordering::Relaxed);
        let _ = stream.write_all(
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nbusy",
        );
    });
    let message = only(&report, Outcome::HttpError);
    assert!(
        message.contains("busy") && message.contains("(retry-after: 7)"),
        "{message}"
    );
    assert_eq!(report.stages[0].errors[0].status, Some(429));
    assert_eq!(count.load(Ordering::Relaxed), 20, "nothing is sent again");
}

#[test]
fn a_server_that_says_no_more_and_listens_on_is_at_its_end() {
    let said = |text: String| {
        run(move |mut stream| {
            let _ = stream.write_all(text.as_bytes());
            stream.shutdown(Shutdown::Write).unwrap();
            // It waits for more, as long as the other side is open.
            let _ = stream.read_to_end(&mut Vec::new());
        })
    };
    let nothing = said(String::new());
    assert!(only(&nothing, Outcome::Reset).contains("before the first byte"));
    let half_a_head = said(STREAM.to_owned());
    assert!(only(&half_a_head, Outcome::Truncated).contains("in the middle of the response head"));
    let half_a_stream = said(format!(
        "{STREAM}content-length: 1000\r\n\r\n{EVENT}{EVENT}"
    ));
    assert!(only(&half_a_stream, Outcome::Truncated).contains("in the middle of the response"));
}

#[test]
fn a_stream_that_ends_with_its_connection_is_whole_only_after_done() {
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
    for (status, body, says) in [
        (
            400,
            r#"{"error":{"message":"context length exceeded","type":"invalid_request_error"}}"#,
            "context length exceeded",
        ),
        (
            503,
            "<html><h1>503 no healthy upstream</h1></html>",
            "no healthy upstream",
        ),
        (500, "", "status 500 without a body"),
    ] {
        let report = run(move |mut stream| {
            let _ = write!(
                stream,
                "HTTP/1.1 {status} No\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        });
        let message = only(&report, Outcome::HttpError);
        assert!(message.contains(says), "{message}");
        assert_eq!(report.stages[0].errors[0].status, Some(status));
    }
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
