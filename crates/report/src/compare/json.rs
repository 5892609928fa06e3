//! Comparisons for programs.

use serde_json::{Value, json};

use super::words::summary;
use super::{Change, Comparison, Estimate, Gate, GateVerdict, Row};
use crate::differ::Difference;

/// A comparison as JSON. Latencies are in seconds. What is not known is null; a latency that was never reached is
/// `{"censored_above": s}`, s being the time limit of a request (null where the report does not say). A limit of a change is null
/// also where it is beyond all bounds, because one of the runs never gets there.
#[must_use]
pub fn json(comparison: &Comparison, gate: Option<&Gate>) -> Value {
    json!({
        "base": comparison.base,
        "other": comparison.other,
        "summary": summary(comparison),
        "tested": comparison.tested,
        "figures": comparison
            .rows
            .iter()
            .map(|one| row(one, comparison.tested))
            .collect::<Vec<_>>(),
        "lacking": comparison.lacking.iter().map(|one| json!({
            "figure": one.figure.to_string(),
            "load": one.load,
            "reason": one.reason,
        })).collect::<Vec<_>>(),
        "gate": gate.map(|gate| json!({
            "exit_code": gate.exit_code().code(),
            "not_looked_at": gate.unseen,
            "figures": gate.found.iter().map(|(of, margin, verdict)| json!({
                "figure": of.figure.to_string(),
                "load": of.load,
                "margin": margin,
                "verdict": match verdict {
                    GateVerdict::Worse => "worse",
                    GateVerdict::NotWorse => "not_worse",
                    GateVerdict::Undecided => "undecided",
                },
            })).collect::<Vec<_>>(),
        })),
        "not_compared": comparison.alone.iter().map(|(stage, is_base)| json!({
            "stage": stage,
            "only_in": if *is_base { &comparison.base } else { &comparison.other },
        })).collect::<Vec<_>>(),
        "doubts": comparison.doubts,
        "config": comparison.config.iter().map(difference).collect::<Vec<_>>(),
        "environment": comparison.environment.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn row(row: &Row, tested: usize) -> Value {
    json!({
        "base_stage": row.stages.0,
        "other_stage": row.stages.1,
        "load": row.load,
        "figure": row.figure.to_string(),
        "base": estimate(row.shift.base),
        "other": estimate(row.shift.other),
        "absolute": change(row.shift.absolute),
        "relative": change(row.shift.relative),
        "p_value": row.shift.p_value,
        "sure": row.is_sure,
        "detectable": row.shift.detectable(tested),
    })
}

fn estimate(estimate: Estimate) -> Value {
    let limit_s = estimate.never.and_then(|never| never.censored_above);
    let of = |seconds: f64| {
        if seconds.is_finite() {
            json!(seconds)
        } else {
            json!({"censored_above": limit_s})
        }
    };
    json!({
        "value": of(estimate.value),
        "lower": estimate.lower.map(of),
        "upper": estimate.upper.map(of),
    })
}

fn change(change: Change) -> Value {
    let finite = |limit: Option<f64>| limit.filter(|x| x.is_finite());
    json!({
        "value": finite(change.value),
        "lower": finite(change.lower),
        "upper": finite(change.upper),
    })
}

fn difference(one: &Difference) -> Value {
    json!({"path": one.path, "base": one.first, "other": one.second})
}
