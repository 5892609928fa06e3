//! Comparisons for programs.

use serde_json::{Value, json};

use super::words::summary;
use super::{Change, Comparison, Estimate, Gate, GateVerdict, Row};
use crate::differ::Difference;

/// A comparison as JSON. Latencies are in seconds; what is not known, or `+inf`, is null.
#[must_use]
pub fn json(comparison: &Comparison, gate: Option<&Gate>) -> Value {
    json!({
        "base": comparison.base,
        "other": comparison.other,
        "summary": summary(comparison),
        "figures": comparison.rows.iter().map(row).collect::<Vec<_>>(),
        "gate": gate.map(|gate| json!({
            "exit_code": gate.exit_code().code(),
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

fn row(row: &Row) -> Value {
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
        "detectable": row.shift.detectable(),
    })
}

fn estimate(estimate: Estimate) -> Value {
    let value = Some(estimate.value).filter(|x| x.is_finite());
    json!({"value": value, "lower": estimate.lower, "upper": estimate.upper})
}

fn change(change: Change) -> Value {
    json!({"value": change.value, "lower": change.lower, "upper": change.upper})
}

fn difference(one: &Difference) -> Value {
    json!({"path": one.path, "base": one.first, "other": one.second})
}
