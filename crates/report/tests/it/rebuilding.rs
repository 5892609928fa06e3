//! Reports made of records: the same as those of the run.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    CheckVerdict, Config, Counts, Cut, FailOn, Metric, RequestRecord, RunStatus, SloMetric,
};
use bench_report::{
    NOT_ENDED, Rebuild, RebuildError, Rebuilt, Settings, Stage, StageCollector, StageFacts, reads,
    report, stage_reports, unfinished,
};
use proptest::prelude::*;
use serde_json::json;

use crate::made::head;
use crate::parts::records_from;
use crate::records::{MS, facts, ok, reads as exact_reads};

fn config(per_request: bool) -> serde_json::Value {
    let config: Config = serde_json::from_value(json!({
        "api": {"type": "completion", "streaming": true},
        "report": {"request_lifecycle": {"per_request": per_request},
            "goodput": {"constraints": {"ttft": 0.5, "tpot": 0.006}}},
        "slo": [{"metric": "ttft_scheduled", "percentile": 95, "max": "900ms"},
            {"metric": "itl", "percentile": 99, "max": "6ms"}, {"metric": "error_rate", "max": 0.4}],
    }))
    .unwrap();
    serde_json::to_value(config).unwrap()
}

fn facts_of(stage: u32) -> StageFacts {
    let mut facts = facts(LoadType::Constant, 100.0, 5.0);
    facts.stage = stage;
    facts.origin_ns = u64::from(stage) * 20_000_000_123;
    facts.health.in_flight_max = 7;
    facts
}

/// The records of a run, as they are read back, and the run itself.
struct Run {
    stages: Vec<Stage>,
    records: Vec<RequestRecord>,
    config: serde_json::Value,
}

impl Run {
    fn new(records: Vec<RequestRecord>, stages: u32, per_request: bool) -> Self {
        let config = config(per_request);
        let settings: Config = serde_json::from_value(config.clone()).unwrap();
        let settings = Arc::new(Settings::from_config(&settings));
        let mut parts: Vec<Stage> = (0..stages)
            .map(|stage| Stage {
                facts: facts_of(stage),
                collector: StageCollector::new(settings.clone()),
            })
            .collect();
        let mut written = Vec::new();
        for mut record in records {
            let exact = exact_reads(&record);
            parts[record.stage as usize].collector.add(&record, &exact);
            record.reads =
                per_request.then(|| reads::packed(record.sent_ns.unwrap_or(0), &exact, true));
            let line = serde_json::to_string(&record).unwrap();
            written.push(serde_json::from_str(&line).unwrap());
        }
        Self {
            stages: parts,
            records: written,
            config,
        }
    }

    fn report(&self) -> bench_contract::Report {
        let mut head = head();
        head.config = self.config.clone();
        head.objectives = self.objectives();
        report(
            head,
            &self.stages,
            stage_reports(&self.stages),
            &FailOn::ALL,
        )
    }

    fn objectives(&self) -> Vec<bench_contract::Slo> {
        let config: Config = serde_json::from_value(self.config.clone()).unwrap();
        config.slo
    }

    /// What is known while the last stage goes on.
    fn note(&self, planned: u64) -> bench_contract::Report {
        let mut head = head();
        head.config = self.config.clone();
        head.objectives = self.objectives();
        head.run.status = RunStatus::Unfinished;
        head.run.partial_because = vec![NOT_ENDED.to_owned()];
        let last = self.stages.len() - 1;
        let of = |(place, stage): (usize, &Stage)| {
            let mut facts = stage.facts.clone();
            if place == last {
                facts.health = bench_contract::Health::default();
            }
            let settings =
                Settings::from_config(&serde_json::from_value(self.config.clone()).unwrap());
            let collector = StageCollector::new(Arc::new(settings));
            let counts = if place == last {
                Counts {
                    planned,
                    not_sent: planned,
                    ..Counts::default()
                }
            } else {
                stage.collector.counts().clone()
            };
            (Stage { facts, collector }, counts)
        };
        let stages: Vec<(Stage, Counts)> = self.stages.iter().enumerate().map(of).collect();
        unfinished(head, &stages)
    }
}

fn rebuilt(
    head: bench_contract::Report,
    records: &[RequestRecord],
    cut: Option<&Cut>,
) -> Result<Rebuilt, RebuildError> {
    let mut rebuild = Rebuild::new(head)?;
    for record in records {
        rebuild.add(record)?;
    }
    rebuild.finish(cut, &FailOn::ALL)
}

fn any_records() -> impl Strategy<Value = Vec<RequestRecord>> {
    records_from(|stage| facts_of(stage).origin_ns, 3, 100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn records_give_the_report_of_the_run(records in any_records(), shift in 0..50_usize) {
        let run = Run::new(records, 2, true);
        let whole = run.report();
        // Records stand in the order in which requests ended; any will do.
        let mut records = run.records.clone();
        let places = records.len();
        records.rotate_left(shift % places);
        let made = rebuilt(whole.clone(), &records, None).unwrap();
        prop_assert_eq!(&made.missing, &Vec::<String>::new());
        prop_assert_eq!(made.report, whole);
    }

    #[test]
    fn without_reads_the_figures_of_gaps_are_those_of_the_run(records in any_records()) {
        let run = Run::new(records, 2, false);
        let whole = run.report();
        let made = rebuilt(whole.clone(), &run.records, None).unwrap();
        let lines = |report: &bench_contract::Report| serde_json::to_string_pretty(report).unwrap();
        let (made, whole) = (lines(&made.report), lines(&whole));
        let differ: Vec<(&str, &str)> = made.lines().zip(whole.lines()).filter(|(a, b)| a != b).collect();
        prop_assert!(differ.is_empty(), "{differ:?}");
    }

    #[test]
    fn of_a_killed_run_nothing_is_made_up(
        ttfts in prop::collection::vec(1..2000_u64, 2..120),
        gone in prop::collection::vec(any::<bool>(), 120),
        more in 0..50_u64,
    ) {
        let all: Vec<RequestRecord> = (0..).zip(&ttfts)
            .map(|(k, ttft)| RequestRecord { stage: 1, ..ok(k, facts_of(1).origin_ns + k * 10 * MS, ttft * MS, 5) })
            .collect();
        let run = Run::new(all, 2, true);
        let left: Vec<RequestRecord> = run.records.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(r, _)| r.clone()).collect();
        let planned = run.records.len() as u64 + more;
        let made = rebuilt(run.note(planned), &left, None).unwrap();
        let report = made.report;
        let stage = &report.stages[1];
        prop_assert_eq!(stage.counts.planned, left.len() as u64);
        prop_assert_eq!(report.run.unrecorded, planned - left.len() as u64);
        prop_assert!(report.counts.is_conserved());
        prop_assert_eq!(report.verdict.exit_code, 8);
        prop_assert_eq!(report.run.status, RunStatus::Partial);
        if report.run.unrecorded > 0 {
            prop_assert!(stage.checks.iter().all(|check| check.verdict != CheckVerdict::Pass));
        }
        // Rates are those of the part of which everything is known: 100/s as long as there are two of it.
        let unbroken = (0..).zip(&left).take_while(|(k, record)| record.index == *k).count() as u64;
        if unbroken > 1 && report.run.unrecorded > 0 {
            let rate = unbroken as f64 / ((unbroken - 1) as f64 * 0.01);
            prop_assert!((stage.offered_rate.unwrap() - rate).abs() < 1e-6);
            prop_assert_eq!(stage.arrivals.count, unbroken);
            let sent = stage.validity.reasons.iter().any(|reason| reason.starts_with("sent "));
            prop_assert!(!sent, "{:?}", stage.validity);
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    let at = |k: u64| facts_of(1).origin_ns + k * 10 * MS;
    let mut records: Vec<RequestRecord> = (0..40)
        .filter(|k| ![20, 31].contains(k))
        .map(|k| RequestRecord {
            stage: 1,
            ..ok(k, at(k), 20 * MS, 5)
        })
        .collect();
    records.insert(0, ok(0, 0, 20 * MS, 5));
    records.push(RequestRecord {
        warmup: true,
        ..ok(0, 0, 20 * MS, 5)
    });
    let run = Run::new(records[..39].to_vec(), 2, false);
    let cut = Cut {
        lines: 39,
        reason: "the file ends within a compressed frame".to_owned(),
    };
    let mut note = run.note(1200);
    note.counts.planned += 500;
    note.counts.not_sent += 500;
    let report = rebuilt(note, &records, Some(&cut)).unwrap().report;
    let because = report.run.partial_because.join("\n");
    assert_eq!(
        because,
        "the run was killed, or goes on: it has not written its last report\n\
         the records are cut: the file ends within a compressed frame after line 39\n\
         stage 1: 1,162 of 1,200 planned requests left no record; 2 of them were due before others that did: they were in flight or just over, and are in no latency, so that the longest latencies are missing\n\
         nothing is known of the generator's own health in stage 1: it is told at a stage's end"
    );
    assert_eq!(report.run.unrecorded, 1162);
    assert_eq!((report.counts.planned, report.counts.not_sent), (539, 500));
    assert_eq!(report.warmup.unwrap().planned, 1);
    assert!(report.run.interrupted);
    assert!(
        (report.run.duration_s - 20.450_100_123 - 0.0).abs() < 0.1,
        "{}",
        report.run.duration_s
    );
    let absent = &report.stages[1].absent[&Metric::Itl].reason;
    assert!(absent.contains("per_request was off"), "{absent}");
    let of_itl = |check: &&bench_contract::Check| check.slo.metric == SloMetric::Itl;
    let check = report.stages[1].checks.iter().find(of_itl).unwrap();
    assert_eq!(check.verdict, CheckVerdict::Inconclusive);
    assert!(
        check.reason.contains("per_request was off"),
        "{}",
        check.reason
    );
}

#[test]
fn a_run_that_was_killed_when_all_had_ended_is_complete() {
    let records: Vec<RequestRecord> = (0..50).map(|k| ok(k, k * 10 * MS, 20 * MS, 5)).collect();
    let run = Run::new(records, 1, true);
    let mut note = run.note(50);
    note.stages[0].health.in_flight_max = 7;
    let made = rebuilt(note, &run.records, None).unwrap().report;
    assert_eq!(
        (made.run.status, made.run.interrupted),
        (RunStatus::Complete, false)
    );
    assert_eq!(made.stages, run.report().stages);
}

#[test]
fn records_of_another_run_are_refused() {
    let records: Vec<RequestRecord> = (0..3).map(|k| ok(k, k * MS, 20 * MS, 5)).collect();
    let run = Run::new(records.clone(), 1, true);
    let refused = |records: &[RequestRecord]| rebuilt(run.report(), records, None).unwrap_err();
    let strange = RequestRecord {
        stage: 4,
        ..records[0].clone()
    };
    assert_eq!(refused(&[strange]), RebuildError::UnknownStage(4));
    let twice = [records[1].clone(), records[1].clone()];
    assert_eq!(refused(&twice), RebuildError::Twice { stage: 0, index: 1 });
    let more: Vec<RequestRecord> = (0..4).map(|k| ok(k, k * MS, 20 * MS, 5)).collect();
    assert!(
        refused(&more)
            .to_string()
            .starts_with("stage 0 has 4 records of 3 planned")
    );
    let mut other = run.report();
    other.definitions_version = 7;
    assert_eq!(
        rebuilt(other, &[], None).unwrap_err(),
        RebuildError::Definitions(7)
    );
}

#[test]
fn a_run_without_a_stage_stays_as_it_is() {
    let run = Run::new(Vec::new(), 1, true);
    let mut report = run.report();
    report.stages.clear();
    report.counts = Counts {
        planned: 10,
        not_sent: 10,
        ..Counts::default()
    };
    let made = rebuilt(report.clone(), &[], None).unwrap().report;
    assert_eq!(made.counts, report.counts);
    assert_eq!(made.stages, []);
}

#[test]
fn what_is_absent_for_want_of_streams_is_not_put_down_to_records() {
    let config: Config = serde_json::from_value(json!({
        "api": {"type": "completion", "streaming": false},
        "report": {"request_lifecycle": {"per_request": false}},
    }))
    .unwrap();
    let settings = Arc::new(Settings::from_config(&config));
    let mut stage = Stage {
        facts: facts_of(0),
        collector: StageCollector::new(settings),
    };
    let records: Vec<RequestRecord> = (0..20).map(|k| ok(k, k * 10 * MS, 20 * MS, 5)).collect();
    for record in &records {
        stage.collector.add(record, &[]);
    }
    let mut head = head();
    head.config = serde_json::to_value(&config).unwrap();
    // A shard knows nothing but its records.
    head.run.merged = Some(bench_contract::Merged {
        kind: bench_contract::MergeKind::Shards,
        of: Vec::new(),
        missing: Vec::new(),
        doubts: Vec::new(),
    });
    let stages = [stage];
    let whole = report(head, &stages, stage_reports(&stages), &FailOn::ALL);
    let made = rebuilt(whole, &records, None).unwrap().report;
    let absent = &made.stages[0].absent[&Metric::ChunkGap].reason;
    assert!(absent.contains("not streamed"), "{absent}");
}
