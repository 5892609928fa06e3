//! Runs beside each other: what is said, and how often it is right.

use bench_contract::{Metric, Report, RunStatus, StageReport, ValidityState};
use bench_report::RunEnd;
use bench_report::compare::{
    CompareError, Compared, Comparison, Estimate, Figure, Gate, Gated, Margin, Shift, compare,
    html, json, summary, table,
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

pub(crate) fn run_of(stages: Vec<StageReport>) -> Report {
    whole(stages, &RunEnd::default())
}

/// A stage whose latencies are `level` times those of independent requests.
pub(crate) fn independent(n: usize, level: f64, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n)
        .map(|_| level * (0.02 + 0.02 * exponential(&mut rng)))
        .collect()
}

pub(crate) fn stage(ttfts: &[f64]) -> StageReport {
    stage_of(&with_slos(&[]), ttfts)
}

pub(crate) fn beside(base: &Report, other: &Report) -> Comparison {
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
        never: None,
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
}

/// What the docs say beneath it; the same filter finds both.
#[test]
#[ignore = "minutes: 2,000 pairs each"]
fn coverage_of_shifts_and_false_alarms() {
    let pairs = 2000;
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
    let unseen =
        "; in p99 ttft_scheduled, p99 tpot, p99 e2e_scheduled the samples are too few to see any";
    assert!(words.ends_with(unseen), "{words}");
    // In one stage too few, in the other enough: the stage is named.
    let mut long = stage(&independent(3000, 1.0, 3));
    (long.stage, long.load.rate) = (1, Some(20.0));
    let two = |seed: u64| run_of(vec![stage(&independent(300, 1.0, seed)), long.clone()]);
    let words = summary(&beside(&two(1), &two(2))).join("\n");
    assert!(
        words.contains("; in p99 ttft_scheduled at constant 10/s for 30 s, "),
        "{words}"
    );
}

#[test]
fn a_detectable_shift_is_sure_four_times_in_five() {
    let row = |base: &Report, other: &Report| {
        let comparison = beside(base, other);
        let figure = Figure::Latency(Metric::TtftScheduled, 50.0);
        let mut rows = comparison.rows.iter();
        let row = rows.find(|row| row.figure == figure).unwrap();
        (row.is_sure, row.shift.detectable(comparison.tested))
    };
    let (mut sure, mut all) = (0.0, 0.0);
    for seed in 0..60 {
        let of = |level: f64, place: u64| {
            run_of(vec![stage(&independent(1500, level, 3 * seed + place))])
        };
        let base = of(1.0, 0);
        let size = row(&base, &of(1.0, 1)).1.unwrap();
        sure += f64::from(u8::from(row(&base, &of(1.0 + size, 2)).0));
        all += 1.0;
    }
    // Sure among all figures, and not only by itself; 0.8 but for two standard errors, or more.
    assert!((0.68..=0.99).contains(&(sure / all)), "{}", sure / all);
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
    let gate = Gate::on(
        &comparison,
        &[Margin {
            figure: Some(Gated::Latency(Metric::TtftScheduled)),
            percentile: Some(50.0),
            share: 0.1,
        }],
    );
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
    assert!(!page.contains("more are in the table"));
    let mut many = comparison.clone();
    many.rows = comparison.rows.iter().cycle().take(120).cloned().collect();
    let page = html(&[(many, None)]);
    assert!(
        page.contains("Only the first 60 are drawn; 20 more are in the table."),
        "{page}"
    );
    let value = json(&comparison, None);
    assert_eq!(
        value["figures"].as_array().unwrap().len(),
        comparison.rows.len()
    );
    assert_eq!(value["figures"][0]["figure"], "p50 ttft_scheduled");
}
