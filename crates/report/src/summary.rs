//! The distribution of one metric.

use bench_contract::{LatencyValue, MetricSummary, Percentile};

use crate::autocorrelation::autocorrelation_time;
use crate::early_stopping;
use crate::format::digits;
use crate::histogram::DurationHistogram;
use crate::in_order::InOrder;
use crate::interval::percentile_interval;
use crate::percentile::Sorted;

/// Summarises one value a request, in order of schedule; `+inf` are requests that never got there, within `limit_s` seconds.
/// `None` without values.
pub(crate) fn summarize<'a>(
    in_order: impl Into<InOrder<'a>>,
    percentiles: &[f64],
    limit_s: f64,
) -> Option<MetricSummary> {
    let in_order = in_order.into();
    if in_order.is_empty() {
        return None;
    }
    let sorted = Sorted::new(in_order.to_vec());
    let time = autocorrelation_time(in_order);
    let percentiles = percentiles
        .iter()
        .filter_map(|&p| {
            let value = sorted.percentile(p)?;
            let interval = Some(percentile_interval(in_order, &sorted, time, p, value));
            Some(Percentile {
                p,
                value: LatencyValue::new(value, limit_s),
                early_stopping: early_stopping::bound(&sorted, p)
                    .map(|bound| LatencyValue::new(bound, limit_s)),
                interval,
            })
        })
        .collect();
    let (mean, std_dev) = moments(sorted.finite());
    Some(MetricSummary {
        count: in_order.len() as u64,
        censored: sorted.censored() as u64,
        mean,
        std_dev,
        min: sorted.finite().first().copied(),
        max: sorted
            .values()
            .last()
            .map(|&value| LatencyValue::new(value, limit_s)),
        autocorrelation_time: Some(time),
        percentiles,
        curve: curve(in_order.len() as u64, |ps| {
            ps.iter().filter_map(|&p| sorted.percentile(p)).collect()
        }),
    })
}

/// Summarises token gaps. `None` without any.
pub(crate) fn summarize_gaps(
    gaps: &DurationHistogram,
    percentiles: &[f64],
) -> Option<MetricSummary> {
    let entry = |(&p, value)| Percentile {
        p,
        value: LatencyValue::Seconds(value),
        early_stopping: None,
        interval: None,
    };
    (gaps.count() > 0).then(|| MetricSummary {
        count: gaps.count(),
        censored: 0,
        mean: gaps.mean(),
        std_dev: gaps.std_dev(),
        min: gaps.min(),
        max: gaps.max().map(LatencyValue::Seconds),
        autocorrelation_time: None,
        percentiles: percentiles
            .iter()
            .zip(gaps.percentiles(percentiles))
            .map(entry)
            .collect(),
        curve: curve(gaps.count(), |ps| gaps.percentiles(ps)),
    })
}

/// Points of a curve to a power of ten.
pub(crate) const CURVE_STEPS: f64 = 10.0;

/// The percentile of point `k` of a curve, in `[0, 100)`.
pub(crate) fn curve_percentile(k: usize) -> f64 {
    100.0 * (1.0 - 10f64.powf(-(k as f64) / CURVE_STEPS))
}

/// The distribution of `count` samples at percentiles whose distance to 100 falls by equal factors, as far as it is finite and
/// one sample lies beyond.
fn curve(count: u64, values: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    // Rounding must not take the last point of a power of ten.
    let last = ((count.max(1) as f64).log10() * CURVE_STEPS + 1e-9).floor() as usize;
    let ps: Vec<f64> = (0..=last).map(curve_percentile).collect();
    let values = values(&ps)
        .into_iter()
        .take_while(|value| value.is_finite());
    values.map(digits).collect()
}

/// Mean, and standard deviation of a sample (n - 1).
fn moments(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (None, None);
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (
        Some(mean),
        (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_is_every_percentile_and_bounds_none_from_above() {
        let summary = summarize(&[0.25], &[50.0, 99.0], 60.0).unwrap();
        assert_eq!(
            (summary.count, summary.mean, summary.std_dev),
            (1, Some(0.25), None)
        );
        for percentile in &summary.percentiles {
            assert_eq!(percentile.value, LatencyValue::Seconds(0.25));
            let interval = percentile.interval.as_ref().unwrap();
            // Below the true p99 lies 99 % of all first samples: it is a lower end, if a weak one.
            assert_eq!(interval.lower.is_some(), percentile.p > 97.5);
            assert_eq!(interval.upper, None);
            assert!(interval.reason.is_some());
        }
        assert!(summarize(&[], &[50.0], 60.0).is_none());
    }

    #[test]
    fn a_curve_goes_as_far_as_its_samples() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let curve = summarize(&values, &[50.0], 60.0).unwrap().curve;
        assert_eq!(curve.len(), 31);
        assert_eq!((curve[0], curve[10], curve[20]), (0.0, 899.1, 989.01));
        assert!(curve.is_sorted());
        // One in a hundred never got there: the curve ends before the 99th percentile.
        let values = values
            .iter()
            .map(|&x| if x >= 990.0 { f64::INFINITY } else { x });
        let censored = summarize(&values.collect::<Vec<_>>(), &[50.0], 60.0)
            .unwrap()
            .curve;
        assert_eq!(censored, curve[..20]);
        assert_eq!(summarize(&[0.5], &[50.0], 60.0).unwrap().curve, [0.5]);
    }

    #[test]
    fn what_never_got_there_is_above_the_time_limit_and_counted() {
        let summary = summarize(
            &[0.1, f64::INFINITY, 0.3, f64::INFINITY],
            &[25.0, 50.0],
            60.0,
        )
        .unwrap();
        let never = LatencyValue::Censored {
            censored_above: 60.0,
        };
        assert_eq!(
            (summary.censored, summary.max, summary.min),
            (2, Some(never), Some(0.1))
        );
        assert_eq!(summary.mean, Some(0.2));
        assert_eq!(summary.at(50.0), Some(never));
        assert_eq!(summary.percentile(50.0), Some(f64::INFINITY));
        assert_eq!(
            serde_json::to_value(never).unwrap(),
            serde_json::json!({"censored_above": 60.0})
        );
        assert!((summary.percentile(25.0).unwrap() - 0.25).abs() < 1e-12);
    }
}
