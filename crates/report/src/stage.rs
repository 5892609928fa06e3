//! The report of one stage, from its requests.

use std::collections::BTreeMap;

use bench_contract::config::LoadType;
use bench_contract::{
    Absent, CancelCounts, Check, CheckVerdict, Metric, Slo, StageReport, Throughput, ValidityState,
};

use crate::arrivals::arrivals;
use crate::collector::StageFacts;
use crate::derive::{reason_for_absence, seconds_between};
use crate::errors::Errors;
use crate::goodput::goodput;
use crate::lengths::lengths;
use crate::sample::Sample;
use crate::slo::{allowed_share, judge};
use crate::steady::steady;
use crate::summary::{summarize, summarize_gaps};
use crate::validity::{Pace, validity};
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

    // Beyond, some requests left a record and some did not.
    let is_known = |sample: &&Sample| {
        facts
            .known_until_ns
            .is_none_or(|until| sample.scheduled_ns <= until)
    };
    let mut dispatched: Vec<u64> = view
        .samples()
        .filter(is_known)
        .filter_map(|sample| sample.dispatched.get())
        .collect();
    dispatched.sort_unstable();
    let end = view
        .samples()
        .filter_map(|sample| sample.end.get().or(sample.dispatched.get()))
        .max();
    let duration_s = end.map_or(0.0, |at| seconds_between(facts.origin_ns, at));
    // A closed loop offers what the server takes: its rate is what came of it, ramp-down included.
    let is_closed = facts.load.kind == LoadType::Concurrent;
    let covered_s = if is_closed {
        duration_s
    } else {
        covered(view, facts)
    };
    let last = dispatched
        .last()
        .map_or(0.0, |&at| seconds_between(facts.origin_ns, at));
    let achieved_rate = per_second(dispatched.len() as f64, covered_s.max(last));
    let due = view
        .samples()
        .filter(is_known)
        .filter(|sample| !sample.stopped)
        .count();
    let offered = match facts.known_until_ns {
        Some(_) => per_second(due as f64, covered_s),
        None => per_second(
            view.counts.planned as f64,
            facts.load.duration_s.unwrap_or(duration_s),
        ),
    };

    let throughput = throughput(view);
    let ttft_median = metrics
        .get(&Metric::Ttft)
        .and_then(|summary| summary.percentile(50.0));
    let pace = Pace {
        offered: if is_closed {
            achieved_rate
        } else {
            per_second(due as f64, covered_s)
        },
        achieved: achieved_rate,
        health: &facts.health,
        duration_s,
    };
    let validity = validity(view, ttft_median, pace);
    let mut checks: Vec<Check> = view
        .settings
        .slos
        .iter()
        .map(|slo| {
            judged_earlier(slo, view, facts).unwrap_or_else(|| judge(slo, view, &throughput))
        })
        .collect();
    correct_checks(&mut checks.iter_mut().collect::<Vec<_>>());
    if validity.state == ValidityState::Invalid {
        for check in &mut checks {
            check.verdict = CheckVerdict::Invalid;
            check.reason = format!("{INVALID}{}", check.reason);
        }
    }
    StageReport {
        stage: facts.stage,
        load: facts.load.clone(),
        origin_s: facts.origin_ns as f64 / 1e9,
        duration_s,
        offered_rate: (!is_closed).then_some(offered),
        achieved_rate,
        counts: view.counts.clone(),
        cancel: cancel(view, facts),
        metrics,
        absent,
        lengths: lengths(view),
        goodput: goodput(view, throughput.window_s),
        throughput,
        errors: errors.samples(),
        arrivals: arrivals(&dispatched, &facts.load, facts.origin_ns, covered_s),
        health: facts.health.clone(),
        validity,
        checks,
    }
}

/// How the reason of an objective on an invalid stage begins.
pub(crate) const INVALID: &str = "the stage is invalid; as measured: ";

/// What the run itself found of an objective on token gaps, before any correction, where it knew of more of them.
fn judged_earlier(slo: &Slo, view: &View<'_>, facts: &StageFacts) -> Option<Check> {
    let metric = slo.metric.latency().filter(|metric| metric.is_pooled())?;
    let earlier = facts.earlier.as_deref()?;
    let known = earlier.metrics.get(&metric)?.count > view.gaps.of(metric).count();
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

/// Seconds of the plan that took place and are known of: its duration, or up to the first request that was not sent because
/// the run was asked to stop, or up to where records are missing.
fn covered(view: &View<'_>, facts: &StageFacts) -> f64 {
    let stopped = view.samples().find(|sample| sample.stopped);
    let stopped = stopped.map(|sample| sample.scheduled_ns);
    let until = stopped.into_iter().chain(facts.known_until_ns).min();
    let until = until.map(|at| seconds_between(facts.origin_ns, at));
    until
        .unwrap_or(f64::INFINITY)
        .min(facts.load.duration_s.unwrap_or(f64::INFINITY))
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

/// Requests and tokens of successes, from the first send to the end of the last request.
fn throughput(view: &View<'_>) -> Throughput {
    let first = view.samples().filter_map(|sample| sample.sent.get()).min();
    let last = view
        .samples()
        .filter(|sample| sample.sent.get().is_some())
        .filter_map(|sample| sample.end.get())
        .max();
    let window_s = first
        .zip(last)
        .map_or(0.0, |(first, last)| seconds_between(first, last));
    let ok = || view.samples().filter(|sample| sample.is_ok());
    let input: u64 = ok().map(|sample| u64::from(sample.prompt_tokens())).sum();
    let output: u64 = ok()
        .map(|sample| u64::from(sample.output.get().unwrap_or(0)))
        .sum();
    Throughput {
        window_s,
        requests_per_s: per_second(ok().count() as f64, window_s),
        input_tokens_per_s: per_second(input as f64, window_s),
        output_tokens_per_s: per_second(output as f64, window_s),
        steady: steady(view),
    }
}

fn per_second(amount: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}
