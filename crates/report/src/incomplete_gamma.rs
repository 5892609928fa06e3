//! The distribution function of the gamma distribution.

/// Terms after which a sum that has not converged is taken as it is; it converges long before.
const MOST_TERMS: u32 = 10_000;

/// The regularised lower incomplete gamma function `P(shape, x)`, for `shape > 0`: by its series below `shape + 1`, by
/// Lentz's continued fraction for the other side above (*Numerical Recipes*, 3rd ed., 6.2).
pub(crate) fn lower_incomplete(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x.is_infinite() {
        return 1.0;
    }
    let front = (shape * x.ln() - x - libm::lgamma(shape)).exp();
    if x < shape + 1.0 {
        front * series(shape, x)
    } else {
        1.0 - front * fraction(shape, x)
    }
}

/// `Σ x^n / (shape (shape + 1) … (shape + n))`.
fn series(shape: f64, x: f64) -> f64 {
    let mut term = 1.0 / shape;
    let mut sum = term;
    for n in 1..MOST_TERMS {
        term *= x / (shape + f64::from(n));
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

fn fraction(shape: f64, x: f64) -> f64 {
    const LEAST: f64 = f64::MIN_POSITIVE / f64::EPSILON;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / LEAST;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..MOST_TERMS {
        let n = f64::from(n);
        let a = -n * (n - shape);
        b += 2.0;
        let keep = |y: f64| if y.abs() < LEAST { LEAST } else { y };
        d = 1.0 / keep(a * d + b);
        c = keep(b + a / c);
        value *= d * c;
        if (d * c - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::lower_incomplete;

    #[test]
    fn whole_shapes_are_sums_of_a_poisson_distribution() {
        for shape in [1_u32, 2, 5, 40, 300] {
            for part in [0.3, 0.9, 1.0, 1.1, 2.5] {
                let x = f64::from(shape) * part;
                let mut term = (-x).exp();
                let mut below = 0.0;
                for n in 0..shape {
                    below += term;
                    term *= x / f64::from(n + 1);
                }
                let value = lower_incomplete(shape.into(), x);
                assert!(
                    (value - (1.0 - below)).abs() < 1e-11,
                    "{shape}, {x}: {value}"
                );
            }
        }
    }

    #[test]
    fn a_half_is_the_error_function() {
        for x in [1e-6, 0.1, 0.7, 1.5, 4.0, 30.0_f64] {
            let value = lower_incomplete(0.5, x);
            assert!((value - libm::erf(x.sqrt())).abs() < 1e-13, "{x}: {value}");
        }
        assert_eq!(lower_incomplete(0.5, 0.0), 0.0);
        assert_eq!(lower_incomplete(0.01, f64::INFINITY), 1.0);
    }
}
