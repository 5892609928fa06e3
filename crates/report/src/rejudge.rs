//! Objectives judged on a report alone, where the records are gone: as far as it holds what decides them.
//!
//! The rule of the contract takes requests in their order, which a report does not keep. It does say what was
//! found of the run's own objectives, and where no request was above a limit, or all were, their order does not matter.

use bench_contract::{
    Check, CheckVerdict, FailOn, Metric, Report, Slo, SloMetric, SloStages, StageReport,
    ValidityState,
};

use crate::doubt::{Missing, doubt};
use crate::format::Latency;
use crate::rebuild::{RebuildError, settings_of};
use crate::run::missing;
use crate::settings::Settings;
use crate::slo::{Evidence, LEAST_EPISODES, blank, few_episodes, rate};
use crate::stage::{INVALID, uncorrected};
use crate::verdict::{RunEnd, correct_all, correct_checks, verdict};
use crate::whole::{of_not_begun, tokens_per_s, unless_whole};

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
    let missing = missing(&report.run);
    for stage in &mut report.stages {
        let slos = settings.slos.iter();
        let slos = slos.filter(|slo| slo.stages.has(stage.stage));
        let answer = |slo: &Slo| answer(slo, stage, same_goodput, missing);
        let mut checks: Vec<Check> = slos.map(answer).collect();
        correct_checks(&mut checks.iter_mut().collect::<Vec<_>>());
        if stage.validity.state == ValidityState::Invalid {
            for check in &mut checks {
                check.verdict = CheckVerdict::Invalid;
                check.reason = format!("{INVALID}{}", check.reason);
            }
        }
        stage.checks = checks;
    }
    for stage in &mut report.not_begun {
        stage.checks = of_not_begun(&settings.slos, stage.stage);
    }
    let whole = settings.slos.iter();
    let whole = whole.filter(|slo| slo.stages == SloStages::Whole);
    let whole = whole.map(|slo| {
        let mut check = of_whole(slo, &report, same_goodput, missing);
        unless_whole(&mut check, &report.stages, &report.not_begun);
        check
    });
    report.checks = whole.collect();
    correct_all(&mut report.stages, &mut report.checks);
    report.verdict = verdict(&report.stages, &RunEnd::of(&report), fail_on);
    Ok(report)
}

/// What the report holds of an objective that was judged before: it stands as it was found then.
fn found<'a>(
    slo: &Slo,
    mut checks: impl Iterator<Item = &'a Check>,
    same_goodput: bool,
) -> Option<Check> {
    let found = checks.find(|check| check.slo.limits_the_same(slo))?;
    (same_goodput || slo.metric != SloMetric::Goodput).then(|| Check {
        slo: slo.clone(),
        ..uncorrected(found)
    })
}

/// An objective of the whole run: how requests of all stages follow each other is in no report, so that only what does
/// not depend on it is decided.
fn of_whole(slo: &Slo, report: &Report, same_goodput: bool, missing: Missing) -> Check {
    let open = |reason: &str| blank(slo, CheckVerdict::Inconclusive, 0, reason.to_owned());
    if let Some(problem) = slo.problem() {
        return open(&problem.to_string());
    }
    if report.stages.is_empty() {
        return open("no stage has begun");
    }
    if let Some(check) = found(slo, report.checks.iter(), same_goodput) {
        return check;
    }
    let sum = |of: &dyn Fn(&StageReport) -> u64| report.stages.iter().map(of).sum::<u64>();
    let offered = sum(&|stage| stage.counts.planned);
    if offered == 0 {
        return open("no request was offered");
    }
    let of_share = |bad: u64, allowed: f64, word: &str| {
        let is_uniform = bad == 0 || bad == offered;
        is_uniform.then(|| {
            crate::slo_shares::share_of(slo, (bad, offered), offered as f64, allowed, word)
        })
    };
    let mut check = match (slo.metric, slo.max, slo.min) {
        (SloMetric::Throughput, _, Some(min)) => rate(
            slo,
            sum(&|stage| stage.counts.ok()),
            min.get(),
            tokens_per_s(&report.stages),
        ),
        (SloMetric::ErrorRate, Some(max), _) => {
            of_share(sum(&failed), max.get(), "failed").unwrap_or_else(|| open(NEEDS_RECORDS))
        }
        (SloMetric::Goodput, _, Some(min)) if same_goodput => {
            let bad = report.stages.iter().map(not_good).sum::<Option<u64>>();
            bad.and_then(|bad| of_share(bad, 1.0 - min.get(), "were not good"))
                .unwrap_or_else(|| open(NEEDS_RECORDS))
        }
        _ => open(NEEDS_RECORDS),
    };
    doubt(&mut check, missing);
    check
}

/// Requests that failed, those not among them that were given up as planned.
fn failed(stage: &StageReport) -> u64 {
    let planned = stage.cancel.map_or(0, |cancel| cancel.cancelled);
    stage.counts.failed().saturating_sub(planned)
}

/// Requests offered that were not good, where the report says how many were.
fn not_good(stage: &StageReport) -> Option<u64> {
    let goodput = stage.goodput.as_ref()?;
    Some(goodput.offered.saturating_sub(goodput.good))
}

fn sorted(limits: &[(Metric, f64)]) -> Vec<(Metric, f64)> {
    let mut limits = limits.to_vec();
    limits.sort_by_key(|limit| limit.0);
    limits
}

fn answer(slo: &Slo, stage: &StageReport, same_goodput: bool, missing: Missing) -> Check {
    let open = |reason: &str| blank(slo, CheckVerdict::Inconclusive, 0, reason.to_owned());
    if let Some(problem) = slo.problem() {
        return open(&problem.to_string());
    }
    if stage.counts.planned == 0 {
        return open("no request was offered");
    }
    if let Some(check) = found(slo, stage.checks.iter(), same_goodput) {
        return check;
    }
    let mut check = match (slo.metric, slo.percentile, slo.max, slo.min) {
        (SloMetric::Throughput, _, _, Some(min)) => rate(
            slo,
            stage.counts.ok(),
            min.get(),
            stage.throughput.output_tokens_per_s,
        ),
        (SloMetric::ErrorRate, _, Some(max), _) => {
            share(slo, stage, failed(stage), max.get(), "failed")
                .unwrap_or_else(|| open(NEEDS_RECORDS))
        }
        (SloMetric::Goodput, _, _, Some(min)) => {
            let bad = not_good(stage).filter(|_| same_goodput);
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
    };
    doubt(&mut check, missing);
    check
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
