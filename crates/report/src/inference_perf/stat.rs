//! inference-perf's statistics object.

use serde_json::{Map, Value};

use crate::histogram::DurationHistogram;
use crate::percentile::Sorted;

/// `null` without samples; else mean, min, max and one key a percentile: `median` for 50, else `p%g`.
pub(super) fn stat(values: Vec<f64>, percentiles: &[f64]) -> Value {
    fields(values, percentiles).map_or(Value::Null, Value::Object)
}

/// The keys of [`stat`]; `None` without samples.
pub(super) fn fields(values: Vec<f64>, percentiles: &[f64]) -> Option<Map<String, Value>> {
    let sorted = Sorted::new(values);
    let all = sorted.values();
    let (min, max) = (*all.first()?, *all.last()?);
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let at = percentiles
        .iter()
        .filter_map(|&p| Some((p, sorted.percentile(p)?)));
    Some(object(mean, min, max, at))
}

/// The same of a histogram.
pub(super) fn stat_of_gaps(gaps: &DurationHistogram, percentiles: &[f64]) -> Value {
    let (Some(mean), Some(min), Some(max)) = (gaps.mean(), gaps.min(), gaps.max()) else {
        return Value::Null;
    };
    let at = percentiles
        .iter()
        .copied()
        .zip(gaps.percentiles(percentiles));
    Value::Object(object(mean, min, max, at))
}

fn object(
    mean: f64,
    min: f64,
    max: f64,
    at: impl Iterator<Item = (f64, f64)>,
) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("mean".to_owned(), mean.into());
    map.insert("min".to_owned(), min.into());
    map.insert("max".to_owned(), max.into());
    for (p, value) in at {
        map.insert(key(p), value.into());
    }
    map
}

/// `median` for 50, else `p` and the number as C's `%g` has it: six significant digits, no trailing zeros.
pub(super) fn key(p: f64) -> String {
    if p == 50.0 {
        return "median".to_owned();
    }
    let whole_digits = if p >= 1.0 {
        p.log10().floor() as usize + 1
    } else {
        0
    };
    let text = format!(
        "{p:.*}",
        6_usize.saturating_sub(whole_digits.max(1)) + usize::from(whole_digits == 0)
    );
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("p{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_inference_perf() {
        let ps = [0.1, 1.0, 25.0, 50.0, 99.0, 99.9, 99.99, 100.0, 0.0];
        let keys = [
            "p0.1", "p1", "p25", "median", "p99", "p99.9", "p99.99", "p100", "p0",
        ];
        assert_eq!(ps.map(key), keys);
    }

    #[test]
    fn the_golden_vector() {
        let ps = [
            0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9,
        ];
        let value = stat(vec![0.1, 0.2, 0.4, 0.8, 1.6], &ps);
        for (key, truth) in [
            ("mean", 0.62),
            ("min", 0.1),
            ("max", 1.6),
            ("p0.1", 0.1004),
            ("p1", 0.104),
            ("p5", 0.12),
            ("p10", 0.14),
            ("p25", 0.2),
            ("median", 0.4),
            ("p75", 0.8),
            ("p90", 1.28),
            ("p95", 1.44),
            ("p99", 1.568),
            ("p99.9", 1.5968),
        ] {
            let got = value[key].as_f64().unwrap();
            assert!((got - truth).abs() < 1e-12, "{key}: {got}, not {truth}");
        }
        assert_eq!(stat(Vec::new(), &ps), Value::Null);
    }
}
