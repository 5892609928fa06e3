//! The self-test of arrivals: whether requests were dispatched as the load says.

use bench_contract::{ArrivalTest, StageLoad};

use crate::derive::seconds_between;

/// Tests instants of dispatch, ascending, against the load of a stage that began at `origin_ns` and of which `covered_s`
/// seconds took place.
pub(crate) fn arrivals(
    dispatched: &[u64],
    load: &StageLoad,
    origin_ns: u64,
    covered_s: f64,
) -> ArrivalTest {
    let gaps: Vec<f64> = dispatched
        .windows(2)
        .map(|pair| seconds_between(pair[0], pair[1]))
        .collect();
    let mut test = ArrivalTest {
        count: dispatched.len() as u64,
        ..ArrivalTest::default()
    };
    if gaps.len() < 2 {
        test.verdict = format!(
            "{} requests were dispatched: too few to test",
            dispatched.len()
        );
        return test;
    }
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / (n - 1.0);
    test.gap_cv = (mean > 0.0).then(|| variance.sqrt() / mean);
    let products: f64 = gaps
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    // Gaps that are equal but for the clock's own noise have a correlation of their own, which says nothing.
    test.lag1 = (variance > 0.0 && gaps.len() > 2).then(|| products / (variance * (n - 1.0)));
    test.dispersion_1s = dispersion(dispatched, origin_ns, covered_s);
    let asked = format!("{}/s", load.rate);
    let realised = if mean > 0.0 {
        1.0 / mean
    } else {
        f64::INFINITY
    };
    let dispersion = test
        .dispersion_1s
        .map_or_else(String::new, |value| format!(", dispersion {value:.2}"));
    test.verdict = if load.kind == "poisson" {
        let (distance, p_value) = kolmogorov_smirnov(gaps, load.rate);
        test.ks_distance = Some(distance);
        test.ks_p_value = Some(p_value);
        let figures = format!("KS p = {}{dispersion}", p_text(p_value));
        if p_value >= 0.01 {
            format!("Poisson: {figures}")
        } else if distance < 0.02 {
            // With very many gaps the least jitter of the clock is significant, without mattering.
            format!("Poisson within 2 %: KS distance {distance:.4}, {figures}")
        } else {
            format!("not Poisson at {asked}: KS distance {distance:.3}, {figures}")
        }
    } else {
        let cv = test.gap_cv.unwrap_or(f64::INFINITY);
        let figures = format!("gap CV {cv:.3}{dispersion}");
        let drift = (realised / load.rate - 1.0).abs();
        if load.kind != "constant" {
            format!("{}: {figures}", load.kind)
        } else if cv > 0.1 {
            format!("not constant: {figures}")
        } else if drift > 0.01 {
            format!("constant at {realised:.3}/s, not at {asked}: {figures}")
        } else {
            format!("constant: {figures}")
        }
    };
    test
}

/// Variance over mean of the counts in whole seconds from the stage's time zero; needs ten of them.
fn dispersion(dispatched: &[u64], origin_ns: u64, covered_s: f64) -> Option<f64> {
    let windows = covered_s.floor().min(1e7) as usize;
    if windows < 10 {
        return None;
    }
    let mut counts = vec![0.0_f64; windows];
    for at in dispatched {
        if let Some(count) = counts.get_mut((at.saturating_sub(origin_ns) / 1_000_000_000) as usize)
        {
            *count += 1.0;
        }
    }
    let mean = counts.iter().sum::<f64>() / windows as f64;
    let variance = counts
        .iter()
        .map(|count| (count - mean).powi(2))
        .sum::<f64>()
        / (windows as f64 - 1.0);
    (mean > 0.0).then(|| variance / mean)
}

/// Distance of `gaps` to the exponential distribution of `rate`, and its p-value by Kolmogorov's limit with Stephens'
/// correction for the number of samples (*Numerical Recipes*, 3rd ed., 14.3.3).
fn kolmogorov_smirnov(mut gaps: Vec<f64>, rate: f64) -> (f64, f64) {
    gaps.sort_unstable_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let mut distance = 0.0_f64;
    for (i, gap) in gaps.iter().enumerate() {
        let expected = -(-rate * gap).exp_m1();
        distance = distance
            .max((expected - i as f64 / n).abs())
            .max(((i + 1) as f64 / n - expected).abs());
    }
    let root = n.sqrt();
    (
        distance,
        kolmogorov_tail((root + 0.12 + 0.11 / root) * distance),
    )
}

/// `P(K > x) = 2 Σ (-1)^(j-1) exp(-2 j² x²)`; for small `x`, by the other of Kolmogorov's two series.
fn kolmogorov_tail(x: f64) -> f64 {
    use std::f64::consts::PI;
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.18 {
        let y = (-PI * PI / (8.0 * x * x)).exp();
        let sum = y + y.powi(9) + y.powi(25) + y.powi(49);
        return (1.0 - (2.0 * PI).sqrt() / x * sum).clamp(0.0, 1.0);
    }
    let y = (-2.0 * x * x).exp();
    (2.0 * (y - y.powi(4) + y.powi(9))).clamp(0.0, 1.0)
}

fn p_text(p: f64) -> String {
    if p < 0.001 {
        format!("{p:.0e}")
    } else if p < 0.095 {
        format!("{p:.3}")
    } else {
        format!("{p:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn load(kind: &str, rate: f64) -> StageLoad {
        StageLoad {
            kind: kind.to_owned(),
            rate,
            duration_s: 200.0,
        }
    }

    fn poisson(rate: f64, seconds: f64, seed: u64) -> Vec<u64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut at = 0.0;
        std::iter::from_fn(|| {
            at -= (1.0 - rng.random::<f64>()).ln() / rate;
            (at < seconds).then_some((at * 1e9) as u64)
        })
        .collect()
    }

    #[test]
    fn kolmogorov_is_known() {
        // The table of Smirnov, 1948.
        for (x, tail) in [
            (0.5, 0.963_945),
            (1.0, 0.270_000),
            (1.36, 0.049_486),
            (1.63, 0.009_846),
        ] {
            assert!(
                (kolmogorov_tail(x) - tail).abs() < 2e-5,
                "{x}: {}",
                kolmogorov_tail(x)
            );
        }
    }

    #[test]
    fn poisson_passes_at_its_own_level() {
        let rejected = (0..300)
            .filter(|&seed| {
                let test = arrivals(
                    &poisson(15.0, 200.0, seed),
                    &load("poisson", 15.0),
                    0,
                    200.0,
                );
                test.ks_p_value.unwrap() < 0.05
            })
            .count();
        assert!(
            (4..=28).contains(&rejected),
            "{rejected} of 300 rejected at 5 %"
        );
        let test = arrivals(&poisson(15.0, 200.0, 1), &load("poisson", 15.0), 0, 200.0);
        assert!(
            test.verdict.starts_with("Poisson: KS p = "),
            "{}",
            test.verdict
        );
        assert!(
            (test.gap_cv.unwrap() - 1.0).abs() < 0.1
                && (test.dispersion_1s.unwrap() - 1.0).abs() < 0.3
        );
        assert!(test.lag1.unwrap().abs() < 0.06);
    }

    #[test]
    fn the_wrong_process_or_rate_is_named() {
        let even: Vec<u64> = (0..3000).map(|k| k * 66_666_667).collect();
        assert!(
            arrivals(&even, &load("poisson", 15.0), 0, 200.0)
                .verdict
                .starts_with("not Poisson")
        );
        assert!(
            arrivals(&even, &load("constant", 15.0), 0, 200.0)
                .verdict
                .starts_with("constant: gap CV 0.000")
        );
        assert!(
            arrivals(&even, &load("constant", 30.0), 0, 200.0)
                .verdict
                .contains("not at 30/s")
        );
        assert!(
            arrivals(&poisson(15.0, 200.0, 1), &load("constant", 15.0), 0, 200.0)
                .verdict
                .starts_with("not constant")
        );
        assert!(
            arrivals(&poisson(21.0, 200.0, 1), &load("poisson", 15.0), 0, 200.0)
                .verdict
                .starts_with("not Poisson")
        );
        assert!(
            arrivals(&[5], &load("poisson", 15.0), 0, 200.0)
                .verdict
                .contains("too few")
        );
    }
}
