//! Loads other than a steady rate: closed loop, ramps, bursts, requests that are given up, a cap.

use std::collections::BTreeSet;
use std::time::Duration;

use bench_contract::config::LoadType;
use bench_contract::{
    CheckVerdict, Metric, Outcome, RequestRecord, RunStatus, StageReport, ValidityState,
};
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran};

/// The most intervals that overlap.
fn most_at_once(intervals: impl Iterator<Item = (u64, u64)>) -> usize {
    let mut steps: Vec<(u64, i32)> = intervals
        .flat_map(|(from, to)| [(from, 1), (to, -1)])
        .collect();
    steps.sort_unstable();
    let mut now = 0;
    let most = steps.into_iter().map(|(_, step)| {
        now += step;
        now
    });
    usize::try_from(most.max().unwrap_or(0)).unwrap()
}

fn in_flight(records: &[RequestRecord]) -> impl Iterator<Item = (u64, u64)> {
    let sent = records.iter().filter(|record| record.outcome.is_sent());
    sent.map(|record| (record.dispatched_ns.unwrap(), record.end_ns.unwrap()))
}

fn truth_in_flight(truth: &[Value]) -> impl Iterator<Item = (u64, u64)> {
    let completions = truth
        .iter()
        .filter(|line| line["path"] == "/v1/completions");
    completions.map(|line| {
        (
            line["arrival_ns"].as_u64().unwrap(),
            line["end_ns"].as_u64().unwrap(),
        )
    })
}

pub(crate) fn only_stage(ran: &Ran) -> StageReport {
    let mut stages = ran.report().stages;
    assert_eq!(stages.len(), 1);
    stages.remove(0)
}

fn closed(stage: Value) -> Value {
    json!({"load": {"type": "concurrent", "stages": [stage]}})
}

#[test]
fn a_closed_loop_has_so_many_at_once_over_all_workers() {
    let mut bench = Bench::new(SimArgs::default());
    let config = bench.config(closed(json!({"concurrency_level": 3, "num_requests": 60})));
    let ran = bench.run(&config, &[]).expect(0);
    let stage = only_stage(&ran);
    assert_eq!((stage.counts.planned, stage.counts.ok()), (60, 60));
    assert_eq!(
        (stage.load.kind, stage.load.concurrency),
        (LoadType::Concurrent, Some(3))
    );
    assert!(stage.offered_rate.is_none() && stage.arrivals.verdict.starts_with("closed loop"));
    assert!(
        ran.stdout.contains("concurrent, 3 at once, 60 requests"),
        "{}",
        ran.stdout
    );

    let records = ran.records();
    let indices: BTreeSet<u64> = records.iter().map(|record| record.index).collect();
    assert_eq!(indices, (0..60).collect());
    // Three lanes begin at time zero; every other request is scheduled at the instant at which one before it ended.
    let origin = (stage.origin_s * 1e9).round() as u64;
    let ends: BTreeSet<u64> = records
        .iter()
        .map(|record| record.end_ns.unwrap())
        .collect();
    let (first, later): (Vec<_>, Vec<_>) = records
        .iter()
        .partition(|record| record.scheduled_ns.abs_diff(origin) < 2);
    assert_eq!((first.len(), later.len()), (3, 57));
    let used: BTreeSet<u64> = later.iter().map(|record| record.scheduled_ns).collect();
    assert!(used.len() == 57 && used.is_subset(&ends));
    assert_eq!(most_at_once(in_flight(&records)), 3);
    assert_eq!(most_at_once(truth_in_flight(&bench.truth())), 3);
    assert_eq!(
        ran.json("stage_0_lifecycle_metrics.json")["load_summary"]["concurrency"],
        3
    );
}

#[test]
fn a_closed_loop_can_end_by_the_clock_and_has_a_warm_up() {
    let bench = Bench::new(SimArgs::default());
    let mut patch = closed(json!({"concurrency_level": 2, "duration": 0.6}));
    patch["load"]["warmup"] = json!({"duration": 0.3});
    let ran = bench.run(&bench.config(patch), &[]).expect(0);
    let report = ran.report();
    let stage = only_stage(&ran);
    assert!(report.warmup.unwrap().planned > 2);
    let origin = (stage.origin_s * 1e9).round() as u64;
    let records: Vec<RequestRecord> = ran
        .records()
        .into_iter()
        .filter(|record| !record.warmup)
        .collect();
    assert_eq!(stage.counts.planned, records.len() as u64);
    assert!(records.len() > 2 && stage.counts.ok() == stage.counts.planned);
    // What is started before the end may end after it.
    let last = records
        .iter()
        .map(|record| record.scheduled_ns)
        .max()
        .unwrap();
    assert!(last < origin + 600_000_000);
    assert_eq!(report.run.status, RunStatus::Complete);
}

#[test]
fn a_closed_loop_that_is_stopped_loses_nothing() {
    let bench = Bench::new(SimArgs::default());
    let child = bench.start(&bench.config(closed(
        json!({"concurrency_level": 5, "num_requests": 3_000}),
    )));
    while bench.sim.as_ref().unwrap().stats().requests < 30 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(killed.unwrap().success());
    let ran = bench.wait(child).expect(8);
    let report = ran.report();
    assert_eq!(report.run.status, RunStatus::Partial);
    assert!(report.counts.is_conserved());
    assert_eq!(report.counts.planned, 3_000);
    assert!(report.counts.not_sent > 0 && report.counts.sent == report.counts.ok());
    let indices: BTreeSet<u64> = ran.records().iter().map(|record| record.index).collect();
    assert_eq!(indices.len(), 3_000);
}

#[test]
fn more_lanes_than_requests_and_fewer_lanes_than_workers_are_no_trouble() {
    let bench = Bench::new(SimArgs::default());
    for (lanes, count) in [(50, 7), (1, 7)] {
        let config = bench.config(closed(
            json!({"concurrency_level": lanes, "num_requests": count}),
        ));
        assert_eq!(bench.run(&config, &[]).expect(0).report().counts.ok(), 7);
    }
}

fn cancelled(fraction: f64, after: &str) -> Value {
    json!({
        "load": {"stages": [{"rate": 60, "duration": 1}], "seed": 5, "cancel": {"fraction": fraction, "after": after}},
        "slo": [{"metric": "error_rate", "max": 0.2}],
        "report": {"goodput": {"constraints": {"ttft": 30}}},
    })
}

#[test]
fn people_who_give_up_close_their_connections_and_bend_no_percentile() {
    // Eight tokens take 20 + 7 x 60 ms: nobody who gives up after 200 ms sees the end.
    let mut bench = Bench::new(SimArgs {
        itl: Duration::from_millis(60),
        ..SimArgs::default()
    });
    let config = bench.config(cancelled(0.4, "200ms"));
    let ran = bench.run(&config, &[]).expect(0);
    let stage = only_stage(&ran);
    let counts = stage.cancel.unwrap();
    let records = ran.records();
    let drawn: BTreeSet<u64> = records
        .iter()
        .filter(|record| record.cancel_after_ns == Some(200_000_000))
        .map(|record| record.index)
        .collect();
    assert!((10..40).contains(&drawn.len()), "{drawn:?}");
    assert_eq!(
        (counts.drawn, counts.cancelled),
        (drawn.len() as u64, drawn.len() as u64)
    );
    for record in &records {
        let is_drawn = drawn.contains(&record.index);
        let expected = if is_drawn {
            Outcome::Cancelled
        } else {
            Outcome::Ok
        };
        assert_eq!(record.outcome, expected, "{record:?}");
        let lived = record.end_ns.unwrap() - record.sent_ns.unwrap();
        assert!(!is_drawn || lived >= 200_000_000, "{record:?}");
    }
    assert!(stage.counts.is_conserved());
    assert_eq!(stage.counts.outcomes[&Outcome::Cancelled], counts.cancelled);
    // Latencies are those of the others, without a hole where the cancelled ones would be.
    for metric in [
        Metric::E2e,
        Metric::E2eScheduled,
        Metric::TtftScheduled,
        Metric::Ttft,
    ] {
        let summary = &stage.metrics[&metric];
        assert_eq!(
            (summary.count, summary.censored),
            (60 - counts.drawn, 0),
            "{metric:?}"
        );
    }
    assert_eq!(
        stage.metrics[&Metric::ChunkGap].count,
        (60 - counts.drawn) * 7
    );
    assert_eq!(stage.metrics[&Metric::ScheduleDelay].count, 60);
    // No errors, but not good either.
    assert!(stage.errors.is_empty(), "{:?}", stage.errors);
    assert_eq!(stage.checks[0].verdict, CheckVerdict::Pass);
    let goodput = stage.goodput.as_ref().unwrap();
    assert_eq!((goodput.offered, goodput.good), (60, 60 - counts.drawn));
    assert!(
        ran.stdout.contains("0 failed") && ran.stdout.contains("were given up"),
        "{}",
        ran.stdout
    );

    // The server saw exactly these go away.
    let truth = bench.truth();
    let gone: BTreeSet<u64> = truth
        .iter()
        .filter(|line| line["client_closed"] == true)
        .map(|line| {
            let id = line["x_request_id"].as_str().unwrap();
            id.rsplit('-').next().unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(gone, drawn);
}

#[test]
fn who_ends_before_giving_up_has_succeeded() {
    let bench = Bench::new(SimArgs::default());
    let ran = bench
        .run(&bench.config(cancelled(0.4, "60s")), &[])
        .expect(0);
    let stage = only_stage(&ran);
    let counts = stage.cancel.unwrap();
    assert!(counts.drawn > 0 && counts.cancelled == 0);
    assert_eq!((stage.counts.ok(), stage.goodput.unwrap().good), (60, 60));
    assert_eq!(stage.metrics[&Metric::E2e].count, 60 - counts.drawn);
}

#[test]
fn a_cap_that_bites_counts_what_it_holds_back_and_makes_the_stage_invalid() {
    let mut bench = Bench::new(SimArgs {
        ttft: Duration::from_millis(400),
        ..SimArgs::default()
    });
    let config = bench.config(json!({"load": {"max_in_flight": 5}}));
    let ran = bench.run(&config, &["--fail-on", "invalid"]).expect(6);
    let stage = only_stage(&ran);
    assert!(stage.counts.is_conserved() && stage.counts.planned == 50);
    assert!(stage.counts.not_sent > 0 && stage.counts.ok() == stage.counts.sent);
    assert_eq!(stage.validity.state, ValidityState::Invalid);
    assert!(
        stage
            .validity
            .reasons
            .iter()
            .any(|reason| reason.contains("held back by a limit")),
        "{:?}",
        stage.validity
    );
    assert!(
        stage.errors[0].message.contains("load.max_in_flight"),
        "{:?}",
        stage.errors
    );
    assert_eq!(ran.report().run.status, RunStatus::Complete);
    assert!(most_at_once(in_flight(&ran.records())) <= 5);
    assert!(most_at_once(truth_in_flight(&bench.truth())) <= 5);
}

#[test]
fn a_cap_that_does_not_bite_changes_nothing() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"load": {"max_in_flight": 50}}));
    assert_eq!(bench.run(&config, &[]).expect(0).report().counts.ok(), 50);
}

#[test]
fn steps_are_stages_and_a_slope_is_one() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"load": {"stages": [
        {"rate": 20, "end_rate": 40, "steps": 2, "duration": 1},
        {"rate": 10, "end_rate": 50, "duration": 1}]}}));
    let stages = bench.run(&config, &[]).expect(0).report().stages;
    let asked: Vec<_> = stages
        .iter()
        .map(|stage| (stage.load.rate, stage.load.end_rate, stage.counts.ok()))
        .collect();
    assert_eq!(
        asked,
        [
            (Some(20.0), None, 10),
            (Some(40.0), None, 20),
            (Some(10.0), Some(50.0), 30)
        ]
    );
    assert_eq!(stages[2].offered_rate, Some(30.0));
}

#[test]
fn gamma_arrivals_are_sent_and_named() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"load": {"type": "gamma", "burstiness": 0.5, "seed": 3}}));
    let ran = bench.run(&config, &[]).expect(0);
    let load = only_stage(&ran).load;
    assert_eq!((load.kind, load.burstiness), (LoadType::Gamma, Some(0.5)));
    assert!(
        ran.stdout.contains("gamma 50/s for 1 s, burstiness 0.5"),
        "{}",
        ran.stdout
    );
}
