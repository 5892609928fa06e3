//! Objectives of the whole run, judged on the requests of all stages together, and those of stages that did not begin.

use bench_contract::{Check, CheckVerdict, NotBegun, Slo, SloStages, StageReport, ValidityState};

use crate::doubt::{Missing, doubt};
use crate::format::count;
use crate::run::Stage;
use crate::slo::{blank, judge};
use crate::stage::{INVALID_PART, of_more_gaps};
use crate::view::View;

/// What is known of a run that is judged as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'a> {
    /// The stages that began.
    pub(crate) stages: &'a [Stage],
    /// Their reports.
    pub(crate) reports: &'a [StageReport],
    /// The stages that did not begin.
    pub(crate) not_begun: &'a [NotBegun],
    /// Planned requests that left no record.
    pub(crate) missing: Missing,
    /// What the run itself found of its objectives, where its requests are read from records.
    pub(crate) earlier: &'a [Check],
}

/// The objectives among `slos` that are of the whole run, judged.
pub(crate) fn judged(slos: &[Slo], whole: Whole<'_>) -> Vec<Check> {
    let slos: Vec<&Slo> = slos
        .iter()
        .filter(|slo| slo.stages == SloStages::Whole)
        .collect();
    if slos.is_empty() {
        return Vec::new();
    }
    let stages = whole.stages.iter();
    let views: Vec<View<'_>> = stages.map(|stage| stage.collector.view()).collect();
    let one = |slo: &&Slo| {
        let earlier = views
            .first()
            .and_then(|view| Some(view.gaps_held(slo)?.0))
            .and_then(|metric| {
                let held = views.iter().filter_map(|view| view.gaps_held(slo));
                let said = whole.reports.iter();
                let said = said.filter_map(|report| report.metrics.get(&metric));
                let known = said.map(|summary| summary.count).sum();
                let held = held.map(|(_, held)| held).sum();
                of_more_gaps(slo, known, held, whole.earlier)
            });
        let mut check = earlier.unwrap_or_else(|| judge(slo, &views, tokens_per_s(whole.reports)));
        doubt(&mut check, whole.missing);
        unless_whole(&mut check, whole.reports, whole.not_begun);
        check
    };
    slos.iter().map(one).collect()
}

/// Takes back what was decided on stages that say nothing, or on a part of them.
pub(crate) fn unless_whole(check: &mut Check, stages: &[StageReport], not_begun: &[NotBegun]) {
    let is_invalid = |stage: &StageReport| stage.validity.state == ValidityState::Invalid;
    if stages.iter().any(is_invalid) {
        check.verdict = CheckVerdict::Invalid;
        check.reason = format!("{INVALID_PART}{}", check.reason);
        return;
    }
    let is_decided = matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Fail);
    if !not_begun.is_empty() && is_decided {
        check.verdict = CheckVerdict::Inconclusive;
        check.reason.push_str(&format!(
            "; but {} of {} stages did not begin",
            count(not_begun.len() as u64),
            count((stages.len() + not_begun.len()) as u64)
        ));
    }
}

/// Output tokens per second over all stages: each weighs as much as the time that it was measured over.
pub(crate) fn tokens_per_s(stages: &[StageReport]) -> f64 {
    let all = || stages.iter().map(|stage| &stage.throughput);
    let window_s: f64 = all().map(|one| one.window_s).sum();
    let tokens: f64 = all()
        .map(|one| one.output_tokens_per_s * one.window_s)
        .sum();
    if window_s > 0.0 {
        tokens / window_s
    } else {
        0.0
    }
}

/// The objectives among `slos` of a stage that did not begin: undecided.
pub(crate) fn of_not_begun(slos: &[Slo], stage: u32) -> Vec<Check> {
    let slos = slos.iter().filter(|slo| slo.stages.has(stage));
    let open = |slo: &Slo| {
        blank(
            slo,
            CheckVerdict::Inconclusive,
            0,
            "the stage did not begin".to_owned(),
        )
    };
    slos.map(open).collect()
}

/// What stages that did not begin leave open, in a sentence: `stages 2 to 4 did not begin: 6 objectives are undecided`. None
/// where they have no objectives.
pub(crate) fn left_open(not_begun: &[NotBegun]) -> Option<String> {
    let open: usize = not_begun.iter().map(|stage| stage.checks.len()).sum();
    let text = named(not_begun)?;
    match open {
        0 => None,
        1 => Some(format!("{text} did not begin: its objective is undecided")),
        open => Some(format!(
            "{text} did not begin: {} objectives are undecided",
            count(open as u64)
        )),
    }
}

/// `stage 3`, or `stages 3 to 7`.
fn named(not_begun: &[NotBegun]) -> Option<String> {
    let (first, last) = (not_begun.first()?.stage, not_begun.last()?.stage);
    Some(if first == last {
        format!("stage {first}")
    } else {
        format!("stages {first} to {last}")
    })
}
