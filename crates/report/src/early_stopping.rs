//! The bound that MLPerf Inference calls the early-stopping estimate of a percentile, for those who compare with it.
//!
//! It is one-sided, at 99 %, and takes samples for independent, which latencies under load are not: `docs/statistics.md` shows
//! how often it is below the truth then. No verdict uses it.

use crate::binomial::fewer_than;
use crate::percentile::Sorted;

/// The chance that the bound may be below the truth, were the samples independent.
const CHANCE: f64 = 0.01;

/// The bound of percentile `p`: the `t`-th greatest sample, with the greatest `t` for which at most `t` of `n` samples lie above
/// the percentile with a chance of at most 1 %. None where even the greatest sample is no bound (fewer than 662 for p = 99).
pub(crate) fn bound(sorted: &Sorted, p: f64) -> Option<f64> {
    let values = sorted.values();
    let (n, above) = (values.len() as f64, 1.0 - p / 100.0);
    let holds = |t: usize| fewer_than(t as f64 + 1.0, n, above) <= CHANCE;
    if !(above > 0.0 && above < 1.0 && holds(1)) {
        return None;
    }
    let (mut low, mut high) = (1, values.len());
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    values.get(values.len() - low).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n: usize, p: f64) -> Option<f64> {
        bound(&Sorted::new((1..=n).map(|x| x as f64).collect()), p)
    }

    /// The least numbers of samples are those of MLPerf's rules.
    #[test]
    fn begins_where_mlperfs_does() {
        for (p, least) in [
            (90.0, 64),
            (95.0, 130),
            (97.0, 219),
            (99.0, 662),
            (99.9, 6636),
        ] {
            assert_eq!(of(least - 1, p), None, "{p}");
            assert_eq!(of(least, p), Some(least as f64), "{p}");
        }
        assert_eq!(of(0, 99.0), None);
        assert_eq!(of(1000, 100.0), None);
    }

    #[test]
    fn is_above_the_percentile_and_comes_nearer_with_more_samples() {
        let excess = |n: usize| of(n, 95.0).unwrap() / (n as f64 * 0.95) - 1.0;
        assert!(excess(1000) > excess(10_000) && excess(10_000) > excess(1_000_000));
        assert!(excess(1_000_000) > 0.0);
    }
}
