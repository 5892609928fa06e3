//! Is what `loadgen` reports what the server did? Runs it against the simulator at TTFT 20 ms and ITL 5 ms, 15 requests/s
//! of 512 tokens, and prints the errors. Fails beyond three times the stated instrument error, so that a noisy machine
//! does not fail a sound build.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what it prints is its purpose"
)]

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use bench_contract::{Metric, Report};

const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");
const TTFT: f64 = 0.020;
const ITL: f64 = 0.005;

/// A metric, its true mean, and how far the reported mean may be off, in seconds.
const PROMISES: [(Metric, f64, f64); 3] = [
    (Metric::Ttft, TTFT, 0.001),
    (Metric::Tpot, ITL, 0.01 * ITL),
    (Metric::Itl, ITL, 0.01 * ITL),
];

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    match measure() {
        Ok(report) => judge(&report),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<Report, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let address = folder.path().join("address");
    let server = Command::new(LOADGEN)
        .args([
            "sim",
            "--listen",
            "127.0.0.1:0",
            "--ttft",
            "20ms",
            "--itl",
            "5ms",
            "--address-file",
        ])
        .arg(&address)
        .stderr(Stdio::null())
        .spawn();
    let _server = Server(server?);
    let address = wait_for(&address)?;
    let config = serde_json::json!({
        "api": {"type": "completion", "streaming": true},
        "data": {"type": "synthetic",
            "input_distribution": {"mean": 1024, "std_dev": 512, "min": 128, "max": 4096},
            "output_distribution": {"mean": 512, "std_dev": 0, "min": 512, "max": 512}},
        "load": {"type": "poisson", "seed": 1, "stages": [{"rate": 15, "duration": 20}]},
        "server": {"base_url": format!("http://{address}"), "ready_timeout": 20},
        "storage": {"local_storage": {"path": folder.path().join("results")}}
    });
    let file = folder.path().join("config.yml");
    std::fs::write(&file, config.to_string())?;
    let status = Command::new(LOADGEN)
        .arg("-c")
        .arg(&file)
        .args(["--fail-on", "error"])
        .status()?;
    if !status.success() {
        return Err(format!("loadgen ended with {status}").into());
    }
    Ok(serde_json::from_str(&std::fs::read_to_string(
        folder.path().join("results/report.json"),
    )?)?)
}

fn wait_for(file: &Path) -> Result<String, Box<dyn std::error::Error>> {
    for _ in 0..100 {
        match std::fs::read_to_string(file) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    Err("the simulator did not start".into())
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
