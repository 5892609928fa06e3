//! Failures, goodput and throughput beside each other.

use bench_contract::config::LoadType;
use bench_contract::{CancelCounts, ExitCode, Metric};
use bench_report::Settings;
use bench_report::compare::{Figure, Gate, Gated, Margin, summary, table};

use crate::comparing::{beside, run_of};
use crate::gating::{failing, failing_by, margin, on, row};
use crate::records::{MS, collect, facts, ok, settings};

#[test]
fn failures_and_goodput_are_tested_and_gated() {
    let limits = Settings {
        goodput: vec![(Metric::Ttft, 0.029)],
        ..settings()
    };
    let of = |fails: bool, seed: u64| {
        let mut report = run_of(vec![failing_by(&limits, 9000, seed, |k, _| {
            fails && k % 111 == 5
        })]);
        report.config =
            serde_json::json!({"report": {"goodput": {"constraints": {"ttft": 0.029}}}});
        report
    };
    let (base, other) = (of(false, 1), of(true, 2));
    let comparison = beside(&base, &other);
    let errors = row(&comparison, Figure::ErrorRate);
    assert!(errors.is_sure, "{errors:?}");
    assert!(
        summary(&comparison)[0].contains("error_rate 0 % to 0.91 %"),
        "{:?}",
        summary(&comparison)
    );
    let gate = |margins: &[Margin]| Gate::on(&comparison, margins);
    assert_eq!(
        gate(&[on(Gated::ErrorRate, 0.0)]).exit_code(),
        ExitCode::SloFailed
    );
    assert_eq!(
        gate(&[on(Gated::ErrorRate, 0.02)]).exit_code(),
        ExitCode::Done
    );
    assert_eq!(
        gate(&[on(Gated::Goodput, 0.05)]).exit_code(),
        ExitCode::Done
    );
    assert_eq!(
        gate(&[on(Gated::Goodput, 0.009)]).exit_code(),
        ExitCode::SloInconclusive
    );
    // A margin on latencies alone passes, and says what it does not look at.
    let silent = gate(&[margin(0.1)]);
    assert_eq!(
        (silent.exit_code(), silent.beside.len()),
        (ExitCode::Done, 1)
    );
    assert!(
        table(&comparison, Some(&silent)).contains("error_rate at constant 10/s for 900 s is surely worse (0 % to 0.91 %), and no margin is about it"),
    );
    // Other limits make another goodput.
    let mut strange = other.clone();
    strange.config = serde_json::json!({"report": {"goodput": {"constraints": {"ttft": 5}}}});
    let gate = Gate::on(&beside(&base, &strange), &[on(Gated::Goodput, 0.5)]);
    assert_eq!(gate.exit_code(), ExitCode::SloInconclusive);
    assert!(
        gate.unseen[0].contains("by other limits"),
        "{:?}",
        gate.unseen
    );
}

#[test]
fn failures_that_come_together_are_less_evidence() {
    let burst = |seed: u64| {
        run_of(vec![failing_by(&settings(), 900, seed, |k, _| {
            (400..420).contains(&k)
        })])
    };
    let base = failing(900, 0.0, 1);
    let spread = row(&beside(&base, &failing(900, 0.022, 5)), Figure::ErrorRate);
    let together = row(&beside(&base, &burst(2)), Figure::ErrorRate);
    assert!(
        spread.is_sure && !together.is_sure,
        "{spread:?} {together:?}"
    );
}

#[test]
fn a_report_without_intervals_of_shares_says_so() {
    let (mut base, mut other) = (failing(900, 0.0, 1), failing(900, 0.1, 2));
    for report in [&mut base, &mut other] {
        report.stages[0].error_rate = None;
        report.stages[0].cancel = Some(CancelCounts::default());
    }
    let comparison = beside(&base, &other);
    let found = row(&comparison, Figure::ErrorRate).shift;
    assert!(found.base.upper.is_some() && found.other.upper.is_none() && found.p_value.is_none());
    assert!(
        comparison
            .doubts
            .iter()
            .any(|doubt| doubt.starts_with("error_rate of stage 0 of B has no interval")),
        "{:?}",
        comparison.doubts
    );
    let gate = Gate::on(&comparison, &[on(Gated::ErrorRate, 0.5)]);
    assert_eq!(gate.exit_code(), ExitCode::SloInconclusive);
}

#[test]
fn throughput_of_stages_of_unlike_length_is_that_of_their_steady_part() {
    let long_replies = |n: u64| {
        let records: Vec<_> = (0..n).map(|k| ok(k, k * 100 * MS, 20 * MS, 2000)).collect();
        collect(&settings(), &records).report(&facts(LoadType::Constant, 10.0, n as f64 / 10.0))
    };
    let (short, long) = (long_replies(400), long_replies(4000));
    let whole = [&short, &long].map(|stage| stage.throughput.output_tokens_per_s);
    assert!(whole[1] / whole[0] > 1.2, "{whole:?}");
    let comparison = beside(&run_of(vec![short.clone()]), &run_of(vec![long.clone()]));
    let shift = row(&comparison, Figure::Throughput)
        .shift
        .relative
        .value
        .unwrap();
    assert!(shift.abs() < 0.02, "{shift}");
    // Where one does not know its steady part, that is said.
    let mut without = long;
    without.throughput.steady = None;
    let comparison = beside(&run_of(vec![short]), &run_of(vec![without]));
    assert!(
        comparison
            .doubts
            .iter()
            .any(|doubt| doubt.starts_with("throughput of stage 0 is over the whole stages"))
    );
}
