//! Objectives judged when a run is over, and how CI systems are told.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    CheckVerdict, Config, FailOn, Limit, MergeKind, Merged, Outcome, Report, RequestRecord, Slo,
    SloMetric, SloStages,
};
use bench_report::{
    Rebuild, Settings, Stage, StageCollector, junit, rejudged, report, stage_reports,
};
use proptest::prelude::*;

use crate::made::head;
use crate::records::{MS, facts, failed, ok, reads, slo};

fn config(slos: &[Slo]) -> Config {
    let mut config = Config {
        slo: slos.to_vec(),
        ..Config::default()
    };
    config.api.streaming = true;
    config.report = serde_json::from_value(serde_json::json!({
        "goodput": {"constraints": {"ttft": 0.05}},
    }))
    .unwrap();
    config
}

/// A run with objectives of its own, and its records.
fn run_of(records: &[RequestRecord], slos: &[Slo]) -> Report {
    let config = config(slos);
    let collector = StageCollector::new(Arc::new(Settings::from_config(&config)));
    let mut stage = Stage {
        facts: facts(LoadType::Constant, 100.0, records.len() as f64 / 100.0),
        collector,
    };
    for record in records {
        stage.collector.add(record, &reads(record));
    }
    let mut head = head();
    head.config = serde_json::to_value(&config).unwrap();
    head.objectives = slos.to_vec();
    let stages = [stage];
    report(head, &stages, stage_reports(&stages), &FailOn::ALL)
}

fn settings(slos: &[Slo]) -> Settings {
    Settings::from_config(&config(slos))
}

fn from_records(whole: &Report, records: &[RequestRecord], slos: &[Slo]) -> Report {
    let mut rebuild = Rebuild::with(whole.clone(), settings(slos));
    records
        .iter()
        .for_each(|record| rebuild.add(record).unwrap());
    rebuild.finish(None, &FailOn::ALL).unwrap().report
}

fn share(metric: SloMetric, limit: f64) -> Slo {
    let is_error_rate = metric == SloMetric::ErrorRate;
    Slo {
        metric,
        percentile: None,
        max: Limit::new(limit).filter(|_| is_error_rate),
        min: Limit::new(limit).filter(|_| !is_error_rate),
        stages: SloStages::Each,
    }
}

fn any_slo() -> impl Strategy<Value = Slo> {
    let stages = prop::sample::select(vec![
        SloStages::Each,
        SloStages::Of(vec![0]),
        SloStages::Whole,
    ]);
    (any_slo_of_each(), stages).prop_map(|(slo, stages)| Slo { stages, ..slo })
}

fn any_slo_of_each() -> impl Strategy<Value = Slo> {
    let latency = (
        prop::sample::select(vec![
            SloMetric::Ttft,
            SloMetric::TtftScheduled,
            SloMetric::E2e,
            SloMetric::Tpot,
            SloMetric::ScheduleDelay,
            SloMetric::ChunkGap,
            SloMetric::TpotChunkAware,
        ]),
        prop::sample::select(vec![50.0, 90.0, 99.0]),
        prop::sample::select(vec![0.001, 0.01, 0.05, 0.3, 4.0]),
    )
        .prop_map(|(metric, p, max)| slo(metric, p, max));
    prop_oneof![
        6 => latency,
        1 => prop::sample::select(vec![0.0, 0.01, 0.5]).prop_map(|max| share(SloMetric::ErrorRate, max)),
        1 => prop::sample::select(vec![0.5, 0.99]).prop_map(|min| share(SloMetric::Goodput, min)),
        1 => prop::sample::select(vec![1.0, 1e6]).prop_map(|min| share(SloMetric::Throughput, min)),
    ]
}

fn any_records() -> impl Strategy<Value = Vec<RequestRecord>> {
    let waves = (1..40_u64, 1..80_u64, prop::bool::weighted(0.3));
    (waves, 1..500_u64).prop_map(|((least, spread, fails), n)| {
        let record = |k: u64| {
            // Slow waves, so that requests depend on each other.
            let wave = (k as f64 / 40.0).sin().mul_add(0.5, 0.5);
            let ttft = least * MS + (wave * spread as f64 * MS as f64) as u64;
            if fails && k % 17 == 3 {
                failed(k, k * 10 * MS, Outcome::Timeout, "late")
            } else {
                ok(k, k * 10 * MS, ttft, 4)
            }
        };
        (0..n).map(record).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_report_alone_says_what_its_records_say_or_that_it_takes_them(
        records in any_records(),
        own in prop::collection::vec(any_slo(), 0..3),
        asked in prop::collection::vec(any_slo(), 1..5),
    ) {
        let whole = run_of(&records, &own);
        let truth = from_records(&whole, &records, &asked);
        let alone = rejudged(whole, &settings(&asked), &FailOn::ALL).unwrap();
        let mut open = 0;
        prop_assert_eq!(alone.judged().count(), asked.len());
        for ((_, alone), (_, truth)) in alone.judged().zip(truth.judged()) {
            prop_assert_eq!(&alone.slo, &truth.slo);
            if alone.reason.contains("it takes the records") {
                prop_assert_eq!(alone.verdict, CheckVerdict::Inconclusive);
                open += 1;
                continue;
            }
            prop_assert_eq!(alone.count, truth.count, "{} and {}", alone.reason, truth.reason);
            prop_assert!((alone.n_eff - truth.n_eff).abs() < 1e-9 * truth.n_eff.max(1.0), "{} and {}", alone.reason, truth.reason);
            if open == 0 && alone.verdict != truth.verdict {
                // Only the correction for the number of objectives may tell them apart, where some could not be judged.
                let all = alone.reason.contains("(Holm)") != truth.reason.contains("(Holm)");
                prop_assert!(all, "{} and {}", alone.reason, truth.reason);
            }
        }
        if open == 0 {
            prop_assert_eq!(alone.verdict.exit_code, truth.verdict.exit_code);
        }
    }

    #[test]
    fn a_runs_own_objectives_are_judged_as_it_did(
        records in any_records(),
        own in prop::collection::vec(any_slo(), 1..4),
    ) {
        let whole = run_of(&records, &own);
        let again = rejudged(whole.clone(), &settings(&own), &FailOn::ALL).unwrap();
        prop_assert_eq!(&again, &whole);
    }
}

#[test]
fn what_only_records_can_decide_is_left_open_with_the_reason() {
    let records: Vec<RequestRecord> = (0..400)
        .map(|k| ok(k, k * 10 * MS, (10 + k % 50) * MS, 4))
        .collect();
    let whole = run_of(&records, &[]);
    let asked = [
        slo(SloMetric::Ttft, 95.0, 0.05),
        slo(SloMetric::Ttft, 95.0, 0.2),
    ];
    let judged = rejudged(whole, &settings(&asked), &FailOn::ALL).unwrap();
    let checks = &judged.stages[0].checks;
    assert_eq!(checks[0].verdict, CheckVerdict::Inconclusive);
    assert!(
        checks[0].reason.contains("requests.jsonl.zst"),
        "{}",
        checks[0].reason
    );
    assert_eq!(checks[1].verdict, CheckVerdict::Pass);
    assert_eq!(judged.verdict.exit_code, 5);
}

#[test]
fn junit_has_a_case_for_each_objective_of_each_stage() {
    let records: Vec<RequestRecord> = (0..600).map(|k| ok(k, k * 10 * MS, 20 * MS, 4)).collect();
    let own = [
        slo(SloMetric::Ttft, 95.0, 0.2),
        slo(SloMetric::Ttft, 95.0, 0.001),
        slo(SloMetric::Ttft, 99.9, 0.2),
    ];
    let mut whole = run_of(&records, &own);
    whole.run.id = "a<b>&\"c\u{1}".to_owned();
    whole.stages.push(whole.stages[0].clone());
    whole.stages[1].stage = 1;
    whole.stages[1].checks[0].verdict = CheckVerdict::Invalid;
    let xml = junit::xml(&whole);
    let count = |what: &str| xml.matches(what).count();
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"a&lt;b&gt;&amp;&quot;c\u{fffd}\" tests=\"6\" failures=\"2\" errors=\"1\" skipped=\"2\""), "{xml}");
    assert_eq!((count("<testsuite "), count("<testcase ")), (2, 6));
    assert_eq!(
        (count("<failure "), count("<skipped "), count("<error ")),
        (2, 2, 1)
    );
    assert!(xml.contains(
        "<testcase classname=\"stage 0: constant 100/s for 6 s\" name=\"p95 ttft &lt;= 0.2s\" time="
    ));
    assert!(
        xml.contains("inconclusive: ") && xml.contains("needs at least 3688 effective samples")
    );
    assert!(xml.contains("<property name=\"model\" value=\"qwen3-8b\"/>"));
    assert!(xml.contains("timestamp=\"2026-11-24T12:00:00\""));
}

#[test]
fn a_merged_report_remembers_what_is_missing() {
    let records: Vec<RequestRecord> = (0..600).map(|k| ok(k, k * 10 * MS, 20 * MS, 4)).collect();
    let asked = [
        slo(SloMetric::Ttft, 95.0, 0.2),
        slo(SloMetric::Ttft, 95.0, 0.001),
        share(SloMetric::Throughput, 1.0),
        Slo {
            stages: SloStages::Whole,
            ..share(SloMetric::ErrorRate, 0.5)
        },
    ];
    let verdicts = |report: Report| -> Vec<CheckVerdict> {
        let judged = rejudged(report, &settings(&asked), &FailOn::ALL).unwrap();
        judged.judged().map(|(_, check)| check.verdict).collect()
    };
    use CheckVerdict::{Fail, Inconclusive, Pass};
    let whole = run_of(&records, &[]);
    assert_eq!(verdicts(whole.clone()), [Pass, Fail, Pass, Pass]);
    // With a few missing, what fails does so whatever became of them.
    let mut lost = whole.clone();
    lost.run.unrecorded = 7;
    assert_eq!(
        verdicts(lost),
        [Inconclusive, Fail, Inconclusive, Inconclusive]
    );
    let mut partial = whole;
    partial.run.merged = Some(Merged {
        kind: MergeKind::Shards,
        of: vec!["shard 0 (a)".to_owned()],
        missing: vec![1],
        doubts: Vec::new(),
    });
    assert_eq!(verdicts(partial), [Inconclusive; 4]);
}

#[test]
fn gaps_that_records_hold_only_in_part_decide_nothing_new() {
    // Every other reply has events of several tokens, of which records do not tell how many each had.
    let several = |k: u64| k.is_multiple_of(2);
    let known = |record: &RequestRecord| {
        let mut reads = reads(record);
        for read in reads.iter_mut().filter(|_| several(record.index)) {
            read.tokens = 3;
        }
        reads
    };
    let records: Vec<RequestRecord> = (0..400)
        .map(|k| {
            let record = ok(k, k * 10 * MS, 20 * MS, 4);
            RequestRecord {
                output_tokens: Some(if several(k) { 12 } else { 4 }),
                ..record
            }
        })
        .collect();
    let itl = |p: f64| slo(SloMetric::Itl, p, 0.05);
    let config = config(&[itl(90.0)]);
    let settings_of_run = Arc::new(Settings::from_config(&config));
    let mut stage = Stage {
        facts: facts(LoadType::Constant, 100.0, 4.0),
        collector: StageCollector::new(settings_of_run),
    };
    for record in &records {
        stage.collector.add(record, &known(record));
    }
    let mut head = head();
    head.config = serde_json::to_value(&config).unwrap();
    head.objectives = config.slo.clone();
    let stages = [stage];
    let whole = report(head, &stages, stage_reports(&stages), &FailOn::ALL);
    assert_eq!(whole.stages[0].checks[0].verdict, CheckVerdict::Pass);
    let written: Vec<RequestRecord> = records
        .iter()
        .map(|record| RequestRecord {
            reads: Some(bench_report::reads::packed(
                record.sent_ns.unwrap(),
                &reads(record),
                false,
            )),
            ..record.clone()
        })
        .collect();
    let judged = from_records(&whole, &written, &[itl(90.0), itl(50.0)]);
    let [own, new] = judged.stages[0].checks.as_slice() else {
        panic!("{judged:?}")
    };
    assert_eq!(own.verdict, CheckVerdict::Pass, "{}", own.reason);
    assert_eq!(new.verdict, CheckVerdict::Inconclusive, "{}", new.reason);
    assert!(
        new.reason.contains("the records hold 600 of them"),
        "{}",
        new.reason
    );
}
