//! An objective and what was measured of it, in words.

use bench_contract::{
    Check, Interval, LatencyValue, Metric, NotBegun, Place, Report, SloMetric, StageReport,
};

use crate::format::{Latency, amount, count, percent};
use crate::slo::allowed_share;
use crate::table::is_one_stage;

/// An objective with its limit, value and interval, in words.
pub(crate) fn measured(report: &Report, place: Place<'_>, check: &Check) -> String {
    let slo = &check.slo;
    let stage = match place {
        Place::Stage(stage) => Some(stage),
        Place::NotBegun(_) | Place::Whole => None,
    };
    let place = match place {
        _ if is_one_stage(report) => String::new(),
        Place::Stage(StageReport { stage, load, .. })
        | Place::NotBegun(NotBegun { stage, load, .. }) => format!("Stage {stage} ({load}): "),
        Place::Whole => "Whole run: ".to_owned(),
    };
    let limit = limit(check);
    let share = share_in_words(check);
    let value = match (slo.metric.latency(), slo.percentile) {
        (Some(metric), Some(p)) => stage
            .and_then(|stage| percentile_in_words(stage, metric, p))
            .or_else(|| {
                Some(check.observed.map_or_else(
                    || "was never reached".to_owned(),
                    |value| format!("was {}", Latency(value)),
                ))
            }),
        // A share says it all below.
        _ if share.is_some() => None,
        _ => Some(check.observed.map_or_else(
            || "is not known".to_owned(),
            |rate| format!("was {} tokens/s", amount(rate)),
        )),
    };
    let value = value.map(|value| format!("it {value}"));
    let said: Vec<String> = value.into_iter().chain(share).collect();
    format!("{place}{limit}: {}.", said.join("; "))
}

/// `0 % of 287 requests were above the limit (95 % interval 0 % to 1.28 %), and 5 % may be`.
fn share_in_words(check: &Check) -> Option<String> {
    let what = match check.slo.metric {
        SloMetric::ErrorRate => "failed",
        SloMetric::Goodput => "were not good",
        _ => "were above the limit",
    };
    Some(format!(
        "{} of {} requests {what} (95 % interval {} to {}), and {} may be",
        percent(check.share_above?),
        count(check.count),
        percent(check.share_lower?),
        percent(check.share_upper?),
        percent(allowed_share(&check.slo)?)
    ))
}

/// `P95 of ttft_scheduled has to be at most 1.2 s`.
fn limit(check: &Check) -> String {
    let slo = &check.slo;
    let what = match slo.percentile {
        Some(p) => format!("P{p} of {}", slo.metric.as_str()),
        None => slo.metric.as_str().to_owned(),
    };
    let write = |value: f64| match slo.metric {
        SloMetric::ErrorRate | SloMetric::Goodput => percent(value),
        SloMetric::Throughput => format!("{} tokens/s", amount(value)),
        _ => super::latency(value),
    };
    match (slo.max, slo.min) {
        (Some(max), _) => format!("{what} has to be at most {}", write(max.get())),
        (None, Some(min)) => format!("{what} has to be at least {}", write(min.get())),
        (None, None) => what,
    }
}

/// `was 227 ms, 95 % interval 215 ms to 241 ms`.
pub(crate) fn percentile_in_words(stage: &StageReport, metric: Metric, p: f64) -> Option<String> {
    let entry = stage
        .metrics
        .get(&metric)?
        .percentiles
        .iter()
        .find(|entry| entry.p == p)?;
    let value = match entry.value {
        LatencyValue::Seconds(value) => format!("was {}", Latency(value)),
        LatencyValue::Censored { .. } => {
            "was never reached, for too many requests failed".to_owned()
        }
    };
    let interval = entry.interval.as_ref().and_then(interval_in_words);
    Some(match interval {
        Some(interval) => format!("{value} (95 % interval {interval})"),
        None => value,
    })
}

/// `215 ms to 241 ms`, or the one end that the samples support.
pub(crate) fn interval_in_words(interval: &Interval) -> Option<String> {
    match (interval.lower, interval.upper) {
        (Some(low), Some(high)) => Some(format!("{} to {}", Latency(low), Latency(high))),
        (Some(low), None) => Some(format!("from {}, with no upper end", Latency(low))),
        (None, Some(high)) => Some(format!("up to {}", Latency(high))),
        (None, None) => None,
    }
}
