//! How connections come about, are kept, and are lost.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bench_contract::{Outcome, Report};
use bench_sim::{Sim, SimArgs};
use loadgen::eventloop::EventLoop;
use loadgen::http::connect::connect;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::server::{EVENT, STREAM, listen, models, read_request};

/// A reply of one token, after which the connection may be used again.
fn reply(stream: &mut TcpStream) {
    let body = format!("{EVENT}data: [DONE]\n\n");
    let length = body.len();
    let _ = write!(stream, "{STREAM}content-length: {length}\r\n\r\n{body}");
}

/// 20 requests at 20/s by one worker, `patch` laid over the config.
fn run(bench: &Bench, address: SocketAddr, patch: Value) -> Report {
    let mut config = bench.config(json!({
        "load": {"stages": [{"rate": 20, "duration": 1}], "num_workers": 1},
        "server": {"base_url": format!("http://{address}")}
    }));
    for (key, value) in patch.as_object().unwrap() {
        config["api"][key] = value.clone();
    }
    let report = bench.run(&config, &[]).report();
    assert!(
        report.counts.is_conserved() && report.counts.planned == 20,
        "{:?}",
        report.counts
    );
    report
}

#[track_caller]
fn only(report: &Report, outcome: Outcome, says: &str) {
    let errors = &report.stages[0].errors;
    assert_eq!(
        report.counts.outcomes.get(&outcome),
        Some(&20),
        "{errors:?}"
    );
    if outcome != Outcome::Ok {
        assert!(errors[0].message.contains(says), "{errors:?}");
    }
}

#[test]
fn a_connection_that_the_server_closes_while_it_idles_is_not_used() {
    let bench = Bench::new(SimArgs::default());
    let address = listen(|_, mut stream| {
        if read_request(&mut stream).starts_with("GET") {
            models(&mut stream);
        } else {
            reply(&mut stream);
            // The reply says that the connection is kept; then it is closed all the same.
        }
    });
    let report = run(&bench, address, json!({}));
    only(&report, Outcome::Ok, "");
    assert_eq!(report.stages[0].health.connections_opened, 20);
}

#[test]
fn a_request_that_meets_the_close_of_its_connection_is_counted_and_not_sent_again() {
    let bench = Bench::new(SimArgs::default());
    let requests = Arc::new(AtomicU32::new(0));
    let count = requests.clone();
    let address = listen(move |_, mut stream| {
        let mut is_first = true;
        loop {
            let request = read_request(&mut stream);
            if request.starts_with("GET") {
                return models(&mut stream);
            }
            if !request.is_empty() {
                count.fetch_add(1, Ordering::Relaxed);
            }
            // As if the close had been on its way already when the second request came.
            if !std::mem::take(&mut is_first) {
                return;
            }
            reply(&mut stream);
        }
    });
    let report = run(&bench, address, json!({}));
    assert_eq!(requests.load(Ordering::Relaxed), 20);
    assert_eq!(report.counts.outcomes[&Outcome::Ok], 10);
    assert_eq!(report.counts.outcomes[&Outcome::Reset], 10);
    let message = &report.stages[0].errors[0].message;
    assert!(
        message.contains("it had idled") && message.contains("fresh"),
        "{message}"
    );
    let fresh = run(&bench, address, json!({"connections": "fresh"}));
    only(&fresh, Outcome::Ok, "");
    assert_eq!(fresh.stages[0].health.connections_opened, 20);
}

#[test]
fn bytes_that_belong_to_no_request_end_a_connection() {
    let bench = Bench::new(SimArgs::default());
    let address = listen(|_, mut stream| {
        while let request = read_request(&mut stream)
            && !request.is_empty()
        {
            if request.starts_with("GET") {
                return models(&mut stream);
            }
            reply(&mut stream);
            std::thread::sleep(Duration::from_millis(5));
            let _ = stream.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n");
        }
    });
    only(&run(&bench, address, json!({})), Outcome::Ok, "");
}

#[test]
fn a_server_that_has_gone_refuses() {
    let bench = Bench::new(SimArgs::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        drop(listener);
        models(&mut stream);
    });
    only(
        &run(&bench, address, json!({})),
        Outcome::ConnectError,
        "refused",
    );
}

#[test]
fn a_server_that_restarts_in_mid_run_is_used_again_and_nothing_is_lost() {
    let mut bench = Bench::new(SimArgs {
        itl: Duration::from_millis(20),
        ..SimArgs::default()
    });
    let address = bench.sim.as_ref().unwrap().addr();
    let config = bench.config(json!({"load": {"stages": [{"rate": 50, "duration": 4}]}}));
    let child = bench.start(&config);
    while bench.sim.as_ref().unwrap().stats().requests < 50 {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(bench.sim.take());
    std::thread::sleep(Duration::from_millis(500));
    let again = Sim::start(SimArgs {
        listen: address.to_string(),
        itl: Duration::from_millis(20),
        ..SimArgs::default()
    });
    let again = again.unwrap();
    let report = bench.wait(child).report();
    assert!(report.counts.is_conserved() && report.counts.planned == 200);
    let counted = |outcome| report.counts.outcomes.get(&outcome).copied().unwrap_or(0);
    assert!(counted(Outcome::ConnectError) > 0, "{:?}", report.counts);
    assert!(
        counted(Outcome::Reset) + counted(Outcome::Truncated) > 0,
        "what was in flight was lost: {:?}",
        report.counts
    );
    assert!(again.stats().requests > 0, "the new one is used");
    let lost = [Outcome::ConnectError, Outcome::Reset, Outcome::Truncated];
    assert_eq!(
        report.counts.ok() + lost.map(counted).iter().sum::<u64>(),
        200
    );
}

#[test]
fn a_server_whose_queue_is_full_is_a_timeout_of_the_connection() {
    let bench = Bench::new(SimArgs::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        // Room for one connection, which is taken: whoever comes next gets no answer.
        rustix::net::listen(listener.as_fd(), 0).unwrap();
        let _waiting = TcpStream::connect(address).unwrap();
        models(&mut stream);
        drop(stream);
        std::thread::sleep(Duration::from_secs(30));
        drop(listener);
    });
    let report = run(&bench, address, json!({"timeouts": {"connect": 0.2}}));
    only(&report, Outcome::Timeout, "no connection with 127.0.0.1");
}

#[test]
fn a_server_that_takes_a_request_and_says_nothing_meets_the_limit_for_the_first_byte() {
    let bench = Bench::new(SimArgs::default());
    let address = listen(|_, mut stream| {
        if read_request(&mut stream).starts_with("GET") {
            models(&mut stream);
        } else {
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let report = run(&bench, address, json!({"timeouts": {"first_byte": 0.2}}));
    only(&report, Outcome::Timeout, "no byte of a reply within 0.2 s");
}

#[test]
fn connections_send_at_once() {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let sent = event_loop.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_secs(5);
        let stream = connect(&handle, address, None, limit).await;
        let stream = stream.unwrap();
        assert!(rustix::net::sockopt::tcp_nodelay(stream.socket()).unwrap());
        // What the pool asks before it hands a connection out.
        assert!(stream.is_quiet());
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"x").unwrap();
        wait(|| !stream.is_quiet());
        let stream = connect(&handle, address, None, limit).await;
        let (server, _) = listener.accept().unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        let stream = stream.unwrap();
        wait(|| !stream.is_quiet());
    });
    sent.unwrap();
}

/// Waits for what the kernel does in the meantime.
fn wait(is_so: impl Fn() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it does not come about");
}
