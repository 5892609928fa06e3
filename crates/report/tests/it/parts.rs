//! Made-up runs that are parts of a larger one.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{Config, FailOn, Outcome, Report, RequestRecord, Shard};
use bench_report::{
    Merge, MergeError, Rebuilt, Settings, Stage, StageCollector, TokenRead, reads, report,
    stage_reports,
};
use proptest::prelude::*;
use serde_json::json;

use crate::made::head;
use crate::records::{MS, facts, failed, ok, reads as exact_reads};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A run: its report and its records.
pub(crate) type Part = (Report, Vec<RequestRecord>);

fn config(seed: u64, per_request: bool) -> Config {
    serde_json::from_value(json!({
        "api": {"type": "completion", "streaming": true},
        "load": {"seed": seed},
        "report": {"request_lifecycle": {"per_request": per_request}},
        "slo": [{"metric": "ttft_scheduled", "percentile": 95, "max": "900ms"},
            {"metric": "chunk_gap", "percentile": 99, "max": "6ms"}, {"metric": "error_rate", "max": 0.4}],
    }))
    .unwrap()
}

/// A run that has ended, of stages whose time zeros are given; its records are whole microseconds apart.
pub(crate) fn run_of(id: &str, seed: u64, origins: &[u64], records: &[RequestRecord]) -> Part {
    run_with(id, seed, origins, records, true, exact_reads)
}

/// The same with the reads that `reads` gives of each record; without `per_request`, the records do not hold them.
pub(crate) fn run_with(
    id: &str,
    seed: u64,
    origins: &[u64],
    records: &[RequestRecord],
    per_request: bool,
    reads: impl Fn(&RequestRecord) -> Vec<TokenRead>,
) -> Part {
    let config = config(seed, per_request);
    let settings = Arc::new(Settings::from_config(&config));
    let mut stages: Vec<Stage> = (0..)
        .zip(origins)
        .map(|(number, &origin)| {
            let mut facts = facts(LoadType::Constant, 100.0, 3.0);
            (facts.stage, facts.origin_ns) = (number, origin);
            Stage {
                facts,
                collector: StageCollector::new(settings.clone()),
            }
        })
        .collect();
    let mut written = Vec::new();
    for record in records {
        let reads = reads(record);
        stages[record.stage as usize].collector.add(record, &reads);
        let packed = || reads::packed(record.sent_ns.unwrap_or(0), &reads, true);
        written.push(RequestRecord {
            reads: per_request.then(packed),
            ..record.clone()
        });
    }
    let mut head = head();
    head.run.id = id.to_owned();
    head.run.seed = seed;
    head.config = serde_json::to_value(&config).unwrap();
    let reports = stage_reports(&stages);
    (report(head, &stages, reports, &FailOn::ALL), written)
}

/// `record` by the clock of a process whose run began `earlier` ns before.
fn by_other_clock(record: &RequestRecord, earlier: u64) -> RequestRecord {
    let mut record = record.clone();
    record.scheduled_ns += earlier;
    for stamp in [
        &mut record.dispatched_ns,
        &mut record.sent_ns,
        &mut record.first_token_ns,
        &mut record.first_visible_ns,
        &mut record.last_token_ns,
        &mut record.end_ns,
    ] {
        *stamp = stamp.map(|at| at + earlier);
    }
    record
}

pub(crate) fn merged(parts: &[Part]) -> Result<Rebuilt, MergeError> {
    let mut merge = Merge::new(parts.iter().map(|(report, _)| report.clone()).collect())?;
    for (which, (_, records)) in parts.iter().enumerate() {
        for record in records {
            merge.add(which, record)?;
        }
    }
    merge.finish(&vec![None; parts.len()], &FailOn::ALL)
}

/// Requests of two stages, ten seconds apart.
pub(crate) fn any_records() -> impl Strategy<Value = Vec<RequestRecord>> {
    records_from(|stage| u64::from(stage) * 10 * SECOND, 2, 200)
}

/// Fewer than `most` requests of two stages that begin at `origin`, `failing` to five of them with an outcome of any kind. Their
/// stamps are whole microseconds from each other, so that nothing is rounded.
pub(crate) fn records_from(
    origin: impl Fn(u32) -> u64,
    failing: u32,
    most: usize,
) -> impl Strategy<Value = Vec<RequestRecord>> {
    let outcome =
        prop_oneof![5 => Just(Outcome::Ok), failing => prop::sample::select(Outcome::ALL.to_vec())];
    let record = (outcome, 1..2000_u64, 1..40_u32, 0..4_u32, 0..2_u32);
    prop::collection::vec(record, 1..most).prop_map(move |records| {
        let mut counts = [0_u64; 2];
        let each = records
            .into_iter()
            .map(|(outcome, ttft, n, message, stage)| {
                let index = counts[stage as usize];
                counts[stage as usize] += 1;
                let at = origin(stage) + index * 10 * MS;
                let record = if outcome == Outcome::Ok {
                    ok(index, at, ttft * MS, n)
                } else {
                    failed(index, at, outcome, &format!("message {message}"))
                };
                RequestRecord { stage, ..record }
            });
        each.collect()
    })
}

/// Eight shards of `records`, each by a clock of its own; the first by that of the whole.
pub(crate) fn shards_of(records: &[RequestRecord], offsets: &[u64]) -> Vec<Part> {
    shards_with(records, offsets, true, exact_reads)
}

/// The same with the reads that `reads` gives of each record by the clock of its shard.
pub(crate) fn shards_with(
    records: &[RequestRecord],
    offsets: &[u64],
    per_request: bool,
    reads: impl Fn(&RequestRecord) -> Vec<TokenRead> + Copy,
) -> Vec<Part> {
    (0..8_u64)
        .map(|index| {
            let offset = if index == 0 {
                0
            } else {
                offsets[index as usize]
            };
            let mine: Vec<RequestRecord> = records
                .iter()
                .filter(|record| (record.index * 7 + u64::from(record.stage)) % 8 == index)
                .map(|record| by_other_clock(record, offset))
                .collect();
            let (mut report, records) = run_with(
                "run",
                1,
                &[offset, offset + 10 * SECOND],
                &mine,
                per_request,
                reads,
            );
            report.run.shard = Some(Shard {
                index: index as u32,
                count: 8,
            });
            report.environment.host = format!("pod-{index}");
            (report, records)
        })
        .collect()
}
