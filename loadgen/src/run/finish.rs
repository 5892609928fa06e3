//! From what was measured to the report, its files, the table and the exit code.

use bench_contract::{Counts, ExitCode, FailOn, Outcome, Report, RunStatus, StageReport};
use bench_report::{
    ASKED_TO_STOP, RunEnd, Stage, StageCollector, inference_perf, junit, page, stage_reports,
    table, verdict,
};

use super::head::head;
use super::prepare::Prepared;
use super::print;
use crate::clock::Origin;
use crate::engine::StageEnd;
use crate::notice;
use crate::output::Folder;
use crate::plan::StageSpec;
use crate::ready::Ready;

/// What a run has come to.
#[derive(Default)]
pub(super) struct Finished {
    /// The server, once it was ready.
    pub ready: Option<Ready>,
    /// Requests of the warm-up.
    pub warmup: Option<Counts>,
    /// Stages that have ended.
    pub stages: Vec<Stage>,
    /// Whether one of them sent less than it would have because the run was asked to stop.
    pub cut_short: bool,
    /// The run's time zero, once there was one.
    pub origin: Option<Origin>,
    /// From the origin to the end of the last stage.
    pub duration_ns: u64,
    /// How prompts were made.
    pub prompts: String,
    /// Whether a signal has come.
    pub signalled: bool,
    /// Why it is not complete.
    pub partial_because: Vec<String>,
    /// What failed beside the measurement.
    pub failed: Vec<String>,
}

impl Finished {
    /// A run that failed before it began.
    #[must_use]
    pub(super) fn failed(reason: String) -> Self {
        Self {
            failed: vec![reason],
            ..Self::default()
        }
    }

    /// Adds a stage that has ended.
    pub(super) fn add(&mut self, spec: &StageSpec, end: StageEnd) {
        if end.dead_workers > 0 {
            let (title, dead) = (spec.title(), end.dead_workers);
            self.partial_because
                .push(format!("{dead} of the workers died in {title}"));
        }
        if spec.warmup {
            self.warmup = Some(end.stage.collector.counts().clone());
        } else {
            self.cut_short |= end.cut_short;
            self.stages.push(end.stage);
        }
    }

    /// The stages that have not begun.
    fn unstarted<'a>(
        &self,
        prepared: &'a Prepared,
    ) -> impl Iterator<Item = &'a StageSpec> + use<'a> {
        let planned = prepared.specs.iter().filter(|spec| !spec.warmup);
        planned.skip(self.stages.len())
    }

    /// The planned requests of the stages that have not begun: not sent.
    fn unstarted_counts(&mut self, prepared: &Prepared) -> Counts {
        if let Some(first) = self.unstarted(prepared).next() {
            let reason = format!("{} and later were not started", first.title());
            self.partial_because.push(reason);
        }
        let mut counts = Counts::default();
        for spec in self.unstarted(prepared) {
            // Of a closed loop that ends by the clock, nobody knows how many requests there would have been.
            let unsent = spec.count(prepared.seed).unwrap_or(0);
            counts.planned += unsent;
            counts.not_sent += unsent;
        }
        counts
    }
}

/// Judges, writes the files, prints the table, and gives the exit code.
pub(super) fn finish(prepared: &Prepared, mut finished: Finished, fail_on: &[FailOn]) -> ExitCode {
    let mut report = conclude(prepared, &mut finished, fail_on);
    if let Some(folder) = &prepared.folder {
        folder.release();
        let failures = write(folder, prepared, &report, &finished.stages);
        if !failures.is_empty() {
            // The verdict has to know what could not be written; the report is written once more if it can be.
            report.run.failed.extend(failures);
            report.verdict = verdict(&report.stages, &RunEnd::of(&report.run), fail_on);
            let _ = write_report(folder, &report);
        }
        notice(&format!("results in {}", folder.path().display()));
    }
    for failure in &report.run.failed {
        notice(&format!("error: {failure}"));
    }
    let printed = print(&table::report(&report, table::Style::for_stdout()));
    let code = ExitCode::from_code(report.verdict.exit_code).unwrap_or(ExitCode::Failed);
    if code == ExitCode::Done {
        printed
    } else {
        code
    }
}

/// Judges a run.
pub(super) fn conclude(prepared: &Prepared, finished: &mut Finished, fail_on: &[FailOn]) -> Report {
    let reports = stage_reports(&finished.stages);
    let unstarted = finished.unstarted_counts(prepared);
    // A signal that cost nothing, because everything had ended, is no interruption.
    let cancelled = |stage: &StageReport| {
        let all = stage.counts.outcomes.get(&Outcome::Cancelled).copied();
        all.unwrap_or(0) - stage.cancel.map_or(0, |planned| planned.cancelled)
    };
    let cut_off = reports.iter().map(cancelled).sum::<u64>() > 0;
    let interrupted = finished.signalled
        && (finished.cut_short || cut_off || finished.unstarted(prepared).next().is_some());
    if finished.stages.is_empty() || !finished.partial_because.is_empty() {
        // What failed comes before what that has cost.
        finished
            .partial_because
            .splice(0..0, finished.failed.iter().cloned());
    }
    if interrupted {
        finished.partial_because.insert(0, ASKED_TO_STOP.to_owned());
    }
    finished.failed.extend(missing_upload(prepared));
    let status = if finished.partial_because.is_empty() {
        RunStatus::Complete
    } else {
        RunStatus::Partial
    };
    let mut head = head(prepared, finished, status);
    head.run.interrupted = interrupted;
    head.unstarted = unstarted;
    bench_report::report(head, &finished.stages, reports, fail_on)
}

/// Writes every file on its own, so that one failure does not cost the others. Returns what failed.
fn write(folder: &Folder, prepared: &Prepared, report: &Report, stages: &[Stage]) -> Vec<String> {
    let lifecycle = prepared.config.request_lifecycle();
    let mut failures = write_report(folder, report);
    if lifecycle.summary && !stages.is_empty() {
        let collectors: Vec<&StageCollector> =
            stages.iter().map(|stage| &stage.collector).collect();
        failures.push(folder.write_json(
            "summary_lifecycle_metrics.json",
            &inference_perf::summary(&collectors),
        ));
    }
    if lifecycle.per_stage {
        failures.extend(stages.iter().map(|stage| {
            let name = format!("stage_{}_lifecycle_metrics.json", stage.facts.stage);
            folder.write_json(
                &name,
                &inference_perf::stage(&stage.collector, &stage.facts),
            )
        }));
    }
    let config = serde_yaml::to_string(&report.config)
        .map_err(|error| format!("cannot serialise config.yaml: {error}"));
    failures.push(config.and_then(|text| folder.write("config.yaml", text.as_bytes())));
    failures.into_iter().filter_map(Result::err).collect()
}

/// Writes the report, for programs and for people, and where there are objectives, for CI systems.
fn write_report(folder: &Folder, report: &Report) -> Vec<Result<(), String>> {
    let mut written = vec![
        folder.write_json("report.json", report),
        folder.write("report.html", page::html(report).as_bytes()),
    ];
    if report.stages.iter().any(|stage| !stage.checks.is_empty()) {
        written.push(folder.write("junit.xml", junit::xml(report).as_bytes()));
    }
    written
}

/// An upload that the config asks for and this version does not make is a failure that has to be seen.
fn missing_upload(prepared: &Prepared) -> Option<String> {
    let storage = prepared.config.storage.as_ref()?;
    let bucket = storage
        .simple_storage_service
        .as_ref()
        .or(storage.google_cloud_storage.as_ref())?;
    Some(format!(
        "the reports were not uploaded to {}: this version of loadgen does not upload",
        bucket.bucket_name
    ))
}
