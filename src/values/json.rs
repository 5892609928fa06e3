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
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let mut problem =
                Diagnostic::error(codes::JSON, format!("not a JSON value: {message}"))
                    .at(source, Span::new(at, at + 1).clip(&source.text));
            if !text.starts_with(['{', '[', '"']) {
                problem = problem.help("in JSON a text stands in double quotes: --set-json 'path=\"text\"'; or use --set");
            }
            problems.push(problem);
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

/// The byte of a line and column as serde_json counts them: columns are bytes, and the last one read.
fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column.saturating_sub(1)).min(text.len())
}
