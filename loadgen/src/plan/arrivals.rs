//! When the requests of a stage are due, relative to the stage's time zero.

use bench_contract::{RequestsPerSecond, Seconds};

use super::random::{self, Purpose};

/// The arrival processes that can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Equal gaps: arrival k at k / rate, for floor(rate x duration) requests.
    Constant,
    /// Independent exponential gaps of mean 1 / rate until the duration ends; the count is random.
    Poisson,
}

impl Process {
    /// The name in config and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        }
    }
}

/// Due times in nanoseconds from the stage's time zero, ascending, all before `duration`.
///
/// Times are rounded from the running sum, never added up after rounding, so they do not drift.
#[must_use]
pub fn arrivals(
    process: Process,
    rate: RequestsPerSecond,
    duration: Seconds,
    seed: u64,
    stage: u32,
) -> Vec<u64> {
    match process {
        Process::Constant => constant(rate, duration),
        Process::Poisson => poisson(rate, duration, seed, stage),
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are below 2^53"
)]
fn constant(rate: RequestsPerSecond, duration: Seconds) -> Vec<u64> {
    // 0.1/s for 30 s are 3 requests, although 0.1 * 30 is a little more or less than 3.
    let count = (rate.get() * duration.get() * (1.0 + 4.0 * f64::EPSILON)).floor() as u64;
    (0..count).map(|k| nanos(k as f64 / rate.get())).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only a size hint"
)]
fn poisson(rate: RequestsPerSecond, duration: Seconds, seed: u64, stage: u32) -> Vec<u64> {
    let mut rng = random::stream(seed, stage, Purpose::Arrivals, 0);
    let mut due = Vec::with_capacity((rate.get() * duration.get() * 1.1) as usize + 16);
    let mut at = 0.0;
    loop {
        // Inverse transform: -ln(1 - u) with u in [0, 1) is finite and exponential of mean 1.
        at += -libm::log(1.0 - random::uniform(&mut rng)) / rate.get();
        if at >= duration.get() {
            return due;
        }
        due.push(nanos(at));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "non-negative and far below 2^63"
)]
fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(value: f64) -> RequestsPerSecond {
        RequestsPerSecond::new(value).unwrap()
    }

    fn seconds(value: f64) -> Seconds {
        Seconds::new(value).unwrap()
    }

    fn gaps(due: &[u64]) -> Vec<f64> {
        std::iter::once(0)
            .chain(due.iter().copied())
            .zip(due)
            .map(|(a, &b)| (b - a) as f64 / 1e9)
            .collect()
    }

    /// Kolmogorov-Smirnov distance of `gaps` to the exponential of rate `rate`.
    fn ks_distance(mut gaps: Vec<f64>, rate: f64) -> f64 {
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        gaps.iter().enumerate().fold(0.0, |worst: f64, (i, gap)| {
            let cdf = 1.0 - (-rate * gap).exp();
            worst
                .max((cdf - i as f64 / n).abs())
                .max(((i + 1) as f64 / n - cdf).abs())
        })
    }

    #[test]
    fn constant_has_equal_gaps_and_starts_at_zero() {
        let due = arrivals(Process::Constant, rate(10.0), seconds(10.0), 1, 0);
        assert_eq!(due.len(), 100);
        assert_eq!(due[0], 0);
        assert!(due.windows(2).all(|pair| pair[1] - pair[0] == 100_000_000));
        let third = arrivals(Process::Constant, rate(3.0), seconds(100.0), 1, 0);
        assert!(
            third
                .windows(2)
                .all(|pair| (333_333_333..=333_333_334).contains(&(pair[1] - pair[0])))
        );
        assert_eq!(
            arrivals(Process::Constant, rate(0.1), seconds(30.0), 1, 0).len(),
            3
        );
    }

    #[test]
    fn poisson_of_a_hundred_thousand_arrivals_is_poisson() {
        for seed in 1..=8 {
            let (lambda, length) = (100.0, 1000.0);
            let due = arrivals(Process::Poisson, rate(lambda), seconds(length), seed, 0);
            let n = due.len() as f64;
            assert!((n - 100_000.0).abs() < 5.0 * 100_000f64.sqrt(), "count {n}");
            // 1.95 / sqrt(n) is the 0.1 % point of the KS distance; eight seeds are fixed, so this holds or it does not.
            assert!(
                ks_distance(gaps(&due), lambda) < 1.95 / n.sqrt(),
                "seed {seed}"
            );
            let mut counts = vec![0f64; length as usize];
            due.iter()
                .for_each(|at| counts[(*at / 1_000_000_000) as usize] += 1.0);
            let mean = n / length;
            let dispersion =
                counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (length - 1.0) / mean;
            // 1,000 windows: the standard error is 0.045; the fixed seeds stay within 0.1.
            assert!(
                (dispersion - 1.0).abs() < 0.1,
                "seed {seed}: dispersion {dispersion}"
            );
            let on_a_second = due.iter().filter(|at| *at % 1_000_000_000 == 0).count();
            assert!(on_a_second <= 1, "arrivals pinned to whole seconds");
        }
    }

    proptest! {
        #[test]
        fn one_seed_one_plan(seed: u64, stage in 0u32..100, lambda in 0.1f64..200.0, length in 1.0f64..20.0) {
            let plan = || arrivals(Process::Poisson, rate(lambda), seconds(length), seed, stage);
            let due = plan();
            prop_assert_eq!(&due, &plan());
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|at| *at as f64 / 1e9 <= length));
            let other = arrivals(Process::Poisson, rate(lambda), seconds(length), seed.wrapping_add(1), stage);
            prop_assert!(due.is_empty() || due != other);
        }

        #[test]
        fn constant_never_drifts(lambda in 0.1f64..500.0, length in 1.0f64..50.0) {
            let due = arrivals(Process::Constant, rate(lambda), seconds(length), 0, 0);
            for (k, at) in due.iter().enumerate() {
                prop_assert!((*at as f64 / 1e9 - k as f64 / lambda).abs() < 1e-9);
            }
            prop_assert!((due.len() as f64 - lambda * length).abs() <= 1.0);
        }
    }
}
