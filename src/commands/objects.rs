//! The manifests of a command line, for every command that needs them.

use bench_yaml::Diagnostic;
use serde_json::Value;

use super::chart;
use crate::cli::ValuesFlags;
use crate::output::Failure;
use crate::pipeline::{Checked, Wanted, foreign};
use crate::render::Document;
use crate::values::load;

/// What Helm calls a namespace that nobody chose.
const NAMESPACE: &str = "default";

/// Manifests that passed every check.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// The text and what it says.
    pub(super) items: Vec<(Document, Value)>,
    /// What is worth a look.
    pub(super) warnings: Vec<Diagnostic>,
    /// Whether the values switch everything off.
    pub(super) is_disabled: bool,
}

impl Objects {
    /// The objects without their texts.
    pub(super) fn into_items(self) -> Vec<Value> {
        self.items.into_iter().map(|(_, object)| object).collect()
    }
}

/// Renders and checks. With `debug`, a refused manifest is shown.
pub(super) fn objects(
    flags: &ValuesFlags,
    wanted: Wanted<'_>,
    debug: bool,
    consequence: &str,
) -> Result<Objects, Failure> {
    let failed = |problems| Failure::of(problems, consequence);
    let chart = chart(flags.chart.as_deref(), consequence)?;
    if chart.is_foreign() {
        let namespace = flags.namespace.as_deref().unwrap_or(NAMESPACE);
        let loaded = load(&flags.foreign_sources()?);
        let found = foreign(&chart, loaded, Some(namespace), wanted).map_err(failed)?;
        return Ok(Objects {
            items: found.documents,
            warnings: [chart.warnings(), &found.warnings].concat(),
            is_disabled: false,
        });
    }
    let checked = Checked::new(&chart, load(&flags.sources()), wanted.skip);
    if checked.is_disabled() {
        return Ok(Objects {
            items: Vec::new(),
            warnings: checked.merged().map_err(failed)?.warnings,
            is_disabled: true,
        });
    }
    let whole = checked
        .whole(&chart, wanted)
        .map_err(|refused| Failure::Problems {
            problems: refused.problems,
            consequence: consequence.to_owned(),
            debug: debug.then_some(refused.text),
        })?;
    let texts = whole.rendered.documents.into_iter();
    Ok(Objects {
        items: texts.zip(whole.objects).collect(),
        warnings: whole.merged.warnings,
        is_disabled: false,
    })
}
