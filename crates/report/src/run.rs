//! The report of a run, from its stages and from what is known of it beside its requests: the one way to it, whether the
//! requests have just ended or are read from their records.

use bench_contract::{
    Check, Counts, DEFINITIONS_VERSION, Environment, ExitCode, FailOn, NotBegun,
    REPORT_SCHEMA_VERSION, Report, RunInfo, Slo, StageReport, Target, Tool, ValidityState, Verdict,
};
use serde_json::Value;

use crate::collector::{StageCollector, StageFacts};
use crate::doubt::Missing;
use crate::lengths::length_histograms;
use crate::series::time_series;
use crate::verdict::{RunEnd, correct, correct_all, verdict};
use crate::whole::{Whole, judged, of_not_begun};

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
    /// The stages that have not begun, whose objectives are still to be filled in.
    pub not_begun: Vec<NotBegun>,
    /// What the run is judged by.
    pub objectives: Vec<Slo>,
    /// What the run itself found of its objectives as a whole, where its requests are read from records.
    pub earlier: Vec<Check>,
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
    mut head: Head,
    stages: &[Stage],
    mut reports: Vec<StageReport>,
    fail_on: &[FailOn],
) -> Report {
    let collectors: Vec<&StageCollector> = stages.iter().map(|stage| &stage.collector).collect();
    for stage in &mut head.not_begun {
        stage.checks = of_not_begun(&head.objectives, stage.stage);
    }
    let mut checks = judged(
        &head.objectives,
        Whole {
            stages,
            reports: &reports,
            not_begun: &head.not_begun,
            missing: missing(&head.run),
            earlier: &head.earlier,
        },
    );
    correct_all(&mut reports, &mut checks);
    Report {
        series: time_series(&collectors),
        length_histograms: (!collectors.is_empty()).then(|| length_histograms(&collectors)),
        ..without_pictures(head, reports, checks, fail_on)
    }
}

/// The planned requests of a run that left no record; where shards are missing, nobody knows how many there were.
pub(crate) fn missing(run: &RunInfo) -> Missing {
    let lacks_shards = run
        .merged
        .as_ref()
        .is_some_and(|merged| !merged.missing.is_empty());
    match lacks_shards {
        true => Missing {
            planned: run.unrecorded,
            due: None,
        },
        false => Missing::all_due(run.unrecorded),
    }
}

/// The report of a run that has not ended: what is known beside requests. `stages` are those that have begun, none of their
/// requests in them, with where those of the plan are known to have gone.
#[must_use]
pub fn unfinished(head: Head, stages: &[(Stage, Counts)]) -> Report {
    let reports = stages.iter().map(|(stage, counts)| StageReport {
        counts: counts.clone(),
        checks: Vec::new(),
        ..stage.collector.report(&stage.facts)
    });
    let reasons = head.run.partial_because.clone();
    let mut report = without_pictures(head, reports.collect(), Vec::new(), &FailOn::ALL);
    report.verdict = Verdict {
        slo: None,
        validity: ValidityState::Valid,
        exit_code: ExitCode::Interrupted.code(),
        reasons,
    };
    report
}

/// The same without what pictures are drawn from.
fn without_pictures(
    head: Head,
    reports: Vec<StageReport>,
    checks: Vec<Check>,
    fail_on: &[FailOn],
) -> Report {
    let end = RunEnd {
        interrupted: head.run.interrupted,
        failed: head.run.failed.clone(),
        not_begun: head.not_begun.clone(),
        whole: checks.clone(),
    };
    let mut counts = head.unstarted;
    reports.iter().for_each(|stage| counts.merge(&stage.counts));
    Report {
        schema_version: REPORT_SCHEMA_VERSION,
        definitions_version: DEFINITIONS_VERSION,
        percentile_method: crate::PERCENTILE_METHOD.to_owned(),
        tool: head.tool,
        verdict: verdict(&reports, &end, fail_on),
        run: head.run,
        environment: head.environment,
        target: head.target,
        counts,
        warmup: head.warmup,
        stages: reports,
        not_begun: head.not_begun,
        checks,
        series: None,
        length_histograms: None,
        server_metrics: None,
        config: head.config,
    }
}
