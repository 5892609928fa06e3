//! `benchctl report show`.

use bench_report::table;
use bench_report::table::Style;
use bench_yaml::Color;

use super::records::current;
use crate::output::{Failure, Output};

/// The table that loadgen prints at the end of a run.
pub(super) fn run(path: &str, output: &Output) -> Result<(), Failure> {
    let report = current(path, "nothing was shown", output)?;
    output.data(&table::report(&report, style(output)))
}

/// How tables are drawn on stdout.
pub(super) fn style(output: &Output) -> Style {
    Style {
        color: output.data_color() == Color::Always,
        width: 100,
    }
}
