//! The test of Kolmogorov and Smirnov.

/// Distance of `gaps` to the distribution function `cdf`, and its p-value by Kolmogorov's limit with Stephens' correction
/// for the number of samples (*Numerical Recipes*, 3rd ed., 14.3.3). The distance is that above `least`, which makes the
/// p-value err upwards.
pub(crate) fn kolmogorov_smirnov(
    mut gaps: Vec<f64>,
    least: f64,
    cdf: impl Fn(f64) -> f64,
) -> (f64, f64) {
    gaps.sort_unstable_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let mut distance = 0.0_f64;
    for (i, gap) in gaps.iter().enumerate().filter(|(_, gap)| **gap >= least) {
        let expected = cdf(*gap);
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
