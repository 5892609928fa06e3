//! What only some APIs and loads have: reasoning, adapters, replies that are not generated.

use bench_contract::config::LoadType;
use bench_contract::{Metric, Report, RequestRecord};
use bench_report::table::{self, Style};
use bench_report::{RunEnd, Settings, inference_perf, page};

use crate::made::whole;
use crate::records::{MS, collect, facts, ok, settings};

fn report(settings: &Settings, records: &[RequestRecord]) -> Report {
    let facts = facts(LoadType::Constant, 10.0, records.len() as f64 / 10.0);
    let stage = collect(settings, records).report(&facts);
    whole(vec![stage], &RunEnd::default())
}

fn shown(report: &Report) -> String {
    let style = Style {
        color: false,
        width: 100,
    };
    table::report(report, style)
}

/// Twenty requests, changed by their index.
fn records(change: impl Fn(u64, &mut RequestRecord)) -> Vec<RequestRecord> {
    (0..20)
        .map(|k| {
            let mut record = ok(k, k * 100 * MS, 20 * MS, 10);
            change(k, &mut record);
            record
        })
        .collect()
}

#[test]
fn reasoning_is_counted_apart() {
    let records = records(|k, record| {
        record.reasoning_tokens = (k % 2 == 0).then_some(5);
        record.output_tokens_asked += u32::from(k < 3);
    });
    let report = report(&settings(), &records);
    let lengths = &report.stages[0].lengths;
    assert_eq!(
        (lengths.reasoning, lengths.output_mismatches),
        (Some(50), 3)
    );
    let table = shown(&report);
    assert!(
        table.contains("25 % of those out were reasoning"),
        "{table}"
    );
    let page = page::html(&report);
    assert!(page.contains(">reasoning</th>"));
    let file = inference_perf::stage(
        &collect(&settings(), &records),
        &facts(LoadType::Constant, 10.0, 2.0),
    );
    assert_eq!(file["successes"]["token_count_mismatches"], 3);
    let entry = inference_perf::per_request_entry(&records[0], &[], "");
    let usage = &entry["info"]["response_metrics"]["server_usage"];
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 5);
}

#[test]
fn adapters_are_shown_with_their_requests() {
    let records = records(|k, record| {
        let name = if k % 4 == 0 { "sql" } else { "chat" };
        record.adapter = Some(name.to_owned());
    });
    let all = report(&settings(), &records);
    let adapters: Vec<_> = all.stages[0].adapters.clone().into_iter().collect();
    assert_eq!(adapters, [("chat".to_owned(), 15), ("sql".to_owned(), 5)]);
    let table = shown(&all);
    assert!(
        table.contains("adapters") && table.contains("chat 15 (75 %), sql 5 (25 %)"),
        "{table}"
    );
    assert!(page::html(&all).contains("chat: 15, sql: 5"));
    // As several workers see them.
    let (first, second) = records.split_at(7);
    let mut halves = collect(&settings(), first);
    halves.merge(collect(&settings(), second));
    let merged = halves.report(&facts(LoadType::Constant, 10.0, 2.0));
    assert_eq!(merged.adapters, all.stages[0].adapters);
    assert_eq!(
        inference_perf::per_request_entry(&records[0], &[], "")["info"]["lora_adapter"],
        "sql"
    );
    let without = report(
        &settings(),
        &records
            .iter()
            .map(|record| RequestRecord {
                adapter: None,
                ..record.clone()
            })
            .collect::<Vec<_>>(),
    );
    assert!(!shown(&without).contains("adapters") && !page::html(&without).contains("adapters"));
}

#[test]
fn embeddings_have_no_tokens_and_say_so() {
    let settings = Settings {
        streaming: false,
        generates: false,
        ..settings()
    };
    let records = records(|_, record| {
        (record.first_token_ns, record.first_visible_ns) = (None, None);
        (record.output_tokens, record.token_source) = (None, None);
        record.output_tokens_asked = 0;
        record.events = 0;
    });
    let report = report(&settings, &records);
    let stage = &report.stages[0];
    let present: Vec<Metric> = stage.metrics.keys().copied().collect();
    assert_eq!(
        present,
        [
            Metric::ScheduleDelay,
            Metric::Connect,
            Metric::E2e,
            Metric::E2eScheduled
        ]
    );
    for (metric, absent) in &stage.absent {
        assert!(
            absent.reason.contains("embeddings"),
            "{metric:?}: {}",
            absent.reason
        );
    }
    assert_eq!(
        (&stage.lengths.output, stage.lengths.output_mismatches),
        (&None, 0)
    );
    let table = shown(&report);
    assert!(table.contains("mean 101 tokens in\n"), "{table}");
    assert!(!page::html(&report).contains("tokens out/s"));
}
