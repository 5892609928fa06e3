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
    assert!(log.distance < 0.01, "{log:?}");
    assert!(log.distribution.min.abs_diff(10) <= 10, "{log:?}");
    let normal = fitted(spread(5000, |p| 1000.0 + 100.0 * z(p)));
    assert_eq!(normal.distribution.kind, Some(Type::Normal));
    assert!(normal.distance < 0.005, "{normal:?}");
    let uniform = fitted(spread(5000, |p| 100.0 + 900.0 * p));
    assert_eq!(uniform.distribution.kind, Some(Type::Uniform));
    assert!(uniform.distance < 0.005, "{uniform:?}");
    let fixed = fitted(vec![128; 50]);
    assert_eq!(fixed.distribution.kind, Some(Type::Fixed));
    assert!(fixed.distance < 1e-9);
}

#[test]
fn outliers_decide_nothing_but_the_limits() {
    use bench_contract::config::DistributionType as Type;
    let clean = spread(20_000, |p| (900_f64.ln() + 0.3 * z(p)).exp());
    let mut dirty = clean.clone();
    dirty.extend([1, 120_000]);
    for lengths in [clean, dirty] {
        let mean = lengths.iter().map(|&n| f64::from(n)).sum::<f64>() / lengths.len() as f64;
        let log = fitted(lengths);
        assert_eq!(log.distribution.kind, Some(Type::Lognormal));
        assert!(log.distance < 0.003, "{log:?}");
        assert!((log.model_mean() / mean - 1.0).abs() < 0.01, "{log:?}");
    }
    let mut uniform = spread(5000, |p| 100.0 + 900.0 * p);
    uniform.push(50_000);
    let uniform = fitted(uniform);
    assert_eq!(uniform.distribution.kind, Some(Type::Uniform));
    assert!(uniform.distance < 0.005, "{uniform:?}");
}

#[test]
fn whatever_the_data_the_values_are_allowed() {
    let mixed: Vec<u32> = (0..100)
        .map(|k| if k % 2 == 0 { 20 } else { 30_000 })
        .collect();
    let tail: Vec<u32> = (1..=200).map(|k| 10 + 1_000_000 / (k * k)).collect();
    for lengths in [
        mixed,
        tail,
        vec![1, 2],
        vec![7; 9],
        vec![0, 0, 5],
        (1..=20).collect(),
    ] {
        let fit = fitted(lengths.clone());
        let found = &fit.distribution;
        let limits = f64::from(found.min)..=f64::from(found.max);
        assert!(
            found.min >= 1 && limits.contains(&found.mean),
            "{lengths:?} {fit:?}"
        );
        assert!((0.0..=1.0).contains(&fit.distance), "{lengths:?} {fit:?}");
    }
}

fn at(at: f64) -> Traced {
    Traced {
        at,
        input: 10,
        output: 5,
    }
}

/// Arrivals as of a Poisson process, each gap at its quantile, in an order that mixes short and long ones.
fn poisson(count: u32, rate: impl Fn(f64) -> f64) -> Vec<Traced> {
    let mut now = 0.0;
    (0..count)
        .map(|index| {
            // The multiples of an irrational number, modulo 1, are spread evenly, and their order looks like none.
            let p = (f64::from(index) * 0.754_877_666_246_693).fract();
            now += -(1.0 - p).ln() / rate(now);
            at(now)
        })
        .collect()
}

#[test]
fn a_rate_that_changes_is_no_burst() {
    // Between 1/s and 19/s, over two days that last 1000 s.
    let daily = |now: f64| 10.0 + 9.0 * (now / 500.0 * std::f64::consts::PI).sin();
    let trace = poisson(10_000, daily);
    let whole = fit(trace.clone(), 1).unwrap();
    assert!(whole.gap_variation > 1.2, "{}", whole.gap_variation);
    let Variation::Changing(parts) = whole.variation() else {
        unreachable!("{:?}", whole.variation());
    };
    let cut = fit(trace, parts).unwrap();
    assert!(cut.gap_variation < 1.2, "{}", cut.gap_variation);
    assert_eq!(cut.variation(), Variation::Poisson);
    // Five at once, five times as rarely: no cut makes Poisson arrivals of them.
    let bursts = poisson(2000, |_| 2.0)
        .into_iter()
        .flat_map(|first| (0..5).map(move |k| at(first.at + 0.001 * f64::from(k))))
        .collect();
    assert_eq!(fit(bursts, 1).unwrap().variation(), Variation::Bursts);
}

#[test]
fn stages_last_as_long_as_they_are_asked_to() {
    let mut trace: Vec<Traced> = (0..100).map(|k| at(f64::from(k) / 10.0)).collect();
    trace.push(at(40.0));
    let found = fit(trace, 7).unwrap();
    let schedule = found.schedule(60.0).unwrap();
    assert_eq!(schedule.empty, 4);
    let sent: u64 = schedule.stages.iter().map(|(_, duration)| duration).sum();
    assert_eq!(sent + schedule.left_out, 60);
    assert!(found.doubts(&schedule).iter().any(|doubt| {
        doubt.message
            == format!(
                "4 of 7 parts of the trace hold no request and are left out: {} s",
                schedule.left_out
            )
    }));
    assert!(found.schedule(7.0).is_some());
    assert_eq!(found.schedule(6.0), None);
    assert_eq!(found.schedule(0.0), None);
}

#[test]
fn rates_and_gaps() {
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
    let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.5000000,374,44\n2024-03-01 00:00:01.5,396,109\n";
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
    let wrong = |text: &str| match read(text.as_bytes()) {
        Err(TraceError::Line { line, reason }) => (line, reason),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(wrong("a,b\n").0, 1);
    let with = |line: &str| wrong(&format!("{azure}{line}\n"));
    assert_eq!(with("x,1,2"), (4, "`x` is no time".to_owned()));
    assert_eq!(
        with("5.5,1,2").1,
        "`5.5` is a number of seconds, and the first time is a date without a zone"
    );
    assert_eq!(
        with("2024-03-01 00:00:01Z,1,2").1,
        "`2024-03-01 00:00:01Z` is a date with a zone, and the first time is a date without a zone"
    );
    assert_eq!(with(ours).0, 4);
    let semicolons = azure.replace(',', ";");
    assert_eq!(read(semicolons.as_bytes()).unwrap(), read_azure);
}

#[test]
fn compressed_traces_are_read_to_their_end() {
    let text = "time,input_tokens,output_tokens\n1,2,3\n2.5,4,5\n";
    let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(
        read(compressed.as_slice()).unwrap(),
        read(text.as_bytes()).unwrap()
    );
    let cut = &compressed[..compressed.len() - 4];
    assert!(matches!(read(cut), Err(TraceError::Io(_))));
    assert!(matches!(
        read(&b"time,input_tokens\xff"[..]),
        Err(TraceError::Line { line: 1, .. })
    ));
    assert_eq!(read(&b""[..]).unwrap(), []);
}
