//! Percentiles of samples, some of which may be `+inf`.

/// Samples in ascending order, `+inf` last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sorted {
    values: Vec<f64>,
    finite: usize,
}

impl Sorted {
    /// Sorts `values`, none of which is NaN.
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let finite = values.partition_point(|value| value.is_finite());
        Self { values, finite }
    }

    /// All samples, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Those that are not `+inf`, ascending.
    pub(crate) fn finite(&self) -> &[f64] {
        &self.values[..self.finite]
    }

    /// How many are `+inf`.
    pub(crate) fn censored(&self) -> usize {
        self.values.len() - self.finite
    }

    /// Percentile `p` in `[0, 100]`, by linear interpolation between order statistics at rank `(n - 1) p / 100`
    /// (Hyndman and Fan's type 7, NumPy's default); `None` without samples. Towards `+inf` gives `+inf`.
    pub(crate) fn percentile(&self, p: f64) -> Option<f64> {
        let last = self.values.len().checked_sub(1)?;
        Some(self.at(last as f64 * p / 100.0))
    }

    /// The value at the real place `rank`, counted from 0 and clamped to the samples; there has to be at least one.
    pub(crate) fn at(&self, rank: f64) -> f64 {
        interpolate(rank, self.values.len(), |place| self.values[place])
    }
}

/// Linear interpolation at the real place `rank` in `len > 0` ascending values. Towards `+inf` gives `+inf`.
pub(crate) fn interpolate(rank: f64, len: usize, value: impl Fn(usize) -> f64) -> f64 {
    // A rank that is whole but for rounding, such as 9900.000000000002, must not reach for the next value.
    let nearest = rank.round();
    let rank = if (rank - nearest).abs() <= 1e-9 {
        nearest
    } else {
        rank
    };
    let rank = rank.clamp(0.0, (len - 1) as f64);
    let below = rank.floor();
    let part = rank - below;
    let low = value(below as usize);
    if part == 0.0 {
        return low;
    }
    let high = value(below as usize + 1);
    if high.is_finite() {
        low + (high - low) * part
    } else {
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn percentiles(values: &[f64], ps: &[f64]) -> Vec<f64> {
        let sorted = Sorted::new(values.to_vec());
        ps.iter().map(|&p| sorted.percentile(p).unwrap()).collect()
    }

    /// The vector that inference-perf's tests compute with NumPy.
    #[test]
    fn agrees_with_numpy() {
        let ps = [
            0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9,
        ];
        let truth = [
            0.1004, 0.104, 0.12, 0.14, 0.2, 0.4, 0.8, 1.28, 1.44, 1.568, 1.5968,
        ];
        for (value, truth) in percentiles(&[0.8, 0.1, 1.6, 0.4, 0.2], &ps)
            .into_iter()
            .zip(truth)
        {
            assert!((value - truth).abs() < 1e-12, "{value}, not {truth}");
        }
    }

    #[test]
    fn towards_infinity_is_infinity() {
        let inf = f64::INFINITY;
        assert_eq!(
            percentiles(&[1.0, 2.0, inf], &[0.0, 25.0, 50.0, 51.0, 100.0]),
            [1.0, 1.5, 2.0, inf, inf]
        );
        assert_eq!(percentiles(&[inf], &[0.0, 50.0]), [inf, inf]);
        assert_eq!(Sorted::new(Vec::new()).percentile(50.0), None);
    }

    proptest! {
        #[test]
        fn agrees_with_counting(mut values in prop::collection::vec(0.0..1e3_f64, 1..60), p in 0.0..=100.0_f64) {
            let value = percentiles(&values, &[p])[0];
            // An oracle that shares no code: walk the polygon through (i, x_(i)).
            values.sort_by(f64::total_cmp);
            let place = (values.len() - 1) as f64 * p / 100.0;
            let mut truth = values[values.len() - 1];
            for (i, pair) in values.windows(2).enumerate() {
                if place <= (i + 1) as f64 {
                    let t = place - i as f64;
                    truth = pair[0] * (1.0 - t) + pair[1] * t;
                    break;
                }
            }
            prop_assert!((value - truth).abs() <= 1e-6 * truth.max(1.0));
        }
    }
}
