//! Values that look like secrets. Values files end up in Git, and what they hold in ConfigMaps.

use bench_yaml::{is_secret_name, secret_kind};
use serde_json::Value;

use super::complete::join;
use crate::problem::Problem;

/// The code of a value that looks like a secret; no message shows it.
pub(crate) const CODE: &str = "B130";
const ENV: &str = "/benchmark/env/";

/// Every text in the merged values that looks like a secret. The text itself is in no message.
pub(crate) fn secrets(values: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(values, "", &mut found);
    found
}

fn walk(value: &Value, pointer: &str, found: &mut Vec<Problem>) {
    match value {
        Value::String(text) => found.extend(secret(text, pointer)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &join(pointer, &index.to_string()), found);
            }
        }
        Value::Object(entries) => {
            let name = entries.get("name").and_then(Value::as_str);
            for (key, item) in entries {
                let inner = join(pointer, key);
                match (name, item) {
                    (Some(name), Value::String(text))
                        if key == "value" && pointer.starts_with(ENV) =>
                    {
                        found.extend(variable(name, text, &inner));
                    }
                    _ => walk(item, &inner, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a variable's literal value is a secret by the variable's name. `$(OTHER)` refers to another variable.
pub(crate) fn is_secret_variable(name: &str, text: &str) -> bool {
    !text.is_empty() && !text.starts_with("$(") && is_secret_name(name)
}

/// A variable's literal value, which the Job would show to whoever may read Jobs.
fn variable(name: &str, text: &str, pointer: &str) -> Option<Problem> {
    if !is_secret_variable(name, text) {
        return secret(text, pointer);
    }
    let what = secret_kind(text).unwrap_or("a secret");
    Some(problem(what, name == "HF_TOKEN", pointer))
}

fn secret(text: &str, pointer: &str) -> Option<Problem> {
    let header = pointer.strip_prefix("/benchmark/target/headers/");
    let what = match header {
        Some(name) if !text.is_empty() && is_secret_header(name) => "a key of the server",
        _ => secret_kind(text)?,
    };
    Some(problem(what, what == "a Hugging Face token", pointer))
}

fn is_secret_header(name: &str) -> bool {
    is_secret_name(name) || name.eq_ignore_ascii_case("api-key")
}

fn problem(what: &str, is_hugging_face: bool, pointer: &str) -> Problem {
    let help = if is_hugging_face {
        "kubectl create secret generic hf-token --from-literal=token=…; then benchmark.target.hfTokenSecret: {name: hf-token, key: token}"
    } else if pointer.starts_with(ENV) {
        "put it into a Secret, and refer to it by valueFrom: {secretKeyRef: {name: …, key: …}}"
    } else {
        "kubectl create secret generic llm-key --from-literal=key=…; then benchmark.target.apiKeySecret: {name: llm-key, key: key}"
    };
    Problem::value(
        CODE,
        pointer,
        format!("this looks like {what}; values files end up in Git and ConfigMaps"),
    )
    .label("value hidden")
    .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_and_names_are_not() {
        for (text, expected) in [
            ("hf_AbCdEfGhIjKlMnOpQr1234", true),
            ("Bearer sk-proj-AbCdEfGhIjKl123456", true),
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("Qwen/Qwen3-8B", false),
            ("sk-learn-based-load-test-runner", false),
            ("hf_models", false),
            ("http://qwen3-vllm.default:8000", false),
        ] {
            assert_eq!(secret(text, "/x").is_some(), expected, "{text}");
        }
    }

    #[test]
    fn variables_and_headers_named_like_secrets_hold_none() {
        for (name, value, expected) in [
            ("OPENAI_API_KEY", "plain", 1),
            ("AWS_SECRET_ACCESS_KEY", "plain", 1),
            ("HF_TOKEN", "plain", 1),
            ("HF_TOKEN", "$(OTHER)", 0),
            ("RUST_LOG", "debug", 0),
        ] {
            let values =
                serde_json::json!({"benchmark": {"env": [{"name": name, "value": value}]}});
            assert_eq!(secrets(&values).len(), expected, "{name}={value}");
        }
        let values = serde_json::json!({"benchmark": {"target": {"headers": {"X-Auth-Token": "plain", "X-Tenant": "a"}}}});
        assert_eq!(secrets(&values).len(), 1);
    }

    #[test]
    fn no_message_holds_the_secret() {
        let values = serde_json::json!({
            "benchmark": {"target": {"headers": {"Authorization": "whatever"}}, "env": [{"name": "T", "value": "hf_AbCdEfGhIjKlMnOpQr1234"}]}
        });
        let found = secrets(&values);
        assert_eq!(found.len(), 2);
        assert!(!format!("{found:?}").contains("AbCd"));
        assert!(!format!("{found:?}").contains("whatever"));
    }
}
