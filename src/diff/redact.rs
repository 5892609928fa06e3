//! Objects without secrets. That one changed is to be seen, what it is not.

use bench_yaml::{is_secret_name, mask};
use serde_json::{Map, Value};

use super::counterpart;
use crate::scenario::is_secret_variable;

/// Both sides of an object: every field stands where it stood, and what is secret is hidden.
pub(super) fn redacted(old: Option<&Value>, new: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let hide = |value: Option<&Value>, before| value.map(|value| hidden(value, before, false));
    (hide(old, None), hide(new, old))
}

/// `before` is what the value was, where it was; with `is_secret` nothing of it is shown.
fn hidden(value: &Value, before: Option<&Value>, is_secret: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, item)| {
                let before = before.and_then(|before| before.get(key));
                let is_secret = is_secret || is_secret_field(fields, key, item);
                (
                    key.clone(),
                    hidden_below(key, item, before, is_secret, fields),
                )
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| hidden(item, counterpart(index, item, before), is_secret))
            .collect(),
        Value::Null => Value::Null,
        leaf if is_secret => {
            let length = leaf
                .as_str()
                .map_or_else(|| leaf.to_string().len(), str::len);
            let is_changed = before.is_some_and(|before| before != leaf);
            let remark = if is_changed { ", changed" } else { "" };
            format!("REDACTED ({length} bytes{remark})").into()
        }
        Value::String(text) => mask(text).into(),
        other => other.clone(),
    }
}

/// The annotations of a Secret are looked at one by one: other tools keep the whole Secret in one of them.
fn hidden_below(
    key: &str,
    item: &Value,
    before: Option<&Value>,
    is_secret: bool,
    fields: &Map<String, Value>,
) -> Value {
    let mut shown = hidden(item, before, is_secret);
    if key == "metadata" && is_kind_secret(fields) {
        let copies = shown
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.as_str().is_some_and(|text| text.starts_with('{')));
        for (name, copy) in copies {
            let before = before.and_then(|before| before.get("annotations")?.get(name));
            let whole = item.get("annotations").and_then(|all| all.get(name));
            *copy = hidden(whole.unwrap_or(&Value::Null), before, true);
        }
    }
    shown
}

/// Whether nothing of a field may be shown: what a Secret holds, and the values of names like `OPENAI_API_KEY`.
fn is_secret_field(fields: &Map<String, Value>, key: &str, item: &Value) -> bool {
    if matches!(key, "data" | "stringData") && is_kind_secret(fields) {
        return true;
    }
    match (fields.get("name").and_then(Value::as_str), item) {
        (Some(name), Value::String(text)) if key == "value" => is_secret_variable(name, text),
        (Some(name), Value::Number(_)) if key == "value" => is_secret_name(name),
        // `example.com/api.token`: the last part says what it is.
        (_, Value::String(text)) => {
            let last = key.rsplit(['.', '/']).next().unwrap_or(key);
            is_secret_variable(last, text)
        }
        _ => false,
    }
}

fn is_kind_secret(fields: &Map<String, Value>) -> bool {
    fields.get("kind").is_some_and(|kind| kind == "Secret")
}
