//! Things of any kind in any place of a values file.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::texts::{anything, text};
use super::values::Any;

/// The files, each with something else at one to three places: of the file's own, of the defaults, or new.
pub(super) fn spoilt(files: Any, defaults: Vec<String>) -> Any {
    let change = (
        any::<Index>(),
        any::<bool>(),
        anything(),
        prop::option::of(text()),
    );
    (files, prop::collection::vec(change, 1..4))
        .prop_map(move |(mut values, changes)| {
            for (place, is_own, value, key) in changes {
                let mut own = Vec::new();
                collect(&values, String::new(), &mut own);
                let mut pointer = place.get(if is_own { &own } else { &defaults }).clone();
                if let Some(key) = key.filter(|key| key.len() == 3) {
                    bench_yaml::pointer_push(&mut pointer, &key);
                }
                put(&mut values, &pointer, value);
            }
            values
        })
        .boxed()
}

/// Sets the value at a pointer, and makes the sections on the way.
fn put(values: &mut Value, pointer: &str, value: Value) {
    let mut node = values;
    for key in bench_yaml::pointer_tokens(pointer) {
        node = match key.parse::<usize>() {
            Ok(index) if node.as_array().is_some_and(|items| index < items.len()) => {
                &mut node[index]
            }
            _ => {
                if !node.is_object() {
                    *node = json!({});
                }
                &mut node[&*key]
            }
        };
    }
    *node = value;
}

/// The pointers of everything in a tree of values, the tree itself aside.
pub(super) fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let mut inner = pointer.clone();
        bench_yaml::pointer_push(&mut inner, key);
        collect(value, inner, pointers);
    };
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                below(&index.to_string(), value);
            }
        }
        _ => {}
    }
    if !pointer.is_empty() {
        pointers.push(pointer);
    }
}
