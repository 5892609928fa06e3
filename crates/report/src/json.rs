//! JSON for people and programs alike.

use serde_json::Value;

/// `value` as indented JSON, where a list of numbers takes one line: a report has thousands of them.
#[must_use]
pub fn json(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if items.iter().any(is_nested) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                line(text, place, depth + 1);
                write(text, item, depth + 1);
            }
            end(text, depth);
            text.push(']');
        }
        Value::Object(entries) if !entries.is_empty() => {
            text.push('{');
            for (place, (key, item)) in entries.iter().enumerate() {
                line(text, place, depth + 1);
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push_str(": ");
                write(text, item, depth + 1);
            }
            end(text, depth);
            text.push('}');
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => text.push_str(&value.to_string()),
    }
}

fn is_nested(item: &Value) -> bool {
    !matches!(item, Value::Number(_) | Value::Null)
}

fn line(text: &mut String, place: usize, depth: usize) {
    if place > 0 {
        text.push(',');
    }
    end(text, depth);
}

fn end(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_share_a_line_and_all_else_has_its_own() {
        let value = json!({"a": [1, null, 2.5], "b": [{"c": "\"x\""}, "y"], "d": {}, "e": []});
        let text = json(&value);
        assert_eq!(
            text,
            r#"{
  "a": [1,null,2.5],
  "b": [
    {
      "c": "\"x\""
    },
    "y"
  ],
  "d": {},
  "e": []
}
"#
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
