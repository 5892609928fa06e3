//! From what was measured to the report, its files, the table and the exit code.

use bench_contract::{
    Counts, DEFINITIONS_VERSION, ExitCode, FailOn, Outcome, ProcessUsage, REPORT_SCHEMA_VERSION,
    Report, RunInfo, RunStatus, StageReport, Target, Tool, Verdict,
};
use bench_report::{
    ASKED_TO_STOP, RunEnd, StageCollector, correct, inference_perf, length_histograms, page, table,
    time_series, verdict,
};
use serde_json::Value;

use super::prepare::Prepared;
use super::print;
use crate::clock::{Origin, cpu_ns, seconds};
use crate::engine::StageEnd;
use crate::health::rss_max_bytes;
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
    pub stages: Vec<StageEnd>,
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
            self.warmup = Some(end.collector.counts().clone());
        } else {
            self.stages.push(end);
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

    /// Every planned request: those of the stages that have ended, and as not sent those of the stages that have not begun.
    fn counts(&mut self, prepared: &Prepared, stages: &[StageReport]) -> Counts {
        let mut counts = Counts::default();
        stages.iter().for_each(|stage| counts.merge(&stage.counts));
        if let Some(first) = self.unstarted(prepared).next() {
            let reason = format!("{} and later were not started", first.title());
            self.partial_because.push(reason);
        }
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
    let (mut report, mut end) = conclude(prepared, &mut finished, fail_on);
    if let Some(folder) = &prepared.folder {
        folder.release();
        let failures = write(folder, prepared, &report, &finished.stages);
        if !failures.is_empty() {
            // The verdict has to know what could not be written; the report is written once more if it can be.
            end.failed.extend(failures);
            report.verdict = verdict(&report.stages, &end, fail_on);
            let _ = write_report(folder, &report);
        }
        notice(&format!("results in {}", folder.path().display()));
    }
    for failure in &end.failed {
        notice(&format!("error: {failure}"));
    }
    let printed = print(&table::report(&report, table::Style::for_stdout()));
    let code = exit_code(&report);
    if code == ExitCode::Done {
        printed
    } else {
        code
    }
}

/// Judges a run; its end is what the verdict was made from.
pub(super) fn conclude(
    prepared: &Prepared,
    finished: &mut Finished,
    fail_on: &[FailOn],
) -> (Report, RunEnd) {
    let reports = finished
        .stages
        .iter()
        .map(|end| end.collector.report(&end.facts));
    let mut stages: Vec<StageReport> = reports.collect();
    correct(&mut stages);
    let counts = finished.counts(prepared, &stages);
    // A signal that cost nothing, because everything had ended, is no interruption.
    let cancelled = counts.outcomes.get(&Outcome::Cancelled).copied();
    let planned = stages.iter().filter_map(|stage| stage.cancel);
    let cut_off = cancelled.unwrap_or(0) > planned.map(|cancel| cancel.cancelled).sum();
    let cut_short = finished.stages.iter().any(|end| end.cut_short);
    let interrupted = finished.signalled
        && (cut_short || cut_off || finished.unstarted(prepared).next().is_some());
    if stages.is_empty() || !finished.partial_because.is_empty() {
        // What failed comes before what that has cost.
        finished
            .partial_because
            .splice(0..0, finished.failed.iter().cloned());
    }
    if interrupted {
        finished.partial_because.insert(0, ASKED_TO_STOP.to_owned());
    }
    finished.failed.extend(missing_upload(prepared));
    let end = RunEnd {
        interrupted,
        failed: finished.failed.clone(),
    };
    let verdict = verdict(&stages, &end, fail_on);
    let report = report(prepared, finished, stages, counts, verdict);
    (report, end)
}

fn exit_code(report: &Report) -> ExitCode {
    ExitCode::from_code(report.verdict.exit_code).unwrap_or(ExitCode::Failed)
}

fn report(
    prepared: &Prepared,
    finished: &Finished,
    stages: Vec<StageReport>,
    counts: Counts,
    verdict: Verdict,
) -> Report {
    let origin = finished.origin.unwrap_or_else(Origin::now);
    let wall = jiff::Timestamp::from_nanosecond(origin.unix_ns().into())
        .map_or_else(|_| String::new(), |at| at.to_string());
    let is_partial = !finished.partial_because.is_empty();
    let collectors: Vec<&StageCollector> =
        finished.stages.iter().map(|end| &end.collector).collect();
    Report {
        schema_version: REPORT_SCHEMA_VERSION,
        definitions_version: DEFINITIONS_VERSION,
        percentile_method: bench_report::PERCENTILE_METHOD.to_owned(),
        tool: Tool {
            name: "loadgen".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run: RunInfo {
            id: prepared.run_id.clone(),
            status: if is_partial {
                RunStatus::Partial
            } else {
                RunStatus::Complete
            },
            partial_because: finished.partial_because.clone(),
            origin: wall,
            origin_unix_ns: origin.unix_ns(),
            duration_s: seconds(finished.duration_ns),
            seed: prepared.seed,
            prompts: finished.prompts.clone(),
            usage: ProcessUsage {
                cpu_s: seconds(cpu_ns()),
                rss_max_bytes: rss_max_bytes(),
            },
        },
        environment: prepared.environment.clone(),
        target: target(prepared, finished.ready.as_ref()),
        verdict,
        counts,
        warmup: finished.warmup.clone(),
        stages,
        series: time_series(&collectors),
        length_histograms: (!collectors.is_empty()).then(|| length_histograms(&collectors)),
        config: redacted(prepared),
    }
}

fn target(prepared: &Prepared, ready: Option<&Ready>) -> Target {
    let asked = prepared.server.model_name.clone().unwrap_or_default();
    Target {
        base_url: prepared.server.base_url.clone(),
        model: ready.map_or(asked, |ready| ready.model.clone()),
        server_type: prepared.server.kind.as_str().to_owned(),
        api: prepared.config.api.kind.as_str().to_owned(),
        streaming: prepared.config.api.streaming,
        addresses: ready
            .iter()
            .flat_map(|ready| &ready.addresses)
            .map(ToString::to_string)
            .collect(),
    }
}

/// The config as it ran. Keys are secrets by type; of headers, only those that are known to be harmless are shown.
fn redacted(prepared: &Prepared) -> Value {
    let mut config = serde_json::to_value(&prepared.config).unwrap_or_default();
    if let Some(headers) = config
        .pointer_mut("/api/headers")
        .and_then(Value::as_object_mut)
    {
        for (name, value) in headers {
            if !["accept", "content-type", "user-agent"]
                .contains(&name.to_ascii_lowercase().as_str())
            {
                *value = "<redacted>".into();
            }
        }
    }
    config
}

/// Writes every file on its own, so that one failure does not cost the others. Returns what failed.
fn write(
    folder: &Folder,
    prepared: &Prepared,
    report: &Report,
    stages: &[StageEnd],
) -> Vec<String> {
    let lifecycle = prepared.config.request_lifecycle();
    let mut failures = write_report(folder, report).to_vec();
    if lifecycle.summary && !stages.is_empty() {
        let collectors: Vec<&StageCollector> = stages.iter().map(|end| &end.collector).collect();
        failures.push(folder.write_json(
            "summary_lifecycle_metrics.json",
            &inference_perf::summary(&collectors),
        ));
    }
    if lifecycle.per_stage {
        failures.extend(stages.iter().map(|end| {
            let name = format!("stage_{}_lifecycle_metrics.json", end.facts.stage);
            folder.write_json(&name, &inference_perf::stage(&end.collector, &end.facts))
        }));
    }
    let config = serde_yaml::to_string(&report.config)
        .map_err(|error| format!("cannot serialise config.yaml: {error}"));
    failures.push(config.and_then(|text| folder.write("config.yaml", text.as_bytes())));
    failures.into_iter().filter_map(Result::err).collect()
}

/// Writes the report, for programs and for people.
fn write_report(folder: &Folder, report: &Report) -> [Result<(), String>; 2] {
    [
        folder.write_json("report.json", report),
        folder.write("report.html", page::html(report).as_bytes()),
    ]
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
