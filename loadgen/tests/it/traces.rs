//! Traces that are replayed.

use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::loads::only_stage;

const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2023-11-16 18:15:46.6805900,40,3\n2023-11-16 18:15:46.9805901,8,5\n\
    2023-11-16 18:15:46.9805901,300,1\n2023-11-16 18:15:48.6805900,16,8\n";

fn replay(bench: &Bench, text: &str, trace: Value) -> Value {
    let file = bench.folder.path().join("trace.csv");
    std::fs::write(&file, text).unwrap();
    let mut config = bench.config(json!({"load": {"type": "trace_replay", "trace": trace}}));
    config["load"]["trace"]["file"] = file.to_str().unwrap().into();
    config["load"].as_object_mut().unwrap().remove("stages");
    config["data"] = json!({"type": "random"});
    config
}

#[test]
fn a_trace_is_replayed_with_its_instants_and_lengths_faster_if_asked() {
    let bench = Bench::new(SimArgs::default());
    let config = replay(&bench, TRACE, json!({"speedup": 4}));
    let ran = bench.run(&config, &[]).expect(0);
    let stage = only_stage(&ran);
    let origin = (stage.origin_s * 1e9).round() as u64;
    let mut records = ran.records();
    records.sort_by_key(|record| record.index);
    let sent: Vec<(u64, u32, Option<u32>)> = records
        .iter()
        .map(|record| {
            (
                record.scheduled_ns - origin,
                record.input_tokens_asked,
                record.output_tokens,
            )
        })
        .collect();
    assert_eq!(
        sent,
        [
            (0, 40, Some(3)),
            (75_000_025, 8, Some(5)),
            (75_000_025, 300, Some(1)),
            (500_000_000, 16, Some(8))
        ]
    );
    assert_eq!(
        (stage.load.requests, stage.load.speedup),
        (Some(4), Some(4.0))
    );
    assert_eq!(stage.load.duration_s, Some(0.5));

    // inference-perf's own form: a stage whose rate and duration count requests.
    let mut config = replay(&bench, TRACE, json!({"format": "AzurePublicDataset"}));
    config["load"]["stages"] = json!([{"rate": 3, "duration": 1}, {"duration": 0.2}]);
    let counts: Vec<u64> = bench
        .run(&config, &[])
        .expect(0)
        .report()
        .stages
        .iter()
        .map(|stage| stage.counts.ok())
        .collect();
    assert_eq!(counts, [3, 1]);
}

#[test]
fn the_records_of_a_run_are_a_trace_too() {
    let bench = Bench::new(SimArgs::default());
    let first = bench.run(&bench.config(json!({})), &[]).expect(0);
    let records = first.results.join("requests.jsonl.zst");
    let kept = bench.folder.path().join("first.jsonl.zst");
    std::fs::copy(records, &kept).unwrap();
    let mut config = replay(&bench, "", json!({"speedup": 2}));
    config["load"]["trace"]["file"] = kept.to_str().unwrap().into();
    let stage = only_stage(&bench.run(&config, &[]).expect(0));
    assert_eq!((stage.counts.ok(), stage.load.duration_s), (50, Some(0.49)));
}

#[test]
fn a_trace_that_cannot_be_replayed_is_named_with_its_line_before_anything_is_sent() {
    let bench = Bench::new(SimArgs::default());
    let unsorted = format!("{TRACE}2023-11-16 18:15:47.0,1,1\n");
    let broken = format!("{TRACE}soon,1,1\n");
    for (text, reason) in [
        (
            unsorted.as_str(),
            "line 6: this request is earlier than the one before it",
        ),
        (broken.as_str(), "line 6: `soon` is no time"),
        ("a,b,c\n", "line 1: no column timestamp"),
    ] {
        let ran = bench.run(&replay(&bench, text, json!({})), &[]).expect(3);
        assert!(
            ran.stderr.contains(reason) && ran.stdout.is_empty(),
            "{}",
            ran.stderr
        );
    }
    let mut config = replay(&bench, TRACE, json!({}));
    config["load"]["trace"]["file"] = "/no/such/trace.csv".into();
    let ran = bench.run(&config, &[]).expect(3);
    assert!(
        ran.stderr
            .contains("cannot read the trace /no/such/trace.csv"),
        "{}",
        ran.stderr
    );
    assert_eq!(bench.sim.as_ref().unwrap().stats().requests, 0);
}
