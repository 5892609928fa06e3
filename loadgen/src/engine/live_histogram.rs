//! A histogram that workers fill while others read it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets to a power of two.
const STEPS: usize = 8;

/// `2^10` ns, about a microsecond: what is shorter is in the first bucket.
const LEAST_EXPONENT: usize = 10;

/// `2^41` ns, 37 minutes: what is longer is in the last bucket.
const MOST_EXPONENT: usize = 41;

const BUCKETS: usize = 1 + (MOST_EXPONENT - LEAST_EXPONENT) * STEPS + 1;

/// Durations, each known to an eighth of a power of two; enough to watch a run by.
#[derive(Debug)]
pub struct LiveHistogram {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for LiveHistogram {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            sum_ns: AtomicU64::new(0),
        }
    }
}

/// What was in a histogram at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    counts: Vec<u64>,
    /// The sum of all durations, in nanoseconds.
    pub sum_ns: u64,
}

impl LiveHistogram {
    /// Adds a duration `times` times.
    pub fn record(&self, ns: u64, times: u64) {
        self.add(place(ns), times);
        self.sum_ns
            .fetch_add(ns.saturating_mul(times), Ordering::Relaxed);
    }

    /// Adds durations; those in a row that are alike are added at once, for others read and write here too.
    pub fn record_all(&self, durations: impl Iterator<Item = u64>) {
        let (mut at, mut times, mut sum_ns) = (0, 0, 0_u64);
        for ns in durations {
            let next = place(ns);
            if next != at {
                self.add(at, times);
                (at, times) = (next, 0);
            }
            times += 1;
            sum_ns = sum_ns.saturating_add(ns);
        }
        self.add(at, times);
        self.sum_ns.fetch_add(sum_ns, Ordering::Relaxed);
    }

    fn add(&self, place: usize, times: u64) {
        if times > 0 {
            self.buckets[place].fetch_add(times, Ordering::Relaxed);
        }
    }

    /// What is in it now.
    #[must_use]
    pub fn buckets(&self) -> Buckets {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Buckets {
            counts: self.buckets.iter().map(read).collect(),
            sum_ns: read(&self.sum_ns),
        }
    }
}

impl Buckets {
    /// What has come since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let pairs = self.counts.iter().zip(&earlier.counts);
        Self {
            counts: pairs.map(|(now, then)| now.saturating_sub(*then)).collect(),
            sum_ns: self.sum_ns.saturating_sub(earlier.sum_ns),
        }
    }

    /// How many durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Percentile `p` in `[0, 100]` in seconds: the middle of its bucket, an eighth of it wide. `None` without durations.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks, for people to read"
    )]
    pub fn percentile(&self, p: f64) -> Option<f64> {
        let rank = (self.count().checked_sub(1)? as f64 * p / 100.0).round() as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen > rank
        });
        let found = found?;
        let lower = if found == 0 { 0 } else { upper(found - 1) };
        Some(u64::midpoint(lower, upper(found)) as f64 / 1e9)
    }

    /// For each power of two nanoseconds from about 1 us to 37 minutes, in seconds: how many durations are shorter.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut below = 0;
        let mut counts = self.counts.iter();
        (LEAST_EXPONENT..=MOST_EXPONENT).map(move |exponent| {
            let steps = if exponent == LEAST_EXPONENT { 1 } else { STEPS };
            below += counts.by_ref().take(steps).sum::<u64>();
            (crate::clock::seconds(1 << exponent), below)
        })
    }
}

/// The bucket of a duration.
fn place(ns: u64) -> usize {
    let Some(exponent) = ns.checked_ilog2().map(|exponent| exponent as usize) else {
        return 0;
    };
    if exponent < LEAST_EXPONENT {
        return 0;
    }
    let step = (ns >> (exponent - 3)) as usize & (STEPS - 1);
    (1 + (exponent - LEAST_EXPONENT) * STEPS + step).min(BUCKETS - 1)
}

/// The end of a bucket, in nanoseconds; exclusive.
fn upper(place: usize) -> u64 {
    let (exponent, step) = (place / STEPS + LEAST_EXPONENT, place % STEPS);
    (1 << exponent) + ((step as u64) << (exponent - 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_that_holds_it() {
        for ns in (0..3_000_000).step_by(997).chain([1 << 40, (1 << 41) - 1]) {
            let place = place(ns);
            let lower = if place == 0 { 0 } else { upper(place - 1) };
            assert!(lower <= ns && ns < upper(place), "{ns} in {place}");
        }
        assert_eq!(place(u64::MAX), BUCKETS - 1);
        assert_eq!((place(0), place(1023), place(1024)), (0, 0, 1));
    }

    #[test]
    fn percentiles_are_near_and_differences_exact() {
        let histogram = LiveHistogram::default();
        (1..=500).for_each(|k| histogram.record(k * 1_000_000, 1));
        histogram.record_all((501..=1000).map(|k| k * 1_000_000));
        let first = histogram.buckets();
        assert_eq!((first.count(), first.sum_ns), (1000, 500_500_000_000));
        for p in [50.0, 99.0] {
            let (near, exact) = (first.percentile(p).unwrap(), p / 100.0);
            assert!((near / exact - 1.0).abs() < 0.07, "{near} for {exact}");
        }
        histogram.record(0, 3);
        let since = histogram.buckets().since(&first);
        assert_eq!((since.count(), since.sum_ns), (3, 0));
        assert!(since.percentile(50.0).unwrap() < 1e-6);
        assert_eq!(first.since(&first).percentile(50.0), None);
    }

    #[test]
    fn cumulative_counts_are_those_below_each_bound() {
        let histogram = LiveHistogram::default();
        for ns in [5, 1023, 1024, 2047, 2048, 1 << 30] {
            histogram.record(ns, 1);
        }
        let counts: Vec<u64> = histogram.buckets().cumulative().map(|(_, n)| n).collect();
        assert_eq!(counts[..4], [2, 4, 5, 5]);
        assert_eq!(counts.len(), 32);
        assert_eq!(counts[31], 6);
        let (last, _) = histogram.buckets().cumulative().last().unwrap();
        assert!((last - 2199.02).abs() < 0.01);
    }
}
