//! What is wrong with a chart of a user's own that has the keys of the built-in one, rather than with the values over it.

use bench_yaml::{Node, ParseOptions, Source, dotted, parse, pointer_tokens};
use serde_json::Value;

use crate::chart::BUILT_IN;
use crate::problem::{Anchor, Problem};
use crate::scenario::catalog::DEFAULTS;
use crate::values::Effective;

/// A key that no null took away is missing in the chart itself.
pub(super) fn name_missing(problems: &mut [Problem], effective: &Effective) {
    let is_deleted = |pointer: &String| {
        let mut deleted = effective.deleted().iter();
        deleted.any(|deleted| deleted.pointer == *pointer)
    };
    for problem in problems.iter_mut().filter(|problem| problem.code == "B104") {
        if let Anchor::Key(pointer) = &problem.anchor
            && !is_deleted(pointer)
        {
            *problem = missing(pointer);
        }
    }
}

fn missing(pointer: &str) -> Problem {
    let message = format!("`{}` is missing in the chart's values", dotted(pointer));
    let problem = Problem::error("B104", Anchor::Nowhere, message);
    let key = pointer_tokens(pointer).last().unwrap_or_default();
    match built_in(pointer) {
        Some(Value::Object(section)) if !section.is_empty() => problem.help(
            "copy the section from the built-in chart: `benchctl init --chart DIR` writes it",
        ),
        Some(value) => problem.help(format!(
            "add `{key}: {value}`, as the built-in chart has it"
        )),
        None => problem.help(format!("add `{key}`")),
    }
}

/// What the built-in chart has at a pointer.
fn built_in(pointer: &str) -> Option<Value> {
    let parsed = parse(&Source::new(BUILT_IN, DEFAULTS), &ParseOptions::default());
    let defaults = parsed.documents.first().map(Node::to_json)?;
    defaults.pointer(pointer).cloned()
}
