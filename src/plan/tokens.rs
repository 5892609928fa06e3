//! The mean of a distribution of lengths, after clamping.

use bench_contract::config::{Distribution, DistributionType, Truncate};

/// The mean length in tokens: the integral over the standard normal variate that a length is drawn from. Clamping moves
/// it away from the distribution's own mean, and so does drawing again.
pub(crate) fn mean_length(distribution: &Distribution) -> f64 {
    let (min, max) = (f64::from(distribution.min), f64::from(distribution.max));
    let (mean, deviation) = (distribution.mean, distribution.standard_deviation());
    let bounds = Bounds {
        min,
        max,
        redraws: distribution.truncate == Some(Truncate::Resample),
    };
    match distribution.kind.unwrap_or_default() {
        DistributionType::Fixed => mean.max(1.0),
        DistributionType::Uniform => f64::midpoint(min, max),
        DistributionType::Lognormal => match LogNormal::above(min, mean, deviation) {
            Some(LogNormal { mu, sigma }) => bounds.mean(|_| 1.0, |z| min + (mu + sigma * z).exp()),
            // What loadgen sends then.
            None => min.max(1.0),
        },
        DistributionType::Normal => bounds.mean(|_| 1.0, |z| mean + deviation * z),
        DistributionType::SkewNormal => {
            // Azzalini's density is 2 phi(z) Phi(skew z).
            let skew = distribution.skew.unwrap_or(0.0);
            let weight = |z: f64| libm::erfc(-skew * z / std::f64::consts::SQRT_2);
            bounds.mean(weight, |z| mean + deviation * z)
        }
        // Near enough to a normal one of the same moments, for an estimate.
        DistributionType::Poisson => bounds.mean(|_| 1.0, |z| mean + mean.max(0.0).sqrt() * z),
    }
}

/// Where lengths lie, and what becomes of one that does not.
struct Bounds {
    min: f64,
    max: f64,
    redraws: bool,
}

impl Bounds {
    /// The mean of `length(Z)` for a Z of density `weight(z)` phi(z).
    fn mean(&self, weight: impl Fn(f64) -> f64, length: impl Fn(f64) -> f64) -> f64 {
        let clamped = |length: f64| length.min(self.max).max(self.min).max(1.0);
        let held = |z: f64| {
            let length = length(z);
            // Whole lengths: what rounds to a bound is within it.
            let is_within = length > self.min - 0.5 && length < self.max + 0.5;
            let counts = if self.redraws && !is_within {
                0.0
            } else {
                weight(z)
            };
            (counts, clamped(length))
        };
        let mass = expectation(|z| held(z).0);
        if mass > 1e-6 {
            expectation(|z| held(z).0 * held(z).1) / mass
        } else {
            expectation(|z| weight(z) * clamped(length(z))) / expectation(weight)
        }
    }
}

/// The parameters of a log-normal distribution: exp(N(mu, sigma)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogNormal {
    /// Mean of the logarithm.
    pub(crate) mu: f64,
    /// Standard deviation of the logarithm.
    pub(crate) sigma: f64,
}

impl LogNormal {
    /// What is drawn above `min`, its moments matched there; none for a mean that is not above it.
    pub(crate) fn above(min: f64, mean: f64, deviation: f64) -> Option<Self> {
        let above = mean - min;
        (above > 0.0).then(|| {
            let variance = (1.0 + (deviation / above).powi(2)).ln();
            Self {
                mu: above.ln() - variance / 2.0,
                sigma: variance.sqrt(),
            }
        })
    }

    /// Mean and standard deviation of `min` + exp(N(mu, sigma)).
    pub(crate) fn moments(self, min: f64) -> (f64, f64) {
        let variance = self.sigma * self.sigma;
        let above = (self.mu + variance / 2.0).exp();
        (min + above, above * variance.exp_m1().sqrt())
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

    #[test]
    fn drawing_again_and_skew_move_it_too() {
        let redrawn = mean_length(&Distribution {
            mean: 1000.0,
            std_dev: Some(100.0),
            min: 1000,
            max: 5000,
            truncate: Some(Truncate::Resample),
            ..Distribution::default()
        });
        // The mean of a half normal: sd * sqrt(2 / pi) above its mode; half a token more is within the bounds.
        assert!((redrawn - 1079.4).abs() < 1.0, "{redrawn}");
        let skewed = mean_length(&Distribution {
            kind: Some(DistributionType::SkewNormal),
            mean: 1000.0,
            std_dev: Some(100.0),
            skew: Some(3.0),
            min: 1,
            max: 5000,
            ..Distribution::default()
        });
        assert!((skewed - 1075.694).abs() < 0.1, "{skewed}");
        let poisson = mean(DistributionType::Poisson, 400.0, 0.0, 1, 5000);
        assert!((poisson - 400.0).abs() < 0.1, "{poisson}");
    }

    #[test]
    fn moments_of_a_log_normal_come_back() {
        let (mean, deviation) = LogNormal::above(10.0, 500.0, 400.0).unwrap().moments(10.0);
        assert!((mean - 500.0).abs() < 1e-9 && (deviation - 400.0).abs() < 1e-9);
        assert_eq!(LogNormal::above(10.0, 10.0, 1.0), None);
    }
}
