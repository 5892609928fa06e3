//! Keys of a config or a report that no reader of ours knows. The readers ignore them, and so does a JSON Schema.

use bench_yaml::{pointer_push, pointer_tokens, suggest};
use serde::de::DeserializeOwned;
use serde_ignored::Path;
use serde_json::Value;

use crate::problem::{Anchor, Problem};

/// A warning for each key that a `T` has no place for, with the key that may have been meant.
#[must_use]
pub fn unknown_keys<T: DeserializeOwned>(schema: &Value, value: &Value) -> Vec<Problem> {
    let mut unknown = Vec::new();
    // Why a value cannot be read is for its schema to say.
    let _: Result<T, _> = serde_ignored::deserialize(value, |path| unknown.push(pointer(&path)));
    unknown
        .into_iter()
        .map(|pointer| warning(schema, pointer))
        .collect()
}

fn pointer(path: &Path<'_>) -> String {
    let (parent, step) = match path {
        Path::Root => return String::new(),
        Path::Seq { parent, index } => (parent, index.to_string()),
        Path::Map { parent, key } => (parent, key.clone()),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => return pointer(parent),
    };
    let mut pointer = pointer(parent);
    pointer_push(&mut pointer, &step);
    pointer
}

fn warning(schema: &Value, pointer: String) -> Problem {
    let mut steps: Vec<String> = pointer_tokens(&pointer).collect();
    let key = steps.pop().unwrap_or_default();
    let known = keys(schema, &steps);
    let message = format!("unknown key `{key}`, which is ignored");
    let problem = Problem::error("B101", Anchor::Key(pointer), message).warning();
    match suggest(&key, known.iter().map(String::as_str)) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem,
        None => problem.note(format!("known here: {}", known.join(", "))),
    }
}

/// The keys that a schema names at a place.
fn keys(schema: &Value, steps: &[String]) -> Vec<String> {
    let mut at = schema;
    for step in steps {
        let object = resolved(schema, at);
        at = match step.parse::<usize>() {
            Ok(_) => &object["items"],
            Err(_) => &object["properties"][step.as_str()],
        };
    }
    let properties = resolved(schema, at)["properties"].as_object();
    properties.map_or_else(Vec::new, |properties| properties.keys().cloned().collect())
}

/// Follows a reference, and the one branch that is not null of what may be left out.
fn resolved<'a>(schema: &'a Value, at: &'a Value) -> &'a Value {
    let branches = at["anyOf"].as_array();
    let at = branches
        .and_then(|branches| branches.iter().find(|branch| branch["$ref"].is_string()))
        .unwrap_or(at);
    at["$ref"]
        .as_str()
        .and_then(|reference| schema.pointer(reference.strip_prefix('#')?))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use bench_contract::{Config, Report, config_schema, report_schema};
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_nobody_reads() {
        let config = json!({
            "kind": "List",
            "load": {"stages": [{"rate": 1, "duratoin": 5}], "warmup": {"duration": 1, "x": 2}},
            "data": {"input_distribution": {"std": 5}}
        });
        let found = unknown_keys::<Config>(&config_schema(), &config);
        let said: Vec<(&Anchor, &str)> = found
            .iter()
            .map(|problem| (&problem.anchor, problem.label.as_str()))
            .collect();
        let key = |pointer: &str| Anchor::Key(pointer.to_owned());
        // `std` is an older spelling, and read.
        assert_eq!(
            said,
            [
                (&key("/kind"), ""),
                (&key("/load/stages/0/duratoin"), "did you mean `duration`?"),
                (&key("/load/warmup/x"), ""),
            ]
        );
        assert!(found.iter().all(|problem| !problem.is_error()));
    }

    #[test]
    fn a_report_is_read_the_same_way() {
        let found = unknown_keys::<Report>(&report_schema(), &json!({"schema_versoin": 1}));
        assert_eq!(found[0].label, "did you mean `schema_version`?");
    }
}
