//! Runs beside each other: how much latencies have shifted, and what can be said about it.

mod gate;
mod json;
mod matching;
mod page;
mod shift;
mod table;
mod words;

pub use gate::{Gate, GateVerdict, Margin};
pub use json::json;
pub use page::html;
pub use shift::{Change, Estimate, Shift};
pub use table::table;
pub use words::summary;

pub(crate) use words::shift_in_words;

use std::fmt;

use bench_contract::{CheckVerdict, Metric, Report, StageReport};
use serde_json::{Value, json};

use crate::differ::{Difference, differences};
use crate::verdict::holm;

use matching::matched;

/// What is compared where nothing else is asked for: from the plan, since what waits for a slow server waits too.
pub const METRICS: [Metric; 3] = [Metric::TtftScheduled, Metric::Tpot, Metric::E2eScheduled];

/// Percentiles that are compared where nothing else is asked for.
pub const PERCENTILES: [f64; 2] = [50.0, 99.0];

/// Chance of one false alarm among all comparisons of a run with the base.
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
}

/// One figure in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The stage of the base, and of the other.
    pub stages: (u32, u32),
    /// Its load, in words.
    pub load: String,
    /// The figure.
    pub figure: Figure,
    /// How it has shifted.
    pub shift: Shift,
    /// Whether it surely has: after correction for the number of comparisons (Holm).
    pub is_sure: bool,
}

/// A figure of a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A percentile of a latency, in seconds.
    Latency(Metric, f64),
    /// Output tokens per second; one number a stage, without an interval.
    Throughput,
    /// Requests that failed over requests offered, with the interval of the run's objective on it, where it has one.
    ErrorRate,
}

impl Figure {
    /// Whether more of it is worse.
    #[must_use]
    pub fn is_worse_above(self) -> bool {
        match self {
            Self::Latency(..) | Self::ErrorRate => true,
            Self::Throughput => false,
        }
    }
}

/// `p99 ttft_scheduled`, `throughput`.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(metric, p) => write!(f, "p{p} {}", metric.as_str()),
            Self::Throughput => f.write_str("throughput"),
            Self::ErrorRate => f.write_str("error_rate"),
        }
    }
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
    let mut doubts = Vec::new();
    let mut rows = Vec::new();
    for (stage, beside) in &matched.pairs {
        rows.extend(of_stage(
            stage,
            beside,
            compared,
            &mut doubts,
            (base_name, other_name),
        ));
        for (name, one) in [(base_name, stage), (other_name, beside)] {
            let reasons = one.validity.reasons.iter();
            let state = match one.validity.state {
                bench_contract::ValidityState::Valid => continue,
                bench_contract::ValidityState::Suspect => "suspect",
                bench_contract::ValidityState::Invalid => "invalid",
            };
            doubts.extend(
                reasons.map(|reason| format!("stage {} of {name} is {state}: {reason}", one.stage)),
            );
        }
    }
    correct(&mut rows);
    for (name, report) in [(base_name, base), (other_name, other)] {
        let because = report.run.partial_because.iter();
        doubts.extend(because.map(|reason| format!("{name} is partial: {reason}")));
    }
    if base.run.id == other.run.id {
        doubts.push(format!("{base_name} and {other_name} are one run"));
    }
    let mut known = std::collections::BTreeSet::new();
    doubts.retain(|doubt| known.insert(doubt.clone()));
    let invalid = bench_contract::ValidityState::Invalid;
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
        doubts,
        rows,
    })
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

/// The figures that both stages have.
fn of_stage(
    base: &StageReport,
    other: &StageReport,
    compared: &Compared,
    doubts: &mut Vec<String>,
    names: (&str, &str),
) -> Vec<Row> {
    let row = |figure: Figure, from: Estimate, to: Estimate| Row {
        stages: (base.stage, other.stage),
        load: base.load.to_string(),
        figure,
        shift: Shift::of(from, to),
        is_sure: false,
    };
    let mut rows = Vec::new();
    for &metric in &compared.metrics {
        let of = |stage: &StageReport, p: f64| {
            let mut percentiles = stage.metrics.get(&metric)?.percentiles.iter();
            let found = percentiles.find(|entry| (entry.p - p).abs() < 1e-9)?;
            let interval = found.interval.as_ref();
            Some(Estimate {
                value: found.value.seconds(),
                lower: interval.and_then(|it| it.lower),
                upper: interval.and_then(|it| it.upper),
            })
        };
        for &p in &compared.percentiles {
            match (of(base, p), of(other, p)) {
                (Some(from), Some(to)) => rows.push(row(Figure::Latency(metric, p), from, to)),
                (None, None) => {}
                (from, _) => {
                    let (name, stage) = if from.is_none() {
                        (names.0, base)
                    } else {
                        (names.1, other)
                    };
                    let reason = stage.absent.get(&metric).map_or_else(
                        || format!("its report does not hold p{p}"),
                        |absent| absent.reason.clone(),
                    );
                    doubts.push(format!(
                        "stage {} of {name} has no p{p} {}: {reason}",
                        stage.stage,
                        metric.as_str()
                    ));
                }
            }
        }
    }
    let exact = |value: f64| Estimate {
        value,
        lower: None,
        upper: None,
    };
    rows.push(row(
        Figure::Throughput,
        exact(base.throughput.output_tokens_per_s),
        exact(other.throughput.output_tokens_per_s),
    ));
    if base.counts.planned > 0 && other.counts.planned > 0 {
        let (from, to) = (error_rate(base), error_rate(other));
        rows.push(Row {
            shift: Shift::of_share(from, to),
            ..row(Figure::ErrorRate, from, to)
        });
    }
    rows
}

/// The share of requests that failed.
fn error_rate(stage: &StageReport) -> Estimate {
    let planned = stage.cancel.map_or(0, |cancel| cancel.cancelled);
    let failed = stage.counts.failed() - planned;
    let judged = stage.checks.iter().find(|check| {
        check.slo.metric == bench_contract::SloMetric::ErrorRate
            && check.verdict != CheckVerdict::Invalid
    });
    Estimate {
        value: failed as f64 / stage.counts.planned as f64,
        lower: judged.and_then(|check| check.share_lower),
        upper: judged.and_then(|check| check.share_upper),
    }
}

/// Says which shifts are sure, after Holm's correction for the number of those that could be tested.
fn correct(rows: &mut [Row]) {
    let p_values: Vec<Option<f64>> = rows.iter().map(|row| row.shift.p_value).collect();
    for (row, is_rejected) in rows.iter_mut().zip(holm(&p_values, FALSE_ALARM)) {
        row.is_sure = is_rejected && row.shift.p_value.is_some();
    }
}
