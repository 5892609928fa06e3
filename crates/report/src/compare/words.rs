//! A comparison in plain words.

use super::{Comparison, Figure, Gate, GateVerdict, Row, Shift};
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
    sentences.extend(not_compared(comparison));
    if comparison.is_invalid {
        sentences.push(
            "a stage is invalid: its figures are those of the generator, and so may be the shifts"
                .to_owned(),
        );
    }
    sentences
}

/// Why a figure has no size of shift that would have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blind {
    /// Token gaps have no interval.
    Gaps,
    /// A limit lies among requests that never got there.
    Never,
    /// The samples do not support a limit.
    TooFew,
}

impl Blind {
    const ALL: [Self; 3] = [Self::TooFew, Self::Never, Self::Gaps];

    fn of(row: &Row) -> Self {
        let ends = [row.shift.base, row.shift.other];
        let is_never = |limit: Option<f64>| limit == Some(f64::INFINITY);
        if matches!(row.figure, Figure::Latency(metric, _) if metric.is_pooled()) {
            Self::Gaps
        } else if ends
            .iter()
            .any(|end| is_never(end.upper) || end.value.is_infinite())
        {
            Self::Never
        } else {
            Self::TooFew
        }
    }

    fn sentence(self, figures: &str) -> String {
        match self {
            Self::Gaps => format!("{figures}: {NO_INTERVAL}"),
            Self::Never => {
                format!("in {figures} so many requests never got there that none could be seen")
            }
            Self::TooFew => format!("in {figures} the samples are too few to see any"),
        }
    }
}

/// Why token gaps are shown and not tested.
pub(super) const NO_INTERVAL: &str = "token gaps have no interval, since those of one request depend on each other, so nothing can be said of their shift; tpot, one value a request, has one";

/// That no difference could be shown, and which would have been.
fn nothing_shown(comparison: &Comparison) -> String {
    let mut seen: Vec<(Figure, f64)> = Vec::new();
    let mut unseen: Vec<(Blind, &Row)> = Vec::new();
    for row in &comparison.rows {
        let Figure::Latency(..) = row.figure else {
            continue;
        };
        match row.shift.detectable(comparison.tested) {
            Some(size) => match seen.iter_mut().find(|(figure, _)| *figure == row.figure) {
                Some((_, widest)) => *widest = widest.max(size),
                None => seen.push((row.figure, size)),
            },
            None => unseen.push((Blind::of(row), row)),
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
    for why in Blind::ALL {
        // Where other stages have the figure, or lack it for another reason, the stage is named.
        let mut names: Vec<String> = Vec::new();
        for (_, row) in unseen.iter().filter(|(blind, _)| *blind == why) {
            let is_split = seen.iter().any(|(figure, _)| *figure == row.figure)
                || unseen
                    .iter()
                    .any(|(blind, one)| one.figure == row.figure && *blind != why);
            let name = if is_split {
                format!("{} at {}", row.figure, row.load)
            } else {
                row.figure.to_string()
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            text.push_str(&format!("; {}", why.sentence(&names.join(", "))));
        }
    }
    text
}

/// What was asked for and is not compared.
fn not_compared(comparison: &Comparison) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for one in comparison.lacking.iter().filter(|one| !one.is_void) {
        let name = one.figure.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let reason = &comparison.lacking.iter().find(|one| !one.is_void)?.reason;
    Some(format!("not compared: {} ({reason})", names.join(", ")))
}

/// Whether the other is worse in it; none where that is open.
pub(super) fn is_worse_now(row: &Row) -> Option<bool> {
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
    if row.figure.is_share() {
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

/// What the shift of a row is in a column of its own: `+13 %`; of a share in points, `+0.9 points`.
pub(super) fn shift(row: &Row) -> String {
    let Shift {
        base,
        other,
        relative,
        absolute,
        ..
    } = &row.shift;
    if base.value.is_infinite() || other.value.is_infinite() {
        return shift_in_words(row);
    }
    if row.figure.is_share() {
        let points = absolute.value.map(|it| format!("{} points", signed(it)));
        return points.unwrap_or_default();
    }
    let value = relative.value.map(|it| format!("{} %", signed(it)));
    value.unwrap_or_default()
}

/// `-25, -9`, `open` where a limit is not known; none where neither is. Of a share, in points.
pub(super) fn interval(row: &Row) -> Option<String> {
    if row.shift.base.value.is_infinite() || row.shift.other.value.is_infinite() {
        return None;
    }
    let change = if row.figure.is_share() {
        row.shift.absolute
    } else {
        row.shift.relative
    };
    let (lower, upper) = (change.lower, change.upper);
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
        Figure::ErrorRate | Figure::Goodput => percent(value),
    }
}

/// What the gate says, a line a figure that is not within its margin or could not be looked at, and one for all.
pub(super) fn gate(gate: &Gate) -> Vec<String> {
    let mut lines: Vec<String> = gate
        .found
        .iter()
        .filter_map(|(row, margin, verdict)| {
            let margin = match row.figure.is_share() {
                true => format!("{} points", amount(*margin * 100.0)),
                false => percent(*margin),
            };
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
    let within = gate.found.len() - lines.len();
    lines.extend(
        gate.unseen
            .iter()
            .map(|one| format!("not looked at: {one}")),
    );
    if within > 0 {
        lines.push(format!(
            "{within} of {} figures are within their margin",
            gate.found.len()
        ));
    }
    lines.extend(gate.beside.iter().map(|row| {
        format!(
            "{} at {} is surely worse ({}), and no margin is about it: {}=1% would be one",
            row.figure,
            row.load,
            shift_in_words(row),
            row.figure
        )
    }));
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
