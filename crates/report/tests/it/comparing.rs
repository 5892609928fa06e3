//! Runs beside each other: what is said, and how often it is right.

use bench_contract::{ExitCode, Metric, Report, RunStatus, StageReport, ValidityState};
use bench_report::RunEnd;
use bench_report::compare::{
    CompareError, Compared, Comparison, Estimate, Figure, Gate, GateVerdict, Margin, Shift,
    compare, html, json, summary, table,
};
use bench_report::plot;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::made::whole;
use crate::queues::Queue;
use crate::records::{exponential, stage_of, with_slos};

const QUEUE: Queue = Queue {
    servers: 1,
    load: 0.5,
};

fn run_of(stages: Vec<StageReport>) -> Report {
    whole(stages, &RunEnd::default())
}

/// A stage whose latencies are `level` times those of independent requests.
fn independent(n: usize, level: f64, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n)
        .map(|_| level * (0.02 + 0.02 * exponential(&mut rng)))
        .collect()
}

fn stage(ttfts: &[f64]) -> StageReport {
    stage_of(&with_slos(&[]), ttfts)
}

fn beside(base: &Report, other: &Report) -> Comparison {
    compare(("A", base), ("B", other), &Compared::default()).unwrap()
}

fn estimate(stage: &StageReport, p: f64) -> Estimate {
    let mut percentiles = stage.metrics[&Metric::Ttft].percentiles.iter();
    let found = percentiles.find(|entry| entry.p == p).unwrap();
    let interval = found.interval.as_ref().unwrap();
    Estimate {
        value: found.value.seconds(),
        lower: interval.lower,
        upper: interval.upper,
    }
}

/// Over pairs of runs whose second is `1 + shift` times as slow: how often the interval of the ratio covers that, of those
/// pairs for which it has both ends, and how many of all those are.
fn coverage(times: impl Fn(u64) -> Vec<f64>, shift: f64, p: f64, pairs: u64) -> (f64, f64) {
    let (mut covered, mut issued) = (0.0, 0.0);
    for pair in 0..pairs {
        let base = stage(&times(2 * pair));
        let slow: Vec<f64> = times(2 * pair + 1)
            .into_iter()
            .map(|x| x * (1.0 + shift))
            .collect();
        let found = Shift::of(estimate(&base, p), estimate(&stage(&slow), p)).relative;
        if let (Some(lower), Some(upper)) = (found.lower, found.upper) {
            issued += 1.0;
            covered += f64::from(u8::from(lower <= shift && shift <= upper));
        }
    }
    (covered / f64::max(issued, 1.0), issued / pairs as f64)
}

#[test]
fn intervals_of_shifts_cover_the_truth() {
    for p in [50.0, 95.0, 99.0] {
        let (covered, issued) = coverage(|seed| independent(1500, 1.0, seed), 0.1, p, 60);
        // Two standard errors of 60 pairs are 6 points.
        assert!(
            covered >= 0.88 && issued == 1.0,
            "p{p}: {covered}, {issued}"
        );
    }
    let (covered, issued) = coverage(|seed| QUEUE.run(900, seed), 0.1, 50.0, 60);
    assert!(covered >= 0.85 && issued > 0.8, "{covered}, {issued}");
}

/// The table of the docs: `cargo test --release -p bench-report -- --ignored --nocapture coverage_of_shifts`.
#[test]
#[ignore = "minutes: 2,000 pairs each"]
fn coverage_of_shifts() {
    let pairs = 2000;
    for (name, n, times) in [
        ("independent", 900, None),
        ("independent", 9000, None),
        ("M/G/1, load 0.5", 900, Some(0.5)),
        ("M/G/1, load 0.5", 9000, Some(0.5)),
        ("M/G/1, load 0.8", 9000, Some(0.8)),
    ] {
        for p in [50.0, 95.0, 99.0] {
            let (covered, issued) = coverage(
                |seed| match times {
                    None => independent(n, 1.0, seed),
                    Some(load) => Queue { servers: 1, load }.run(n, seed),
                },
                0.1,
                p,
                pairs,
            );
            println!(
                "| {name}, n = {n} | p{p} | {:.1} % | {:.1} % |",
                100.0 * covered,
                100.0 * issued
            );
        }
    }
    let mut alarms = [0_u32; 2];
    for pair in 0..pairs {
        for (place, times) in [
            |seed| independent(900, 1.0, seed),
            |seed| QUEUE.run(900, seed),
        ]
        .iter()
        .enumerate()
        {
            let (a, b) = (
                run_of(vec![stage(&times(2 * pair))]),
                run_of(vec![stage(&times(2 * pair + 1))]),
            );
            alarms[place] += u32::from(beside(&a, &b).rows.iter().any(|row| row.is_sure));
        }
    }
    let share = |n: u32| 100.0 * f64::from(n) / pairs as f64;
    println!(
        "false alarms: independent {:.1} %, M/G/1 at 0.5 {:.1} %",
        share(alarms[0]),
        share(alarms[1])
    );
}

#[test]
fn equal_runs_hardly_ever_differ_and_unequal_ones_do() {
    let mut alarms = 0;
    for seed in 0..40 {
        let (a, b) = (
            run_of(vec![stage(&QUEUE.run(900, 2 * seed))]),
            run_of(vec![stage(&QUEUE.run(900, 2 * seed + 1))]),
        );
        alarms += u32::from(beside(&a, &b).rows.iter().any(|row| row.is_sure));
    }
    assert!(alarms <= 5, "{alarms} of 40");
    let (a, b) = (
        run_of(vec![stage(&independent(2000, 1.0, 1))]),
        run_of(vec![stage(&independent(2000, 0.8, 2))]),
    );
    let words = summary(&beside(&a, &b)).join("\n");
    assert!(
        words.starts_with("B is faster: p") && words.contains("p50 ttft_scheduled -2"),
        "{words}"
    );
    let back = summary(&beside(&b, &a)).join("\n");
    assert!(
        back.starts_with("B is slower: p") && back.contains("p50 ttft_scheduled +2"),
        "{back}"
    );
}

#[test]
fn what_could_not_be_shown_is_said_with_what_would_have_been_seen() {
    let (a, b) = (
        run_of(vec![stage(&independent(300, 1.0, 1))]),
        run_of(vec![stage(&independent(300, 1.0, 2))]),
    );
    let words = summary(&beside(&a, &b)).join("\n");
    assert!(
        words.starts_with("no difference could be shown; one of at least "),
        "{words}"
    );
    assert!(words.contains(" % in p50 ttft_scheduled"), "{words}");
    assert!(
        words.contains("in p99 ttft_scheduled, p99 tpot") || words.contains("p99 ttft_scheduled"),
        "{words}"
    );
    assert!(
        words.contains("the samples are too few to see any"),
        "{words}"
    );
}

#[test]
fn a_detectable_shift_is_seen_four_times_in_five() {
    let (mut seen, mut all) = (0.0, 0.0);
    for seed in 0..40 {
        let base = stage(&independent(1500, 1.0, 3 * seed));
        let same = stage(&independent(1500, 1.0, 3 * seed + 1));
        let size = Shift::of(estimate(&base, 50.0), estimate(&same, 50.0))
            .detectable()
            .unwrap();
        let slow = stage(&independent(1500, 1.0 + size, 3 * seed + 2));
        let found = Shift::of(estimate(&base, 50.0), estimate(&slow, 50.0));
        seen += f64::from(u8::from(found.relative.lower.unwrap() > 0.0));
        all += 1.0;
    }
    assert!((0.6..=0.98).contains(&(seen / all)), "{}", seen / all);
}

fn margin(share: f64) -> Margin {
    Margin {
        metric: Some(Metric::TtftScheduled),
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
        metric: Some(Metric::Itl),
        percentile: None,
        share: 0.1,
    }];
    let gate = Gate::on(&beside(&base, &other), &nothing);
    assert_eq!(gate.exit_code(), ExitCode::SloInconclusive);
    // The last margin that names a figure counts.
    let margins = [
        Margin {
            metric: None,
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

#[test]
fn stages_are_matched_by_their_load_and_the_rest_is_named() {
    let at = |number: u32, rate: f64, seed: u64| {
        let mut stage = stage(&independent(400, 1.0, seed));
        (stage.stage, stage.load.rate) = (number, Some(rate));
        stage
    };
    let a = run_of(vec![at(0, 5.0, 1), at(1, 10.0, 2), at(2, 10.0, 3)]);
    let mut b = run_of(vec![at(0, 10.0, 4), at(1, 20.0, 5), at(2, 10.0, 6)]);
    b.stages[0].load.duration_s = Some(7.0);
    let comparison = beside(&a, &b);
    let mut pairs: Vec<(u32, u32)> = comparison.rows.iter().map(|row| row.stages).collect();
    pairs.dedup();
    assert_eq!(pairs, [(1, 0), (2, 2)]);
    let alone: Vec<(&str, bool)> = comparison
        .alone
        .iter()
        .map(|(name, is_base)| (name.as_str(), *is_base))
        .collect();
    assert_eq!(
        alone,
        [
            ("stage 0: constant 5/s for 40 s", true),
            ("stage 1: constant 20/s for 40 s", false)
        ]
    );
    let c = run_of(vec![at(0, 40.0, 7)]);
    let error = compare(("A", &a), ("C", &c), &Compared::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("constant 5/s for 40 s; stage 1: constant 10/s"),
        "{error}"
    );
    let mut other = b.clone();
    other.definitions_version = 2;
    assert_eq!(
        compare(("A", &a), ("B", &other), &Compared::default()).unwrap_err(),
        CompareError::Definitions(1, 2)
    );
}

#[test]
fn everything_that_differs_and_everything_in_doubt_is_said() {
    let a = run_of(vec![stage(&independent(400, 1.0, 1))]);
    let mut b = run_of(vec![stage(&independent(400, 1.0, 2))]);
    b.config = serde_json::json!({"load": {"num_workers": 4}, "storage": {"local_storage": {}}});
    b.environment.host = "other <host>".to_owned();
    b.run.status = RunStatus::Partial;
    b.run.partial_because = vec!["half of it".to_owned()];
    b.stages[0].validity.state = ValidityState::Suspect;
    b.stages[0].validity.reasons = vec!["a stall".to_owned()];
    b.stages[0].metrics.remove(&Metric::Tpot);
    b.stages[0].absent.insert(
        Metric::Tpot,
        bench_contract::Absent {
            reason: "no usage".to_owned(),
        },
    );
    let comparison = beside(&a, &b);
    let text = table(&comparison, None);
    for part in [
        "config differs\n  load: not there and {\"num_workers\":4}",
        "environment differs\n  generator.host: \"\" and \"other <host>\"",
        "B is partial: half of it",
        "A and B are one run",
        "stage 0 of B is suspect: a stall",
        "stage 0 of B has no p50 tpot: no usage",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("storage"));
    let gate = Gate::on(&comparison, &[margin(0.1)]);
    let page = html(&[(comparison.clone(), Some(gate))]);
    assert!(
        page.contains("other &lt;host&gt;")
            && !page.contains("<script")
            && !page.contains("http://")
    );
    let (name, svg) = plot::shifts(&comparison);
    assert_eq!(name, "shifts.svg");
    assert!(
        svg.starts_with("<svg xmlns=")
            && svg.ends_with("</svg>\n")
            && svg.matches("<circle").count() == 4
    );
    let value = json(&comparison, None);
    assert_eq!(
        value["figures"].as_array().unwrap().len(),
        comparison.rows.len()
    );
    assert_eq!(value["figures"][0]["figure"], "p50 ttft_scheduled");
}
