//! Histograms that one thread writes and any thread may read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sub-buckets per power of two: a value is known to 1/16.
const SUB: u64 = 16;
/// Values below 16 have a bucket each; 60 powers of two follow.
const BUCKETS: usize = (SUB as usize) * 61;

/// Durations in log-linear buckets; relative error at most 1/16.
#[derive(Debug)]
pub(crate) struct LogHistogram {
    counts: Box<[AtomicU64]>,
    max: AtomicU64,
}

impl LogHistogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            max: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, ns: u64) {
        if let Some(count) = self.counts.get(bucket(ns)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.max.fetch_max(ns, Ordering::Relaxed);
    }

    /// Adds the counts to `sum`, and returns the largest value.
    pub(crate) fn add_to(&self, sum: &mut Vec<u64>) -> u64 {
        sum.resize(BUCKETS, 0);
        for (sum, count) in sum.iter_mut().zip(&self.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        self.max.load(Ordering::Relaxed)
    }
}

/// The smallest value, by bucket, that at least the share `p` of all values do not exceed; 0 without values.
pub(crate) fn quantile(counts: &[u64], p: f64) -> u64 {
    let total: u64 = counts.iter().sum();
    let rank = ((p * total as f64).ceil() as u64).max(1);
    let mut seen = 0;
    for (at, count) in counts.iter().enumerate() {
        seen += count;
        if seen >= rank {
            return upper_edge(at);
        }
    }
    0
}

fn bucket(value: u64) -> usize {
    if value < SUB {
        return value as usize;
    }
    let octave = u64::from(value.ilog2()) - 4;
    (SUB * (octave + 1) + ((value >> octave) - SUB)) as usize
}

fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB {
        return bucket;
    }
    let octave = bucket / SUB - 1;
    ((SUB + bucket % SUB + 1) << octave) - 1
}

/// A Prometheus histogram: fixed upper bounds in seconds.
#[derive(Debug)]
pub(crate) struct FixedHistogram {
    bounds: &'static [f64],
    /// One more than bounds: the last counts what is above all of them.
    counts: Box<[AtomicU64]>,
    sum_ns: AtomicU64,
}

impl FixedHistogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, ns: u64) {
        let seconds = ns as f64 / 1e9;
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub(crate) fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// Adds the counts to `sum`, and returns the sum of values in ns.
    pub(crate) fn add_to(&self, sum: &mut Vec<u64>) -> u64 {
        sum.resize(self.counts.len(), 0);
        for (sum, count) in sum.iter_mut().zip(&self.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        self.sum_ns.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_tight() {
        for value in (0..5000).chain((13..63).flat_map(|p| [(1 << p) - 1, 1 << p, (1 << p) + 1])) {
            let edge = upper_edge(bucket(value));
            assert!(edge >= value, "{value} {edge}");
            assert!(edge - value <= value / 16, "{value} {edge}");
        }
    }

    #[test]
    fn quantiles() {
        let h = LogHistogram::new();
        for v in 1..=10 {
            h.record(v);
        }
        let mut sum = Vec::new();
        assert_eq!(h.add_to(&mut sum), 10);
        assert_eq!(quantile(&sum, 0.5), 5);
        assert_eq!(quantile(&sum, 1.0), 10);
        assert_eq!(quantile(&[], 0.5), 0);
    }

    #[test]
    fn bounds_are_inclusive() {
        let h = FixedHistogram::new(&[0.001, 0.01]);
        for ns in [1_000_000, 1_000_001, 10_000_000, 10_000_001] {
            h.record(ns);
        }
        let mut sum = Vec::new();
        assert_eq!(h.add_to(&mut sum), 22_000_002);
        assert_eq!(sum, [1, 2, 1]);
    }
}
