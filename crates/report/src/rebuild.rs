//! The report of a run from its records: the one that loadgen wrote, or where it was killed before that, one of what it left.
//!
//! What records cannot hold is taken from the report that stands beside them: the run itself, the load and the origin of each
//! stage, the generator's health, and where the run has ended, figures of token gaps. Records hold reads to the microsecond,
//! and only where `per_request` is on; how many tokens a read brought is in none, so `itl` where events are not tokens cannot
//! be had from them.

mod error;

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    Config, Counts, Cut, DEFINITIONS_VERSION, FailOn, Health, Metric, Report, RequestRecord,
    RunInfo, RunStatus, Slo, StageReport, TimeSeries,
};

use crate::arrivals::requests_due;
use crate::collector::{StageCollector, StageFacts};
use crate::derive::{reason_in_streams, seconds_between};
use crate::doubt::{Missing, doubt};
use crate::format::count;
use crate::reads::unpacked;
use crate::run::{Head, Stage, report, stage_reports};
use crate::settings::Settings;

pub use error::RebuildError;

/// What came of records.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// The report.
    pub report: Report,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// What is missing of the run, in sentences; nothing where every planned request has its record.
    pub missing: Vec<String>,
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

#[derive(Clone, Debug)]
struct Part {
    stage: Stage,
    /// Planned requests, as far as that was known.
    planned: u64,
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
        let settings = Arc::new(settings);
        let is_whole = head.run.status != RunStatus::Unfinished && head.run.merged.is_none();
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
        let mut lost = BTreeMap::new();
        for (number, part) in &mut self.parts {
            let found = part.look(*number, &self.head.run, self.last_ns)?;
            lost.insert(*number, found);
        }
        missing.extend(self.missing(&lost));
        let stages: Vec<Stage> = self.parts.into_values().map(|part| part.stage).collect();
        let mut reports = stage_reports(&stages);
        for (report, stage) in reports.iter_mut().zip(&stages) {
            if !self.has_reads {
                say_why_no_gaps(report, stage.facts.earlier.as_deref());
            }
            if let Some(lost) = lost.get(&report.stage) {
                let missing = lost.missing();
                report
                    .checks
                    .iter_mut()
                    .for_each(|check| doubt(check, missing));
            }
        }
        let mut head = head_of(&self.head, self.objectives, self.warmup);
        head.run.unrecorded = lost.values().map(|lost| lost.requests).sum();
        if is_unfinished {
            if let Some(first) = head.not_begun.first() {
                missing.push(format!("stage {} and later were not started", first.stage));
            }
            // It may have been killed when all had ended.
            head.run.interrupted = !missing.is_empty() || head.unstarted.planned > 0;
            head.run.duration_s = self.last_ns as f64 / 1e9;
            if !head.run.interrupted {
                head.run.status = RunStatus::Complete;
                head.run.partial_because.clear();
            }
        }
        if head.run.interrupted || !missing.is_empty() {
            head.run.status = RunStatus::Partial;
            head.run.partial_because.extend(missing.iter().cloned());
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
        })
    }

    /// What is missing, in sentences.
    fn missing(&self, lost: &BTreeMap<u32, Lost>) -> Vec<String> {
        let mut missing = Vec::new();
        let where_they_are = match &self.head.run.merged {
            None => {
                "they were in flight or just over, and are in no latency, so that the longest latencies are missing"
            }
            Some(_) => "they are of a shard that is not here, or were in flight",
        };
        for (number, lost) in lost.iter().filter(|(_, lost)| lost.requests > 0) {
            let planned = self.parts.get(number).map_or(0, |part| part.planned);
            let of = match planned {
                0 => String::new(),
                planned => format!(" of {}", count(planned)),
            };
            let mut text = format!(
                "stage {number}: {}{of} planned requests left no record",
                count(lost.requests)
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
        if self.head.run.status != RunStatus::Unfinished {
            return missing;
        }
        let without_health: Vec<String> = self
            .parts
            .values()
            .map(|part| &part.stage.facts)
            .filter(|facts| facts.health == Health::default())
            .map(|facts| facts.stage.to_string())
            .collect();
        if !without_health.is_empty() {
            missing.push(format!(
                "nothing is known of the generator's own health in stage {}: it is told at a stage's end",
                without_health.join(", ")
            ));
        }
        missing
    }
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

/// Planned requests of a stage that left no record.
#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    /// All of them, as far as they can be counted.
    requests: u64,
    /// Those that were due before others that left one.
    holes: u64,
    /// Those that may have been in flight beyond, at most: the lanes of a closed loop of which nobody knows how many requests it
    /// would have sent.
    in_flight: u64,
    /// Those that were due before the records end, at most.
    due: u64,
}

impl Lost {
    fn missing(self) -> Missing {
        Missing {
            planned: self.requests + self.in_flight,
            due: Some(self.due.max(self.holes) + self.in_flight),
        }
    }
}

impl Part {
    /// Looks for what is missing of a stage, and notes up to where nothing is. The records end at `end_ns`.
    fn look(&mut self, number: u32, run: &RunInfo, end_ns: u64) -> Result<Lost, RebuildError> {
        let is_unfinished = run.status == RunStatus::Unfinished;
        let (is_shard, is_alone) = (run.shard.is_some(), run.merged.is_none());
        let indices = self.stage.collector.indices();
        if let Some(pair) = indices.windows(2).find(|pair| pair[0] == pair[1]) {
            let (stage, index) = (number, pair[0]);
            return Err(RebuildError::Twice { stage, index });
        }
        let records = indices.len() as u64;
        if self.planned > 0 && records > self.planned {
            return Err(RebuildError::TooMany {
                stage: number,
                records,
                planned: self.planned,
            });
        }
        let in_flight = if is_unfinished { self.in_flight() } else { 0 };
        if is_shard {
            // Only all shards together have every place of the plan.
            let requests = self.planned.saturating_sub(records);
            return Ok(Lost {
                requests,
                holes: 0,
                in_flight,
                due: self.due_until(end_ns).saturating_sub(records).min(requests),
            });
        }
        let end = match indices.last() {
            None => 0,
            // Of a closed loop nobody knows the plan, and of a merge not all of it.
            Some(&last)
                if last == u64::MAX || is_alone && self.is_counted() && last >= self.planned =>
            {
                return Err(RebuildError::Beyond {
                    stage: number,
                    index: last,
                });
            }
            Some(&last) => last + 1,
        };
        let requests = self.planned.max(end) - records;
        let holes = end - records;
        let lost = Lost {
            requests,
            holes,
            // Whatever is a hole is in one of the lanes.
            in_flight: in_flight.saturating_sub(holes),
            due: self.due_until(end_ns).saturating_sub(records).min(requests),
        };
        if lost.requests + lost.in_flight > 0 {
            let unbroken = (0..)
                .zip(&indices)
                .take_while(|(k, index)| k == *index)
                .count() as u64;
            let samples = self.stage.collector.samples();
            let known = samples.filter(|sample| sample.index < unbroken);
            let until = known.map(|sample| sample.scheduled_ns).max();
            self.stage.facts.known_until_ns = Some(until.unwrap_or(self.stage.facts.origin_ns));
        }
        Ok(lost)
    }

    /// Whether the number of its requests follows from its plan.
    fn is_counted(&self) -> bool {
        self.planned > 0 && self.stage.facts.load.kind != LoadType::Concurrent
    }

    /// How many requests may have been in flight when a closed loop was killed that ends by the clock: it was running where
    /// neither its requests were counted nor its health was told, as is done at a stage's end.
    fn in_flight(&self) -> u64 {
        let facts = &self.stage.facts;
        let is_open = facts.load.kind == LoadType::Concurrent
            && facts.load.requests.is_none()
            && self.planned == 0
            && facts.health == Health::default();
        match facts.load.concurrency {
            Some(lanes) if is_open => lanes.into(),
            _ => 0,
        }
    }

    /// How many requests of the plan were due up to `end_ns`, at most, by the rate that was asked for; all of them where that
    /// says nothing.
    fn due_until(&self, end_ns: u64) -> u64 {
        let facts = &self.stage.facts;
        let seconds = seconds_between(facts.origin_ns, end_ns.max(facts.origin_ns));
        match (facts.load.rate, facts.load.kind) {
            (Some(_), LoadType::Constant | LoadType::Poisson | LoadType::Gamma) => {
                let due = requests_due(seconds, &facts.load);
                // Bursts: far more than random arrivals are ever ahead of their rate.
                let burst = 5.0 / facts.load.burstiness.unwrap_or(1.0).min(1.0).sqrt();
                ((due + burst * due.sqrt()).ceil() as u64).min(self.planned)
            }
            _ => self.planned,
        }
    }
}

/// Why there are no token gaps.
const NO_READS: &str = "the records do not hold when tokens came, because report.request_lifecycle.per_request was off";

/// Says why there are no token gaps, unless the run itself had none.
pub(crate) fn say_why_no_gaps(report: &mut StageReport, earlier: Option<&StageReport>) {
    for metric in [Metric::ChunkGap, Metric::Itl] {
        if earlier.is_some_and(|earlier| !earlier.metrics.contains_key(&metric)) {
            continue;
        }
        // What is absent for another reason, for example without streams, would be absent with them too.
        let unexplained = reason_in_streams(metric);
        if let Some(absent) = report.absent.get_mut(&metric)
            && absent.reason == unexplained
        {
            absent.reason = NO_READS.to_owned();
        }
        for check in &mut report.checks {
            if check.slo.metric.latency() == Some(metric) && check.reason == unexplained {
                check.reason = NO_READS.to_owned();
            }
        }
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
