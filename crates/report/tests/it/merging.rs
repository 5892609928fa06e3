//! The shards of one plan to one report, and what does not belong together.

use bench_contract::{
    CheckVerdict, FailOn, MergeKind, Report, RequestRecord, RunStatus, Shard, ValidityState,
};
use bench_report::{Merge, MergeError, Rebuild, RebuildError};
use proptest::prelude::*;
use serde_json::json;

use crate::parts::{Part, SECOND, any_records, merged, run_of, shards_of};
use crate::records::{MS, ok};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn eight_shards_are_the_whole(
        records in any_records(),
        offsets in prop::collection::vec(0..5_000_000_000_u64, 8),
        first in 0..8_usize,
    ) {
        let (whole, _) = run_of("run", 1, &[0, 10 * SECOND], &records);
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
    for (report, _) in &mut shards {
        report.stages[0].load.duration_s = Some(24.0);
    }
    let report = merged(&shards).unwrap().report;
    assert_eq!(report.run.status, RunStatus::Partial);
    let because = &report.run.partial_because;
    assert_eq!(
        because[0],
        "shards 3 and 6 of 8 are missing, and their requests with them"
    );
    assert_eq!(
        because[1],
        "stage 0: at least 600 of 2,400 planned requests are of shards that are not here; rates are those of the shards that are"
    );
    assert_eq!(report.run.unrecorded, 600);
    assert_eq!(report.verdict.exit_code, 5, "{:?}", report.verdict);
    assert!(
        report.stages[0]
            .checks
            .iter()
            .all(|check| check.verdict != CheckVerdict::Pass)
    );
    let stage = &report.stages[0];
    assert!(stage.arrivals.verdict.starts_with("not tested"));
    // What is there is a fair part of the plan: 1,800 requests that were due within 24 s.
    assert_eq!(stage.offered_rate, Some(75.0));
    assert!(
        (stage.achieved_rate - 75.0).abs() < 0.1,
        "{}",
        stage.achieved_rate
    );
    assert_eq!(
        stage.validity.state,
        ValidityState::Valid,
        "{:?}",
        stage.validity
    );
    let steady = stage.throughput.steady.unwrap();
    assert!(
        steady.window_s > 23.0 && steady.requests_per_s > 70.0,
        "{steady:?}"
    );
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

#[test]
fn a_merged_part_of_a_plan_is_the_same_when_it_is_read_again() {
    let records: Vec<RequestRecord> = (0..2400).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let mut shards = shards_of(&records, &[0; 8]);
    shards.remove(3);
    let mut merge = Merge::new(shards.iter().map(|(report, _)| report.clone()).collect()).unwrap();
    let mut moved = Vec::new();
    for (which, (_, records)) in shards.iter().enumerate() {
        for record in records {
            moved.push(merge.add(which, record).unwrap().unwrap());
        }
    }
    let merged = merge.finish(&vec![None; 7], &FailOn::ALL).unwrap().report;
    assert_eq!(merged.run.merged.as_ref().unwrap().missing, [3]);
    let mut again = Rebuild::new(merged.clone()).unwrap();
    moved.iter().for_each(|record| again.add(record).unwrap());
    let again = again.finish(None, &FailOn::ALL).unwrap().report;
    assert_eq!(again.run, merged.run);
    assert_eq!(again.stages[0].offered_rate, merged.stages[0].offered_rate);
    assert_eq!(again.stages[0].validity, merged.stages[0].validity);
}

#[test]
fn a_shard_that_was_killed_when_all_had_ended_hides_nothing_of_the_others() {
    let records: Vec<RequestRecord> = (0..800).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let with = |change: &dyn Fn(&mut Report)| {
        let mut shards = shards_of(&records, &[0; 8]);
        shards[2].0.run.status = RunStatus::Unfinished;
        shards[2].0.run.partial_because = vec![bench_report::NOT_ENDED.to_owned()];
        for stage in &mut shards[2].0.stages {
            stage.health.in_flight_max = 7;
        }
        change(&mut shards[5].0);
        merged(&shards).unwrap().report
    };
    let whole = with(&|_| ());
    assert_eq!(
        (whole.run.status, whole.run.interrupted),
        (RunStatus::Complete, false)
    );
    assert_eq!(whole.run.partial_because, Vec::<String>::new());
    // What it did not tell of itself is said of it, though the others told it of themselves.
    let mut shards = shards_of(&records, &[0; 8]);
    for (place, (report, _)) in shards.iter_mut().enumerate() {
        report.stages[0].health.in_flight_max = 7 * u64::from(place != 2);
    }
    shards[2].0.run.status = RunStatus::Unfinished;
    let because = merged(&shards).unwrap().report.run.partial_because;
    assert_eq!(
        because,
        [
            "shard 2 (pod-2): nothing is known of the generator's own health in stage 0, 1: it is told at a stage's end"
        ]
    );
    // Another was asked to stop.
    let stopped = with(&|report| {
        (report.run.status, report.run.interrupted) = (RunStatus::Partial, true);
        report.run.partial_because = vec!["the run was asked to stop".to_owned()];
    });
    assert_eq!(
        (stopped.run.status, stopped.run.interrupted),
        (RunStatus::Partial, true)
    );
    assert_eq!(
        stopped.run.partial_because,
        ["shard 5 (pod-5): the run was asked to stop"]
    );
    assert_eq!(stopped.verdict.exit_code, 8);
    // Another lacks something for a reason of its own.
    let partial = with(&|report| {
        report.run.status = RunStatus::Partial;
        report.run.partial_because = vec!["the disk was full".to_owned()];
    });
    assert_eq!(partial.run.status, RunStatus::Partial);
    assert_eq!(
        partial.run.partial_because,
        ["shard 5 (pod-5): the disk was full"]
    );
}

#[test]
fn healths_are_put_together_as_their_processes_ran() {
    let records: Vec<RequestRecord> = (0..400).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let strain = |report: &mut Report| {
        let health = &mut report.stages[0].health;
        (health.throttled_s, health.in_flight_max, health.cpu_s) = (Some(0.01), 7, 2.0);
    };
    let mut shards = shards_of(&records, &[0; 8]);
    for (report, _) in &mut shards {
        strain(report);
        report.stages[0].load.duration_s = Some(4.0);
    }
    let report = merged(&shards).unwrap().report;
    let stage = &report.stages[0];
    // Each was held back for 0.25 % of the 4 s, and none for 2 %.
    assert_eq!(
        stage.validity.state,
        ValidityState::Valid,
        "{:?}",
        stage.validity
    );
    let health = &stage.health;
    assert_eq!(
        (health.throttled_s, health.in_flight_max, health.cpu_s),
        (Some(0.01), 56, 16.0)
    );
    let mut repeats = [
        run_of("a", 1, &[0], &records),
        run_of("b", 2, &[0], &records),
    ];
    repeats.iter_mut().for_each(|(report, _)| strain(report));
    let health = &merged(&repeats).unwrap().report.stages[0].health;
    assert_eq!(
        (health.throttled_s, health.in_flight_max, health.cpu_s),
        (Some(0.02), 7, 4.0)
    );
}

#[test]
fn a_shard_with_more_records_than_it_planned_is_named() {
    let records: Vec<RequestRecord> = (0..80).map(|k| ok(k, k * 10 * MS, 20 * MS, 6)).collect();
    let mut shards = shards_of(&records, &[0; 8]);
    let more = shards[3].1[0].clone();
    shards[5].1.push(more);
    let error = merged(&shards).unwrap_err();
    assert!(
        matches!(
            error,
            MergeError::Records {
                which: 5,
                error: RebuildError::TooMany { .. }
            }
        ),
        "{error:?}"
    );
}
