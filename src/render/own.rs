//! Charts whose values are their own: templates see `values` and `release`.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::documents::{Document, documents};
use super::environment::Templates;
use crate::problem::Problem;

/// What a template may ask about the call beside its values, with Helm's meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// NAME.
    pub name: String,
    /// `-n/--namespace`.
    pub namespace: String,
}

#[derive(Serialize)]
struct Context<'a> {
    values: &'a serde_json::Value,
    release: &'a Release,
}

/// Renders a chart's templates over its values. A pure function.
///
/// # Errors
/// Every template that is wrong.
pub fn render_own(
    templates: &Templates,
    values: &serde_json::Value,
    release: &Release,
) -> Result<Vec<Document>, Vec<Problem>> {
    documents(templates, &Value::from(Serde(&Context { values, release })))
}
