//! What a schema says about a value: types, limits, choices, and where its keys are.

use bench_yaml::suggest;
use serde_json::{Map, Value};

use super::words::{plain, step};

/// The branches of `anyOf` or `oneOf`.
pub(super) fn branches(schema: &Value) -> Option<Vec<&Value>> {
    let list = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))?
        .as_array()?;
    Some(list.iter().collect())
}

pub(super) fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The one type of a schema, null aside.
pub(super) fn type_name(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ => None,
    }
}

pub(super) fn has_type(schema: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => is_integer(value),
        "number" => value.is_number(),
        _ => true,
    };
    match schema.get("type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => schema.get("const").is_none_or(|expected| expected == value),
    }
}

/// Beyond 2^53 a number with an exponent may stand for several whole ones.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// As JSON Schema has it: 3.0 is an integer, as far as it is exact.
pub(super) fn is_integer(value: &Value) -> bool {
    let is_whole = |number: f64| number.fract() == 0.0 && number.abs() <= EXACT;
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(is_whole)
}

/// Whether defaults stand behind a schema, directly or below.
pub(super) fn has_defaults(schema: &Value) -> bool {
    schema.get("default").is_some()
        || schema
            .get("properties")
            .and_then(Value::as_object)
            .is_some_and(|properties| properties.values().any(has_defaults))
}

/// What a number or text should have been, when it is none of it.
pub(super) fn out_of_range(schema: &Value, value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        let shortest = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
        if (text.chars().count() as u64) < shortest {
            return Some("a text that is not empty".to_owned());
        }
        // Durations are the only texts with a pattern (a test sees to it), and we have their reader.
        let is_duration =
            schema.get("pattern").is_none() || text.parse::<bench_contract::Seconds>().is_ok();
        return (!is_duration).then(|| expectation(schema));
    }
    let number = value.as_f64()?;
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let is_out = limit("minimum").is_some_and(|least| number < least)
        || limit("maximum").is_some_and(|most| number > most)
        || limit("exclusiveMinimum").is_some_and(|least| number <= least);
    is_out.then(|| expected_instead(schema, value))
}

/// What a schema asks for in place of a value. Limits that no machine number goes beyond are told to those who did.
pub(super) fn expected_instead(schema: &Value, value: &Value) -> String {
    let is_huge = value.as_f64().is_some_and(|number| number.abs() > EXACT);
    asked_for(schema, if is_huge { f64::MAX } else { EXACT })
}

/// What a schema asks for, in words.
pub(super) fn expectation(schema: &Value) -> String {
    asked_for(schema, EXACT)
}

/// The same, without limits beyond the given one.
fn asked_for(schema: &Value, beyond: f64) -> String {
    let limit_of = |key: &str| {
        let limit = schema.get(key)?;
        let is_told = limit.as_f64().is_some_and(|limit| limit.abs() <= beyond);
        is_told.then_some(limit)
    };
    if let Some(word) = schema.get("const") {
        return format!("`{}`", word.as_str().unwrap_or_default());
    }
    let name = match type_name(schema) {
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("string") if schema.get("pattern").is_some() => "a duration such as 20ms or 1.5s",
        Some("string") => "a string",
        Some("boolean") => "true or false",
        Some("array") => "a list",
        Some("object") => "a mapping",
        _ => "another value",
    };
    let mut text = name.to_owned();
    if let (Some(least), Some(most)) = (limit_of("minimum"), limit_of("maximum")) {
        return format!("{name} from {least} to {most}");
    }
    for (key, sign) in [
        ("exclusiveMinimum", ">"),
        ("minimum", ">="),
        ("maximum", "<="),
    ] {
        if let Some(limit) = limit_of(key) {
            text.push_str(&format!(" {sign} {limit}"));
        }
    }
    text
}

pub(super) fn example_of(schema: &Value) -> Option<String> {
    Some(plain(schema.get("examples")?.as_array()?.first()?))
}

/// The key below a section that a scalar in its place was most likely meant for: a URL, a name.
pub(super) fn inner_key<'a>(schema: &'a Value, value: &Value) -> Option<&'a str> {
    let text = value.as_str()?;
    let keys = || {
        schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
    };
    if text.contains("://") {
        return keys().map(String::as_str).find(|key| key.ends_with("Url"));
    }
    keys()
        .map(String::as_str)
        .find(|key| matches!(*key, "repository" | "name" | "bucketName" | "profile"))
}

/// Where else in the schema a key stands, under its own or a near name.
pub(super) fn places_of(schema: &Value, key: &str, pointer: &str, found: &mut Vec<String>) {
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let place = step(pointer, name);
        if name == key || (key.len() > 4 && suggest(key, [name.as_str()]).is_some()) {
            found.push(place.clone());
        }
        places_of(property, key, &place, found);
    }
    for branch in branches(schema).into_iter().flatten() {
        places_of(branch, key, pointer, found);
    }
    if let Some(rest) = schema
        .get("additionalProperties")
        .filter(|rest| rest.is_object())
    {
        places_of(rest, key, &step(pointer, "<name>"), found);
    }
}
