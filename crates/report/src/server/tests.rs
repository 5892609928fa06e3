use std::sync::Arc;

use bench_contract::{
    Config, Health, MetricsKind, MetricsSource, StageLoad, StageReport, TimeSeries,
};
use proptest::prelude::*;

use super::*;
use crate::testing::record;
use crate::{Settings, StageCollector, StageFacts};

/// Milliseconds in nanoseconds.
const MS: u64 = 1_000_000;

fn vllm() -> ServerValues {
    ServerValues::of(MetricsKind::Vllm)
}

/// A read at an instant in milliseconds: requests that run and wait, output tokens.
fn read(source: usize, at_ms: u64, running: f64, waiting: f64, tokens: f64) -> ServerRead {
    let mut values = vllm();
    values.running = Some(running);
    values.waiting = Some(waiting);
    values.counters[Counter::GenerationTokens as usize] = Some(tokens);
    ServerRead {
        source,
        begin_ns: at_ms * MS,
        end_ns: at_ms * MS + MS,
        values,
    }
}

fn reads(sources: usize, list: Vec<ServerRead>) -> ServerReads {
    let source = |number: usize| MetricsSource {
        url: format!("http://pod-{number}/metrics"),
        reads: list.iter().filter(|read| read.source == number).count() as u64,
        ..MetricsSource::default()
    };
    ServerReads {
        interval_s: 1.0,
        sources: (0..sources).map(source).collect(),
        reads: list,
        ..ServerReads::default()
    }
}

/// A stage that begins and ends at instants in seconds; ten requests were sent and succeeded.
fn stage(number: u32, from_s: f64, to_s: f64) -> StageReport {
    let settings = Arc::new(Settings::from_config(&Config::default()));
    let mut collector = StageCollector::new(settings);
    (0..10).for_each(|index| collector.add(&record(index), &[]));
    let mut report = collector.report(&StageFacts {
        stage: number,
        load: StageLoad::default(),
        origin_ns: 0,
        health: Health::default(),
        known_until_ns: None,
        earlier: None,
        repeats: Vec::new(),
    });
    report.origin_s = from_s;
    report.duration_s = to_s - from_s;
    report.throughput.window_s = to_s - from_s;
    report
}

fn series(count: usize) -> TimeSeries {
    TimeSeries {
        width_s: 1,
        scheduled: vec![1; count],
        ..TimeSeries::default()
    }
}

#[test]
fn gauges_add_over_servers_and_one_that_is_gone_counts_no_longer() {
    let mut list = Vec::new();
    for second in 0..10 {
        list.push(read(0, second * 1000 + 500, 4.0, 1.0, 0.0));
        // The other is heard of for three seconds alone.
        if second < 3 {
            list.push(read(1, second * 1000 + 500, 2.0, 0.0, 0.0));
        }
    }
    let found = server_metrics(&reads(2, list), &[], Some(&series(12)));
    let series = found.series.unwrap();
    let running: Vec<f64> = series.running.iter().map(|x| x.unwrap_or(-1.0)).collect();
    // Its last read is of 2.5 s, and holds for three seconds.
    assert_eq!(
        running,
        [6.0, 6.0, 6.0, 6.0, 6.0, 6.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    );
    assert_eq!(series.waiting[0], Some(1.0));
    assert_eq!(series.kv_usage, Vec::<Option<f64>>::new());
    let gone = server_metrics(
        &reads(1, vec![read(0, 500, 1.0, 0.0, 0.0)]),
        &[],
        Some(&self::series(6)),
    );
    let running = gone.series.unwrap().running;
    assert_eq!(running[3..], [Some(1.0), None, None]);
}

#[test]
fn a_counter_that_starts_anew_counts_from_nothing() {
    let list = vec![
        read(0, 0, 0.0, 0.0, 1000.0),
        read(0, 1000, 0.0, 0.0, 1300.0),
        read(0, 2000, 0.0, 0.0, 50.0),
        read(0, 3000, 0.0, 0.0, 150.0),
    ];
    let stage = stage(0, 0.05, 2.9);
    let found = server_metrics(&reads(1, list.clone()), &[(&stage, 450)], None);
    let stage_of = &found.stages[0];
    assert_eq!(stage_of.generation_tokens, Some(450));
    assert!(
        stage_of.is_covered && stage_of.remark.is_none(),
        "{stage_of:?}"
    );

    // A process that names its start may come back with more than it had before.
    let mut told = list;
    for (place, read) in told.iter_mut().enumerate() {
        read.values.started = Some(if place < 2 { 5.0 } else { 9.0 });
    }
    told[2].values.counters[Counter::GenerationTokens as usize] = Some(2000.0);
    told[3].values.counters[Counter::GenerationTokens as usize] = Some(2500.0);
    let found = server_metrics(&reads(1, told), &[(&stage, 2800)], None);
    assert_eq!(found.stages[0].generation_tokens, Some(2800));
    assert_eq!(found.sources[0].instances, 2);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
}

#[test]
fn a_counter_that_shows_up_late_began_at_nothing() {
    let mut first = read(0, 0, 0.0, 0.0, 0.0);
    first.values = vllm();
    let list = vec![first, read(0, 1000, 0.0, 0.0, 70.0)];
    let found = server_metrics(&reads(1, list), &[(&stage(0, 0.1, 0.9), 70)], None);
    assert_eq!(found.stages[0].generation_tokens, Some(70));
}

#[test]
fn servers_behind_one_address_are_told_apart_by_their_start() {
    // Two in turn; each puts out 100 tokens a second.
    let list: Vec<ServerRead> = (0..20)
        .map(|second| {
            let which = second % 2;
            let mut read = read(
                0,
                second * 1000,
                3.0,
                0.0,
                (5000 * which + 100 * second) as f64,
            );
            read.values.started = Some(which as f64);
            read
        })
        .collect();
    let found = server_metrics(&reads(1, list.clone()), &[], Some(&series(18)));
    assert_eq!(found.sources[0].instances, 2);
    assert!(
        found.problems[0].contains("2 servers answer in turn at http://pod-0/metrics"),
        "{:?}",
        found.problems
    );
    let series = found.series.unwrap();
    assert_eq!(series.running[5], Some(6.0));
    assert_eq!(series.generation_tokens[5], Some(200.0));

    // Without it nobody knows.
    let untold = list.into_iter().map(|mut read| {
        read.values.started = None;
        read
    });
    let found = server_metrics(
        &reads(1, untold.collect()),
        &[(&stage(0, 1.0, 19.0), 1)],
        None,
    );
    assert!(
        found.problems[0].contains("nothing tells them apart"),
        "{:?}",
        found.problems
    );
    assert_eq!(found.stages[0].generation_tokens, None);
    assert!(!found.stages[0].is_covered);
}

#[test]
fn tokens_that_did_not_come_here_are_said_where_both_counts_are_of_the_same() {
    let list = vec![
        read(0, 0, 0.0, 0.0, 0.0),
        read(0, 5000, 8.0, 30.0, 600.0),
        read(0, 10_000, 0.0, 0.0, 1200.0),
    ];
    let quiet = stage(0, 0.02, 9.9);
    let metrics = |client| {
        server_metrics(&reads(1, list.clone()), &[(&quiet, client)], None).stages[0].clone()
    };
    assert_eq!(metrics(1200).remark, None);
    assert_eq!(metrics(1180).remark, None);
    let more = metrics(900).remark.unwrap();
    assert!(more.starts_with("25 % of the output tokens that the server counts did not come here (1,200 beside 900): somebody else"), "{more}");
    let fewer = metrics(1500).remark.unwrap();
    assert!(fewer.contains("20 % fewer output tokens"), "{fewer}");
    assert_eq!(metrics(1200).waiting.map(|gauge| gauge.max), Some(30.0));

    // With no read between two stages, the counts are of different times.
    let three = [stage(0, 0.02, 2.0), stage(1, 2.0, 8.0), stage(2, 8.0, 9.9)];
    let three: Vec<_> = three.iter().map(|stage| (stage, 100)).collect();
    let found = server_metrics(&reads(1, list.clone()), &three, None);
    assert!(found.stages.iter().all(|stage| !stage.is_covered));
    assert!(found.stages.iter().all(|stage| stage.remark.is_none()));
    assert_eq!(found.stages[1].generation_tokens, Some(720));

    // An address that was never read may have put out anything.
    let found = server_metrics(&reads(2, list), &[(&quiet, 100)], None);
    assert!(!found.stages[0].is_covered && found.stages[0].remark.is_none());
}

#[test]
fn rates_of_hits_are_of_what_was_looked_up_meanwhile() {
    let with = |at_ms, queries, hits: Option<f64>, rate| {
        let mut read = read(0, at_ms, 0.0, 0.0, 0.0);
        read.values.counters[Counter::CacheQueries as usize] = Some(queries);
        read.values.counters[Counter::CacheHits as usize] = hits;
        read.values.hit_rate = rate;
        read
    };
    let stage = stage(0, 0.02, 1.9);
    let rate = |list| server_metrics(&reads(1, list), &[(&stage, 0)], Some(&series(2)));
    let counted = rate(vec![
        with(0, 1e6, Some(9e5), None),
        with(1000, 1e6 + 100.0, Some(9e5 + 25.0), None),
        with(2000, 1e6 + 200.0, Some(9e5 + 50.0), None),
    ]);
    assert_eq!(counted.stages[0].prefix_hit_rate, Some(0.25));
    assert_eq!(
        counted.series.unwrap().prefix_hit_rate,
        [Some(0.25), Some(0.25)]
    );
    // A server that shows only a rate.
    let shown = rate(vec![
        with(0, 0.0, None, Some(0.5)),
        with(1000, 100.0, None, Some(0.5)),
    ]);
    assert_eq!(shown.stages[0].prefix_hit_rate, Some(0.5));
    // Nothing was looked up: there is no rate.
    let idle = rate(vec![
        with(0, 7.0, Some(3.0), None),
        with(2000, 7.0, Some(3.0), None),
    ]);
    assert_eq!(idle.stages[0].prefix_hit_rate, None);
    assert_eq!(
        idle.series.unwrap().prefix_hit_rate,
        Vec::<Option<f64>>::new()
    );
}

#[test]
fn nothing_that_was_read_is_nothing_that_is_shown() {
    let unread = ServerReads {
        problems: vec!["no".to_owned()],
        ..reads(1, Vec::new())
    };
    let found = server_metrics(&unread, &[(&stage(0, 0.0, 1.0), 5)], Some(&series(3)));
    assert_eq!(
        (found.kind, found.series, found.stages.len()),
        (None, None, 0)
    );
    assert_eq!(found.problems, ["no"]);
}

proptest! {
    #[test]
    fn increases_over_bins_add_up_to_what_the_servers_have_counted(
        steps in prop::collection::vec((0..2_usize, 1..3000_u64, 0..500_u32, prop::bool::weighted(0.1)), 1..60),
    ) {
        let (mut list, mut at, mut counts, mut grown) = (Vec::new(), [0, 0], [10.0, 0.0], 0.0);
        // Whoever starts anew says so: a counter may have come further than before.
        let mut started = [1.0, 2.0];
        for (source, wait, more, resets) in steps {
            let is_first = at[source] == 0;
            at[source] += wait;
            if resets && !is_first {
                counts[source] = 0.0;
                started[source] += 10.0;
            }
            counts[source] += f64::from(more);
            grown += if is_first { 0.0 } else { f64::from(more) };
            let mut read = read(source, at[source], 1.0, 1.0, counts[source]);
            read.values.started = Some(started[source]);
            list.push(read);
        }
        let end = at[0].max(at[1]) / 1000 + 2;
        let found = server_metrics(&reads(2, list), &[], Some(&series(end as usize)));
        let series = found.series.unwrap();
        let sum: f64 = series.generation_tokens.iter().flatten().sum();
        // Six digits a bin.
        prop_assert!((sum - grown).abs() <= 1e-4 * grown.max(1.0), "{sum} {grown}");
        for value in series.running.iter().flatten() {
            prop_assert!((1.0..=2.0).contains(value));
        }
    }
}
