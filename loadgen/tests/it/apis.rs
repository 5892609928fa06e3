//! Every API against the simulator, streamed and whole; keys, adapters and caches on the way.

use std::collections::BTreeMap;

use bench_contract::{Metric, Outcome, Report, TokenSource};
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran};

/// APIs that generate, and their paths.
const GENERATING: [(&str, &str); 4] = [
    ("completion", "/v1/completions"),
    ("chat", "/v1/chat/completions"),
    ("responses", "/v1/responses"),
    ("anthropic_messages", "/v1/messages"),
];

/// Sets a fault of the simulator.
type SetFault = fn(&mut SimArgs);

fn run(bench: &Bench, patch: Value) -> Ran {
    bench.run(&bench.config(patch), &[]).expect(0)
}

/// The bodies that were sent, in the order of their requests.
fn bodies(ran: &Ran) -> Vec<Value> {
    let mut entries = ran.json("per_request_lifecycle_metrics.json");
    let entries = entries.as_array_mut().unwrap();
    entries.sort_by_key(|entry| entry["request_index"].as_u64());
    let body = |entry: &Value| serde_json::from_str(entry["request"].as_str().unwrap()).unwrap();
    entries.iter().map(body).collect()
}

#[test]
fn every_api_is_measured_streamed_and_whole() {
    for (api, path) in GENERATING {
        for streaming in [true, false] {
            let mut bench = Bench::new(SimArgs {
                reasoning_tokens: 3,
                ..SimArgs::default()
            });
            let ran = run(
                &bench,
                json!({"api": {"type": api, "streaming": streaming}}),
            );
            let report = ran.report();
            assert_eq!(
                (report.counts.planned, report.counts.ok()),
                (50, 50),
                "{api}"
            );
            assert_eq!(report.target.api, api);
            let stage = &report.stages[0];
            assert_eq!(stage.lengths.output.as_ref().unwrap().total, 400, "{api}");
            assert_eq!(
                stage.lengths.token_sources.get(&TokenSource::Usage),
                Some(&50)
            );
            assert_eq!(stage.lengths.output_mismatches, 0);
            // A completion has no reasoning, and Anthropic's API does not count it.
            let reasons = matches!(api, "chat" | "responses");
            let reasoning = stage.lengths.reasoning.filter(|n| *n > 0);
            assert_eq!(reasoning, reasons.then_some(150), "{api}");
            assert_eq!(
                stage.metrics.contains_key(&Metric::Ttft),
                streaming,
                "{api}"
            );
            assert!(stage.metrics[&Metric::E2e].min.unwrap() >= 0.055);
            for record in ran.records() {
                let seen = (record.output_tokens, record.events);
                assert_eq!(seen, (Some(8), if streaming { 8 } else { 0 }), "{api}");
                assert_eq!(record.first_visible_ns.is_some(), streaming);
                if streaming {
                    let waits = record.first_visible_ns > record.first_token_ns;
                    assert_eq!(
                        waits,
                        api != "completion",
                        "{api}: reasoning is not visible"
                    );
                }
            }
            let truth = bench.truth();
            let of_api = truth.iter().filter(|line| line["path"] == path);
            assert_eq!(
                of_api.filter(|line| line["tokens"] == 8).count(),
                50,
                "{api}"
            );
            // Both count each prompt alike, by the id that the request carried.
            let records = ran.records();
            let counted: BTreeMap<u64, u64> = records
                .iter()
                .map(|record| (record.index, record.server_prompt_tokens.unwrap().into()))
                .collect();
            for line in &truth {
                let id = line["x_request_id"].as_str().unwrap();
                let index: u64 = id.rsplit('-').next().unwrap().parse().unwrap();
                assert_eq!(line["prompt_tokens"], counted[&index], "{api}");
            }
        }
    }
}

#[test]
fn embeddings_are_measured_to_the_end_of_their_reply() {
    let mut bench = Bench::new(SimArgs::default());
    let mut config = bench.config(json!({
        "api": {"type": "embeddings", "streaming": false},
        "slo": [{"metric": "e2e", "percentile": 50, "max": 30}]
    }));
    config["data"]
        .as_object_mut()
        .unwrap()
        .remove("output_distribution");
    let ran = bench.run(&config, &[]);
    let report = ran.report();
    assert_eq!(report.counts.ok(), 50, "{}", ran.stderr);
    let stage = &report.stages[0];
    assert_eq!(
        (&stage.lengths.output, stage.lengths.output_mismatches),
        (&None, 0)
    );
    assert!(stage.lengths.input_server.is_some());
    assert!(stage.metrics[&Metric::E2e].min.unwrap() >= 0.02);
    for metric in [Metric::Ttft, Metric::Tpot, Metric::Ntpot] {
        let reason = &stage.absent[&metric].reason;
        assert!(reason.contains("embeddings"), "{reason}");
    }
    for record in ran.records() {
        assert_eq!(
            (
                record.output_tokens_asked,
                record.output_tokens,
                record.events
            ),
            (0, None, 0)
        );
        assert!(record.last_token_ns.is_some() && record.first_token_ns.is_none());
    }
    assert!(
        bench
            .truth()
            .iter()
            .all(|line| line["path"] == "/v1/embeddings")
    );
}

fn count(report: &Report, outcome: Outcome) -> u64 {
    report.counts.outcomes.get(&outcome).copied().unwrap_or(0)
}

#[test]
fn whatever_goes_wrong_on_an_api_is_an_outcome_of_its_own() {
    let share = |set: SetFault| {
        let mut args = SimArgs {
            seed: 5,
            ..SimArgs::default()
        };
        set(&mut args);
        args
    };
    let faults: [(Outcome, SetFault); 5] = [
        (Outcome::HttpError, |args| args.fault_500 = 0.3),
        (Outcome::Reset, |args| args.fault_reset = 0.3),
        (Outcome::ProtocolError, |args| args.fault_malformed = 0.3),
        (Outcome::Truncated, |args| args.fault_truncate = 0.3),
        (Outcome::ServerErrorEvent, |args| {
            args.fault_error_event = 0.3;
        }),
    ];
    let ways = [
        ("responses", true),
        ("responses", false),
        ("anthropic_messages", true),
        ("anthropic_messages", false),
        ("embeddings", false),
    ];
    for (api, streaming) in ways {
        for (outcome, set) in faults {
            let mut bench = Bench::new(share(set));
            let patch = json!({"api": {"type": api, "streaming": streaming}, "load": {"stages": [{"rate": 100, "duration": 1}]}});
            let report = bench.run(&bench.config(patch), &[]).report();
            assert!(report.counts.is_conserved());
            let truth = bench.truth();
            let faulty = truth.iter().filter(|line| !line["fault"].is_null()).count() as u64;
            assert!(faulty > 10, "{api}: the simulator made {faulty} faults");
            let seen = (count(&report, outcome), report.counts.ok());
            assert_eq!(
                seen,
                (faulty, 100 - faulty),
                "{api} {streaming} {outcome:?}: {:?}",
                report.stages[0].errors
            );
            let errors = report.stages[0].errors.iter();
            let sample = errors
                .clone()
                .find(|error| error.outcome == outcome)
                .unwrap();
            assert!(!sample.message.is_empty());
            if outcome == Outcome::ServerErrorEvent {
                assert!(
                    sample.message.contains("the engine died"),
                    "{}",
                    sample.message
                );
            }
        }
    }
}

#[test]
fn requests_carry_what_the_config_adds() {
    let bench = Bench::new(SimArgs::default());
    let ran = run(
        &bench,
        json!({
            "api": {"type": "chat", "extra_body": {"temperature": 0, "ignore_eos": false},
                "response_format": {"json_schema": {"type": "object"}}},
            "report": {"request_lifecycle": {"per_request": true}}
        }),
    );
    for body in bodies(&ran) {
        assert_eq!(
            (&body["temperature"], &body["ignore_eos"]),
            (&json!(0), &json!(false))
        );
        assert_eq!(
            body["response_format"]["json_schema"]["name"],
            "structured_output"
        );
        assert_eq!(
            (&body["max_tokens"], body.get("min_tokens")),
            (&json!(8), None)
        );
    }
}

#[test]
fn load_is_split_over_adapters_by_the_seed() {
    let models = |seed: u64| {
        let mut bench = Bench::new(SimArgs::default());
        let ran = run(
            &bench,
            json!({
                "load": {"seed": seed, "stages": [{"rate": 100, "duration": 1}],
                    "lora_traffic_split": [{"name": "sql", "split": 0.75}, {"name": "chat", "split": 0.25}]},
                "report": {"request_lifecycle": {"per_request": true}}
            }),
        );
        let mut records = ran.records();
        records.sort_by_key(|record| record.index);
        let adapters: Vec<String> = records
            .into_iter()
            .map(|record| record.adapter.unwrap())
            .collect();
        let asked: Vec<String> = bodies(&ran)
            .iter()
            .map(|body| body["model"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(asked, adapters);
        let mut counts = BTreeMap::new();
        for adapter in &adapters {
            *counts.entry(adapter.clone()).or_insert(0_u64) += 1;
        }
        assert_eq!(ran.report().stages[0].adapters, counts);
        assert!(ran.stdout.contains("adapters"), "{}", ran.stdout);
        assert!(
            ran.stderr.contains("does not list the adapter `sql`"),
            "{}",
            ran.stderr
        );
        assert_eq!(bench.truth().len(), 100);
        (adapters, counts["sql"])
    };
    let (first, sql) = models(3);
    // 100 draws of 0.75: five standard deviations are 22.
    assert!((53..=97).contains(&sql), "{sql}");
    assert_eq!(models(3).0, first);
    assert_ne!(models(4).0, first);
}

#[test]
fn what_the_server_had_in_its_cache_is_counted() {
    for (api, _) in GENERATING {
        let mut bench = Bench::new(SimArgs {
            prefix_cache: true,
            ..SimArgs::default()
        });
        let config = bench.config(json!({
            "api": {"type": api, "streaming": true}, "data": {"salt": "none"}, "load": {"seed": 9}
        }));
        let ran = || bench.run(&config, &[]).expect(0).report();
        let (first, again) = (ran(), ran());
        let cached = |report: &Report| report.stages[0].lengths.input_cached.unwrap();
        assert_eq!(cached(&first), 0, "{api}: every prompt is new");
        // Of each prompt, all whole blocks but the one that holds its last token.
        let known: u64 = again.stages[0].lengths.input_server.as_ref().unwrap().total;
        assert!(cached(&again) >= 50 * 16 && cached(&again) < known, "{api}");
        let truth = bench.truth();
        let told: u64 = truth
            .iter()
            .map(|line| line["cached_tokens"].as_u64().unwrap())
            .sum();
        assert_eq!(told, cached(&again), "{api}");
    }
}
