//! Explicit tags (`!!str`, `!!int`, …): what JSON can hold, and nothing else.

use granit_parser::Tag;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::node::Value;
use crate::scalar::{Reading, core};
use crate::source::{Source, Span};

/// The problem of a list's or mapping's tag, if it has one that is not its own (`seq`, `map`).
pub(crate) fn collection(
    source: &Source,
    tag: Option<&Tag>,
    own: &str,
    span: Span,
) -> Option<Diagnostic> {
    let tag = tag?;
    let fits = tag.is_yaml_core_schema_tag(own) || is_non_specific(tag);
    (!fits).then(|| unsupported(source, tag, span))
}

/// The value of a quoted or tagged scalar.
pub(crate) fn scalar(
    source: &Source,
    text: &str,
    tag: Option<&Tag>,
    span: Span,
) -> (Value, Option<Diagnostic>) {
    let string = || Value::String(text.to_owned());
    let Some(tag) = tag else {
        return (string(), None);
    };
    if is_non_specific(tag) || tag.is_yaml_core_schema_tag("str") {
        return (string(), None);
    }
    let reading = core(text);
    let is_integer = matches!(reading, Reading::Int(_) | Reading::UInt(_));
    let fits = match tag.core_suffix() {
        Some("null") => reading == Reading::Null,
        Some("bool") => matches!(reading, Reading::Bool(_)),
        Some("int") => is_integer,
        Some("float") => is_integer || matches!(reading, Reading::Float(_)),
        _ => return (string(), Some(unsupported(source, tag, span))),
    };
    let problem = (!fits).then(|| {
        let message = format!("`{text}` does not fit its tag `{}`", tag.original());
        Diagnostic::error(codes::TAG, message)
            .at(source, span)
            .label(format!("this is {}", reading.describe()))
    });
    (reading.into_value(text), problem)
}

fn unsupported(source: &Source, tag: &Tag, span: Span) -> Diagnostic {
    Diagnostic::error(
        codes::TAG,
        format!("tag `{}` is not supported", tag.original()),
    )
    .at(source, span)
    .label("the value under the tag")
    .note("values are what JSON can hold: !!str, !!int, !!float, !!bool, !!null, !!seq, !!map")
}

/// `!`: "take it as it is written", which for a scalar is a string.
fn is_non_specific(tag: &Tag) -> bool {
    tag.original() == "!"
}
