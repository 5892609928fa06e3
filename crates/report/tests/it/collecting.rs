//! Counting, merging, definitions.

use bench_contract::config::LoadType;
use bench_contract::{CheckVerdict, Metric, Outcome, RequestRecord, SloMetric};
use bench_report::{Settings, inference_perf, length_histograms, time_series};
use proptest::prelude::*;

use crate::records::{MS, collect, facts, failed, ok, percentile, slo, with_slos};

fn any_record() -> impl Strategy<Value = RequestRecord> {
    let outcome =
        prop_oneof![4 => Just(Outcome::Ok), 6 => prop::sample::select(Outcome::ALL.to_vec())];
    (outcome, 0..500_u64, 1..2000_u64, 1..40_u32, 0..4_u32).prop_map(
        |(outcome, index, ttft, n, message)| {
            if outcome == Outcome::Ok {
                ok(index, index * 10 * MS, ttft * MS, n)
            } else {
                failed(
                    index,
                    index * 10 * MS,
                    outcome,
                    &format!("message {message}"),
                )
            }
        },
    )
}

fn everything() -> Settings {
    Settings {
        goodput: vec![(Metric::Ttft, 0.5), (Metric::Tpot, 0.006)],
        ..with_slos(&[
            slo(SloMetric::TtftScheduled, 99.0, 1.0),
            slo(SloMetric::Itl, 99.0, 0.006),
        ])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn parts_add_up_to_the_whole(
        records in prop::collection::vec((any_record(), 0..3_usize), 0..120),
    ) {
        let settings = everything();
        // Places in the plan are unique.
        let records: Vec<(RequestRecord, usize)> =
            (0..).zip(records).map(|(k, (record, part))| (RequestRecord { index: k, ..record }, part)).collect();
        let whole = collect(&settings, &records.iter().map(|(record, _)| record.clone()).collect::<Vec<_>>());
        let part = |wanted: usize| {
            let of_part = records.iter().filter(|(_, part)| *part == wanted).map(|(record, _)| record.clone());
            collect(&settings, &of_part.collect::<Vec<_>>())
        };
        let mut merged = part(2);
        merged.merge(part(0));
        merged.merge(part(1));
        let facts = facts(LoadType::Constant, 100.0, 5.0);
        prop_assert_eq!(merged.report(&facts), whole.report(&facts));
        prop_assert_eq!(inference_perf::stage(&merged, &facts)["failures"].clone(), inference_perf::stage(&whole, &facts)["failures"].clone());

        let series = time_series(&[&whole]);
        prop_assert_eq!(&time_series(&[&merged]), &series);
        // Stages are added as workers are.
        let stages = [part(0), part(1), part(2)];
        prop_assert_eq!(&time_series(&stages.each_ref()), &series);
        prop_assert_eq!(length_histograms(&stages.each_ref()), length_histograms(&[&whole]));
        let counts = whole.counts();
        let series = series.unwrap_or_default();
        let bins = series.scheduled.len();
        prop_assert!(bins <= 600);
        for list in [&series.sent, &series.ok, &series.output_tokens] {
            prop_assert_eq!(list.len(), bins);
        }
        let sum = |list: &[u64]| list.iter().sum::<u64>();
        prop_assert_eq!(sum(&series.scheduled), counts.planned);
        prop_assert_eq!(sum(&series.sent), counts.sent);
        prop_assert_eq!(sum(&series.not_sent), counts.not_sent);
        prop_assert_eq!(sum(&series.ok), counts.ok());
        prop_assert_eq!(sum(&series.failed), counts.sent - counts.ok());
        let tokens = records.iter().map(|(record, _)| u64::from(record.output_tokens.unwrap_or(0))).sum::<u64>();
        prop_assert_eq!(sum(&series.output_tokens), tokens);
        // Mean times width over all bins is the time that requests were in flight, but for six digits.
        let flown: f64 = records.iter().filter_map(|(record, _)| Some((record.end_ns? - record.dispatched_ns?) as f64 / 1e9)).sum();
        let area = series.in_flight.iter().sum::<f64>() * series.width_s as f64;
        prop_assert!((area - flown).abs() <= 1e-5 * flown + 1e-9, "{} is not {}", area, flown);

        let counts = merged.counts();
        prop_assert!(counts.is_conserved());
        prop_assert_eq!(counts.planned, records.len() as u64);
        let report = whole.report(&facts);
        let size = |metric: Metric| report.metrics.get(&metric).map_or(0, |summary| summary.count);
        prop_assert_eq!(size(Metric::TtftScheduled), counts.planned);
        prop_assert_eq!(size(Metric::E2eScheduled), counts.planned);
        prop_assert_eq!(size(Metric::E2e), counts.sent);
        prop_assert_eq!(report.errors.iter().map(|error| error.count).sum::<u64>(), counts.failed());
    }
}

#[test]
fn time_series_say_when_what_happened() {
    // Two requests in the first second, one in the third that fails 300 s later, and one that is never sent.
    let records = [
        ok(0, 100 * MS, 20 * MS, 5),
        ok(1, 900 * MS, 300 * MS, 200),
        failed(2, 2500 * MS, Outcome::Timeout, "late"),
        failed(3, 2600 * MS, Outcome::NotSent, "a limit"),
    ];
    let series = time_series(&[&collect(&everything(), &records)]).unwrap();
    assert_eq!(
        (series.start_s, series.width_s, series.scheduled.len()),
        (0, 1, 303)
    );
    assert_eq!(series.scheduled[..4], [2, 0, 2, 0]);
    assert_eq!(series.sent[..4], [2, 0, 1, 0]);
    assert_eq!(series.not_sent[..4], [0, 0, 1, 0]);
    assert_eq!(series.ok[..4], [1, 0, 1, 0]);
    assert_eq!(series.failed[302], 1);
    assert_eq!(series.output_tokens[..4], [5, 160, 40, 0]);
    assert_eq!(series.ttft_scheduled_p50[..2], [Some(0.1601), None]);
    // Half of those that were due in the third second got no token, the median too.
    assert_eq!(series.ttft_scheduled_p50[2], None);
    assert_eq!(series.in_flight[100], 1.0);
    let gap = series.chunk_gap_p99[1].unwrap();
    assert!((gap - 0.005).abs() < 0.005 * 0.032, "{gap}");
    assert_eq!(series.chunk_gap_p50[3], None);
    assert_eq!(time_series(&[]), None);
}

#[test]
fn an_empty_stage_has_a_report_and_decides_nothing() {
    let report = collect(&everything(), &[]).report(&facts(LoadType::Poisson, 1.0, 10.0));
    assert_eq!(report.counts.planned, 0);
    assert!(report.metrics.is_empty());
    assert_eq!(report.absent.len(), Metric::ALL.len());
    assert!(
        report
            .checks
            .iter()
            .all(|check| check.verdict == CheckVerdict::Inconclusive)
    );
    serde_json::to_string(&report).unwrap();
}

#[test]
fn a_single_request_has_a_report() {
    let report = collect(&everything(), &[ok(0, 0, 20 * MS, 1)]).report(&facts(
        LoadType::Constant,
        1.0,
        1.0,
    ));
    assert_eq!(percentile(&report, Metric::Ttft, 99.0), 0.02);
    assert!(
        report.absent.contains_key(&Metric::Tpot) && report.absent.contains_key(&Metric::ChunkGap)
    );
    assert_eq!(report.goodput.as_ref().unwrap().good, 1);
    assert_eq!(report.metrics[&Metric::Ttft].count, 1);
    serde_json::to_string(&report).unwrap();
}

#[test]
fn without_streams_there_is_no_ttft_and_there_is_e2e() {
    let settings = Settings {
        streaming: false,
        generates: true,
        shares_prefixes: false,
        ..everything()
    };
    let mut record = ok(0, 0, 20 * MS, 5);
    (
        record.first_token_ns,
        record.first_visible_ns,
        record.last_token_ns,
        record.events,
    ) = (None, None, None, 0);
    let report = collect(&settings, &[record]).report(&facts(LoadType::Constant, 1.0, 1.0));
    let present: Vec<Metric> = report.metrics.keys().copied().collect();
    assert_eq!(
        present,
        [
            Metric::ScheduleDelay,
            Metric::Connect,
            Metric::Ntpot,
            Metric::E2e,
            Metric::E2eScheduled
        ]
    );
    assert!(
        report.absent[&Metric::TtftScheduled]
            .reason
            .contains("not streamed")
    );
}

#[test]
fn tpot_chunk_aware_is_there_only_where_a_first_event_held_several_tokens() {
    let mut record = ok(0, 0, 20 * MS, 11);
    let facts = facts(LoadType::Constant, 1.0, 1.0);
    assert!(
        collect(&everything(), std::slice::from_ref(&record))
            .report(&facts)
            .absent
            .contains_key(&Metric::TpotChunkAware)
    );
    record.first_event_tokens = Some(6);
    let report = collect(&everything(), &[record]).report(&facts);
    assert_eq!(percentile(&report, Metric::Tpot, 50.0), 0.005);
    assert_eq!(percentile(&report, Metric::TpotChunkAware, 50.0), 0.01);
}

#[test]
fn steady_throughput_leaves_out_the_ramp_and_the_drain() {
    // Ten a second for 20 s, each 5 ms and 999 gaps of 5 ms long: 50 in flight at once, and 5 s of drain.
    let records: Vec<RequestRecord> = (0..200)
        .map(|k| ok(k, k * 100 * MS, 5 * MS, 1000))
        .collect();
    let report = collect(&everything(), &records).report(&facts(LoadType::Constant, 10.0, 20.0));
    let whole = report.throughput;
    let steady = whole.steady.unwrap();
    assert!(
        (steady.output_tokens_per_s - 10_000.0).abs() < 50.0,
        "{steady:?}"
    );
    assert!((steady.requests_per_s - 10.0).abs() < 0.1, "{steady:?}");
    assert!((steady.after_s - 5.0).abs() < 0.01 && (steady.window_s - 14.9).abs() < 0.01);
    assert!(whole.output_tokens_per_s < 8100.0, "{whole:?}");
    let short = collect(&everything(), &records[..20]);
    let short = short.report(&facts(LoadType::Constant, 10.0, 2.0));
    assert_eq!(short.throughput.steady, None);
}

#[test]
fn twenty_percent_timeouts_leave_no_p95_below_the_timeout() {
    let records: Vec<RequestRecord> = (0..1000)
        .map(|k| {
            if k % 5 == 3 {
                failed(k, k * 100 * MS, Outcome::Timeout, "timed out")
            } else {
                ok(k, k * 100 * MS, 20 * MS, 10)
            }
        })
        .collect();
    let report = collect(&everything(), &records).report(&facts(LoadType::Constant, 10.0, 100.0));
    for metric in [Metric::TtftScheduled, Metric::E2e, Metric::E2eScheduled] {
        let summary = &report.metrics[&metric];
        assert_eq!((summary.count, summary.censored), (1000, 200), "{metric:?}");
        assert_eq!(summary.percentile(95.0), Some(f64::INFINITY), "{metric:?}");
        assert!(summary.percentile(50.0).unwrap() < 0.1);
        let p95 = summary
            .percentiles
            .iter()
            .find(|entry| entry.p == 95.0)
            .unwrap();
        let interval = p95.interval.as_ref().unwrap();
        assert_eq!((interval.lower, interval.upper), (None, None));
        assert!(
            interval
                .reason
                .as_ref()
                .unwrap()
                .contains("never got there")
        );
    }
    assert_eq!(
        report.metrics[&Metric::Ttft].count,
        800,
        "from the send, only those that have it"
    );
}

fn drawn(record: RequestRecord) -> RequestRecord {
    RequestRecord {
        cancel_after_ns: Some(50 * MS),
        ..record
    }
}

/// A request that `load.cancel` drew, given up `lived_ms` after it was sent.
fn given_up(index: u64, lived_ms: u64) -> RequestRecord {
    let record = failed(index, index * 10 * MS, Outcome::Cancelled, "given up");
    RequestRecord {
        end_ns: record.sent_ns.map(|sent| sent + lived_ms * MS),
        ..drawn(record)
    }
}

#[test]
fn who_is_drawn_to_give_up_is_in_no_latency_and_no_error() {
    let settings = Settings {
        goodput: vec![(Metric::Ttft, 0.5)],
        ..with_slos(&[
            slo(SloMetric::E2eScheduled, 95.0, 1.0),
            bench_contract::Slo {
                percentile: None,
                ..slo(SloMetric::ErrorRate, 0.0, 0.5)
            },
        ])
    };
    let mut facts = facts(LoadType::Constant, 100.0, 4.0);
    facts.load.cancel = Some(bench_contract::CancelLoad {
        fraction: 0.25,
        after_s: 0.05,
    });
    let others: Vec<RequestRecord> = (0..300)
        .map(|k| ok(k, k * 10 * MS, (10 + k % 7) * MS, 9))
        .collect();
    let mut all = others.clone();
    // Sixty were given up in time, twenty had ended before, one failed by itself, one was cut off by a shutdown before.
    all.extend((300..360).map(|k| given_up(k, 50)));
    all.extend((360..380).map(|k| drawn(ok(k, k * 10 * MS, 5 * MS, 2))));
    all.push(drawn(failed(380, 3_800 * MS, Outcome::Reset, "reset")));
    all.push(given_up(381, 20));
    let collector = collect(&settings, &all);
    let report = collector.report(&facts);
    let alone = collect(&settings, &others).report(&facts);

    let cancel = report.cancel.unwrap();
    assert_eq!((cancel.drawn, cancel.cancelled), (82, 60));
    assert_eq!(report.counts.outcomes[&Outcome::Cancelled], 61);
    for metric in Metric::ALL {
        let ours = matches!(metric, Metric::ScheduleDelay | Metric::Connect);
        if !ours {
            assert_eq!(
                report.metrics.get(&metric),
                alone.metrics.get(&metric),
                "{metric:?}"
            );
        }
    }
    assert_eq!(report.metrics[&Metric::ScheduleDelay].count, 382);
    assert_eq!(report.checks[0].verdict, CheckVerdict::Pass);
    // Two of 382 are errors: the reset, and the one that was cut off before its time.
    assert!((report.checks[1].observed.unwrap() - 2.0 / 382.0).abs() < 1e-12);
    let errors: Vec<(Outcome, u64)> = report.errors.iter().map(|e| (e.outcome, e.count)).collect();
    assert_eq!(errors.len(), 2);
    assert!(errors.contains(&(Outcome::Reset, 1)) && errors.contains(&(Outcome::Cancelled, 1)));
    let goodput = report.goodput.unwrap();
    assert_eq!((goodput.offered, goodput.good), (382, 320));
    // To inference-perf, whoever did not succeed has failed.
    let theirs = inference_perf::stage(&collector, &facts);
    assert_eq!(theirs["failures"]["count"], 62);
}

#[test]
fn a_closed_loop_is_not_judged_by_arrivals() {
    let settings = with_slos(&[]);
    let mut facts = facts(LoadType::Concurrent, 0.0, 0.0);
    facts.load = bench_contract::StageLoad {
        kind: LoadType::Concurrent,
        concurrency: Some(2),
        requests: Some(100),
        ..bench_contract::StageLoad::default()
    };
    let records: Vec<RequestRecord> = (0..100)
        .map(|k| ok(k, k / 2 * 500 * MS, 20 * MS, 4))
        .collect();
    let report = collect(&settings, &records).report(&facts);
    assert_eq!(
        report.validity.state,
        bench_contract::ValidityState::Valid,
        "{:?}",
        report.validity
    );
    assert_eq!((report.offered_rate, report.arrivals.gap_cv), (None, None));
    let lasted = report.duration_s;
    assert!((report.achieved_rate - 100.0 / lasted).abs() < 1e-9);
    // Half of them never left: the run was asked to stop, which makes no stage invalid.
    let stopped: Vec<RequestRecord> = records
        .iter()
        .map(|record| match record.index {
            0..50 => record.clone(),
            index => failed(
                index,
                12_500 * MS,
                Outcome::NotSent,
                bench_report::ASKED_TO_STOP,
            ),
        })
        .collect();
    let report = collect(&settings, &stopped).report(&facts);
    assert_eq!(
        report.validity.state,
        bench_contract::ValidityState::Valid,
        "{:?}",
        report.validity
    );
}
