//! Whether a run is worse than the base by more than what is tolerated.

use std::fmt;

use bench_contract::{ExitCode, Metric};

use super::{Comparison, Figure, Row};
use crate::interval::TAIL;
use crate::verdict::holm;

/// What a margin can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gated {
    /// A latency of requests.
    Latency(Metric),
    /// The share of requests that failed.
    ErrorRate,
    /// The share of requests that were good.
    Goodput,
}

/// How much worse a figure may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    /// Which figure; none for all latencies that are compared.
    pub figure: Option<Gated>,
    /// Which percentile; none for all that are compared.
    pub percentile: Option<f64>,
    /// Of a latency, by what share of the base's; of a share, by how much it may be more (`error_rate`) or less (`goodput`).
    /// At least 0.
    pub share: f64,
}

impl Margin {
    /// Whether a figure is meant. Token gaps never are: without an interval nothing of them can be decided.
    #[must_use]
    pub fn is_about(&self, figure: Figure) -> bool {
        let is_percentile = |p: f64| {
            let wanted = self.percentile;
            wanted.is_none_or(|wanted| (wanted - p).abs() < 1e-9)
        };
        match (figure, self.figure) {
            (Figure::Latency(metric, p), None) => !metric.is_pooled() && is_percentile(p),
            (Figure::Latency(metric, p), Some(Gated::Latency(wanted))) => {
                metric == wanted && !metric.is_pooled() && is_percentile(p)
            }
            (Figure::ErrorRate, Some(Gated::ErrorRate))
            | (Figure::Goodput, Some(Gated::Goodput)) => true,
            (Figure::Latency(..) | Figure::ErrorRate | Figure::Goodput | Figure::Throughput, _) => {
                false
            }
        }
    }
}

/// `p99 ttft_scheduled`, `any latency`.
impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(p) = self.percentile {
            write!(f, "p{p} ")?;
        }
        match self.figure {
            None => f.write_str("any latency"),
            Some(Gated::Latency(metric)) => f.write_str(metric.as_str()),
            Some(Gated::ErrorRate) => f.write_str("error_rate"),
            Some(Gated::Goodput) => f.write_str("goodput"),
        }
    }
}

/// What was found of one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateVerdict {
    /// It is worse than the margin allows, also among all figures that were looked at (Holm).
    Worse,
    /// It is not: the whole of its 95 % interval is within the margin.
    NotWorse,
    /// Neither is sure.
    Undecided,
}

/// The regression gate on a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Every figure that a margin is about, with the margin and what was found.
    pub found: Vec<(Row, f64, GateVerdict)>,
    /// What was to be looked at and could not be, in sentences.
    pub unseen: Vec<String>,
    /// Shares that are surely worse, and that no margin is about.
    pub beside: Vec<Row>,
    is_interrupted: bool,
    is_invalid: bool,
    is_empty: bool,
}

impl Gate {
    /// Looks at each figure that `margins` are about; of several margins on one figure, the last that names it counts.
    #[must_use]
    pub fn on(comparison: &Comparison, margins: &[Margin]) -> Self {
        let all = Self::on_all(std::slice::from_ref(comparison), margins);
        match <[Self; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(_) => unreachable!("a gate for each comparison"),
        }
    }

    /// The same on each of several comparisons with one base: what is worse is so among all figures of all of them.
    #[must_use]
    pub fn on_all(comparisons: &[Comparison], margins: &[Margin]) -> Vec<Self> {
        let mut gates: Vec<Self> = comparisons
            .iter()
            .map(|comparison| Self::uncorrected(comparison, margins))
            .collect();
        let rows = gates.iter().flat_map(|gate| &gate.found);
        let p_values: Vec<Option<f64>> =
            rows.map(|(row, margin, _)| p_worse(row, *margin)).collect();
        let is_rejected = holm(&p_values, TAIL);
        let found = gates.iter_mut().flat_map(|gate| &mut gate.found);
        for ((found, p), is_rejected) in found.zip(p_values).zip(is_rejected) {
            if is_rejected && p.is_some() {
                found.2 = GateVerdict::Worse;
            }
        }
        gates
    }

    fn uncorrected(comparison: &Comparison, margins: &[Margin]) -> Self {
        let margin_on = |figure: Figure| {
            let mut margins = margins.iter().rev();
            margins.find(|margin| margin.is_about(figure))
        };
        let found: Vec<(Row, f64, GateVerdict)> = comparison
            .rows
            .iter()
            .filter_map(|row| {
                let margin = margin_on(row.figure)?.share;
                let verdict = if is_within(row, margin) {
                    GateVerdict::NotWorse
                } else {
                    GateVerdict::Undecided
                };
                Some((row.clone(), margin, verdict))
            })
            .collect();
        let beside = comparison.rows.iter().filter(|row| {
            let is_worse = super::words::is_worse_now(row) == Some(true);
            row.figure.is_share() && row.is_sure && is_worse && margin_on(row.figure).is_none()
        });
        Self {
            beside: beside.cloned().collect(),
            unseen: unseen(comparison, margins, &found),
            found,
            is_interrupted: comparison.is_interrupted,
            is_invalid: comparison.is_invalid,
            is_empty: comparison.is_empty,
        }
    }

    /// 4 where something is worse, 5 where that cannot be decided or looked at, 6 where a stage is invalid, 7 where no request of
    /// a run succeeded, 8 where a run was made to stop; else 0.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let has = |wanted: GateVerdict| self.found.iter().any(|(.., found)| *found == wanted);
        let is_open = !self.unseen.is_empty() || has(GateVerdict::Undecided);
        let codes = [
            (self.is_interrupted, ExitCode::Interrupted),
            (self.is_empty, ExitCode::NoneSucceeded),
            (self.is_invalid, ExitCode::MeasurementInvalid),
            (has(GateVerdict::Worse), ExitCode::SloFailed),
            (is_open, ExitCode::SloInconclusive),
        ];
        let codes = codes.into_iter().filter(|(applies, _)| *applies);
        ExitCode::first_of(&codes.map(|(_, code)| code).collect::<Vec<_>>())
    }
}

/// What `margins` are about and cannot be looked at, in sentences.
fn unseen(
    comparison: &Comparison,
    margins: &[Margin],
    found: &[(Row, f64, GateVerdict)],
) -> Vec<String> {
    let Comparison { base, other, .. } = comparison;
    let is_missed = |margin: &Margin, one: &super::Lacking| {
        margin.is_about(one.figure) && (margin.figure.is_some() || !one.is_void)
    };
    let mut unseen: Vec<String> = Vec::new();
    for one in &comparison.lacking {
        if margins.iter().any(|margin| is_missed(margin, one)) {
            unseen.push(format!("{} at {}: {}", one.figure, one.load, one.reason));
        }
    }
    for (stage, _) in comparison.alone.iter().filter(|(_, is_base)| *is_base) {
        unseen.push(format!("{stage}: {other} has no such stage"));
    }
    unseen.extend(comparison.partial.iter().cloned());
    for margin in margins {
        let is_looked_at = found.iter().any(|(row, ..)| margin.is_about(row.figure))
            || comparison.lacking.iter().any(|one| is_missed(margin, one));
        if !is_looked_at {
            unseen.push(format!("{margin}: neither {base} nor {other} has it"));
        }
    }
    unseen
}

/// One-sided, the chance of what was seen if the figure were worse by no more than its margin.
fn p_worse(row: &Row, margin: f64) -> Option<f64> {
    match row.figure {
        Figure::Latency(..) => row.shift.p_above(margin),
        Figure::ErrorRate => row.shift.p_more(margin),
        Figure::Goodput => row.shift.p_less(margin),
        Figure::Throughput => None,
    }
}

/// Whether the whole interval of a shift is within its margin.
fn is_within(row: &Row, margin: f64) -> bool {
    let (absolute, relative) = (row.shift.absolute, row.shift.relative);
    match row.figure {
        Figure::Latency(..) => relative.upper.is_some_and(|upper| upper <= margin),
        Figure::ErrorRate => absolute.upper.is_some_and(|upper| upper <= margin),
        Figure::Goodput => absolute.lower.is_some_and(|lower| lower >= -margin),
        Figure::Throughput => false,
    }
}
