//! Values that came from `--set` and its kin: what Helm makes of them, and remedies that a shell can take.

use bench_yaml::dotted;
use serde_json::{Number, Value};

use crate::problem::{Anchor, Problem};
use crate::values::Effective;

const SET: &str = "--set argument";

/// The texts given by `--set` that are refused and hold a number. Helm's grammar makes texts of `0.5` and `1e3`, and a
/// template that prints them makes numbers of them again.
pub(crate) fn numbers(problems: &[Problem], json: &Value, effective: &Effective) -> Vec<String> {
    problems
        .iter()
        .filter(|problem| problem.code == "B103")
        .filter_map(|problem| match &problem.anchor {
            Anchor::Value(pointer) => Some(pointer),
            _ => None,
        })
        .filter(|pointer| text_of_number(json, pointer).is_some())
        .filter(|pointer| layer(effective, pointer).is_some_and(|layer| layer.starts_with(SET)))
        .cloned()
        .collect()
}

/// A problem with remedies for an argument, where one is behind it: there are no lines to remove and no quotes to set.
pub(crate) fn with_remedy(problem: &Problem, effective: &Effective) -> Problem {
    let mut problem = problem.clone();
    let Some(pointer) = problem.pointer() else {
        return problem;
    };
    let Some(layer) = layer(effective, pointer).filter(|layer| layer.starts_with("--set")) else {
        return problem;
    };
    let path = dotted(pointer);
    let help = match problem.code {
        "B106" if layer.starts_with(SET) => effective
            .locate(pointer)
            .map(|location| location.source.slice(location.value_span).trim().to_owned())
            .map(|text| format!("use {}", quoted("--set-string", &path, &text))),
        "B104" => {
            let is_section = problem.help.iter().any(|help| help.contains(": {}`"));
            Some(if is_section {
                format!(
                    "remove the argument, or use {} to keep the defaults",
                    quoted("--set-json", &path, "{}")
                )
            } else {
                "remove the argument".to_owned()
            })
        }
        "B103" if !layer.starts_with(SET) && problem.message.contains("number") => {
            text_of_number(&effective.json(), pointer)
                .map(|text| format!("use {}", quoted("--set-json", &path, &text)))
        }
        _ => None,
    };
    if let Some(help) = help {
        problem.help = vec![help];
    }
    problem
}

fn text_of_number(json: &Value, pointer: &str) -> Option<String> {
    let text = json.pointer(pointer)?.as_str()?;
    text.parse::<Number>().ok().map(|_| text.to_owned())
}

/// The layer of a value, or of the null that took it away.
fn layer<'a>(effective: &'a Effective, pointer: &str) -> Option<&'a str> {
    effective
        .deleted()
        .iter()
        .find(|deleted| deleted.pointer == pointer)
        .map(|deleted| &*deleted.location.layer)
        .or_else(|| effective.layer_of(pointer))
}

/// A flag with its argument as a shell takes it.
fn quoted(flag: &str, path: &str, value: &str) -> String {
    let argument = format!("{path}={value}");
    let is_safe =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '=' | ':' | '/');
    if argument.chars().all(is_safe) && flag != "--set-json" {
        format!("`{flag} {argument}`")
    } else {
        format!("`{flag} '{}'`", argument.replace('\'', "'\\''"))
    }
}
