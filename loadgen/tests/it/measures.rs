//! What is measured is what the simulator did.

use bench_contract::{Metric, Outcome, RequestRecord, RunStatus, TokenSource, ValidityState};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::Bench;

#[test]
fn every_request_is_sent_recorded_and_counted_as_the_server_counted_it() {
    let mut bench = Bench::new(SimArgs::default());
    let ran = bench.run(&bench.config(json!({})), &[]).expect(0);
    let report = ran.report();
    assert_eq!(
        (
            report.counts.planned,
            report.counts.sent,
            report.counts.ok()
        ),
        (50, 50, 50)
    );
    assert!(report.counts.is_conserved());
    assert_eq!(report.run.status, RunStatus::Complete);
    let stage = &report.stages[0];
    assert_eq!(stage.lengths.output.as_ref().unwrap().total, 400);
    assert_eq!(stage.lengths.input_server.as_ref().unwrap().mean, 32.0);
    assert_eq!(
        stage.lengths.token_sources.get(&TokenSource::Usage),
        Some(&50)
    );
    assert_eq!(stage.metrics[&Metric::Ttft].count, 50);
    assert_eq!(stage.metrics[&Metric::ChunkGap].count, 50 * 7);
    assert_eq!(stage.metrics[&Metric::Itl].count, 50 * 7);
    // A token cannot come before the server has sent it.
    assert!(stage.metrics[&Metric::Ttft].min.unwrap() >= 0.02);

    let records = ran.records();
    assert_eq!(records.len(), 50);
    for record in &records {
        let instants = [
            Some(record.scheduled_ns),
            record.dispatched_ns,
            record.sent_ns,
            record.first_token_ns,
            record.last_token_ns,
            record.end_ns,
        ];
        assert!(
            instants.iter().all(Option::is_some) && instants.is_sorted(),
            "{record:?}"
        );
        assert_eq!(
            (
                record.events,
                record.output_tokens,
                record.first_event_tokens
            ),
            (8, Some(8), Some(1))
        );
    }
    let mut due: Vec<u64> = records.iter().map(|record| record.scheduled_ns).collect();
    due.sort_unstable();
    assert!(due.windows(2).all(|pair| pair[1] - pair[0] == 20_000_000));
    let truth = bench.truth();
    assert_eq!(truth.iter().filter(|line| line["tokens"] == 8).count(), 50);
}

#[test]
fn the_table_and_the_files_of_inference_perf_agree_with_the_report() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({
        "load": {"stages": [{"rate": 20, "duration": 1}, {"rate": 40, "duration": 1}]},
        "report": {"request_lifecycle": {"per_request": true}}
    }));
    let ran = bench.run(&config, &[]).expect(0);
    for part in ["TTFT", "TPOT", "ITL", "P99", "exit code 0"] {
        assert!(ran.stdout.contains(part), "no `{part}` in\n{}", ran.stdout);
    }
    let page = std::fs::read_to_string(ran.results.join("report.html")).unwrap();
    // On a machine that is too busy, it is not valid.
    let is_valid = ran.report().verdict.validity != ValidityState::Invalid;
    let headline = if is_valid {
        "<h2>DONE</h2>"
    } else {
        "<h2>INVALID</h2>"
    };
    assert!(page.contains(headline) && page.contains("<h2>Over time</h2>"));
    let series = ran.report().series.unwrap();
    assert_eq!(series.scheduled.iter().sum::<u64>(), 60);
    assert_eq!(series.ok.iter().sum::<u64>(), 60);
    assert_eq!(series.output_tokens.iter().sum::<u64>(), 60 * 8);

    let summary = ran.json("summary_lifecycle_metrics.json");
    assert_eq!(summary["successes"]["count"], 60);
    assert_eq!(
        ran.json("stage_0_lifecycle_metrics.json")["load_summary"]["count"],
        20
    );
    assert_eq!(
        ran.json("stage_1_lifecycle_metrics.json")["load_summary"]["requested_rate"],
        40.0
    );
    let requests = ran.json("per_request_lifecycle_metrics.json");
    assert_eq!(requests.as_array().unwrap().len(), 60);
    assert!(
        requests[0]["request"]
            .as_str()
            .unwrap()
            .contains("max_tokens")
    );
    let records = ran.records();
    let reads = records[0].reads.as_ref().unwrap();
    assert_eq!(reads.0.iter().map(|entry| entry.events).sum::<u32>(), 8);
    assert!(ran.results.join("config.yaml").is_file());
}

#[test]
fn one_seed_is_one_plan_and_one_set_of_prompts() {
    let sent = |seed: u64| {
        let bench = Bench::new(SimArgs::default());
        let config = bench.config(json!({
            "load": {"type": "poisson", "seed": seed},
            "data": {"salt": "none", "input_distribution": {"std_dev": 8, "min": 8, "max": 64}},
            "report": {"request_lifecycle": {"per_request": true}}
        }));
        let ran = bench.run(&config, &[]).expect(0);
        let origin = ran.report().stages[0].origin_s;
        let mut records = ran.records();
        records.sort_by_key(|record| record.index);
        let due: Vec<i64> = records
            .iter()
            .map(|r| r.scheduled_ns as i64 - (origin * 1e9).round() as i64)
            .collect();
        let mut bodies: Vec<String> = ran
            .json("per_request_lifecycle_metrics.json")
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["request"].as_str().unwrap().to_owned())
            .collect();
        bodies.sort();
        (due, bodies)
    };
    let first = sent(7);
    assert_eq!(first, sent(7));
    assert_ne!(first, sent(8));
}

#[test]
fn several_tokens_in_an_event_and_several_events_in_a_read_are_told_apart() {
    let bench = Bench::new(SimArgs {
        tokens_per_event: 4,
        ..SimArgs::default()
    });
    let stage = bench
        .run(&bench.config(json!({})), &[])
        .expect(0)
        .report()
        .stages
        .remove(0);
    assert_eq!(
        stage.metrics[&Metric::ChunkGap].count,
        50,
        "8 tokens are 2 events, so 1 gap"
    );
    assert!(
        stage.absent.contains_key(&Metric::Itl),
        "nothing says how many tokens an event holds"
    );
    assert_eq!(stage.lengths.events_per_token, Some(0.25));

    let bench = Bench::new(SimArgs {
        events_per_write: 8,
        ..SimArgs::default()
    });
    let stage = bench
        .run(&bench.config(json!({})), &[])
        .expect(0)
        .report()
        .stages
        .remove(0);
    assert_eq!(stage.metrics[&Metric::ChunkGap].count, 50 * 7);
    assert!(
        stage.metrics[&Metric::ChunkGap].percentile(50.0).unwrap() < 0.001,
        "one write is one instant"
    );
}

#[test]
fn reasoning_comes_before_what_is_visible() {
    let bench = Bench::new(SimArgs {
        reasoning_tokens: 4,
        ..SimArgs::default()
    });
    let config = bench.config(json!({"api": {"type": "chat"}}));
    let ran = bench.run(&config, &[]).expect(0);
    // Four tokens of 5 ms lie between; one read may bring them all when this machine is busy.
    let records = ran.records();
    for record in &records {
        assert!(
            record.first_visible_ns >= record.first_token_ns,
            "{record:?}"
        );
        assert_eq!(record.events, 8);
    }
    let is_later = |record: &&RequestRecord| record.first_visible_ns > record.first_token_ns;
    assert!(records.iter().filter(is_later).count() > records.len() / 2);
    let stage = ran.report().stages.remove(0);
    let mean = |metric| stage.metrics[&metric].mean.unwrap();
    assert!(mean(Metric::Ttfo) > mean(Metric::Ttft));
}

#[test]
fn without_streaming_there_is_an_end_and_no_first_token() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"api": {"streaming": false}}));
    let stage = bench.run(&config, &[]).expect(0).report().stages.remove(0);
    assert_eq!(stage.counts.ok(), 50);
    assert!(stage.absent.contains_key(&Metric::Ttft) && !stage.metrics.contains_key(&Metric::Ttft));
    assert!(stage.metrics[&Metric::E2e].min.unwrap() >= 0.02);
    assert_eq!(stage.lengths.output.as_ref().unwrap().total, 400);
}

#[test]
fn a_server_without_usage_is_counted_by_events_and_said_so() {
    let bench = Bench::new(SimArgs {
        usage: false,
        ..SimArgs::default()
    });
    let stage = bench
        .run(&bench.config(json!({})), &[])
        .expect(0)
        .report()
        .stages
        .remove(0);
    assert_eq!(
        stage.lengths.token_sources.get(&TokenSource::Events),
        Some(&50)
    );
    assert_eq!(stage.lengths.output.as_ref().unwrap().total, 400);
}

#[test]
fn the_warm_up_is_counted_apart() {
    let bench = Bench::new(SimArgs::default());
    let ran = bench
        .run(
            &bench.config(json!({"load": {"warmup": {"duration": 0.5}}})),
            &[],
        )
        .expect(0);
    let report = ran.report();
    assert_eq!(
        report.warmup.as_ref().map(|counts| counts.planned),
        Some(25)
    );
    assert_eq!(report.counts.planned, 50);
    assert_eq!(
        ran.records().iter().filter(|record| record.warmup).count(),
        25
    );
}

#[test]
fn fresh_connections_are_one_a_request_and_reuse_needs_fewer() {
    let bench = Bench::new(SimArgs::default());
    let fresh = bench
        .run(&bench.config(json!({"api": {"connections": "fresh"}})), &[])
        .expect(0)
        .report();
    assert_eq!(fresh.stages[0].health.connections_opened, 50);
    let reuse = bench.run(&bench.config(json!({})), &[]).expect(0);
    assert!(reuse.report().stages[0].health.connections_opened < 50);
    assert!(
        reuse
            .records()
            .iter()
            .any(|record| record.reused && record.outcome == Outcome::Ok)
    );
}
