//! What `loadgen` takes of its machine, beside a client that only receives: CPU per streamed token, schedule delay, memory.
//! The simulator runs on one CPU and the clients on another, one after the other, three times.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what it prints is its purpose"
)]

#[path = "../bed/mod.rs"]
mod bed;
mod floor;

use std::process::ExitCode;

use bed::{Failure, Server};
use bench_contract::{Metric, Report};
use loadgen::affinity::Cpus;
use serde_json::{Value, json};

/// A load, and what `loadgen` may take of the CPU beside the floor client.
struct Case {
    name: &'static str,
    sim: &'static [&'static str],
    rate: f64,
    tokens: u32,
    seconds: f64,
    most: Option<f64>,
}

const CASES: [Case; 4] = [
    Case {
        name: "150/s x 512 tokens, each in a write of its own",
        sim: &["--ttft", "20ms", "--itl", "5ms"],
        rate: 150.0,
        tokens: 512,
        seconds: 20.0,
        most: Some(1.2),
    },
    Case {
        name: "150/s x 512 tokens, 64 to a write",
        sim: &["--ttft", "20ms", "--itl", "5ms", "--events-per-write", "64"],
        rate: 150.0,
        tokens: 512,
        seconds: 20.0,
        most: Some(1.5),
    },
    Case {
        name: "1,000/s x 16 tokens",
        sim: &["--ttft", "20ms", "--itl", "5ms"],
        rate: 1000.0,
        tokens: 16,
        seconds: 10.0,
        most: None,
    },
    Case {
        name: "15,000/s x 1 token",
        sim: &["--ttft", "1ms", "--itl", "5ms"],
        rate: 15_000.0,
        tokens: 1,
        seconds: 10.0,
        most: None,
    },
];

/// Each client runs so often, in turn; the least counts, since whatever else this machine does only adds.
const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let allowed = match Cpus::allowed() {
        Ok(allowed) => allowed,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if allowed.count() < 2 {
        println!("one CPU for everything: the figures say little");
    }
    let cpus = allowed.halves();
    let mut kept = true;
    for case in CASES
        .iter()
        .filter(|case| only.is_empty() || only.iter().any(|part| case.name.contains(part.as_str())))
    {
        match case.measure(cpus) {
            Ok(within) => kept &= within,
            Err(error) => {
                eprintln!("error: {}: {error}", case.name);
                return ExitCode::FAILURE;
            }
        }
    }
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Case {
    /// Measures and prints; says whether the ratio to the floor is within what is allowed, with a tolerance of
    /// `BENCH_TOLERANCE` for machines that others use too.
    fn measure(&self, (of_server, of_client): (Cpus, Cpus)) -> Result<bool, Failure> {
        println!("\n{}", self.name);
        let server = Server::start(&of_server, self.sim)?;
        let (mut floor, mut ours) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            let report = server.run(&of_client, self.config(), false)?;
            let request = self.request(&server.address);
            let cpu = of_client.run(|| {
                floor::run(&floor::Load {
                    address: &server.address,
                    request: &request,
                    rate: self.rate,
                    requests: report.counts.planned,
                })
            })??;
            let tokens = report.counts.planned as f64 * f64::from(self.tokens);
            floor = floor.min(cpu / tokens);
            ours = ours.min(report.run.usage.cpu_s / tokens);
            println!("  {}", self.row(&report, cpu / tokens));
        }
        let ratio = ours / floor;
        let tolerance = match std::env::var("BENCH_TOLERANCE") {
            Ok(text) => text
                .parse()
                .map_err(|_| "BENCH_TOLERANCE is not a number")?,
            Err(_) => 1.0,
        };
        let within = self.most.is_none_or(|most| ratio <= most * tolerance);
        let allowed = self
            .most
            .map_or_else(String::new, |most| format!(", at most {most} wanted"));
        println!("  CPU beside the floor: {ratio:.2}{allowed}");
        Ok(within)
    }

    fn config(&self) -> Value {
        let fixed = |n: u32| json!({"mean": n, "std_dev": 0, "min": n, "max": n});
        json!({
            "api": {"type": "completion", "streaming": true},
            "data": {"type": "synthetic", "input_distribution": fixed(32), "output_distribution": fixed(self.tokens)},
            "load": {"type": "constant", "seed": 1, "num_workers": 1,
                "stages": [{"rate": self.rate, "duration": self.seconds}]},
            "report": {"request_lifecycle": {"summary": true, "per_stage": true, "per_request": false}},
        })
    }

    /// The request that the floor client sends: of the same kind and about the same size.
    fn request(&self, address: &str) -> Vec<u8> {
        let body = json!({"model": "sim", "prompt": vec![100_000; 32], "max_tokens": self.tokens, "ignore_eos": true,
            "stream": true, "stream_options": {"include_usage": true}})
        .to_string();
        format!(
            "POST /v1/completions HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    fn row(&self, report: &Report, floor: f64) -> String {
        let stage = &report.stages[0];
        let delay = |p: f64| {
            stage
                .metrics
                .get(&Metric::ScheduleDelay)
                .and_then(|delay| delay.percentile(p))
                .map_or_else(|| "-".to_owned(), |value| format!("{:.0}", value * 1e6))
        };
        let tokens = report.counts.planned as f64 * f64::from(self.tokens);
        let usage = &report.run.usage;
        format!(
            "loadgen {:.3} us a token, floor {:.3}; schedule delay p50 {} p99 {} us; {} of {} ok, {:?}; RSS {:.0} MB",
            usage.cpu_s / tokens * 1e6,
            floor * 1e6,
            delay(50.0),
            delay(99.0),
            report.counts.ok(),
            report.counts.planned,
            stage.validity.state,
            usage.rss_max_bytes.unwrap_or(0) as f64 / 1e6
        )
    }
}
