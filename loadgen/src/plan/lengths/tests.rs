use super::*;
use proptest::prelude::*;

const N: u64 = 20_000;

fn config(kind: DistributionType, mean: f64, std_dev: f64, min: u32, max: u32) -> Distribution {
    Distribution {
        kind: Some(kind),
        mean,
        std_dev: Some(std_dev),
        min,
        max,
        ..Distribution::default()
    }
}

fn distribution(kind: DistributionType, mean: f64, std_dev: f64, min: u32, max: u32) -> Lengths {
    Lengths::from_config(&config(kind, mean, std_dev, min, max))
}

fn drawn(lengths: &Lengths) -> impl Iterator<Item = f64> {
    (0..N).map(|index| f64::from(lengths.draw(7, 0, Purpose::InputLength, index)))
}

/// Mean, standard deviation and skewness.
fn moments(lengths: &Lengths) -> (f64, f64, f64) {
    let mean = drawn(lengths).sum::<f64>() / N as f64;
    let central = |power| drawn(lengths).map(|x| (x - mean).powi(power)).sum::<f64>() / N as f64;
    let deviation = central(2).sqrt();
    (mean, deviation, central(3) / deviation.powi(3))
}

#[test]
fn moments_are_those_asked_for_where_nothing_is_clamped() {
    for kind in [DistributionType::Normal, DistributionType::Lognormal] {
        let (mean, deviation, _) = moments(&distribution(kind, 1000.0, 100.0, 100, 4000));
        assert!((mean - 1000.0).abs() < 4.0, "{kind:?}: mean {mean}");
        assert!(
            (deviation - 100.0).abs() < 3.0,
            "{kind:?}: deviation {deviation}"
        );
    }
    let (mean, deviation, _) =
        moments(&distribution(DistributionType::Uniform, 0.0, 0.0, 100, 200));
    assert!((mean - 150.0).abs() < 1.0 && (deviation - 100.0 / 12f64.sqrt()).abs() < 0.5);
}

#[test]
fn a_skew_normal_has_azzalinis_moments() {
    for skew in [-4.0f64, 0.0, 2.0, 10.0] {
        let lengths = Lengths::from_config(&Distribution {
            skew: Some(skew),
            ..config(DistributionType::SkewNormal, 2000.0, 200.0, 1, 10_000)
        });
        let (mean, deviation, skewness) = moments(&lengths);
        let shift = skew / (1.0 + skew * skew).sqrt() * (2.0 / std::f64::consts::PI).sqrt();
        let spread = (1.0 - shift * shift).sqrt();
        let third = (4.0 - std::f64::consts::PI) / 2.0 * (shift / spread).powi(3);
        assert!(
            (mean - (2000.0 + 200.0 * shift)).abs() < 6.0,
            "{skew}: {mean}"
        );
        assert!(
            (deviation - 200.0 * spread).abs() < 5.0,
            "{skew}: {deviation}"
        );
        assert!((skewness - third).abs() < 0.1, "{skew}: {skewness}");
    }
}

#[test]
fn a_poisson_length_has_its_mean_as_variance() {
    // On both sides of where another way to draw them begins.
    for mean in [8.0, 9.9, 10.1, 75.0, 1500.0] {
        let lengths = distribution(DistributionType::Poisson, mean, 0.0, 0, 100_000);
        let (got, deviation, skewness) = moments(&lengths);
        let error = 4.0 * (mean / N as f64).sqrt();
        // At least one token: what would be 0 is 1.
        let floor = (-mean).exp();
        assert!((got - mean - floor).abs() < error, "{mean}: {got}");
        assert!(
            (deviation / mean.sqrt() - 1.0).abs() < 0.05,
            "{mean}: {deviation}"
        );
        assert!(
            (skewness - 1.0 / mean.sqrt()).abs() < 0.15,
            "{mean}: {skewness}"
        );
    }
    let none = distribution(DistributionType::Poisson, 0.0, 0.0, 0, 10);
    assert!(drawn(&none).all(|length| length.to_bits() == 1f64.to_bits()));
}

#[test]
fn what_is_drawn_again_does_not_pile_up_at_the_bounds() {
    let at_min = |truncate| {
        let lengths = Lengths::from_config(&Distribution {
            truncate,
            ..config(DistributionType::Normal, 1024.0, 512.0, 128, 4096)
        });
        let count = drawn(&lengths)
            .filter(|length| (length - 128.0).abs() < 0.5)
            .count();
        (count, moments(&lengths).0)
    };
    // P(N(1024, 512) < 128.5) = 4.0 %.
    let (clamped, _) = at_min(None);
    assert!((700..900).contains(&clamped), "{clamped}");
    let (redrawn, mean) = at_min(Some(Truncate::Resample));
    assert!(redrawn < 15, "{redrawn}");
    // A normal cut off at -1.75 deviations: mean + sd * phi(1.75) / Phi(1.75).
    assert!(
        (mean - (1024.0 + 512.0 * 0.08628 / 0.95994)).abs() < 15.0,
        "{mean}"
    );
}

#[test]
fn bounds_with_hardly_any_mass_end_in_a_clamp() {
    let lengths = Lengths::from_config(&Distribution {
        truncate: Some(Truncate::Resample),
        ..config(DistributionType::Normal, 100.0, 1.0, 5000, 5001)
    });
    assert_eq!(lengths.draw(1, 0, Purpose::InputLength, 0), 5000);
}

#[test]
fn no_deviation_is_no_randomness_and_fixed_is_not_clipped() {
    let even = distribution(DistributionType::Normal, 512.0, 0.0, 512, 512);
    assert!((0..100).all(|i| even.draw(3, 0, Purpose::InputLength, i) == 512));
    let fixed = distribution(DistributionType::Fixed, 77.9, 5.0, 1, 10);
    assert_eq!(fixed.draw(1, 1, Purpose::OutputLength, 1), 77);
}

fn kinds() -> impl Strategy<Value = DistributionType> {
    prop::sample::select(vec![
        DistributionType::Normal,
        DistributionType::SkewNormal,
        DistributionType::Lognormal,
        DistributionType::Uniform,
        DistributionType::Poisson,
    ])
}

proptest! {
    #[test]
    fn a_length_is_in_its_bounds_and_a_function_of_its_place(
        seed: u64, stage: u32, index: u64, kind in kinds(), redraws: bool,
        mean in 1f64..4000.0, sd in 0f64..4000.0, skew in -50f64..50.0,
    ) {
        let lengths = Lengths::from_config(&Distribution {
            skew: Some(skew),
            truncate: redraws.then_some(Truncate::Resample),
            ..config(kind, mean, sd, 2, 4096)
        });
        let drawn = lengths.draw(seed, stage, Purpose::InputLength, index);
        prop_assert!((2..=4096).contains(&drawn));
        prop_assert_eq!(drawn, lengths.draw(seed, stage, Purpose::InputLength, index));
    }

    #[test]
    fn what_lies_within_the_bounds_is_the_same_however_the_rest_is_treated(seed: u64, index: u64) {
        let of = |truncate| Lengths::from_config(&Distribution {
            truncate: Some(truncate),
            ..config(DistributionType::Normal, 500.0, 300.0, 100, 900)
        });
        let clamped = of(Truncate::Clamp).draw(seed, 0, Purpose::InputLength, index);
        if (101..900).contains(&clamped) {
            let redrawn = of(Truncate::Resample).draw(seed, 0, Purpose::InputLength, index);
            prop_assert_eq!(clamped, redrawn);
        }
    }
}
