//! The JSON Schema of the values, from the types, with the defaults of `chart-templates/values.yaml`.

use bench_yaml::{ParseOptions, Source, parse};
use serde_json::{Map, Value};

use super::catalog::DEFAULTS;
use super::raw::Values;

/// The JSON Schema of a values file. Everything in it is optional, since defaults stand behind it; items of lists are
/// whole, since a list replaces the list behind it.
#[must_use]
pub fn values_schema() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    // One tree without references: editors and messages can follow it key by key.
    settings.inline_subschemas = true;
    let mut schema: Value = settings
        .into_generator()
        .into_root_schema_for::<Values>()
        .into();
    let source = Source::new("built-in defaults", DEFAULTS);
    let defaults = parse(&source, &ParseOptions::default());
    if let Some(defaults) = defaults.documents.first() {
        describe(&mut schema, &defaults.to_json());
    }
    tidy(&mut schema);
    headed(schema, "Values of benchctl")
}

/// The same as text, as it lies in `schemas/`: reading it is a tenth of the work of making it.
#[must_use]
pub fn values_schema_text() -> &'static str {
    include_str!("../../schemas/values.schema.json")
}

/// The schema with what a reader looks for first at its start.
fn headed(schema: Value, title: &str) -> Value {
    let Value::Object(mut entries) = schema else {
        return schema;
    };
    let mut headed = Map::new();
    for key in ["$schema", "$id"] {
        headed.extend(entries.remove(key).map(|value| (key.to_owned(), value)));
    }
    headed.insert("title".to_owned(), title.into());
    entries.remove("title");
    headed.extend(entries);
    Value::Object(headed)
}

/// Makes a section's keys optional and says what stands behind each.
fn describe(schema: &mut Value, defaults: &Value) {
    let (Some(schema), Value::Object(defaults)) = (schema.as_object_mut(), defaults) else {
        return;
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for (key, property) in properties {
        let Some(default) = defaults.get(key) else {
            continue;
        };
        describe(property, default);
        if let Some(property) = property
            .as_object_mut()
            .filter(|property| !property.contains_key("properties"))
        {
            property.insert("default".to_owned(), default.clone());
        }
    }
    schema.remove("required");
}

/// Removes what the generator adds and no reader needs: Rust's formats of integers, and defaults of absent keys.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if matches!(object.get("format"), Some(Value::String(format)) if is_rust_format(format))
            {
                object.remove("format");
            }
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            for (_, child) in object
                .iter_mut()
                .filter(|(key, _)| !matches!(key.as_str(), "default" | "examples"))
            {
                tidy(child);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_rust_format(format: &str) -> bool {
    matches!(
        format,
        "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "int32" | "int64" | "double" | "float"
    )
}
