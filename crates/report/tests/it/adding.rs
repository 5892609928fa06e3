//! Token gaps of several reports, added.

use bench_contract::{Metric, Report, RequestRecord};
use bench_report::TokenRead;

use crate::parts::{SECOND, merged, run_with, shards_with};
use crate::records::{MS, ok};

/// Reads some 5 ms apart, to the nanosecond; with `tokens`, of three tokens an event.
fn odd_reads(record: &RequestRecord, tokens: u32) -> Vec<TokenRead> {
    let first = record.first_token_ns.unwrap_or(0);
    let events = u64::from(record.events);
    (0..events)
        .map(|k| {
            let is_end = k == 0 || k + 1 == events;
            let odd = (record.index * 7919 + k * 104_729) % 300_000;
            TokenRead {
                at_ns: first + k * 5 * MS + if is_end { 0 } else { odd },
                events: 1,
                tokens,
            }
        })
        .collect()
}

#[test]
fn token_gaps_of_shards_add_up_bucket_for_bucket() {
    for (tokens, per_request) in [(0, false), (0, true), (3, false), (3, true)] {
        let records: Vec<RequestRecord> = (0..240)
            .map(|k| {
                let record = ok(k, k * 10 * MS, (20 + k % 9) * MS, 6 + k as u32 % 5);
                let n = record.events * tokens.max(1);
                RequestRecord {
                    output_tokens: Some(n),
                    first_event_tokens: Some(tokens.max(1)),
                    ..record
                }
            })
            .collect();
        let reads = |record: &RequestRecord| odd_reads(record, tokens);
        let (whole, _) = run_with("run", 1, &[0, 10 * SECOND], &records, per_request, reads);
        let mut shards = shards_with(&records, &[0; 8], per_request, reads);
        let report = merged(&shards).unwrap().report;
        for metric in [Metric::ChunkGap, Metric::Itl] {
            assert_eq!(
                report.stages[0].metrics[&metric],
                whole.stages[0].metrics[&metric]
            );
        }
        assert_eq!(report.stages[0].token_gaps, whole.stages[0].token_gaps);
        // An objective on them takes requests one by one.
        let check = |report: &Report| report.stages[0].checks[1].clone();
        assert_eq!(check(&report).count == 0, !per_request);
        if !per_request {
            assert!(
                check(&report).reason.contains("per_request was off"),
                "{:?}",
                check(&report)
            );
        }
        // Reports of older versions hold none: then it is the reads, or nothing, and that is said.
        for (report, _) in &mut shards {
            report.stages[0].token_gaps = None;
        }
        let old = &merged(&shards).unwrap().report.stages[0];
        let (found, truth) = (
            old.metrics.get(&Metric::Itl),
            &whole.stages[0].metrics[&Metric::Itl],
        );
        match found {
            Some(found) => {
                assert!(per_request && found.count == truth.count);
                assert!((found.mean.unwrap() / truth.mean.unwrap() - 1.0).abs() < 1e-3);
            }
            None => {
                assert!(!per_request);
                let reason = &old.absent[&Metric::Itl].reason;
                assert!(reason.contains("per_request was off"), "{reason}");
            }
        }
        // So do records that say when tokens came and not how many.
        for (_, records) in &mut shards {
            for record in records.iter_mut() {
                record
                    .reads
                    .iter_mut()
                    .flat_map(|reads| &mut reads.0)
                    .for_each(|entry| entry.tokens = 0);
            }
        }
        let old = &merged(&shards).unwrap().report.stages[0];
        if tokens == 3 && per_request {
            let reason = &old.absent[&Metric::Itl].reason;
            assert!(
                reason.contains("not how many each read brought"),
                "{reason}"
            );
            assert!(old.metrics.contains_key(&Metric::ChunkGap));
        }
    }
}
