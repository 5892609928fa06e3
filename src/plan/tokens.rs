//! The mean of a distribution of lengths, after clamping.

use bench_contract::config::{Distribution, DistributionType};

/// The mean length in tokens: the integral over the standard normal variate that a length is drawn from. Clamping moves
/// it away from the distribution's own mean.
pub(crate) fn mean_length(distribution: &Distribution) -> f64 {
    let (min, max) = (f64::from(distribution.min), f64::from(distribution.max));
    let (mean, deviation) = (distribution.mean, distribution.standard_deviation());
    let clamped = |length: f64| length.min(max).max(min).max(1.0);
    match distribution.kind.unwrap_or_default() {
        DistributionType::Fixed => mean.max(1.0),
        DistributionType::Uniform => f64::midpoint(min, max),
        DistributionType::Lognormal if mean > min => {
            // `min` + exp(N(mu, sigma)), its moments matched above `min`.
            let above = mean - min;
            let variance = (1.0 + (deviation / above).powi(2)).ln();
            let (mu, sigma) = (above.ln() - variance / 2.0, variance.sqrt());
            expectation(|z| clamped(min + (mu + sigma * z).exp()))
        }
        _ => expectation(|z| clamped(mean + deviation * z)),
    }
}

/// `E[f(Z)]` for a standard normal Z, by the trapezoidal rule, which is all but exact for it.
fn expectation(f: impl Fn(f64) -> f64) -> f64 {
    const STEPS: i32 = 800;
    const STEP: f64 = 0.02;
    let (mut sum, mut weights) = (0.0, 0.0);
    for step in -STEPS..=STEPS {
        let z = f64::from(step) * STEP;
        let weight = (-z * z / 2.0).exp();
        sum += weight * f(z);
        weights += weight;
    }
    sum / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(kind: DistributionType, mean: f64, std_dev: f64, min: u32, max: u32) -> f64 {
        mean_length(&Distribution {
            kind: Some(kind),
            mean,
            std_dev: Some(std_dev),
            min,
            max,
            ..Distribution::default()
        })
    }

    #[test]
    fn clamping_moves_the_mean() {
        let wide = mean(DistributionType::Normal, 1000.0, 100.0, 1, 5000);
        assert!((wide - 1000.0).abs() < 0.01, "{wide}");
        // Half of a normal at its mean: mean + sd / sqrt(2 pi).
        let half = mean(DistributionType::Normal, 1000.0, 100.0, 1000, 5000);
        assert!((half - 1039.894).abs() < 0.1, "{half}");
        assert!((mean(DistributionType::Fixed, 512.0, 0.0, 1, 5000) - 512.0).abs() < 1e-9);
        assert!((mean(DistributionType::Uniform, 0.0, 0.0, 100, 300) - 200.0).abs() < 1e-9);
        let log = mean(DistributionType::Lognormal, 500.0, 400.0, 10, 1_000_000);
        assert!((log - 500.0).abs() < 0.5, "{log}");
    }
}
