//! A distribution of lengths as loadgen draws it, and how far it is from data.

use bench_contract::config::{Distribution, DistributionType};

use crate::plan::LogNormal;

/// The shapes that are fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Gaussian.
    Normal,
    /// Log-normal above the least length.
    Lognormal,
    /// Uniform.
    Uniform,
    /// Always the same.
    Fixed,
}

impl From<Kind> for DistributionType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Normal => Self::Normal,
            Kind::Lognormal => Self::Lognormal,
            Kind::Uniform => Self::Uniform,
            Kind::Fixed => Self::Fixed,
        }
    }
}

/// A distribution with all its parameters, in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Model {
    pub(super) kind: Kind,
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Model {
    /// As the config has it.
    pub(super) fn distribution(self) -> Distribution {
        Distribution {
            kind: Some(self.kind.into()),
            mean: self.mean,
            std_dev: Some(self.deviation),
            min: self.min,
            max: self.max,
            ..Distribution::default()
        }
    }

    /// Whether values may say so: the mean lies within the limits. A deviation beyond them would only be a way to say
    /// that most lengths are one of the two.
    pub(super) fn is_allowed(self) -> bool {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        let is_shaped = match self.kind {
            Kind::Normal => self.deviation <= (max - min) / 2.0,
            Kind::Lognormal => self.mean > min,
            Kind::Uniform | Kind::Fixed => true,
        };
        is_shaped && (min..=max).contains(&self.mean)
    }

    /// `P(length <= x)` as loadgen draws: rounded to whole tokens, and clamped.
    fn cdf(self, x: u32) -> f64 {
        if x < self.min {
            return 0.0;
        }
        if x >= self.max {
            return 1.0;
        }
        let (min, edge) = (f64::from(self.min), f64::from(x) + 0.5);
        let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        match self.kind {
            // Each whole length is as likely as every other.
            Kind::Uniform => (edge + 0.5 - min) / (f64::from(self.max) + 1.0 - min),
            Kind::Fixed => f64::from(edge >= self.mean),
            Kind::Normal => normal((edge - self.mean) / self.deviation),
            Kind::Lognormal => LogNormal::above(min, self.mean, self.deviation)
                .map_or(1.0, |log| normal(((edge - min).ln() - log.mu) / log.sigma)),
        }
    }

    /// The least length whose probability reaches the quantile.
    pub(super) fn quantile(self, quantile: f64) -> u32 {
        let (mut low, mut high) = (self.min, self.max);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.cdf(middle) >= quantile {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// The distribution function of data: what share of it is below each length, and up to it.
pub(super) struct Steps(Vec<(u32, f64, f64)>);

impl Steps {
    /// Of sorted lengths.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn of(sorted: &[u32]) -> Self {
        let count = sorted.len() as f64;
        let mut below = 0;
        let steps = sorted.chunk_by(|a, b| a == b).filter_map(|equal| {
            let before = below;
            below += equal.len();
            Some((*equal.first()?, before as f64 / count, below as f64 / count))
        });
        Self(steps.collect())
    }

    /// About `most` of them, evenly chosen: enough to compare models by.
    pub(super) fn thinned(&self, most: usize) -> Self {
        let every = self.0.len().div_ceil(most).max(1);
        Self(self.0.iter().copied().step_by(every).collect())
    }

    /// The greatest difference of the two distribution functions (Kolmogorov and Smirnov), in `[0, 1]`.
    pub(super) fn distance(&self, model: Model) -> f64 {
        self.0.iter().fold(0.0, |most, &(length, below, upto)| {
            let before = (below - model.cdf(length.saturating_sub(1))).abs();
            f64::max(most, before.max((upto - model.cdf(length)).abs()))
        })
    }
}
