//! What a long day brings: a server that stands still, one that is slow to accept, ten thousand requests in flight, a million
//! requests in one run. Each part prints what was seen and fails when a promise is broken; names on the command line pick parts.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what it prints is its purpose"
)]

#[path = "../bed/mod.rs"]
mod bed;

use std::process::ExitCode;
use std::time::Duration;

use bed::{Failure, Server};
use bench_contract::{Metric, Report, RequestRecord, ValidityState};
use loadgen::affinity::Cpus;
use loadgen::clock::{Instant, seconds};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A part: prints what it saw, and names what is broken.
type Part = fn(&Cpus, &Cpus) -> Result<Vec<String>, Failure>;

const PARTS: [(&str, Part); 4] = [
    ("stall", stall),
    ("slow-accept", slow_accept),
    ("in-flight", in_flight),
    ("million", million),
];

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let (server, client) = match Cpus::allowed() {
        Ok(allowed) => allowed.halves(),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut broken = false;
    for (name, part) in PARTS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("\n{name}");
        match part(&server, &client) {
            Ok(failures) => {
                failures.iter().for_each(|why| println!("  BROKEN: {why}"));
                broken |= !failures.is_empty();
            }
            Err(error) => {
                eprintln!("error: {name}: {error}");
                broken = true;
            }
        }
    }
    if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn config(kind: &str, rate: f64, duration: f64, tokens: u32) -> Value {
    let fixed = |n: u32| json!({"mean": n, "std_dev": 0, "min": n, "max": n});
    json!({
        "api": {"type": "completion", "streaming": true},
        "data": {"type": "synthetic", "input_distribution": fixed(32), "output_distribution": fixed(tokens)},
        "load": {"type": kind, "seed": 1, "num_workers": 1, "stages": [{"rate": rate, "duration": duration}]},
        "report": {"request_lifecycle": {"summary": true, "per_stage": true, "per_request": false}},
    })
}

/// A server that stops for 5 s once in 60 s at 50/s: sends stay on time, and the 250 requests of that time say what they saw.
fn stall(server: &Cpus, client: &Cpus) -> Result<Vec<String>, Failure> {
    let sim = Server::start(server, &["--ttft", "20ms", "--itl", "5ms"])?;
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            // A signal that fails shows in what is seen.
            std::thread::sleep(Duration::from_secs(25));
            let _ = signal(&sim, Signal::STOP);
            std::thread::sleep(Duration::from_secs(5));
            let _ = signal(&sim, Signal::CONT);
        });
        sim.run(client, config("constant", 50.0, 60.0, 16), false)
    })?;
    let records = records(&sim)?;
    let slow = |from: f64, to: f64| {
        records
            .iter()
            .filter(|record| ttft(record).is_some_and(|ttft| ttft > from && ttft <= to))
            .count()
    };
    let (p99, delay) = (
        percentile(&report, Metric::TtftScheduled, 99.0),
        percentile(&report, Metric::ScheduleDelay, 99.0),
    );
    println!(
        "  {} requests, {} ok; TTFT above 0.1 s: {}, above 2.5 s: {}, above 5.1 s: {}; p99 {p99:.2} s; schedule delay p99 {:.0} us; {:?}",
        report.counts.planned,
        report.counts.ok(),
        slow(0.1, f64::INFINITY),
        slow(2.5, f64::INFINITY),
        slow(5.1, f64::INFINITY),
        delay * 1e6,
        report.stages[0].validity.state
    );
    let mut broken = all_ok(&report);
    broken.extend(is_valid(&report));
    let seen = slow(0.1, f64::INFINITY);
    if !(230..=270).contains(&seen) {
        broken.push(format!("{seen} requests saw the stall, not about 250"));
    }
    if !(4.0..5.2).contains(&p99) {
        broken.push(format!("TTFT p99 is {p99:.2} s, not between 4 and 5"));
    }
    Ok(broken)
}

/// A server that lets each new connection wait for 300 ms is slow; the run is valid.
fn slow_accept(server: &Cpus, client: &Cpus) -> Result<Vec<String>, Failure> {
    let flags = ["--ttft", "20ms", "--itl", "5ms", "--accept-delay", "300ms"];
    let sim = Server::start(server, &flags)?;
    let mut config = config("poisson", 50.0, 15.0, 16);
    config["api"]["connections"] = "fresh".into();
    let report = sim.run(client, config, false)?;
    let (ttft, delay) = (
        percentile(&report, Metric::Ttft, 50.0),
        percentile(&report, Metric::ScheduleDelay, 99.0),
    );
    println!(
        "  {} of {} ok; TTFT p50 {:.1} ms; schedule delay p99 {:.0} us; {:?}",
        report.counts.ok(),
        report.counts.planned,
        ttft * 1e3,
        delay * 1e6,
        report.stages[0].validity.state
    );
    let mut broken = all_ok(&report);
    broken.extend(is_valid(&report));
    if ttft < 0.32 {
        broken.push(format!("TTFT p50 is {ttft:.3} s: the wait is not in it"));
    }
    Ok(broken)
}

/// Replies that take 11 s, at 1,000/s: ten thousand requests are in flight at once.
fn in_flight(server: &Cpus, client: &Cpus) -> Result<Vec<String>, Failure> {
    let sim = Server::start(server, &["--ttft", "11s", "--itl", "5ms"])?;
    let report = sim.run(client, config("poisson", 1000.0, 14.0, 16), false)?;
    let most = report.stages[0].health.in_flight_max;
    println!(
        "  {} of {} ok; {most} in flight at most; schedule delay p99 {:.0} us; RSS {:.0} MB; {:?}",
        report.counts.ok(),
        report.counts.planned,
        percentile(&report, Metric::ScheduleDelay, 99.0) * 1e6,
        rss(&report),
        report.stages[0].validity.state
    );
    let mut broken = all_ok(&report);
    broken.extend(is_valid(&report));
    if most < 10_000 {
        broken.push(format!("{most} requests were in flight, not 10,000"));
    }
    Ok(broken)
}

/// A million requests of a hundred tokens: less than 300 MB, and the report within 5 s of the end.
fn million(server: &Cpus, client: &Cpus) -> Result<Vec<String>, Failure> {
    let flags = [
        "--ttft",
        "20ms",
        "--itl",
        "100us",
        "--events-per-write",
        "100",
    ];
    let sim = Server::start(server, &flags)?;
    let begun = Instant::now();
    let report = sim.run(client, config("poisson", 5000.0, 200.0, 100), false)?;
    let after = seconds(Instant::now().since(begun)) - report.run.duration_s;
    println!(
        "  {} of {} ok; RSS {:.0} MB; {after:.1} s more than the run itself, start included; CPU {:.1} s; {:?}",
        report.counts.ok(),
        report.counts.planned,
        rss(&report),
        report.run.usage.cpu_s,
        report.stages[0].validity.state
    );
    let mut broken = all_ok(&report);
    if report.counts.planned < 990_000 {
        broken.push("there were not a million requests".to_owned());
    }
    if rss(&report) >= 300.0 {
        broken.push(format!("RSS was {:.0} MB", rss(&report)));
    }
    if after > 5.0 {
        broken.push(format!("the report came {after:.1} s after the end"));
    }
    Ok(broken)
}

/// Sends the simulator a signal.
fn signal(sim: &Server, signal: Signal) -> Result<(), Failure> {
    let pid = Pid::from_raw(i32::try_from(sim.child.id())?).ok_or("there is no process 0")?;
    Ok(kill_process(pid, signal)?)
}

/// The requests of the latest run.
fn records(sim: &Server) -> Result<Vec<RequestRecord>, Failure> {
    let file = std::fs::File::open(sim.results().join("requests.jsonl.zst"))?;
    let text = String::from_utf8(zstd::decode_all(file)?)?;
    let records: Result<_, _> = text.lines().map(serde_json::from_str).collect();
    Ok(records?)
}

fn ttft(record: &RequestRecord) -> Option<f64> {
    Some(seconds(
        record.first_token_ns?.saturating_sub(record.sent_ns?),
    ))
}

fn percentile(report: &Report, metric: Metric, p: f64) -> f64 {
    let summary = report.stages[0].metrics.get(&metric);
    summary
        .and_then(|summary| summary.percentile(p))
        .unwrap_or(f64::INFINITY)
}

fn rss(report: &Report) -> f64 {
    report
        .run
        .usage
        .rss_max_bytes
        .map_or(f64::INFINITY, |bytes| bytes as f64 / 1e6)
}

fn all_ok(report: &Report) -> Vec<String> {
    let counts = &report.counts;
    if counts.is_conserved() && counts.ok() == counts.planned {
        Vec::new()
    } else {
        vec![format!("not every request succeeded: {counts:?}")]
    }
}

fn is_valid(report: &Report) -> Option<String> {
    let validity = &report.stages[0].validity;
    (validity.state == ValidityState::Invalid)
        .then(|| format!("the stage is invalid: {}", validity.reasons.join("; ")))
}
