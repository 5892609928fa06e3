//! What values are laid over and rendered with: the built-in defaults, presets and templates, or a user's directory.
//!
//! A directory holds `values.yaml`, `templates/*.j2`, and perhaps `scenarios/*.yaml` (further layers) and
//! `values.schema.json`. When its values have a mapping `benchmark` at the top, it is a variant of the built-in chart: it
//! has all of the built-in keys, its templates see everything that the built-in ones see, and all checks apply. Any other
//! chart is *foreign*: its templates see `values` and `release`, its values are checked by its own schema, and its
//! manifests as all manifests are.

mod read;
mod schema;

pub use schema::OwnSchema;

use bench_yaml::{Diagnostic, Source};
use serde_json::Value;

use crate::diagnostics::located;
use crate::problem::REPORT;
use crate::render::Templates;
use crate::scenario::catalog::{DEFAULTS, PRESETS};
use crate::scenario::values_schema_text;
use crate::values::{Effective, Layer, Loaded, fold_on, merged};

/// What the built-in defaults are called in messages.
pub const BUILT_IN: &str = "built-in defaults";

/// Defaults, templates and the schema of values.
#[derive(Debug)]
pub struct Chart {
    /// All defaults as one layer.
    defaults: [Layer; 1],
    /// The names of the layers that it was made of.
    layers: Vec<String>,
    templates: Templates,
    /// The schema of the built-in values; none for a foreign chart.
    schema: Option<Value>,
    own_schema: Option<OwnSchema>,
    /// What is odd about its directory.
    warnings: Vec<Diagnostic>,
}

impl Chart {
    /// The built-in one.
    ///
    /// # Errors
    /// When a built-in text is wrong, which a test rules out.
    pub fn built_in() -> Result<Self, Vec<Diagnostic>> {
        let mut layers = vec![(BUILT_IN.to_owned(), DEFAULTS)];
        for preset in &PRESETS {
            layers.push((format!("preset `{}`", preset.name), preset.text));
        }
        let sources = layers
            .into_iter()
            .map(|(name, text)| Source::new(name, text));
        let (layers, defaults) = layered(sources)?;
        Ok(Self {
            defaults: [defaults],
            layers,
            templates: Templates::built_in().map_err(|problems| {
                let problems = problems.iter().map(|problem| located(problem, None));
                problems.collect::<Vec<_>>()
            })?,
            schema: Some(built_in_schema()?),
            own_schema: None,
            warnings: Vec::new(),
        })
    }

    /// The built-in one as the files of a directory: paths and texts.
    #[must_use]
    pub fn built_in_files() -> Vec<(String, &'static str)> {
        let templates =
            Templates::built_in_files().map(|(name, text)| (format!("templates/{name}"), text));
        let scenarios = PRESETS
            .iter()
            .map(|preset| (format!("scenarios/{}.yaml", preset.name), preset.text));
        std::iter::once(("values.yaml".to_owned(), DEFAULTS))
            .chain(templates)
            .chain(scenarios)
            .collect()
    }

    /// A chart that was read from a directory.
    fn of(
        (layers, defaults): (Vec<String>, Layer),
        templates: Templates,
        own_schema: Option<OwnSchema>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let defaults = [defaults];
        let json = fold_on(&defaults, Loaded::default()).json();
        let is_variant = json.get("benchmark").is_some_and(Value::is_object);
        Ok(Self {
            defaults,
            layers,
            templates,
            schema: if is_variant {
                Some(built_in_schema()?)
            } else {
                None
            },
            own_schema,
            warnings: Vec::new(),
        })
    }

    /// The defaults, as the one layer that all values are laid over.
    #[must_use]
    pub fn defaults(&self) -> &[Layer] {
        &self.defaults
    }

    /// The defaults as one value.
    #[must_use]
    pub fn default_json(&self) -> Value {
        fold_on(&self.defaults, Loaded::default()).json()
    }

    /// The templates.
    #[must_use]
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The schema of the built-in values, where they are this chart's too.
    #[must_use]
    pub fn schema(&self) -> Option<&Value> {
        self.schema.as_ref()
    }

    /// The schema in the chart's directory.
    #[must_use]
    pub fn own_schema(&self) -> Option<&OwnSchema> {
        self.own_schema.as_ref()
    }

    /// What is odd about its directory, and no reason not to use it.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Whether it is the one that is part of the program.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.layers.iter().any(|layer| layer == BUILT_IN)
    }

    /// Whether its values are other ones than the built-in.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.schema.is_none()
    }

    /// Whether a value is the user's, and not a default of the chart.
    #[must_use]
    pub fn is_given(&self, effective: &Effective, pointer: &str) -> bool {
        effective
            .layer_of(pointer)
            .is_some_and(|layer| !self.layers.iter().any(|own| own == layer))
    }
}

/// The layers and their names.
fn layered(sources: impl Iterator<Item = Source>) -> Result<(Vec<String>, Layer), Vec<Diagnostic>> {
    let (mut names, mut layers, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        match Layer::parse(&source.name, &source) {
            Ok(layer) => layers.push(layer),
            Err(more) => problems.extend(more),
        }
        names.push(source.name.to_string());
    }
    if problems.is_empty() {
        Ok((names, merged(&layers)))
    } else {
        Err(problems)
    }
}

fn built_in_schema() -> Result<Value, Vec<Diagnostic>> {
    serde_json::from_str(values_schema_text())
        .map_err(|error| vec![mistake(&format!("the built-in schema: {error}"))])
}

fn mistake(message: &str) -> Diagnostic {
    Diagnostic::error("B901", message).help(REPORT)
}
