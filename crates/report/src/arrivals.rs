//! The self-test of arrivals: whether requests were dispatched as the load says.

use bench_contract::config::LoadType;
use bench_contract::{ArrivalState, ArrivalTest, StageLoad};

use crate::derive::seconds_between;
use crate::incomplete_gamma::lower_incomplete;
use crate::kolmogorov::kolmogorov_smirnov;

/// Gaps below this many seconds are within what it takes to send one request after another.
const SHORTEST_S: f64 = 200e-6;

/// Tests instants of dispatch, ascending, against the load of a stage that began at `origin_ns` and of which `covered_s`
/// seconds took place.
pub(crate) fn arrivals(
    dispatched: &[u64],
    load: &StageLoad,
    origin_ns: u64,
    covered_s: f64,
) -> ArrivalTest {
    let mut test = ArrivalTest {
        count: dispatched.len() as u64,
        ..ArrivalTest::default()
    };
    if load.kind == LoadType::Concurrent {
        test.verdict =
            "closed loop: requests follow the ends of others, so there is nothing to test"
                .to_owned();
        return test;
    }
    let due: Vec<f64> = dispatched
        .iter()
        .map(|&at| requests_due(seconds_between(origin_ns, at), load))
        .collect();
    let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
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
    test.dispersion_1s =
        dispersion(dispatched, origin_ns, covered_s).filter(|_| load.end_rate.is_none());
    let dispersion = test
        .dispersion_1s
        .map_or_else(String::new, |value| format!(", dispersion {value:.2}"));
    let cv = test.gap_cv.unwrap_or(f64::INFINITY);
    let figures = format!("gap CV {cv:.3}{dispersion}");
    (test.state, test.verdict) = match load.kind {
        LoadType::Poisson => against(&mut test, gaps, "Poisson", &dispersion, load, |gap| {
            -(-gap).exp_m1()
        }),
        LoadType::Gamma => {
            let shape = load.burstiness.unwrap_or(1.0);
            against(&mut test, gaps, "gamma", &dispersion, load, |gap| {
                lower_incomplete(shape, shape * gap)
            })
        }
        LoadType::Constant => constant(mean, cv, load, &figures),
        LoadType::TraceReplay | LoadType::TraceSessionReplay | LoadType::Concurrent => {
            let text = format!("as the trace has them: {figures}");
            (ArrivalState::Untested, text)
        }
    };
    test
}

/// How many requests were due up to `seconds` after the stage's time zero, by its rate: where the rate changes, this makes
/// gaps comparable (the time rescaling theorem: they are as those of a load at 1/s). Seconds, where there is no rate.
pub(crate) fn requests_due(seconds: f64, load: &StageLoad) -> f64 {
    let Some(first) = load.rate else {
        return seconds;
    };
    let (Some(last), Some(duration)) = (load.end_rate, load.duration_s) else {
        return first * seconds;
    };
    let within = seconds.min(duration);
    let slope = (last - first) / duration;
    first * within + slope * within * within / 2.0 + last * (seconds - within)
}

/// The rate in words: `15/s`, or `5 to 50/s`.
fn asked(load: &StageLoad) -> String {
    let first = load.rate.unwrap_or(0.0);
    match load.end_rate {
        Some(last) => format!("{first} to {last}/s"),
        None => format!("{first}/s"),
    }
}

/// Gaps in requests against the distribution function of their process, which is called `name`.
fn against(
    test: &mut ArrivalTest,
    gaps: Vec<f64>,
    name: &str,
    dispersion: &str,
    load: &StageLoad,
    cdf: impl Fn(f64) -> f64,
) -> (ArrivalState, String) {
    // In a burst, gaps are shorter than any machine can send; of those only their number is tested.
    let fastest = load.rate.unwrap_or(0.0).max(load.end_rate.unwrap_or(0.0));
    let least = match load.burstiness {
        Some(shape) if shape < 1.0 => SHORTEST_S * fastest,
        _ => 0.0,
    };
    let (distance, p_value) = kolmogorov_smirnov(gaps, least, cdf);
    test.ks_distance = Some(distance);
    test.ks_p_value = Some(p_value);
    let figures = format!("KS p = {}{dispersion}", p_text(p_value));
    if p_value >= 0.01 {
        (ArrivalState::AsAsked, format!("{name}: {figures}"))
    } else if distance < 0.02 {
        // With very many gaps the least jitter of the clock is significant, without mattering.
        let text = format!("{name} within 2 %: KS distance {distance:.4}, {figures}");
        (ArrivalState::AsAsked, text)
    } else {
        let asked = asked(load);
        let text = format!("not {name} at {asked}: KS distance {distance:.3}, {figures}");
        (ArrivalState::Other, text)
    }
}

fn constant(mean: f64, cv: f64, load: &StageLoad, figures: &str) -> (ArrivalState, String) {
    let drift = 1.0 / mean;
    if cv > 0.1 {
        (ArrivalState::Other, format!("not constant: {figures}"))
    } else if (drift - 1.0).abs() > 0.01 {
        let realised = match load.end_rate {
            Some(_) => format!("{drift:.3} times the rate"),
            None => format!("{:.3}/s", drift * load.rate.unwrap_or(1.0)),
        };
        let asked = asked(load);
        let text = format!("constant at {realised}, not at {asked}: {figures}");
        (ArrivalState::Other, text)
    } else {
        (ArrivalState::AsAsked, format!("constant: {figures}"))
    }
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

    fn load(kind: LoadType, rate: f64) -> StageLoad {
        StageLoad {
            kind,
            rate: Some(rate),
            duration_s: Some(200.0),
            ..StageLoad::default()
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
    fn poisson_passes_at_its_own_level() {
        let rejected = (0..300)
            .filter(|&seed| {
                let test = arrivals(
                    &poisson(15.0, 200.0, seed),
                    &load(LoadType::Poisson, 15.0),
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
        let test = arrivals(
            &poisson(15.0, 200.0, 1),
            &load(LoadType::Poisson, 15.0),
            0,
            200.0,
        );
        assert!(
            test.verdict.starts_with("Poisson: KS p = "),
            "{}",
            test.verdict
        );
        assert_eq!(test.state, ArrivalState::AsAsked);
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
            arrivals(&even, &load(LoadType::Poisson, 15.0), 0, 200.0)
                .verdict
                .starts_with("not Poisson")
        );
        assert!(
            arrivals(&even, &load(LoadType::Constant, 15.0), 0, 200.0)
                .verdict
                .starts_with("constant: gap CV 0.000")
        );
        assert!(
            arrivals(&even, &load(LoadType::Constant, 30.0), 0, 200.0)
                .verdict
                .contains("not at 30/s")
        );
        assert!(
            arrivals(
                &poisson(15.0, 200.0, 1),
                &load(LoadType::Constant, 15.0),
                0,
                200.0
            )
            .verdict
            .starts_with("not constant")
        );
        assert!(
            arrivals(
                &poisson(21.0, 200.0, 1),
                &load(LoadType::Poisson, 15.0),
                0,
                200.0
            )
            .verdict
            .starts_with("not Poisson")
        );
        assert!(
            arrivals(&[5], &load(LoadType::Poisson, 15.0), 0, 200.0)
                .verdict
                .contains("too few")
        );
    }

    #[test]
    fn a_rate_that_changes_is_tested_in_requests() {
        let ramp = StageLoad {
            end_rate: Some(25.0),
            ..load(LoadType::Poisson, 5.0)
        };
        // The inverse of 5 t + t^2 / 20, at the points of a Poisson process of rate 1.
        let climb = |due: f64| (due * 20.0 + 2500.0).sqrt() - 50.0;
        let at: Vec<u64> = poisson(1.0, 3000.0, 3)
            .iter()
            .map(|&due| (climb(due as f64 / 1e9) * 1e9) as u64)
            .collect();
        let test = arrivals(&at, &ramp, 0, 200.0);
        assert!(
            test.verdict.starts_with("Poisson: KS p = "),
            "{}",
            test.verdict
        );
        assert!(test.dispersion_1s.is_none() && (test.gap_cv.unwrap() - 1.0).abs() < 0.05);
        let flat = arrivals(&at, &load(LoadType::Poisson, 15.0), 0, 200.0);
        assert!(flat.verdict.starts_with("not Poisson"), "{}", flat.verdict);
        assert_eq!(flat.state, ArrivalState::Other);

        let even: Vec<u64> = (0..3000)
            .map(|k| (climb(f64::from(k)) * 1e9) as u64)
            .collect();
        let ramp = StageLoad {
            kind: LoadType::Constant,
            ..ramp
        };
        let test = arrivals(&even, &ramp, 0, 200.0);
        assert!(
            test.verdict.starts_with("constant: gap CV 0.000"),
            "{}",
            test.verdict
        );
    }

    #[test]
    fn a_closed_loop_has_no_arrivals_to_test() {
        let test = arrivals(&[1, 2, 3, 4], &load(LoadType::Concurrent, 1.0), 0, 1.0);
        assert!(test.verdict.starts_with("closed loop") && test.gap_cv.is_none());
        assert_eq!(test.state, ArrivalState::Untested);
    }

    #[test]
    fn gamma_is_told_from_poisson() {
        // A gap of shape 2 and mean 1/15 is the sum of two exponential ones of mean 1/30.
        let at: Vec<u64> = poisson(30.0, 200.0, 5)
            .into_iter()
            .skip(1)
            .step_by(2)
            .collect();
        let gamma = |burstiness| StageLoad {
            burstiness: Some(burstiness),
            ..load(LoadType::Gamma, 15.0)
        };
        let test = arrivals(&at, &gamma(2.0), 0, 200.0);
        assert!(
            test.verdict.starts_with("gamma: KS p = "),
            "{}",
            test.verdict
        );
        let test = arrivals(&at, &gamma(1.0), 0, 200.0);
        assert!(test.verdict.starts_with("not gamma"), "{}", test.verdict);
    }
}
