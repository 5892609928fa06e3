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

/// Removes what the generator adds and no reader needs: defaults of absent keys, and Rust's formats of numbers, whose
/// limits are written instead.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let format = object.get("format").and_then(Value::as_str);
            if let Some(limits) = format.and_then(limits_of) {
                object.remove("format");
                for (key, limit) in limits {
                    object.entry(key).or_insert(limit);
                }
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

/// What the formats that stand for Rust's numbers allow; nothing for other formats.
fn limits_of(format: &str) -> Option<Vec<(&'static str, Value)>> {
    let integer = |least: i64, most: u64| vec![("minimum", least.into()), ("maximum", most.into())];
    Some(match format {
        "uint8" => integer(0, u8::MAX.into()),
        "uint16" => integer(0, u16::MAX.into()),
        "uint32" => integer(0, u32::MAX.into()),
        "uint" | "uint64" => integer(0, u64::MAX),
        "int32" => integer(i32::MIN.into(), i32::MAX.unsigned_abs().into()),
        "int64" => integer(i64::MIN, i64::MAX.unsigned_abs()),
        "double" | "float" => Vec::new(),
        _ => return None,
    })
}
