//! Exact binomial probabilities and intervals, for real numbers of trials.
//!
//! The regularised incomplete beta function `I_x(a, b)` is its continued fraction (Press et al., *Numerical Recipes*,
//! 3rd ed., 6.4, by Lentz's method) times a prefix that is computed in saddle-point form (Loader, *Fast and accurate
//! computation of binomial probabilities*, 2000), which keeps its relative accuracy far in the tails and for a million
//! trials, where differences of `ln Γ` lose it.

/// `I_x(a, b)` for `a, b > 0`: the probability that a Beta(a, b) variate is at most `x`.
pub(crate) fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let y = 1.0 - x;
    if x < (a + 1.0) / (a + b + 2.0) {
        prefix(x, y, a, b) * continued_fraction(x, a, b) / a
    } else {
        1.0 - prefix(x, y, a, b) * continued_fraction(y, b, a) / b
    }
}

/// `P(X >= k)` for X binomial of `n` trials of probability `p`; `k` and `n` may be real, as `I_p(k, n - k + 1)`.
pub(crate) fn at_least(k: f64, n: f64, p: f64) -> f64 {
    if k <= 0.0 {
        1.0
    } else if k > n {
        0.0
    } else {
        incomplete_beta(p, k, n - k + 1.0)
    }
}

/// `P(X < k)`, the complement of [`at_least`] without cancellation.
pub(crate) fn fewer_than(k: f64, n: f64, p: f64) -> f64 {
    if k <= 0.0 {
        0.0
    } else if k > n {
        1.0
    } else {
        incomplete_beta(1.0 - p, n - k + 1.0, k)
    }
}

/// The exact interval of a share of which `k` of `n` trials were seen, each end missing the truth with probability at
/// most `tail` (Clopper and Pearson, 1934). `0 <= k <= n`; both may be real.
pub(crate) fn clopper_pearson(k: f64, n: f64, tail: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let lower = if k <= 0.0 {
        0.0
    } else {
        bisect(|p| incomplete_beta(p, k, n - k + 1.0) < tail)
    };
    let upper = if k >= n {
        1.0
    } else {
        bisect(|p| incomplete_beta(1.0 - p, n - k, k + 1.0) > tail)
    };
    (lower, upper)
}

/// The point in `[0, 1]` up to which `below` holds.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// `x^a y^b / B(a, b)`, with `y = 1 - x`.
fn prefix(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let n = a + b;
    let log = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x)
        - deviance(b, n * y);
    log.exp() * (a * b / (n * std::f64::consts::TAU)).sqrt()
}

/// Loader's `delta(n) = ln Γ(n + 1) - (n + 1/2) ln n + n - ln √(2π)`.
fn stirling_error(n: f64) -> f64 {
    let (mut n, mut sum) = (n, 0.0);
    while n < 15.0 {
        sum += (n + 0.5) * (1.0 / n).ln_1p() - 1.0;
        n += 1.0;
    }
    let square = n * n;
    let series = 1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square;
    sum + (1.0 / 12.0 - (1.0 / 360.0 - series / square) / square) / n
}

/// Loader's `bd0(x, m) = x ln(x / m) + m - x`, without cancellation where `x` is near `m`.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let ratio = (x - m) / (x + m);
    let mut sum = (x - m) * ratio;
    let mut term = 2.0 * x * ratio;
    let mut odd = 1.0;
    loop {
        term *= ratio * ratio;
        odd += 2.0;
        let next = sum + term / odd;
        if next == sum {
            return next;
        }
        sum = next;
    }
}

/// The continued fraction of `I_x(a, b)`; it takes about `sqrt(max(a, b))` terms for `x` below the mean.
fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const MOST_TERMS: u32 = 1_000_000;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for term in 1..MOST_TERMS {
        let m = f64::from(term);
        let twice = 2.0 * m;
        let even = m * (b - m) * x / ((a + twice - 1.0) * (a + twice));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        result *= d * c;
        if (d * c - 1.0).abs() < 3e-16 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, truth: f64) -> bool {
        (value - truth).abs() <= 1e-12 * truth.abs()
    }

    /// Values of mpmath at 40 digits.
    #[test]
    fn incomplete_beta_is_known() {
        for (x, a, b, truth) in [
            (0.01, 1.0, 368.0, 0.975_239_944_609_906_3),
            (0.01, 12.5, 880.25, 0.149_607_525_715_967),
            (0.001, 3.0, 9998.0, 0.997_239_675_909_250_9),
            (0.02, 40.0, 960.0, 0.000_042_475_449_464_786_21),
            (0.99, 4950.0, 51.0, 0.537_517_164_966_365_3),
            (0.1, 50.0, 50.0, 3.232_182_234_973_745e-24),
            (0.0098, 9900.0, 1_000_001.0, 0.489_349_009_503_338_5),
            (0.3, 0.5, 0.5, 0.369_010_119_565_545_4),
            (1e-6, 2.0, 1e6, 0.264_241_485_536_709_8),
        ] {
            let value = incomplete_beta(x, a, b);
            assert!(
                close(value, truth),
                "I_{x}({a}, {b}) = {value:e}, not {truth:e}"
            );
        }
    }

    #[test]
    fn clopper_pearson_is_known() {
        for (k, n, lower, upper) in [
            (0.0, 368.0, 0.0, 0.009_974_054_826_946_353),
            (
                1.0,
                100.0,
                0.000_253_146_032_977_420_6,
                0.054_459_385_392_080_66,
            ),
            (
                10.0,
                1000.0,
                0.004_805_510_691_049_307,
                0.018_313_243_055_112_45,
            ),
            (
                5.5,
                410.3,
                0.004_664_719_597_082_53,
                0.029_891_680_193_480_545,
            ),
            (100.0, 100.0, 0.963_783_307_354_823_6, 1.0),
        ] {
            let (low, high) = clopper_pearson(k, n, 0.025);
            assert!(close(low, lower), "{k} of {n}: lower {low}, not {lower}");
            assert!(close(high, upper), "{k} of {n}: upper {high}, not {upper}");
        }
    }

    #[test]
    fn binomial_tails_add_up_to_sums() {
        let (n, p) = (30_u32, 0.2_f64);
        let mut choose = 1.0;
        let mut below = 0.0;
        for k in 0..=n {
            let tail = fewer_than(f64::from(k), f64::from(n), p);
            assert!(
                (tail - below).abs() < 1e-14,
                "P(X < {k}) = {tail}, not {below}"
            );
            assert!((at_least(f64::from(k), f64::from(n), p) - (1.0 - below)).abs() < 1e-14);
            below += choose * p.powi(k.cast_signed()) * (1.0 - p).powi((n - k).cast_signed());
            choose *= f64::from(n - k) / f64::from(k + 1);
        }
    }

    #[test]
    fn tails_beyond_ten_to_the_minus_hundred_keep_their_digits() {
        // One of n: 1 - (1-p)^n; all of n: p^n.
        assert!(close(at_least(50.0, 50.0, 1e-4), 1e-200));
        assert!(close(
            at_least(1.0, 1e6, 1e-12),
            1e-6 - 0.5e-12 + 1e-18 / 6.0
        ));
    }
}
