//! Integrated autocorrelation time: how many successive samples are worth one independent sample.

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
pub(crate) fn autocorrelation_time(series: &[f64]) -> f64 {
    let greatest = series
        .iter()
        .copied()
        .filter(|x| x.is_finite())
        .fold(f64::NEG_INFINITY, f64::max);
    if greatest == f64::NEG_INFINITY {
        return 1.0;
    }
    of_owned(
        series
            .iter()
            .map(|&x| if x.is_finite() { x } else { greatest })
            .collect(),
    )
}

/// The same of the series that is 1 where `holds` and 0 elsewhere.
pub(crate) fn autocorrelation_time_of(series: &[f64], holds: impl Fn(f64) -> bool) -> f64 {
    let indicator = Indicator::new(series.iter().map(|&x| holds(x)));
    let n = series.len();
    let variance = indicator.autocovariance(0);
    if variance <= 0.0 {
        return 1.0;
    }
    let asymptotic =
        initial_positive_sum(n, |lag| indicator.autocovariance(lag)).unwrap_or_else(|| {
            let mean = indicator.mean();
            let centred = series.iter().map(|&x| f64::from(u8::from(holds(x))) - mean);
            BLOCK as f64 * asymptotic_variance(blocks(&centred.collect::<Vec<f64>>()))
        });
    (asymptotic / variance).max(1.0)
}

fn of_owned(mut centred: Vec<f64>) -> f64 {
    let n = centred.len();
    if n < 2 {
        return 1.0;
    }
    let mean = centred.iter().sum::<f64>() / n as f64;
    let mut spread = 0.0_f64;
    for x in &mut centred {
        *x -= mean;
        spread = spread.max(x.abs());
    }
    // What is constant but for rounding has no correlation.
    if spread <= 1e-12 * mean.abs() {
        return 1.0;
    }
    let variance = autocovariance(&centred, 0);
    if variance <= 0.0 || !variance.is_finite() {
        return 1.0;
    }
    (asymptotic_variance(centred) / variance).max(1.0)
}

/// `γ(0) + 2 Σ γ(k)` of a series of mean 0.
fn asymptotic_variance(mut series: Vec<f64>) -> f64 {
    let mut scale = 1.0;
    loop {
        let sum = initial_positive_sum(series.len(), |lag| autocovariance(&series, lag));
        if let Some(sum) = sum {
            return sum * scale;
        }
        series = blocks(&series);
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

fn blocks(series: &[f64]) -> Vec<f64> {
    let blocks = series.chunks_exact(BLOCK);
    blocks
        .map(|block| block.iter().sum::<f64>() / BLOCK as f64)
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

    fn mean(&self) -> f64 {
        self.ones(self.n) as f64 / self.n.max(1) as f64
    }

    /// `1/n Σ (x(i) - mean) (x(i + lag) - mean)`, multiplied out.
    fn autocovariance(&self, lag: usize) -> f64 {
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
        let (n, mean, pairs) = (self.n as f64, self.mean(), (self.n - lag) as f64);
        let either = self.ones(self.n - lag) + self.ones(self.n) - self.ones(lag);
        (both as f64 - mean * either as f64 + pairs * mean * mean) / n
    }
}

/// `1/n Σ x(i) x(i + lag)`, summed in eight lanes.
fn autocovariance(series: &[f64], lag: usize) -> f64 {
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
    (lanes.iter().sum::<f64>() + rest) / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
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
                    (indicator.autocovariance(lag), autocovariance(&centred, lag));
                assert!(
                    (counted - multiplied).abs() < 1e-12,
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
