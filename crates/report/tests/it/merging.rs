//! Several reports to one: shards of one plan, and repeats of one config.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    CheckVerdict, Config, FailOn, MergeKind, Metric, Outcome, Report, RequestRecord, RunStatus,
    Shard, ValidityState,
};
use bench_report::{
    Merge, MergeError, Rebuild, RebuildError, Rebuilt, Settings, Stage, StageCollector, reads,
    report, stage_reports,
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::made::head;
use crate::queues::Queue;
use crate::records::{MS, facts, failed, ok, reads as exact_reads};

const SECOND: u64 = 1_000_000_000;

/// A run: its report and its records.
pub(crate) type Part = (Report, Vec<RequestRecord>);

fn config(seed: u64) -> Config {
    serde_json::from_value(json!({
        "api": {"type": "completion", "streaming": true},
        "load": {"seed": seed},
        "report": {"request_lifecycle": {"per_request": true}},
        "slo": [{"metric": "ttft_scheduled", "percentile": 95, "max": "900ms"},
            {"metric": "chunk_gap", "percentile": 99, "max": "6ms"}, {"metric": "error_rate", "max": 0.4}],
    }))
    .unwrap()
}

/// A run that has ended, of stages whose time zeros are given; its records are whole microseconds apart.
pub(crate) fn run_of(id: &str, seed: u64, origins: &[u64], records: &[RequestRecord]) -> Part {
    let config = config(seed);
    let settings = Arc::new(Settings::from_config(&config));
    let mut stages: Vec<Stage> = (0..)
        .zip(origins)
        .map(|(number, &origin)| {
            let mut facts = facts(LoadType::Constant, 100.0, 3.0);
            (facts.stage, facts.origin_ns) = (number, origin);
            Stage {
                facts,
                collector: StageCollector::new(settings.clone()),
            }
        })
        .collect();
    let mut written = Vec::new();
    for record in records {
        let reads = exact_reads(record);
        stages[record.stage as usize].collector.add(record, &reads);
        let reads = reads::packed(record.sent_ns.unwrap_or(0), &reads);
        written.push(RequestRecord {
            reads: Some(reads),
            ..record.clone()
        });
    }
    let mut head = head();
    head.run.id = id.to_owned();
    head.run.seed = seed;
    head.config = serde_json::to_value(&config).unwrap();
    let reports = stage_reports(&stages);
    (report(head, &stages, reports, &FailOn::ALL), written)
}

/// `record` by the clock of a process whose run began `earlier` ns before.
fn by_other_clock(record: &RequestRecord, earlier: u64) -> RequestRecord {
    let mut record = record.clone();
    record.scheduled_ns += earlier;
    for stamp in [
        &mut record.dispatched_ns,
        &mut record.sent_ns,
        &mut record.first_token_ns,
        &mut record.first_visible_ns,
        &mut record.last_token_ns,
        &mut record.end_ns,
    ] {
        *stamp = stamp.map(|at| at + earlier);
    }
    record
}

pub(crate) fn merged(parts: &[Part]) -> Result<Rebuilt, MergeError> {
    let mut merge = Merge::new(parts.iter().map(|(report, _)| report.clone()).collect())?;
    for (which, (_, records)) in parts.iter().enumerate() {
        for record in records {
            merge.add(which, record)?;
        }
    }
    merge.finish(&vec![None; parts.len()], &FailOn::ALL)
}

fn any_records() -> impl Strategy<Value = Vec<RequestRecord>> {
    let outcome =
        prop_oneof![5 => Just(Outcome::Ok), 2 => prop::sample::select(Outcome::ALL.to_vec())];
    let record = (outcome, 1..2000_u64, 1..40_u32, 0..4_u32, 0..2_u32);
    prop::collection::vec(record, 1..200).prop_map(|records| {
        let mut counts = [0_u64; 2];
        let each = records
            .into_iter()
            .map(|(outcome, ttft, n, message, stage)| {
                let index = counts[stage as usize];
                counts[stage as usize] += 1;
                let at = u64::from(stage) * 10 * SECOND + index * 10 * MS;
                let record = if outcome == Outcome::Ok {
                    ok(index, at, ttft * MS, n)
                } else {
                    failed(index, at, outcome, &format!("message {message}"))
                };
                RequestRecord { stage, ..record }
            });
        each.collect()
    })
}

/// Eight shards of `records`, each by a clock of its own; the first by that of the whole.
fn shards_of(records: &[RequestRecord], offsets: &[u64]) -> Vec<Part> {
    (0..8_u64)
        .map(|index| {
            let offset = if index == 0 {
                0
            } else {
                offsets[index as usize]
            };
            let mine: Vec<RequestRecord> = records
                .iter()
                .filter(|record| (record.index * 7 + u64::from(record.stage)) % 8 == index)
                .map(|record| by_other_clock(record, offset))
                .collect();
            let (mut report, records) = run_of("run", 1, &[offset, offset + 10 * SECOND], &mine);
            report.run.shard = Some(Shard {
                index: index as u32,
                count: 8,
            });
            report.environment.host = format!("pod-{index}");
            (report, records)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn eight_shards_are_the_whole(
        records in any_records(),
        offsets in prop::collection::vec(0..5_000_000_000_u64, 8),
        first in 0..8_usize,
    ) {
        let (whole, written) = run_of("run", 1, &[0, 10 * SECOND], &records);
        let mut shards = shards_of(&records, &offsets);
        // The first that is named gives the origin.
        shards[0..=first].rotate_right(1);
        let base = shards[0].0.stages[0].origin_s;
        let merged = merged(&shards).unwrap();
        prop_assert_eq!(&merged.missing, &Vec::<String>::new());
        let mut report = merged.report;
        prop_assert_eq!(report.run.status, RunStatus::Complete);
        prop_assert_eq!(&report.counts, &whole.counts);
        prop_assert_eq!(&report.length_histograms, &whole.length_histograms);
        if base == 0.0 {
            prop_assert_eq!(&report.series, &whole.series);
        }
        for (stage, of_whole) in report.stages.iter_mut().zip(&whole.stages) {
            stage.origin_s = of_whole.origin_s;
            // A float holds a distance as well as its ends allow.
            prop_assert!((stage.duration_s - of_whole.duration_s).abs() < 1e-9);
            stage.duration_s = of_whole.duration_s;
        }
        prop_assert_eq!(&report.verdict, &whole.verdict);
        prop_assert_eq!(&report.stages, &whole.stages);
        // Its own records give it again.
        let _ = written;
    }
}

#[test]
fn merged_records_give_the_merged_report_again() {
    let records: Vec<RequestRecord> = (0..240)
        .map(|k| ok(k, k * 10 * MS, (20 + k % 9) * MS, 6))
        .collect();
    let shards = shards_of(&records, &[3 * SECOND; 8]);
    let mut merge = Merge::new(shards.iter().map(|(report, _)| report.clone()).collect()).unwrap();
    assert_eq!(merge.kind(), MergeKind::Shards);
    let mut moved = Vec::new();
    for (which, (_, records)) in shards.iter().enumerate() {
        for record in records {
            moved.push(merge.add(which, record).unwrap().unwrap());
        }
    }
    let merged = merge.finish(&vec![None; 8], &FailOn::ALL).unwrap().report;
    let mut again = Rebuild::new(merged.clone()).unwrap();
    moved.iter().for_each(|record| again.add(record).unwrap());
    let again = again.finish(None, &FailOn::ALL).unwrap();
    assert_eq!(again.report.stages, merged.stages);
    assert_eq!(again.report.verdict, merged.verdict);
}

#[test]
fn a_missing_shard_is_named_and_nothing_passes_without_it() {
    let records: Vec<RequestRecord> = (0..2400).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let mut shards = shards_of(&records, &[0; 8]);
    shards.remove(3);
    shards.remove(5);
    let report = merged(&shards).unwrap().report;
    assert_eq!(report.run.status, RunStatus::Partial);
    let because = &report.run.partial_because;
    assert_eq!(
        because[0],
        "shards 3 and 6 of 8 are missing, and their requests with them"
    );
    assert!(
        because[1].contains("600 of 1,800 planned")
            || because[1].contains("planned requests left no record"),
        "{because:?}"
    );
    assert_eq!(report.run.unrecorded, 600);
    assert_eq!(report.verdict.exit_code, 5, "{:?}", report.verdict);
    assert!(
        report.stages[0]
            .checks
            .iter()
            .all(|check| check.verdict != CheckVerdict::Pass)
    );
    assert!(report.stages[0].arrivals.verdict.starts_with("not tested"));
    // Without objectives, something has failed all the same.
    for (report, _) in &mut shards {
        report.config["slo"] = json!([]);
    }
    assert_eq!(merged(&shards).unwrap().report.verdict.exit_code, 1);
}

#[test]
fn a_shard_that_was_killed_makes_the_whole_partial() {
    let records: Vec<RequestRecord> = (0..800).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let mut shards = shards_of(&records, &[0; 8]);
    let (report, left) = &mut shards[2];
    report.run.status = RunStatus::Unfinished;
    report.run.partial_because = vec![bench_report::NOT_ENDED.to_owned()];
    left.truncate(60);
    let report = merged(&shards).unwrap().report;
    assert_eq!(
        (report.run.status, report.run.unrecorded),
        (RunStatus::Partial, 40)
    );
    assert_eq!(report.verdict.exit_code, 8);
    let because = report.run.partial_because.join("\n");
    assert!(
        because.contains("shard 2 (pod-2): the run was killed, or goes on"),
        "{because}"
    );
}

#[test]
fn what_does_not_belong_together_is_refused_with_the_first_difference() {
    let records: Vec<RequestRecord> = (0..16).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let shards = || shards_of(&records, &[0; 8]);
    let refused = |change: &dyn Fn(&mut [Part])| {
        let mut shards = shards();
        change(&mut shards);
        merged(&shards).unwrap_err()
    };
    let error = refused(&|shards| shards[4].0.config["load"]["request_timeout"] = json!(7));
    let MergeError::Unlike { which, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*which, (0, 4));
    assert_eq!(
        error.to_string(),
        "these are no shards of one run: `config.load.request_timeout` is not there in report 0 and 7 in report 4"
    );
    assert!(
        refused(&|shards| shards[1].0.run.seed = 9)
            .to_string()
            .contains("`seed` is 1 in report 0 and 9")
    );
    assert_eq!(
        refused(&|shards| shards[1].0.run.shard = Some(Shard { index: 5, count: 8 })),
        MergeError::SameShard {
            which: (1, 5),
            index: 5
        }
    );
    assert!(matches!(
        refused(&|shards| shards[7].0.run.id = "other".to_owned()),
        MergeError::Mixed {
            same: (0, 1),
            other: 7
        }
    ));
    let twice = refused(&|shards| {
        let (report, records) = shards[0].clone();
        (shards[1].0.counts, shards[1].0.stages) = (report.counts, report.stages);
        shards[1].1 = records;
    });
    assert!(
        matches!(
            twice,
            MergeError::Together(RebuildError::Twice { stage: 0, .. })
        ),
        "{twice}"
    );
    assert_eq!(merged(&shards()[..1]).unwrap_err(), MergeError::TooFew);
    let stage = refused(&|shards| shards[2].1[0].stage = 9);
    assert_eq!(
        stage,
        MergeError::Records {
            which: 2,
            error: RebuildError::UnknownStage(9)
        }
    );
    // The same config is one run, wherever its files go; repeats have seeds of their own.
    let mut repeats = [
        run_of("a", 1, &[0], &records),
        run_of("b", 2, &[0], &records),
    ];
    repeats[1].0.config["storage"] = json!({"local_storage": {"path": "elsewhere"}});
    assert!(merged(&repeats).is_ok());
    repeats[1].0.stages[0].load.rate = Some(7.0);
    assert!(
        merged(&repeats)
            .unwrap_err()
            .to_string()
            .contains("these are no repeats of one config: `stages[0].load.rate` is 100.0")
    );
}

fn repeat(id: &str, seed: u64, ttfts: &[f64]) -> Part {
    let records: Vec<RequestRecord> = (0..)
        .zip(ttfts)
        .map(|(k, ttft)| ok(k, 5 * SECOND + k * 10 * MS, (ttft * 1e6) as u64 * 1000, 6))
        .collect();
    run_of(id, seed, &[5 * SECOND], &records)
}

#[test]
fn repeats_are_pooled_request_by_request_and_judged_as_a_whole() {
    let ttfts: Vec<f64> = (0..300)
        .map(|k| 0.02 + f64::from(k * 7919 % 300) * 1e-4)
        .collect();
    let parts: Vec<Part> = ["a", "b", "c"]
        .iter()
        .zip(1..)
        .map(|(id, seed)| repeat(id, seed, &ttfts))
        .collect();
    let merged = merged(&parts).unwrap();
    let report = merged.report;
    assert_eq!(report.run.merged.as_ref().unwrap().of, ["a", "b", "c"]);
    assert_eq!(
        (report.run.status, report.counts.planned),
        (RunStatus::Complete, 900)
    );
    let (stage, single) = (&report.stages[0], &parts[0].0.stages[0]);
    assert_eq!(stage.metrics[&Metric::Ttft].count, 900);
    let all = [ttfts.clone(), ttfts.clone(), ttfts].concat();
    let truth = bench_report::percentile(all, 95.0).unwrap();
    let found = stage.metrics[&Metric::Ttft].percentile(95.0).unwrap();
    assert!((found - truth).abs() < 2e-6, "{found}, not {truth}");
    for (of_all, of_one) in [
        (stage.offered_rate, single.offered_rate),
        (Some(stage.achieved_rate), Some(single.achieved_rate)),
        (
            Some(stage.throughput.output_tokens_per_s),
            Some(single.throughput.output_tokens_per_s),
        ),
        (Some(stage.duration_s), Some(3.0 * single.duration_s)),
    ] {
        assert!(
            (of_all.unwrap() - of_one.unwrap()).abs() < 1e-6,
            "{of_all:?}, {of_one:?}"
        );
    }
    assert_eq!(
        stage.validity.state,
        ValidityState::Valid,
        "{:?}",
        stage.validity
    );
    assert!(
        stage
            .arrivals
            .verdict
            .starts_with("tested in each run: constant")
    );
    assert_eq!(report.series, None);
    // Three times as many samples decide what one run alone could not.
    let check = |report: &Report| report.stages[0].checks[2].n_eff;
    assert!((check(&report) - 3.0 * check(&parts[0].0)).abs() < 1e-6);
}

#[test]
fn what_repeats_lack_is_said_and_passes_nothing() {
    let ttfts = [0.02; 300];
    let mut parts = [repeat("a", 1, &ttfts), repeat("b", 2, &ttfts)];
    let passed = |report: &Report| {
        let mut checks = report.stages[0].checks.iter();
        checks.any(|check| check.verdict == CheckVerdict::Pass)
    };
    assert!(passed(&merged(&parts).unwrap().report));
    for (_, records) in &mut parts {
        records.iter_mut().for_each(|record| record.reads = None);
    }
    parts[1].1.truncate(290);
    let report = merged(&parts).unwrap().report;
    assert!(!passed(&report));
    assert_eq!(
        (report.run.status, report.run.unrecorded),
        (RunStatus::Partial, 10)
    );
    let because = &report.run.partial_because[0];
    assert!(
        because.starts_with("b: stage 0: 10 of 300 planned"),
        "{because}"
    );
    let absent = &report.stages[0].absent[&Metric::ChunkGap].reason;
    assert!(absent.contains("per_request was off"), "{absent}");
}

/// Four repeats of a queue whose level changes by `spread` from run to run: how often the pooled interval of the median covers
/// that of the queue, and its mean width.
fn pooled_medians(spread: f64, truth: f64, trials: u64) -> (f64, f64) {
    let (mut covered, mut width) = (0.0, 0.0);
    for trial in 0..trials {
        let mut rng = ChaCha8Rng::seed_from_u64(500 + trial);
        let parts: Vec<Part> = (0..4_u64)
            .map(|run| {
                let level = 1.0 + spread * (rng.random::<f64>() - 0.5);
                let times = QUEUE.times(300, &mut rng).into_iter();
                let ttfts: Vec<f64> = times.map(|time| 0.01 * time * level).collect();
                repeat(&format!("run {run}"), run, &ttfts)
            })
            .collect();
        let report = merged(&parts).unwrap().report;
        let summary = &report.stages[0].metrics[&Metric::Ttft];
        let mut percentiles = summary.percentiles.iter();
        let median = percentiles.find(|entry| entry.p == 50.0).unwrap();
        let interval = median.interval.as_ref().unwrap();
        let lower = interval.lower.unwrap_or(0.0);
        let upper = interval.upper.unwrap_or(f64::INFINITY);
        covered += f64::from(u8::from(lower <= truth && truth <= upper));
        width += (upper - lower).min(1.0);
    }
    (covered / trials as f64, width / trials as f64)
}

const QUEUE: Queue = Queue {
    servers: 1,
    load: 0.5,
};

#[test]
fn repeats_that_differ_tell_less_than_repeats_that_agree() {
    let truth = QUEUE.truth(&[0.5])[0];
    let (covered, narrow) = pooled_medians(0.0, truth, 40);
    assert!(covered >= 0.85, "{covered}");
    let (_, wide) = pooled_medians(1.5, truth, 40);
    assert!(wide > 2.0 * narrow, "{wide}, {narrow}");
}
