//! Scalars that YAML 1.1 and 1.2 read differently: what to write instead, by what their keys take.

use bench_yaml::{Diagnostic, ParseOptions, Source, codes, dotted, parse, pointer_push};
use serde_json::Value;

use crate::diagnostics::located;
use crate::problem::{Anchor, Problem};

/// Gives the problem of each such scalar the advice that fits its key. A key that takes none of its readings has another
/// problem, which is said in its place. `is_at` tells whether a problem is about the value at a pointer, and `check` what
/// is wrong with values.
pub(crate) fn advise(
    problems: &mut [Diagnostic],
    values: &Value,
    is_at: &dyn Fn(&Diagnostic, &str) -> bool,
    check: &dyn Fn(&Value) -> Vec<Problem>,
) {
    let ambiguous = problems.iter_mut().filter(|p| p.code == codes::AMBIGUOUS);
    for problem in ambiguous {
        let is_it = |pointer: &str| {
            problem.path.as_deref() == Some(&*dotted(pointer)) && is_at(problem, pointer)
        };
        let Some(pointer) = scalar(values, "", &is_it) else {
            continue;
        };
        let wrong_with = |reading: &Value| {
            let mut values = values.clone();
            *values.pointer_mut(&pointer)? = reading.clone();
            let is_about_it = |found: &Problem| found.anchor == Anchor::Value(pointer.clone());
            check(&values).into_iter().find(is_about_it)
        };
        if let Some(advised) = advised(problem, &wrong_with) {
            *problem = advised;
        }
    }
}

/// The problem with other advice, where it needs any.
fn advised(
    problem: &Diagnostic,
    wrong_with: &dyn Fn(&Value) -> Option<Problem>,
) -> Option<Diagnostic> {
    let source = problem.source.as_ref()?;
    let text = source.slice(problem.span);
    let new = reading(text, &ParseOptions::default())?;
    let old = reading(text, &ParseOptions::lenient())?;
    if new == old {
        return None;
    }
    let takes_text = wrong_with(&text.into()).is_none();
    let others: Vec<String> = [&new, &old]
        .into_iter()
        .filter(|reading| !reading.is_string() && wrong_with(reading).is_none())
        .map(|reading| format!("`{reading}`"))
        .collect();
    let label = match (takes_text, others.as_slice()) {
        (true, []) => format!("quote it: \"{text}\""),
        (true, _) => return None,
        (false, []) => {
            let own = located(&wrong_with(&new)?, None);
            return Some(own.at(source, problem.span));
        }
        (false, others) => format!("write {}", others.join(" or ")),
    };
    let mut advised = problem.clone().label(label);
    advised.help.clear();
    Some(advised)
}

/// What a plain scalar means to a reader.
fn reading(text: &str, options: &ParseOptions) -> Option<Value> {
    let parsed = parse(&Source::new("", text), options);
    Some(parsed.documents.first()?.to_json())
}

/// The pointer of the scalar that is meant.
fn scalar(value: &Value, pointer: &str, is_it: &dyn Fn(&str) -> bool) -> Option<String> {
    let below = |key: &str, value: &Value| {
        let mut pointer = pointer.to_owned();
        pointer_push(&mut pointer, key);
        scalar(value, &pointer, is_it)
    };
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| below(key, value)),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| below(&index.to_string(), item))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            is_it(pointer).then(|| pointer.to_owned())
        }
    }
}
