//! Lengths: which distribution that the values know comes nearest to the data.

use bench_contract::config::{Distribution, DistributionType};

/// The quantiles that are shown.
pub(super) const QUANTILES: [f64; 4] = [0.1, 0.5, 0.9, 0.99];

/// A distribution beside the data that it was fitted to.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLengths {
    /// The distribution.
    pub distribution: Distribution,
    /// Mean of the data.
    pub mean: f64,
    /// Quantiles of the data.
    pub(super) data: [u32; 4],
    /// Quantiles of the distribution.
    pub(super) model: [u32; 4],
    /// The greatest difference between the two distribution functions (Kolmogorov and Smirnov), in `[0, 1]`.
    pub distance: f64,
}

impl FittedLengths {
    /// The nearest of log-normal, normal and uniform with the data's mean, deviation and limits.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn of(lengths: impl Iterator<Item = u32>) -> Self {
        let mut sorted: Vec<u32> = lengths.map(|length| length.max(1)).collect();
        sorted.sort_unstable();
        let count = sorted.len().max(1) as f64;
        let mean = sorted.iter().map(|&n| f64::from(n)).sum::<f64>() / count;
        let variance = sorted
            .iter()
            .map(|&n| (f64::from(n) - mean).powi(2))
            .sum::<f64>()
            / count;
        let with = |kind| Distribution {
            kind: Some(kind),
            mean: tenths(mean),
            std_dev: Some(tenths(variance.sqrt())),
            min: sorted.first().copied().unwrap_or(1),
            max: sorted.last().copied().unwrap_or(1),
            ..Distribution::default()
        };
        let kinds: &[DistributionType] = if variance == 0.0 {
            &[DistributionType::Fixed]
        } else {
            &[
                DistributionType::Lognormal,
                DistributionType::Normal,
                DistributionType::Uniform,
            ]
        };
        let nearest = kinds
            .iter()
            .map(|&kind| with(kind))
            .map(|distribution| (distance(&sorted, &distribution), distribution))
            .min_by(|(a, _), (b, _)| a.total_cmp(b));
        let (distance, distribution) =
            nearest.unwrap_or_else(|| (1.0, with(DistributionType::Fixed)));
        Self {
            data: QUANTILES.map(|q| of_data(&sorted, q)),
            model: QUANTILES.map(|q| of_model(&distribution, q)),
            mean,
            distribution,
            distance,
        }
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// `P(length <= x)` as loadgen draws: rounded to whole tokens, and clamped.
fn cdf(distribution: &Distribution, x: u32) -> f64 {
    if x < distribution.min {
        return 0.0;
    }
    if x >= distribution.max {
        return 1.0;
    }
    let (min, max) = (f64::from(distribution.min), f64::from(distribution.max));
    let (mean, deviation) = (distribution.mean, distribution.standard_deviation());
    let edge = f64::from(x) + 0.5;
    let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    match distribution.kind.unwrap_or_default() {
        DistributionType::Uniform => (edge - min) / (max - min),
        DistributionType::Lognormal if mean > min => {
            let above = mean - min;
            let variance = (1.0 + (deviation / above).powi(2)).ln();
            let mu = above.ln() - variance / 2.0;
            normal(((edge - min).ln() - mu) / variance.sqrt())
        }
        DistributionType::Fixed => f64::from(edge >= mean),
        _ => normal((edge - mean) / deviation),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn distance(sorted: &[u32], distribution: &Distribution) -> f64 {
    let count = sorted.len() as f64;
    let (mut most, mut below) = (0.0_f64, 0_usize);
    for equal in sorted.chunk_by(|a, b| a == b) {
        let Some(&length) = equal.first() else {
            continue;
        };
        let before = cdf(distribution, length.saturating_sub(1));
        most = most.max((below as f64 / count - before).abs());
        below += equal.len();
        most = most.max((below as f64 / count - cdf(distribution, length)).abs());
    }
    most
}

/// The nearest rank.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is between 0 and the number of lengths"
)]
fn of_data(sorted: &[u32], quantile: f64) -> u32 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.clamp(1, sorted.len().max(1)) - 1)
        .copied()
        .unwrap_or(0)
}

/// The least length whose probability reaches the quantile.
fn of_model(distribution: &Distribution, quantile: f64) -> u32 {
    let (mut low, mut high) = (distribution.min, distribution.max);
    while low < high {
        let middle = low + (high - low) / 2;
        if cdf(distribution, middle) >= quantile {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
