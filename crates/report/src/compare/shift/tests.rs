use super::*;
use proptest::prelude::*;

const INF: f64 = f64::INFINITY;

fn open(value: f64, lower: Option<f64>, upper: Option<f64>) -> Estimate {
    Estimate {
        value,
        lower,
        upper,
        never: None,
    }
}

fn estimate(value: f64, lower: f64, upper: f64) -> Estimate {
    open(value, Some(lower), Some(upper))
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
    let shift = Shift::of(estimate(10.0, 9.0, 11.0), open(20.0, Some(18.0), None));
    assert!(shift.absolute.lower.unwrap() > 0.0 && shift.absolute.upper.is_none());
    // What is needed to see that it has grown is known.
    assert!(shift.p_value.unwrap() < 0.001);
    assert_eq!(shift.detectable(1), None);
    let back = Shift::of(shift.other, shift.base);
    assert!(back.absolute.upper.unwrap() < 0.0 && back.absolute.lower.is_none());
    let unknown = Shift::of(open(10.0, Some(9.0), None), estimate(20.0, 18.0, 22.0));
    assert_eq!((unknown.absolute.lower, unknown.p_value), (None, None));
    // A limit that is known to be beyond all bounds is no unknown one: nothing is sure.
    let beyond = Shift::of(estimate(10.0, 9.0, INF), estimate(20.0, 18.0, 22.0));
    assert_eq!((beyond.absolute.lower, beyond.p_value), (None, Some(1.0)));
}

/// Percentile 99 of `n` independent requests, `failed` of which never got there; the others took 10 ms, or up to 11 ms.
fn p99(n: u64, failed: u64) -> Estimate {
    let (low, high) = crate::interval::are_never(99.0, n as f64, n, failed);
    let limit = |is_never: bool, finite: f64| Some(if is_never { INF } else { finite });
    let too_few = 0.99_f64.powi(n as i32) > 0.025;
    Estimate {
        value: if failed * 100 > n { INF } else { 0.0105 },
        lower: limit(low, 0.010),
        upper: limit(high, 0.011).filter(|_| !too_few),
        never: Some(Never::of(99.0, n as f64, (failed, n))),
    }
}

#[test]
fn the_more_never_get_there_the_surer_it_is() {
    let base = p99(900, 0);
    let p = |failed: u64| Shift::of(base, p99(900, failed)).p_value.unwrap();
    // 15 of 900 may be one in a hundred: the lower limit is reached, and no higher than the base's upper one.
    assert_eq!(p(15), 1.0);
    // 2 P(K >= 30), K ~ Bin(900, 0.01), and 2 x 0.99^900, summed by hand from the definitions.
    let tail: f64 = 2.0 * (30..=900).map(|k| pmf(900, k, 0.01)).sum::<f64>();
    let none = 2.0 * 0.99_f64.powi(900);
    assert!((p(30) - tail.max(none)).abs() < 1e-9, "{}", p(30));
    assert!((p(270) - none).abs() < 1e-9, "{}", p(270));
    assert!(p(30) <= 0.001 && p(270) <= p(30));
    let there = Shift::of(base, p99(900, 270));
    assert_eq!(
        (there.absolute.value, there.relative.lower),
        (None, Some(INF))
    );
    assert!(there.p_above(0.1).unwrap() < 0.001);
    // Repaired: no worse than the base by any margin.
    let back = Shift::of(p99(900, 270), base);
    assert_eq!(
        (back.p_value, back.relative.upper),
        (there.p_value, Some(-1.0))
    );
    assert!(back.p_above(0.0).unwrap() > 0.99);
    // Both beyond: equal.
    let both = Shift::of(p99(900, 270), p99(900, 200));
    assert_eq!((both.p_value, both.relative.upper), (Some(1.0), Some(0.0)));
    // Too few samples for an upper limit of the base: that is unknown.
    assert_eq!(Shift::of(p99(300, 0), p99(900, 270)).p_value, None);
    // The base's own percentile may be among those that never get there.
    assert_eq!(Shift::of(p99(900, 8), p99(900, 270)).p_value, Some(1.0));
}

fn pmf(n: u64, k: u64, p: f64) -> f64 {
    let choose: f64 = (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum();
    (choose + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// Of equal runs in which about one request in a hundred fails, how many are told apart: no more than are allowed to.
#[test]
fn runs_at_the_edge_of_never_are_not_told_apart_too_often() {
    // All pairs of numbers of failures, each with its probability: no luck.
    for (n, level) in [(900, 0.05), (900, 0.005), (4000, 0.05)] {
        for rate in [0.005, 0.01, 0.013, 0.02] {
            let most = (n as f64 * rate * 3.0) as u64 + 10;
            let runs: Vec<(f64, Estimate)> =
                (0..=most).map(|k| (pmf(n, k, rate), p99(n, k))).collect();
            let mut alarm = 0.0;
            for (one, base) in &runs {
                for (two, other) in &runs {
                    // Where both are finite they are equal; only what is never reached is looked at.
                    let p = Shift::of(*base, *other).p_value;
                    let is_never = base.value.is_infinite() != other.value.is_infinite();
                    if is_never && p.is_some_and(|p| p < level) {
                        alarm += one * two;
                    }
                }
            }
            assert!(alarm <= level, "n {n}, level {level}, rate {rate}: {alarm}");
        }
    }
}

#[test]
fn what_was_never_reached_is_worse_where_the_intervals_are_apart() {
    let never = open(INF, Some(30.0), None);
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

#[test]
fn quantiles_are_known() {
    for (tail, z) in [
        (0.5, 0.0),
        (0.025, LIMIT),
        (0.2, FOUR_IN_FIVE),
        (1e-6, 4.753_424_308_822_899),
    ] {
        assert!((quantile(tail) - z).abs() < 1e-9, "{tail}");
    }
}

#[test]
fn more_figures_take_a_larger_shift() {
    let shift = Shift::of(estimate(10.0, 9.0, 11.0), estimate(10.0, 9.0, 11.0));
    let (one, ten) = (shift.detectable(1).unwrap(), shift.detectable(10).unwrap());
    assert!(one > 0.0 && ten > 1.2 * one, "{one}, {ten}");
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
        prop_assert!(there.detectable(1).unwrap() > 0.0);
        // One-sided questions are answered by the same.
        prop_assert!(close(there.p_above(0.0).unwrap() + back.p_above(0.0).unwrap(), 1.0) || a == b);
    }
}
