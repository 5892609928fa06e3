//! `benchctl report`: what a run has left, shown, judged, converted.

pub(crate) mod compare;
mod convert;
mod html;
mod judge;
mod merge;
mod objectives;
mod read;
mod records;
mod show;

use crate::cli::{ReportArgs, ReportCommand};
use crate::output::{Failure, Output};

/// A text that is no report.
const NOT_A_REPORT: &str = "B160";

/// A report that this version cannot read.
const UNKNOWN_LAYOUT: &str = "B161";

/// Records that cannot be read, or are not those of the report beside them.
const BAD_RECORDS: &str = "B162";

/// Objectives that cannot be judged.
const OBJECTIVES: &str = "B163";

/// Runs that do not belong together.
const UNLIKE: &str = "B164";

/// Runs that have nothing to compare.
const INCOMPARABLE: &str = "B165";

pub(super) fn run(args: &ReportArgs, output: &Output) -> Result<(), Failure> {
    match &args.command {
        ReportCommand::Show { path } => show::run(path, output),
        ReportCommand::Html {
            path,
            output: file,
            plots,
        } => html::run(path, file.as_deref(), plots.as_deref(), output),
        ReportCommand::Merge {
            paths,
            output: into,
        } => merge::run(paths, into, output),
        ReportCommand::Compare(args) => compare::run(args, output),
        ReportCommand::Convert(args) => convert::run(args, output),
        ReportCommand::Judge {
            path,
            slo,
            fail_on,
            junit,
        } => judge::run(
            path,
            slo.as_deref(),
            fail_on.as_deref(),
            junit.as_deref(),
            output,
        ),
    }
}
