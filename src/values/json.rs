//! JSON inside a command line argument.

use bench_yaml::{Diagnostic, Node, ParseOptions, Source, Span};
use serde_json::{Deserializer, Value as Json};

use super::codes;

/// Reads the JSON value at an offset. Gives the node, whose spans count from the offset, and the offset behind it.
///
/// serde_json says whether it is JSON and where it ends; the located tree comes from the YAML reader, JSON being YAML.
pub(crate) fn value_at(
    source: &Source,
    offset: usize,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Node, usize)> {
    let text = source.text.get(offset..).unwrap_or_default();
    let mut values = Deserializer::from_str(text).into_iter::<Json>();
    match values.next() {
        Some(Ok(_)) => {}
        Some(Err(error)) => {
            let at = offset + byte_of(text, error.line(), error.column());
            let (message, help) = explained(&error);
            let is_plain = !text.starts_with(['{', '[', '"']);
            problems.push(
                Diagnostic::error(codes::JSON, message)
                    .at(source, Span::new(at, at + 1).clip(&source.text))
                    .help(if is_plain { TEXT } else { help }),
            );
            return None;
        }
        None => return None,
    }
    let length = values.byte_offset();
    let slice = Source::argument(&*source.name, text.get(..length).unwrap_or_default());
    let parsed = bench_yaml::parse(&slice, &ParseOptions::default());
    problems.extend(parsed.problems.into_iter().map(|mut problem| {
        let shift = |span: Span| Span::new(span.start + offset, span.end + offset);
        problem.span = shift(problem.span);
        problem.source = Some(source.clone());
        for secondary in &mut problem.secondary {
            secondary.span = shift(secondary.span);
            secondary.source = source.clone();
        }
        problem
    }));
    parsed
        .documents
        .into_iter()
        .next()
        .map(|node| (node, offset + length))
}

const TEXT: &str =
    "in JSON a text stands in double quotes: --set-json 'path=\"text\"'; or use --set";

/// What is wrong with the JSON, and what helps.
fn explained(error: &serde_json::Error) -> (String, &'static str) {
    if error.is_eof() {
        let message = "the JSON value ends too early".to_owned();
        return (message, "close what is open: `\"`, `]` or `}`");
    }
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let help = match said {
        "key must be a string" => "put the key into double quotes",
        "trailing comma" => "remove the comma",
        "invalid escape" => "write a backslash as `\\\\`",
        "invalid number" | "number out of range" => "write it in digits, without a leading zero",
        "expected value" => TEXT,
        _ => "correct it, or use --set",
    };
    let message = match said {
        "expected value" => "this is no JSON value".to_owned(),
        other => format!("this is no JSON: {other}"),
    };
    (message, help)
}

/// The byte of a line and column as serde_json counts them: columns are bytes, and the last one read.
fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column.saturating_sub(1)).min(text.len())
}
