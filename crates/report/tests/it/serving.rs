//! The server's own metrics in reports, tables, pages, and what is made of several reports.

use bench_contract::config::LoadType;
use bench_contract::{MetricsKind, MetricsSource, Report, RequestRecord, Shard, StageReport};
use bench_report::{
    Counter, KvUsage, Rebuild, RunEnd, ServerRead, ServerReads, ServerValues, StageCollector,
    StageFacts, page, plot, server_metrics, table,
};

use crate::made::with_pictures;
use crate::parts::{merged, run_of};
use crate::records::{MS, collect, facts, ok, settings};
use crate::tables::{PLAIN, check};

/// A server that runs at most four at once; its queue grows with every second, and one request is put back in the last.
fn reads(seconds: u64, tokens: f64) -> ServerReads {
    let read = |second: u64| {
        let share = (second as f64 / (seconds - 1) as f64).min(1.0);
        let mut values = ServerValues::of(MetricsKind::Vllm);
        values.running = Some(4.0);
        values.waiting = Some(3.0 * second as f64);
        values.kv_usage = Some(KvUsage {
            mean: 0.5 * share,
            max: 0.9 * share,
            engines: 2,
        });
        for (counter, value) in [
            (Counter::Preemptions, share.floor()),
            (Counter::CacheQueries, 1000.0 * share),
            (Counter::CacheHits, 125.0 * share),
            (Counter::PromptTokens, 1000.0 * share),
            (Counter::GenerationTokens, tokens * share),
        ] {
            values.counters[counter as usize] = Some(value);
        }
        ServerRead {
            source: 0,
            begin_ns: second * 1000 * MS,
            end_ns: second * 1000 * MS + MS,
            values,
        }
    };
    ServerReads {
        interval_s: 1.0,
        sources: vec![MetricsSource {
            url: "http://qwen3-vllm.default:8000/metrics".to_owned(),
            address: Some("10.0.0.7:8000".to_owned()),
            reads: seconds + 1,
            ..MetricsSource::default()
        }],
        reads: (0..=seconds).map(read).collect(),
        ..ServerReads::default()
    }
}

/// Requests of 40 tokens each for eight seconds from 0.2 s on.
fn stage() -> (StageCollector, StageFacts) {
    let records: Vec<RequestRecord> = (0..80)
        .map(|k| ok(k, 200 * MS + k * 100 * MS, (20 + k % 9) * MS, 40))
        .collect();
    let mut facts = facts(LoadType::Constant, 10.0, 8.0);
    facts.origin_ns = 200 * MS;
    (collect(&settings(), &records), facts)
}

fn with_metrics(mut report: Report, reads: &ServerReads, tokens: &[u64]) -> Report {
    let stages: Vec<(&StageReport, u64)> =
        report.stages.iter().zip(tokens.iter().copied()).collect();
    let metrics = server_metrics(reads, &stages, report.series.as_ref());
    report.server_metrics = Some(metrics);
    report
}

fn report(tokens: f64) -> Report {
    let stage = stage();
    let came = stage.0.output_tokens();
    assert_eq!(came, 3200);
    let report = with_pictures(&[stage], &RunEnd::default());
    with_metrics(report, &reads(10, tokens), &[came])
}

#[test]
fn a_stage_says_what_the_server_says() {
    check("server.txt", &table::report(&report(4000.0), PLAIN));
}

#[test]
fn many_stages_have_a_row_each() {
    let mut whole = report(3200.0);
    let metrics = whole.server_metrics.as_mut().unwrap();
    for number in 1..5 {
        let mut stage = whole.stages[0].clone();
        stage.stage = number;
        whole.stages.push(stage);
        let mut stage = metrics.stages[0].clone();
        stage.stage = number;
        if number == 3 {
            (stage.kv_usage, stage.preemptions, stage.prefix_hit_rate) = (None, None, None);
            stage.remark = Some("somebody else loads it".to_owned());
        }
        metrics.stages.push(stage);
    }
    metrics.problems = vec!["2 of 90 reads failed".to_owned()];
    check("servers.txt", &table::report(&whole, PLAIN));
}

#[test]
fn a_page_shows_the_server_beside_the_client() {
    let html = page::html(&report(4000.0));
    for words in [
        "<h2>The server</h2>",
        "Did requests wait in the server?",
        "in flight here",
        "24 waited in the server at most",
        "Was the KV cache full?",
        "fullest",
        "A running request was put back once",
        "How much did the prefix cache save?",
        "somebody else loads it",
        "The metrics of vLLM, read every 1 s: http://qwen3-vllm.default:8000/metrics at 10.0.0.7:8000 (11 reads).",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let names: Vec<String> = plot::files(&report(3200.0))
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("server-"))
        .collect();
    assert_eq!(
        names,
        [
            "server-queue.svg",
            "server-kv-cache.svg",
            "server-prefix-cache.svg"
        ]
    );
}

#[test]
fn what_could_not_be_read_is_said_and_nothing_gets_in_as_markup() {
    let mut report = report(3200.0);
    let nothing = ServerReads {
        problems: vec!["it answers <b>404</b>".to_owned()],
        ..ServerReads::default()
    };
    report = with_metrics(report, &nothing, &[3200]);
    let html = page::html(&report);
    assert!(html.contains("it answers &lt;b&gt;404&lt;/b&gt;"));
    assert!(!html.contains("By its own metrics") && !html.contains("Was the KV cache full?"));
    assert!(table::report(&report, PLAIN).contains("server     it answers"));
    report.server_metrics = None;
    assert!(!page::html(&report).contains("<h2>The server</h2>"));
}

/// A run of `shard`, whose own tokens alone came to it.
fn shard(index: u32, with: bool) -> (Report, Vec<RequestRecord>) {
    let records: Vec<RequestRecord> = (0..40)
        .map(|k| {
            let k = 2 * k + u64::from(index);
            ok(k, 200 * MS + k * 100 * MS, 20 * MS, 40)
        })
        .collect();
    let (mut report, records) = run_of("run", 1, &[200 * MS], &records);
    report.run.shard = Some(Shard { index, count: 2 });
    if with {
        report = with_metrics(report, &reads(10, 3200.0), &[1600]);
        // Alone, half of what the server counts seems to be somebody else's.
        let stage = &report.server_metrics.as_ref().unwrap().stages[0];
        assert!(stage.remark.is_some());
    }
    (report, records)
}

#[test]
fn shards_have_read_one_server_and_their_tokens_add_up() {
    let whole = merged(&[shard(0, true), shard(1, true)]).unwrap().report;
    let metrics = whole.server_metrics.unwrap();
    let stage = &metrics.stages[0];
    assert_eq!(
        (stage.generation_tokens, stage.client_tokens),
        (Some(3200), 3200)
    );
    assert_eq!(stage.remark, None);
    assert_eq!(metrics.sources.len(), 1);
    assert!(metrics.series.is_some());

    // Where one has not looked, nobody knows what came to it.
    for (first, second) in [(true, false), (false, true)] {
        let whole = merged(&[shard(0, first), shard(1, second)]).unwrap().report;
        let metrics = whole.server_metrics.unwrap();
        assert!(!metrics.stages[0].is_covered && metrics.stages[0].remark.is_none());
        assert_eq!(metrics.series.is_some(), first);
    }
    let alone = merged(&[shard(0, false), shard(1, false)]).unwrap().report;
    assert_eq!(alone.server_metrics, None);
}

#[test]
fn repeats_keep_theirs_to_themselves_and_records_give_them_back() {
    let run = |id: &str, seed| {
        let records: Vec<_> = (0..40)
            .map(|k| ok(k, 200 * MS + k * 100 * MS, 20 * MS, 40))
            .collect();
        let (report, records) = run_of(id, seed, &[200 * MS], &records);
        (with_metrics(report, &reads(10, 1600.0), &[1600]), records)
    };
    let (one, other) = (run("a", 1), run("b", 2));
    let pooled = merged(&[one.clone(), other]).unwrap().report;
    assert_eq!(pooled.server_metrics, None);

    let mut rebuild = Rebuild::new(one.0.clone()).unwrap();
    for record in &one.1 {
        rebuild.add(record).unwrap();
    }
    let rebuilt = rebuild.finish(None, &bench_contract::FailOn::ALL).unwrap();
    assert_eq!(rebuilt.report.server_metrics, one.0.server_metrics);
    assert!(rebuilt.report.server_metrics.is_some());
}
