//! Objectives on token gaps.
//!
//! The gaps of one request depend on each other, so requests are what is counted: the share of gaps above the limit is a
//! ratio of sums over requests, whose variance is that of `above - share x gaps` (Cochran, *Sampling Techniques*, 3rd ed.,
//! 6.3), times its autocorrelation time. The effective number is the binomial one of that variance, and never more than
//! the number of requests.

use bench_contract::{Check, CheckVerdict, Metric, Slo};

use crate::autocorrelation::autocorrelation_time;
use crate::derive::reason_for_absence;
use crate::format::Latency;
use crate::gaps::{Share, pooled_limits};
use crate::histogram::DurationHistogram;
use crate::in_order::Series;
use crate::slo::{Evidence, blank};
use crate::view::View;

/// Judges a percentile objective on `chunk_gap` or `itl` over the requests of one stage or several.
pub(crate) fn judge(slo: &Slo, metric: Metric, p: f64, max: f64, views: &[View<'_>]) -> Check {
    let mut shares: Vec<Share> = Vec::new();
    let mut gaps_of_all = DurationHistogram::default();
    for view in views {
        gaps_of_all.add(&view.gaps.of(metric));
        shares.extend(of_requests(view, metric, max).map(|(_, share)| share));
    }
    if shares.is_empty() {
        let reason = match views.first() {
            Some(view) => reason_for_absence(metric, view.settings),
            None => "no stage has begun",
        };
        return blank(slo, CheckVerdict::Inconclusive, 0, reason.to_owned());
    }
    let (gaps, above) = shares.iter().fold((0_u64, 0_u64), |(gaps, above), share| {
        (
            gaps + u64::from(share.count),
            above + u64::from(share.above),
        )
    });
    let share = above as f64 / gaps as f64;
    let residuals = Series::behind_each_other(views.iter().map(|view| {
        let of = |part: Share| f64::from(part.above) - share * f64::from(part.count);
        let timed = of_requests(view, metric, max).map(|(due, part)| (due, of(part)));
        Series::timed(timed, view.joints_ns)
    }));
    let evidence = Evidence::new(share, effective(&residuals, share, gaps as f64));
    let allowed = 1.0 - p / 100.0;
    let observed = gaps_of_all.percentiles(&[p]).first().copied();
    let shown = observed
        .map(|value| format!("{}; ", Latency(value)))
        .unwrap_or_default();
    let reason = format!(
        "{shown}{} (gaps of {} requests)",
        evidence.describe(above, gaps, allowed, "above"),
        crate::format::count(shares.len() as u64)
    );
    Check {
        observed,
        ..evidence.check(slo, evidence.verdict(allowed), gaps, reason)
    }
}

/// For each request that has gaps, when it was due, and its share of them above `max`.
fn of_requests(view: &View<'_>, metric: Metric, max: f64) -> impl Iterator<Item = (u64, Share)> {
    let place = pooled_limits(view.settings)
        .iter()
        .position(|&limit| limit == (metric, max));
    let of = move |shares: &[Share]| {
        place
            .and_then(|place| shares.get(place).copied())
            .unwrap_or_default()
    };
    let rows = view.rows.iter();
    rows.map(move |row| (row.sample.scheduled_ns, of(row.shares)))
        .filter(|(_, share)| share.count > 0)
}

/// The effective number of independent gaps, of requests with these `above - share x gaps`.
fn effective(residuals: &Series, share: f64, gaps: f64) -> f64 {
    let requests = residuals.len() as f64;
    let time = autocorrelation_time(residuals);
    let variance = residuals.iter().map(|x| x * x).sum::<f64>() / (gaps * gaps) * time;
    let binomial = share * (1.0 - share);
    if variance <= 0.0 || binomial <= 0.0 {
        requests
    } else {
        (binomial / variance).min(requests)
    }
}
