//! Many stages: one row each.

use bench_contract::{ArrivalState, CheckVerdict, Metric, StageReport, ValidityState};

use super::stage::{cell, state};
use super::text::{Page, Tone};
use crate::format::{amount, count};

/// Shows stages, one a row, and below what is not as it should be.
pub(super) fn rows(page: &mut Page, stages: &[StageReport]) {
    let top = [
        "", "offered", "achieved", "", "", "TTFT", "TTFT", "TPOT", "E2E", "tokens", "", "gene-",
    ];
    let bottom = [
        "stage", "/s", "/s", "sent", "failed", "P50", "P99", "P50", "P99", "out/s", "SLO", "rator",
    ];
    let mut rows = vec![
        top.map(str::to_owned).to_vec(),
        bottom.map(str::to_owned).to_vec(),
    ];
    for stage in stages {
        let percentile = |metric: Metric, p: f64| {
            stage
                .metrics
                .get(&metric)
                .map_or_else(|| "-".to_owned(), |summary| cell(summary, p))
        };
        rows.push(vec![
            stage.stage.to_string(),
            stage.offered_rate.map_or_else(|| "-".to_owned(), amount),
            amount(stage.achieved_rate),
            count(stage.counts.sent),
            count(stage.counts.failed() - stage.cancel.map_or(0, |cancel| cancel.cancelled)),
            percentile(Metric::TtftScheduled, 50.0),
            percentile(Metric::TtftScheduled, 99.0),
            percentile(Metric::Tpot, 50.0),
            percentile(Metric::E2eScheduled, 99.0),
            amount(stage.throughput.output_tokens_per_s),
            objectives(stage).to_owned(),
            state(stage.validity.state).0.to_owned(),
        ]);
    }
    page.table(&rows, 1, "");
    page.line("TTFT and E2E are from the schedule; failed includes requests that were not sent");
    page.gap();
    for stage in stages
        .iter()
        .filter(|stage| stage.validity.state != ValidityState::Valid)
    {
        let text = format!(
            "stage {}: {}",
            stage.stage,
            stage.validity.reasons.join("; ")
        );
        page.labelled_in("generator", Some(Tone::Doubtful), &text);
    }
    arrivals(page, stages);
}

/// The stages whose arrivals were not as asked for, and how many there are of the others.
fn arrivals(page: &mut Page, stages: &[StageReport]) {
    let of = |state| {
        let stages = stages.iter();
        stages.filter(move |stage| stage.arrivals.state == state)
    };
    for stage in of(ArrivalState::Other) {
        let text = format!("stage {}: {}", stage.stage, stage.arrivals.verdict);
        page.labelled("arrivals", &text);
    }
    let tested = of(ArrivalState::AsAsked).count();
    let untested = of(ArrivalState::Untested).count();
    let text = match (tested, untested) {
        (tested, _) if tested == stages.len() => "as asked for in every stage".to_owned(),
        (0, untested) if untested == stages.len() => {
            // What all have in common is said once.
            let first = &stages[0].arrivals.verdict;
            let is_same = stages.iter().all(|stage| stage.arrivals.verdict == *first);
            match is_same {
                true => first.clone(),
                false => "not tested in any stage".to_owned(),
            }
        }
        (0, 0) => return,
        (0, untested) => format!("not tested in {untested} stages"),
        (tested, 0) => format!("as asked for in {tested} other stages"),
        (tested, untested) => {
            format!("as asked for in {tested} stages, not tested in {untested}")
        }
    };
    page.labelled("arrivals", &text);
}

/// The worst verdict of a stage's objectives.
fn objectives(stage: &StageReport) -> &'static str {
    match stage.checks.iter().map(|check| check.verdict).max() {
        None => "-",
        Some(CheckVerdict::Pass) => "pass",
        Some(CheckVerdict::Inconclusive) => "?",
        Some(CheckVerdict::Fail) => "FAIL",
        Some(CheckVerdict::Invalid) => "-",
    }
}
