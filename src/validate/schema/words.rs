//! Values, places and schemas in the words of messages.

use bench_yaml::{dotted, mask};
use serde_json::Value;

use crate::problem::Problem;

/// Says beside the caret what the value means, and gives an example.
pub(super) fn with_examples(problem: Problem, schema: &Value) -> Problem {
    let meaning = schema
        .get("description")
        .and_then(Value::as_str)
        .and_then(|text| text.split_inclusive(['.', '\n']).next())
        .unwrap_or_default()
        .trim_end_matches(['.', '\n', ' '])
        .to_owned();
    let examples: Vec<String> = schema
        .get("examples")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|e| format!("`{}`", plain(e)))
        .collect();
    match (meaning.is_empty(), examples.is_empty()) {
        (true, true) => problem,
        (false, true) => problem.label(lower_first(&meaning)),
        (true, false) => problem.label(format!("for example {}", examples.join(" or "))),
        (false, false) => problem.label(format!(
            "{}, for example {}",
            lower_first(&meaning),
            examples.join(" or ")
        )),
    }
}

/// `Requests per second` as a fragment; `CPU` and names stay as they are.
pub(super) fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let (Some(first), second) = (letters.next(), letters.clone().next()) else {
        return String::new();
    };
    if second.is_some_and(char::is_lowercase) {
        format!("{}{}", first.to_ascii_lowercase(), letters.as_str())
    } else {
        text.to_owned()
    }
}

/// A value on one line, as one writes it in YAML.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => mask(text).into_owned(),
        other => other.to_string(),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

pub(super) fn bare_kind(value: &Value) -> &'static str {
    kind(value).trim_start_matches("a ")
}

pub(super) fn place(pointer: &str) -> String {
    if pointer.is_empty() {
        "the values".to_owned()
    } else {
        format!("`{}`", dotted(pointer))
    }
}

pub(super) fn last(pointer: &str) -> String {
    bench_yaml::pointer_tokens(pointer)
        .last()
        .unwrap_or_default()
}

pub(super) fn step(pointer: &str, token: &str) -> String {
    let mut inner = pointer.to_owned();
    bench_yaml::pointer_push(&mut inner, token);
    inner
}
