//! Is what `loadgen` reports what the server did? Runs it against the simulator at TTFT 20 ms and ITL 5 ms, 15 requests/s
//! of 512 tokens, and prints the errors. Fails beyond three times the stated instrument error, so that a noisy machine
//! does not fail a sound build.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what it prints is its purpose"
)]

mod bed;

use std::process::ExitCode;

use bed::{Failure, Server};
use bench_contract::{Metric, Report};
use loadgen::affinity::Cpus;

const TTFT: f64 = 0.020;
const ITL: f64 = 0.005;

/// A metric, its true mean, and how far the reported mean may be off, in seconds.
const PROMISES: [(Metric, f64, f64); 3] = [
    (Metric::Ttft, TTFT, 0.001),
    (Metric::Tpot, ITL, 0.01 * ITL),
    (Metric::Itl, ITL, 0.01 * ITL),
];

fn main() -> ExitCode {
    match measure() {
        Ok(report) => judge(&report),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<Report, Failure> {
    let all = Cpus::allowed()?;
    let server = Server::start(&all, &["--ttft", "20ms", "--itl", "5ms"])?;
    let config = serde_json::json!({
        "api": {"type": "completion", "streaming": true},
        "data": {"type": "synthetic",
            "input_distribution": {"mean": 1024, "std_dev": 512, "min": 128, "max": 4096},
            "output_distribution": {"mean": 512, "std_dev": 0, "min": 512, "max": 512}},
        "load": {"type": "poisson", "seed": 1, "stages": [{"rate": 15, "duration": 20}]},
    });
    server.run(&all, config, true)
}

fn judge(report: &Report) -> ExitCode {
    let stage = &report.stages[0];
    println!(
        "\n{:8} {:>10} {:>10} {:>10} {:>10}",
        "mean of", "true ms", "reported", "error ms", "promised"
    );
    let mut worst: f64 = 0.0;
    for (metric, truth, promised) in PROMISES {
        let mean = stage
            .metrics
            .get(&metric)
            .and_then(|summary| summary.mean)
            .unwrap_or(f64::INFINITY);
        let error = mean - truth;
        worst = worst.max(error.abs() / promised);
        let ms = 1e3;
        println!(
            "{:8} {:10.3} {:10.3} {:+10.4} {:10.3}",
            metric.as_str(),
            truth * ms,
            mean * ms,
            error * ms,
            promised * ms
        );
    }
    println!(
        "worst error: {:.0} % of what is promised; conserved: {}",
        worst * 100.0,
        report.counts.is_conserved()
    );
    if worst <= 3.0 && report.counts.is_conserved() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
