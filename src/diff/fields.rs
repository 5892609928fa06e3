//! What changed, field by field.

use bench_yaml::dotted;
use serde_json::Value;

/// A field with another value; none is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The field: `spec.template.spec.containers[0].image`.
    pub path: String,
    /// What it was.
    pub old: Option<Value>,
    /// What it is.
    pub new: Option<Value>,
}

/// The deepest fields that differ.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    walk(Some(old), Some(new), "", &mut found);
    found
}

fn walk(old: Option<&Value>, new: Option<&Value>, pointer: &str, found: &mut Vec<FieldChange>) {
    let below = |step: &str| {
        let mut pointer = pointer.to_owned();
        bench_yaml::pointer_push(&mut pointer, step);
        pointer
    };
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, value) in old {
                walk(Some(value), new.get(key), &below(key), found);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                walk(None, Some(value), &below(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                let pointer = below(&index.to_string());
                walk(old.get(index), new.get(index), &pointer, found);
            }
        }
        (old, new) if old == new => {}
        (old, new) => found.push(FieldChange {
            path: dotted(pointer),
            old: old.map(masked),
            new: new.map(masked),
        }),
    }
}

/// A value without what looks like a secret.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => bench_yaml::mask(text).into(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), masked(value)))
            .collect(),
        other => other.clone(),
    }
}
