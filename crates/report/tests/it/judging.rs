//! Objectives, validity, verdict, exit code.

use bench_contract::config::LoadType;
use bench_contract::{
    CheckVerdict, EventLoopLag, FailOn, Health, Limit, Metric, Outcome, RequestRecord, Slo,
    SloMetric, StageReport, ValidityState, WorkerHealth,
};
use bench_report::{RunEnd, Settings, StageFacts, correct, verdict};

use crate::records::{MS, collect, facts, failed, ok, poisson_records, slo, stage_of, with_slos};

fn many(n: u64) -> Vec<RequestRecord> {
    (0..n)
        .map(|k| ok(k, k * 100 * MS, (20 + k * 7919 % 10) * MS, 10))
        .collect()
}

fn report(settings: &Settings, records: &[RequestRecord]) -> StageReport {
    collect(settings, records).report(&facts(
        LoadType::Constant,
        10.0,
        records.len() as f64 / 10.0,
    ))
}

fn code(stages: &[StageReport]) -> u8 {
    verdict(stages, &RunEnd::default(), &FailOn::ALL).exit_code
}

#[test]
fn a_good_run_passes_with_code_0() {
    let settings = with_slos(&[
        slo(SloMetric::TtftScheduled, 99.0, 1.0),
        slo(SloMetric::Itl, 99.0, 0.05),
    ]);
    let stage = report(&settings, &many(1000));
    assert_eq!(
        stage.validity.state,
        ValidityState::Valid,
        "{:?}",
        stage.validity
    );
    assert!(
        stage
            .checks
            .iter()
            .all(|check| check.verdict == CheckVerdict::Pass),
        "{:?}",
        stage.checks
    );
    let verdict = verdict(&[stage], &RunEnd::default(), &FailOn::ALL);
    assert_eq!(
        (verdict.exit_code, verdict.slo),
        (0, Some(CheckVerdict::Pass))
    );
    assert_eq!(verdict.reasons, ["every SLO passed"]);
}

#[test]
fn three_hundred_requests_leave_p99_undecided_and_say_so() {
    let stage = report(
        &with_slos(&[slo(SloMetric::TtftScheduled, 99.0, 1.2)]),
        &many(300),
    );
    let check = &stage.checks[0];
    assert_eq!(check.verdict, CheckVerdict::Inconclusive);
    assert!(
        check
            .reason
            .contains("needs at least 368 effective samples"),
        "{}",
        check.reason
    );
    let p99 = stage.metrics[&Metric::TtftScheduled]
        .percentiles
        .iter()
        .find(|entry| entry.p == 99.0)
        .unwrap();
    let interval = p99.interval.as_ref().unwrap();
    assert!(
        interval.upper.is_none()
            && interval
                .reason
                .as_ref()
                .unwrap()
                .contains("needs at least 368 effective samples")
    );
    assert_eq!(code(&[stage]), 5);
}

#[test]
fn failures_are_above_every_limit() {
    let mut records = many(1000);
    for k in (0..1000).step_by(10) {
        records[k as usize] = failed(k, k * 100 * MS, Outcome::Reset, "reset by peer");
    }
    for metric in [SloMetric::Ttft, SloMetric::TtftScheduled, SloMetric::E2e] {
        let stage = report(&with_slos(&[slo(metric, 95.0, 10.0)]), &records);
        assert_eq!(
            stage.checks[0].verdict,
            CheckVerdict::Fail,
            "{metric:?}: {}",
            stage.checks[0].reason
        );
    }
}

#[test]
fn shares_and_rates_are_judged() {
    let share = |metric, max, min| Slo {
        metric,
        percentile: None,
        max: Limit::new(max),
        min: Limit::new(min),
        stages: bench_contract::SloStages::Each,
    };
    let none = f64::NAN;
    let slos = [
        share(SloMetric::ErrorRate, 0.02, none),
        share(SloMetric::ErrorRate, 0.0, none),
        share(SloMetric::Goodput, none, 0.99),
        share(SloMetric::Throughput, none, 10.0),
        share(SloMetric::Throughput, none, 1e6),
    ];
    let settings = Settings {
        goodput: vec![(Metric::Ttft, 0.1)],
        ..with_slos(&slos)
    };
    let verdicts = |records: &[RequestRecord]| -> Vec<CheckVerdict> {
        report(&settings, records)
            .checks
            .iter()
            .map(|check| check.verdict)
            .collect()
    };
    use CheckVerdict::{Fail, Pass};
    assert_eq!(verdicts(&many(1000)), [Pass, Pass, Pass, Pass, Fail]);
    let mut records = many(1000);
    for k in (0..1000).step_by(20) {
        records[k as usize] = failed(k, k * 100 * MS, Outcome::Reset, "reset by peer");
    }
    assert_eq!(verdicts(&records), [Fail, Fail, Fail, Pass, Fail]);
}

#[test]
fn lateness_of_the_generator_invalidates_and_that_of_the_server_does_not() {
    let settings = with_slos(&[slo(SloMetric::TtftScheduled, 99.0, 1.0)]);
    let late = |by: u64| -> Vec<RequestRecord> {
        let mut records = many(1000);
        for record in &mut records {
            record.dispatched_ns = Some(record.scheduled_ns + by);
            let shift = by + MS;
            record.sent_ns = Some(record.scheduled_ns + shift);
            for stamp in [
                &mut record.first_token_ns,
                &mut record.last_token_ns,
                &mut record.end_ns,
            ] {
                *stamp = stamp.map(|at| at + shift);
            }
        }
        records
    };
    let state = |records: &[RequestRecord]| report(&settings, records).validity.state;
    assert_eq!(state(&late(MS)), ValidityState::Valid);
    assert_eq!(state(&late(3 * MS)), ValidityState::Suspect);
    let invalid = report(&settings, &late(11 * MS));
    assert_eq!(invalid.validity.state, ValidityState::Invalid);
    assert_eq!(invalid.checks[0].verdict, CheckVerdict::Invalid);
    assert_eq!(code(&[invalid]), 6);

    // 20 ms are 2 % of a TTFT of 1 s.
    let mut slow = late(15 * MS);
    for record in &mut slow {
        for stamp in [
            &mut record.first_token_ns,
            &mut record.last_token_ns,
            &mut record.end_ns,
        ] {
            *stamp = stamp.map(|at| at + 1000 * MS);
        }
    }
    assert_eq!(state(&slow), ValidityState::Suspect);

    // A server that takes 2 s to accept.
    let mut deaf = many(1000);
    for record in &mut deaf {
        for stamp in [
            &mut record.sent_ns,
            &mut record.first_token_ns,
            &mut record.last_token_ns,
            &mut record.end_ns,
        ] {
            *stamp = stamp.map(|at| at + 2000 * MS);
        }
    }
    assert_eq!(state(&deaf), ValidityState::Valid);
}

#[test]
fn the_generators_own_health_decides_as_well() {
    let records = poisson_records(60.0, 1);
    let judged = |health: Health| {
        let facts = StageFacts {
            health,
            ..facts(LoadType::Poisson, 15.0, 60.0)
        };
        let stage = collect(&with_slos(&[]), &records).report(&facts);
        (stage.validity.state, stage.validity.reasons.join("; "))
    };
    let lag = |p99_s: f64, max_s: f64| Health {
        event_loop_lag: Some(EventLoopLag {
            count: 6000,
            p50_s: 0.00003,
            p99_s,
            max_s,
        }),
        ..Health::default()
    };
    assert_eq!(judged(lag(0.0001, 0.05)).0, ValidityState::Valid);
    let (state, reason) = judged(lag(0.0001, 0.3));
    assert_eq!(state, ValidityState::Suspect);
    assert!(reason.contains("stood still for 300 ms"), "{reason}");
    assert_eq!(judged(lag(0.003, 0.3)).0, ValidityState::Suspect);
    let (state, reason) = judged(lag(0.011, 0.3));
    assert_eq!(state, ValidityState::Invalid);
    assert!(reason.contains("replies were stamped late"), "{reason}");

    let busy = |busy: f64| Health {
        workers: vec![
            WorkerHealth::default(),
            WorkerHealth {
                cpu_s: 60.0 * busy,
                busy,
                run_delay_s: None,
            },
        ],
        ..Health::default()
    };
    assert_eq!(judged(busy(0.5)).0, ValidityState::Valid);
    let (state, reason) = judged(busy(0.97));
    assert_eq!(state, ValidityState::Suspect);
    assert!(reason.contains("97"), "{reason}");

    // Want of a CPU is a cause, not a finding.
    let starved = |p99_s: f64| Health {
        workers: vec![WorkerHealth {
            run_delay_s: Some(6.0),
            ..WorkerHealth::default()
        }],
        ..lag(p99_s, 0.05)
    };
    assert_eq!(judged(starved(0.0001)).0, ValidityState::Valid);
    let (state, reason) = judged(starved(0.02));
    assert_eq!(state, ValidityState::Invalid);
    assert!(reason.contains("had no CPU for 6.00 s"), "{reason}");

    let throttled = |throttled_s: f64| Health {
        throttled_s: Some(throttled_s),
        ..Health::default()
    };
    assert_eq!(judged(throttled(0.1)).0, ValidityState::Valid);
    assert_eq!(judged(throttled(3.0)).0, ValidityState::Suspect);
}

#[test]
fn an_interrupt_makes_partial_and_a_cap_makes_invalid() {
    let settings = with_slos(&[]);
    let mut records = many(1000);
    for k in 500..1000 {
        records[k as usize] = failed(
            k,
            k * 100 * MS,
            Outcome::NotSent,
            bench_report::ASKED_TO_STOP,
        );
    }
    let stage = report(&settings, &records);
    assert_eq!(
        stage.validity.state,
        ValidityState::Valid,
        "{:?}",
        stage.validity
    );
    assert!(
        (stage.achieved_rate - 10.0).abs() < 0.1,
        "{}",
        stage.achieved_rate
    );
    let end = RunEnd {
        interrupted: true,
        failed: Vec::new(),
        ..RunEnd::default()
    };
    assert_eq!(verdict(&[stage], &end, &FailOn::ALL).exit_code, 8);

    records[999].error = Some("1000 requests were in flight".to_owned());
    assert_eq!(
        report(&settings, &records).validity.state,
        ValidityState::Invalid
    );
}

#[test]
fn exit_codes_follow_the_contract() {
    let settings = with_slos(&[slo(SloMetric::TtftScheduled, 95.0, 0.001)]);
    let stage = report(&settings, &many(1000));
    assert_eq!(code(std::slice::from_ref(&stage)), 4);
    let end = RunEnd {
        interrupted: false,
        failed: vec!["upload failed".to_owned()],
        ..RunEnd::default()
    };
    let all = verdict(std::slice::from_ref(&stage), &end, &FailOn::ALL);
    assert_eq!(all.exit_code, 4);
    assert!(
        all.reasons[0].starts_with("stage 0: p95 ttft_scheduled")
            && all.reasons[1] == "upload failed"
    );
    assert_eq!(
        verdict(std::slice::from_ref(&stage), &end, &[FailOn::Error]).exit_code,
        1
    );
    let none = verdict(std::slice::from_ref(&stage), &end, &[]);
    assert_eq!(
        (none.exit_code, none.slo, none.reasons.len()),
        (0, Some(CheckVerdict::Fail), 2)
    );

    let records: Vec<RequestRecord> = (0..50)
        .map(|k| failed(k, k * 100 * MS, Outcome::ConnectError, "refused"))
        .collect();
    assert_eq!(code(&[report(&settings, &records)]), 7);
    assert_eq!(code(&[]), 7);
}

#[test]
fn failures_are_corrected_for_their_number() {
    // 17 of 1,000 above where 10 may be: p = 0.027 to 0.015 on its own, which one of many is by chance.
    let mut ttfts = vec![0.02; 1000];
    (0..20).for_each(|k| ttfts[k * 50 + (k * 7919) % 50] = 5.0);
    let alone = stage_of(
        &with_slos(&[slo(SloMetric::TtftScheduled, 99.0, 1.0)]),
        &ttfts,
    );
    assert_eq!(
        alone.checks[0].verdict,
        CheckVerdict::Fail,
        "{}",
        alone.checks[0].reason
    );
    let good = stage_of(
        &with_slos(&[slo(SloMetric::TtftScheduled, 99.0, 1.0)]),
        &[0.02; 1000],
    );
    let mut stages = vec![alone; 1];
    stages.extend(vec![good; 19]);
    let before = verdict(&stages, &RunEnd::default(), &FailOn::ALL);
    correct(&mut stages);
    assert_eq!(stages[0].checks[0].verdict, CheckVerdict::Inconclusive);
    assert!(stages[0].checks[0].reason.contains("Holm"));
    assert_eq!(
        verdict(&stages, &RunEnd::default(), &FailOn::ALL).exit_code,
        5
    );
    assert_eq!(
        before.exit_code, 5,
        "the verdict corrects also what was not corrected before"
    );
}

#[test]
fn arrivals_prove_themselves() {
    let records = poisson_records(200.0, 5);
    let stage = collect(&with_slos(&[]), &records).report(&facts(LoadType::Poisson, 15.0, 200.0));
    assert!(
        stage.arrivals.verdict.starts_with("Poisson: KS p = "),
        "{}",
        stage.arrivals.verdict
    );
    assert_eq!(stage.arrivals.count, records.len() as u64);
}
