//! `benchctl config`.

use super::chart_with_scenarios;
use crate::cli::ConfigArgs;
use crate::diagnostics::located;
use crate::output::{Failure, Output};
use crate::pipeline::{Skip, resolved};
use crate::render::render;

const NOTHING: &str = "no config was written";

pub(super) fn run(args: &ConfigArgs, output: &Output) -> Result<(), Failure> {
    let skip = Skip {
        schema: args.skip_schema_validation,
        manifests: true,
    };
    let failed = |problems| Failure::of(problems, NOTHING);
    let chart = chart_with_scenarios(args.values.chart.as_deref(), NOTHING)?;
    let (merged, run) = resolved(&chart, &args.values.sources(), skip).map_err(failed)?;
    let rendered =
        render(&run, chart.templates(), args.name.as_deref(), false).map_err(|problems| {
            let effective = Some(&merged.effective);
            failed(problems.iter().map(|p| located(p, effective)).collect())
        })?;
    output.warn(&merged.warnings);
    output.data(&rendered.config_yml)
}
