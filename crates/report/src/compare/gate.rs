//! Whether a run is worse than the base by more than what is tolerated.

use bench_contract::{ExitCode, Metric};

use super::{Comparison, Figure, Row};
use crate::interval::TAIL;
use crate::verdict::holm;

/// How much worse a latency may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    /// Which latency; none for all that are compared.
    pub metric: Option<Metric>,
    /// Which percentile; none for all that are compared.
    pub percentile: Option<f64>,
    /// By what share of the base's, at least 0.
    pub share: f64,
}

impl Margin {
    /// Whether a figure is meant.
    #[must_use]
    pub fn is_about(&self, figure: Figure) -> bool {
        match figure {
            Figure::Latency(metric, p) => {
                self.metric.is_none_or(|wanted| wanted == metric)
                    && self
                        .percentile
                        .is_none_or(|wanted| (wanted - p).abs() < 1e-9)
            }
            Figure::Throughput | Figure::ErrorRate => false,
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
    is_invalid: bool,
    is_empty: bool,
}

impl Gate {
    /// Looks at each figure that `margins` are about; of several margins on one figure, the last that names it counts.
    #[must_use]
    pub fn on(comparison: &Comparison, margins: &[Margin]) -> Self {
        let named = comparison.rows.iter().filter_map(|row| {
            let mut margins = margins.iter().rev();
            let margin = margins.find(|margin| margin.is_about(row.figure))?;
            Some((row.clone(), margin.share))
        });
        let named: Vec<(Row, f64)> = named.collect();
        let p_values: Vec<Option<f64>> = named
            .iter()
            .map(|(row, margin)| row.shift.p_above(*margin))
            .collect();
        let is_rejected = holm(&p_values, TAIL);
        let found = named.into_iter().zip(p_values).zip(is_rejected);
        let found = found.map(|(((row, margin), p), is_rejected)| {
            let verdict = if is_rejected && p.is_some() {
                GateVerdict::Worse
            } else if row
                .shift
                .relative
                .upper
                .is_some_and(|upper| upper <= margin)
            {
                GateVerdict::NotWorse
            } else {
                GateVerdict::Undecided
            };
            (row, margin, verdict)
        });
        Self {
            found: found.collect(),
            is_invalid: comparison.is_invalid,
            is_empty: comparison.is_empty,
        }
    }

    /// 4 where something is worse, 5 where that cannot be decided, 6 where a stage is invalid, 7 where no request of a run
    /// succeeded; else 0.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let has = |wanted: GateVerdict| self.found.iter().any(|(.., found)| *found == wanted);
        let is_open = self.found.is_empty() || has(GateVerdict::Undecided);
        let codes = [
            (self.is_empty, ExitCode::NoneSucceeded),
            (self.is_invalid, ExitCode::MeasurementInvalid),
            (has(GateVerdict::Worse), ExitCode::SloFailed),
            (is_open, ExitCode::SloInconclusive),
        ];
        let codes = codes.into_iter().filter(|(applies, _)| *applies);
        ExitCode::first_of(&codes.map(|(_, code)| code).collect::<Vec<_>>())
    }
}
