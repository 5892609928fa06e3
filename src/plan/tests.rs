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
    let names: Vec<StageName> = plan.stages.iter().map(|stage| stage.name).collect();
    assert_eq!(names, [StageName::WarmUp, StageName::Measured(0)]);
    assert_eq!(plan.input_tokens, None);
    assert_eq!(plan.connections, None);
}

#[test]
fn doubts_are_about_what_cannot_pass() {
    let codes = |set: &[&str]| -> Vec<&'static str> {
        doubts(&run_of(set), Assumption::default())
            .iter()
            .map(|p| p.code)
            .collect()
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

#[test]
fn doubts_follow_from_the_assumption() {
    let run = run_of(&["benchmark.scenario=production"]);
    let slow = |ttft, tpot| doubts(&run, Assumption { ttft, tpot });
    assert_eq!(slow(0.5, 0.025), []);
    let found = slow(20.0, 0.8);
    let codes: Vec<&str> = found.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["B134"]);
    let notes = found[0].notes.concat();
    assert!(notes.contains("at 20000 ms to the first token and 800 ms"));
    let many = run_of(&[
        "benchmark.scenario=production",
        "benchmark.scenarios.production.load.stages[0].rate=200",
    ]);
    let codes = |assumption| -> Vec<&str> {
        let found = doubts(&many, assumption);
        found.iter().map(|problem| problem.code).collect()
    };
    assert_eq!(codes(Assumption::default()), [""; 0]);
    let slow = Assumption {
        ttft: 20.0,
        tpot: 0.3,
    };
    assert_eq!(codes(slow), ["B132"]);
}

#[test]
fn however_slow_the_server_the_plan_takes_no_longer_than_it_can() {
    for scenario in ["baseline", "saturation", "sweep", "production"] {
        let run = run_of(&[
            &format!("benchmark.scenario={scenario}"),
            "benchmark.engine=inference-perf",
        ]);
        for (ttft, tpot) in [(0.1, 0.01), (20.0, 5.0), (1e6, 1e6)] {
            let plan = plan(&run, Assumption { ttft, tpot });
            assert!(plan.seconds <= plan.seconds_at_most, "{scenario}: {plan:?}");
        }
    }
}

#[test]
fn an_assumption_comes_from_the_objectives_unless_it_is_given() {
    let slo = "benchmark.slo[0].metric=ttft,benchmark.slo[0].percentile=99,benchmark.slo[0].max=2";
    let assumed = Assumption::of(&run_of(&[slo]));
    assert_eq!((assumed.ttft, assumed.tpot), (2.0, 0.025));
    let given = assumed.with(Some(Seconds::whole(3)), None);
    assert_eq!((given.ttft, given.tpot), (3.0, 0.025));
}
