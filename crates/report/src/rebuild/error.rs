//! Records and reports that do not fit together.

use std::fmt;

use bench_contract::DEFINITIONS_VERSION;

use crate::format::count;

/// Why records and a report do not give a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebuildError {
    /// The report was made by other definitions of the metrics.
    Definitions(u32),
    /// The config in the report cannot be read; with the reason.
    Config(String),
    /// The records hold a stage that the report does not know.
    UnknownStage(u32),
    /// The records hold one request twice.
    Twice {
        /// The stage.
        stage: u32,
        /// The place in its plan.
        index: u64,
    },
    /// The records hold a place that no plan has.
    Beyond {
        /// The stage.
        stage: u32,
        /// The place in its plan.
        index: u64,
    },
    /// A stage has more records than planned requests.
    TooMany {
        /// The stage.
        stage: u32,
        /// How many records.
        records: u64,
        /// How many requests the report says were planned.
        planned: u64,
    },
}

impl fmt::Display for RebuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definitions(version) => write!(
                f,
                "the report has definitions_version {version}, and figures are computed by version {DEFINITIONS_VERSION} here"
            ),
            Self::Config(reason) => write!(f, "its config cannot be read: {reason}"),
            Self::UnknownStage(stage) => write!(
                f,
                "the records hold stage {stage}, of which the report does not know: they are of another run"
            ),
            Self::Twice { stage, index } => write!(
                f,
                "request {index} of stage {stage} is in the records twice"
            ),
            Self::Beyond { stage, index } => write!(
                f,
                "the records hold request {index} of stage {stage}, which its plan does not have: they are damaged, or of another run"
            ),
            Self::TooMany {
                stage,
                records,
                planned,
            } => write!(
                f,
                "stage {stage} has {} records of {} planned requests: they are of another run",
                count(*records),
                count(*planned)
            ),
        }
    }
}

impl std::error::Error for RebuildError {}
