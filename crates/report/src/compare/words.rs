//! A comparison in plain words.

use super::{Comparison, Figure, Gate, GateVerdict, Row};
use crate::format::{Latency, amount, percent};

/// Shifts that are named in one sentence.
const MOST: usize = 3;

/// What has come out, in sentences: which run is faster, and by how much; or that no difference could be shown, and which one
/// would have been.
#[must_use]
pub fn summary(comparison: &Comparison) -> Vec<String> {
    let other = &comparison.other;
    if comparison.is_empty {
        return vec![
            "no request of one of the runs succeeded: there is nothing to compare".to_owned(),
        ];
    }
    let mut sentences = Vec::new();
    let sure = |is_worse: bool| -> Vec<&Row> {
        let mut rows: Vec<&Row> = comparison
            .rows
            .iter()
            .filter(|row| row.is_sure && is_worse_now(row) == Some(is_worse))
            .collect();
        rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
        rows
    };
    let (better, worse) = (sure(false), sure(true));
    for (rows, word) in [(&worse, "worse"), (&better, "better")] {
        if rows.is_empty() {
            continue;
        }
        let word = match (
            word,
            rows.iter()
                .all(|row| matches!(row.figure, Figure::Latency(..))),
        ) {
            ("worse", true) => "slower",
            ("better", true) => "faster",
            (word, _) => word,
        };
        let named: Vec<String> = rows
            .iter()
            .take(MOST)
            .map(|row| format!("{} {} at {}", row.figure, shift_in_words(row), row.load))
            .collect();
        let more = match rows.len().saturating_sub(MOST) {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        sentences.push(format!("{other} is {word}: {}{more}", named.join("; ")));
    }
    if sentences.is_empty() {
        sentences.push(nothing_shown(comparison));
    }
    if comparison.is_invalid {
        sentences.push(
            "a stage is invalid: its figures are those of the generator, and so may be the shifts"
                .to_owned(),
        );
    }
    sentences
}

/// That no difference could be shown, and which would have been.
fn nothing_shown(comparison: &Comparison) -> String {
    let (mut seen, mut unseen): (Vec<(Figure, f64)>, Vec<String>) = (Vec::new(), Vec::new());
    for row in &comparison.rows {
        let Figure::Latency(..) = row.figure else {
            continue;
        };
        match row.shift.detectable() {
            Some(size) => match seen.iter_mut().find(|(figure, _)| *figure == row.figure) {
                Some((_, widest)) => *widest = widest.max(size),
                None => seen.push((row.figure, size)),
            },
            None => {
                let name = row.figure.to_string();
                if !unseen.contains(&name) {
                    unseen.push(name);
                }
            }
        }
    }
    let mut text = "no difference could be shown".to_owned();
    if !seen.is_empty() {
        let sizes: Vec<String> = seen
            .iter()
            .map(|(figure, size)| format!("{} in {figure}", percent(*size)))
            .collect();
        text.push_str(&format!(
            "; one of at least {} would most likely have been seen",
            sizes.join(", ")
        ));
    }
    if !unseen.is_empty() {
        text.push_str(&format!(
            "; in {} the samples are too few to see any",
            unseen.join(", ")
        ));
    }
    text
}

/// Whether the other is worse in it; none where that is open.
fn is_worse_now(row: &Row) -> Option<bool> {
    let grows = match row.shift.absolute.value {
        Some(value) => value > 0.0,
        None => row.shift.other.value > row.shift.base.value,
    };
    (row.shift.other.value != row.shift.base.value).then_some(grows == row.figure.is_worse_above())
}

/// How large a shift is, whichever way it goes.
fn size(row: &Row) -> f64 {
    row.shift
        .relative
        .value
        .map_or(f64::INFINITY, |shift| shift.ln_1p().abs())
}

/// `-18 % [-25, -9]`, `+3.2 % [-1.0, open]`, `never reached any more`.
pub(crate) fn shift_in_words(row: &Row) -> String {
    let shift = &row.shift;
    if row.figure == Figure::ErrorRate {
        return format!(
            "{} to {}",
            percent(shift.base.value),
            percent(shift.other.value)
        );
    }
    match (
        shift.base.value.is_infinite(),
        shift.other.value.is_infinite(),
    ) {
        (true, true) => return "never reached in both".to_owned(),
        (false, true) => return "not reached any more".to_owned(),
        (true, false) => return "reached again".to_owned(),
        (false, false) => {}
    }
    let Some(value) = shift.relative.value else {
        return "not comparable".to_owned();
    };
    match interval(row) {
        Some(interval) => format!("{} % [{interval}]", signed(value)),
        None => format!("{} %", signed(value)),
    }
}

/// `-25, -9`, `open` where a limit is not known; none where neither is.
pub(super) fn interval(row: &Row) -> Option<String> {
    let (lower, upper) = (row.shift.relative.lower, row.shift.relative.upper);
    let limit = |limit: Option<f64>| limit.map_or_else(|| "open".to_owned(), signed);
    (lower.is_some() || upper.is_some()).then(|| format!("{}, {}", limit(lower), limit(upper)))
}

/// A relative shift in per cent, with its sign.
pub(super) fn signed(shift: f64) -> String {
    let value = shift * 100.0;
    let text = if value.abs() >= 9.95 {
        format!("{value:+.0}")
    } else {
        format!("{value:+.1}")
    };
    match text.as_str() {
        "+0.0" | "-0.0" => "0".to_owned(),
        _ => text,
    }
}

/// A figure as people read it.
pub(super) fn figure(figure: Figure, value: f64) -> String {
    match figure {
        Figure::Latency(..) if value.is_infinite() => "never".to_owned(),
        Figure::Latency(..) => Latency(value).to_string(),
        Figure::Throughput => format!("{}/s", amount(value)),
        Figure::ErrorRate => percent(value),
    }
}

/// What the gate says, a line a figure that is not within its margin, and one for all.
pub(super) fn gate(gate: &Gate) -> Vec<String> {
    let mut lines: Vec<String> = gate
        .found
        .iter()
        .filter_map(|(row, margin, verdict)| {
            let margin = percent(*margin);
            let said = match verdict {
                GateVerdict::NotWorse => return None,
                GateVerdict::Worse => format!("worse by more than {margin}"),
                GateVerdict::Undecided => {
                    format!("whether it is worse by more than {margin} is open")
                }
            };
            let shift = shift_in_words(row);
            Some(format!("{} at {}: {said} ({shift})", row.figure, row.load))
        })
        .collect();
    if gate.found.is_empty() {
        lines.push("neither run has a figure that is to be looked at".to_owned());
    }
    let within = gate.found.len() - lines.len().min(gate.found.len());
    if within > 0 && !gate.found.is_empty() {
        lines.push(format!(
            "{within} of {} figures are within their margin",
            gate.found.len()
        ));
    }
    lines
}

/// The stages that only one of the runs has, each with the run.
pub(super) fn alone(comparison: &Comparison) -> Vec<String> {
    let Comparison { base, other, .. } = comparison;
    let named = comparison.alone.iter().map(|(stage, is_base)| {
        let name = if *is_base { base } else { other };
        format!("{stage}, only in {name}")
    });
    named.collect()
}
