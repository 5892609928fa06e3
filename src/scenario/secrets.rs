//! Values that look like secrets. Values files end up in Git, and what they hold in ConfigMaps.

use serde_json::Value;

use super::complete::join;
use crate::problem::Problem;

const CODE: &str = "B130";

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
            for (key, item) in entries {
                walk(item, &join(pointer, key), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn secret(text: &str, pointer: &str) -> Option<Problem> {
    let header = pointer
        .strip_prefix("/benchmark/target/headers/")
        .map(str::to_ascii_lowercase);
    let what = match header.as_deref() {
        Some("authorization" | "x-api-key" | "api-key" | "proxy-authorization") => {
            "a key of the server"
        }
        _ => kind(text)?,
    };
    let help = if what == "a Hugging Face token" {
        "kubectl create secret generic hf-token --from-literal=token=…; then benchmark.target.hfTokenSecret: {name: hf-token, key: token}"
    } else if pointer.starts_with("/benchmark/env/") {
        "put it into a Secret, and refer to it by valueFrom: {secretKeyRef: {name: …, key: …}}"
    } else {
        "kubectl create secret generic llm-key --from-literal=key=…; then benchmark.target.apiKeySecret: {name: llm-key, key: key}"
    };
    Some(
        Problem::value(
            CODE,
            pointer,
            format!("this looks like {what}; values files end up in Git and ConfigMaps"),
        )
        .label("value hidden")
        .help(help),
    )
}

/// What a text looks like, by the prefixes that issuers put there to be found.
fn kind(text: &str) -> Option<&'static str> {
    let is_token = |prefix: &str, least: usize| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .any(|word| {
                word.strip_prefix(prefix)
                    .is_some_and(|rest| rest.len() >= least)
                    && word
                        .bytes()
                        .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            })
    };
    if is_token("hf_", 16) {
        Some("a Hugging Face token")
    } else if is_token("sk-", 16) {
        Some("an API key")
    } else if is_token("AKIA", 16) || is_token("ASIA", 16) {
        Some("an AWS access key")
    } else if is_token("ghp_", 20) || is_token("github_pat_", 20) {
        Some("a GitHub token")
    } else {
        None
    }
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
            assert_eq!(kind(text).is_some(), expected, "{text}");
        }
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
