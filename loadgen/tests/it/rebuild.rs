//! Reports made of what a run has left: the run's own where it has ended, and what can be known where it was killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use bench_contract::trace::unpacked;
use bench_contract::{FailOn, Metric, RecordReader, Report, RunStatus};
use bench_report::{Rebuild, Rebuilt, StageCollector, inference_perf};
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran};

pub(crate) fn rebuilt(results: &Path) -> Rebuilt {
    let text = std::fs::read(results.join("report.json")).unwrap();
    let head: Report = serde_json::from_slice(&text).unwrap();
    let file = File::open(results.join("requests.jsonl.zst")).unwrap();
    let mut records = RecordReader::new(unpacked(BufReader::new(file)).unwrap());
    let mut rebuild = Rebuild::new(head).unwrap();
    while let Some(record) = records.read().unwrap() {
        rebuild.add(&record).unwrap();
    }
    let all = [FailOn::Slo, FailOn::Inconclusive, FailOn::Error];
    rebuild.finish(records.cut(), &all).unwrap()
}

#[test]
fn records_give_the_report_that_was_written() {
    let bench = Bench::new(SimArgs::default());
    let slo = json!([{"metric": "ttft_scheduled", "percentile": 50, "max": "30s"},
        {"metric": "itl", "percentile": 90, "max": "30s"}, {"metric": "goodput", "min": 0.5}]);
    for per_request in [false, true] {
        let ran = bench.run(
            &bench.config(json!({
                "api": {"headers": {"x-slo-tpot-ms": "30000", "x-secret": "s3cret"}},
                "load": {"stages": [{"rate": 40, "duration": 1}, {"rate": 20, "duration": 1}], "warmup": {"duration": 1}},
                "report": {"request_lifecycle": {"per_request": per_request},
                    "goodput": {"constraints": {"ttft": "30s"}}},
                "slo": slo,
            })),
            &[],
        );
        let mut written = ran.report();
        let headers = &written.config["api"]["headers"];
        assert_eq!(
            (&headers["x-secret"], &headers["x-slo-tpot-ms"]),
            (&json!("<redacted>"), &json!("30000"))
        );
        assert_eq!(
            written.stages[0].goodput.as_ref().unwrap().attainment.len(),
            2
        );
        let made = rebuilt(&ran.results);
        assert_eq!(made.missing, Vec::<String>::new());
        same_files(&ran, &made);
        let mut made = made.report;
        if per_request {
            // Reads are kept to the microsecond, and so are the bins that they fall into. Token gaps are those that were counted.
            for report in [&mut made, &mut written] {
                let series = report.series.as_mut().unwrap();
                (series.chunk_gap_p50, series.chunk_gap_p99) = (Vec::new(), Vec::new());
                assert_eq!(series.output_tokens.iter().sum::<u64>(), 60 * 8);
                series.output_tokens.clear();
            }
        }
        let json = |report: &Report| serde_json::to_value(report).unwrap();
        assert_eq!(differences(&json(&made), &json(&written), ""), [""; 0]);
    }
}

/// inference-perf's files that records give are those that the run has written; their gaps are to the microsecond.
fn same_files(ran: &Ran, made: &Rebuilt) {
    let collectors: Vec<&StageCollector> =
        made.stages.iter().map(|stage| &stage.collector).collect();
    let mut files = vec![(
        "summary_lifecycle_metrics.json".to_owned(),
        inference_perf::summary(&collectors),
    )];
    files.extend(made.stages.iter().map(|stage| {
        let name = format!("stage_{}_lifecycle_metrics.json", stage.facts.stage);
        (name, inference_perf::stage(&stage.collector, &stage.facts))
    }));
    assert_eq!(files.len(), 3);
    for (name, made) in files {
        let written = ran.json(&name);
        let gaps = "/successes/latency/inter_token_latency";
        assert!(
            written.pointer(gaps).is_some_and(|gaps| !gaps.is_null()),
            "{written}"
        );
        let differ: Vec<String> = differences(&made, &written, "")
            .into_iter()
            .filter(|text| !text.starts_with(gaps))
            .collect();
        assert_eq!(differ, [""; 0], "{name}");
        let mean = format!("{gaps}/mean");
        let of = |value: &Value| value.pointer(&mean).and_then(Value::as_f64).unwrap();
        assert!((of(&made) - of(&written)).abs() < 2e-6, "{name}");
    }
}

/// Where two values differ by more than the last digit of a number, which reading it may change.
fn differences(a: &Value, b: &Value, path: &str) -> Vec<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let at = |map: &serde_json::Map<String, Value>, key: &str| {
                map.get(key).cloned().unwrap_or(Value::Null)
            };
            keys.into_iter()
                .flat_map(|key| differences(&at(a, key), &at(b, key), &format!("{path}/{key}")))
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => (0..)
            .zip(a.iter().zip(b))
            .flat_map(|(k, (a, b))| differences(a, b, &format!("{path}/{k}")))
            .collect(),
        (Value::Number(x), Value::Number(y))
            if (x.as_f64().unwrap() - y.as_f64().unwrap()).abs()
                <= 1e-12 * x.as_f64().unwrap().abs() =>
        {
            Vec::new()
        }
        (a, b) if a == b => Vec::new(),
        (a, b) => vec![format!("{path}: {a}, not {b}")],
    }
}

#[test]
fn a_killed_run_leaves_what_its_report_can_be_made_of() {
    let bench = Bench::new(SimArgs {
        ttft: Duration::from_millis(300),
        ..SimArgs::default()
    });
    let mut child = bench.start(&bench.config(json!({
        "load": {"stages": [{"rate": 50, "duration": 60}, {"rate": 1, "duration": 5}]},
        "slo": [{"metric": "ttft_scheduled", "percentile": 50, "max": "30s"}],
    })));
    let records = bench.results().join("requests.jsonl.zst");
    while std::fs::metadata(&records).map_or(0, |file| file.len()) == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let text = std::fs::read(bench.results().join("report.json")).unwrap();
    let head: Report = serde_json::from_slice(&text).unwrap();
    assert_eq!(head.run.status, RunStatus::Unfinished);
    assert_eq!((head.counts.planned, head.counts.sent), (3005, 0));
    assert!(head.counts.is_conserved());
    let made = rebuilt(&bench.results()).report;
    assert_eq!(made.run.status, RunStatus::Partial);
    assert_eq!(made.run.id, head.run.id);
    let stage = &made.stages[0];
    let recorded = stage.counts.planned;
    assert!(
        recorded > 0 && stage.counts.ok() == recorded,
        "{:?}",
        stage.counts
    );
    assert_eq!(made.run.unrecorded, 3000 - recorded);
    assert!(made.counts.is_conserved());
    assert_eq!(made.counts.not_sent, 5, "the stage that had not begun");
    assert_eq!(stage.metrics[&Metric::TtftScheduled].count, recorded);
    assert_eq!(made.verdict.exit_code, 8);
    let because = made.run.partial_because.join("\n");
    for part in [
        "the run was killed, or goes on",
        "of 3,000 planned requests left no record",
        "health in stage 0",
    ] {
        assert!(because.contains(part), "{because}");
    }

    // A later run in the same folder leaves nothing of it.
    let ran = bench
        .run(&bench.config(json!({"storage": {}})), &[])
        .expect(0);
    assert_eq!(ran.report().run.status, RunStatus::Complete);
    assert!(
        ran.stderr.contains("the results of an earlier run"),
        "{}",
        ran.stderr
    );
}
