//! The `values.schema.json` of a user's chart: any draft, by a general validator, since ours knows our own schema only.

use bench_yaml::{Diagnostic, Source, Span, mask};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ReferencingError, ValidationError};
use serde_json::Value;

use crate::problem::{Anchor, Problem};

/// What to do about a schema that is none.
const CORRECT: &str = "correct it, or remove the file";

/// A compiled schema.
#[derive(Debug)]
pub struct OwnSchema {
    validator: jsonschema::Validator,
    /// Its text, for the keys that could have been meant.
    schema: Value,
}

impl OwnSchema {
    /// Compiles a schema. References to other files or addresses are refused: nothing is fetched.
    ///
    /// # Errors
    /// Why it is no schema.
    pub fn new(source: &Source) -> Result<Self, Box<Diagnostic>> {
        let fail = |reason: &str, span: Span| {
            let message = format!("this is no JSON Schema: {reason}");
            Box::new(Diagnostic::error("B141", message).at(source, span))
        };
        let schema: Value = serde_json::from_str(&source.text).map_err(|error| {
            let lines = source.text.split_inclusive('\n');
            let before: usize = lines
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let at = before + error.column().saturating_sub(1);
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default();
            let problem = fail(&format!("not JSON: {reason}"), Span::new(at, at + 1));
            Box::new(problem.help(CORRECT))
        })?;
        compiled(&schema)
            .map(|validator| Self { validator, schema })
            .map_err(|error| match error.kind() {
                ValidationErrorKind::Referencing(ReferencingError::Unretrievable {
                    uri, ..
                }) => {
                    let at = source.text.find(uri.trim_end_matches('#')).unwrap_or(0);
                    let problem = fail(
                        &format!("it refers to {uri}, and nothing is fetched"),
                        Span::new(at, at + uri.trim_end_matches('#').len()),
                    );
                    Box::new(
                        problem.help(
                            "put that schema under $defs, and refer to it as \"#/$defs/NAME\"",
                        ),
                    )
                }
                _ => Box::new(fail(&error.to_string(), Span::new(0, 0)).help(CORRECT)),
            })
    }

    /// The same for a schema that was read.
    ///
    /// # Errors
    /// Why it is no schema.
    pub fn of(schema: &Value) -> Result<Self, String> {
        compiled(schema)
            .map(|validator| Self {
                validator,
                schema: schema.clone(),
            })
            .map_err(|error| error.to_string())
    }

    /// Everything in `values` that the schema does not allow.
    #[must_use]
    pub fn check(&self, values: &Value) -> Vec<Problem> {
        self.validator
            .iter_errors(values)
            .flat_map(|error| self.problems(&error))
            .collect()
    }

    /// What one error of the validator is to a user.
    fn problems(&self, error: &ValidationError<'_>) -> Vec<Problem> {
        let pointer = error.instance_path().as_str();
        let said = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = self.keys_beside(error);
                unexpected
                    .iter()
                    .map(|key| unexpected_key(pointer, key, &known))
                    .collect()
            }
            ValidationErrorKind::Required { property } => {
                vec![missing_key(pointer, &word(property))]
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context } => {
                return self.none_of(error, context);
            }
            ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => {
                vec![choice(pointer, &choices(error), error.instance())]
            }
            ValidationErrorKind::Type { .. } => {
                vec![wrong_type(pointer, &types(error), error.instance())]
            }
            _ => vec![value(
                pointer,
                &limits(error).unwrap_or_else(|| error.to_string()),
            )],
        };
        let note = format!("schema: {}", error.schema_path().as_str());
        said.into_iter()
            .map(|problem| with_remedy(problem).note(note.clone()))
            .collect()
    }

    /// A value that fits no branch. What another type was wanted for is left out where a branch of the right type says
    /// more.
    fn none_of(
        &self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
    ) -> Vec<Problem> {
        let pointer = error.instance_path().as_str();
        let is_other_type = |branch: &&Vec<ValidationError<'static>>| {
            branch.iter().any(|inner| {
                matches!(inner.kind(), ValidationErrorKind::Type { .. })
                    && inner.instance_path() == error.instance_path()
            })
        };
        let near: Vec<_> = context
            .iter()
            .filter(|branch| !branch.is_empty() && !is_other_type(branch))
            .collect();
        let note = format!("schema: {}", error.schema_path().as_str());
        if near.is_empty() {
            // That nothing at all would do as well helps nobody.
            let types: Vec<&str> = context
                .iter()
                .flatten()
                .flat_map(types)
                .filter(|name| *name != NULL || context.len() == 1)
                .collect();
            let problem = wrong_type(pointer, &types, error.instance());
            return vec![with_remedy(problem).note(note)];
        }
        if let [only] = near.as_slice() {
            return only.iter().flat_map(|inner| self.problems(inner)).collect();
        }
        let choices: Vec<Vec<String>> = near.iter().map(|branch| choices_of(branch)).collect();
        if choices.iter().all(|words| !words.is_empty()) {
            return vec![choice(pointer, &choices.concat(), error.instance()).note(note)];
        }
        let reasons: Vec<String> = near
            .iter()
            .filter_map(|branch| self.problems(branch.first()?).into_iter().next())
            .map(|problem| problem.message)
            .collect();
        let problem = value(pointer, &reasons.join("; or "));
        vec![with_remedy(problem).note(note)]
    }

    /// The keys that the schema knows where it found one too many.
    fn keys_beside(&self, error: &ValidationError<'_>) -> Vec<&str> {
        let path = error.schema_path().as_str();
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.schema
            .pointer(parent)
            .and_then(|schema| schema.get("properties")?.as_object())
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }
}

fn compiled(schema: &Value) -> Result<jsonschema::Validator, ValidationError<'static>> {
    jsonschema::validator_for(schema)
}

/// What no word of help was found for.
fn with_remedy(problem: Problem) -> Problem {
    if problem.label.is_empty() && problem.help.is_empty() {
        problem.help("write what is expected there")
    } else {
        problem
    }
}

fn value(pointer: &str, message: &str) -> Problem {
    Problem::value("B103", pointer, mask(message))
}

fn unexpected_key(pointer: &str, key: &str, known: &[&str]) -> Problem {
    let mut place = pointer.to_owned();
    bench_yaml::pointer_push(&mut place, key);
    let message = format!("unknown key `{key}`{}", within(pointer));
    let problem = Problem::error("B101", Anchor::Key(place), mask(&message));
    match bench_yaml::suggest(key, known.iter().copied()) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.help("remove it"),
        None => problem.help(format!("the schema knows {}", known.join(", "))),
    }
}

fn missing_key(pointer: &str, key: &str) -> Problem {
    let message = format!("`{key}` is missing{}", within(pointer));
    Problem::key("B103", pointer, mask(&message)).help(format!("add `{key}`"))
}

fn within(pointer: &str) -> String {
    if pointer.is_empty() {
        String::new()
    } else {
        format!(" in `{}`", bench_yaml::dotted(pointer))
    }
}

fn choice(pointer: &str, words: &[String], found: &Value) -> Problem {
    let found = word(found);
    let message = format!("expected {}, found {found}", one_of(words));
    let problem = value(pointer, &message);
    match bench_yaml::suggest(&found, words.iter().map(String::as_str)) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None if words.len() > 1 => problem.label("choose one of them"),
        None => problem,
    }
}

fn one_of(words: &[String]) -> String {
    match words {
        [only] => only.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}

fn wrong_type(pointer: &str, types: &[&str], found: &Value) -> Problem {
    let mut known: Vec<&str> = Vec::new();
    for name in types {
        if !known.contains(name) {
            known.push(name);
        }
    }
    let found = match found {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        // A number in quotes is not to be taken for one.
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => found.to_string(),
    };
    let message = format!("expected {}, found {found}", known.join(" or "));
    value(pointer, &message)
}

/// A number out of bounds, in words.
fn limits(error: &ValidationError<'_>) -> Option<String> {
    let (words, limit) = match error.kind() {
        ValidationErrorKind::Minimum { limit } => ("at least", limit),
        ValidationErrorKind::ExclusiveMinimum { limit } => ("more than", limit),
        ValidationErrorKind::Maximum { limit } => ("at most", limit),
        ValidationErrorKind::ExclusiveMaximum { limit } => ("less than", limit),
        _ => return None,
    };
    Some(format!(
        "expected {words} {limit}, found {}",
        error.instance()
    ))
}

/// What nothing at all is called.
const NULL: &str = "null";

/// The types that an error asks for, as people call them.
fn types(error: &ValidationError<'_>) -> Vec<&'static str> {
    let name = |kind: JsonType| match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => NULL,
        JsonType::Number => "a number",
        JsonType::Object => "a mapping",
        JsonType::String => "a string",
    };
    match error.kind() {
        ValidationErrorKind::Type {
            kind: TypeKind::Single(kind),
        } => vec![name(*kind)],
        ValidationErrorKind::Type {
            kind: TypeKind::Multiple(kinds),
        } => kinds.iter().map(name).collect(),
        _ => Vec::new(),
    }
}

/// The values that an error would take; none when it is not about a choice.
fn choices(error: &ValidationError<'_>) -> Vec<String> {
    match error.kind() {
        ValidationErrorKind::Enum { options } => {
            options.as_array().into_iter().flatten().map(word).collect()
        }
        ValidationErrorKind::Constant { expected_value } => vec![word(expected_value)],
        _ => Vec::new(),
    }
}

fn choices_of(branch: &[ValidationError<'_>]) -> Vec<String> {
    branch.first().map(choices).unwrap_or_default()
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(schema: &Value, values: &Value) -> Vec<(Anchor, String, String)> {
        OwnSchema::of(schema)
            .unwrap()
            .check(values)
            .into_iter()
            .map(|problem| (problem.anchor, problem.message, problem.label))
            .collect()
    }

    #[test]
    fn each_unexpected_key_is_a_problem_at_its_place() {
        let schema = json!({
            "$ref": "#/$defs/team",
            "$defs": {"team": {"properties": {"image": {}, "name": {}}, "additionalProperties": false}}
        });
        let found = said(&schema, &json!({"imgae": 1, "zzz": 2, "name": 3}));
        let at = |key: &str| Anchor::Key(format!("/{key}"));
        assert_eq!(
            found,
            [
                (
                    at("imgae"),
                    "unknown key `imgae`".to_owned(),
                    "did you mean `image`?".to_owned()
                ),
                (at("zzz"), "unknown key `zzz`".to_owned(), String::new()),
            ]
        );
    }

    #[test]
    fn a_branch_of_the_right_type_says_what_is_wrong() {
        let rate = json!({"anyOf": [{"type": "number", "minimum": 1}, {"type": "null"}]});
        let message = |schema: &Value, value: Value| said(schema, &value).remove(0).1;
        assert_eq!(message(&rate, json!(0)), "expected at least 1, found 0");
        assert_eq!(message(&rate, json!("1")), "expected a number, found \"1\"");
        let word = json!({"oneOf": [{"const": "fast"}, {"enum": ["slow"]}]});
        assert_eq!(
            message(&word, json!("fats")),
            "expected one of fast, slow, found fats"
        );
        let typed = json!({"type": ["string", "integer"]});
        assert_eq!(
            message(&typed, json!([])),
            "expected a whole number or a string, found a list"
        );
        let required = json!({"properties": {"a": {"required": ["b"]}}});
        assert_eq!(
            message(&required, json!({"a": {}})),
            "`b` is missing in `a`"
        );
        let nested = json!({"anyOf": [
            {"type": "object", "properties": {"x": {}}, "additionalProperties": false},
            {"type": "null"}
        ]});
        assert_eq!(
            said(&nested, &json!({"y": 1}))[0].0,
            Anchor::Key("/y".to_owned())
        );
    }
}
