//! How many requests it takes to pass an objective at all.

use bench_contract::{Slo, SloMetric};

/// One side of the 95 % interval.
const TAIL: f64 = 0.025;

/// How many requests a stage needs before an objective can pass, however good the server: with none above the limit, the
/// upper end of the exact binomial interval is `1 - 0.025^(1/n)`, and must lie below the share that is allowed. `None`
/// for what is no share; infinite where nothing is allowed.
pub(super) fn needed(slo: &Slo) -> Option<f64> {
    let allowed = match (slo.metric, slo.percentile) {
        // Gaps between tokens are counted by the token, and there are plenty.
        (SloMetric::Throughput | SloMetric::ChunkGap | SloMetric::Itl, _) => return None,
        (SloMetric::ErrorRate, _) => slo.max?.get(),
        (SloMetric::Goodput, _) => 1.0 - slo.min?.get(),
        (_, percentile) => 1.0 - percentile? / 100.0,
    };
    if allowed <= 0.0 {
        return Some(f64::INFINITY);
    }
    if allowed >= 1.0 {
        return None;
    }
    // Just below the bound is not enough: the interval has to lie wholly on one side.
    Some((TAIL.ln() / (-allowed).ln_1p()).floor() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<f64> {
        needed(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_least_number_of_requests() {
        for (text, least) in [
            (r#"{"metric":"ttft","percentile":99,"max":1}"#, Some(368.0)),
            (r#"{"metric":"ttft","percentile":95,"max":1}"#, Some(72.0)),
            (
                r#"{"metric":"ttft","percentile":99.9,"max":1}"#,
                Some(3688.0),
            ),
            (r#"{"metric":"error_rate","max":0.01}"#, Some(368.0)),
            (r#"{"metric":"goodput","min":0.99}"#, Some(368.0)),
            (r#"{"metric":"error_rate","max":0}"#, Some(f64::INFINITY)),
            (r#"{"metric":"throughput","min":1000}"#, None),
        ] {
            assert_eq!(of(text), least, "{text}");
        }
    }
}
