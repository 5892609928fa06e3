//! Repeats of one config to one report.

use bench_contract::{
    CheckVerdict, Metric, Report, RequestRecord, RunStatus, Shard, ValidityState,
};
use bench_report::MergeError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::parts::{Part, SECOND, merged, run_of};
use crate::queues::Queue;
use crate::records::{MS, ok};

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
    // The reports hold the token gaps of both runs, as they were counted.
    assert_eq!(
        report.stages[0].metrics[&Metric::ChunkGap].count,
        2 * 300 * 5
    );
    // Those of one alone are not those of both.
    parts[0].0.stages[0].token_gaps = None;
    let report = merged(&parts).unwrap().report;
    let absent = &report.stages[0].absent[&Metric::ChunkGap].reason;
    assert!(absent.contains("per_request was off"), "{absent}");
}

#[test]
fn what_one_stage_lacks_spoils_no_other() {
    let of = |id: &str, seed: u64| {
        let records: Vec<RequestRecord> = (0..600)
            .map(|k| {
                let stage = (k / 300) as u32;
                let at = u64::from(stage) * 10 * SECOND + (k % 300) * 10 * MS;
                RequestRecord {
                    stage,
                    ..ok(k % 300, at, 20 * MS, 6)
                }
            })
            .collect();
        run_of(id, seed, &[0, 10 * SECOND], &records)
    };
    let mut parts = [of("a", 1), of("b", 2)];
    parts[1].1.truncate(590);
    let report = merged(&parts).unwrap().report;
    assert_eq!(report.run.unrecorded, 10);
    let verdicts = |stage: usize| -> Vec<CheckVerdict> {
        report.stages[stage]
            .checks
            .iter()
            .map(|check| check.verdict)
            .collect()
    };
    assert!(
        verdicts(0).contains(&CheckVerdict::Pass),
        "{:?}",
        verdicts(0)
    );
    assert!(
        !verdicts(1).contains(&CheckVerdict::Pass),
        "{:?}",
        verdicts(1)
    );
}

#[test]
fn runs_of_days_keep_their_latencies() {
    let day = 86_400 * SECOND;
    let of = |id: &str, seed: u64| {
        let records: Vec<RequestRecord> = (0..200)
            .map(|k| ok(k, k * day / 20, (20 + k) * MS, 6))
            .collect();
        run_of(id, seed, &[0], &records)
    };
    let parts = [of("a", 1), of("b", 2), of("c", 3)];
    let of_one = &parts[0].0.stages[0].metrics;
    let stage = &merged(&parts).unwrap().report.stages[0];
    for metric in [Metric::TtftScheduled, Metric::E2e, Metric::Tpot] {
        let (all, one) = (&stage.metrics[&metric], &of_one[&metric]);
        assert_eq!((all.min, all.max), (one.min, one.max), "{metric:?}");
        assert!(
            (all.mean.unwrap() / one.mean.unwrap() - 1.0).abs() < 1e-9,
            "{metric:?}"
        );
    }
}

#[test]
fn repeats_of_one_seed_are_in_doubt_and_a_shard_is_no_repeat() {
    let ttfts = [0.02; 300];
    let parts = [
        repeat("a", 7, &ttfts),
        repeat("b", 8, &ttfts),
        repeat("c", 7, &ttfts),
    ];
    let doubts = merged(&parts).unwrap().report.run.merged.unwrap().doubts;
    assert_eq!(doubts.len(), 1);
    assert!(
        doubts[0].starts_with("a, c have one seed (7): "),
        "{doubts:?}"
    );
    let doubts = merged(&parts[..2])
        .unwrap()
        .report
        .run
        .merged
        .unwrap()
        .doubts;
    assert_eq!(doubts, Vec::<String>::new());
    let mut parts = parts;
    let shard = Shard { index: 3, count: 8 };
    parts[1].0.run.shard = Some(shard);
    assert_eq!(
        merged(&parts).unwrap_err(),
        MergeError::ShardOfRepeat { which: 1, shard }
    );
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
