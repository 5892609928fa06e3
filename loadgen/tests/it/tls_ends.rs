//! https: handshakes that fail in mid-run, and how replies end.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bench_contract::Outcome;
use bench_sim::SimArgs;
use rustls::ServerConfig;
use rustls::version::TLS13;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::front::{Authority, BOTH, TlsSocket, accept, here, server_config};
use crate::server::{EVENT, STREAM, listen, models, read_request};

/// 20 requests to a TLS server.
fn config(bench: &Bench, address: SocketAddr, authority: &Authority) -> Value {
    bench.config(json!({
        "load": {"stages": [{"rate": 20, "duration": 1}]},
        "server": {"base_url": format!("https://{address}"), "ca_path": authority.file()}
    }))
}

/// A TLS server that lists a model on its first connection, and does with every later one as `serve` does.
fn changing(
    config: Arc<ServerConfig>,
    serve: impl Fn(TcpStream) + Send + Sync + 'static,
) -> SocketAddr {
    listen(move |number, socket| {
        if number > 0 {
            return serve(socket);
        }
        let mut front = accept(&config, socket);
        read_request(&mut front);
        models(&mut front);
        close(front);
    })
}

/// Ends a connection as TLS wants it.
fn close(mut front: TlsSocket) {
    front.conn.send_close_notify();
    let _ = front.flush();
}

#[test]
fn a_handshake_that_fails_in_mid_run_is_a_connect_error_with_its_reason() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs::default());
    let stranger = server_config(here(&Authority::new()), &BOTH, None);
    // Of this one the client learns only after its part of the handshake, when the request is on its way.
    let asking = server_config(here(&authority), &[&TLS13], Some(&authority));
    for (later, says) in [
        (stranger, "signed by nobody of the authorities in"),
        (asking, "asks for a client certificate"),
    ] {
        let address = changing(
            server_config(here(&authority), &BOTH, None),
            move |socket| {
                let mut front = accept(&later, socket);
                let _ = front.conn.complete_io(&mut front.sock);
            },
        );
        let report = bench.run(&config(&bench, address, &authority), &[]);
        let report = report.expect(7).report();
        assert!(report.counts.is_conserved());
        let errors = &report.stages[0].errors;
        assert_eq!(
            report.counts.outcomes.get(&Outcome::ConnectError),
            Some(&20),
            "{errors:?}"
        );
        assert!(errors[0].message.contains(says), "{errors:?}");
    }
}

#[test]
fn a_handshake_that_is_never_answered_is_a_timeout_of_the_connection() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs::default());
    let address = changing(
        server_config(here(&authority), &BOTH, None),
        |mut socket| {
            // Everything is read, nothing is ever said.
            let _ = std::io::copy(&mut socket, &mut std::io::sink());
        },
    );
    let mut config = config(&bench, address, &authority);
    config["api"]["timeouts"] = json!({"connect": 0.3});
    let report = bench.run(&config, &[]).expect(7).report();
    assert!(report.counts.is_conserved());
    assert_eq!(report.counts.outcomes.get(&Outcome::Timeout), Some(&20));
    let message = &report.stages[0].errors[0].message;
    assert!(
        message.contains("no TLS with") && message.contains("within 0.3 s"),
        "{message}"
    );
}

#[test]
fn what_is_no_tls_in_the_middle_of_a_reply_is_a_protocol_error() {
    let authority = Authority::new();
    let bench = Bench::new(SimArgs::default());
    let tls = server_config(here(&authority), &BOTH, None);
    let address = changing(tls.clone(), move |socket| {
        let mut front = accept(&tls, socket);
        read_request(&mut front);
        let _ = write!(front, "{STREAM}\r\n{EVENT}");
        let _ = front.flush();
        let _ = front.sock.write_all(b"500 the proxy gives up on this one");
        std::thread::sleep(std::time::Duration::from_secs(1));
    });
    let report = bench.run(&config(&bench, address, &authority), &[]);
    let report = report.expect(7).report();
    assert!(report.counts.is_conserved());
    let errors = &report.stages[0].errors;
    assert_eq!(
        report.counts.outcomes.get(&Outcome::ProtocolError),
        Some(&20),
        "{errors:?}"
    );
    assert!(errors[0].message.contains("not valid TLS"), "{errors:?}");
}

/// A TLS server whose replies end with their connections, in TLS' way or not.
fn until_close(reply: &'static str, is_proper: bool) -> (Authority, SocketAddr) {
    let authority = Authority::new();
    let config = server_config(here(&authority), &BOTH, None);
    let address = changing(config.clone(), move |socket| {
        let mut front = accept(&config, socket);
        read_request(&mut front);
        let _ = write!(front, "{reply}");
        let _ = front.flush();
        if is_proper {
            close(front);
        }
    });
    (authority, address)
}

#[test]
fn a_body_that_ends_with_its_connection_needs_the_end_of_tls() {
    const BODY: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}";
    let bench = Bench::new(SimArgs::default());
    for (is_proper, outcome) in [(true, Outcome::Ok), (false, Outcome::Truncated)] {
        let (authority, address) = until_close(BODY, is_proper);
        let mut config = config(&bench, address, &authority);
        config["api"]["streaming"] = json!(false);
        let report = bench.run(&config, &[]).report();
        assert_eq!(
            report.counts.outcomes.get(&outcome),
            Some(&20),
            "{:?}",
            report.counts
        );
        if !is_proper {
            assert!(
                report.stages[0].errors[0].message.contains("close_notify"),
                "{:?}",
                report.stages[0].errors
            );
        }
    }
}

#[test]
fn after_done_a_stream_needs_no_end_of_tls() {
    let reply: &'static str =
        Box::leak(format!("{STREAM}\r\n{EVENT}{EVENT}data: [DONE]\n\n").into());
    let bench = Bench::new(SimArgs::default());
    for is_proper in [true, false] {
        let (authority, address) = until_close(reply, is_proper);
        let ran = bench.run(&config(&bench, address, &authority), &[]);
        assert_eq!(ran.expect(0).report().counts.ok(), 20);
    }
}
