//! Coverage of intervals and errors of verdicts, over seeded simulated runs: a quick part of what `docs/statistics.md`
//! publishes, and, where minutes are at hand, all of it.

use std::fmt::Write as _;

use bench_contract::{CheckVerdict, Metric, Percentile, SloMetric};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::queues::Queue;
use crate::records::{exponential, slo, stage_of, with_slos};

/// The percentiles whose intervals are looked at.
const PS: [f64; 3] = [50.0, 95.0, 99.0];

/// How often, over simulated runs, an interval had both ends, had them on one side of the truth, and MLPerf's bound was below it.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    runs: f64,
    covering: f64,
    issued: f64,
    issued_and_wrong: f64,
    bounded: f64,
    bounded_and_wrong: f64,
}

impl Seen {
    fn add(&mut self, entry: &Percentile, truth: f64) {
        let interval = entry.interval.as_ref().unwrap();
        let (lower, upper) = (
            interval.lower.unwrap_or(0.0),
            interval.upper.unwrap_or(f64::INFINITY),
        );
        let one = |holds: bool| f64::from(u8::from(holds));
        let covers = lower <= truth && truth <= upper;
        let is_issued = interval.lower.is_some() && interval.upper.is_some();
        self.runs += 1.0;
        self.covering += one(covers);
        self.issued += one(is_issued);
        self.issued_and_wrong += one(is_issued && !covers);
        if let Some(bound) = entry.early_stopping {
            self.bounded += 1.0;
            self.bounded_and_wrong += one(bound.seconds() < truth);
        }
    }

    fn covers(&self) -> f64 {
        self.covering / self.runs
    }
}

/// What `runs` simulated runs show of each percentile's interval.
fn seen(runs: u64, truth: [f64; 3], run: impl Fn(u64) -> Vec<f64>) -> [Seen; 3] {
    let mut seen = [Seen::default(); 3];
    for seed in 0..runs {
        let stage = stage_of(&with_slos(&[]), &run(seed));
        let summary = &stage.metrics[&Metric::Ttft];
        for ((seen, p), truth) in seen.iter_mut().zip(PS).zip(truth) {
            let entry = summary.percentiles.iter().find(|entry| entry.p == p);
            seen.add(entry.unwrap(), truth);
        }
    }
    seen
}

fn of_independent(n: usize, runs: u64) -> [Seen; 3] {
    let truth = PS.map(|p| -0.02 * (1.0 - p / 100.0).ln());
    seen(runs, truth, |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(1000 + seed);
        (0..n).map(|_| 0.02 * exponential(&mut rng)).collect()
    })
}

fn of_queue(queue: Queue, n: usize, runs: u64) -> [Seen; 3] {
    let truth = queue.truth(&PS.map(|p| 1.0 - p / 100.0));
    seen(runs, [truth[0], truth[1], truth[2]], |seed| {
        queue.run(n, 3000 + seed)
    })
}

/// Shares of `runs` in which the objective on percentile `p` passes and fails, where each multiple `times` of the allowed share
/// is truly above the limit.
fn verdicts(queue: Queue, n: usize, p: f64, times: &[f64], runs: u64) -> Vec<(f64, f64)> {
    let shares: Vec<f64> = times
        .iter()
        .map(|times| times * (1.0 - p / 100.0))
        .collect();
    let slos: Vec<_> = queue
        .truth(&shares)
        .into_iter()
        .map(|limit| slo(SloMetric::Ttft, p, limit))
        .collect();
    let mut counts = vec![(0.0, 0.0); times.len()];
    for run in 0..runs {
        let ttfts = queue.run(n, 7000 + run);
        for ((passed, failed), slo) in counts.iter_mut().zip(&slos) {
            // Each on its own: several would be corrected for their number.
            let stage = stage_of(&with_slos(std::slice::from_ref(slo)), &ttfts);
            match stage.checks[0].verdict {
                CheckVerdict::Pass => *passed += 1.0 / runs as f64,
                CheckVerdict::Fail => *failed += 1.0 / runs as f64,
                CheckVerdict::Inconclusive | CheckVerdict::Invalid => {}
            }
        }
    }
    counts
}

const ONE_SERVER: [Queue; 2] = [
    Queue {
        servers: 1,
        load: 0.5,
    },
    Queue {
        servers: 1,
        load: 0.8,
    },
];

#[test]
fn intervals_of_independent_samples_cover_the_truth() {
    for (seen, p) in of_independent(3000, 120).iter().zip(PS) {
        // 93 to 97 %, with room for the chance of 120 runs (two standard errors are 4 points).
        assert!((0.90..=1.0).contains(&seen.covers()), "p{p}: {seen:?}");
    }
}

#[test]
fn verdicts_on_a_queue_rarely_err() {
    for (queue, p) in ONE_SERVER.into_iter().zip([95.0, 99.0]) {
        let seen = verdicts(queue, 900, p, &[3.0, 0.5], 40);
        let (passed, failed) = (seen[0].0, seen[1].1);
        assert!(
            passed <= 0.07,
            "{queue:?}, p{p}: {passed} passed with three times the allowed share above"
        );
        // At half of its capacity, 900 requests are enough to find three times the allowed share out.
        let found = seen[0].1;
        assert!(
            queue.load > 0.5 || found >= 0.8,
            "{queue:?}, p{p}: {found} failed"
        );
        assert!(
            failed <= 0.04,
            "{queue:?}, p{p}: {failed} failed with half the allowed share above"
        );
    }
}

/// The tables of `docs/statistics.md`: `make statistics`.
#[test]
#[ignore = "minutes: all 2,000 and 300 runs"]
fn the_whole_table() {
    let mut problems = Vec::new();
    let mut holds = |holds: bool, what: String| {
        if !holds {
            problems.push(what);
        }
    };
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let of = |part: f64, whole: f64| {
        if whole > 0.0 {
            percent(part / whole)
        } else {
            "-".to_owned()
        }
    };
    let mut table = String::from(
        "| samples | P50 | P95 | P99 | MLPerf's bound of P99 below the truth |\n|---|--:|--:|--:|--:|\n",
    );
    for n in [400, 1000, 3000, 10_000] {
        let seen = of_independent(n, 2000);
        let covers = seen.map(|seen| percent(seen.covers()));
        let [.., p99] = seen;
        let below = of(p99.bounded_and_wrong, p99.bounded);
        writeln!(table, "| {n} | {} | {below} |", covers.join(" | ")).unwrap();
        // One in a hundred, and what 2,000 runs may make of it.
        holds(
            p99.bounded_and_wrong <= 0.017 * p99.bounded,
            format!("n {n}: {below} of MLPerf's bounds are below"),
        );
        for (seen, p) in seen.iter().zip(PS) {
            let most = if n >= 3000 { 0.97 } else { 1.0 };
            let covers = seen.covers();
            holds(
                (0.93..=most).contains(&covers),
                format!("n {n} p{p}: {covers}"),
            );
        }
    }
    table.push_str("\n| queue | samples | percentile | interval issued | issued and wrong | MLPerf's bound below the truth |\n|---|--:|---|--:|--:|--:|\n");
    for queue in ONE_SERVER {
        for n in [900, 9000] {
            for (seen, p) in of_queue(queue, n, 2000).iter().zip(PS) {
                let (issued, wrong) = (seen.issued / seen.runs, seen.issued_and_wrong / seen.runs);
                let load = queue.load;
                writeln!(
                    table,
                    "| M/G/1 at {load} | {n} | P{p} | {} | {} | {} |",
                    percent(issued),
                    percent(wrong),
                    of(seen.bounded_and_wrong, seen.bounded)
                )
                .unwrap();
                holds(
                    wrong <= 0.10,
                    format!("{queue:?} n {n} p{p}: {wrong} wrong"),
                );
                let wanted = p == 50.0 || (p == 95.0 && load == 0.5 && n == 9000);
                holds(
                    issued >= 0.8 || !wanted,
                    format!("{queue:?} n {n} p{p}: {issued} issued"),
                );
            }
        }
    }
    table.push_str("\n| queue | samples | objective on | pass at 3 x | pass at 2 x | fail at 1/2 | fail at 3 x | pass at 1/100 |\n|---|--:|---|--:|--:|--:|--:|--:|\n");
    let eight = [0.7, 0.85].map(|load| Queue { servers: 8, load });
    for queue in ONE_SERVER.into_iter().chain(eight) {
        for n in [900, 9000] {
            for p in [95.0, 99.0] {
                let seen = verdicts(queue, n, p, &[3.0, 2.0, 0.5, 0.01], 300);
                let shown = [seen[0].0, seen[1].0, seen[2].1, seen[0].1, seen[3].0];
                writeln!(
                    table,
                    "| M/G/{} at {} | {n} | P{p} | {} |",
                    queue.servers,
                    queue.load,
                    shown.map(percent).join(" | ")
                )
                .unwrap();
                let [three, two, half, _, hundredth] = shown;
                holds(
                    three <= 0.05 && two <= 0.15 && half <= 0.02,
                    format!("{queue:?} n {n} p{p}: {shown:?}"),
                );
                holds(
                    hundredth >= 0.65 || n != 9000,
                    format!("{queue:?} n {n} p{p}: {hundredth} passed at a hundredth"),
                );
            }
        }
    }
    println!("{table}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
