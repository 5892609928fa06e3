use super::*;

/// Lengths at the quantiles of a distribution, so that no luck is needed.
fn spread(count: u32, of: impl Fn(f64) -> f64) -> Vec<u32> {
    (0..count)
        .map(|index| of((f64::from(index) + 0.5) / f64::from(count)).round() as u32)
        .collect()
}

/// The normal variate of a probability, by bisection.
fn z(probability: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn fitted(lengths: Vec<u32>) -> FittedLengths {
    FittedLengths::of(lengths.into_iter())
}

#[test]
fn the_shape_that_made_the_data_is_found() {
    use bench_contract::config::DistributionType as Type;
    let log = fitted(spread(5000, |p| 10.0 + (5.0 + 0.8 * z(p)).exp()));
    assert_eq!(log.distribution.kind, Some(Type::Lognormal));
    assert!(log.distance < 0.05, "{log:?}");
    let normal = fitted(spread(5000, |p| 1000.0 + 100.0 * z(p)));
    assert_eq!(normal.distribution.kind, Some(Type::Normal));
    assert!(normal.distance < 0.02, "{normal:?}");
    let uniform = fitted(spread(5000, |p| 100.0 + 900.0 * p));
    assert_eq!(uniform.distribution.kind, Some(Type::Uniform));
    let fixed = fitted(vec![128; 50]);
    assert_eq!(fixed.distribution.kind, Some(Type::Fixed));
    assert!(fixed.distance < 1e-9);
}

#[test]
fn rates_and_gaps() {
    let at = |at: f64| Traced {
        at,
        input: 10,
        output: 5,
    };
    let equal: Vec<Traced> = (0..=100).map(|k| at(f64::from(k) / 2.0)).collect();
    let fit_of = fit(equal, 2).unwrap();
    assert!(fit_of.gap_variation < 1e-9);
    assert_eq!(fit_of.process(), (LoadType::Constant, None));
    assert_eq!(fit_of.rates, [2.0, 2.04]);
    let poisson: Vec<Traced> = spread(2000, |p| -(1.0 - p).ln() * 1e6)
        .into_iter()
        .scan(0.0, |now, gap| {
            *now += f64::from(gap) / 1e6;
            Some(at(*now))
        })
        .collect();
    let fit_of = fit(poisson, 1).unwrap();
    assert!((fit_of.gap_variation - 1.0).abs() < 0.02, "{fit_of:?}");
    assert_eq!(fit_of.process(), (LoadType::Poisson, None));
    // Ten at once and then a pause: nine gaps of 0 and one of 1 have a coefficient of variation of 3.
    let bursts: Vec<Traced> = (0..1000).map(|k| at(f64::from(k / 10))).collect();
    let fit_of = fit(bursts, 1).unwrap();
    assert!((fit_of.gap_variation - 3.0).abs() < 0.05, "{fit_of:?}");
    assert_eq!(fit_of.process(), (LoadType::Gamma, Some(0.11)));
    assert!(fit(vec![at(0.0); 5], 1).is_err());
    assert!(fit(Vec::new(), 1).is_err());
}

#[test]
fn both_kinds_of_trace_are_read() {
    let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.5000000,374,44\n2024-03-01 00:00:01.5+00:00,396,109\n";
    let read_azure = read(azure.as_bytes()).unwrap();
    assert_eq!((read_azure[0].input, read_azure[0].output), (374, 44));
    let days = read_azure[1].at - read_azure[0].at;
    // 105 days, 5 hours, 44 minutes and 15 seconds, a 29 February among them.
    assert!(
        (days - (105.0 * 86_400.0 + 20_655.0)).abs() < 1e-6,
        "{days}"
    );
    let ours = r#"{"stage":0,"index":0,"outcome":"ok","scheduled_ns":1500000000,"input_tokens_asked":100,"output_tokens_asked":20,"output_tokens":19,"request_bytes":1,"events":19}"#;
    let read_ours = read(ours.as_bytes()).unwrap();
    assert_eq!(
        read_ours,
        [Traced {
            at: 0.0,
            input: 100,
            output: 19
        }]
    );
    let error = read("a,b\n".as_bytes()).unwrap_err();
    assert_eq!(error.line, 1);
    let error = read(format!("{azure}x,1,2\n").as_bytes()).unwrap_err();
    assert_eq!((error.line, error.reason.as_str()), (4, "`x` is no time"));
}
