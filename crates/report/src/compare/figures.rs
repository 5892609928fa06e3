//! The figures of two stages under one load.

use std::fmt;

use bench_contract::{
    CheckVerdict, LatencyValue, Metric, MetricSummary, Report, ShareInterval, SloMetric,
    StageReport,
};

use super::words::NO_INTERVAL;
use super::{Compared, Estimate, Never, Shift};
use crate::interval::{TAIL, are_never};
use crate::rebuild::settings_of;

/// One figure in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The stage of the base, and of the other.
    pub stages: (u32, u32),
    /// Its load, in words.
    pub load: String,
    /// The figure.
    pub figure: Figure,
    /// How it has shifted.
    pub shift: Shift,
    /// Whether it surely has: after correction for the number of comparisons (Holm).
    pub is_sure: bool,
}

/// A figure of a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A percentile of a latency, in seconds.
    Latency(Metric, f64),
    /// Output tokens per second, one number a stage, without an interval: while requests were due, where both stages know that, else
    /// over the whole stage.
    Throughput,
    /// Requests that failed over requests offered.
    ErrorRate,
    /// Requests that succeeded and met every limit over requests offered, where both runs have the same limits.
    Goodput,
}

impl Figure {
    /// Whether more of it is worse.
    #[must_use]
    pub fn is_worse_above(self) -> bool {
        match self {
            Self::Latency(..) | Self::ErrorRate => true,
            Self::Throughput | Self::Goodput => false,
        }
    }

    /// Whether it is a share of requests, whose shift is a difference.
    #[must_use]
    pub fn is_share(self) -> bool {
        match self {
            Self::ErrorRate | Self::Goodput => true,
            Self::Latency(..) | Self::Throughput => false,
        }
    }
}

/// `p99 ttft_scheduled`, `throughput`.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(metric, p) => write!(f, "p{p} {}", metric.as_str()),
            Self::Throughput => f.write_str("throughput"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Goodput => f.write_str("goodput"),
        }
    }
}

/// A figure that was to be compared and cannot be.
#[derive(Clone, Debug, PartialEq)]
pub struct Lacking {
    /// The load of the stage, in words.
    pub load: String,
    /// The figure.
    pub figure: Figure,
    /// Why, in a sentence that names the run.
    pub reason: String,
    /// Whether no run under this config has it, as TTFT where nothing is streamed: then only who names it misses it.
    pub is_void: bool,
}

/// Limits of `goodput`, as far as a report tells them.
#[derive(Debug, PartialEq)]
pub(super) struct Limits(Option<Vec<(Metric, f64)>>);

impl Limits {
    pub(super) fn of(report: &Report) -> Self {
        let limits = settings_of(report).ok().map(|settings| {
            let mut limits = settings.goodput;
            limits.sort_by_key(|limit| limit.0);
            limits
        });
        Self(limits)
    }
}

/// Two stages under one load, the base's first.
pub(super) struct Pair<'a> {
    pub(super) stages: [&'a StageReport; 2],
    pub(super) names: [&'a str; 2],
    pub(super) limits: &'a [Limits; 2],
}

impl Pair<'_> {
    /// The figures that both have. What one of them lacks goes into `lacking`, other reservations into `doubts`.
    pub(super) fn rows(
        &self,
        compared: &Compared,
        lacking: &mut Vec<Lacking>,
        doubts: &mut Vec<String>,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for &metric in &compared.metrics {
            if metric.is_pooled() {
                doubts.push(format!("{}: {NO_INTERVAL}", metric.as_str()));
            }
            for &p in &compared.percentiles {
                match self.stages.map(|stage| latency(stage, metric, p)) {
                    [Some(from), Some(to)] => {
                        rows.push(self.row(Figure::Latency(metric, p), Shift::of(from, to)));
                    }
                    found => lacking.push(self.without(metric, p, found.map(|it| it.is_some()))),
                }
            }
        }
        rows.push(self.throughput(doubts));
        let [base, other] = self.stages;
        if base.counts.planned > 0 && other.counts.planned > 0 {
            let shares = self.stages.map(error_rate);
            self.doubt(Figure::ErrorRate, shares, doubts);
            rows.push(self.row(Figure::ErrorRate, Shift::of_share(shares[0], shares[1])));
        }
        rows.extend(self.goodput(lacking, doubts));
        rows
    }

    fn row(&self, figure: Figure, shift: Shift) -> Row {
        Row {
            stages: (self.stages[0].stage, self.stages[1].stage),
            load: self.stages[0].load.to_string(),
            figure,
            shift,
            is_sure: false,
        }
    }

    fn lacking(&self, figure: Figure, reason: String, is_void: bool) -> Lacking {
        Lacking {
            load: self.stages[0].load.to_string(),
            figure,
            reason,
            is_void,
        }
    }

    /// Why a percentile cannot be compared; `has` says which stage holds it.
    fn without(&self, metric: Metric, p: f64, has: [bool; 2]) -> Lacking {
        let name = metric.as_str();
        let void = || {
            let reasons = self.stages.map(|stage| stage.absent.get(&metric));
            reasons[0].zip(reasons[1]).map(|(reason, _)| &reason.reason)
        };
        if has == [false; 2]
            && let Some(reason) = void()
        {
            let number = self.stages[0].stage;
            let reason = format!("neither run has {name} in stage {number}: {reason}");
            return self.lacking(Figure::Latency(metric, p), reason, true);
        }
        let reasons = (0..2).filter(|&which| !has[which]).map(|which| {
            let (stage, run) = (self.stages[which], self.names[which]);
            let reason = match (stage.metrics.get(&metric), stage.absent.get(&metric)) {
                (Some(summary), _) => format!(
                    "its report holds {}; report.request_lifecycle.percentiles says which",
                    held(summary)
                ),
                (None, Some(absent)) => absent.reason.clone(),
                (None, None) => "its report does not hold the metric".to_owned(),
            };
            format!(
                "stage {} of {run} has no p{p} {name}: {reason}",
                stage.stage
            )
        });
        let reason = reasons.collect::<Vec<_>>().join("; ");
        self.lacking(Figure::Latency(metric, p), reason, false)
    }

    /// The steady part of both where both have one: the time in which a server fills and drains weighs less in a longer stage.
    fn throughput(&self, doubts: &mut Vec<String>) -> Row {
        let steady = self.stages.map(|stage| stage.throughput.steady);
        let rates = match steady {
            [Some(from), Some(to)] => [from.output_tokens_per_s, to.output_tokens_per_s],
            _ => self
                .stages
                .map(|stage| stage.throughput.output_tokens_per_s),
        };
        let [base, other] = self.stages;
        let is_whole = steady.iter().any(Option::is_none);
        if is_whole && base.load.duration_s != other.load.duration_s {
            doubts.push(format!(
                "throughput of stage {} is over the whole stages, which are not of one length: the time in which the server fills and drains weighs more in the shorter one",
                base.stage
            ));
        }
        let [from, to] = rates.map(Estimate::exact);
        self.row(Figure::Throughput, Shift::of(from, to))
    }

    fn goodput(&self, lacking: &mut Vec<Lacking>, doubts: &mut Vec<String>) -> Option<Row> {
        let shares = match self.stages.map(|stage| stage.goodput.as_ref()) {
            [Some(base), Some(other)] => [base, other],
            [None, None] => return None,
            [base, _] => {
                let which = usize::from(base.is_some());
                let reason = format!(
                    "stage {} of {} has no goodput: no limits were set (report.goodput.constraints)",
                    self.stages[which].stage, self.names[which]
                );
                lacking.push(self.lacking(Figure::Goodput, reason, false));
                return None;
            }
        };
        if self.limits[0] != self.limits[1] || self.limits[0].0.is_none() {
            let reason = format!(
                "goodput of {} and {} is by other limits (report.goodput.constraints)",
                self.names[0], self.names[1]
            );
            lacking.push(self.lacking(Figure::Goodput, reason, false));
            return None;
        }
        let estimates = shares.map(|share| with_interval(share.ratio, share.interval));
        self.doubt(Figure::Goodput, estimates, doubts);
        Some(self.row(Figure::Goodput, Shift::of_share(estimates[0], estimates[1])))
    }

    /// Says why a share cannot be tested.
    fn doubt(&self, figure: Figure, shares: [Estimate; 2], doubts: &mut Vec<String>) {
        for which in (0..2).filter(|&which| shares[which].lower.is_none()) {
            doubts.push(format!(
                "{figure} of stage {} of {} has no interval, since its report (of an older version) does not say how its failures follow each other: its shift is not tested",
                self.stages[which].stage, self.names[which]
            ));
        }
    }
}

/// `p1, p50 and p99`.
fn held(summary: &MetricSummary) -> String {
    let names: Vec<String> = summary
        .percentiles
        .iter()
        .map(|entry| format!("p{}", entry.p))
        .collect();
    match names.split_last() {
        None => "no percentile".to_owned(),
        Some((last, [])) => format!("only {last}"),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A percentile with its interval: what a report leaves out because it is `+inf` is put back.
fn latency(stage: &StageReport, metric: Metric, p: f64) -> Option<Estimate> {
    let summary = stage.metrics.get(&metric)?;
    let mut percentiles = summary.percentiles.iter();
    let found = percentiles.find(|entry| (entry.p - p).abs() < 1e-9)?;
    let mut estimate = Estimate::exact(found.value.seconds());
    if let Some(interval) = &found.interval {
        let (low, high) = are_never(p, interval.n_eff, summary.count, summary.censored);
        let limit = |finite: Option<f64>, is_never: bool| {
            finite.or_else(|| is_never.then_some(f64::INFINITY))
        };
        estimate.lower = limit(interval.lower, low);
        estimate.upper = limit(interval.upper, high);
        let counts = (summary.censored, summary.count);
        let values = [Some(found.value), summary.max].into_iter().flatten();
        let mut censored_above = values.filter_map(|value| match value {
            LatencyValue::Censored { censored_above } => Some(censored_above),
            LatencyValue::Seconds(_) => None,
        });
        estimate.never = Some(Never {
            censored_above: censored_above.next(),
            ..Never::of(p, interval.n_eff, counts)
        });
    }
    Some(estimate)
}

/// The share of requests that failed.
fn error_rate(stage: &StageReport) -> Estimate {
    if let Some(found) = &stage.error_rate {
        return with_interval(found.ratio, Some(found.interval));
    }
    let planned = stage.cancel.map_or(0, |cancel| cancel.cancelled);
    let (failed, offered) = (stage.counts.failed() - planned, stage.counts.planned);
    let judged = stage.checks.iter().find(|check| {
        check.slo.metric == SloMetric::ErrorRate && check.verdict != CheckVerdict::Invalid
    });
    let limits = judged.and_then(|check| check.share_lower.zip(check.share_upper));
    // Where nothing failed, nothing follows anything: all requests count, as they do for an objective.
    let limits = limits.or_else(|| {
        (failed == 0).then(|| crate::binomial::clopper_pearson(0.0, offered as f64, TAIL))
    });
    Estimate {
        value: failed as f64 / offered as f64,
        lower: limits.map(|limits| limits.0),
        upper: limits.map(|limits| limits.1),
        never: None,
    }
}

fn with_interval(value: f64, interval: Option<ShareInterval>) -> Estimate {
    Estimate {
        value,
        lower: interval.map(|it| it.lower),
        upper: interval.map(|it| it.upper),
        never: None,
    }
}
