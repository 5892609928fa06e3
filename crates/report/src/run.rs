//! The report of a run, from its stages and from what is known of it beside its requests: the one way to it, whether the
//! requests have just ended or are read from their records.

use bench_contract::{
    Counts, DEFINITIONS_VERSION, Environment, ExitCode, FailOn, REPORT_SCHEMA_VERSION, Report,
    RunInfo, StageReport, Target, Tool, ValidityState, Verdict,
};
use serde_json::Value;

use crate::collector::{StageCollector, StageFacts};
use crate::lengths::length_histograms;
use crate::series::time_series;
use crate::verdict::{RunEnd, correct, verdict};

/// A stage: its requests, and what its report holds beside them.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What the report holds beside the requests.
    pub facts: StageFacts,
    /// The requests.
    pub collector: StageCollector,
}

/// What the report of a run holds beside its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// What made the report.
    pub tool: Tool,
    /// The run.
    pub run: RunInfo,
    /// The machine that generated the load.
    pub environment: Environment,
    /// Who was tested.
    pub target: Target,
    /// The requests of the warm-up.
    pub warmup: Option<Counts>,
    /// The requests of stages that have not begun.
    pub unstarted: Counts,
    /// The config that ran, secrets redacted.
    pub config: Value,
}

/// The reports of all stages of a run, their objectives corrected for their number.
#[must_use]
pub fn stage_reports(stages: &[Stage]) -> Vec<StageReport> {
    let mut reports: Vec<StageReport> = stages
        .iter()
        .map(|stage| stage.collector.report(&stage.facts))
        .collect();
    correct(&mut reports);
    reports
}

/// The report of a run: `reports` are those of `stages`, as [`stage_reports`] gives them.
#[must_use]
pub fn report(
    head: Head,
    stages: &[Stage],
    reports: Vec<StageReport>,
    fail_on: &[FailOn],
) -> Report {
    let collectors: Vec<&StageCollector> = stages.iter().map(|stage| &stage.collector).collect();
    Report {
        series: time_series(&collectors),
        length_histograms: (!collectors.is_empty()).then(|| length_histograms(&collectors)),
        ..without_pictures(head, reports, fail_on)
    }
}

/// The report of a run that has not ended: what is known beside requests. `stages` are those that have begun, none of their
/// requests in them, with where those of the plan are known to have gone.
#[must_use]
pub fn unfinished(head: Head, stages: &[(Stage, Counts)]) -> Report {
    let reports = stages.iter().map(|(stage, counts)| StageReport {
        counts: counts.clone(),
        ..stage.collector.report(&stage.facts)
    });
    let reasons = head.run.partial_because.clone();
    let mut report = without_pictures(head, reports.collect(), &FailOn::ALL);
    report.verdict = Verdict {
        slo: None,
        validity: ValidityState::Valid,
        exit_code: ExitCode::Interrupted.code(),
        reasons,
    };
    report
}

/// The same without what pictures are drawn from.
pub(crate) fn without_pictures(
    head: Head,
    reports: Vec<StageReport>,
    fail_on: &[FailOn],
) -> Report {
    let mut counts = head.unstarted;
    reports.iter().for_each(|stage| counts.merge(&stage.counts));
    Report {
        schema_version: REPORT_SCHEMA_VERSION,
        definitions_version: DEFINITIONS_VERSION,
        percentile_method: crate::PERCENTILE_METHOD.to_owned(),
        tool: head.tool,
        verdict: verdict(&reports, &RunEnd::of(&head.run), fail_on),
        run: head.run,
        environment: head.environment,
        target: head.target,
        counts,
        warmup: head.warmup,
        stages: reports,
        series: None,
        length_histograms: None,
        server_metrics: None,
        config: head.config,
    }
}
