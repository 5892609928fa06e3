//! Exit codes of both binaries, one definition.

use serde::{Deserialize, Serialize};

/// How a command ended, as its process exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done; every SLO passed.
    Done = 0,
    /// I/O, an internal error, or an upload that did not succeed; for `diff --exit-code`: differences.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Values, config or manifest are invalid.
    InvalidInput = 3,
    /// An SLO failed.
    SloFailed = 4,
    /// Too few samples to decide an SLO.
    SloInconclusive = 5,
    /// The generator could not keep the schedule, so the measurement says nothing about the server.
    MeasurementInvalid = 6,
    /// No request succeeded.
    NoneSucceeded = 7,
    /// Interrupted; a partial report was written.
    Interrupted = 8,
}

impl ExitCode {
    /// Which code wins when several apply: the earliest in this list.
    const PRECEDENCE: [Self; 8] = [
        Self::Usage,
        Self::InvalidInput,
        Self::Interrupted,
        Self::NoneSucceeded,
        Self::MeasurementInvalid,
        Self::SloFailed,
        Self::SloInconclusive,
        Self::Failed,
    ];

    /// The numeric exit code, in `0..=8`.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit code with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        std::iter::once(Self::Done)
            .chain(Self::PRECEDENCE)
            .find(|known| known.code() == code)
    }

    /// The code of a command to which all of `codes` apply; [`ExitCode::Done`] when there are none.
    #[must_use]
    pub fn first_of(codes: &[Self]) -> Self {
        Self::PRECEDENCE
            .into_iter()
            .find(|code| codes.contains(code))
            .unwrap_or(Self::Done)
    }

    /// One phrase for logs and tables.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; every SLO passed",
            Self::Failed => "failed",
            Self::Usage => "wrong usage",
            Self::InvalidInput => "invalid input",
            Self::SloFailed => "SLO failed",
            Self::SloInconclusive => "SLO inconclusive: too few samples to decide",
            Self::MeasurementInvalid => {
                "measurement invalid: the generator could not keep the schedule"
            }
            Self::NoneSucceeded => "no request succeeded",
            Self::Interrupted => "interrupted; a partial report was written",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

/// A class of results that `--fail-on` turns into a non-zero exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailOn {
    /// An SLO failed (code 4).
    Slo,
    /// An SLO could not be decided (code 5).
    Inconclusive,
    /// The measurement is invalid (code 6).
    Invalid,
    /// An error outside the measurement, for example an upload (code 1).
    Error,
}

impl FailOn {
    /// Every class: the default.
    pub const ALL: [Self; 4] = [Self::Slo, Self::Inconclusive, Self::Invalid, Self::Error];

    /// The exit code that this class stands for.
    #[must_use]
    pub fn code(self) -> ExitCode {
        match self {
            Self::Slo => ExitCode::SloFailed,
            Self::Inconclusive => ExitCode::SloInconclusive,
            Self::Invalid => ExitCode::MeasurementInvalid,
            Self::Error => ExitCode::Failed,
        }
    }

    /// The word on the command line and in values.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slo => "slo",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
            Self::Error => "error",
        }
    }
}

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
            .ok_or_else(|| format!("`{word}` is not one of slo, inconclusive, invalid, error"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_applies_wins() {
        use ExitCode as E;
        assert_eq!(E::first_of(&[]), E::Done);
        assert_eq!(
            E::first_of(&[E::Failed, E::SloInconclusive, E::SloFailed]),
            E::SloFailed
        );
        assert_eq!(
            E::first_of(&[E::SloFailed, E::MeasurementInvalid]),
            E::MeasurementInvalid
        );
        assert_eq!(
            E::first_of(&[E::MeasurementInvalid, E::NoneSucceeded]),
            E::NoneSucceeded
        );
        assert_eq!(
            E::first_of(&[E::NoneSucceeded, E::Interrupted]),
            E::Interrupted
        );
        assert_eq!(
            E::first_of(&[E::Interrupted, E::InvalidInput]),
            E::InvalidInput
        );
        assert_eq!(E::first_of(&[E::InvalidInput, E::Usage]), E::Usage);
    }
}
