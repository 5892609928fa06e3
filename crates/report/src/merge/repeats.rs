//! Repeats: runs of one config, one after the other, each with a seed of its own.
//!
//! Requests are pooled: percentiles, intervals and objectives are those of all requests together. In the pool one run
//! stands behind the other, and correlation is read within each run alone ([`crate::autocorrelation`]): the last request of one and the first
//! of the next were never in one queue. Where runs differ from each other in their level, the pool counts as hardly more
//! samples than there are runs, so that an interval tells of the next run too.
//!
//! What is of a run and not of its requests is not pooled: rates and throughput are means over the runs, a stage is as valid as in
//! the worst of them, and arrivals were tested in each. There is no series over time, and nothing of the server's own metrics:
//! each run's report has its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_contract::{
    ArrivalState, ArrivalTest, Counts, Cut, FailOn, MergeKind, Merged, Metric, NotBegun, Report,
    RequestRecord, RunStatus, Slo, StageReport, SteadyThroughput, Throughput, Validity,
};

use super::{MergeError, all_not_begun, health, named, with_instants};
use crate::collector::{StageCollector, StageFacts};
use crate::course::Course;
use crate::doubt::{Missing, doubt};
use crate::gaps::Gaps;
use crate::reads::unpacked;
use crate::rebuild::{
    Rebuild, Rebuilt, facts_of, is_unread, say_why_no_gaps, settings_of, where_cut,
};
use crate::run::{Head, Stage, report, stage_reports};

#[derive(Debug)]
pub(super) struct Repeats {
    runs: Vec<Rebuild>,
    ids: Vec<String>,
    /// The time zero of each stage of each run, in nanoseconds.
    origins: Vec<BTreeMap<u32, u64>>,
    pools: BTreeMap<u32, StageCollector>,
    head: Report,
    objectives: Vec<Slo>,
    has_reads: bool,
    /// Nanoseconds between the runs of a pool: all that there are, shared out, so that each has centuries.
    apart: u64,
    doubts: Vec<String>,
}

impl Repeats {
    pub(super) fn new(reports: Vec<Report>) -> Result<Self, MergeError> {
        let Some(head) = reports.first().cloned() else {
            return Err(MergeError::TooFew);
        };
        for (which, report) in reports.iter().enumerate() {
            if let Some(shard) = report.run.shard.filter(|shard| shard.count > 1) {
                return Err(MergeError::ShardOfRepeat { which, shard });
            }
        }
        let apart = u64::MAX / reports.len() as u64;
        let doubts = same_seeds(&reports);
        let failed = |which| move |error| MergeError::Records { which, error };
        let settings = Arc::new(settings_of(&head).map_err(failed(0))?);
        let mut pools = BTreeMap::new();
        for stage in reports.iter().flat_map(|report| &report.stages) {
            let pool = || {
                let mut pool = StageCollector::new(settings.clone());
                (1..reports.len() as u64).for_each(|run| pool.begin_run(run * apart));
                pool
            };
            pools.entry(stage.stage).or_insert_with(pool);
        }
        let origin = |stage: &StageReport| (stage.stage, facts_of(stage).origin_ns);
        Ok(Self {
            ids: reports.iter().map(|report| report.run.id.clone()).collect(),
            origins: reports
                .iter()
                .map(|report| report.stages.iter().map(origin).collect())
                .collect(),
            runs: (0..)
                .zip(reports)
                .map(|(which, report)| Rebuild::new(report).map_err(failed(which)))
                .collect::<Result<_, _>>()?,
            pools,
            objectives: settings.slos.clone(),
            head,
            has_reads: false,
            apart,
            doubts,
        })
    }

    pub(super) fn doubts(&self) -> &[String] {
        &self.doubts
    }

    pub(super) fn add(&mut self, which: usize, record: &RequestRecord) -> Result<(), MergeError> {
        let added = self.runs[which].add(record);
        added.map_err(|error| MergeError::Records { which, error })?;
        if record.warmup {
            return Ok(());
        }
        self.has_reads |= record.reads.is_some();
        let origin = self.origins[which].get(&record.stage);
        if let (Some(pool), Some(&origin)) = (self.pools.get_mut(&record.stage), origin) {
            // From the stage's time zero on, and far behind the run before.
            let start = which as u64 * self.apart;
            let moved = |at: u64| at.saturating_sub(origin).min(self.apart - 1) + start;
            let record = with_instants(record, moved);
            pool.add(&record, &unpacked(&record));
        }
        Ok(())
    }

    pub(super) fn finish(
        self,
        cuts: &[Option<Cut>],
        fail_on: &[FailOn],
    ) -> Result<Rebuilt, MergeError> {
        let mut runs = Vec::new();
        for (which, run) in self.runs.into_iter().enumerate() {
            let cut = cuts.get(which).and_then(Option::as_ref);
            let cut = cut.map(|cut| format!("the records are cut: {}", where_cut(cut)));
            let run = run.finish_with(cut.into_iter().collect(), fail_on);
            runs.push(run.map_err(|error| MergeError::Records { which, error })?);
        }
        let stages: Vec<Stage> = self
            .pools
            .into_iter()
            .filter_map(|(number, mut collector)| {
                let of_stage = |run: &Rebuilt| {
                    let mut stages = run.report.stages.iter();
                    stages.find(|stage| stage.stage == number).cloned()
                };
                let repeats: Vec<StageReport> = runs.iter().filter_map(of_stage).collect();
                let first = repeats.first()?;
                // Gaps of a part of the runs are no gaps of all of them.
                collector.know_gaps(gaps(&runs, number).unwrap_or_default());
                let facts = StageFacts {
                    origin_ns: 0,
                    health: health(MergeKind::Repeats, repeats.iter()),
                    repeats: repeats.clone(),
                    ..facts_of(first)
                };
                Some(Stage { facts, collector })
            })
            .collect();
        let mut head = head(&self.head, &self.objectives, &self.ids, &runs);
        if let Some(merged) = &mut head.run.merged {
            merged.doubts = self.doubts;
        }
        let missing = named(
            &self.ids,
            &runs
                .iter()
                .map(|run| run.missing.clone())
                .collect::<Vec<_>>(),
        );
        let mut reports = stage_reports(&stages);
        let nothing = Missing::all_due(0);
        let mut lost: BTreeMap<u32, Missing> = BTreeMap::new();
        for (stage, missing) in runs.iter().flat_map(|run| &run.lost) {
            let all = lost.entry(*stage).or_insert(nothing);
            *all = all.and(*missing);
        }
        for report in &mut reports {
            let of_stage = |run: &Rebuilt| {
                let mut stages = run.report.stages.iter();
                let stage = stages.find(|stage| stage.stage == report.stage);
                stage.map(|stage| stage.metrics.keys().copied().collect::<Vec<_>>())
            };
            let had: Vec<Metric> = runs.iter().filter_map(of_stage).flatten().collect();
            let had = Some(had.as_slice()).filter(|_| self.has_reads || !had.is_empty());
            say_why_no_gaps(report, had, self.has_reads);
            let lost = lost.get(&report.stage).copied().unwrap_or(nothing);
            report
                .checks
                .iter_mut()
                .for_each(|check| doubt(check, lost));
        }
        let mut report = report(head, &stages, reports, fail_on);
        report.series = None;
        Ok(Rebuilt {
            report,
            stages,
            missing,
            lost,
        })
    }
}

/// The token gaps of a stage over all runs; none where those of one of them are not known as they were counted.
fn gaps(runs: &[Rebuilt], number: u32) -> Option<Gaps> {
    let mut sum = Gaps::default();
    for run in runs {
        let mut stages = run.stages.iter().zip(&run.report.stages);
        let Some((stage, report)) = stages.find(|(_, report)| report.stage == number) else {
            continue;
        };
        let gaps = stage.collector.gaps();
        let is_known = |metric: &Metric| {
            let absent = report.absent.get(metric);
            let said = report.metrics.get(metric).map_or(0, |found| found.count);
            gaps.of(*metric).count() == said && !absent.is_some_and(is_unread)
        };
        if ![Metric::ChunkGap, Metric::Itl].iter().all(is_known) {
            return None;
        }
        sum.add(gaps);
    }
    Some(sum)
}

/// Runs that were sent by one seed, in sentences.
fn same_seeds(reports: &[Report]) -> Vec<String> {
    let mut by_seed: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for report in reports {
        by_seed
            .entry(report.run.seed)
            .or_default()
            .push(&report.run.id);
    }
    let same = by_seed.into_iter().filter(|(_, ids)| ids.len() > 1);
    same.map(|(seed, ids)| {
        format!(
            "{} have one seed ({seed}): arrivals and lengths are the same in them, so that they differ less than independent repeats would, and intervals over all are too narrow; give each a seed of its own (benchmark.seed: 0)",
            ids.join(", ")
        )
    })
    .collect()
}

fn head(first: &Report, objectives: &[Slo], ids: &[String], runs: &[Rebuilt]) -> Head {
    let mut run = first.run.clone();
    let all = || runs.iter().map(|run| &run.report);
    let told = |of: &dyn Fn(&Report) -> Vec<String>| named(ids, &all().map(of).collect::<Vec<_>>());
    run.id = format!("{} and {} more", ids[0], ids.len() - 1);
    run.merged = Some(Merged {
        kind: MergeKind::Repeats,
        of: ids.to_vec(),
        missing: Vec::new(),
        doubts: Vec::new(),
    });
    run.partial_because = told(&|report| report.run.partial_because.clone());
    run.failed = told(&|report| report.run.failed.clone());
    run.interrupted = all().any(|report| report.run.interrupted);
    run.status = if all().all(|report| report.run.status == RunStatus::Complete) {
        RunStatus::Complete
    } else {
        RunStatus::Partial
    };
    run.unrecorded = all().map(|report| report.run.unrecorded).sum();
    run.duration_s = all().map(|report| report.run.duration_s).sum();
    run.usage.cpu_s = all().map(|report| report.run.usage.cpu_s).sum();
    let memory = all().filter_map(|report| report.run.usage.rss_max_bytes);
    run.usage.rss_max_bytes = memory.max();
    let mut warmup = Counts::default();
    let (mut planned, mut in_stages) = (0, 0);
    for report in all() {
        report.warmup.iter().for_each(|counts| warmup.merge(counts));
        planned += report.counts.planned;
        in_stages += report
            .stages
            .iter()
            .map(|stage| stage.counts.planned)
            .sum::<u64>();
    }
    let unsent = planned - in_stages;
    Head {
        tool: first.tool.clone(),
        run,
        environment: first.environment.clone(),
        target: first.target.clone(),
        warmup: (warmup.planned > 0).then_some(warmup),
        unstarted: Counts {
            planned: unsent,
            not_sent: unsent,
            ..Counts::default()
        },
        not_begun: not_begun(runs),
        objectives: objectives.to_vec(),
        earlier: Vec::new(),
        config: first.config.clone(),
    }
}

/// The stages that began in none of the runs.
fn not_begun(runs: &[Rebuilt]) -> Vec<NotBegun> {
    let begun = runs.iter().flat_map(|run| &run.report.stages);
    let begun: Vec<u32> = begun.map(|stage| stage.stage).collect();
    all_not_begun(runs.iter().map(|run| &run.report), &begun)
}

/// How a stage of several runs went, from the reports of the single ones; none where there are none.
pub(crate) fn pooled(repeats: &[StageReport]) -> Option<Course> {
    let runs = repeats.len() as f64;
    let first = repeats.first()?;
    let mean = |of: &dyn Fn(&StageReport) -> f64| repeats.iter().map(of).sum::<f64>() / runs;
    let window_s: f64 = repeats.iter().map(|stage| stage.throughput.window_s).sum();
    // Rates weigh as much as the time that they were measured over.
    let rate = |of: &dyn Fn(&Throughput) -> f64| {
        let amounts = repeats.iter().map(|stage| &stage.throughput);
        let amount: f64 = amounts.map(|one| of(one) * one.window_s).sum();
        if window_s > 0.0 {
            amount / window_s
        } else {
            0.0
        }
    };
    let worst = repeats.iter().map(|stage| stage.validity.state).max()?;
    let reasons = (1..).zip(repeats).flat_map(|(place, stage)| {
        let reasons = stage.validity.reasons.iter();
        reasons.map(move |reason| format!("run {place}: {reason}"))
    });
    let verdicts: Vec<&str> = repeats
        .iter()
        .map(|stage| stage.arrivals.verdict.as_str())
        .collect();
    Some(Course {
        duration_s: repeats.iter().map(|stage| stage.duration_s).sum(),
        offered_rate: first
            .offered_rate
            .map(|_| mean(&|stage| stage.offered_rate.unwrap_or(0.0))),
        achieved_rate: mean(&|stage| stage.achieved_rate),
        throughput: Throughput {
            window_s,
            requests_per_s: rate(&|one| one.requests_per_s),
            input_tokens_per_s: rate(&|one| one.input_tokens_per_s),
            output_tokens_per_s: rate(&|one| one.output_tokens_per_s),
            steady: steady(repeats),
        },
        arrivals: ArrivalTest {
            count: repeats.iter().map(|stage| stage.arrivals.count).sum(),
            state: arrivals(repeats),
            verdict: format!("tested in each run: {}", verdicts.join("; ")),
            ..ArrivalTest::default()
        },
        validity: Validity {
            state: worst,
            reasons: reasons.collect(),
        },
    })
}

/// What came of the tests of arrivals of single runs: all have to be as asked for.
fn arrivals(repeats: &[StageReport]) -> ArrivalState {
    let has = |state| repeats.iter().any(|stage| stage.arrivals.state == state);
    match () {
        () if has(ArrivalState::Other) => ArrivalState::Other,
        () if has(ArrivalState::Untested) => ArrivalState::Untested,
        () => ArrivalState::AsAsked,
    }
}

fn steady(repeats: &[StageReport]) -> Option<SteadyThroughput> {
    let all: Vec<SteadyThroughput> = repeats
        .iter()
        .map(|stage| stage.throughput.steady)
        .collect::<Option<_>>()?;
    let window_s: f64 = all.iter().map(|one| one.window_s).sum();
    let rate = |of: &dyn Fn(&SteadyThroughput) -> f64| {
        all.iter().map(|one| of(one) * one.window_s).sum::<f64>() / window_s
    };
    Some(SteadyThroughput {
        after_s: all.iter().map(|one| one.after_s).fold(0.0, f64::max),
        window_s,
        requests_per_s: rate(&|one| one.requests_per_s),
        output_tokens_per_s: rate(&|one| one.output_tokens_per_s),
    })
}
