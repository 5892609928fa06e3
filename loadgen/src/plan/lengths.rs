//! How long each prompt and each reply is to be, as a function of (seed, stage, index).

use std::sync::Arc;

use bench_contract::TokenCount;
use bench_contract::config::{Distribution, DistributionType};

use super::random::{self, Purpose};

/// A distribution of lengths, ready to draw from.
#[derive(Clone, Debug, PartialEq)]
pub struct Lengths {
    shape: Shape,
    min: TokenCount,
    max: TokenCount,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    None,
    Fixed(TokenCount),
    Normal {
        mean: f64,
        deviation: f64,
    },
    Uniform,
    /// One for each index.
    Listed(Arc<[TokenCount]>),
    /// `min` + exp(N(mu, sigma)), moments matched above `min`.
    Lognormal {
        mu: f64,
        sigma: f64,
    },
}

impl Lengths {
    /// No tokens at all, as embeddings have them.
    #[must_use]
    pub fn none() -> Self {
        Self {
            shape: Shape::None,
            min: 0,
            max: 0,
        }
    }

    /// Always `length`.
    #[must_use]
    pub fn fixed(length: TokenCount) -> Self {
        Self {
            shape: Shape::Fixed(length),
            min: length,
            max: length,
        }
    }

    /// The lengths of a trace, by index.
    #[must_use]
    pub fn listed(lengths: Arc<[TokenCount]>) -> Self {
        Self {
            min: lengths.iter().min().copied().unwrap_or(1),
            max: lengths.iter().max().copied().unwrap_or(1),
            shape: Shape::Listed(lengths),
        }
    }

    /// The distribution of a config; `None` for a shape that cannot be drawn yet.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean is checked to be in min..max"
    )]
    pub fn from_config(distribution: &Distribution) -> Option<Self> {
        let (min, max) = (distribution.min, distribution.max);
        let deviation = distribution.standard_deviation();
        let shape = match distribution.kind.unwrap_or_default() {
            DistributionType::Normal => Shape::Normal {
                mean: distribution.mean,
                deviation,
            },
            DistributionType::Fixed => Shape::Fixed(distribution.mean as TokenCount),
            DistributionType::Uniform => Shape::Uniform,
            DistributionType::Lognormal => {
                let mean = distribution.mean - f64::from(min);
                if mean <= 0.0 {
                    Shape::Fixed(min)
                } else {
                    let variance = libm::log(1.0 + (deviation / mean) * (deviation / mean));
                    Shape::Lognormal {
                        mu: libm::log(mean) - variance / 2.0,
                        sigma: libm::sqrt(variance),
                    }
                }
            }
            DistributionType::SkewNormal | DistributionType::Poisson => return None,
        };
        Some(Self { shape, min, max })
    }

    /// The length of request `index` of `stage`, in tokens, at least 1; values outside `[min, max]` are clamped.
    #[must_use]
    pub fn draw(&self, seed: u64, stage: u32, purpose: Purpose, index: u64) -> TokenCount {
        let rng = || random::stream(seed, stage, purpose, index);
        let drawn = match self.shape {
            Shape::None => return 0,
            Shape::Fixed(length) => return length.max(1),
            Shape::Listed(ref lengths) => {
                let listed = usize::try_from(index)
                    .ok()
                    .and_then(|index| lengths.get(index));
                return listed.copied().unwrap_or(self.min).max(1);
            }
            Shape::Normal {
                mean,
                deviation: 0.0,
            } => mean,
            Shape::Normal { mean, deviation } => {
                mean + deviation * random::standard_normal(&mut rng())
            }
            Shape::Uniform => {
                // Each whole length is as likely as every other, the ends among them.
                let width = (self.max - self.min).saturating_add(1);
                f64::from(self.min) + f64::from(random::below(&mut rng(), width))
            }
            Shape::Lognormal { mu, sigma } => {
                f64::from(self.min) + libm::exp(mu + sigma * random::standard_normal(&mut rng()))
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to u32's range"
        )]
        let length = drawn
            .clamp(f64::from(self.min), f64::from(self.max))
            .round_ties_even() as TokenCount;
        length.max(1)
    }

    /// About the mean that is drawn, in tokens: for estimates before a run.
    #[must_use]
    pub fn estimated_mean(&self, seed: u64, purpose: Purpose) -> f64 {
        const DRAWS: u32 = 1000;
        if let Shape::Listed(lengths) = &self.shape {
            let sum: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53 tokens")]
            return sum as f64 / lengths.len().max(1) as f64;
        }
        (0..DRAWS)
            .map(|index| f64::from(self.draw(seed, 0, purpose, index.into())))
            .sum::<f64>()
            / f64::from(DRAWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distribution(
        kind: DistributionType,
        mean: f64,
        std_dev: f64,
        min: u32,
        max: u32,
    ) -> Lengths {
        let config = Distribution {
            kind: Some(kind),
            mean,
            std_dev: Some(std_dev),
            min,
            max,
            ..Distribution::default()
        };
        Lengths::from_config(&config).unwrap()
    }

    fn moments(lengths: &Lengths) -> (f64, f64) {
        let drawn: Vec<f64> = (0..20_000)
            .map(|i| f64::from(lengths.draw(7, 0, Purpose::InputLength, i)))
            .collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        (
            mean,
            (drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0).sqrt(),
        )
    }

    #[test]
    fn moments_are_those_asked_for_where_nothing_is_clamped() {
        for kind in [DistributionType::Normal, DistributionType::Lognormal] {
            let (mean, deviation) = moments(&distribution(kind, 1000.0, 100.0, 100, 4000));
            assert!((mean - 1000.0).abs() < 4.0, "{kind:?}: mean {mean}");
            assert!(
                (deviation - 100.0).abs() < 3.0,
                "{kind:?}: deviation {deviation}"
            );
        }
        let (mean, deviation) =
            moments(&distribution(DistributionType::Uniform, 0.0, 0.0, 100, 200));
        assert!((mean - 150.0).abs() < 1.0 && (deviation - 100.0 / 12f64.sqrt()).abs() < 0.5);
    }

    #[test]
    fn no_deviation_is_no_randomness_and_fixed_is_not_clipped() {
        let even = distribution(DistributionType::Normal, 512.0, 0.0, 512, 512);
        assert!((0..100).all(|i| even.draw(3, 0, Purpose::InputLength, i) == 512));
        let fixed = distribution(DistributionType::Fixed, 77.9, 5.0, 1, 10);
        assert_eq!(fixed.draw(1, 1, Purpose::OutputLength, 1), 77);
    }

    proptest! {
        #[test]
        fn a_length_is_in_its_bounds_and_a_function_of_its_place(seed: u64, stage: u32, index: u64, mean in 1f64..4000.0, sd in 0f64..4000.0) {
            let lengths = distribution(DistributionType::Normal, mean, sd, 1, 4096);
            let drawn = lengths.draw(seed, stage, Purpose::InputLength, index);
            prop_assert!((1..=4096).contains(&drawn));
            prop_assert_eq!(drawn, lengths.draw(seed, stage, Purpose::InputLength, index));
        }
    }
}
