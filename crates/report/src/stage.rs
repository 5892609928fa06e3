//! The report of one stage, from its requests.

use std::collections::BTreeMap;

use bench_contract::{
    Absent, CancelCounts, Check, CheckVerdict, ErrorRate, Metric, Slo, StageReport, ValidityState,
};

use crate::collector::StageFacts;
use crate::course::Course;
use crate::derive::reason_for_absence;
use crate::errors::Errors;
use crate::goodput::goodput;
use crate::lengths::lengths;
use crate::merge::pooled;
use crate::sample::Sample;
use crate::slo::{allowed_share, judge};
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
                let reason = reason_for_absence(metric, view.settings.streaming).to_owned();
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
        .map(|slo| {
            judged_earlier(slo, view, facts).unwrap_or_else(|| judge(slo, view, &course.throughput))
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

/// What the run itself found of an objective on token gaps, before any correction, where it knew of more of them.
fn judged_earlier(slo: &Slo, view: &View<'_>, facts: &StageFacts) -> Option<Check> {
    let metric = slo.metric.latency().filter(|metric| metric.is_pooled())?;
    let earlier = facts.earlier.as_deref()?;
    let known = earlier.metrics.get(&metric)?.count > view.read_gaps.of(metric).count();
    let found = earlier.checks.iter().find(|check| check.slo == *slo);
    found.filter(|_| known).map(uncorrected)
}

/// An objective as it stood by itself, before it was corrected for the number of others and the stage was judged.
pub(crate) fn uncorrected(check: &Check) -> Check {
    let mut check = check.clone();
    if let Some(reason) = check.reason.strip_prefix(INVALID) {
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
