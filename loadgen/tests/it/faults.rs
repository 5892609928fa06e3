//! Whatever a server does wrong, nothing is lost.

use bench_contract::{Outcome, Report};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::Bench;

fn run(args: SimArgs, patch: serde_json::Value) -> (Report, Vec<serde_json::Value>) {
    let mut bench = Bench::new(SimArgs { seed: 5, ..args });
    let mut base = json!({"load": {"stages": [{"rate": 200, "duration": 1}]}});
    base.as_object_mut()
        .unwrap()
        .extend(patch.as_object().cloned().unwrap_or_default());
    let report = bench.run(&bench.config(base), &[]).report();
    assert!(report.counts.is_conserved(), "{:?}", report.counts);
    assert_eq!(report.counts.planned, 200);
    (report, bench.truth())
}

fn count(report: &Report, outcome: Outcome) -> u64 {
    report.counts.outcomes.get(&outcome).copied().unwrap_or(0)
}

#[test]
fn each_fault_of_the_server_is_an_outcome_of_its_own() {
    let cases: [(&str, Outcome, SimArgs); 6] = [
        (
            "500",
            Outcome::HttpError,
            SimArgs {
                fault_500: 0.2,
                ..SimArgs::default()
            },
        ),
        (
            "429",
            Outcome::HttpError,
            SimArgs {
                fault_429: 0.2,
                ..SimArgs::default()
            },
        ),
        (
            "reset",
            Outcome::Reset,
            SimArgs {
                fault_reset: 0.2,
                ..SimArgs::default()
            },
        ),
        (
            "malformed",
            Outcome::ProtocolError,
            SimArgs {
                fault_malformed: 0.2,
                ..SimArgs::default()
            },
        ),
        (
            "truncate",
            Outcome::Truncated,
            SimArgs {
                fault_truncate: 0.2,
                ..SimArgs::default()
            },
        ),
        (
            "error_event",
            Outcome::ServerErrorEvent,
            SimArgs {
                fault_error_event: 0.2,
                ..SimArgs::default()
            },
        ),
    ];
    for (name, outcome, args) in cases {
        let (report, truth) = run(args, json!({}));
        let faulty = truth.iter().filter(|line| !line["fault"].is_null()).count() as u64;
        assert!(faulty > 10, "{name}: the simulator made {faulty} faults");
        assert_eq!(
            count(&report, outcome),
            faulty,
            "{name}: {:?}",
            report.counts
        );
        assert_eq!(report.counts.ok() + faulty, 200, "{name}");
        let sample = report.stages[0]
            .errors
            .iter()
            .find(|error| error.outcome == outcome)
            .unwrap();
        assert!(!sample.message.is_empty(), "{name} has no sample message");
        if name == "429" {
            assert_eq!(sample.status, Some(429));
        }
    }
}

#[test]
fn all_faults_at_once_lose_nothing() {
    let args = SimArgs {
        fault_500: 0.1,
        fault_429: 0.1,
        fault_reset: 0.1,
        fault_malformed: 0.1,
        fault_truncate: 0.1,
        fault_error_event: 0.1,
        ..SimArgs::default()
    };
    let (report, truth) = run(args, json!({}));
    let good = truth.iter().filter(|line| line["fault"].is_null()).count() as u64;
    assert_eq!(report.counts.ok(), good);
    assert_eq!(
        truth.len(),
        200,
        "the server saw each request once: nothing is sent twice"
    );
}

#[test]
fn a_stall_is_a_timeout_and_stays_in_the_percentiles() {
    let args = SimArgs {
        fault_stall: 0.2,
        stall_for: std::time::Duration::from_secs(30),
        ..SimArgs::default()
    };
    let (report, _) = run(
        args,
        json!({"load": {"stages": [{"rate": 200, "duration": 1}], "request_timeout": 1}}),
    );
    let timeouts = count(&report, Outcome::Timeout);
    assert!(timeouts > 10, "{:?}", report.counts);
    let e2e = &report.stages[0].metrics[&bench_contract::Metric::E2eScheduled];
    assert_eq!((e2e.count, e2e.censored), (200, timeouts));
    assert_eq!(e2e.percentile(99.0), Some(f64::INFINITY));
}

#[test]
fn a_stalled_stream_meets_the_idle_limit_before_the_total_one() {
    let args = SimArgs {
        fault_stall: 0.2,
        stall_for: std::time::Duration::from_secs(30),
        ..SimArgs::default()
    };
    let (report, _) = run(
        args,
        json!({"api": {"type": "completion", "streaming": true, "timeouts": {"idle": "300ms"}}}),
    );
    let sample = report.stages[0]
        .errors
        .iter()
        .find(|error| error.outcome == Outcome::Timeout)
        .unwrap();
    assert!(sample.message.contains("0.3 s"), "{}", sample.message);
}

#[test]
fn a_full_server_makes_people_wait_and_no_invalid_run() {
    let args = SimArgs {
        capacity: 4,
        ..SimArgs::default()
    };
    let (report, _) = run(args, json!({}));
    // 4 at once at 55 ms each are 73/s; 200/s asked for pile up.
    let ttft = &report.stages[0].metrics[&bench_contract::Metric::TtftScheduled];
    assert!(ttft.max.unwrap().seconds() > 0.5, "{ttft:?}");
    assert_eq!(report.counts.ok(), 200);
}
