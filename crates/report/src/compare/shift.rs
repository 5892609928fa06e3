//! The shift of a figure from one run to another, with its uncertainty.
//!
//! Each figure comes with a 95 % interval that makes no assumption about the shape of its distribution. MOVER (Zou and
//! Donner, *Construction of confidence limits about effect measures*, Statistics in Medicine 27, 2008) makes of two such intervals one for
//! the difference: the distance of each figure to its own limit is taken for what it is uncertain by on that side, and the two are added
//! in quadrature. On logarithms the same gives the ratio. A limit that is not known leaves the limits open that it is needed for.
//!
//! A percentile that lies among requests that never got there is `+inf`, and so may its limits be; that is known, and no distance.
//! What is asked of it is whether the one run gets there and the other does not ([`Never`]).

use crate::binomial::{at_least, fewer_than};

/// A figure of one run: its value and its 95 % interval. `+inf` is a latency that was never reached.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The lower limit, where the samples support one; `+inf` where it is among requests that never got there.
    pub lower: Option<f64>,
    /// The upper limit, likewise.
    pub upper: Option<f64>,
    /// Of a percentile, what is known of whether it is reached at all.
    pub never: Option<Never>,
}

/// Whether a percentile is reached at all: how well what was seen goes with either.
///
/// Percentile `p` is `+inf` exactly where more than `1 - p` of all requests never get there. Of `n_eff` that were seen, `k`
/// did not (`k = n_eff x censored / count`), which is binomial; so both are exact tails, whatever latencies are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Never {
    /// The time limit of a request, in seconds, where one is known: `+inf` is above it.
    pub censored_above: Option<f64>,
    /// `P(K >= k)` for `K ~ Bin(n_eff, 1 - p)`: at most this is the chance of as many, if the percentile is reached.
    pub if_reached: f64,
    /// `P(K <= k)`: at most this is the chance of as few, if it never is.
    pub if_never: f64,
}

impl Never {
    /// Of percentile `p` of `count` samples that are worth `n_eff`, `censored` of which never got there.
    pub(crate) fn of(p: f64, n_eff: f64, (censored, count): (u64, u64)) -> Self {
        let share = 1.0 - p / 100.0;
        let k = n_eff * censored as f64 / count.max(1) as f64;
        Self {
            censored_above: None,
            if_reached: at_least(k, n_eff, share),
            if_never: fewer_than(k + 1.0, n_eff, share),
        }
    }
}

impl Estimate {
    /// A number without an interval.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }

    fn is_never(&self) -> bool {
        self.value.is_infinite()
    }

    /// Whether it is not reached in any run that this one may be of.
    fn is_surely_never(&self) -> bool {
        self.lower == Some(f64::INFINITY)
    }
}

/// How much a figure has shifted: a difference, or a ratio less 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// As it was seen; none where one of the figures is `+inf`, or where a ratio has nothing to refer to.
    pub value: Option<f64>,
    /// Lower limit of its 95 % interval; `+inf` where the base gets there and the other never does.
    pub lower: Option<f64>,
    /// Upper limit of its 95 % interval; `-inf` (a ratio less 1: -1) where the base never gets there and the other does.
    pub upper: Option<f64>,
}

/// The shift of a figure from the base to another run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The figure of the base.
    pub base: Estimate,
    /// The figure of the other run.
    pub other: Estimate,
    /// Other less base, in the unit of the figure.
    pub absolute: Change,
    /// Other over base, less 1.
    pub relative: Change,
    /// Two-sided, that there is no shift; none where a limit that it takes is not known.
    pub p_value: Option<f64>,
}

/// How many standard errors a 95 % limit is from its value.
const LIMIT: f64 = 1.959_963_984_540_054;

/// The 80th percentile of a standard normal variate: a shift that is as many standard errors beyond what is sure is seen four
/// times in five.
const FOUR_IN_FIVE: f64 = 0.841_621_233_572_914_3;

/// Two-sided, the most that the p-value of two 95 % intervals may be that do not touch, whatever their widths: with limits that are
/// normal about their figures, `P(L > U) = P(Z > 1.96 (a + b) / sqrt(a² + b²))` for standard errors a and b, which is
/// greatest where one of them is 0.
const APART: f64 = 0.05;

impl Shift {
    /// From `base` to `other`, of a figure whose ratio is what counts.
    #[must_use]
    pub fn of(base: Estimate, other: Estimate) -> Self {
        Self {
            p_value: p_value(log(base), log(other), 0.0),
            ..Self::of_share(base, other)
        }
    }

    /// The same of a share, whose difference is what counts: it may be 0.
    #[must_use]
    pub fn of_share(base: Estimate, other: Estimate) -> Self {
        let absolute = difference(base, other);
        let logs = difference(log(base), log(other));
        Self {
            base,
            other,
            absolute,
            relative: Change {
                value: logs.value.map(f64::exp_m1).filter(|x| x.is_finite()),
                lower: logs.lower.map(f64::exp_m1),
                upper: logs.upper.map(f64::exp_m1),
            },
            p_value: p_value(base, other, 0.0),
        }
    }

    /// The p-value of the one-sided question whether the other is no more than `1 + margin` times the base.
    pub(super) fn p_above(&self, margin: f64) -> Option<f64> {
        one_sided(log(self.base), log(self.other), margin.ln_1p())
    }

    /// The p-value of the one-sided question whether a share of the other is no more than `margin` above the base's.
    pub(super) fn p_more(&self, margin: f64) -> Option<f64> {
        one_sided(self.base, self.other, margin)
    }

    /// The p-value of the one-sided question whether a share of the other is no more than `margin` below the base's.
    pub(super) fn p_less(&self, margin: f64) -> Option<f64> {
        one_sided(self.other, self.base, margin)
    }

    /// The relative shift that would have been sure four times in five, alone among `tested` figures that have not shifted; none where
    /// a limit is not known or `+inf`.
    ///
    /// A shift is sure where its p-value is below `0.05 / tested` (Holm's first step, the hardest), so where it is seen
    /// `z(0.025 / tested)` standard errors from 0; what is `z(0.2)` beyond that is seen so four times in five. The standard error is
    /// MOVER's: the reach towards the wider side, over 1.96.
    #[must_use]
    pub fn detectable(&self, tested: usize) -> Option<f64> {
        let (base, other) = (log(self.base), log(self.other));
        let up = (other.value - other.lower?).hypot(base.upper? - base.value);
        let down = (other.upper? - other.value).hypot(base.value - base.lower?);
        let errors = quantile(0.025 / tested.max(1) as f64) + FOUR_IN_FIVE;
        let widest = up.max(down) / LIMIT * errors;
        Some(widest.exp_m1()).filter(|x| x.is_finite())
    }
}

/// MOVER for a difference.
fn difference(base: Estimate, other: Estimate) -> Change {
    if base.is_surely_never() && other.is_surely_never() {
        // Neither gets there: they are equal in that.
        let none = Some(0.0);
        return Change {
            value: none,
            lower: none,
            upper: none,
        };
    }
    let value = Some(other.value - base.value).filter(|x| x.is_finite());
    let lower = match (other.lower, base.upper, value) {
        (Some(lower), Some(upper), Some(value)) => {
            Some(value - (other.value - lower).hypot(upper - base.value))
        }
        // The other was never reached: it is at least as far away as its lower limit is.
        (Some(lower), Some(upper), None) if other.is_never() => Some(lower - upper),
        _ => None,
    };
    let upper = match (other.upper, base.lower, value) {
        (Some(upper), Some(lower), Some(value)) => {
            Some(value + (upper - other.value).hypot(base.value - lower))
        }
        (Some(upper), Some(lower), None) if base.is_never() => Some(upper - lower),
        _ => None,
    };
    Change {
        value,
        // `-inf` bounds nothing from below, and `+inf` nothing from above.
        lower: lower.filter(|x| *x > f64::NEG_INFINITY),
        upper: upper.filter(|x| *x < f64::INFINITY),
    }
}

fn log(estimate: Estimate) -> Estimate {
    let log = |x: f64| if x > 0.0 { x.ln() } else { f64::NEG_INFINITY };
    let limit = |x: Option<f64>| x.map(log).filter(|x| *x > f64::NEG_INFINITY);
    Estimate {
        value: log(estimate.value),
        lower: limit(estimate.lower),
        upper: limit(estimate.upper),
        never: estimate.never,
    }
}

/// Two-sided, that the other is `apart` more than the base: the side of the interval towards it is taken for 1.96 standard
/// errors.
fn p_value(base: Estimate, other: Estimate, apart: f64) -> Option<f64> {
    match (base.is_never(), other.is_never()) {
        (false, false) => {}
        (false, true) => return p_never(base, other, apart),
        (true, false) => return p_never(other, base, -apart),
        (true, true) => {
            return (base.is_surely_never() && other.is_surely_never()).then_some(1.0);
        }
    }
    let distance = other.value - base.value - apart;
    if distance.is_nan() {
        return None;
    }
    if distance == 0.0 {
        return Some(1.0);
    }
    let reach = if distance > 0.0 {
        (other.value - other.lower?).hypot(base.upper? - base.value)
    } else {
        (other.upper? - other.value).hypot(base.value - base.lower?)
    };
    let errors = distance.abs() / reach * LIMIT;
    // 2 (1 - Φ(errors)); no reach at all is certainty.
    Some(libm::erfc(errors / std::f64::consts::SQRT_2))
}

/// Two-sided, that a percentile that was reached in one run is, `apart` added, no less than one that was not in another.
///
/// Where that holds, either the percentile of the first is never reached (its requests speak against it: `if_never`), or that of the
/// second is (`if_reached`). Both have to be rejected, so the greater p-value is that of the whole (intersection-union
/// test: Berger, *Multiparameter hypothesis testing and acceptance sampling*, Technometrics 24, 1982), and twice that is
/// two-sided. It is below 0.05 only where the lower limit of the second is `+inf` and the upper one of the first is not. Where both are finite and
/// apart, no more is known than [`APART`].
fn p_never(reached: Estimate, never: Estimate, apart: f64) -> Option<f64> {
    let (lower, upper) = (never.lower?, reached.upper?);
    let is_apart = upper.is_finite() && lower - upper > apart;
    match (is_apart, reached.never.zip(never.never)) {
        (false, _) => Some(1.0),
        (true, Some((one, two))) if never.is_surely_never() => {
            Some((2.0 * one.if_never.max(two.if_reached)).min(APART))
        }
        (true, _) => Some(APART),
    }
}

/// One-sided, that the other is no more than `apart` above the base.
fn one_sided(base: Estimate, other: Estimate, apart: f64) -> Option<f64> {
    let p = p_value(base, other, apart)?;
    let is_above = other.value - base.value > apart;
    Some(if is_above { p / 2.0 } else { 1.0 - p / 2.0 })
}

/// The value that a standard normal variate exceeds with probability `tail`, by bisection.
fn quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 40.0_f64);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if libm::erfc(middle / std::f64::consts::SQRT_2) / 2.0 > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests;
