//! Durations that are too many to keep, token gaps above all: counted in buckets no wider than 0.1 % of their value.

use std::fmt;

use bench_contract::GapCounts;
use hdrhistogram::Histogram;

use crate::percentile::interpolate;

/// The longest gap that has a bucket of its own: an hour. Longer ones share the last, and keep their exact maximum.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// The least duration, in nanoseconds, whose bucket is wider than one nanosecond: with three digits, the power of two above
/// 2000.
const FIRST: u64 = 2048;

/// A histogram of durations in nanoseconds: bounded in size, adds up without error, percentiles within 0.1 %. Count, mean,
/// standard deviation, least and greatest are exact.
#[derive(Clone)]
pub struct DurationHistogram {
    buckets: Histogram<u64>,
    count: u64,
    sum: u128,
    squares: u128,
    min: u64,
    max: u64,
}

impl fmt::Debug for DurationHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurationHistogram")
            .field("count", &self.count)
            .field("sum", &self.sum)
            .finish_non_exhaustive()
    }
}

impl PartialEq for DurationHistogram {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.sum, self.squares, self.min, self.max)
            == (other.count, other.sum, other.squares, other.min, other.max)
            && self.buckets == other.buckets
    }
}

impl Default for DurationHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl DurationHistogram {
    /// No samples.
    #[must_use]
    pub fn new() -> Self {
        let buckets = match Histogram::new_with_bounds(1, LONGEST_NS, 3) {
            Ok(buckets) => buckets,
            Err(error) => unreachable!("constant bounds are valid: {error}"),
        };
        Self {
            buckets,
            count: 0,
            sum: 0,
            squares: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    /// Counts `times` samples of `ns`.
    pub fn record(&mut self, ns: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.buckets.saturating_record_n(ns, times);
        self.count += times;
        let (value, weight) = (u128::from(ns), u128::from(times));
        self.sum += value * weight;
        self.squares = self
            .squares
            .saturating_add((value * value).saturating_mul(weight));
        self.min = self.min.min(ns);
        self.max = self.max.max(ns);
    }

    /// Adds the samples of `other`, bucket for bucket.
    pub fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if let Err(error) = self.buckets.add(&other.buckets) {
            unreachable!("all histograms have the same bounds: {error}");
        }
        self.count += other.count;
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// What it holds, for a report; none without samples.
    #[must_use]
    pub fn counts(&self) -> Option<GapCounts> {
        let mut before = 0;
        let pairs = self.buckets.iter_recorded().flat_map(|bucket| {
            let place = place(bucket.value_iterated_to());
            let distance = place - before;
            before = place;
            [distance, bucket.count_at_value()]
        });
        let buckets: Vec<u64> = pairs.collect();
        (self.count > 0).then_some(GapCounts {
            buckets,
            min_ns: self.min,
            max_ns: self.max,
            sum_ns: self.sum,
            sum_of_squares: self.squares,
        })
    }

    /// The histogram that gave `counts`; none where they are damaged.
    #[must_use]
    pub fn from_counts(counts: &GapCounts) -> Option<Self> {
        let mut histogram = Self::new();
        let (pairs, rest) = counts.buckets.as_chunks::<2>();
        let mut at = 0_u64;
        for &[distance, count] in pairs {
            at = at.checked_add(distance)?;
            let lowest = lowest(at)?;
            histogram.count = histogram.count.checked_add(count)?;
            histogram.buckets.saturating_record_n(lowest, count);
        }
        (histogram.min, histogram.max) = (counts.min_ns, counts.max_ns);
        (histogram.sum, histogram.squares) = (counts.sum_ns, counts.sum_of_squares);
        (rest.is_empty() && histogram.count > 0 && counts.min_ns <= counts.max_ns)
            .then_some(histogram)
    }

    /// Samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean in seconds.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64 / 1e9)
    }

    /// Standard deviation in seconds, of a sample (n - 1); needs two.
    #[must_use]
    pub fn std_dev(&self) -> Option<f64> {
        let n = self.count as f64;
        let mean = self.sum as f64 / n;
        let variance = (self.squares as f64 / n - mean * mean).max(0.0) * n / (n - 1.0);
        (self.count > 1).then(|| variance.sqrt() / 1e9)
    }

    /// The least, in seconds.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then(|| self.min as f64 / 1e9)
    }

    /// The greatest, in seconds.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then(|| self.max as f64 / 1e9)
    }

    /// Percentiles in seconds, each in `[0, 100]`, by the same interpolation as that of exact samples; every value stands in
    /// the middle of its bucket. Empty without samples.
    #[must_use]
    pub fn percentiles(&self, ps: &[f64]) -> Vec<f64> {
        if self.count == 0 {
            return Vec::new();
        }
        // Buckets with their cumulated counts.
        let mut below = 0;
        let buckets: Vec<(u64, f64)> = self
            .buckets
            .iter_recorded()
            .map(|bucket| {
                below += bucket.count_at_value();
                let value = bucket.value_iterated_to();
                let low = self.buckets.lowest_equivalent(value);
                let middle =
                    low as f64 + (self.buckets.highest_equivalent(value) - low) as f64 / 2.0;
                (below, middle.clamp(self.min as f64, self.max as f64))
            })
            .collect();
        let value = |place: usize| {
            let bucket = buckets.partition_point(|&(below, _)| below <= place as u64);
            buckets
                .get(bucket)
                .map_or(self.max as f64, |&(_, value)| value)
        };
        let last = self.count as usize - 1;
        ps.iter()
            .map(|&p| match p {
                0.0 => self.min as f64,
                100.0 => self.max as f64,
                p => interpolate(last as f64 * p / 100.0, self.count as usize, value),
            })
            .map(|ns| ns / 1e9)
            .collect()
    }
}

/// The bucket of a duration, as [`GapCounts`] numbers them.
fn place(ns: u64) -> u64 {
    if ns < FIRST {
        return ns;
    }
    let e = u64::from(ns.ilog2()) - u64::from(FIRST.ilog2() - 1);
    e * (FIRST / 2) + (ns >> e)
}

/// The least duration of a bucket; none where there is no such bucket.
fn lowest(place: u64) -> Option<u64> {
    if place < FIRST {
        return Some(place);
    }
    let e = place / (FIRST / 2) - 1;
    let steps = place - e * (FIRST / 2);
    steps
        .checked_shl(u32::try_from(e).ok()?)
        .filter(|ns| ns >> e == steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percentile::Sorted;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn is_within_a_thousandth_of_exact(
            values in prop::collection::vec(prop_oneof![0..3000_u64, 0..60_000_000_000_u64, Just(5_000_000)], 1..300),
            ps in prop::collection::vec(0.0..=100.0_f64, 1..6),
        ) {
            let mut histogram = DurationHistogram::new();
            values.iter().for_each(|&ns| histogram.record(ns, 1));
            let exact = Sorted::new(values.iter().map(|&ns| ns as f64 / 1e9).collect());
            for (p, value) in ps.iter().zip(histogram.percentiles(&ps)) {
                let truth = exact.percentile(*p).unwrap();
                prop_assert!((value - truth).abs() <= 1e-3 * truth + 1e-12, "p{p}: {value}, not {truth}");
            }
            let mean = exact.values().iter().sum::<f64>() / values.len() as f64;
            prop_assert!((histogram.mean().unwrap() - mean).abs() <= 1e-9 * mean + 1e-15);
        }

        #[test]
        fn parts_add_up_to_the_whole(
            values in prop::collection::vec((0..10_000_000_000_000_u64, 1..4_u64, 0..3_usize), 0..100),
        ) {
            let mut whole = DurationHistogram::new();
            let mut parts = vec![DurationHistogram::new(); 3];
            for &(ns, times, part) in &values {
                whole.record(ns, times);
                parts[part].record(ns, times);
            }
            let mut sum = DurationHistogram::new();
            parts.iter().for_each(|part| sum.add(part));
            prop_assert_eq!(&sum, &whole);
            // So do what reports hold of them.
            let mut sum = DurationHistogram::new();
            for part in &parts {
                let Some(counts) = part.counts() else { continue };
                let text = serde_json::to_string(&counts).unwrap();
                let back = DurationHistogram::from_counts(&serde_json::from_str(&text).unwrap()).unwrap();
                prop_assert_eq!(&back, part);
                sum.add(&back);
            }
            prop_assert_eq!(sum.percentiles(&[1.0, 50.0, 99.0]), whole.percentiles(&[1.0, 50.0, 99.0]));
            prop_assert_eq!(sum, whole);
        }
    }

    #[test]
    fn damaged_counts_are_none() {
        let mut histogram = DurationHistogram::new();
        histogram.record(5_000, 3);
        let counts = histogram.counts().unwrap();
        for buckets in [
            vec![],
            vec![7],
            vec![u64::MAX, 1],
            vec![900_000, 1],
            vec![1, 0],
        ] {
            let counts = GapCounts {
                buckets: buckets.clone(),
                ..counts.clone()
            };
            assert_eq!(DurationHistogram::from_counts(&counts), None, "{buckets:?}");
        }
    }

    #[test]
    fn one_sample_is_every_percentile() {
        let mut histogram = DurationHistogram::new();
        histogram.record(5_000_001, 1);
        assert_eq!(
            histogram.percentiles(&[0.0, 50.0, 99.9, 100.0]),
            [0.005_000_001; 4]
        );
        assert_eq!(histogram.std_dev(), None);
        assert_eq!(DurationHistogram::new().percentiles(&[50.0]), [0.0; 0]);
    }
}
