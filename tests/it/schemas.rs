//! The schemas in `schemas/` are what `benchctl schema` prints. `UPDATE_SCHEMAS=1 cargo test` writes them anew; the next
//! build takes the new values schema in.

use std::fs;

use benchctl::problem::Anchor;
use benchctl::validate::check_values;
use serde_json::{Value, json};

use crate::process::{documents, files, root, stdout};

#[test]
fn schemas_are_fresh() {
    for of in ["values", "config", "report"] {
        let printed = stdout(&["schema", of]);
        let path = root().join(format!("schemas/{of}.schema.json"));
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(&path, &printed).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == printed,
            "schemas/{of}.schema.json is stale: `UPDATE_SCHEMAS=1 cargo test -p benchctl schemas`"
        );
    }
}

fn schema() -> Value {
    serde_json::from_str(&stdout(&["schema"])).unwrap()
}

#[test]
fn every_key_is_described_and_has_a_default() {
    fn walk(schema: &Value, place: &str, defaults_expected: bool) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{key}");
            assert!(
                property["description"].is_string(),
                "{place} has no description"
            );
            if defaults_expected && property.get("properties").is_none() {
                assert!(property.get("default").is_some(), "{place} has no default");
            }
            walk(property, &place, defaults_expected);
            for inner in ["items", "additionalProperties"] {
                walk(&property[inner], &place, false);
            }
        }
    }
    walk(&schema(), "", true);
}

#[test]
fn patterns_are_durations() {
    fn patterns<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
        match schema {
            Value::Object(entries) => {
                found.extend(entries.get("pattern").and_then(Value::as_str));
                entries.values().for_each(|value| patterns(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| patterns(value, found)),
            _ => {}
        }
    }
    let schema = schema();
    let mut found = Vec::new();
    patterns(&schema, &mut found);
    assert!(
        !found.is_empty() && found.iter().all(|pattern| pattern.contains("ms|s|m|min|h")),
        "{found:?}"
    );
}

#[test]
fn defaults_presets_and_examples_fit() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let mut paths = files("examples");
    paths.retain(|path| path.is_file());
    paths.extend(files("scenarios"));
    paths.push(root().join("chart-templates/values.yaml"));
    for path in paths {
        for values in documents(&fs::read_to_string(&path).unwrap()) {
            let problems: Vec<String> = validator
                .iter_errors(&values)
                .map(|error| error.to_string())
                .collect();
            assert_eq!(problems, [""; 0], "{}", path.display());
        }
    }
}

/// Our own walker and a general validator agree on what is valid.
#[test]
fn the_walker_agrees_with_a_validator() {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let effective: Value = serde_json::from_str(&stdout(&["values", "-o", "json"])).unwrap();
    let mut checked = 0;
    for pointer in leaves(&effective, String::new()) {
        for value in [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(3_000_000_000_u64),
            json!(""),
            json!("x"),
            json!("5s"),
            json!("-5s"),
            json!("auto"),
            json!("loadgen"),
            json!([]),
            json!(["x"]),
            json!([1]),
            json!({}),
            json!({"x": 1}),
            json!({"name": "x"}),
            json!([{"name": "x"}]),
            json!({"x": "y"}),
        ] {
            let mut changed = effective.clone();
            *changed.pointer_mut(&pointer).unwrap() = value.clone();
            let ours = is_valid(&schema, &changed);
            assert_eq!(ours, validator.is_valid(&changed), "{pointer} = {value}");
            checked += 1;
        }
        let mut more = effective.clone();
        let (parent, _) = pointer.rsplit_once('/').unwrap();
        if let Some(parent) = more.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.insert("surprise".to_owned(), json!(1));
        }
        assert_eq!(
            is_valid(&schema, &more),
            validator.is_valid(&more),
            "{pointer}"
        );
    }
    assert!(checked > 1000, "{checked}");
}

/// Whether the walker finds nothing but deleted defaults, of which a general validator knows nothing.
fn is_valid(schema: &Value, values: &Value) -> bool {
    check_values(schema, values, &|_| None)
        .iter()
        .all(|problem| match &problem.anchor {
            Anchor::Key(pointer) => problem.code == "B104" && values.pointer(pointer).is_none(),
            _ => false,
        })
}

fn leaves(value: &Value, pointer: String) -> Vec<String> {
    let inner: Vec<String> = match value {
        Value::Object(entries) => entries
            .iter()
            .flat_map(|(key, value)| leaves(value, format!("{pointer}/{key}")))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| leaves(value, format!("{pointer}/{index}")))
            .collect(),
        _ => Vec::new(),
    };
    let own = Some(pointer).filter(|pointer| pointer.matches('/').count() > 1);
    own.into_iter().chain(inner).collect()
}
