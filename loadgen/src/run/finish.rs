//! From what was measured to the report, its files, the table and the exit code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bench_contract::{Counts, ExitCode, FailOn, NotBegun, Outcome, Report, RunStatus, StageReport};
use bench_report::{
    ASKED_TO_STOP, RunEnd, ServerReads, Stage, server_metrics, stage_reports, table, verdict,
};
use bench_store::Content;

use super::documents::{CONFIG, config, files, report_files};
use super::head::head;
use super::pod::{is_log_of_pod, leave, leave_message, marked};
use super::prepare::Prepared;
use super::print;
use super::sending::{Sending, Sent, Waiting};
use super::upload::Begun;
use crate::clock::Origin;
use crate::engine::StageEnd;
use crate::notice;
use crate::output::Folder;
use crate::plan::StageSpec;
use crate::ready::Ready;
use crate::record::journal::{LIFECYCLE, RECORDS};

/// How long the table waits for the uploads, which may change the verdict.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// What the server said of itself.
    pub server: Option<ServerReads>,
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

    /// A run that was asked to stop before it began.
    #[must_use]
    pub(super) fn interrupted() -> Self {
        Self {
            signalled: true,
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

    /// The stages that have not begun.
    fn not_begun(&self, prepared: &Prepared) -> Vec<NotBegun> {
        let of = |spec: &StageSpec| not_begun(spec, spec.count(prepared.seed));
        self.unstarted(prepared).map(of).collect()
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

/// A stage that has not begun, of which so many requests were planned; none where the server would have decided.
pub(super) fn not_begun(spec: &StageSpec, planned: Option<u64>) -> NotBegun {
    NotBegun {
        stage: spec.number,
        load: spec.load(),
        planned,
        checks: Vec::new(),
    }
}

/// Uploads the config, which shows before the load whether results can be uploaded. Returns whether to go on: not where a
/// signal has come. Why there will be no verdict is left in `termination_log`.
///
/// # Errors
/// With the exit code when uploads are in vain, unless such an error is not to count.
pub(super) fn begin(
    prepared: &Prepared,
    fail_on: &[FailOn],
    termination_log: &Path,
) -> Result<bool, ExitCode> {
    let Some(uploads) = &prepared.uploads else {
        return Ok(true);
    };
    let is_counted = fail_on.contains(&FailOn::Error);
    let config = config(prepared).map_err(|error| vec![error]);
    let begun =
        config.map(|config| uploads.begin(CONFIG, &Content::Bytes(config.into()), is_counted));
    let refused = match begun {
        Ok(Begun::Ready) => return Ok(true),
        Ok(Begun::Interrupted) => return Ok(false),
        Ok(Begun::Refused(reasons)) | Err(reasons) => reasons,
    };
    if !is_counted {
        for reason in &refused {
            notice(&format!("warning: {reason}"));
        }
        return Ok(true);
    }
    give_up(prepared, &refused.join("\n"), termination_log);
    notice(
        "nothing was sent: results that cannot be uploaded were asked for; leave `error` out of --fail-on to run all the same",
    );
    Err(ExitCode::Failed)
}

/// Says why the run does not begin, a reason a line, and leaves things as they were.
pub(super) fn give_up(prepared: &Prepared, why: &str, termination_log: &Path) {
    for reason in why.lines() {
        notice(&format!("error: {reason}"));
    }
    leave(&format!("nothing was sent: {why}"), termination_log);
    if let Some(folder) = &prepared.folder {
        folder.discard();
    }
}

/// Judges, writes and uploads the files, prints the table, leaves the verdict in `termination_log`, and gives the exit code.
pub(super) fn finish(
    prepared: &Prepared,
    mut finished: Finished,
    fail_on: &[FailOn],
    termination_log: &Path,
) -> ExitCode {
    let sending = prepared.uploads.as_ref().map(|uploads| {
        let sending = uploads.start(finished.signalled)?;
        for (name, file) in records(prepared) {
            sending.add(name, Content::File(file));
        }
        Ok(sending)
    });
    let sending: Result<Option<Sending>, String> = sending.transpose();
    let mut report = conclude(prepared, &mut finished, fail_on);
    let first_code = report.verdict.exit_code;
    let is_in_pod = is_log_of_pod();
    let mut log = String::new();
    // Nobody takes them where there is neither a folder nor the log of a pod.
    let files = if prepared.folder.is_some() || is_in_pod {
        files(prepared, &report, &finished.stages)
    } else {
        Vec::new()
    };
    if is_in_pod {
        log.push_str(&marked(&files));
    }
    let mut printed = None;
    if let Some(folder) = &prepared.folder {
        folder.release();
        let mut failures = Vec::new();
        for (name, bytes) in files {
            let Ok(bytes) = bytes.map_err(|error| failures.push(error)) else {
                continue;
            };
            failures.extend(folder.write(&name, &bytes).err());
            if let Ok(Some(sending)) = &sending {
                // From memory: the folder's disk may be full.
                sending.add(&name, Content::Bytes(bytes.into()));
            }
        }
        let mut waiting = sending.map(|sending| sending.map(Sending::close));
        if let Ok(Some(waiting)) = &mut waiting
            && !waiting.is_over_within(PATIENCE)
        {
            // Nobody waits for the numbers because of a store.
            leave_message(&report, termination_log);
            log.push_str(&table::report(&report, table::Style::for_stdout()));
            printed = Some(print(&log));
            let path = folder.path().display();
            notice(&format!(
                "the uploads go on; the results are in {path} meanwhile"
            ));
        }
        let (missing, was_given_up) = uploaded(prepared, folder, waiting);
        let is_elsewhere = missing.is_empty();
        failures.extend(missing);
        if !failures.is_empty() {
            // The verdict has to know what could not be written; the report is written once more wherever it can be.
            report.run.failed.extend(failures);
            report.verdict = verdict(&report.stages, &RunEnd::of(&report), fail_on);
            let lost = rewrite(prepared, folder, &report, was_given_up);
            report.run.failed.extend(lost);
        }
        if folder.is_temporary() && is_elsewhere {
            folder.remove();
        } else {
            notice(&format!("results in {}", folder.path().display()));
        }
    }
    for failure in &report.run.failed {
        notice(&format!("error: {failure}"));
    }
    leave_message(&report, termination_log);
    if printed.is_some() && report.verdict.exit_code != first_code {
        let style = table::Style {
            color: false,
            ..table::Style::for_stdout()
        };
        let judgement = table::judgement(&report, style);
        notice(&format!(
            "the verdict has changed\n{}",
            judgement.trim_end()
        ));
    }
    let printed = printed.unwrap_or_else(|| {
        log.push_str(&table::report(&report, table::Style::for_stdout()));
        print(&log)
    });
    let code = ExitCode::from_code(report.verdict.exit_code).unwrap_or(ExitCode::Failed);
    if code == ExitCode::Done {
        printed
    } else {
        code
    }
}

/// The files that were written while the run went on, complete or not.
fn records(prepared: &Prepared) -> Vec<(&'static str, PathBuf)> {
    let folder = prepared.folder.iter();
    let files =
        folder.flat_map(|folder| [RECORDS, LIFECYCLE].map(|name| (name, folder.file(name))));
    files.filter(|(_, file)| file.is_file()).collect()
}

/// Waits for the uploads. Returns what is missing where, and whether they were given up.
fn uploaded(
    prepared: &Prepared,
    folder: &Folder,
    waiting: Result<Option<Waiting>, String>,
) -> (Vec<String>, bool) {
    let Some(uploads) = &prepared.uploads else {
        return (Vec::new(), false);
    };
    match waiting.and_then(|waiting| waiting.map_or_else(|| Ok(Sent::default()), Waiting::finish)) {
        Ok(sent) => (
            uploads.failures(&sent.ends, folder.path()),
            sent.was_given_up,
        ),
        Err(error) => (vec![error], false),
    }
}

/// Writes the report again, whose verdict has changed, wherever it is. Returns what could not be replaced.
fn rewrite(
    prepared: &Prepared,
    folder: &Folder,
    report: &Report,
    was_given_up: bool,
) -> Vec<String> {
    let mut files = Vec::new();
    for (name, bytes) in report_files(report) {
        let Ok(bytes) = bytes else { continue };
        // Where it could not be written before, that has been said.
        let _ = folder.write(&name, &bytes);
        files.push((name, Content::Bytes(bytes.into())));
    }
    match &prepared.uploads {
        Some(uploads) => uploads.replace(&files, was_given_up),
        None => Vec::new(),
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
    let status = if finished.partial_because.is_empty() {
        RunStatus::Complete
    } else {
        RunStatus::Partial
    };
    let mut head = head(prepared, finished, status);
    head.run.interrupted = interrupted;
    head.unstarted = unstarted;
    head.not_begun = finished.not_begun(prepared);
    let mut report = bench_report::report(head, &finished.stages, reports, fail_on);
    report.server_metrics = finished.server.as_ref().map(|reads| {
        let tokens = finished
            .stages
            .iter()
            .map(|stage| stage.collector.output_tokens());
        let stages: Vec<(&StageReport, u64)> = report.stages.iter().zip(tokens).collect();
        server_metrics(reads, &stages, report.series.as_ref())
    });
    report
}
