//! The shift of a figure from one run to another, with its uncertainty.
//!
//! Each figure comes with a 95 % interval that makes no assumption about the shape of its distribution. MOVER (Zou and
//! Donner, *Construction of confidence limits about effect measures*, Statistics in Medicine 27, 2008) makes of two such intervals one for
//! the difference: the distance of each figure to its own limit is taken for what it is uncertain by on that side, and the two are added
//! in quadrature. On logarithms the same gives the ratio. A limit that is not known leaves the limits open that it is needed for.

/// A figure of one run: its value and its 95 % interval. `+inf` is a latency that was never reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The lower limit, where the samples support one.
    pub lower: Option<f64>,
    /// The upper limit.
    pub upper: Option<f64>,
}

/// How much a figure has shifted: a difference, or a ratio less 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// As it was seen; none where one of the figures is `+inf`, or where a ratio has nothing to refer to.
    pub value: Option<f64>,
    /// Lower limit of its 95 % interval.
    pub lower: Option<f64>,
    /// Upper limit of its 95 % interval.
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

/// How many standard errors a shift has to have to be seen four times in five: the limit, and the 80th percentile.
const SEEN: f64 = LIMIT + 0.841_621_233_572_914_3;

/// The p-value of two 95 % intervals that do not touch: of equal width, their values are more than `2 x 1.96 / √2` standard errors
/// apart.
const APART: f64 = 0.005_6;

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
        let ratio = |log: Option<f64>| log.map(f64::exp_m1).filter(|x| x.is_finite());
        Self {
            base,
            other,
            absolute,
            relative: Change {
                value: ratio(logs.value),
                lower: ratio(logs.lower),
                upper: ratio(logs.upper),
            },
            p_value: p_value(base, other, 0.0),
        }
    }

    /// The p-value of the one-sided question whether the other is no more than `1 + margin` times the base.
    pub(super) fn p_above(&self, margin: f64) -> Option<f64> {
        let (base, other) = (log(self.base), log(self.other));
        let p = p_value(base, other, margin.ln_1p())?;
        let is_above = other.value - base.value > margin.ln_1p();
        Some(if is_above { p / 2.0 } else { 1.0 - p / 2.0 })
    }

    /// The relative shift that would have been seen four times in five; none where a limit is not known.
    #[must_use]
    pub fn detectable(&self) -> Option<f64> {
        let (base, other) = (log(self.base), log(self.other));
        let up = (other.value - other.lower?).hypot(base.upper? - base.value);
        let down = (other.upper? - other.value).hypot(base.value - base.lower?);
        let widest = up.max(down) / LIMIT * SEEN;
        Some(widest.exp_m1()).filter(|x| x.is_finite())
    }
}

/// MOVER for a difference.
fn difference(base: Estimate, other: Estimate) -> Change {
    let value = Some(other.value - base.value).filter(|x| x.is_finite());
    let lower = match (other.lower, base.upper, value) {
        (Some(lower), Some(upper), Some(value)) => {
            Some(value - (other.value - lower).hypot(upper - base.value))
        }
        // The other was never reached: it is at least as far away as its lower limit is.
        (Some(lower), Some(upper), None) if other.value.is_infinite() => Some(lower - upper),
        _ => None,
    };
    let upper = match (other.upper, base.lower, value) {
        (Some(upper), Some(lower), Some(value)) => {
            Some(value + (upper - other.value).hypot(base.value - lower))
        }
        (Some(upper), Some(lower), None) if base.value.is_infinite() => Some(upper - lower),
        _ => None,
    };
    Change {
        value,
        lower: lower.filter(|x| x.is_finite()),
        upper: upper.filter(|x| x.is_finite()),
    }
}

fn log(estimate: Estimate) -> Estimate {
    let log = |x: f64| if x > 0.0 { x.ln() } else { f64::NEG_INFINITY };
    Estimate {
        value: log(estimate.value),
        lower: estimate.lower.map(log).filter(|x| x.is_finite()),
        upper: estimate.upper.map(log).filter(|x| x.is_finite()),
    }
}

/// Two-sided, that the other is `apart` more than the base: the side of the interval towards it is taken for 1.96 standard
/// errors.
fn p_value(base: Estimate, other: Estimate, apart: f64) -> Option<f64> {
    let distance = other.value - base.value - apart;
    if distance.is_nan() {
        return None;
    }
    if distance.is_infinite() {
        // One of them was never reached: the intervals have to be apart.
        let gap = if distance > 0.0 {
            other.lower? - base.upper? - apart
        } else {
            base.lower? - other.upper? + apart
        };
        return Some(if gap > 0.0 { APART } else { 1.0 });
    }
    let reach = if distance > 0.0 {
        (other.value - other.lower?).hypot(base.upper? - base.value)
    } else {
        (other.upper? - other.value).hypot(base.value - base.lower?)
    };
    if distance == 0.0 {
        return Some(1.0);
    }
    let errors = distance.abs() / reach * LIMIT;
    // 2 (1 - Φ(errors)); no reach at all is certainty.
    Some(libm::erfc(errors / std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn estimate(value: f64, lower: f64, upper: f64) -> Estimate {
        Estimate {
            value,
            lower: Some(lower).filter(|x| x.is_finite()),
            upper: Some(upper).filter(|x| x.is_finite()),
        }
    }

    #[test]
    fn equal_errors_add_in_quadrature() {
        let shift = Shift::of(estimate(10.0, 7.0, 13.0), estimate(20.0, 16.0, 24.0));
        assert_eq!(shift.absolute.value, Some(10.0));
        assert_eq!(
            (shift.absolute.lower, shift.absolute.upper),
            (Some(5.0), Some(15.0))
        );
        assert!((shift.relative.value.unwrap() - 1.0).abs() < 1e-12);
        assert!(shift.p_value.unwrap() < 0.001);
    }

    #[test]
    fn a_limit_that_is_not_known_leaves_the_shift_open_on_its_side() {
        let open = f64::INFINITY;
        let shift = Shift::of(estimate(10.0, 9.0, 11.0), estimate(20.0, 18.0, open));
        assert!(shift.absolute.lower.unwrap() > 0.0 && shift.absolute.upper.is_none());
        // What is needed to see that it has grown is known.
        assert!(shift.p_value.unwrap() < 0.001);
        assert_eq!(shift.detectable(), None);
        let back = Shift::of(shift.other, shift.base);
        assert!(back.absolute.upper.unwrap() < 0.0 && back.absolute.lower.is_none());
        let unknown = Shift::of(estimate(10.0, 9.0, open), estimate(20.0, 18.0, 22.0));
        assert_eq!((unknown.absolute.lower, unknown.p_value), (None, None));
    }

    #[test]
    fn what_was_never_reached_is_worse_where_the_intervals_are_apart() {
        let never = Estimate {
            value: f64::INFINITY,
            lower: Some(30.0),
            upper: None,
        };
        let shift = Shift::of(estimate(10.0, 9.0, 11.0), never);
        assert_eq!(
            (shift.absolute.value, shift.absolute.lower),
            (None, Some(19.0))
        );
        assert_eq!(shift.p_value, Some(APART));
        assert_eq!(shift.p_above(0.1), Some(APART / 2.0));
        let back = Shift::of(never, estimate(10.0, 9.0, 11.0));
        assert_eq!(
            (back.absolute.upper, back.p_value),
            (Some(-19.0), Some(APART))
        );
        assert_eq!(Shift::of(never, never).p_value, None);
    }

    proptest! {
        #[test]
        fn a_shift_and_its_way_back_say_the_same(
            a in 0.01..10.0_f64, b in 0.01..10.0_f64,
            sides in prop::array::uniform4(0.001..0.9_f64),
        ) {
            let one = estimate(a, a * (1.0 - sides[0]), a * (1.0 + sides[1]));
            let two = estimate(b, b * (1.0 - sides[2]), b * (1.0 + sides[3]));
            let (there, back) = (Shift::of(one, two), Shift::of(two, one));
            let close = |x: f64, y: f64| (x - y).abs() <= 1e-9 * (1.0 + x.abs());
            prop_assert!(close(there.absolute.lower.unwrap(), -back.absolute.upper.unwrap()));
            prop_assert!(close(1.0 + there.relative.lower.unwrap(), 1.0 / (1.0 + back.relative.upper.unwrap())));
            prop_assert!(close(there.p_value.unwrap(), back.p_value.unwrap()));
            // The interval of the ratio leaves 1 out exactly where the p-value is below 5 %.
            let is_apart = there.relative.lower.unwrap() > 0.0 || there.relative.upper.unwrap() < 0.0;
            let p = there.p_value.unwrap();
            prop_assert!(is_apart == (p < 0.05) || (p - 0.05).abs() < 1e-9);
            prop_assert!(there.detectable().unwrap() > 0.0);
            // One-sided questions are answered by the same.
            prop_assert!(close(there.p_above(0.0).unwrap() + back.p_above(0.0).unwrap(), 1.0) || a == b);
        }
    }
}
