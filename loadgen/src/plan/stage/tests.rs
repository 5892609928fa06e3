use super::*;
use crate::plan::stages;
use bench_contract::Config;
use proptest::prelude::*;

fn config() -> Config {
    serde_json::from_value(serde_json::json!({
        "data": {"type": "synthetic",
            "input_distribution": {"mean": 100, "std_dev": 50, "min": 10, "max": 400},
            "output_distribution": {"mean": 20, "std_dev": 5, "min": 1, "max": 40}},
        "load": {"type": "poisson", "stages": [{"rate": 20, "duration": 5}, {"rate": 50, "duration": 5}],
            "warmup": {"duration": 2}, "cancel": {"fraction": 0.25, "after": "2s"}}
    }))
    .unwrap()
}

fn all(plan: &StagePlan) -> Vec<Planned> {
    (0..plan.len().unwrap())
        .map(|index| plan.planned(index))
        .collect()
}

#[test]
fn the_warmup_comes_first_and_shares_no_draws_with_the_stages() {
    let specs = stages(&config(), None).unwrap();
    assert_eq!(
        specs
            .iter()
            .map(|s| (s.number, s.warmup))
            .collect::<Vec<_>>(),
        [(0, true), (0, false), (1, false)]
    );
    assert_ne!(specs[0].plan(1).due_ns(0), specs[1].plan(1).due_ns(0));
}

#[test]
fn who_is_given_up_is_drawn_at_the_share_asked_for_and_shifts_nothing_else() {
    let mut config = config();
    config.load.stages[1].duration = Some(bench_contract::Seconds::whole(400));
    let plan = |config: &Config| all(&stages(config, None).unwrap()[2].plan(7));
    let with = plan(&config);
    config.load.cancel = None;
    let without = plan(&config);
    let drawn = with
        .iter()
        .filter(|p| p.cancel_after_ns == Some(2_000_000_000))
        .count() as f64;
    let n = with.len() as f64;
    // Four standard deviations of a binomial count.
    assert!(
        (drawn - 0.25 * n).abs() < 4.0 * (n * 0.25 * 0.75).sqrt(),
        "{drawn} of {n}"
    );
    let blank = |p: &Planned| Planned {
        cancel_after_ns: None,
        ..*p
    };
    assert_eq!(with.iter().map(blank).collect::<Vec<_>>(), without);
}

#[test]
fn an_hour_of_a_thousand_a_second_takes_eight_bytes_a_request() {
    let mut config = config();
    config.load.stages[0] =
        serde_json::from_value(serde_json::json!({"rate": 1000, "duration": 3600})).unwrap();
    let plan = stages(&config, None).unwrap()[1].plan(1);
    let bytes = size_of_val(&*plan.due_ns);
    assert_eq!(bytes as u64, plan.len().unwrap() * 8);
}

#[test]
fn adapters_are_drawn_by_their_shares_and_shift_nothing_else() {
    let mut config = config();
    let without = all(&stages(&config, None).unwrap()[2].plan(7));
    config.load.lora_traffic_split = serde_json::from_value(serde_json::json!([
        {"name": "a", "split": 0.7}, {"name": "none", "split": 0}, {"name": "b", "split": 0.3}
    ]))
    .unwrap();
    config.load.stages[1].duration = Some(bench_contract::Seconds::whole(400));
    let spec = &stages(&config, None).unwrap()[2];
    let plan = all(&spec.plan(7));
    let of = |place| plan.iter().filter(|p| p.adapter == Some(place)).count() as f64;
    let n = plan.len() as f64;
    assert_eq!(of(0) + of(1), n);
    // Four standard deviations of a binomial count.
    assert!((of(0) - 0.7 * n).abs() < 4.0 * (n * 0.7 * 0.3).sqrt());
    assert_eq!(plan, all(&spec.plan(7)));
    for (with, without) in plan.iter().zip(&without) {
        assert_eq!(
            Planned {
                adapter: None,
                ..*with
            },
            *without
        );
    }
    let adapters = spec.adapters.as_ref().unwrap();
    assert_eq!((adapters.name(1), adapters.name(2)), (Some("b"), None));
}

proptest! {
    #[test]
    fn the_workers_shares_are_the_plan(seed: u64, workers in 1usize..9) {
        for spec in stages(&config(), None).unwrap() {
            let plan = spec.plan(seed);
            let mut union: Vec<u64> =
                (0..workers).flat_map(|worker| plan.share(worker, workers)).collect();
            union.sort_unstable();
            prop_assert_eq!(union, (0..plan.len().unwrap()).collect::<Vec<_>>());
        }
    }
}
