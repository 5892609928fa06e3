//! The `values.schema.json` of a user's chart: any draft, by a general validator, since ours knows our own schema only.

use bench_yaml::Source;
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
        jsonschema::validator_for(&schema)
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
                let message = bench_yaml::mask(&error.to_string()).into_owned();
                Problem::value("B103", pointer, message)
                    .note(format!("schema: {}", error.schema_path().as_str()))
            })
            .collect()
    }
}
