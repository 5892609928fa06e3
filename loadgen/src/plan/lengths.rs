//! How long each prompt and each reply is to be, as a function of (seed, stage, index).

use std::sync::Arc;

use bench_contract::TokenCount;
use bench_contract::config::{Distribution, DistributionType, Truncate};
use rand_chacha::ChaCha8Rng;

use super::random::{self, Purpose};

/// So often a length outside its bounds is drawn again. Where even that does not help, hardly anything of the distribution
/// lies between them, and it is clamped.
const DRAWS: u32 = 4_096;

/// A distribution of lengths, ready to draw from.
#[derive(Clone, Debug, PartialEq)]
pub struct Lengths {
    shape: Shape,
    min: TokenCount,
    max: TokenCount,
    truncate: Truncate,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    None,
    Fixed(TokenCount),
    /// One for each index, over and over.
    Listed(Arc<[TokenCount]>),
    /// Each whole length between the bounds is as likely as every other.
    Uniform,
    Normal {
        mean: f64,
        deviation: f64,
    },
    /// `location` + `scale` * Z, with Z of Azzalini's skew normal distribution of shape `skew`.
    SkewNormal {
        location: f64,
        scale: f64,
        skew: f64,
    },
    /// `min` + exp(N(mu, sigma)), moments matched above `min`.
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Poisson(f64),
}

impl Shape {
    /// What is drawn next; nothing is rounded and nothing is held within bounds.
    fn draw(&self, rng: &mut ChaCha8Rng, min: TokenCount, max: TokenCount, index: u64) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Fixed(length) => length.into(),
            Self::Listed(ref lengths) => {
                let place = index.checked_rem(lengths.len() as u64).unwrap_or(0);
                #[expect(clippy::cast_possible_truncation, reason = "below a length in memory")]
                let listed = lengths.get(place as usize);
                listed.copied().unwrap_or(min).into()
            }
            Self::Uniform => {
                let width = (max - min).saturating_add(1);
                f64::from(min) + f64::from(random::below(rng, width))
            }
            Self::Normal { mean, deviation } => mean + deviation * random::standard_normal(rng),
            Self::SkewNormal {
                location,
                scale,
                skew,
            } => location + scale * random::skew_normal(rng, skew),
            Self::Lognormal { mu, sigma } => {
                f64::from(min) + libm::exp(mu + sigma * random::standard_normal(rng))
            }
            Self::Poisson(mean) => random::poisson(rng, mean),
        }
    }
}

impl Lengths {
    /// No tokens at all, as embeddings have them.
    #[must_use]
    pub fn none() -> Self {
        Self {
            shape: Shape::None,
            min: 0,
            max: 0,
            truncate: Truncate::Clamp,
        }
    }

    /// Always `length`.
    #[must_use]
    pub fn fixed(length: TokenCount) -> Self {
        Self {
            shape: Shape::Fixed(length),
            min: length,
            max: length,
            truncate: Truncate::Clamp,
        }
    }

    /// These lengths, by index; after the last follows the first.
    #[must_use]
    pub fn listed(lengths: Arc<[TokenCount]>) -> Self {
        Self {
            min: lengths.iter().min().copied().unwrap_or(1),
            max: lengths.iter().max().copied().unwrap_or(1),
            shape: Shape::Listed(lengths),
            truncate: Truncate::Clamp,
        }
    }

    /// The distribution of a config. The mean and the deviation of `skew_normal` are its location and scale, as
    /// inference-perf takes them, and not its moments.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean is checked to be in min..max"
    )]
    pub fn from_config(distribution: &Distribution) -> Self {
        let (min, max) = (distribution.min, distribution.max);
        let (mean, deviation) = (distribution.mean, distribution.standard_deviation());
        let shape = match distribution.kind.unwrap_or_default() {
            DistributionType::Normal => Shape::Normal { mean, deviation },
            DistributionType::SkewNormal => Shape::SkewNormal {
                location: mean,
                scale: deviation,
                skew: distribution.skew.unwrap_or(0.0),
            },
            DistributionType::Fixed => Shape::Fixed(mean as TokenCount),
            DistributionType::Uniform => Shape::Uniform,
            DistributionType::Lognormal => {
                let above = mean - f64::from(min);
                if above <= 0.0 {
                    Shape::Fixed(min)
                } else {
                    let variance = libm::log(1.0 + (deviation / above) * (deviation / above));
                    Shape::Lognormal {
                        mu: libm::log(above) - variance / 2.0,
                        sigma: libm::sqrt(variance),
                    }
                }
            }
            DistributionType::Poisson => Shape::Poisson(mean),
        };
        Self {
            shape,
            min,
            max,
            truncate: distribution.truncate.unwrap_or_default(),
        }
    }

    /// The length of request `index` of `stage`, in tokens, at least 1. Values outside `[min, max]` are clamped, or drawn
    /// again from the same stream where the config wants that; a fixed length is taken as it is.
    #[must_use]
    pub fn draw(&self, seed: u64, stage: u32, purpose: Purpose, index: u64) -> TokenCount {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        match self.shape {
            Shape::None => return 0,
            Shape::Fixed(length) => return length.max(1),
            _ => {}
        }
        let mut rng = random::stream(seed, stage, purpose, index);
        let mut next = || {
            let drawn = self.shape.draw(&mut rng, self.min, self.max, index);
            drawn.round_ties_even()
        };
        let mut length = next();
        if self.truncate == Truncate::Resample {
            let mut left = DRAWS;
            while !(min..=max).contains(&length) && left > 0 {
                length = next();
                left -= 1;
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to u32's range"
        )]
        let length = length.clamp(min, max) as TokenCount;
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
mod tests;
