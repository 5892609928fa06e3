//! The config inside the printed ConfigMap, read again as loadgen reads it.

use bench_contract::Config;
use bench_yaml::{ParseOptions, Source, parse};
use serde_json::Value;

use crate::problem::{Anchor, Problem, REPORT};

/// Whether the `config.yml` of a parsed ConfigMap is the config that was meant.
#[must_use]
pub fn check_config(config_map: &Value, meant: &Config) -> Option<Problem> {
    let text = config_map
        .pointer("/data/config.yml")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let parsed = parse(&Source::new("config.yml", text), &ParseOptions::default());
    if let Some(problem) = parsed.problems.first() {
        return Some(differs(&problem.message));
    }
    let Some(document) = parsed.documents.first() else {
        return Some(differs("it is empty"));
    };
    match serde_json::from_value::<Config>(document.to_json()) {
        Ok(read) if read == *meant => None,
        Ok(_) => Some(differs("it reads back as another config")),
        Err(error) => Some(differs(&error.to_string())),
    }
}

fn differs(reason: &str) -> Problem {
    Problem::error(
        "B902",
        Anchor::Nowhere,
        format!("the written config.yml is not what was meant: {reason}"),
    )
    .help(REPORT)
}
