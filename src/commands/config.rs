//! `benchctl config`.

use super::{chart_with_scenarios, is_disabled};
use crate::cli::ConfigArgs;
use crate::diagnostics::located;
use crate::output::{Failure, Output};
use crate::pipeline::{Checked, Skip};
use crate::render::render;
use crate::values::load;

const NOTHING: &str = "no config was written";

pub(super) fn run(args: &ConfigArgs, output: &Output) -> Result<(), Failure> {
    let skip = Skip {
        schema: args.skip_schema_validation,
        manifests: true,
    };
    let failed = |problems| Failure::of(problems, NOTHING);
    let chart = chart_with_scenarios(args.values.chart.as_deref(), NOTHING)?;
    let loaded = load(&args.values.sources());
    let checked = Checked::new(&chart, loaded, skip);
    if is_disabled(&checked, output, "write") {
        return Ok(());
    }
    let (merged, run) = checked.resolved(&chart).map_err(failed)?;
    let rendered =
        render(&run, chart.templates(), args.name.as_deref(), false).map_err(|problems| {
            let effective = Some(&merged.effective);
            failed(problems.iter().map(|p| located(p, effective)).collect())
        })?;
    output.warn(&merged.warnings);
    output.data(&rendered.config_yml)
}
