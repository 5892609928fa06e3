//! inference-perf's files.

use bench_contract::config::LoadType;
use bench_contract::{Metric, Outcome};
use bench_report::{Settings, inference_perf};
use serde_json::Value;

use crate::records::{MS, collect, facts, failed, ok, settings};

#[test]
fn a_stage_holds_the_old_and_the_new_names() {
    let settings = Settings {
        goodput: vec![(Metric::Ttft, 0.025), (Metric::E2e, 1.0)],
        ..settings()
    };
    let mut records = vec![
        ok(0, 0, 20 * MS, 11),
        ok(1, 100 * MS, 30 * MS, 21),
        ok(2, 200 * MS, 20 * MS, 1),
    ];
    records.push(failed(
        3,
        300 * MS,
        Outcome::HttpError,
        r#"{"error": {"message": "busy"}}"#,
    ));
    records.push(failed(
        4,
        400 * MS,
        Outcome::NotSent,
        "the run was asked to stop",
    ));
    let file = inference_perf::stage(
        &collect(&settings, &records),
        &facts(LoadType::Constant, 10.0, 0.5),
    );
    let at = |path: &str| {
        file.pointer(path)
            .unwrap_or_else(|| panic!("{path} is missing"))
            .clone()
    };
    let number = |path: &str| {
        at(path)
            .as_f64()
            .unwrap_or_else(|| panic!("{path} is no number"))
    };
    let close = |path: &str, truth: f64| {
        assert!(
            (number(path) - truth).abs() < 1e-9,
            "{path}: {}, not {truth}",
            number(path)
        );
    };

    assert_eq!(
        at("/load_summary/count"),
        4,
        "what was never sent is in no file of inference-perf's"
    );
    close("/load_summary/send_duration", 0.3);
    close("/load_summary/requested_rate", 10.0);
    close("/load_summary/achieved_rate", 4.0 / 0.3);
    close("/load_summary/schedule_delay/median", 0.0001);
    assert_eq!(at("/successes/count"), 3);
    // From the send to the end of the reply: 20 ms + 10 x 5 ms + 0.1 ms.
    close("/successes/latency/request_latency/median", 0.0701);
    close("/successes/latency/time_per_output_token/mean", 0.005);
    // Single-token replies are dropped.
    close("/successes/latency/time_to_first_token/min", 0.02);
    close("/successes/latency/time_to_first_token/mean", 0.025);
    assert!((number("/successes/latency/inter_token_latency/p99") - 0.005).abs() < 5e-6);
    for path in [
        "/successes/prompt_len/mean",
        "/successes/prompt_tokens/mean",
    ] {
        close(path, 101.0);
    }
    close("/successes/prompt_tokens/total", 303.0);
    close("/successes/prompt_tokens/uncached", 303.0);
    close("/successes/output_len/mean", 11.0);
    close("/successes/output_tokens/total", 33.0);
    close(
        "/successes/throughput/output_tokens_per_sec",
        33.0 / number("/benchmark_time_seconds"),
    );
    assert_eq!(at("/successes/goodput_metrics/good_requests"), 1);
    close(
        "/successes/goodput_metrics/request_latency_attainment_percentage",
        100.0,
    );
    assert_eq!(at("/failures/count"), 1);
    assert_eq!(at("/failures/by_label/503 - Service Unavailable/count"), 1);
    assert_eq!(
        at("/failures/by_label/503 - Service Unavailable/messages/0/message"),
        "busy"
    );
    let keys: Vec<&String> = file["successes"]["latency"]["request_latency"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(keys, ["mean", "min", "max", "p1", "median", "p90", "p99"]);
}

#[test]
fn a_summary_leaves_out_what_belongs_to_stages() {
    let (one, two) = (
        collect(&settings(), &[ok(0, 0, 20 * MS, 5)]),
        collect(&settings(), &[ok(0, 60_000 * MS, 20 * MS, 5)]),
    );
    let file = inference_perf::summary(&[&one, &two]);
    assert_eq!(file["load_summary"]["count"], 2);
    assert_eq!(file["load_summary"].get("requested_rate"), None);
    assert!(file["benchmark_time_seconds"].as_f64().unwrap() > 60.0);
}

#[test]
fn without_successes_latencies_are_null() {
    let file = inference_perf::stage(
        &collect(
            &settings(),
            &[failed(0, 0, Outcome::ConnectError, "connection refused")],
        ),
        &facts(LoadType::Constant, 1.0, 1.0),
    );
    assert_eq!(file["successes"]["count"], 0);
    assert_eq!(file["successes"]["latency"]["request_latency"], Value::Null);
    assert_eq!(
        file["successes"]["latency"]["inter_token_latency"],
        Value::Null
    );
    assert_eq!(file["failures"]["by_label"]["Connection Error"]["count"], 1);
    assert!(inference_perf::summary(&[])["load_summary"]["count"] == 0);
}
