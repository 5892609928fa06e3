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
use crate::in_order::Series;
use crate::slo::{Evidence, blank};
use crate::view::View;

/// Judges a percentile objective on `chunk_gap` or `itl`.
pub(crate) fn judge(slo: &Slo, metric: Metric, p: f64, max: f64, view: &View<'_>) -> Check {
    let place = pooled_limits(view.settings)
        .iter()
        .position(|&limit| limit == (metric, max));
    let of = |shares: &[Share]| {
        place
            .and_then(|place| shares.get(place).copied())
            .unwrap_or_default()
    };
    let rows = view.rows.iter();
    let (due, shares): (Vec<u64>, Vec<Share>) = rows
        .map(|row| (row.sample.scheduled_ns, of(row.shares)))
        .filter(|(_, share)| share.count > 0)
        .unzip();
    if shares.is_empty() {
        let reason = reason_for_absence(metric, view.settings);
        return blank(slo, CheckVerdict::Inconclusive, 0, reason.to_owned());
    }
    let (gaps, above) = shares.iter().fold((0_u64, 0_u64), |(gaps, above), share| {
        (
            gaps + u64::from(share.count),
            above + u64::from(share.above),
        )
    });
    let share = above as f64 / gaps as f64;
    let evidence = Evidence::new(
        share,
        effective(&shares, &due, view.joints_ns, share, gaps as f64),
    );
    let allowed = 1.0 - p / 100.0;
    let observed = view.gaps.of(metric).percentiles(&[p]).first().copied();
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

/// The effective number of independent gaps, of requests that were due at `due`.
fn effective(shares: &[Share], due: &[u64], joints_ns: &[u64], share: f64, gaps: f64) -> f64 {
    let requests = shares.len() as f64;
    let residual = |part: &Share| f64::from(part.above) - share * f64::from(part.count);
    let timed = due.iter().copied().zip(shares.iter().map(residual));
    let residuals = Series::timed(timed, joints_ns);
    let time = autocorrelation_time(&residuals);
    let variance = residuals.iter().map(|x| x * x).sum::<f64>() / (gaps * gaps) * time;
    let binomial = share * (1.0 - share);
    if variance <= 0.0 || binomial <= 0.0 {
        requests
    } else {
        (binomial / variance).min(requests)
    }
}
