//! Shards: processes that sent their parts of one plan at the same time.
//!
//! The instants of each count from its own origin, by its own clock. What they agree on is the time zero of each stage; so
//! each record is moved by the distance between its process's time zero of its stage and that of the first, and the requests are
//! those of one process that sent the whole plan.

use std::collections::BTreeMap;

use bench_contract::{
    Counts, Cut, FailOn, MergeKind, Merged, Metric, Report, RequestRecord, RunStatus, StageReport,
    TokenGaps,
};

use super::{MergeError, all_not_begun, health, missing_shards, with_instants};
use crate::gaps::Gaps;
use crate::rebuild::{Rebuild, RebuildError, Rebuilt, facts_of, where_cut, without_health};
use crate::server;

#[derive(Debug)]
pub(super) struct Shards {
    rebuild: Rebuild,
    names: Vec<String>,
    /// For each shard and stage, how far its instants are moved, in nanoseconds.
    moves: Vec<BTreeMap<u32, i64>>,
    /// For each shard and stage, how many requests it planned, and how many records it has given.
    given: Vec<BTreeMap<u32, (u64, u64)>>,
    /// What some did not tell of themselves.
    untold: Vec<String>,
    /// Whether some requests of the plan cannot be there.
    is_partial: bool,
}

impl Shards {
    pub(super) fn new(reports: &[Report]) -> Result<Self, MergeError> {
        let (indices, missing) = missing(reports)?;
        let mut stages: BTreeMap<u32, Vec<&StageReport>> = BTreeMap::new();
        for stage in reports.iter().flat_map(|report| &report.stages) {
            stages.entry(stage.stage).or_default().push(stage);
        }
        let origin = |stage: &StageReport| facts_of(stage).origin_ns as i64;
        let moves = reports.iter().map(|report| {
            let moved = report.stages.iter().filter_map(|stage| {
                let first = stages.get(&stage.stage)?.first()?;
                Some((stage.stage, origin(first) - origin(stage)))
            });
            moved.collect()
        });
        let names = reports.iter().map(name).collect::<Vec<_>>();
        let mut head = head(reports, &names);
        head.stages = stages
            .values()
            .filter_map(|parts| merged_stage(parts))
            .collect();
        head.server_metrics = server::of_shards(reports, missing.is_some());
        let begun: Vec<u32> = stages.keys().copied().collect();
        head.not_begun = all_not_begun(reports.iter(), &begun);
        if let Some(merged) = &mut head.run.merged {
            merged.missing = indices;
        }
        let given = reports.iter().map(|report| {
            let stages = report.stages.iter();
            stages
                .map(|stage| (stage.stage, (stage.counts.planned, 0)))
                .collect()
        });
        let is_partial = missing.is_some()
            || reports
                .iter()
                .any(|one| one.run.status != RunStatus::Complete);
        if let Some(missing) = missing {
            // Whatever the rest says, it is not what was to be measured.
            head.run.failed.insert(0, missing.clone());
            head.run.partial_because.insert(0, missing);
            if head.run.status == RunStatus::Complete {
                head.run.status = RunStatus::Partial;
            }
        }
        Ok(Self {
            moves: moves.collect(),
            given: given.collect(),
            untold: super::named(
                &names,
                &reports
                    .iter()
                    .map(|report| without_health(report).into_iter().collect())
                    .collect::<Vec<_>>(),
            ),
            names,
            is_partial,
            rebuild: Rebuild::of_parts(head)
                .map_err(|error| MergeError::Records { which: 0, error })?,
        })
    }

    pub(super) fn add(
        &mut self,
        which: usize,
        record: &RequestRecord,
    ) -> Result<RequestRecord, MergeError> {
        let moved = self
            .moves
            .get(which)
            .and_then(|moves| moves.get(&record.stage));
        let by = match moved {
            Some(by) => *by,
            // The warm-up may be all that there is.
            None if record.warmup => 0,
            None => {
                let error = RebuildError::UnknownStage(record.stage);
                return Err(MergeError::Records { which, error });
            }
        };
        if let Some((planned, records)) = self.given[which].get_mut(&record.stage)
            && !record.warmup
        {
            *records += 1;
            if *planned > 0 && *records > *planned {
                let (stage, records, planned) = (record.stage, *records, *planned);
                let error = RebuildError::TooMany {
                    stage,
                    records,
                    planned,
                };
                return Err(MergeError::Records { which, error });
            }
        }
        let record = with_instants(record, |at| at.saturating_add_signed(by));
        let added = self.rebuild.add(&record);
        added.map_err(|error| MergeError::Records { which, error })?;
        Ok(record)
    }

    pub(super) fn finish(
        self,
        cuts: &[Option<Cut>],
        fail_on: &[FailOn],
    ) -> Result<Rebuilt, MergeError> {
        let cuts: Vec<String> = self
            .names
            .iter()
            .zip(cuts)
            .filter_map(|(name, cut)| {
                let at = where_cut(cut.as_ref()?);
                Some(format!("{name}: the records are cut: {at}"))
            })
            .collect();
        let is_partial = self.is_partial || !cuts.is_empty();
        let told = cuts.into_iter().chain(self.untold).collect();
        let mut rebuilt = self
            .rebuild
            .finish_with(told, fail_on)
            .map_err(MergeError::Together)?;
        if is_partial || !rebuilt.missing.is_empty() {
            for stage in &mut rebuilt.report.stages {
                stage.arrivals = bench_contract::ArrivalTest {
                    count: stage.arrivals.count,
                    verdict: "not tested: requests of the plan are missing".to_owned(),
                    ..bench_contract::ArrivalTest::default()
                };
            }
        }
        Ok(rebuilt)
    }
}

/// The shards that are not there, and the same in words; none where that is not known, or none is missing.
fn missing(reports: &[Report]) -> Result<(Vec<u32>, Option<String>), MergeError> {
    let mut places: BTreeMap<u32, usize> = BTreeMap::new();
    let mut of = 0;
    for (place, report) in reports.iter().enumerate() {
        let Some(shard) = report.run.shard else {
            continue;
        };
        of = shard.count;
        if let Some(first) = places.insert(shard.index, place) {
            return Err(MergeError::SameShard {
                which: (first, place),
                index: shard.index,
            });
        }
    }
    let missing: Vec<u32> = (0..of)
        .filter(|index| !places.contains_key(index))
        .collect();
    let words = missing_shards(&missing, of);
    Ok((missing, words))
}

/// What a shard is called.
fn name(report: &Report) -> String {
    let host = &report.environment.host;
    match report.run.shard {
        Some(shard) => format!("shard {} ({host})", shard.index),
        None => host.clone(),
    }
}

/// What is known of the run beside its stages.
fn head(reports: &[Report], names: &[String]) -> Report {
    let mut head = reports[0].clone();
    let all = || reports.iter().map(|report| &report.run);
    head.run.shard = None;
    head.run.merged = Some(Merged {
        kind: MergeKind::Shards,
        of: names.to_vec(),
        missing: Vec::new(),
        doubts: Vec::new(),
    });
    head.run.status = all()
        .map(|run| run.status)
        .max_by_key(|status| match status {
            RunStatus::Complete => 0,
            RunStatus::Partial => 1,
            RunStatus::Unfinished => 2,
        })
        .unwrap_or(RunStatus::Complete);
    let because = |report: &Report| report.run.partial_because.clone();
    head.run.partial_because =
        super::named(names, &reports.iter().map(because).collect::<Vec<_>>());
    let failed = |report: &Report| report.run.failed.clone();
    head.run.failed = super::named(names, &reports.iter().map(failed).collect::<Vec<_>>());
    head.run.interrupted = all().any(|run| run.interrupted);
    head.run.duration_s = all().map(|run| run.duration_s).fold(0.0, f64::max);
    head.run.usage.cpu_s = all().map(|run| run.usage.cpu_s).sum();
    head.run.usage.rss_max_bytes = all().filter_map(|run| run.usage.rss_max_bytes).max();
    head.environment.host = names.join(", ");
    head.environment.cpus = reports.iter().map(|report| report.environment.cpus).sum();
    head.environment.workers = reports
        .iter()
        .map(|report| report.environment.workers)
        .sum();
    head.counts = Counts::default();
    for report in reports {
        head.counts.merge(&report.counts);
    }
    let mut addresses: Vec<String> = reports
        .iter()
        .flat_map(|report| report.target.addresses.clone())
        .collect();
    addresses.sort();
    addresses.dedup();
    head.target.addresses = addresses;
    head.series = None;
    head.length_histograms = None;
    head
}

/// What is known of a stage beside its requests, with the number of those that were planned, and their token gaps where every shard
/// tells its own.
fn merged_stage(parts: &[&StageReport]) -> Option<StageReport> {
    let mut stage = (*parts.first()?).clone();
    stage.counts = Counts::default();
    for part in parts {
        stage.counts.merge(&part.counts);
        // Only which there are counts.
        let metrics = part.metrics.iter();
        metrics.for_each(|(metric, summary)| {
            stage
                .metrics
                .entry(*metric)
                .or_insert_with(|| summary.clone());
        });
    }
    stage.health = health(MergeKind::Shards, parts.iter().copied());
    stage.token_gaps = gaps(parts);
    Some(stage)
}

/// The token gaps of several shards; none where one of them does not tell them.
fn gaps(parts: &[&StageReport]) -> Option<TokenGaps> {
    let mut sum = Gaps::default();
    for part in parts {
        match &part.token_gaps {
            Some(counts) => sum.add(&Gaps::from_counts(counts)?),
            // A shard of which no request got two tokens has none.
            None if part.absent.contains_key(&Metric::ChunkGap) => {}
            None => return None,
        }
    }
    Some(sum.all_counts())
}
