use super::*;
use crate::chart::Chart;
use crate::pipeline::{Checked, Skip};
use crate::values::{Sources, load};

fn resolved(sources: &Sources) -> Run {
    let chart = Chart::built_in().unwrap();
    let checked = Checked::new(&chart, load(sources), Skip::default());
    checked.resolved(&chart).unwrap().1
}

fn run_of(set: &[&str]) -> Run {
    resolved(&Sources {
        set: set.iter().map(|text| (*text).to_owned()).collect(),
        ..Sources::default()
    })
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
    assert!((stage.requests.unwrap() - 9000.0).abs() < 1e-9);
    let output = stage.output_tokens.unwrap() / 9000.0;
    let expected = 15.0 * (0.5 + (output - 1.0) * 0.02);
    assert!((stage.in_flight.unwrap() - expected).abs() < 1e-9);
    assert!(stage.in_flight_peak.unwrap() > expected);
    assert!(plan.seconds > 600.0 && plan.seconds < plan.seconds_at_most.unwrap());
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
    // Only the stages that it is judged on count, and together where it is judged on the whole.
    let two = "benchmark.scenarios.baseline.load.stages[1].rate=1,benchmark.scenarios.baseline.load.stages[1].duration=200";
    let on = |stages: &str| format!("benchmark.slo[0].stages={stages}");
    assert_eq!(codes(&[slo, &stages("368"), two]), ["B131"]);
    assert_eq!(codes(&[slo, &stages("368"), two, &on("{0}")]), [""; 0]);
    assert_eq!(codes(&[slo, &stages("200"), two, &on("whole")]), [""; 0]);
    assert_eq!(codes(&[slo, &stages("100"), two, &on("whole")]), ["B131"]);
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

fn planned(load: &str) -> Plan {
    let set = format!("benchmark.scenarios.production.load={load}");
    let run = resolved(&Sources {
        set: vec!["benchmark.scenario=production".to_owned()],
        set_json: vec![set],
        ..Sources::default()
    });
    plan(
        &run,
        Assumption {
            ttft: 0.5,
            tpot: 0.02,
        },
    )
}

#[test]
fn a_ramp_is_its_mean_and_its_peak() {
    let ramp =
        planned(r#"{"stages": [{"rate": 5, "endRate": 25, "duration": 600}], "type": "constant"}"#);
    let flat = planned(r#"{"stages": [{"rate": 25, "duration": 600}], "type": "constant"}"#);
    assert_eq!(ramp.stages[0].requests, Some(9000.0));
    assert_eq!(ramp.connections, flat.connections);
    assert!(ramp.stages[0].in_flight < flat.stages[0].in_flight);
    let steps = planned(
        r#"{"stages": [{"rate": 5, "endRate": 25, "steps": 3, "duration": 600}], "type": "constant"}"#,
    );
    let rates: Vec<_> = steps
        .stages
        .iter()
        .map(|stage| (stage.rate, stage.duration))
        .collect();
    assert_eq!(
        rates,
        [5.0, 15.0, 25.0].map(|rate| (Some(rate), Some(200.0)))
    );
}

#[test]
fn a_closed_loop_takes_as_long_as_the_server() {
    let plan_of =
        |stage: &str| planned(&format!(r#"{{"type": "concurrent", "stages": [{stage}]}}"#));
    let counted = plan_of(r#"{"concurrencyLevel": 10, "numRequests": 1000}"#);
    let stage = &counted.stages[0];
    let output = stage.output_tokens.unwrap() / 1000.0;
    let service = 0.5 + (output - 1.0) * 0.02;
    assert!((stage.duration.unwrap() - 100.0 * service).abs() < 1e-6);
    assert_eq!(
        (stage.in_flight, counted.connections),
        (Some(10.0), Some(10.0))
    );
    // A hundred requests in each lane, and each may take 300 s.
    assert_eq!(counted.seconds_at_most, Some(30_000.0 + 301.0));
    let timed = plan_of(r#"{"concurrencyLevel": 10, "duration": 600}"#);
    assert!((timed.stages[0].requests.unwrap() - 6000.0 / service).abs() < 1e-6);
    assert_eq!(timed.seconds_at_most, Some(600.0 + 301.0));
}

#[test]
fn of_a_trace_nobody_knows_the_length_here() {
    let load = |more: &str| {
        planned(&format!(
            r#"{{"type": "trace_replay", "trace": {{"file": "/traces/a.csv"}}{more}}}"#
        ))
    };
    // The preset's own stages and lengths are those of another load.
    let whole = load("");
    assert_eq!((whole.stages.len(), whole.stages[0].requests), (1, None));
    assert_eq!((whole.seconds_at_most, whole.input_tokens), (None, None));
    assert!(whole.is_open());
    let part = load(r#", "stages": [{"duration": 600}]"#);
    assert_eq!(part.seconds_at_most, Some(901.0));
}

#[test]
fn a_cap_below_what_is_expected_is_doubted() {
    let cap = |most: u32| {
        let set = format!("benchmark.scenarios.production.load.maxInFlight={most}");
        let run = run_of(&["benchmark.scenario=production", &set]);
        doubts(&run, Assumption::default())
            .iter()
            .map(|p| p.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(cap(50), ["B133"]);
    assert_eq!(cap(1000), [""; 0]);
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
            assert!(
                Some(plan.seconds) <= plan.seconds_at_most,
                "{scenario}: {plan:?}"
            );
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
