use super::*;
use crate::chart::Chart;
use crate::pipeline::{Skip, merge, run};
use crate::values::Sources;

fn run_of(set: &[&str]) -> Run {
    let chart = Chart::built_in().unwrap();
    let sources = Sources {
        set: set.iter().map(|text| (*text).to_owned()).collect(),
        ..Sources::default()
    };
    let mut merged = merge(&chart, &sources, Skip::default()).unwrap();
    run(&chart, &mut merged).unwrap()
}

#[test]
fn littles_law_gives_requests_in_flight() {
    let plan = plan(
        &run_of(&["benchmark.scenario=production"]),
        Assumption {
            ttft: 0.5,
            tpot: 0.02,
        },
    );
    let [stage] = plan.stages.as_slice() else {
        panic!("one stage")
    };
    assert!((stage.requests - 9000.0).abs() < 1e-9);
    let output = stage.output_tokens.unwrap() / stage.requests;
    let expected = 15.0 * (0.5 + (output - 1.0) * 0.02);
    assert!((stage.in_flight.unwrap() - expected).abs() < 1e-9);
    assert!(stage.in_flight_peak.unwrap() > expected);
    assert!(plan.seconds > 600.0 && plan.seconds < plan.seconds_at_most);
}

#[test]
fn warmup_comes_first_and_nobody_knows_the_length_of_mock_prompts() {
    let run = run_of(&[
        "benchmark.scenarios.baseline.load.warmup.duration=30",
        "benchmark.scenarios.baseline.data.type=mock",
    ]);
    let plan = plan(&run, Assumption::default());
    let names: Vec<&str> = plan.stages.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["warm-up", "0"]);
    assert_eq!(plan.input_tokens, None);
    assert_eq!(plan.connections, None);
}

#[test]
fn doubts_are_about_what_cannot_pass() {
    let codes = |set: &[&str]| -> Vec<&'static str> {
        doubts(&run_of(set)).iter().map(|p| p.code).collect()
    };
    let slo = "benchmark.slo[0].metric=ttft,benchmark.slo[0].percentile=99,benchmark.slo[0].max=1";
    let stages =
        |duration: &str| format!("benchmark.scenarios.baseline.load.stages[0].duration={duration}");
    assert_eq!(codes(&[slo, &stages("367")]), ["B131"]);
    assert_eq!(codes(&[slo, &stages("368")]), [""; 0]);
    assert_eq!(
        codes(&["benchmark.slo[0].metric=error_rate,benchmark.slo[0].max=0"]),
        ["B131"]
    );
    assert_eq!(
        codes(&[
            "benchmark.api.connections=fresh",
            "benchmark.scenarios.baseline.load.stages[0].rate=500"
        ]),
        ["B132"]
    );
}
