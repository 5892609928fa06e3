//! Keys that are not ours: typing errors, other tools' keys, older spellings.

use bench_contract::config_schema;
use bench_yaml::{Diagnostic, suggest};
use serde_json::Value;

use super::Place;

/// inference-perf's keys that have no meaning here. A file that has them runs, and is told so.
const WITHOUT_EFFECT: [&str; 12] = [
    "api.session_id_header_key",
    "api.session_token_header_key",
    "data.conversation_replay",
    "data.multimodal",
    "data.otel_trace_replay",
    "data.use_chat_template",
    "data.visionarena",
    "data.weka_trace_replay",
    "load.request_retries",
    "load.request_retry_backoff_sec",
    "load.stage_teardown_grace_seconds",
    "report.request_lifecycle.metrics_only",
];

/// What to say of the unknown key `path` (dotted, places in lists as numbers).
pub(super) fn unknown_key(path: &str, place: &Place<'_>, strict: bool) -> Diagnostic {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    if WITHOUT_EFFECT.contains(&path) {
        let diagnostic = Diagnostic::warning(
            "C005",
            format!("`{path}` is inference-perf's and has no effect in loadgen"),
        );
        return place.key_at(diagnostic, &pointer(path), path);
    }
    let message = if section.is_empty() {
        format!("unknown key `{key}`")
    } else {
        format!("unknown key `{key}` in `{section}`")
    };
    let diagnostic = if strict {
        Diagnostic::error("C002", message)
    } else {
        Diagnostic::warning("C002", message + ", which is ignored")
    };
    let diagnostic = place.key_at(diagnostic, &pointer(path), path);
    let siblings = siblings(section);
    if let Some(near) = suggest(key, siblings.iter().map(String::as_str)) {
        return diagnostic.label(format!("did you mean `{near}`?"));
    }
    match path {
        "load_generator" | "model" => diagnostic.help(
            "no version of inference-perf reads this; the rate goes to `load.stages`, the model to `server.model_name`",
        ),
        _ if siblings.is_empty() => diagnostic,
        _ => diagnostic.note(format!("keys here: {}", siblings.join(", "))),
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The keys that the schema knows in `section` (dotted).
fn siblings(section: &str) -> Vec<String> {
    let schema = config_schema();
    let mut at = &schema;
    for part in section.split('.').filter(|part| !part.is_empty()) {
        at = resolve(&schema, at);
        at = if part.parse::<usize>().is_ok() {
            &at["items"]
        } else {
            &at["properties"][part]
        };
    }
    let properties = resolve(&schema, at)["properties"].as_object();
    properties
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

/// Follows a reference, and the one that is not null of an optional one.
fn resolve<'a>(schema: &'a Value, at: &'a Value) -> &'a Value {
    let at = at["anyOf"]
        .as_array()
        .and_then(|any| any.iter().find(|one| one.get("$ref").is_some()))
        .unwrap_or(at);
    match at["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'))
    {
        Some(pointer) => schema.pointer(pointer).unwrap_or(at),
        None => at,
    }
}

/// Warns about spellings that are read and are not the key's name.
pub(super) fn warn_about_aliases(value: &Value, place: &Place<'_>, problems: &mut Vec<Diagnostic>) {
    for section in ["data.input_distribution", "data.output_distribution"] {
        let path = format!("{section}.std");
        if value.pointer(&pointer(&path)).is_some() {
            let diagnostic = Diagnostic::warning(
                "C006",
                "`std` is read as `std_dev`, which inference-perf itself would ignore",
            );
            problems.push(
                place
                    .key_at(diagnostic, &pointer(&path), &path)
                    .help("write `std_dev`"),
            );
        }
    }
}
