//! Objects as text that compares well: keys sorted, one value a line, texts of several lines as blocks, no secrets.

use bench_yaml::mask;
use serde_json::{Map, Value};

/// Both sides without the contents of Secrets. That a value changed is to be seen, what it is not.
pub(super) fn redacted(old: Option<&Value>, new: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let (mut old_shown, mut new_shown) = (old.cloned(), new.cloned());
    let is_secret = |object: Option<&Value>| object.is_some_and(|o| o["kind"] == "Secret");
    if is_secret(old) || is_secret(new) {
        for section in ["data", "stringData"] {
            let of = |object: Option<&Value>, key: &str| {
                object.and_then(|object| object.get(section)?.get(key).cloned())
            };
            hide(&mut old_shown, section, |_| "");
            hide(&mut new_shown, section, |key| {
                let (old, new) = (of(old, key), of(new, key));
                if old.is_some() && old != new {
                    ", changed"
                } else {
                    ""
                }
            });
        }
    }
    (old_shown, new_shown)
}

fn hide(object: &mut Option<Value>, section: &str, remark: impl Fn(&str) -> &'static str) {
    let entries = object
        .as_mut()
        .and_then(|object| object.get_mut(section)?.as_object_mut());
    for (key, value) in entries.into_iter().flatten() {
        let length = value.as_str().map_or(0, str::len);
        *value = format!("REDACTED ({length} bytes{})", remark(key)).into();
    }
}

/// An object as lines of YAML.
pub(super) fn lines(object: &Value) -> String {
    let mut text = String::new();
    write(object, 0, &mut text);
    // What a Secret holds is gone already, and which value changed is to be seen.
    if object["kind"] == "Secret" {
        text
    } else {
        mask(&text).into_owned()
    }
}

fn write(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in sorted(fields) {
                margin(indent, text);
                text.push_str(&scalar(&Value::from(key)));
                text.push(':');
                below(value, indent, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                margin(indent, text);
                text.push('-');
                // The first field of a mapping stands beside the dash.
                if matches!(item, Value::Object(fields) if !fields.is_empty()) {
                    let mut inner = String::new();
                    write(item, indent + 2, &mut inner);
                    text.push(' ');
                    text.push_str(inner.get(indent + 2..).unwrap_or_default());
                } else {
                    below(item, indent, text);
                }
            }
        }
        other => {
            margin(indent, text);
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

/// What stands behind a key or a dash.
fn below(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            write(value, indent + 2, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            write(value, indent + 2, text);
        }
        Value::String(lines) if lines.trim_end().contains('\n') => {
            text.push_str(if lines.ends_with('\n') {
                " |\n"
            } else {
                " |-\n"
            });
            for line in lines.lines() {
                if !line.is_empty() {
                    margin(indent + 2, text);
                }
                text.push_str(line);
                text.push('\n');
            }
        }
        other => {
            text.push(' ');
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

fn margin(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(value: &Value) -> String {
    match crate::render::to_yaml(value) {
        Ok(text) if !text.trim_end().contains('\n') => text.trim_end().to_owned(),
        Ok(_) | Err(_) => value.to_string(),
    }
}

fn sorted(fields: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut fields: Vec<(&str, &Value)> = fields
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    // What an object is comes first, as everybody writes it.
    let rank = |key: &str| {
        ["apiVersion", "kind", "metadata"]
            .iter()
            .position(|k| *k == key)
    };
    fields.sort_by_key(|(key, _)| (rank(key).unwrap_or(usize::MAX), *key));
    fields
}
