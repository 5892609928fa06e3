//! What messages say: what is wrong in the user's words, and what helps.

use std::fs;

use bench_yaml::{Diagnostic, dotted};
use benchctl::chart::Chart;
use benchctl::pipeline::{Checked, Skip, Wanted};
use benchctl::values::{Sources, load};
use serde_json::{Value, json};

use crate::process::files;

/// Words of the libraries that read for us.
const RAW: [&str; 12] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "missing field",
    "unknown field",
    "unknown variant",
    "did not match any variant",
    "expected u64",
    "expected u32",
    "expected i64",
    "expected i32",
    "at line ",
];

fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                pointers(value, &format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(pointer.to_owned());
}

/// Values with everything in them that a list or a mapping can hold.
fn everything() -> Sources {
    let list = |json: &str| json.to_owned();
    Sources {
        set_json: vec![
            list(
                r#"benchmark.slo=[{"metric": "ttft", "percentile": 99, "max": 1}, {"metric": "goodput", "min": 0.5}]"#,
            ),
            list(r#"benchmark.goodput={"ttft": 1}"#),
            list(
                r#"benchmark.tolerations=[{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]"#,
            ),
            list(
                r#"benchmark.env=[{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {"secretKeyRef": {"name": "d", "key": "e"}}}]"#,
            ),
            list(r#"benchmark.envFrom=[{"secretRef": {"name": "a"}}]"#),
            list(r#"benchmark.volumes=[{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}]"#),
            list(
                r#"benchmark.volumeMounts=[{"name": "data", "mountPath": "/data", "readOnly": true}]"#,
            ),
            list(r#"benchmark.securityContext.pod={"fsGroup": 5, "supplementalGroups": [6]}"#),
            list(r#"benchmark.nodeSelector={"a": "b"}"#),
            list(r#"benchmark.scenarios.baseline.load.warmup={"duration": 5}"#),
            list(r#"benchmark.scenarios.sweep.load.numWorkers=4"#),
        ],
        ..Sources::default()
    }
}

fn check(chart: &Chart, sources: &Sources) -> Result<Value, Vec<Diagnostic>> {
    let checked = Checked::new(chart, load(sources), Skip::default());
    let whole = checked.whole(chart, Wanted::default());
    whole
        .map(|whole| whole.merged.json)
        .map_err(|refused| refused.problems)
}

/// Values that are none of what is there.
fn other_values(value: &Value) -> Vec<Value> {
    let others = match value {
        Value::Number(_) => json!([null, -1, 1.5, u64::MAX, 1e17, 1e30, "a b"]),
        Value::Null | Value::Bool(_) | Value::String(_) => json!([null, 5, "", "a b", [5]]),
        Value::Array(_) | Value::Object(_) => json!([null, 5, [5], {"x": 5}]),
    };
    others.as_array().cloned().unwrap_or_default()
}

/// How many errors there are about other values at these places, each of which is looked at.
fn refusals(chart: &Chart, all: &Value, places: &[&String]) -> usize {
    let mut refused = 0;
    for place in places {
        for value in other_values(all.pointer(place).unwrap()) {
            let mut sources = everything();
            let mistake = format!("{}={value}", dotted(place));
            sources.set_json.push(mistake.clone());
            let Err(problems) = check(chart, &sources) else {
                continue;
            };
            for problem in problems.iter().filter(|problem| problem.is_error()) {
                refused += 1;
                let said = format!("{mistake}: {problem:?}");
                let is_raw = RAW.iter().any(|raw| problem.message.contains(raw));
                assert!(
                    !is_raw && !problem.message.contains("cannot be used here"),
                    "{said}"
                );
                let helps = !problem.help.is_empty() || !problem.label.is_empty();
                assert!(helps, "no remedy: {said}");
            }
        }
    }
    refused
}

#[test]
fn errors_are_in_the_words_of_values_and_say_what_helps() {
    let chart = Chart::built_in().unwrap();
    let all = check(&chart, &everything()).unwrap();
    let mut places = Vec::new();
    pointers(&all, "", &mut places);
    // The other presets have the same keys.
    let is_new = |place: &&String| {
        !["saturation", "production", "dataset", "sweep/data"]
            .iter()
            .any(|preset| place.contains(&format!("/scenarios/{preset}")))
    };
    let places: Vec<&String> = places
        .iter()
        .filter(|place| !place.is_empty())
        .filter(is_new)
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let refused: usize = std::thread::scope(|scope| {
        let work: Vec<_> = places
            .chunks(places.len().div_ceil(cores))
            .map(|places| scope.spawn(|| refusals(&chart, &all, places)))
            .collect();
        work.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(refused > 500, "{refused}");
}

#[test]
fn every_case_says_what_helps() {
    let mut count = 0;
    for case in files("tests/cases") {
        let text = fs::read_to_string(case.join("expected.err")).unwrap_or_default();
        let text = text.split_once('\n').map_or("", |(code, rest)| {
            if code.starts_with("exit code") {
                rest
            } else {
                ""
            }
        });
        for message in text.split("\n\n").filter(|part| part.starts_with("error")) {
            let is_summary = message.trim_end().lines().count() == 1;
            let by_clap = text.contains("try '--help'");
            if is_summary || by_clap {
                continue;
            }
            count += 1;
            // A label stands behind the carets.
            let has_label = message.lines().any(|line| {
                line.split_once('^')
                    .is_some_and(|(_, rest)| rest.trim_start_matches('^').len() > 1)
            });
            assert!(
                has_label || message.contains("= help: "),
                "{}: no remedy in\n{message}",
                case.display()
            );
        }
    }
    assert!(count > 100, "{count}");
}
