//! Limits of this machine: what they cost is the generator's fault, and is said to be.

use std::process::Stdio;
use std::time::Duration;

use bench_contract::{Outcome, Report};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::{Bench, LOADGEN, by_shell, unshared};

#[track_caller]
fn ours(report: &Report, planned: u64, says: &str) {
    assert!(report.counts.is_conserved() && report.counts.planned == planned);
    let counted = |outcome| report.counts.outcomes.get(&outcome).copied().unwrap_or(0);
    let errors = &report.stages[0].errors;
    assert!(counted(Outcome::GeneratorError) > 0, "{errors:?}");
    assert!(counted(Outcome::Ok) > 0, "{errors:?}");
    assert_eq!(
        counted(Outcome::GeneratorError) + counted(Outcome::Ok),
        planned,
        "the server did nothing wrong: {errors:?}"
    );
    assert!(
        errors.iter().any(|error| error.message.contains(says)),
        "{errors:?}"
    );
}

/// A server that is slow enough for connections to pile up.
fn slow() -> SimArgs {
    SimArgs {
        ttft: Duration::from_secs(1),
        ..SimArgs::default()
    }
}

#[test]
fn without_file_descriptors_the_generator_is_at_fault_and_says_so_beforehand() {
    let bench = Bench::new(slow());
    let config = bench.config(json!({
        "api": {"connections": "fresh"}, "load": {"stages": [{"rate": 200, "duration": 1}]}
    }));
    let few = by_shell("ulimit -n 64; exec \"$@\"");
    let ran = bench.run_by(few, &config, &[]);
    assert!(
        ran.stderr
            .contains("the limit on open files (`ulimit -n`) is 64"),
        "{}",
        ran.stderr
    );
    ours(&ran.report(), 200, "Too many open files");
}

#[test]
fn without_ports_the_generator_is_at_fault() {
    let bench = Bench::new(SimArgs::default());
    // The server has to be in the same network.
    let address = bench.folder.path().join("address");
    let script = format!(
        "ip link set lo up && echo 50000 50019 > /proc/sys/net/ipv4/ip_local_port_range && \
         {{ {LOADGEN} sim --listen 127.0.0.1:8000 --ttft 1s --address-file {address} 2>/dev/null & }} && \
         while [ ! -s {address} ]; do sleep 0.05; done; \"$@\"; code=$?; kill $!; exit $code",
        address = address.display()
    );
    let Some(wrapper) = unshared("-Urn", &script) else {
        return;
    };
    let config = bench.config(json!({
        "api": {"connections": "fresh"}, "load": {"stages": [{"rate": 50, "duration": 1}]},
        "server": {"base_url": "http://127.0.0.1:8000"}
    }));
    let ran = bench.run_by(wrapper, &config, &[]);
    ours(&ran.report(), 50, "Cannot assign requested address");
}

#[test]
fn ten_thousand_requests_are_in_flight_at_once() {
    let bench = Bench::new(SimArgs::default());
    let address = bench.folder.path().join("address");
    // A process of its own: client and server need 10,000 descriptors each.
    let mut server = std::process::Command::new(LOADGEN)
        .args([
            "sim",
            "--listen",
            "127.0.0.1:0",
            "--ttft",
            "8s",
            "--address-file",
        ])
        .arg(&address)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let url = loop {
        match std::fs::read_to_string(&address) {
            Ok(text) if text.ends_with('\n') => break format!("http://{}", text.trim()),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let config = bench.config(json!({
        "data": {
            "input_distribution": {"mean": 4, "min": 4, "max": 4},
            "output_distribution": {"mean": 1, "min": 1, "max": 1}
        },
        "load": {"stages": [{"rate": 2000, "duration": 5}]},
        "server": {"base_url": url}
    }));
    let ran = bench.run(&config, &[]);
    server.kill().unwrap();
    server.wait().unwrap();
    let report = ran.report();
    assert!(report.counts.is_conserved());
    assert_eq!(
        report.counts.ok(),
        10_000,
        "{:?}\n{}",
        report.counts,
        ran.stderr
    );
    assert_eq!(report.stages[0].health.in_flight_max, 10_000);
}
