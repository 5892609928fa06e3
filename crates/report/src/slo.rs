//! Objectives: pass, fail or inconclusive.
//!
//! A percentile objective says that at most `1 - p` of the offered requests may be above the limit. It is decided by the
//! exact 95 % interval of the share that is: wholly below `1 - p` passes, wholly above fails, anything else is
//! inconclusive. Requests are not independent, so the interval counts `n / tau(x > max)` of them. Where there are fewer
//! than [`LEAST_EPISODES`] independent episodes, `tau` itself is not to be trusted, and both sides need more.
//!
//! `error_rate` and `goodput` are shares of offered requests and are decided by the same interval.

use bench_contract::{Check, CheckVerdict, Slo, SloMetric, SloStages};

use crate::autocorrelation::{autocorrelation_time, autocorrelation_time_of};
use crate::binomial::clopper_pearson;
use crate::derive::reason_for_absence;
use crate::format::{Latency, count, percent};
use crate::in_order::{InOrder, Series};
use crate::interval::{TAIL, least_samples};
use crate::percentile::Sorted;
use crate::sample::Sample;
use crate::slo_shares::share;
use crate::view::View;

/// Independent episodes, `n / tau(x)`, below which a run of latencies passes or fails only on further evidence.
pub(crate) const LEAST_EPISODES: f64 = 60.0;

/// Judges `slo` on the requests of a stage, or of several, one behind the other: `tokens_per_s` is their output.
pub(crate) fn judge(slo: &Slo, views: &[View<'_>], tokens_per_s: f64) -> Check {
    let undecided = |reason: String| blank(slo, CheckVerdict::Inconclusive, 0, reason);
    if let Some(problem) = slo.problem() {
        return undecided(problem.to_string());
    }
    let Some(settings) = views.first().map(|view| view.settings) else {
        return undecided("no stage has begun".to_owned());
    };
    if views.iter().all(|view| view.rows.is_empty()) {
        return undecided("no request was offered".to_owned());
    }
    let ok = views.iter().map(|view| view.counts.ok()).sum();
    match (slo.metric.latency(), slo.percentile, slo.max, slo.min) {
        (Some(metric), Some(p), Some(max), _) if metric.is_pooled() => {
            crate::slo_gaps::judge(slo, metric, p, max.get(), views)
        }
        (Some(metric), Some(p), Some(max), _) => {
            let streaming = settings.streaming;
            // A request that failed before it got there is above every limit; one whose reply was too short to have the
            // metric says nothing.
            let of = |sample: &Sample| match sample.value(metric, streaming) {
                None if !sample.is_ok() => Some(f64::INFINITY),
                value => value,
            };
            let parts = views
                .iter()
                .map(|view| view.series(view.measured(metric), of));
            let in_order = Series::behind_each_other(parts);
            if views
                .iter()
                .flat_map(|view| view.measured(metric))
                .all(|sample| sample.is_ok() || sample.value(metric, streaming).is_none())
                && !in_order.iter().any(|x| x.is_finite())
                && ok > 0
            {
                let view = views.first();
                let reason = view.map(|view| reason_for_absence(metric, view.settings));
                return undecided(reason.unwrap_or("no stage has begun").to_owned());
            }
            percentile(slo, p, max.get(), &in_order)
        }
        (None, _, Some(max), _) => share(slo, views, max.get(), Sample::is_error, "failed"),
        (None, _, _, Some(min)) if slo.metric == SloMetric::Goodput => {
            let is_bad = |sample: &Sample| !crate::goodput::is_good(sample, settings);
            share(slo, views, 1.0 - min.get(), is_bad, "were not good")
        }
        (None, _, _, Some(min)) => rate(slo, ok, min.get(), tokens_per_s),
        _ => undecided("the objective is incomplete".to_owned()),
    }
}

/// The rule of the contract, on one value an offered request in order of schedule.
pub(crate) fn percentile<'a>(
    slo: &Slo,
    p: f64,
    max: f64,
    in_order: impl Into<InOrder<'a>>,
) -> Check {
    let in_order = in_order.into();
    let n = in_order.len() as f64;
    let allowed = 1.0 - p / 100.0;
    let above = in_order.iter().filter(|&&x| x > max).count();
    let time = autocorrelation_time(in_order);
    let time_above = if above == 0 {
        1.0
    } else {
        autocorrelation_time_of(in_order, |x| x > max)
    };
    let plain = Evidence::new(above as f64 / n, n / time_above);
    let episodes = n / time;
    let (mut verdict, mut evidence) = (plain.verdict(allowed), plain);
    let mut caution = String::new();
    if episodes < LEAST_EPISODES {
        let near = in_order.iter().filter(|&&x| x > max / 2.0).count();
        let strict = Evidence::new(plain.share, n / time.max(time_above));
        match verdict {
            CheckVerdict::Pass if near > 0 => {
                verdict = CheckVerdict::Inconclusive;
                caution = few_episodes(episodes, &count(near as u64));
            }
            CheckVerdict::Fail => {
                evidence = strict;
                verdict = strict.verdict(allowed);
                if verdict != CheckVerdict::Fail {
                    caution = format!("; only {episodes:.0} independent episodes");
                }
            }
            _ => {}
        }
    }
    let observed = Sorted::new(in_order.to_vec())
        .percentile(p)
        .filter(|value| value.is_finite());
    let shown = observed.map_or_else(
        || "never reached".to_owned(),
        |value| Latency(value).to_string(),
    );
    let word = if in_order.iter().any(|x| x.is_infinite()) {
        "above or failed"
    } else {
        "above"
    };
    let reason = format!(
        "{shown}; {}{caution}",
        evidence.describe(above as u64, in_order.len() as u64, allowed, word)
    );
    Check {
        observed,
        ..evidence.check(slo, verdict, in_order.len() as u64, reason)
    }
}

/// Why what passes on few episodes is left open: `near` requests are above half the limit.
pub(crate) fn few_episodes(episodes: f64, near: &str) -> String {
    format!(
        "; only {episodes:.0} independent episodes, which pass only where nothing is above half the limit, and {near} are"
    )
}

/// A rate is one number a stage, without an interval: it is compared as it is.
pub(crate) fn rate(slo: &Slo, ok: u64, min: f64, observed: f64) -> Check {
    let verdict = if observed >= min {
        CheckVerdict::Pass
    } else {
        CheckVerdict::Fail
    };
    let over = match slo.stages {
        SloStages::Whole => "all stages",
        SloStages::Each | SloStages::Of(_) => "the stage",
    };
    let reason = format!("{observed:.1} tokens/s over {over}, {min} asked for");
    Check {
        observed: Some(observed),
        n_eff: ok as f64,
        ..blank(slo, verdict, ok, reason)
    }
}

/// The share of offered requests that an objective allows to be bad; `None` for one that is not a share.
pub(crate) fn allowed_share(slo: &Slo) -> Option<f64> {
    match slo.metric {
        SloMetric::Throughput => None,
        SloMetric::ErrorRate => slo.max.map(bench_contract::Limit::get),
        SloMetric::Goodput => slo.min.map(|min| 1.0 - min.get()),
        _ => slo.percentile.map(|p| 1.0 - p / 100.0),
    }
}

pub(crate) fn blank(slo: &Slo, verdict: CheckVerdict, count: u64, reason: String) -> Check {
    Check {
        slo: slo.clone(),
        verdict,
        observed: None,
        count,
        n_eff: 0.0,
        share_above: None,
        share_lower: None,
        share_upper: None,
        reason,
    }
}

/// A share and its exact 95 % interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    pub(crate) share: f64,
    pub(crate) n_eff: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl Evidence {
    pub(crate) fn new(share: f64, n_eff: f64) -> Self {
        let (lower, upper) = clopper_pearson(share * n_eff, n_eff, TAIL);
        Self {
            share,
            n_eff,
            lower,
            upper,
        }
    }

    /// Which side of `allowed` the interval lies on.
    pub(crate) fn verdict(&self, allowed: f64) -> CheckVerdict {
        if self.upper < allowed {
            CheckVerdict::Pass
        } else if self.lower > allowed {
            CheckVerdict::Fail
        } else {
            CheckVerdict::Inconclusive
        }
    }

    pub(crate) fn check(
        &self,
        slo: &Slo,
        verdict: CheckVerdict,
        count: u64,
        reason: String,
    ) -> Check {
        Check {
            n_eff: self.n_eff,
            share_above: Some(self.share),
            share_lower: Some(self.lower),
            share_upper: Some(self.upper),
            ..blank(slo, verdict, count, reason)
        }
    }

    /// For example `12 of 9,061 above (0.13 %, 95 % interval 0.07 to 0.23 %), 1 % allowed`.
    pub(crate) fn describe(&self, bad: u64, of: u64, allowed: f64, word: &str) -> String {
        let mut text = format!(
            "{} of {} {word} ({}, 95 % interval {} to {}), {} allowed",
            count(bad),
            count(of),
            percent(self.share),
            percent(self.lower),
            percent(self.upper),
            percent(allowed)
        );
        let needed = least_samples(1.0 - allowed);
        if self.n_eff < needed
            && allowed > 0.0
            && self.verdict(allowed) == CheckVerdict::Inconclusive
        {
            text.push_str(&format!(
                "; needs at least {needed:.0} effective samples, has {:.0}",
                self.n_eff.floor()
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn p99(max: f64) -> Slo {
        Slo {
            metric: SloMetric::TtftScheduled,
            percentile: Some(99.0),
            max: bench_contract::Limit::new(max),
            min: None,
            stages: SloStages::Each,
        }
    }

    fn uniform(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random()).collect()
    }

    #[test]
    fn three_hundred_requests_cannot_decide_p99() {
        let check = percentile(&p99(2.0), 99.0, 2.0, &uniform(300, 1));
        assert_eq!(check.verdict, CheckVerdict::Inconclusive);
        assert!(
            check
                .reason
                .contains("needs at least 368 effective samples, has 300"),
            "{}",
            check.reason
        );
        assert_eq!(check.share_above, Some(0.0));
    }

    #[test]
    fn three_hundred_and_sixty_eight_can() {
        assert_eq!(
            percentile(&p99(2.0), 99.0, 2.0, &uniform(367, 1)).verdict,
            CheckVerdict::Inconclusive
        );
        assert_eq!(
            percentile(&p99(2.0), 99.0, 2.0, &uniform(368, 1)).verdict,
            CheckVerdict::Pass
        );
    }

    #[test]
    fn clear_cases_are_decided_and_the_limit_itself_is_not() {
        let values = uniform(5000, 2);
        assert_eq!(
            percentile(&p99(0.998), 99.0, 0.998, &values).verdict,
            CheckVerdict::Pass
        );
        assert_eq!(
            percentile(&p99(0.97), 99.0, 0.97, &values).verdict,
            CheckVerdict::Fail
        );
        assert_eq!(
            percentile(&p99(0.99), 99.0, 0.99, &values).verdict,
            CheckVerdict::Inconclusive
        );
    }

    #[test]
    fn few_episodes_pass_only_far_below_the_limit() {
        // Slow waves: 2,000 requests in 10 episodes.
        let wave = |scale: f64| -> Vec<f64> {
            (0..2000)
                .map(|i| scale * (1.0 + (f64::from(i) * std::f64::consts::TAU / 200.0).sin()))
                .collect()
        };
        let near = percentile(&p99(1.0), 99.0, 1.0, &wave(0.4));
        assert_eq!(near.verdict, CheckVerdict::Inconclusive);
        assert!(
            near.reason.contains("independent episodes"),
            "{}",
            near.reason
        );
        assert_eq!(
            percentile(&p99(1.0), 99.0, 1.0, &wave(0.2)).verdict,
            CheckVerdict::Pass
        );
    }

    #[test]
    fn never_is_above_every_limit() {
        let mut values = uniform(1000, 3);
        values
            .iter_mut()
            .step_by(5)
            .for_each(|x| *x = f64::INFINITY);
        let check = percentile(&p99(100.0), 99.0, 100.0, &values);
        assert_eq!((check.verdict, check.observed), (CheckVerdict::Fail, None));
    }
}
