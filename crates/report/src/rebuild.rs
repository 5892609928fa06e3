//! The report of a run from its records: the one that loadgen wrote, or where it was killed before that, one of what it left.
//!
//! What records cannot hold is taken from the report that stands beside them: the run itself, the load and the origin of each
//! stage, the generator's health, and where the run has ended, figures of token gaps. Records hold reads to the microsecond,
//! and only where `per_request` is on; how many tokens a read brought is in none, so `itl` where events are not tokens cannot
//! be had from them.

mod error;
mod part;
mod unread;

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_contract::{
    Config, Counts, Cut, DEFINITIONS_VERSION, FailOn, Health, Metric, Report, RequestRecord,
    RunStatus, Slo, StageReport, TimeSeries,
};

use crate::collector::{StageCollector, StageFacts};
use crate::doubt::{Missing, doubt};
use crate::format::count;
use crate::gaps::Gaps;
use crate::reads::unpacked;
use crate::run::{Head, Stage, report, stage_reports};
use crate::settings::Settings;

pub use error::RebuildError;
pub(crate) use unread::{is_unread, say_why_no_gaps};

use part::{Extent, Lost, Part};

/// What came of records.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// The report.
    pub report: Report,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// What is missing of the run, in sentences; nothing where every planned request has its record.
    pub missing: Vec<String>,
    /// Planned requests of each stage that left no record.
    pub(crate) lost: BTreeMap<u32, Missing>,
}

/// Takes records, in any order, and makes a report of them.
#[derive(Clone, Debug)]
pub struct Rebuild {
    head: Report,
    objectives: Vec<Slo>,
    parts: BTreeMap<u32, Part>,
    warmup: Counts,
    last_ns: u64,
    has_reads: bool,
}

impl Rebuild {
    /// No records yet, of the run that `head` reports on.
    ///
    /// # Errors
    /// When the report cannot be computed again here.
    pub fn new(head: Report) -> Result<Self, RebuildError> {
        let settings = settings_of(&head)?;
        Ok(Self::with(head, settings))
    }

    /// The same, computed with other `settings` than the run's, for example other objectives.
    #[must_use]
    pub fn with(head: Report, settings: Settings) -> Self {
        let has_ended = head.run.status != RunStatus::Unfinished;
        Self::made(head, settings, has_ended)
    }

    /// No records yet, of the run that several reports are parts of: `head` has its stages' loads, counts, healths and
    /// token gaps, and other figures than its own.
    ///
    /// # Errors
    /// When the report cannot be computed again here.
    pub(crate) fn of_parts(head: Report) -> Result<Self, RebuildError> {
        let settings = settings_of(&head)?;
        Ok(Self::made(head, settings, false))
    }

    fn made(head: Report, settings: Settings, is_whole: bool) -> Self {
        let settings = Arc::new(settings);
        let has_ended = head.run.status != RunStatus::Unfinished;
        let parts = head.stages.iter().map(|report| {
            let part = Part {
                stage: Stage {
                    facts: StageFacts {
                        earlier: is_whole.then(|| Box::new(report.clone())),
                        ..facts_of(report)
                    },
                    collector: StageCollector::new(settings.clone()),
                },
                planned: report.counts.planned,
                gaps: report.token_gaps.as_ref().and_then(Gaps::from_counts),
                had: has_ended.then(|| report.metrics.keys().copied().collect()),
            };
            (report.stage, part)
        });
        Self {
            parts: parts.collect(),
            objectives: settings.slos.clone(),
            head,
            warmup: Counts::default(),
            last_ns: 0,
            has_reads: false,
        }
    }

    /// Takes a record.
    ///
    /// # Errors
    /// When the report does not know its stage.
    pub fn add(&mut self, record: &RequestRecord) -> Result<(), RebuildError> {
        let ended = record.end_ns.or(record.dispatched_ns);
        self.last_ns = self.last_ns.max(ended.unwrap_or(record.scheduled_ns));
        if record.warmup {
            self.warmup.add(record.outcome);
            return Ok(());
        }
        let part = self.parts.get_mut(&record.stage);
        let part = part.ok_or(RebuildError::UnknownStage(record.stage))?;
        self.has_reads |= record.reads.is_some();
        part.stage.collector.add(record, &unpacked(record));
        Ok(())
    }

    /// The report. `cut` is where the records end before their file does; `fail_on` is what makes its exit code.
    ///
    /// # Errors
    /// When the records cannot be those of the run.
    pub fn finish(self, cut: Option<&Cut>, fail_on: &[FailOn]) -> Result<Rebuilt, RebuildError> {
        let cuts = cut.map(|cut| format!("the records are cut: {}", where_cut(cut)));
        self.finish_with(cuts.into_iter().collect(), fail_on)
    }

    /// The same, where what is missing beside requests is told already.
    pub(crate) fn finish_with(
        mut self,
        mut missing: Vec<String>,
        fail_on: &[FailOn],
    ) -> Result<Rebuilt, RebuildError> {
        let is_unfinished = self.head.run.status == RunStatus::Unfinished;
        let extent = Extent::of(&self.head);
        let mut lost = BTreeMap::new();
        for (number, part) in &mut self.parts {
            let found = part.look(*number, &self.head.run, extent, self.last_ns)?;
            lost.insert(*number, found);
            if let Some(gaps) = part.gaps.take() {
                part.stage.collector.know_gaps_at_least(gaps);
            }
        }
        missing.extend(self.missing(&lost));
        let (stages, had): (Vec<Stage>, Vec<Option<Vec<Metric>>>) = self
            .parts
            .into_values()
            .map(|part| (part.stage, part.had))
            .unzip();
        let mut reports = stage_reports(&stages);
        for (report, had) in reports.iter_mut().zip(&had) {
            say_why_no_gaps(report, had.as_deref(), self.has_reads);
            let lost = lost.get(&report.stage).copied().unwrap_or_default();
            let checks = report.checks.iter_mut();
            checks.for_each(|check| doubt(check, lost.missing(extent)));
        }
        let mut head = head_of(&self.head, self.objectives, self.warmup);
        head.run.unrecorded = lost.values().map(|lost| lost.requests).sum();
        if is_unfinished {
            if let Some(first) = head.not_begun.first() {
                missing.push(format!("stage {} and later were not started", first.stage));
            }
            // It may have been killed when all had ended; of several processes, others may have been stopped.
            let is_whole = missing.is_empty() && head.unstarted.planned == 0;
            head.run.interrupted |= !is_whole;
            head.run.duration_s = self.last_ns as f64 / 1e9;
            head.run.status = RunStatus::Complete;
            if is_whole {
                let because = &mut head.run.partial_because;
                because.retain(|reason| !reason.ends_with(crate::NOT_ENDED));
            }
        }
        for reason in &missing {
            if !head.run.partial_because.contains(reason) {
                head.run.partial_because.push(reason.clone());
            }
        }
        if head.run.interrupted || !head.run.partial_because.is_empty() {
            head.run.status = RunStatus::Partial;
        }
        let mut report = report(head, &stages, reports, fail_on);
        // Nothing of it is in the records.
        report.server_metrics = self.head.server_metrics.take();
        if !self.has_reads && !is_unfinished {
            keep_series(&mut report, self.head.series);
        }
        Ok(Rebuilt {
            report,
            stages,
            missing,
            lost: lost
                .into_iter()
                .map(|(number, lost)| (number, lost.missing(extent)))
                .collect(),
        })
    }

    /// What is missing, in sentences.
    fn missing(&self, lost: &BTreeMap<u32, Lost>) -> Vec<String> {
        let mut missing = Vec::new();
        let where_they_are = match &self.head.run.merged {
            None => {
                "they were in flight or just over, and are in no latency, so that the longest latencies are missing"
            }
            Some(_) => "they were in flight or just over, or of a shard that was killed before",
        };
        for (number, lost) in lost.iter().filter(|(_, lost)| lost.requests > 0) {
            if lost.elsewhere > 0 {
                missing.push(format!(
                    "stage {number}: at least {} of {} planned requests are of shards that are not here; rates are those of the shards that are",
                    count(lost.elsewhere),
                    count(lost.of + lost.elsewhere)
                ));
            }
            let here = lost.requests - lost.elsewhere;
            if here == 0 {
                continue;
            }
            let of = match lost.of {
                0 => String::new(),
                of => format!(" of {}", count(of)),
            };
            let mut text = format!(
                "stage {number}: {}{of} planned requests left no record",
                count(here)
            );
            if lost.holes > 0 {
                text.push_str(&format!(
                    "; {} of them were due before others that did: {where_they_are}",
                    count(lost.holes)
                ));
            }
            missing.push(text);
        }
        for (number, lost) in lost.iter().filter(|(_, lost)| lost.in_flight > 0) {
            missing.push(format!(
                "stage {number}: up to {} more requests were in flight, and left no record",
                count(lost.in_flight)
            ));
        }
        // Of several processes each is asked by itself.
        if self.head.run.merged.is_none() {
            missing.extend(without_health(&self.head));
        }
        missing
    }
}

/// That a run that has not ended does not tell how its generator did in some stages, in a sentence.
pub(crate) fn without_health(report: &Report) -> Option<String> {
    let stages = report.stages.iter();
    let stages: Vec<String> = stages
        .filter(|stage| stage.health == Health::default())
        .map(|stage| stage.stage.to_string())
        .collect();
    (report.run.status == RunStatus::Unfinished && !stages.is_empty()).then(|| {
        format!(
            "nothing is known of the generator's own health in stage {}: it is told at a stage's end",
            stages.join(", ")
        )
    })
}

/// Where records end before their file does, in words.
pub(crate) fn where_cut(cut: &Cut) -> String {
    match cut.lines {
        0 => format!("{} before the first of them", cut.reason),
        lines => format!("{} after line {}", cut.reason, count(lines)),
    }
}

/// What `report` was computed with.
///
/// # Errors
/// When it cannot be computed again here.
pub(crate) fn settings_of(report: &Report) -> Result<Settings, RebuildError> {
    if report.definitions_version != DEFINITIONS_VERSION {
        return Err(RebuildError::Definitions(report.definitions_version));
    }
    let config: Config = serde_json::from_value(report.config.clone())
        .map_err(|error| RebuildError::Config(error.to_string()))?;
    Ok(Settings::from_config(&config))
}

/// What a stage's report holds beside its requests.
pub(crate) fn facts_of(report: &StageReport) -> StageFacts {
    StageFacts {
        stage: report.stage,
        load: report.load.clone(),
        // A float holds the nanoseconds of a hundred days.
        origin_ns: (report.origin_s * 1e9).round() as u64,
        health: report.health.clone(),
        known_until_ns: None,
        earlier: None,
        repeats: Vec::new(),
    }
}

/// What a report holds beside its stages.
fn head_of(report: &Report, objectives: Vec<Slo>, warmup: Counts) -> Head {
    let is_whole = report.run.status != RunStatus::Unfinished && report.run.merged.is_none();
    let mut unstarted = report.counts.clone();
    for stage in &report.stages {
        unstarted.planned = unstarted.planned.saturating_sub(stage.counts.planned);
        unstarted.not_sent = unstarted.not_sent.saturating_sub(stage.counts.not_sent);
    }
    Head {
        tool: report.tool.clone(),
        run: report.run.clone(),
        environment: report.environment.clone(),
        target: report.target.clone(),
        warmup: (warmup.planned > 0).then_some(warmup),
        unstarted: Counts {
            planned: unstarted.planned,
            not_sent: unstarted.planned,
            ..Counts::default()
        },
        not_begun: report.not_begun.clone(),
        objectives,
        earlier: if is_whole {
            report.checks.clone()
        } else {
            Vec::new()
        },
        config: report.config.clone(),
    }
}

/// Keeps what the series of `before` say of tokens.
fn keep_series(report: &mut Report, before: Option<TimeSeries>) {
    let (Some(series), Some(before)) = (&mut report.series, before) else {
        return;
    };
    let same = |one: &TimeSeries| (one.start_s, one.width_s, one.scheduled.len());
    if same(series) == same(&before) {
        series.output_tokens = before.output_tokens;
        series.chunk_gap_p50 = before.chunk_gap_p50;
        series.chunk_gap_p99 = before.chunk_gap_p99;
    }
}
