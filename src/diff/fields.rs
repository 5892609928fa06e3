//! What changed, field by field.

use bench_yaml::{dotted, mask};
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

/// An object, and the same without its secrets.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    /// What it is.
    pub(super) whole: &'a Value,
    /// What may be shown of it; every field stands where it stood.
    pub(super) shown: &'a Value,
}

/// The deepest fields that differ.
pub(super) fn changes(old: Side<'_>, new: Side<'_>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    walk(Some(old.whole), Some(new.whole), "", &mut |pointer| {
        let of = |side: Side<'_>| side.shown.pointer(pointer).cloned();
        found.push(FieldChange {
            path: mask(&dotted(pointer)).into_owned(),
            old: of(old),
            new: of(new),
        });
    });
    found
}

fn walk(old: Option<&Value>, new: Option<&Value>, pointer: &str, found: &mut impl FnMut(&str)) {
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
        _ => found(pointer),
    }
}
