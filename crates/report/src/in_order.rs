//! Values in order of schedule, of one run or of several that were put one behind the other.

use std::ops::Deref;

/// Values in order of schedule, and where one run ends and the next begins: what stands on both sides of such a joint
/// did not follow each other in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    values: Vec<f64>,
    joints: Vec<usize>,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InOrder<'a> {
    values: &'a [f64],
    /// Places of the first values of all runs but the first, ascending.
    joints: &'a [usize],
}

impl Series {
    #[cfg(test)]
    pub(crate) fn new(values: Vec<f64>, joints: Vec<usize>) -> Self {
        Self { values, joints }
    }

    /// Values with the instants at which they were due, ascending; a new run begins at each of `joints_ns`.
    pub(crate) fn timed(values: impl Iterator<Item = (u64, f64)>, joints_ns: &[u64]) -> Self {
        let mut series = Self::default();
        let mut coming = joints_ns;
        for (at, value) in values {
            let passed = coming.iter().take_while(|joint| **joint <= at).count();
            if passed > 0 && !series.values.is_empty() {
                series.joints.push(series.values.len());
            }
            coming = &coming[passed..];
            series.values.push(value);
        }
        series
    }

    /// The same of several stages, one behind the other: what ends one and what begins the next did not follow each other.
    pub(crate) fn behind_each_other(parts: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for part in parts.filter(|part| !part.is_empty()) {
            let start = all.values.len();
            all.joints.extend((start > 0).then_some(start));
            all.joints
                .extend(part.joints.iter().map(|joint| joint + start));
            all.values.extend(part.values);
        }
        all
    }
}

impl<'a> InOrder<'a> {
    /// The runs, each by itself.
    pub(crate) fn runs(self) -> impl Iterator<Item = &'a [f64]> {
        let starts = std::iter::once(0).chain(self.joints.iter().copied());
        let ends = self.joints.iter().copied().chain([self.values.len()]);
        starts
            .zip(ends)
            .map(move |(start, end)| &self.values[start..end])
    }
}

impl Deref for Series {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.values
    }
}

impl Deref for InOrder<'_> {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        self.values
    }
}

impl<'a> From<&'a Series> for InOrder<'a> {
    fn from(series: &'a Series) -> Self {
        Self {
            values: &series.values,
            joints: &series.joints,
        }
    }
}

impl<'a> From<&'a [f64]> for InOrder<'a> {
    fn from(values: &'a [f64]) -> Self {
        Self {
            values,
            joints: &[],
        }
    }
}

impl<'a> From<&'a Vec<f64>> for InOrder<'a> {
    fn from(values: &'a Vec<f64>) -> Self {
        values.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [f64; N]> for InOrder<'a> {
    fn from(values: &'a [f64; N]) -> Self {
        values.as_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joints_lie_before_the_first_value_of_a_run() {
        let at = |instants: &[u64]| -> Vec<Vec<f64>> {
            let values = instants.iter().map(|&at| (at, at as f64));
            let series = Series::timed(values, &[10, 20, 30]);
            InOrder::from(&series).runs().map(<[f64]>::to_vec).collect()
        };
        assert_eq!(
            at(&[1, 9, 10, 29, 35]),
            [vec![1.0, 9.0], vec![10.0], vec![29.0], vec![35.0]]
        );
        // A run without a value leaves no joint.
        assert_eq!(at(&[25, 26]), [vec![25.0, 26.0]]);
        assert_eq!(at(&[]), [Vec::<f64>::new()]);
    }

    #[test]
    fn stages_stand_behind_each_other_with_joints_between() {
        let parts = [
            Series::new(vec![1.0, 2.0], vec![1]),
            Series::default(),
            Series::new(vec![3.0], Vec::new()),
        ];
        let all = Series::behind_each_other(parts.into_iter());
        let runs: Vec<&[f64]> = InOrder::from(&all).runs().collect();
        assert_eq!(runs, [&[1.0][..], &[2.0], &[3.0]]);
    }
}
