//! Objects as text that compares well: keys sorted, one value a line, texts of several lines as blocks.

use bench_yaml::mask;
use serde_json::{Map, Value};

/// An object as lines of YAML. Its values are shown as they are; a key that looks like a secret is not.
pub(super) fn lines(object: &Value) -> String {
    let mut text = String::new();
    write(object, 0, &mut text);
    text
}

fn write(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in sorted(fields) {
                margin(indent, text);
                text.push_str(&scalar(&Value::from(&*mask(key))));
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
        Value::String(lines) if lines.trim_end().contains('\n') && is_plain(lines) => {
            text.push_str(if lines.ends_with('\n') {
                " |\n"
            } else {
                " |-\n"
            });
            for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
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
        Ok(text) if !text.trim_end().contains('\n') && is_plain(&text) => {
            text.trim_end().to_owned()
        }
        Ok(_) | Err(_) => escaped(&value.to_string()),
    }
}

/// Whether everything in a text is seen when it is printed: a carriage return is not, and it ends no line here.
fn is_plain(text: &str) -> bool {
    !text.chars().any(is_unseen)
}

fn is_unseen(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    // Line ends of Unicode, what turns the order of characters around, and spaces without width.
    let is_invisible = matches!(
        character,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    is_invisible || (character.is_control() && !is_layout)
}

/// A text in quotes, its characters as JSON writes them, with what JSON leaves as it is and nobody sees.
fn escaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    for character in quoted.chars() {
        if is_unseen(character) {
            text.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            text.push(character);
        }
    }
    text
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
