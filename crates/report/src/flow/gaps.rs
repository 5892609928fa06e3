//! A histogram that is small enough for one in each bin.

use crate::percentile::interpolate;

/// Gaps below 2^13 ns (8 us) share the first bucket, those from 2^42 ns (73 min) on the last.
const OCTAVES: std::ops::Range<u32> = 13..42;

/// Buckets to a doubling, as a power of two: the middle of one is within 3.2 % of all that it holds.
const FINE: u32 = 4;

const BUCKETS: usize = ((OCTAVES.end - OCTAVES.start) << FINE) as usize;

/// Gaps in buckets that grow with them: small, since there is one for each bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gaps(Option<Box<[u32; BUCKETS]>>);

impl Gaps {
    pub(super) fn record(&mut self, ns: u64, times: u32) {
        if times > 0 {
            let buckets = self.0.get_or_insert_with(|| Box::new([0; BUCKETS]));
            let bucket = &mut buckets[bucket(ns)];
            *bucket = bucket.saturating_add(times);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        let Some(more) = &other.0 else { return };
        match &mut self.0 {
            None => self.0 = Some(more.clone()),
            Some(buckets) => {
                for (bucket, more) in buckets.iter_mut().zip(more.iter()) {
                    *bucket = bucket.saturating_add(*more);
                }
            }
        }
    }

    pub(super) fn percentiles<const N: usize>(&self, ps: [f64; N]) -> Option<[f64; N]> {
        let buckets = self.0.as_deref()?;
        let mut below = 0_u64;
        let cumulated: Vec<(u64, f64)> = buckets
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(place, count)| {
                below += u64::from(*count);
                (below, middle(place))
            })
            .collect();
        let value = |place: usize| {
            let found = cumulated.partition_point(|&(below, _)| below <= place as u64);
            cumulated[found.min(cumulated.len() - 1)].1
        };
        let last = below.checked_sub(1)? as f64;
        Some(ps.map(|p| interpolate(last * p / 100.0, below as usize, value)))
    }
}

fn bucket(ns: u64) -> usize {
    let ns = ns.clamp(1 << OCTAVES.start, (1 << OCTAVES.end) - 1);
    let octave = ns.ilog2();
    let fine = ns >> (octave - FINE) & ((1 << FINE) - 1);
    ((octave - OCTAVES.start) as usize) << FINE | fine as usize
}

/// The middle of a bucket, in seconds.
fn middle(bucket: usize) -> f64 {
    let octave = (bucket >> FINE) as u32 + OCTAVES.start;
    let (steps, width) = (
        (bucket & ((1 << FINE) - 1)) as f64,
        2f64.powi(octave as i32 - FINE as i32),
    );
    (2f64.powi(octave as i32) + (steps + 0.5) * width) / 1e9
}

#[cfg(test)]
impl Gaps {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        let buckets = self.0.as_deref().into_iter().flatten();
        buckets.map(|n| u64::from(*n)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percentile::Sorted;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn gaps_are_within_three_percent(ns in prop::collection::vec(10_000..4_000_000_000_000_u64, 1..200), p in 0.0..=100.0_f64) {
            let mut gaps = Gaps::default();
            ns.iter().for_each(|&ns| gaps.record(ns, 1));
            let exact = Sorted::new(ns.iter().map(|&ns| ns as f64 / 1e9).collect());
            let [value] = gaps.percentiles([p]).unwrap();
            let truth = exact.percentile(p).unwrap();
            prop_assert!((value - truth).abs() <= 0.032 * truth, "p{p}: {value}, not {truth}");
        }
    }
}
