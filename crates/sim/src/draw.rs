//! Randomness: one seeded, named generator per request, and the distributions drawn from it.

use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The draws of one request: a stream of ChaCha8 named by the seed and the request's number, so that what one request draws
/// does not depend on how many draws another one made.
#[derive(Clone, Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The generator of request `index` under `seed`.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self(rng)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        // 1 - u is in (0, 1], so the logarithm is finite.
        -(1.0 - self.unit()).ln()
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (TAU * self.unit()).cos()
    }
}

/// The shape of a random duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Log-normal: always positive, with the mean kept exactly.
    LogNormal,
    /// Normal, cut off at zero (which lifts the mean once the relative deviation passes about 0.4).
    Normal,
    /// Uniform around the mean; at most 0.577 of relative deviation, or it would reach below zero.
    Uniform,
    /// Exponential: a relative deviation of 1, memoryless.
    Exponential,
}

/// How much a duration varies around its mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The distribution's shape.
    pub shape: Shape,
    /// Standard deviation divided by the mean, at least 0; 0 means that the duration does not vary.
    pub relative_sd: f64,
}

impl Spread {
    /// No variation at all.
    pub const NONE: Self = Self {
        shape: Shape::LogNormal,
        relative_sd: 0.0,
    };

    /// Whether every draw is the mean itself.
    pub fn is_none(&self) -> bool {
        self.relative_sd == 0.0
    }

    /// A factor with mean 1 and this spread, at least 0.
    pub(crate) fn factor(&self, draws: &mut Draws) -> f64 {
        if self.is_none() {
            return 1.0;
        }
        let sd = self.relative_sd;
        match self.shape {
            Shape::LogNormal => {
                let variance = (1.0 + sd * sd).ln();
                (variance.sqrt() * draws.normal() - variance / 2.0).exp()
            }
            Shape::Normal => (1.0 + sd * draws.normal()).max(0.0),
            Shape::Uniform => (1.0 + sd * 3f64.sqrt() * (2.0 * draws.unit() - 1.0)).max(0.0),
            Shape::Exponential => draws.exponential(),
        }
    }
}

impl FromStr for Spread {
    type Err = String;

    /// Reads `0.2`, `lognormal:0.2`, `normal:0.2`, `uniform:0.3` or `exponential`.
    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "write a relative standard deviation (0.2), or lognormal:0.2, normal:0.2, uniform:0.3, exponential";
        if text == "exponential" {
            return Ok(Self {
                shape: Shape::Exponential,
                relative_sd: 1.0,
            });
        }
        let (shape, number) = match text.split_once(':') {
            None => (Shape::LogNormal, text),
            Some(("lognormal", number)) => (Shape::LogNormal, number),
            Some(("normal", number)) => (Shape::Normal, number),
            Some(("uniform", number)) => (Shape::Uniform, number),
            Some(_) => return Err(format!("unknown distribution; {usage}")),
        };
        let relative_sd: f64 = number.parse().map_err(|_| usage.to_owned())?;
        if !(0.0..=100.0).contains(&relative_sd) {
            return Err(format!("must be from 0 to 100; {usage}"));
        }
        if shape == Shape::Uniform && relative_sd > 0.577_351 {
            return Err("a uniform distribution that stays above zero has at most 0.577 of relative deviation; use lognormal".to_owned());
        }
        Ok(Self { shape, relative_sd })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::LogNormal => write!(f, "lognormal:{}", self.relative_sd),
            Shape::Normal => write!(f, "normal:{}", self.relative_sd),
            Shape::Uniform => write!(f, "uniform:{}", self.relative_sd),
            Shape::Exponential => f.write_str("exponential"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (text, mean, sd) in [
            ("0.3", 1.0, 0.3),
            ("lognormal:1", 1.0, 1.0),
            ("normal:0.2", 1.0, 0.2),
            ("uniform:0.5", 1.0, 0.5),
            ("exponential", 1.0, 1.0),
        ] {
            let spread: Spread = text.parse().unwrap();
            let mut draws = Draws::new(7, 0);
            let xs: Vec<f64> = (0..200_000).map(|_| spread.factor(&mut draws)).collect();
            let m = xs.iter().sum::<f64>() / xs.len() as f64;
            let v = xs.iter().map(|x| (x - m).powi(2)).sum::<f64>() / xs.len() as f64;
            assert!(xs.iter().all(|x| *x >= 0.0));
            assert!((m - mean).abs() < 0.02, "{text}: mean {m}");
            assert!((v.sqrt() - sd).abs() < 0.05, "{text}: sd {}", v.sqrt());
        }
    }

    #[test]
    fn seeded_by_request() {
        let one: Vec<f64> = (0..4).map(|i| Draws::new(1, i).unit()).collect();
        let two: Vec<f64> = (0..4).map(|i| Draws::new(1, i).unit()).collect();
        assert_eq!(one, two);
        assert_ne!(one[0], one[1]);
        assert_ne!(Draws::new(2, 0).unit(), one[0]);
    }

    #[test]
    fn refusals() {
        for text in ["-1", "gauss:1", "uniform:0.9", "x", "normal:", "nan"] {
            assert!(text.parse::<Spread>().is_err(), "{text}");
        }
        assert_eq!("0".parse::<Spread>().map(|s| s.is_none()), Ok(true));
    }
}
