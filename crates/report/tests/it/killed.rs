//! Reports of runs that were killed: nothing passes, and nothing fails, that does not hold whatever became of the rest.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    CheckVerdict, Config, Counts, FailOn, Health, Limit, NotBegun, Outcome, Report, RequestRecord,
    RunStatus, Slo, SloMetric, SloStages, StageLoad,
};
use bench_report::{
    NOT_ENDED, Rebuild, RebuildError, Settings, Stage, StageCollector, StageFacts, unfinished,
};

use crate::made::head;
use crate::records::{MS, failed, ok, slo};

const S: u64 = 1000 * MS;

/// A stage as the logbook knows it.
struct Known {
    load: StageLoad,
    origin_ns: u64,
    /// What has become of its requests; where it goes on, how many are planned.
    counts: Counts,
    has_ended: bool,
}

fn not_sent(planned: u64) -> Counts {
    Counts {
        planned,
        not_sent: planned,
        ..Counts::default()
    }
}

fn sent_ok(n: u64) -> Counts {
    let mut counts = Counts::default();
    (0..n).for_each(|_| counts.add(Outcome::Ok));
    counts
}

fn closed(lanes: u32) -> StageLoad {
    StageLoad {
        kind: LoadType::Concurrent,
        concurrency: Some(lanes),
        duration_s: Some(60.0),
        ..StageLoad::default()
    }
}

fn open(rate: f64) -> StageLoad {
    StageLoad {
        kind: LoadType::Constant,
        rate: Some(rate),
        duration_s: Some(60.0),
        ..StageLoad::default()
    }
}

/// What is written down while a run goes on.
fn note(slos: &[Slo], known: Vec<Known>, not_begun: Vec<NotBegun>) -> Report {
    let mut config = Config {
        slo: slos.to_vec(),
        ..Config::default()
    };
    config.api.streaming = true;
    let settings = Arc::new(Settings::from_config(&config));
    let mut head = head();
    head.config = serde_json::to_value(&config).unwrap();
    head.objectives = slos.to_vec();
    head.run.status = RunStatus::Unfinished;
    head.run.partial_because = vec![NOT_ENDED.to_owned()];
    head.unstarted = not_sent(not_begun.iter().filter_map(|it| it.planned).sum());
    head.not_begun = not_begun;
    let stages: Vec<(Stage, Counts)> = (0..)
        .zip(known)
        .map(|(stage, known)| {
            let health = Health {
                in_flight_max: u64::from(known.has_ended),
                ..Health::default()
            };
            let facts = StageFacts {
                stage,
                load: known.load,
                origin_ns: known.origin_ns,
                health,
                known_until_ns: None,
                earlier: None,
                repeats: Vec::new(),
            };
            let collector = StageCollector::new(settings.clone());
            (Stage { facts, collector }, known.counts)
        })
        .collect();
    unfinished(head, &stages)
}

fn made(note: Report, records: &[RequestRecord]) -> Result<Report, RebuildError> {
    let mut rebuild = Rebuild::new(note)?;
    for record in records {
        rebuild.add(record)?;
    }
    Ok(rebuild.finish(None, &FailOn::ALL)?.report)
}

fn share(metric: SloMetric, max: f64, min: f64) -> Slo {
    Slo {
        metric,
        percentile: None,
        max: Limit::new(max),
        min: Limit::new(min),
        stages: SloStages::Each,
    }
}

fn waiting(stage: u32, load: StageLoad) -> NotBegun {
    NotBegun {
        stage,
        load,
        planned: None,
        checks: Vec::new(),
    }
}

#[test]
fn a_closed_loop_that_is_killed_between_two_stages_is_not_complete() {
    let records: Vec<RequestRecord> = (0..400).map(|k| ok(k, k * 100 * MS, 20 * MS, 4)).collect();
    let ended = || Known {
        load: closed(8),
        origin_ns: 0,
        counts: sent_ok(400),
        has_ended: true,
    };
    let slos = [slo(SloMetric::Ttft, 95.0, 1.0)];
    let report = made(
        note(&slos, vec![ended()], vec![waiting(1, closed(8))]),
        &records,
    )
    .unwrap();
    assert_eq!(report.run.status, RunStatus::Partial);
    assert_eq!(report.verdict.exit_code, 8);
    let because = report.run.partial_because.join("\n");
    assert!(
        because.contains("stage 1 and later were not started"),
        "{because}"
    );
    // What the stage that ended has shown stands.
    assert_eq!(report.stages[0].checks[0].verdict, CheckVerdict::Pass);
    assert_eq!(
        report.not_begun[0].checks[0].verdict,
        CheckVerdict::Inconclusive
    );
    // With no stage to come it is.
    let report = made(note(&slos, vec![ended()], Vec::new()), &records).unwrap();
    assert_eq!(report.run.status, RunStatus::Complete);
    assert_eq!(report.verdict.exit_code, 0);
}

#[test]
fn what_a_killed_closed_loop_had_in_flight_is_missing() {
    // Eight lanes: seven answer in 0.5 s, the first request of the last one hangs.
    let mut records = Vec::new();
    let mut index = 1;
    for turn in 0..60 {
        for _ in 0..7 {
            records.push(ok(index, turn * S / 2, 480 * MS, 2));
            index += 1;
        }
    }
    let running = |counts| Known {
        load: closed(8),
        origin_ns: 0,
        counts,
        has_ended: false,
    };
    let slos = [
        slo(SloMetric::Ttft, 95.0, 1.0),
        share(SloMetric::Throughput, f64::NAN, 1.0),
    ];
    let killed = note(&slos, vec![running(Counts::default())], Vec::new());
    let report = made(killed.clone(), &records).unwrap();
    let stage = &report.stages[0];
    for check in &stage.checks {
        assert_eq!(
            check.verdict,
            CheckVerdict::Inconclusive,
            "{}",
            check.reason
        );
    }
    assert_eq!(report.run.unrecorded, 1, "the hole");
    let because = report.run.partial_because.join("\n");
    assert!(
        because.contains("up to 7 more requests were in flight"),
        "{because}"
    );
    // 14 requests a second, whatever is missing: not none of them over the whole time.
    assert!(
        (stage.achieved_rate - 14.2).abs() < 0.3,
        "{}",
        stage.achieved_rate
    );

    // Without a hole it is the same: each lane may have held one.
    let dense: Vec<RequestRecord> = (0..400).map(|k| ok(k, k * 100 * MS, 20 * MS, 4)).collect();
    let report = made(killed, &dense).unwrap();
    assert_eq!(report.verdict.exit_code, 8);
    assert_eq!(
        report.stages[0].checks[0].verdict,
        CheckVerdict::Inconclusive
    );
    let rate = report.stages[0].achieved_rate;
    assert!((rate - 10.0).abs() < 0.1, "{rate}");
}

#[test]
fn failures_that_are_quick_do_not_fail_a_killed_run() {
    // 10 a second for 60 s, killed at 30 s: a fifth is refused at once, and the rest takes a minute.
    let busy = |k: u64| RequestRecord {
        end_ns: Some(k * 100 * MS + MS),
        ..failed(k, k * 100 * MS, Outcome::HttpError, "busy")
    };
    let records: Vec<RequestRecord> = (0..300).step_by(5).map(busy).collect();
    let slos = [
        share(SloMetric::ErrorRate, 0.3, f64::NAN),
        share(SloMetric::ErrorRate, 0.05, f64::NAN),
        share(SloMetric::Throughput, f64::NAN, 100.0),
        slo(SloMetric::Ttft, 50.0, 1.0),
    ];
    let running = |load| Known {
        load,
        origin_ns: 0,
        counts: not_sent(600),
        has_ended: false,
    };
    let killed = note(&slos, vec![running(open(10.0))], Vec::new());
    let checks = &made(killed, &records).unwrap().stages[0].checks;
    use CheckVerdict::{Fail, Inconclusive};
    let verdicts: Vec<CheckVerdict> = checks.iter().map(|check| check.verdict).collect();
    assert_eq!(
        verdicts,
        [Inconclusive, Fail, Inconclusive, Inconclusive],
        "{checks:?}"
    );
    assert!(
        checks[0].reason.contains("planned requests left no record"),
        "{}",
        checks[0].reason
    );
    assert!(
        checks[1].reason.contains("whatever became"),
        "{}",
        checks[1].reason
    );
}

#[test]
fn records_that_no_plan_has_are_refused() {
    let running = Known {
        load: closed(8),
        origin_ns: 0,
        counts: Counts::default(),
        has_ended: false,
    };
    let killed = note(&[], vec![running], Vec::new());
    let error = made(killed, &[ok(u64::MAX, 0, 20 * MS, 4)]).unwrap_err();
    assert_eq!(
        error,
        RebuildError::Beyond {
            stage: 0,
            index: u64::MAX
        }
    );
    let ended = Known {
        load: open(10.0),
        origin_ns: 0,
        counts: sent_ok(600),
        has_ended: true,
    };
    let killed = note(&[], vec![ended], Vec::new());
    let error = made(killed, &[ok(600, 0, 20 * MS, 4)]).unwrap_err();
    assert!(matches!(error, RebuildError::Beyond { index: 600, .. }));
}

#[test]
fn a_note_holds_no_verdicts_yet() {
    let slos = [slo(SloMetric::Ttft, 95.0, 1.0)];
    let running = Known {
        load: open(10.0),
        origin_ns: 0,
        counts: not_sent(600),
        has_ended: false,
    };
    let note = note(&slos, vec![running], vec![waiting(1, closed(8))]);
    assert_eq!(note.judged().count(), 0);
    assert_eq!(note.contradiction(), None);
    let plain = bench_report::table::Style {
        color: false,
        width: 100,
    };
    let text = bench_report::table::report(&note, plain);
    for part in [
        "stage 0    constant 10/s for 60 s: going on, 600 requests planned",
        "stage 1    concurrent, 8 at once for 60 s: not begun",
        "figures    not known",
    ] {
        assert!(text.contains(part), "{text}");
    }
    for part in ["0.000", "valid", "offered", "UNDECIDED"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    let html = bench_report::page::html(&note);
    assert!(html.contains("not begun") && !html.contains(">valid<"));
}
