//! The regression gate: what it fails on, what it passes, and what it never passes.

use bench_contract::config::LoadType;
use bench_contract::{ExitCode, Metric, Outcome, Report, RunStatus, StageReport, ValidityState};
use bench_report::Settings;
use bench_report::compare::{
    Compared, Comparison, Figure, Gate, GateVerdict, Gated, Margin, Row, compare, compare_all,
    json, summary, table,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::comparing::{beside, independent, run_of, stage};
use crate::records::{MS, collect, facts, failed, ok, settings};

pub(crate) fn margin(share: f64) -> Margin {
    Margin {
        figure: Some(Gated::Latency(Metric::TtftScheduled)),
        percentile: Some(50.0),
        share,
    }
}

#[test]
fn the_gate_fails_on_what_is_surely_worse_and_passes_what_surely_is_not() {
    let base = run_of(vec![stage(&independent(3000, 1.0, 1))]);
    let on = |level: f64, n: usize, allowed: f64| {
        // The very requests at the margin leave it open; else they are others.
        let seed = if level == 1.0 + allowed { 1 } else { 2 };
        let other = run_of(vec![stage(&independent(n, level, seed))]);
        let gate = Gate::on(&beside(&base, &other), &[margin(allowed)]);
        assert_eq!(gate.found.len(), 1);
        (gate.found[0].2, gate.exit_code())
    };
    assert_eq!(
        on(1.3, 3000, 0.1),
        (GateVerdict::Worse, ExitCode::SloFailed)
    );
    assert_eq!(on(1.0, 3000, 0.1), (GateVerdict::NotWorse, ExitCode::Done));
    assert_eq!(on(0.5, 3000, 0.0), (GateVerdict::NotWorse, ExitCode::Done));
    assert_eq!(
        on(1.1, 3000, 0.1),
        (GateVerdict::Undecided, ExitCode::SloInconclusive)
    );
    assert_eq!(
        on(1.05, 40, 0.1),
        (GateVerdict::Undecided, ExitCode::SloInconclusive)
    );
    // What nobody has measured decides nothing.
    let other = run_of(vec![stage(&independent(500, 1.0, 2))]);
    let nothing = [Margin {
        figure: Some(Gated::Latency(Metric::Itl)),
        percentile: None,
        share: 0.1,
    }];
    let gate = Gate::on(&beside(&base, &other), &nothing);
    assert_eq!(gate.exit_code(), ExitCode::SloInconclusive);
    // The last margin that names a figure counts.
    let margins = [
        Margin {
            figure: None,
            percentile: None,
            share: 0.5,
        },
        margin(0.1),
    ];
    let slow = run_of(vec![stage(&independent(3000, 1.3, 2))]);
    let gate = Gate::on(&beside(&base, &slow), &margins);
    let of = |figure: Figure| {
        gate.found
            .iter()
            .find(|(row, ..)| row.figure == figure)
            .unwrap()
    };
    assert_eq!(of(Figure::Latency(Metric::TtftScheduled, 50.0)).1, 0.1);
    assert_eq!(of(Figure::Latency(Metric::Tpot, 50.0)).1, 0.5);
    let mut invalid = slow;
    invalid.stages[0].validity.state = ValidityState::Invalid;
    assert_eq!(
        Gate::on(&beside(&base, &invalid), &[margin(0.1)]).exit_code(),
        ExitCode::MeasurementInvalid
    );
    let mut empty = base.clone();
    empty.counts.outcomes.clear();
    assert_eq!(
        Gate::on(&beside(&base, &empty), &[margin(0.1)]).exit_code(),
        ExitCode::NoneSucceeded
    );
}

pub(crate) fn every(share: f64) -> Margin {
    Margin {
        figure: None,
        percentile: None,
        share,
    }
}

pub(crate) fn on(figure: Gated, share: f64) -> Margin {
    Margin {
        figure: Some(figure),
        percentile: None,
        share,
    }
}

/// A stage of 10/s whose request `k` fails where `fails` says so, and else takes some 20 to 30 ms.
pub(crate) fn failing_by(
    settings: &Settings,
    n: u64,
    seed: u64,
    fails: impl Fn(u64, f64) -> bool,
) -> StageReport {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let records: Vec<_> = (0..n)
        .map(|k| {
            let (ttft, luck) = (20.0 + 10.0 * rng.random::<f64>(), rng.random::<f64>());
            if fails(k, luck) {
                failed(k, k * 100 * MS, Outcome::HttpError, "no")
            } else {
                ok(k, k * 100 * MS, (ttft * 1000.0) as u64 * 1000, 10)
            }
        })
        .collect();
    collect(settings, &records).report(&facts(LoadType::Constant, 10.0, n as f64 / 10.0))
}

pub(crate) fn failing(n: u64, share: f64, seed: u64) -> Report {
    run_of(vec![failing_by(&settings(), n, seed, |_, luck| {
        luck < share
    })])
}

pub(crate) fn row(comparison: &Comparison, figure: Figure) -> Row {
    let mut rows = comparison.rows.iter();
    rows.find(|row| row.figure == figure).unwrap().clone()
}

const P99: Figure = Figure::Latency(Metric::TtftScheduled, 99.0);

#[test]
fn the_worse_the_failure_the_surer_the_gate() {
    let (base, broken) = (failing(900, 0.0, 1), failing(900, 0.3, 2));
    let comparison = beside(&base, &broken);
    let found = row(&comparison, P99);
    assert!(
        found.is_sure && found.shift.p_value.unwrap() < 0.001,
        "{found:?}"
    );
    let words = summary(&comparison).join("\n");
    assert!(words.starts_with("B is worse: "), "{words}");
    let text = table(&comparison, None);
    assert!(text.contains("not reached any more"), "{text}");
    let gate = |a: &Report, b: &Report| Gate::on(&beside(a, b), &[every(0.1)]).exit_code();
    assert_eq!(gate(&base, &broken), ExitCode::SloFailed);
    // Repaired, it is faster by any measure; and what is broken in both is equal.
    assert_eq!(gate(&broken, &base), ExitCode::Done);
    let back = row(&beside(&broken, &base), P99);
    assert!(back.is_sure && back.shift.relative.upper == Some(-1.0));
    let both = row(&beside(&broken, &failing(900, 0.2, 3)), P99);
    assert!(
        !both.is_sure && both.shift.relative.upper == Some(0.0),
        "{both:?}"
    );
    // Programs read the same as people.
    let value = json(&comparison, None);
    let of_p99 = value["figures"].as_array().unwrap().iter();
    let mut of_p99 = of_p99.filter(|one| one["figure"] == "p99 ttft_scheduled");
    let never = serde_json::json!({"censored_above": 300.0});
    let of_p99 = of_p99.next().unwrap();
    assert_eq!(
        (&of_p99["other"]["value"], &of_p99["other"]["lower"]),
        (&never, &never)
    );
    assert!(of_p99["base"]["value"].is_f64());
}

#[test]
fn never_is_sure_among_many_figures_too() {
    let (base, broken) = (failing(3000, 0.0, 1), failing(3000, 0.3, 2));
    let compared = Compared {
        metrics: vec![Metric::TtftScheduled, Metric::E2e, Metric::E2eScheduled],
        percentiles: vec![90.0, 99.0],
    };
    let nine = vec![("B", &broken); 4];
    let all = compare_all(("A", &base), &nine, &compared).unwrap();
    assert!(all[0].tested >= 24, "{}", all[0].tested);
    let sure = |one: &Comparison| one.rows.iter().filter(|row| row.is_sure).count();
    assert!(all.iter().all(|one| sure(one) >= 6));
}

/// What a gate that looks at TTFT alone would pass.
fn alike() -> (Report, Report) {
    let of = |seed: u64| run_of(vec![stage(&independent(3000, 1.0, seed))]);
    (of(1), of(2))
}

#[test]
fn the_gate_passes_nothing_that_it_did_not_look_at() {
    let (base, other) = alike();
    let margins = [margin(0.2), on(Gated::Latency(Metric::Tpot), 0.05)];
    let found = |base: &Report, other: &Report, margins: &[Margin]| {
        let gate = Gate::on(&beside(base, other), margins);
        (gate.exit_code(), gate.unseen.join("; "))
    };
    assert_eq!(
        found(&base, &other, &margins),
        (ExitCode::Done, String::new())
    );
    let named = |change: &dyn Fn(&mut Report), margins: &[Margin], word: &str, code: ExitCode| {
        let mut other = other.clone();
        change(&mut other);
        let (found, unseen) = found(&base, &other, margins);
        assert_eq!(found, code, "{word}");
        assert!(unseen.contains(word), "{word}: {unseen}");
    };
    let open = ExitCode::SloInconclusive;
    // A metric that one of them lacks.
    let without_tpot = |report: &mut Report| drop(report.stages[0].metrics.remove(&Metric::Tpot));
    named(
        &without_tpot,
        &margins,
        "stage 0 of B has no p50 tpot: its report does not hold the metric",
        open,
    );
    named(&without_tpot, &[every(0.3)], "B has no p50 tpot", open);
    // A stage that it did not reach.
    let mut long = base.clone();
    let mut second = base.stages[0].clone();
    (second.stage, second.load.rate) = (1, Some(40.0));
    long.stages.push(second);
    let (code, unseen) = found(&long, &other, &[margin(0.2)]);
    assert_eq!(code, open);
    assert!(
        unseen.contains("stage 1: constant 40/s for 300 s: B has no such stage"),
        "{unseen}"
    );
    // A part of a run.
    let partial = |report: &mut Report| {
        report.run.status = RunStatus::Partial;
        report.run.partial_because = vec!["shard 3 of 8 is missing".to_owned()];
    };
    named(
        &partial,
        &[margin(0.2)],
        "B is partial: shard 3 of 8 is missing",
        open,
    );
    named(
        &|report| report.run.unrecorded = 12,
        &[margin(0.2)],
        "B is partial: 12 planned",
        open,
    );
    let interrupted = |report: &mut Report| {
        partial(report);
        report.run.interrupted = true;
    };
    named(
        &interrupted,
        &[margin(0.2)],
        "B is partial",
        ExitCode::Interrupted,
    );
    // A share that nobody has.
    named(
        &|_| (),
        &[on(Gated::Goodput, 0.1)],
        "goodput: neither A nor B has it",
        open,
    );
}

#[test]
fn a_percentile_that_no_report_holds_is_named() {
    let (base, other) = alike();
    let compared = Compared {
        percentiles: vec![98.0],
        ..Compared::default()
    };
    let comparison = compare(("A", &base), ("B", &other), &compared).unwrap();
    let words = summary(&comparison).join("\n");
    assert!(
        words.contains("not compared: p98 ttft_scheduled, p98 tpot, p98 e2e_scheduled (stage 0 of A has no p98 ttft_scheduled: its report holds p1, p50, p90, p95 and p99; report.request_lifecycle.percentiles says which"),
        "{words}"
    );
    for margins in [[every(0.5)], [margin(0.5)]] {
        let margins = margins.map(|margin| Margin {
            percentile: Some(98.0),
            ..margin
        });
        let gate = Gate::on(&comparison, &margins);
        assert_eq!(
            (gate.exit_code(), gate.found.len()),
            (ExitCode::SloInconclusive, 0)
        );
        assert!(
            gate.unseen[0].starts_with("p98 ttft_scheduled at constant 10/s"),
            "{:?}",
            gate.unseen
        );
    }
}

#[test]
fn what_neither_run_can_have_is_missed_only_where_it_is_named() {
    let unstreamed = Settings {
        streaming: false,
        ..settings()
    };
    let of = |seed: u64| run_of(vec![failing_by(&unstreamed, 3000, seed, |_, _| false)]);
    let comparison = beside(&of(1), &of(2));
    let code = |margins: &[Margin]| Gate::on(&comparison, margins).exit_code();
    assert_eq!(code(&[every(0.2)]), ExitCode::Done);
    assert_eq!(
        code(&[on(Gated::Latency(Metric::Tpot), 0.2)]),
        ExitCode::SloInconclusive
    );
    assert!(comparison.doubts.iter().any(|doubt| doubt == "neither run has tpot in stage 0: replies were not streamed (api.streaming is false)"), "{:?}", comparison.doubts);
}

#[test]
fn token_gaps_are_shown_and_never_tested() {
    let (base, other) = alike();
    let compared = Compared {
        metrics: vec![Metric::ChunkGap],
        percentiles: vec![50.0],
    };
    let comparison = compare(("A", &base), ("B", &other), &compared).unwrap();
    let words = summary(&comparison).join("\n");
    assert!(
        words.contains("p50 chunk_gap: token gaps have no interval"),
        "{words}"
    );
    assert!(!words.contains("too few"), "{words}");
    // It is said whatever else has come out.
    let mut doubts = comparison.doubts.iter();
    assert!(doubts.any(|doubt| doubt.starts_with("chunk_gap: token gaps have no interval")));
    let gate = Gate::on(&comparison, &[every(0.1)]);
    assert_eq!(
        (gate.exit_code(), gate.found.len()),
        (ExitCode::SloInconclusive, 0)
    );
}

#[test]
fn what_is_sure_is_so_among_all_runs_of_a_command() {
    // Shifted by so little that it is sure alone.
    let base = run_of(vec![stage(&independent(3000, 1.0, 1))]);
    let compared = Compared {
        metrics: vec![Metric::TtftScheduled],
        percentiles: vec![50.0],
    };
    let others: Vec<Report> = (2..42)
        .map(|seed| run_of(vec![stage(&independent(3000, 1.0, seed))]))
        .collect();
    let mut shifted = 1.0;
    let slow = loop {
        shifted += 0.002;
        let slow = run_of(vec![stage(&independent(3000, shifted, 2))]);
        let alone = compare(("A", &base), ("B", &slow), &compared).unwrap();
        if row(&alone, Figure::Latency(Metric::TtftScheduled, 50.0)).is_sure {
            break slow;
        }
    };
    let mut all = vec![("B", &slow)];
    all.extend(others.iter().map(|other| ("other", other)));
    let compared_all = compare_all(("A", &base), &all, &compared).unwrap();
    let figure = Figure::Latency(Metric::TtftScheduled, 50.0);
    assert!(!row(&compared_all[0], figure).is_sure);
    // Nor does the gate, whose question is one-sided.
    let alone = Gate::on(&compared_all[0], &[every(0.0)]);
    let among = Gate::on_all(&compared_all, &[every(0.0)]);
    assert_eq!(alone.found[0].2, GateVerdict::Worse);
    assert_eq!(among[0].found[0].2, GateVerdict::Undecided);
    assert_eq!(among.len(), 41);
    let error = compare_all(
        ("A", &base),
        &[("B", &slow), ("C", &run_of(Vec::new()))],
        &compared,
    );
    assert_eq!(error.unwrap_err().0, 1);
}
