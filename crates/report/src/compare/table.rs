//! Comparisons as text for a terminal.

use super::words::{alone, figure, gate, interval, shift, summary};
use super::{Comparison, Gate, Row};
use crate::differ::Difference;
use crate::table::columns;

/// Letters of a value that differs.
const LONGEST_VALUE: usize = 60;

/// Differences that are listed.
const MOST: usize = 40;

/// A comparison as text: what has come out, every figure stage by stage, what the gate says, and what differs.
#[must_use]
pub fn table(comparison: &Comparison, gate_on: Option<&Gate>) -> String {
    let mut text = String::new();
    for line in summary(comparison) {
        text.push_str(&format!("{line}\n"));
    }
    let mut rows = comparison.rows.as_slice();
    while let Some(first) = rows.first() {
        let count = rows
            .iter()
            .take_while(|row| row.stages == first.stages)
            .count();
        let (here, later) = rows.split_at(count);
        text.push_str(&format!("\n{}\n", heading(first)));
        text.push_str(&columns(&lines(comparison, here), 1));
        rows = later;
    }
    let section = |text: &mut String, title: &str, lines: &[String]| {
        if !lines.is_empty() {
            text.push_str(&format!("\n{title}\n"));
            lines
                .iter()
                .for_each(|line| text.push_str(&format!("  {line}\n")));
        }
    };
    if let Some(gate_on) = gate_on {
        let code = gate_on.exit_code();
        let title = format!("regression gate: exit code {}", code.code());
        section(&mut text, &title, &gate(gate_on));
    }
    section(&mut text, "not compared", &alone(comparison));
    section(&mut text, "in doubt", &comparison.doubts);
    section(&mut text, "config differs", &differing(&comparison.config));
    section(
        &mut text,
        "environment differs",
        &differing(&comparison.environment),
    );
    text
}

/// What stands over the figures of a stage.
fn heading(row: &Row) -> String {
    if row.stages.0 == row.stages.1 {
        format!("stage {}: {}", row.stages.0, row.load)
    } else {
        format!(
            "stage {} and stage {}: {}",
            row.stages.0, row.stages.1, row.load
        )
    }
}

fn lines(comparison: &Comparison, rows: &[Row]) -> Vec<Vec<String>> {
    let head = [
        "",
        &comparison.base,
        &comparison.other,
        "shift",
        "95 % interval",
        "",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|row| {
        vec![
            format!("  {}", row.figure),
            figure(row.figure, row.shift.base.value),
            figure(row.figure, row.shift.other.value),
            shift(row),
            interval(row).unwrap_or_default(),
            if row.is_sure { "sure" } else { "" }.to_owned(),
        ]
    }));
    lines
}

/// `load.stages[0].rate: 15 and 20`.
pub(super) fn differing(differences: &[Difference]) -> Vec<String> {
    let value = |value: &Option<serde_json::Value>| match value {
        None => "not there".to_owned(),
        Some(value) => {
            let text = value.to_string();
            crate::markup::shortened(&text, LONGEST_VALUE).into_owned()
        }
    };
    let mut lines: Vec<String> = differences
        .iter()
        .take(MOST)
        .map(|one| {
            format!(
                "{}: {} and {}",
                one.path,
                value(&one.first),
                value(&one.second)
            )
        })
        .collect();
    if differences.len() > MOST {
        lines.push(format!("and {} more", differences.len() - MOST));
    }
    lines
}
