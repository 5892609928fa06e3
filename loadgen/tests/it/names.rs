//! Names that stand for several addresses, or for others by and by.
//!
//! They are given a hosts file of their own in a mount namespace. Where the system lets no user make one, they say so and
//! check nothing.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bench_contract::Outcome;
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, unshared};
use crate::server::answer_all;

const NAME: &str = "llm.test";

/// Runs `loadgen` with `hosts` in place of `/etc/hosts`.
fn with_hosts(hosts: &Path) -> Option<Command> {
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    unshared("-Urm", &script)
}

/// A server that counts the requests which it answers.
fn server(address: &str) -> Option<(SocketAddr, Arc<AtomicU32>)> {
    let listener = TcpListener::bind(address).ok()?;
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicU32::new(0));
    answer_all(listener, count.clone());
    Some((address, count))
}

/// Two servers on one port.
fn two_servers() -> [(SocketAddr, Arc<AtomicU32>); 2] {
    loop {
        let first = server("127.0.0.1:0").unwrap();
        if let Some(second) = server(&format!("127.0.0.2:{}", first.0.port())) {
            return [first, second];
        }
    }
}

fn config(bench: &Bench, port: u16, dns: &str) -> Value {
    bench.config(json!({
        "api": {"connections": "fresh"},
        "load": {"stages": [{"rate": 20, "duration": 1}]},
        "server": {"base_url": format!("http://{NAME}:{port}"), "dns": dns}
    }))
}

#[test]
fn all_addresses_of_a_name_are_used_in_turn() {
    let bench = Bench::new(SimArgs::default());
    let hosts = bench.folder.path().join("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 {NAME}\n127.0.0.2 {NAME}\n")).unwrap();
    for dns in ["once", "per_connection"] {
        let Some(wrapper) = with_hosts(&hosts) else {
            return;
        };
        let [(address, first), (_, second)] = two_servers();
        let ran = bench.run_by(wrapper, &config(&bench, address.port(), dns), &[]);
        assert_eq!(ran.expect(0).report().counts.ok(), 20);
        for count in [first, second] {
            assert_eq!(count.load(Ordering::Relaxed), 10, "{dns}");
        }
    }
}

#[test]
fn an_address_that_refuses_is_counted_and_not_passed_over() {
    let bench = Bench::new(SimArgs::default());
    let hosts = bench.folder.path().join("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 {NAME}\n127.0.0.2 {NAME}\n")).unwrap();
    let (address, answered) = server("127.0.0.1:0").unwrap();
    // What does not answer before time zero is left out for good where names are resolved once, and said.
    let Some(wrapper) = with_hosts(&hosts) else {
        return;
    };
    let ran = bench.run_by(wrapper, &config(&bench, address.port(), "once"), &[]);
    let ran = ran.expect(0);
    assert!(
        ran.stderr.contains("an address of the server is left out"),
        "{}",
        ran.stderr
    );
    assert_eq!(answered.swap(0, Ordering::Relaxed), 20);
    let wrapper = with_hosts(&hosts).unwrap();
    let ran = bench.run_by(
        wrapper,
        &config(&bench, address.port(), "per_connection"),
        &[],
    );
    let report = ran.report();
    assert!(report.counts.is_conserved());
    assert_eq!(report.counts.outcomes[&Outcome::Ok], 10);
    assert_eq!(report.counts.outcomes[&Outcome::ConnectError], 10);
    assert_eq!(answered.load(Ordering::Relaxed), 10);
    let message = &report.stages[0].errors[0].message;
    assert!(
        message.contains("127.0.0.2") && message.contains("refused"),
        "{message}"
    );
}

#[test]
fn a_name_that_moves_is_followed_where_each_connection_resolves_it() {
    let bench = Bench::new(SimArgs::default());
    let hosts = bench.folder.path().join("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 {NAME}\n")).unwrap();
    let Some(wrapper) = with_hosts(&hosts) else {
        return;
    };
    let [(address, first), (_, second)] = two_servers();
    let mut config = config(&bench, address.port(), "per_connection");
    config["load"]["stages"][0]["duration"] = json!(3);
    let child = bench.start_by(wrapper, &config);
    while first.load(Ordering::Relaxed) < 5 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // In place: it is this file that is mounted. A name that is gone for a moment is a connect error.
    std::fs::write(&hosts, format!("127.0.0.2 {NAME}\n")).unwrap();
    let report = bench.wait(child).report();
    assert!(report.counts.is_conserved() && report.counts.planned == 60);
    let (first, second) = (
        first.load(Ordering::Relaxed),
        second.load(Ordering::Relaxed),
    );
    assert!(second > 20, "{first} and {second}");
    assert_eq!(u64::from(first + second), report.counts.ok());
    for error in &report.stages[0].errors {
        assert!(
            error.message.contains("cannot resolve llm.test"),
            "{error:?}"
        );
    }
}

#[test]
fn a_name_without_an_address_is_waited_for_and_then_said() {
    let bench = Bench::new(SimArgs::default());
    let config =
        bench.config(json!({"server": {"base_url": "http://a..b:1", "ready_timeout": "300ms"}}));
    let ran = bench.run(&config, &[]).expect(7);
    let why = &ran.report().run.partial_because[0];
    assert!(why.contains("within 0.3 s: cannot resolve a..b"), "{why}");
}
