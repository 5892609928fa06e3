//! Integrated autocorrelation time: how many successive samples are worth one independent sample.
//!
//! Of several runs, put one behind the other, products are taken within each run alone, about the mean of all: what stands at the
//! end of one run says nothing about the start of the next. Runs that differ from each other in their level are then correlated
//! over their whole length, so that they count as few samples, as they should (the same idea as in the effective sample size of
//! several chains: Vehtari et al., *Rank-normalization, folding, and localization*, 2021, section 3.2).

use crate::in_order::InOrder;

/// Multiply-adds that lags may cost before a long series is thinned.
const BUDGET: usize = 8_000_000;

/// Lags that a series may always take.
const LEAST_LAGS: usize = 64;

/// Samples that are averaged into one when lags do not end within the budget.
const BLOCK: usize = 4;

/// The integrated autocorrelation time of `series` in its order, at least 1: `1 + 2 Σ ρ(k)`, summed over Geyer's initial
/// positive sequence (pairs `γ(2m) + γ(2m+1)` as long as they are positive; Geyer, *Practical Markov chain Monte Carlo*,
/// 1992, 3.3). `+inf` counts as the greatest finite sample. A constant series has 1.
///
/// The sum ends early where correlation is short, so that the cost is `n` times the lags. Where it is long in a long
/// series, blocks of samples are averaged: the asymptotic variance of the mean, which is what is estimated, is the same
/// for block means, and the cost stays below some 100 `n`.
pub(crate) fn autocorrelation_time<'a>(series: impl Into<InOrder<'a>>) -> f64 {
    let series = series.into();
    let greatest = series
        .iter()
        .copied()
        .filter(|x| x.is_finite())
        .fold(f64::NEG_INFINITY, f64::max);
    if greatest == f64::NEG_INFINITY {
        return 1.0;
    }
    of_runs(&mapped(
        series,
        |x| if x.is_finite() { x } else { greatest },
    ))
}

/// The same of the series that is 1 where `holds` and 0 elsewhere.
pub(crate) fn autocorrelation_time_of<'a>(
    series: impl Into<InOrder<'a>>,
    holds: impl Fn(f64) -> bool,
) -> f64 {
    let series = series.into();
    let n = series.len();
    let runs: Vec<Indicator> = series
        .runs()
        .map(|run| Indicator::new(run.iter().map(|&x| holds(x))))
        .collect();
    let ones: usize = runs.iter().map(|run| run.ones(run.n)).sum();
    let mean = ones as f64 / n.max(1) as f64;
    let autocovariance = |lag: usize| -> f64 {
        let products: f64 = runs.iter().map(|run| run.products(lag, mean)).sum();
        products / n as f64
    };
    let variance = autocovariance(0);
    if n == 0 || variance <= 0.0 {
        return 1.0;
    }
    let asymptotic = initial_positive_sum(n, autocovariance).unwrap_or_else(|| {
        let centred = mapped(series, |x| f64::from(u8::from(holds(x))) - mean);
        BLOCK as f64 * asymptotic_variance(blocks(&centred))
    });
    (asymptotic / variance).max(1.0)
}

fn mapped(series: InOrder<'_>, of: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    let runs = series.runs();
    runs.map(|run| run.iter().map(|&x| of(x)).collect())
        .collect()
}

fn of_runs(runs: &[Vec<f64>]) -> f64 {
    let all = || runs.iter().flatten();
    let n = all().count();
    if n < 2 {
        return 1.0;
    }
    let mean = all().sum::<f64>() / n as f64;
    let spread = all().fold(0.0_f64, |spread, x| spread.max((x - mean).abs()));
    // What is constant but for rounding has no correlation.
    if spread <= 1e-12 * mean.abs() {
        return 1.0;
    }
    let centred: Vec<Vec<f64>> = runs
        .iter()
        .map(|run| run.iter().map(|x| x - mean).collect())
        .collect();
    let variance = autocovariance(&centred, 0);
    if variance <= 0.0 || !variance.is_finite() {
        return 1.0;
    }
    (asymptotic_variance(centred) / variance).max(1.0)
}

/// `γ(0) + 2 Σ γ(k)` of runs of mean 0.
fn asymptotic_variance(mut runs: Vec<Vec<f64>>) -> f64 {
    let mut scale = 1.0;
    loop {
        let n = runs.iter().map(Vec::len).sum();
        if let Some(sum) = initial_positive_sum(n, |lag| autocovariance(&runs, lag)) {
            return sum * scale;
        }
        runs = blocks(&runs);
        scale *= BLOCK as f64;
    }
}

/// `γ(0) + 2 Σ γ(k)` over the initial positive sequence of `n` samples; none where that does not end within the budget.
fn initial_positive_sum(n: usize, autocovariance: impl Fn(usize) -> f64) -> Option<f64> {
    let most = (BUDGET / n.max(1)).max(LEAST_LAGS);
    let mut sum = -autocovariance(0);
    for lag in (0..most).step_by(2) {
        if lag >= n {
            return Some(sum);
        }
        let pair = autocovariance(lag) + autocovariance(lag + 1);
        if pair <= 0.0 {
            return Some(sum);
        }
        sum += 2.0 * pair;
    }
    None
}

fn blocks(runs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mean = |block: &[f64]| block.iter().sum::<f64>() / BLOCK as f64;
    runs.iter()
        .map(|run| run.chunks_exact(BLOCK).map(mean).collect())
        .collect()
}

/// A series of ones and zeros, 64 to a word: its products are counted, not multiplied.
struct Indicator {
    words: Vec<u64>,
    n: usize,
    /// How many ones there are before each word, and in all.
    before: Vec<usize>,
}

impl Indicator {
    fn new(series: impl ExactSizeIterator<Item = bool>) -> Self {
        let n = series.len();
        // One word more than there is: a shifted series ends in it.
        let mut words = vec![0_u64; n / 64 + 2];
        for (place, one) in series.enumerate() {
            words[place / 64] |= u64::from(one) << (place % 64);
        }
        let mut ones = 0;
        let before = words.iter().map(|word| {
            let so_far = ones;
            ones += word.count_ones() as usize;
            so_far
        });
        Self {
            before: before.collect(),
            n,
            words,
        }
    }

    /// Ones among the first `count`.
    fn ones(&self, count: usize) -> usize {
        let part = self.words[count / 64] & ((1 << (count % 64)) - 1);
        self.before[count / 64] + part.count_ones() as usize
    }

    /// `Σ (x(i) - mean) (x(i + lag) - mean)`, multiplied out.
    fn products(&self, lag: usize, mean: f64) -> f64 {
        if lag >= self.n {
            return 0.0;
        }
        let (skipped, shift) = (lag / 64, lag % 64);
        let shifted = self.words[skipped..].windows(2).map(|pair| {
            // A shift by 64 is none of its own.
            pair[0] >> shift | (pair[1] << 1) << (63 - shift)
        });
        let both = self.words.iter().zip(shifted);
        let both: usize = both.map(|(a, b)| (a & b).count_ones() as usize).sum();
        let pairs = (self.n - lag) as f64;
        let either = self.ones(self.n - lag) + self.ones(self.n) - self.ones(lag);
        both as f64 - mean * either as f64 + pairs * mean * mean
    }
}

/// `1/n Σ x(i) x(i + lag)` over pairs within each run, n being the number of all samples.
fn autocovariance(runs: &[Vec<f64>], lag: usize) -> f64 {
    let n: usize = runs.iter().map(Vec::len).sum();
    runs.iter().map(|run| products(run, lag)).sum::<f64>() / n.max(1) as f64
}

/// `Σ x(i) x(i + lag)`, summed in eight lanes.
fn products(series: &[f64], lag: usize) -> f64 {
    let n = series.len();
    if lag >= n {
        return 0.0;
    }
    let (left, right) = (&series[..n - lag], &series[lag..]);
    let mut lanes = [0.0_f64; 8];
    let (left_chunks, right_chunks) = (left.chunks_exact(8), right.chunks_exact(8));
    let rest: f64 = left_chunks
        .remainder()
        .iter()
        .zip(right_chunks.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in left_chunks.zip(right_chunks) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_order::Series;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// An autoregressive series x' = phi x + noise, whose time is (1 + phi) / (1 - phi).
    fn autoregressive(phi: f64, n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut x = 0.0;
        (0..n)
            .map(|_| {
                x = phi * x + rng.random::<f64>() - 0.5;
                x
            })
            .collect()
    }

    #[test]
    fn of_an_autoregressive_series_is_known() {
        for (phi, n, tolerance) in [(0.0, 20_000, 0.08), (0.5, 20_000, 0.15), (0.9, 40_000, 0.2)] {
            let truth = (1.0 + phi) / (1.0 - phi);
            let time = autocorrelation_time(&autoregressive(phi, n, 7));
            assert!(
                (time / truth - 1.0).abs() < tolerance,
                "phi {phi}: {time}, not {truth}"
            );
        }
    }

    #[test]
    fn counted_products_are_the_multiplied_ones() {
        for n in [1, 2, 63, 64, 65, 128, 200, 1000] {
            let series = autoregressive(0.8, n, 5);
            let ones: Vec<f64> = series
                .iter()
                .map(|x| f64::from(u8::from(*x > 0.3)))
                .collect();
            let mean = ones.iter().sum::<f64>() / n as f64;
            let centred: Vec<f64> = ones.iter().map(|x| x - mean).collect();
            let indicator = Indicator::new(series.iter().map(|x| *x > 0.3));
            for lag in [0, 1, 2, 62, 63, 64, 65, 127, 128, 199, 500, 999, 1000] {
                let (counted, multiplied) =
                    (indicator.products(lag, mean), products(&centred, lag));
                assert!(
                    (counted - multiplied).abs() < 1e-12 * n as f64,
                    "n {n}, lag {lag}: {counted}, not {multiplied}"
                );
            }
            let (counted, multiplied) = (
                autocorrelation_time_of(&series, |x| x > 0.3),
                autocorrelation_time(&ones),
            );
            assert!((counted - multiplied).abs() < 1e-9);
        }
        let series = autoregressive(0.999, 400_000, 3);
        let ones: Vec<f64> = series
            .iter()
            .map(|x| f64::from(u8::from(*x > 1.0)))
            .collect();
        let (counted, multiplied) = (
            autocorrelation_time_of(&series, |x| x > 1.0),
            autocorrelation_time(&ones),
        );
        assert!((counted / multiplied - 1.0).abs() < 1e-9);
    }

    #[test]
    fn long_correlation_in_a_long_series_is_found_by_blocks() {
        let series = autoregressive(0.999, 700_000, 3);
        let time = autocorrelation_time(&series);
        assert!((time / 1999.0 - 1.0).abs() < 0.3, "{time}");
    }

    #[test]
    fn runs_are_not_read_across_their_joints() {
        let runs: Vec<Vec<f64>> = (0..4).map(|seed| autoregressive(0.9, 5000, seed)).collect();
        let joined = |runs: &[Vec<f64>]| {
            Series::new(runs.concat(), (1..runs.len()).map(|k| k * 5000).collect())
        };
        // Each run is as correlated as one alone, and all of them too.
        let time = autocorrelation_time(&joined(&runs));
        assert!((time / 19.0 - 1.0).abs() < 0.25, "{time}");
        // At other levels, they are few episodes, each as long as a run.
        let shifted: Vec<Vec<f64>> = (0..)
            .zip(&runs)
            .map(|(k, run)| run.iter().map(|x| x + 5.0 * f64::from(k)).collect())
            .collect();
        let time = autocorrelation_time(&joined(&shifted));
        assert!((2000.0..10_000.0).contains(&time), "{time}");
        let above = autocorrelation_time_of(&joined(&shifted), |x| x > 7.5);
        assert!((2000.0..10_000.0).contains(&above), "{above}");
        // What rises in each run and falls back at each joint never looks as if it fell.
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        let pair =
            |joints: Vec<usize>| Series::new([rising.clone(), rising.clone()].concat(), joints);
        let whole = pair(Vec::new());
        assert!(autocorrelation_time(&pair(vec![100])) > autocorrelation_time(&whole));
    }

    #[test]
    fn is_at_least_one_and_never_fails() {
        let inf = f64::INFINITY;
        assert_eq!(autocorrelation_time(&[]), 1.0);
        assert_eq!(autocorrelation_time(&[3.0]), 1.0);
        assert_eq!(autocorrelation_time(&[0.1; 50]), 1.0);
        assert_eq!(autocorrelation_time(&[inf; 5]), 1.0);
        assert_eq!(
            autocorrelation_time(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]),
            1.0
        );
        assert!(autocorrelation_time(&[1.0, 2.0, inf, inf, inf, 1.0, 1.0]) >= 1.0);
    }

    #[test]
    fn a_block_of_failures_counts_as_few_episodes() {
        let series: Vec<f64> = (0..1000)
            .map(|i| {
                if (400..600).contains(&i) {
                    f64::INFINITY
                } else {
                    (i * 7919 % 101) as f64
                }
            })
            .collect();
        assert!(autocorrelation_time(&series) > 50.0);
        assert!(autocorrelation_time_of(&series, f64::is_infinite) > 50.0);
    }
}
