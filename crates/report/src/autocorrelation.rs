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
    of_owned(
        series
            .iter()
            .map(|&x| f64::from(u8::from(holds(x))))
            .collect(),
    )
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
        let n = series.len();
        let most = (BUDGET / n.max(1)).max(LEAST_LAGS);
        let zero = autocovariance(&series, 0);
        let mut sum = -zero;
        let mut lag = 0;
        let mut ended = false;
        while lag < most {
            if lag >= n {
                ended = true;
                break;
            }
            let pair = autocovariance(&series, lag) + autocovariance(&series, lag + 1);
            if pair <= 0.0 {
                ended = true;
                break;
            }
            sum += 2.0 * pair;
            lag += 2;
        }
        if ended {
            return sum * scale;
        }
        let blocks: Vec<f64> = series
            .chunks_exact(BLOCK)
            .map(|block| block.iter().sum::<f64>() / BLOCK as f64)
            .collect();
        series = blocks;
        scale *= BLOCK as f64;
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
