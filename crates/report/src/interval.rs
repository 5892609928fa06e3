//! The 95 % interval of a percentile, by order statistics on the effective number of samples.
//!
//! The number of samples below the true percentile is binomial, which no shape of the distribution can change; so
//! two order statistics enclose it with a known probability (David and Nagaraja, *Order Statistics*, 3rd ed., 7.1).

use bench_contract::Interval;

use crate::autocorrelation::autocorrelation_time_of;
use crate::binomial::{at_least, fewer_than};
use crate::in_order::InOrder;
use crate::percentile::{Sorted, interpolate};

/// Probability that each end of an interval of 95 % may miss.
pub(crate) const TAIL: f64 = 0.025;

/// The interval of percentile `p`, whose value is `value`.
///
/// `in_order` are the samples in order of schedule, `sorted` the same ascending, `time` their autocorrelation time. The
/// effective number is `n / max(tau(x), tau(x <= value))`; where the value is `+inf`, `x <= value` is taken for "x is finite",
/// since nothing else tells samples apart there.
pub(crate) fn percentile_interval<'a>(
    in_order: impl Into<InOrder<'a>>,
    sorted: &Sorted,
    time: f64,
    p: f64,
    value: f64,
) -> Interval {
    let in_order = in_order.into();
    let n = in_order.len();
    // Of a percentile that was never reached, what is below is all that was.
    let below = |x: f64| x <= value && x.is_finite();
    let n_eff = n as f64 / time.max(autocorrelation_time_of(in_order, below));
    let whole = n_eff.floor();
    let share = p / 100.0;
    if !(share > 0.0 && share < 1.0) {
        let reason = Some(format!(
            "percentile {p} is an extreme, which no number of samples encloses"
        ));
        return Interval {
            lower: None,
            upper: None,
            n_eff,
            reason,
        };
    }
    let places = places(share, n_eff, n);
    let (low, high) = (places.0, places.1);
    let (lower, upper) = (low.map(|at| sorted.at(at)), high.map(|at| sorted.at(at)));
    let mut reasons = Vec::new();
    if low.is_none() || high.is_none() {
        let least = |tail: f64| least_samples(tail);
        let needed = match (low, high) {
            (None, None) => least(1.0 - share).max(least(share)),
            (None, Some(_)) => least(1.0 - share),
            _ => least(share),
        };
        reasons.push(format!(
            "needs at least {needed:.0} effective samples, has {whole:.0}"
        ));
    }
    if lower.is_some_and(f64::is_infinite) || upper.is_some_and(f64::is_infinite) {
        reasons.push(format!(
            "{} of {n} requests never got there",
            sorted.censored()
        ));
    }
    Interval {
        lower: lower.filter(|end| end.is_finite()),
        upper: upper.filter(|end| end.is_finite()),
        n_eff,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

/// Where the limits of the percentile at `share` lie among `n` ascending samples that are worth `n_eff`, counted from 0; none
/// where they do not support one. Rank r of n_eff samples lies where rank r (n + 1) / (n_eff + 1) of n does; the ranks
/// themselves when nothing correlates.
fn places(share: f64, n_eff: f64, n: usize) -> (Option<f64>, Option<f64>) {
    let whole = n_eff.floor();
    let place = |rank: f64| rank * (n as f64 + 1.0) / (whole + 1.0) - 1.0;
    (
        lower_rank(whole, share).map(place),
        upper_rank(whole, share).map(place),
    )
}

/// Whether the limits of percentile `p` lie among those of its `count` samples that never got there, `censored` of them: the lower
/// one, and the upper one. A report leaves both such limits and those that the samples do not support out; this tells them apart.
pub(crate) fn are_never(p: f64, n_eff: f64, count: u64, censored: u64) -> (bool, bool) {
    let share = p / 100.0;
    let (n, finite) = (count as usize, count.saturating_sub(censored) as usize);
    if !(share > 0.0 && share < 1.0) || n == 0 {
        return (false, false);
    }
    let value = |place: usize| if place < finite { 0.0 } else { f64::INFINITY };
    let is_never =
        |place: Option<f64>| place.is_some_and(|at| interpolate(at, n, value).is_infinite());
    let (low, high) = places(share, n_eff, n);
    (is_never(low), is_never(high))
}

/// The least number of samples whose extreme lies beyond a percentile, on the side that a sample misses with probability
/// `share`, but for a chance of [`TAIL`]: `share^n <= 0.025`.
pub(crate) fn least_samples(share: f64) -> f64 {
    (TAIL.ln() / share.ln()).ceil()
}

/// The greatest rank `l` in `1..=n` with `P(fewer than l of n below) <= 0.025`.
fn lower_rank(n: f64, share: f64) -> Option<f64> {
    let holds = |rank: f64| fewer_than(rank, n, share) <= TAIL;
    if n < 1.0 || !holds(1.0) {
        return None;
    }
    let (mut low, mut high) = (1.0, n + 1.0);
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// The least rank `u` in `1..=n` with `P(at least u of n below) <= 0.025`.
fn upper_rank(n: f64, share: f64) -> Option<f64> {
    let holds = |rank: f64| at_least(rank, n, share) <= TAIL;
    if n < 1.0 || !holds(n) {
        return None;
    }
    let (mut low, mut high) = (0.0, n);
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_known() {
        // Summed from binomial probabilities.
        for (n, share, low, high) in [
            (3000.0, 0.5, 1446.0, 1555.0),
            (3000.0, 0.95, 2826.0, 2874.0),
            (3000.0, 0.99, 2959.0, 2981.0),
            (10_000.0, 0.99, 9880.0, 9920.0),
        ] {
            assert_eq!(
                (lower_rank(n, share), upper_rank(n, share)),
                (Some(low), Some(high)),
                "{n} {share}"
            );
        }
    }

    #[test]
    fn p99_needs_368_samples() {
        assert_eq!(least_samples(0.99), 368.0);
        assert_eq!(least_samples(0.999), 3688.0);
        assert_eq!(upper_rank(367.0, 0.99), None);
        assert_eq!(upper_rank(368.0, 0.99), Some(368.0));
        assert_eq!(lower_rank(1.0, 0.5), None);
        assert_eq!(lower_rank(0.0, 0.5), None);
    }

    #[test]
    fn three_hundred_samples_do_not_bound_p99() {
        let values: Vec<f64> = (0..300_u64).map(|i| ((i * 7919) % 300) as f64).collect();
        let sorted = Sorted::new(values.clone());
        let interval = percentile_interval(
            &values,
            &sorted,
            1.0,
            99.0,
            sorted.percentile(99.0).unwrap(),
        );
        assert!(interval.lower.is_some());
        assert_eq!(interval.upper, None);
        let reason = interval.reason.unwrap();
        assert!(
            reason.starts_with("needs at least 368 effective samples, has "),
            "{reason}"
        );
    }

    #[test]
    fn failures_that_come_together_tell_less_than_their_number() {
        let run = |failed: &dyn Fn(u64) -> bool| {
            let values: Vec<f64> = (0..2000_u64)
                .map(|i| {
                    if failed(i) {
                        f64::INFINITY
                    } else {
                        ((i * 7919) % 2000) as f64
                    }
                })
                .collect();
            let sorted = Sorted::new(values.clone());
            percentile_interval(&values, &sorted, 1.0, 99.0, f64::INFINITY).n_eff
        };
        let spread = run(&|i| i * 7919 % 2000 < 100);
        let together = run(&|i| (700..800).contains(&i));
        assert!(spread > 1500.0 && together < 100.0, "{spread}, {together}");
    }

    #[test]
    fn an_end_among_those_that_never_got_there_is_absent() {
        let values: Vec<f64> = (0..1000_u64)
            .map(|i| ((i * 7919) % 1000) as f64)
            .map(|x| if x >= 985.0 { f64::INFINITY } else { x })
            .collect();
        let sorted = Sorted::new(values.clone());
        let interval = percentile_interval(
            &values,
            &sorted,
            1.0,
            98.0,
            sorted.percentile(98.0).unwrap(),
        );
        assert!(interval.lower.is_some() && interval.upper.is_none());
        assert_eq!(
            interval.reason.as_deref(),
            Some("15 of 1000 requests never got there")
        );
        // What the report leaves out is known from what it holds.
        assert_eq!(are_never(98.0, interval.n_eff, 1000, 15), (false, true));
        assert_eq!(are_never(98.0, interval.n_eff, 1000, 300), (true, true));
        assert_eq!(are_never(98.0, interval.n_eff, 1000, 0), (false, false));
        assert_eq!(are_never(98.0, 0.0, 0, 0), (false, false));
    }
}
