//! The `values.schema.json` of a user's chart: any draft, by a general validator, since ours knows our own schema only.

use bench_yaml::Source;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::problem::Problem;

/// A compiled schema.
#[derive(Debug)]
pub struct OwnSchema(jsonschema::Validator);

impl OwnSchema {
    /// Compiles a schema. References to other files or addresses are refused: nothing is fetched.
    ///
    /// # Errors
    /// Why it is no schema.
    pub fn new(source: &Source) -> Result<Self, String> {
        let schema: Value =
            serde_json::from_str(&source.text).map_err(|error| format!("not JSON: {error}"))?;
        Self::of(&schema)
    }

    /// The same for a schema that was read.
    ///
    /// # Errors
    /// Why it is no schema.
    pub fn of(schema: &Value) -> Result<Self, String> {
        jsonschema::validator_for(schema)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Everything in `values` that the schema does not allow.
    #[must_use]
    pub fn check(&self, values: &Value) -> Vec<Problem> {
        self.0
            .iter_errors(values)
            .map(|error| {
                let pointer = error.instance_path().as_str().to_owned();
                let (message, label) = explained(&error);
                let help = match label.is_empty() {
                    true => "write what the schema asks for there",
                    false => "",
                };
                Problem::value("B103", pointer, bench_yaml::mask(&message))
                    .label(label)
                    .note(format!("schema: {}", error.schema_path().as_str()))
                    .help(help)
            })
            .collect()
    }
}

/// What is wrong in words, and a suggestion. Choices are named instead of the keyword that offers them.
fn explained(error: &ValidationError<'_>) -> (String, String) {
    let words: Vec<String> = match error.kind() {
        ValidationErrorKind::Enum { options } => {
            options.as_array().into_iter().flatten().map(word).collect()
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let branches = context.iter().filter_map(|errors| errors.first());
            let reasons: Vec<String> = branches
                .clone()
                .map(|error| match error.kind() {
                    ValidationErrorKind::Constant { expected_value } => word(expected_value),
                    _ => error.to_string(),
                })
                .collect();
            let is_const = |error: &ValidationError<'_>| {
                matches!(error.kind(), ValidationErrorKind::Constant { .. })
            };
            if !branches.clone().all(is_const) {
                // That nothing at all would do as well helps nobody.
                let is_null = |reason: &&String| reason.ends_with(r#"is not of type "null""#);
                let told: Vec<&str> = reasons
                    .iter()
                    .filter(|reason| reasons.len() == 1 || !is_null(reason))
                    .map(String::as_str)
                    .collect();
                return (told.join("; or "), String::new());
            }
            reasons
        }
        _ => return (error.to_string(), String::new()),
    };
    let found = word(error.instance());
    let near = bench_yaml::suggest(&found, words.iter().map(String::as_str));
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    (
        format!("expected one of {}, found {found}", words.join(", ")),
        label,
    )
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
