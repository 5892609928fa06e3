//! The report of one stage, from its requests.

use std::collections::BTreeMap;

use bench_contract::{
    Absent, CancelCounts, Check, CheckVerdict, ErrorRate, Metric, Slo, StageReport, ValidityState,
};

use crate::collector::StageFacts;
use crate::course::Course;
use crate::derive::{reason_for_absence, reason_in_streams};
use crate::errors::Errors;
use crate::format::count;
use crate::goodput::goodput;
use crate::lengths::lengths;
use crate::merge::pooled;
use crate::sample::Sample;
use crate::slo::{allowed_share, blank, judge};
use crate::slo_shares::share_interval;
use crate::summary::{summarize, summarize_gaps};
use crate::verdict::{NOT_AMONG, correct_checks};
use crate::view::View;

/// Reports on the requests of a stage.
pub(crate) fn report(view: &View<'_>, errors: &Errors, facts: &StageFacts) -> StageReport {
    let percentiles = view.settings.report_percentiles();
    let (mut metrics, mut absent) = (BTreeMap::new(), BTreeMap::new());
    for metric in Metric::ALL {
        let summary = if !is_present(view, metric) {
            None
        } else if metric.is_pooled() {
            let gaps = view.gaps.of(metric);
            let earlier = facts.earlier.as_deref();
            let earlier = earlier.and_then(|earlier| earlier.metrics.get(&metric));
            match earlier.filter(|earlier| earlier.count > gaps.count()) {
                Some(earlier) => Some(earlier.clone()),
                None => summarize_gaps(&gaps, &percentiles),
            }
        } else {
            summarize(
                &view.values(metric),
                &percentiles,
                view.settings.request_timeout_s,
            )
        };
        match summary {
            Some(summary) => drop(metrics.insert(metric, summary)),
            None => {
                let reason = reason_for_absence(metric, view.settings).to_owned();
                absent.insert(metric, Absent { reason });
            }
        }
    }

    let ttft_median = metrics
        .get(&Metric::Ttft)
        .and_then(|summary| summary.percentile(50.0));
    let course = pooled(&facts.repeats).unwrap_or_else(|| Course::of(view, facts, ttft_median));
    let mut checks: Vec<Check> = view
        .settings
        .slos
        .iter()
        .filter(|slo| slo.stages.has(facts.stage))
        .map(|slo| {
            let tokens_per_s = course.throughput.output_tokens_per_s;
            judged_earlier(slo, view, facts)
                .unwrap_or_else(|| judge(slo, std::slice::from_ref(view), tokens_per_s))
        })
        .collect();
    correct_checks(&mut checks.iter_mut().collect::<Vec<_>>());
    if course.validity.state == ValidityState::Invalid {
        for check in &mut checks {
            check.verdict = CheckVerdict::Invalid;
            check.reason = format!("{INVALID}{}", check.reason);
        }
    }
    StageReport {
        stage: facts.stage,
        load: facts.load.clone(),
        origin_s: facts.origin_ns as f64 / 1e9,
        duration_s: course.duration_s,
        offered_rate: course.offered_rate,
        achieved_rate: course.achieved_rate,
        counts: view.counts.clone(),
        cancel: cancel(view, facts),
        error_rate: share_interval(view, Sample::is_error).map(|(failed, offered, interval)| {
            ErrorRate {
                failed,
                offered,
                ratio: failed as f64 / offered as f64,
                interval,
            }
        }),
        metrics,
        absent,
        token_gaps: view.gaps.counts(),
        lengths: lengths(view),
        adapters: BTreeMap::new(),
        conversations: None,
        goodput: goodput(view, course.throughput.window_s),
        throughput: course.throughput,
        errors: errors.samples(),
        arrivals: course.arrivals,
        health: facts.health.clone(),
        validity: course.validity,
        checks,
    }
}

/// How the reason of an objective on an invalid stage begins.
pub(crate) const INVALID: &str = "the stage is invalid; as measured: ";

/// The same of the whole run, where one of its stages is.
pub(crate) const INVALID_PART: &str = "a stage is invalid; as measured: ";

/// What the run itself found of an objective on token gaps, before any correction, where it knew of more of them than its
/// records hold: the others are no fair sample, since replies whose events hold several tokens are not among them.
fn judged_earlier(slo: &Slo, view: &View<'_>, facts: &StageFacts) -> Option<Check> {
    let earlier = facts.earlier.as_deref();
    let reports = earlier.into_iter().chain(&facts.repeats);
    let (metric, held) = view.gaps_held(slo)?;
    let said = reports.filter_map(|report| report.metrics.get(&metric));
    let said: u64 = said.map(|summary| summary.count).sum();
    let known = said.max(view.gaps.of(metric).count());
    let checks = earlier.map_or(&[][..], |earlier| &earlier.checks);
    of_more_gaps(slo, known, held, checks)
}

/// The same of a place of which more token gaps are known than are `held` by records, and where `checks` were found; none
/// where all are held.
pub(crate) fn of_more_gaps(slo: &Slo, known: u64, held: u64, checks: &[Check]) -> Option<Check> {
    let metric = slo.metric.latency()?;
    if known <= held {
        return None;
    }
    let mut found = checks.iter();
    let found = found.find(|check| check.slo.limits_the_same(slo) && check.n_eff > 0.0);
    Some(match found {
        Some(check) => Check {
            slo: slo.clone(),
            ..uncorrected(check)
        },
        None => {
            let reason = match held {
                0 => reason_in_streams(metric).to_owned(),
                held => format!(
                    "the run measured {} token gaps and the records hold {} of them, which are no fair sample: only an objective that the run had from the start is judged on all",
                    count(known),
                    count(held)
                ),
            };
            blank(slo, CheckVerdict::Inconclusive, 0, reason)
        }
    })
}

/// An objective as it stood by itself, before it was corrected for the number of others and its place was judged.
pub(crate) fn uncorrected(check: &Check) -> Check {
    let mut check = check.clone();
    let void = [INVALID, INVALID_PART].into_iter();
    if let Some(reason) = { void }.find_map(|void| check.reason.strip_prefix(void)) {
        check.reason = reason.to_owned();
        check.verdict = match (
            check.share_lower,
            check.share_upper,
            allowed_share(&check.slo),
        ) {
            (_, Some(upper), Some(allowed)) if upper < allowed => CheckVerdict::Pass,
            (Some(lower), _, Some(allowed)) if lower > allowed => CheckVerdict::Fail,
            _ => CheckVerdict::Inconclusive,
        };
    }
    if let Some((reason, _)) = check.reason.split_once(NOT_AMONG) {
        check.reason = reason.to_owned();
        check.verdict = CheckVerdict::Fail;
    }
    check
}

/// Whether a metric says anything here: `tpot_chunk_aware` equals `tpot` unless some first event held several tokens.
fn is_present(view: &View<'_>, metric: Metric) -> bool {
    metric != Metric::TpotChunkAware
        || view
            .samples()
            .any(|sample| sample.first_event_tokens.get() > Some(1))
}

/// What became of the requests that `load.cancel` drew, where it is asked for.
fn cancel(view: &View<'_>, facts: &StageFacts) -> Option<CancelCounts> {
    let mut counts = CancelCounts::default();
    for sample in view.samples().filter(|sample| sample.drawn) {
        counts.drawn += 1;
        counts.cancelled += u64::from(sample.cancelled);
    }
    facts.load.cancel.map(|_| counts)
}
