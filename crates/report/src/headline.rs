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

/// The verdict of a report with its exit code and what that stands for: `FAIL, exit code 4: SLO failed`.
#[must_use]
pub fn outcome(report: &Report) -> String {
    let (headline, code) = (Headline::of(report), report.verdict.exit_code);
    let (word, meaning) = (headline.word(), headline.meaning(code));
    format!("{word}, exit code {code}: {meaning}")
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

    /// What the exit code stands for; where it is 0, why.
    fn meaning(self, code: u8) -> &'static str {
        match (ExitCode::from_code(code), self) {
            (Some(ExitCode::Done), Self::Pass) => "every SLO passed",
            (Some(ExitCode::Done), Self::Done) => "no SLO is set",
            (Some(ExitCode::Done), _) => "what failed is not in --fail-on",
            (Some(code), _) => code.meaning(),
            (None, _) => "unknown",
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
