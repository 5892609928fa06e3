//! Objectives judged on a report alone, where the records are gone: as far as it holds what decides them.
//!
//! The rule of the contract takes requests in their order, which a report does not keep. It does say what was
//! found of the run's own objectives, and where no request was above a limit, or all were, their order does not matter.

use bench_contract::{
    Check, CheckVerdict, FailOn, Metric, Report, Slo, SloMetric, StageReport, ValidityState,
};

use crate::format::Latency;
use crate::rebuild::{RebuildError, settings_of};
use crate::settings::Settings;
use crate::slo::{Evidence, LEAST_EPISODES, blank, few_episodes, rate};
use crate::stage::{INVALID, uncorrected};
use crate::verdict::{RunEnd, correct, correct_checks, verdict};

/// Why an objective is left open.
const NEEDS_RECORDS: &str = "report.json does not hold what decides this: it takes the records (requests.jsonl.zst) beside it";

/// `report` with the objectives and limits of `settings` instead of its own. What it cannot answer is inconclusive, and
/// says so.
///
/// # Errors
/// When the report was made by other definitions, or its config cannot be read.
pub fn rejudged(
    mut report: Report,
    settings: &Settings,
    fail_on: &[FailOn],
) -> Result<Report, RebuildError> {
    let own = settings_of(&report)?;
    let same_goodput = sorted(&own.goodput) == sorted(&settings.goodput);
    for stage in &mut report.stages {
        let answer = |slo: &Slo| answer(slo, stage, same_goodput);
        let mut checks: Vec<Check> = settings.slos.iter().map(answer).collect();
        correct_checks(&mut checks.iter_mut().collect::<Vec<_>>());
        if stage.validity.state == ValidityState::Invalid {
            for check in &mut checks {
                check.verdict = CheckVerdict::Invalid;
                check.reason = format!("{INVALID}{}", check.reason);
            }
        }
        stage.checks = checks;
    }
    correct(&mut report.stages);
    report.verdict = verdict(&report.stages, &RunEnd::of(&report.run), fail_on);
    Ok(report)
}

fn sorted(limits: &[(Metric, f64)]) -> Vec<(Metric, f64)> {
    let mut limits = limits.to_vec();
    limits.sort_by_key(|limit| limit.0);
    limits
}

fn answer(slo: &Slo, stage: &StageReport, same_goodput: bool) -> Check {
    let open = |reason: &str| blank(slo, CheckVerdict::Inconclusive, 0, reason.to_owned());
    if let Some(problem) = slo.problem() {
        return open(&problem.to_string());
    }
    if stage.counts.planned == 0 {
        return open("no request was offered");
    }
    let of_run = |check: &&Check| check.slo == *slo;
    if let Some(check) = stage.checks.iter().find(of_run)
        && (same_goodput || slo.metric != SloMetric::Goodput)
    {
        return uncorrected(check);
    }
    match (slo.metric, slo.percentile, slo.max, slo.min) {
        (SloMetric::Throughput, _, _, Some(min)) => rate(
            slo,
            stage.counts.ok(),
            min.get(),
            stage.throughput.output_tokens_per_s,
        ),
        (SloMetric::ErrorRate, _, Some(max), _) => {
            let planned = stage.cancel.map_or(0, |cancel| cancel.cancelled);
            let bad = stage.counts.failed() - planned;
            share(slo, stage, bad, max.get(), "failed").unwrap_or_else(|| open(NEEDS_RECORDS))
        }
        (SloMetric::Goodput, _, _, Some(min)) => {
            let goodput = stage.goodput.as_ref().filter(|_| same_goodput);
            let bad = goodput.map(|goodput| goodput.offered - goodput.good);
            let found =
                bad.and_then(|bad| share(slo, stage, bad, 1.0 - min.get(), "were not good"));
            found.unwrap_or_else(|| open(NEEDS_RECORDS))
        }
        (metric, Some(p), Some(max), _) => {
            let metric = metric.latency().filter(|metric| !metric.is_pooled());
            let found = metric.and_then(|metric| latency(slo, stage, metric, p, max.get()));
            found.unwrap_or_else(|| open(NEEDS_RECORDS))
        }
        _ => open("the objective is incomplete"),
    }
}

/// A share of offered requests, where how they follow each other is known or does not matter.
fn share(slo: &Slo, stage: &StageReport, bad: u64, allowed: f64, word: &str) -> Option<Check> {
    let n = stage.counts.planned;
    let of_metric = |check: &&Check| check.slo.metric == slo.metric && check.n_eff > 0.0;
    let n_eff = if bad == 0 || bad == n {
        n as f64
    } else {
        stage.checks.iter().find(of_metric)?.n_eff
    };
    Some(crate::slo_shares::share_of(
        slo,
        (bad, n),
        n_eff,
        allowed,
        word,
    ))
}

/// A percentile of a request metric, where every request was on one side of the limit.
fn latency(slo: &Slo, stage: &StageReport, metric: Metric, p: f64, max: f64) -> Option<Check> {
    // Failures are above every limit, whether or not they are among the samples.
    if stage.counts.failed() > 0 || stage.cancel.is_some_and(|cancel| cancel.drawn > 0) {
        return None;
    }
    let Some(summary) = stage.metrics.get(&metric) else {
        if metric == Metric::TpotChunkAware {
            // It is left out where it equals tpot.
            return None;
        }
        let reason = &stage.absent.get(&metric)?.reason;
        return Some(blank(slo, CheckVerdict::Inconclusive, 0, reason.clone()));
    };
    let (least, greatest) = (summary.min?, summary.max?.seconds());
    let above = match () {
        () if greatest <= max => 0,
        () if least > max => summary.count,
        () => return None,
    };
    let n = summary.count as f64;
    let time = summary.autocorrelation_time?;
    let allowed = 1.0 - p / 100.0;
    let mut evidence = Evidence::new(above as f64 / n, n);
    let mut verdict = evidence.verdict(allowed);
    let mut caution = String::new();
    if n / time < LEAST_EPISODES {
        match verdict {
            CheckVerdict::Pass if greatest > max / 2.0 => {
                verdict = CheckVerdict::Inconclusive;
                caution = few_episodes(n / time, "some");
            }
            CheckVerdict::Fail => {
                evidence = Evidence::new(above as f64 / n, n / time);
                verdict = evidence.verdict(allowed);
            }
            CheckVerdict::Pass | CheckVerdict::Inconclusive | CheckVerdict::Invalid => {}
        }
    }
    let observed = summary.percentile(p);
    let shown = match observed {
        Some(value) => Latency(value).to_string(),
        None => format!("between {} and {}", Latency(least), Latency(greatest)),
    };
    let reason = format!(
        "{shown}; {}{caution}",
        evidence.describe(above, summary.count, allowed, "above")
    );
    let check = evidence.check(slo, verdict, summary.count, reason);
    Some(Check { observed, ..check })
}
