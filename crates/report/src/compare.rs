//! Runs beside each other: how much latencies and shares have shifted, and what can be said about it.

mod figures;
mod gate;
mod json;
mod matching;
mod page;
mod shift;
mod table;
mod words;

pub use figures::{Figure, Lacking, Row};
pub use gate::{Gate, GateVerdict, Gated, Margin};
pub use json::json;
pub use page::html;
pub use shift::{Change, Estimate, Never, Shift};
pub use table::table;
pub use words::summary;

pub(crate) use words::shift_in_words;

use std::collections::BTreeSet;
use std::fmt;

use bench_contract::{Metric, Report, RunStatus, StageReport, ValidityState};
use serde_json::{Value, json};

use crate::differ::{Difference, differences};
use crate::verdict::holm;

use figures::Pair;
use matching::matched;

/// What is compared where nothing else is asked for: from the plan, since what waits for a slow server waits too.
pub const METRICS: [Metric; 3] = [Metric::TtftScheduled, Metric::Tpot, Metric::E2eScheduled];

/// Percentiles that are compared where nothing else is asked for.
pub const PERCENTILES: [f64; 2] = [50.0, 99.0];

/// Chance of one false alarm among all figures of all runs that are compared with the base.
const FALSE_ALARM: f64 = 0.05;

/// What of two runs is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Latencies.
    pub metrics: Vec<Metric>,
    /// Percentiles of each, as far as the reports hold them.
    pub percentiles: Vec<f64>,
}

impl Default for Compared {
    fn default() -> Self {
        Self {
            metrics: METRICS.to_vec(),
            percentiles: PERCENTILES.to_vec(),
        }
    }
}

/// A run beside the base.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the base is called.
    pub base: String,
    /// What the other is called.
    pub other: String,
    /// Every figure that both have, stage by stage.
    pub rows: Vec<Row>,
    /// Figures that were to be compared and cannot be.
    pub lacking: Vec<Lacking>,
    /// How many figures could be tested, of all runs that were compared with the base: what is sure is so among them.
    pub tested: usize,
    /// Stages whose load only one of them has: what they are called, and whether they are the base's.
    pub alone: Vec<(String, bool)>,
    /// What is in the way of a comparison, or makes it doubtful, in sentences.
    pub doubts: Vec<String>,
    /// What differs in the config.
    pub config: Vec<Difference>,
    /// What differs in the target, the machine and the tool.
    pub environment: Vec<Difference>,
    /// Whether a stage that is compared is invalid in one of them.
    pub is_invalid: bool,
    /// Whether no request of one of them has succeeded.
    pub is_empty: bool,
    /// Whether one of them was made to stop before its end.
    pub is_interrupted: bool,
    /// Why one of them is not the whole run that it was to be, in sentences.
    pub partial: Vec<String>,
}

/// Why two reports cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareError {
    /// They were made by different definitions of the metrics.
    Definitions(u32, u32),
    /// They have no load in common; the loads of both.
    NoCommonLoad(Vec<String>, Vec<String>),
}

impl fmt::Display for CompareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definitions(base, other) => write!(
                f,
                "the definitions of the metrics differ: version {base} and version {other}"
            ),
            Self::NoCommonLoad(base, other) => {
                let list = |loads: &[String]| match loads {
                    [] => "no stage at all".to_owned(),
                    loads => loads.join("; "),
                };
                write!(
                    f,
                    "no stage of the one has the load of a stage of the other: {}, and {}",
                    list(base),
                    list(other)
                )
            }
        }
    }
}

impl std::error::Error for CompareError {}

/// Compares `other` with `base`; each comes with what it is called.
///
/// # Errors
/// When there is nothing that could be compared.
pub fn compare(
    base: (&str, &Report),
    other: (&str, &Report),
    compared: &Compared,
) -> Result<Comparison, CompareError> {
    let mut one = beside(base, other, compared)?;
    correct(std::slice::from_mut(&mut one));
    Ok(one)
}

/// Compares each of `others` with `base`. A shift is called sure where it is so among all figures of all of them.
///
/// # Errors
/// When one of them has nothing that could be compared, with its place.
pub fn compare_all(
    base: (&str, &Report),
    others: &[(&str, &Report)],
    compared: &Compared,
) -> Result<Vec<Comparison>, (usize, CompareError)> {
    let each = (0..)
        .zip(others)
        .map(|(place, other)| beside(base, *other, compared).map_err(|error| (place, error)));
    let mut all = each.collect::<Result<Vec<_>, _>>()?;
    correct(&mut all);
    Ok(all)
}

/// The comparison, before it is said what is sure.
fn beside(
    (base_name, base): (&str, &Report),
    (other_name, other): (&str, &Report),
    compared: &Compared,
) -> Result<Comparison, CompareError> {
    if base.definitions_version != other.definitions_version {
        let versions = (base.definitions_version, other.definitions_version);
        return Err(CompareError::Definitions(versions.0, versions.1));
    }
    let matched = matched(&base.stages, &other.stages);
    if matched.pairs.is_empty() {
        let loads = |stages: &[StageReport]| stages.iter().map(title).collect();
        return Err(CompareError::NoCommonLoad(
            loads(&base.stages),
            loads(&other.stages),
        ));
    }
    let named = [(base_name, base), (other_name, other)];
    let (mut doubts, mut rows, mut lacking) = (Vec::new(), Vec::new(), Vec::new());
    let limits = named.map(|(_, report)| figures::Limits::of(report));
    for (stage, beside) in &matched.pairs {
        let pair = Pair {
            stages: [stage, beside],
            names: [base_name, other_name],
            limits: &limits,
        };
        rows.extend(pair.rows(compared, &mut lacking, &mut doubts));
        for (name, one) in [(base_name, stage), (other_name, beside)] {
            let reasons = one.validity.reasons.iter();
            let state = match one.validity.state {
                ValidityState::Valid => continue,
                ValidityState::Suspect => "suspect",
                ValidityState::Invalid => "invalid",
            };
            doubts.extend(
                reasons.map(|reason| format!("stage {} of {name} is {state}: {reason}", one.stage)),
            );
        }
    }
    doubts.extend(lacking.iter().map(|one: &Lacking| one.reason.clone()));
    let partial: Vec<String> = named.into_iter().flat_map(partial).collect();
    doubts.extend(partial.iter().cloned());
    for (name, report) in named {
        let of_merge = report.run.merged.iter().flat_map(|merged| &merged.doubts);
        doubts.extend(of_merge.map(|doubt| format!("{name}: {doubt}")));
    }
    if base.run.id == other.run.id {
        doubts.push(format!("{base_name} and {other_name} are one run"));
    }
    let mut known = BTreeSet::new();
    doubts.retain(|doubt| known.insert(doubt.clone()));
    let invalid = ValidityState::Invalid;
    let mut alone: Vec<(String, bool)> = Vec::new();
    alone.extend(matched.only_base.iter().map(|stage| (title(stage), true)));
    alone.extend(matched.only_other.iter().map(|stage| (title(stage), false)));
    Ok(Comparison {
        base: base_name.to_owned(),
        other: other_name.to_owned(),
        alone,
        config: differences(&without_files(&base.config), &without_files(&other.config)),
        environment: differences(&environment(base), &environment(other)),
        is_invalid: matched
            .pairs
            .iter()
            .any(|(a, b)| a.validity.state == invalid || b.validity.state == invalid),
        is_empty: [base, other].iter().any(|report| report.counts.ok() == 0),
        is_interrupted: [base, other]
            .iter()
            .any(|report| report.run.interrupted || report.run.status == RunStatus::Unfinished),
        partial,
        doubts,
        rows,
        lacking,
        tested: 0,
    })
}

/// Why a run is not the whole one that it was to be, in sentences.
fn partial((name, report): (&str, &Report)) -> Vec<String> {
    let run = &report.run;
    let because = run.partial_because.iter();
    let mut sentences: Vec<String> = because
        .map(|reason| format!("{name} is partial: {reason}"))
        .collect();
    if sentences.is_empty() && (run.status != RunStatus::Complete || run.unrecorded > 0) {
        sentences.push(format!(
            "{name} is partial: {} planned requests left no record",
            crate::format::count(run.unrecorded)
        ));
    }
    sentences
}

fn title(stage: &StageReport) -> String {
    format!("stage {}: {}", stage.stage, stage.load)
}

/// Where files go changes no figure.
fn without_files(config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(keys) = config.as_object_mut() {
        keys.remove("storage");
    }
    config
}

fn environment(report: &Report) -> Value {
    json!({
        "target": report.target,
        "generator": report.environment,
        "loadgen": report.tool.version,
        "seed": report.run.seed,
        "prompts": report.run.prompts,
    })
}

/// Says which shifts are sure, after Holm's correction for the number of all that could be tested.
fn correct(comparisons: &mut [Comparison]) {
    let rows = || comparisons.iter().flat_map(|one| &one.rows);
    let p_values: Vec<Option<f64>> = rows().map(|row| row.shift.p_value).collect();
    let tested = p_values.iter().flatten().count();
    let mut is_rejected = holm(&p_values, FALSE_ALARM).into_iter();
    for comparison in comparisons {
        comparison.tested = tested;
        for (row, is_rejected) in comparison.rows.iter_mut().zip(&mut is_rejected) {
            row.is_sure = is_rejected && row.shift.p_value.is_some();
        }
    }
}
