//! Lengths: which distribution that the values know comes nearest to the data.

use bench_contract::config::Distribution;

use super::model::{Kind, Model, Steps};
use crate::plan::{LogNormal, mean_length};

/// The quantiles that are shown.
pub(super) const QUANTILES: [f64; 4] = [0.1, 0.5, 0.9, 0.99];

/// A distribution beside the data that it was fitted to.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLengths {
    /// Its shape.
    pub kind: Kind,
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
    /// The nearest of log-normal, normal and uniform. Every shape is searched for the parameters that bring it nearest,
    /// from the middle of the data, so that single lengths far outside of it decide nothing but the limits. The mean,
    /// which decides how many tokens are sent, is kept where that is near the data too.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn of(lengths: impl Iterator<Item = u32>) -> Self {
        /// More make no better fit, and cost time.
        const COMPARED: usize = 500;
        let mut sorted: Vec<u32> = lengths.map(|length| length.max(1)).collect();
        sorted.sort_unstable();
        let count = sorted.len().max(1) as f64;
        let mean = sorted.iter().map(|&n| f64::from(n)).sum::<f64>() / count;
        let steps = Steps::of(&sorted);
        let few = steps.thinned(COMPARED);
        let (min, max) = (of_data(&sorted, 0.0), of_data(&sorted, 1.0));
        let fixed = Model {
            kind: Kind::Fixed,
            mean: tenths(mean),
            deviation: 0.0,
            min,
            max,
        };
        let candidates = if min == max {
            Vec::new()
        } else {
            searched(&sorted, &few, mean)
        };
        let model = candidates
            .into_iter()
            .filter(|model| model.is_allowed())
            .map(|model| (cost(&steps, mean, model), model))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .map_or(fixed, |(_, model)| model);
        Self {
            data: QUANTILES.map(|q| of_data(&sorted, q)),
            model: QUANTILES.map(|q| model.quantile(q)),
            mean,
            kind: model.kind,
            distribution: model.distribution(),
            distance: steps.distance(model),
        }
    }

    /// Mean of the distribution, its limits taken into account.
    pub(super) fn model_mean(&self) -> f64 {
        mean_length(&self.distribution)
    }
}

/// How far a model is from data with this mean. A mean that is out of reach, because of outliers, pulls at nothing.
fn cost(steps: &Steps, mean: f64, model: Model) -> f64 {
    const WEIGHT: f64 = 0.5;
    const REACH: f64 = 0.1;
    if !model.is_allowed() {
        return f64::INFINITY;
    }
    let off = (mean_length(&model.distribution()) / mean - 1.0).abs();
    steps.distance(model) + WEIGHT * off.min(REACH)
}

/// The nearest model of each shape, from each place where a search may begin.
fn searched(sorted: &[u32], steps: &Steps, mean: f64) -> Vec<Model> {
    let at = |quantile: f64| f64::from(of_data(sorted, quantile));
    let (min, max) = (of_data(sorted, 0.0), of_data(sorted, 1.0));
    // Within one standard deviation of a normal distribution lie these.
    let (low, median, high) = (at(0.159), at(0.5), at(0.841));
    let spread = ((high - low) / 2.0).max(0.1);

    let normal = |[mean, deviation, _]: [f64; 3]| Model {
        kind: Kind::Normal,
        mean: tenths(mean),
        deviation: tenths(deviation).max(0.1),
        min,
        max,
    };
    let lognormal = |[mu, sigma, least]: [f64; 3]| {
        let min = whole(least);
        let log = LogNormal {
            mu,
            sigma: sigma.max(1e-3),
        };
        let (mean, deviation) = log.moments(f64::from(min));
        Model {
            kind: Kind::Lognormal,
            mean: tenths(mean),
            deviation: tenths(deviation).max(0.1),
            min,
            max: max.max(min),
        }
    };
    let uniform = |[from, to, _]: [f64; 3]| {
        let (min, max) = (whole(from), whole(to.max(from)));
        let (from, to) = (f64::from(min), f64::from(max));
        Model {
            kind: Kind::Uniform,
            mean: tenths(f64::midpoint(from, to)),
            deviation: tenths((to - from) / 12.0_f64.sqrt()),
            min,
            max,
        }
    };
    // Logarithms of what is above the least length that is drawn.
    let logarithms = |least: f64| {
        let log = |x: f64| (x - least).max(0.5).ln();
        let sigma = ((log(high) - log(low)) / 2.0).max(0.01);
        (
            [log(median), sigma, least],
            [sigma, sigma / 4.0, median / 8.0],
        )
    };
    let nearest = |model: &dyn Fn([f64; 3]) -> Model, (start, steps_of): ([f64; 3], [f64; 3])| {
        model(search(start, steps_of, |parameters| {
            cost(steps, mean, model(parameters))
        }))
    };
    let (tenth, ninth) = (at(0.1), at(0.9));
    let wing = (ninth - tenth) / 8.0;
    vec![
        nearest(&lognormal, logarithms(1.0)),
        nearest(&lognormal, logarithms(f64::from(min) - 1.0)),
        nearest(&lognormal, logarithms(at(0.01) - 1.0)),
        nearest(
            &normal,
            ([median, spread, 0.0], [spread / 2.0, spread / 4.0, 0.0]),
        ),
        nearest(
            &uniform,
            ([f64::from(min), f64::from(max), 0.0], [wing, wing, 0.0]),
        ),
        nearest(
            &uniform,
            ([tenth - wing, ninth + wing, 0.0], [wing, wing, 0.0]),
        ),
    ]
}

/// The parameters near `start` at which `cost` is least: steps along each, halved when none helps.
fn search(start: [f64; 3], mut steps: [f64; 3], cost: impl Fn([f64; 3]) -> f64) -> [f64; 3] {
    const HALVINGS: u32 = 9;
    const MOST_ROUNDS: u32 = 100;
    let (mut best, mut least) = (start, cost(start));
    let mut halvings = 0;
    for _ in 0..MOST_ROUNDS {
        let before = least;
        for parameter in 0..3 {
            for step in [steps[parameter], -steps[parameter]] {
                let mut moved = best;
                moved[parameter] += step;
                let found = cost(moved);
                if step != 0.0 && found < least {
                    (best, least) = (moved, found);
                }
            }
        }
        if least >= before {
            halvings += 1;
            steps = steps.map(|step| step / 2.0);
        }
        if halvings > HALVINGS {
            break;
        }
    }
    best
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A whole length, at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least 1; `as` saturates"
)]
fn whole(length: f64) -> u32 {
    length.round().max(1.0) as u32
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
        .unwrap_or(1)
}
