//! The verdict of a run in a word.

use bench_contract::{CheckVerdict, ExitCode, Report, ValidityState};

/// What a run has come to; the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headline {
    Interrupted,
    NoneSucceeded,
    Invalid,
    Fail,
    Inconclusive,
    Error,
    Pass,
    Done,
}

impl Headline {
    pub(crate) fn of(report: &Report) -> Self {
        let verdict = &report.verdict;
        match (
            ExitCode::from_code(verdict.exit_code),
            verdict.validity,
            verdict.slo,
        ) {
            (Some(ExitCode::Interrupted), ..) => Self::Interrupted,
            (Some(ExitCode::NoneSucceeded), ..) => Self::NoneSucceeded,
            (_, ValidityState::Invalid, _) => Self::Invalid,
            (_, _, Some(CheckVerdict::Fail | CheckVerdict::Invalid)) => Self::Fail,
            (_, _, Some(CheckVerdict::Inconclusive)) => Self::Inconclusive,
            (Some(ExitCode::Failed), ..) => Self::Error,
            (_, _, Some(CheckVerdict::Pass)) => Self::Pass,
            (_, _, None) => Self::Done,
        }
    }

    /// As it stands in tables and pages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "INTERRUPTED",
            Self::NoneSucceeded => "NO REQUEST SUCCEEDED",
            Self::Invalid => "INVALID",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Error => "ERROR",
            Self::Pass => "PASS",
            Self::Done => "DONE",
        }
    }
}
